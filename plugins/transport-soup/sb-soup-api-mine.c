/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-api-mine: `/api/v1/me/…`: what every user sees of its own messages and files. */

#include "sb-soup-api.h"

#include <string.h>

/* --- GET /api/v1/me/deliveries --- */

#define IN                                                                           \
  (1u << SB_DELIVERY_PENDING | 1u << SB_DELIVERY_PARKED | 1u << SB_DELIVERY_NOTIFIED \
   | 1u << SB_DELIVERY_DEAD)

/* What is scheduled is not yet the recipient's. */
#define OUT (IN | 1u << SB_DELIVERY_SCHEDULED)

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) deliveries = NULL;
  g_autofree char *next = NULL;

  deliveries = sb_bus_list_deliveries_finish (SB_BUS (source), result, &next, &error);
  if (deliveries != NULL)
    sb_api_answer_deliveries (request, deliveries, next);
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_api_list_my_deliveries:
 * @request: `GET /api/v1/me/deliveries`
 * @name: %NULL
 *
 * Lists what waits for who asks, or what it has sent and others have yet to confirm.
 */
void
sb_api_list_my_deliveries (SbRequest *request, const char *name)
{
  const char *direction = sb_api_get_parameter (request, "direction");
  SbDeliveryFilter in = { .recipient = request->user->key, .states = IN };
  SbDeliveryFilter out = { .sender_key = request->user->key, .states = OUT };
  gboolean is_out = g_strcmp0 (direction, "out") == 0;
  guint limit;

  if (direction != NULL && !is_out && strcmp (direction, "in") != 0)
    {
      sb_request_problem (request, 400, "invalid", "direction is in or out");
      return;
    }
  if (sb_api_get_limit (request, &limit))
    sb_bus_list_deliveries_async (request->transport->bus, is_out ? &out : &in,
                                  sb_api_get_parameter (request, "after"), limit, listed_cb,
                                  sb_request_ref (request));
}

/* --- GET /api/v1/me/deliveries/<delivery>/message --- */

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessage) message = sb_bus_read_own_message_finish (SB_BUS (source), result, &error);
  gsize length;
  const char *data;

  if (message == NULL)
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  data = g_bytes_get_data (message->body, &length);
  sb_request_answer_json (request, 200, g_string_new_len (data, (gssize) length));
}

/**
 * sb_api_show_my_message:
 * @request: `GET /api/v1/me/deliveries/<delivery>/message`
 * @name: of the delivery
 *
 * Shows a message to its recipient or its sender.
 */
void
sb_api_show_my_message (SbRequest *request, const char *name)
{
  g_autoptr (GError) error = NULL;
  gint64 recipient;
  const char *id;

  if (sb_delivery_name_parse (name, &recipient, &id, &error))
    sb_bus_read_own_message_async (request->transport->bus, request->user, recipient, id, read_cb,
                                   sb_request_ref (request));
  else
    sb_request_fail (request, error, NULL);
}

/* --- GET /api/v1/me/files --- */

static void
files_listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) files = NULL;
  g_autofree char *next = NULL;
  GString *json;

  files = sb_bus_list_files_finish (SB_BUS (source), result, &next, &error);
  if (files == NULL)
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  json = sb_api_begin_page ("files");
  for (guint i = 0; i < files->len; i++)
    {
      sb_json_begin (json, NULL, '{');
      sb_api_add_file (json, ((const SbFileView *) g_ptr_array_index (files, i))->info);
      sb_json_end (json, '}');
    }
  sb_api_answer_page (request, json, next);
}

/**
 * sb_api_list_my_files:
 * @request: `GET /api/v1/me/files`
 * @name: %NULL
 *
 * Lists the files that who asks has yet to fetch. Who else has is not said.
 */
void
sb_api_list_my_files (SbRequest *request, const char *name)
{
  const char *after = sb_api_get_parameter (request, "after");
  SbFileFilter filter = { .recipient = request->user->key };
  guint limit;

  if (sb_api_get_limit (request, &limit) && sb_api_check_file_place (request, after))
    sb_bus_list_files_async (request->transport->bus, &filter, after, limit, files_listed_cb,
                             sb_request_ref (request));
}

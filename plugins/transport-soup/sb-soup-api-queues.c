/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-api-queues: `/api/v1/queues`: what waits for whom, and who is paused. */

#include "sb-soup-api.h"
#include "sb-soup-header.h"

#include <string.h>

#define U64 "%" G_GUINT64_FORMAT

static const char *
to_text (gboolean value)
{
  return value ? "true" : "false";
}

/* @in_full: with all the failures that are known, not only the last one. */
static void
append_outbound (GString *json, const SbOutboundInfo *outbound, gboolean in_full)
{
  g_autofree char *last = NULL;

  if (outbound == NULL)
    {
      g_string_append (json, "null");
      return;
    }
  last = sb_attempt_log_dup_last (outbound->failures);
  g_string_append (json, "{\"type\":");
  sb_api_append_text (json, outbound->type);
  g_string_append_printf (json,
                          ",\"state\":\"%s\",\"retry_in\":%" G_GINT64_FORMAT ",\"confirmed\":" U64
                          ",\"failed\":" U64 ",\"last_failure\":%s,\"fault\":",
                          outbound->state, outbound->retry_in, outbound->n_confirmed,
                          outbound->n_failed, last != NULL ? last : "null");
  sb_api_append_text (json, outbound->fault);
  if (in_full)
    {
      g_string_append (json, ",\"failures\":");
      sb_attempt_log_append_json (json, outbound->failures);
    }
  g_string_append_c (json, '}');
}

static void
append_queue (GString *json, const SbRecipientInfo *queue, gboolean in_full)
{
  const SbBacklog *backlog = &queue->backlog;

  g_string_append (json, "{\"_id\":");
  sb_json_append_string (json, queue->id);
  g_string_append_printf (
      json, ",\"key\":\"%" G_GINT64_FORMAT "\",\"gone\":%s,\"online\":%s,\"paused\":%s", queue->key,
      to_text (queue->gone), to_text (queue->online), to_text (queue->paused));
  g_string_append_printf (json,
                          ",\"waiting\":" U64 ",\"scheduled\":" U64 ",\"parked\":" U64
                          ",\"in_flight\":%u,\"dead\":" U64 ",\"bytes\":" U64 ",\"oldest\":",
                          backlog->waiting, backlog->scheduled, backlog->parked, queue->in_flight,
                          backlog->dead, backlog->bytes);
  sb_api_append_time (json, backlog->oldest);
  g_string_append (json, ",\"outbound\":");
  append_outbound (json, queue->outbound, in_full);
  g_string_append_c (json, '}');
}

/**
 * sb_api_add_backlog:
 * @json: an object that is being written
 * @backlog: what waits for somebody
 *
 * Adds the numbers of a queue.
 */
void
sb_api_add_backlog (GString *json, const SbBacklog *backlog)
{
  sb_json_add_integer (json, "waiting", (gint64) backlog->waiting);
  sb_json_add_integer (json, "scheduled", (gint64) backlog->scheduled);
  sb_json_add_integer (json, "parked", (gint64) backlog->parked);
  sb_json_add_integer (json, "dead", (gint64) backlog->dead);
  sb_json_add_integer (json, "bytes", (gint64) backlog->bytes);
  sb_json_add_time (json, "oldest", backlog->oldest);
}

/* --- GET /api/v1/queues --- */

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) queues = NULL;
  g_autofree char *next = NULL;
  gint64 after;
  GString *json;

  queues = sb_bus_list_queues_finish (SB_BUS (source), result, &after, &error);
  if (queues == NULL)
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  json = sb_api_begin_page ("queues");
  for (guint i = 0; i < queues->len; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      append_queue (json, g_ptr_array_index (queues, i), FALSE);
    }
  if (after > 0)
    next = g_strdup_printf ("%" G_GINT64_FORMAT, after);
  sb_api_answer_page (request, json, next);
}

/* FALSE when it was answered. */
static gboolean
get_order (SbRequest *request, gboolean *by_backlog)
{
  const char *order = sb_api_get_parameter (request, "order");

  *by_backlog = g_strcmp0 (order, "backlog") == 0;
  if ((order == NULL || *by_backlog || strcmp (order, "key") == 0)
      && !(*by_backlog && sb_api_get_parameter (request, "after") != NULL))
    return TRUE;
  sb_request_problem (request, 400, "invalid",
                      "order is key, or backlog, which has one page only and no after");
  return FALSE;
}

/**
 * sb_api_list_queues:
 * @request: `GET /api/v1/queues`
 * @name: %NULL
 *
 * Lists recipients for which something waits or has died.
 */
void
sb_api_list_queues (SbRequest *request, const char *name)
{
  g_autoptr (GError) error = NULL;
  gboolean by_backlog;
  gint64 after = 0;
  guint limit;

  if (!get_order (request, &by_backlog) || !sb_api_get_limit (request, &limit))
    return;
  if (by_backlog)
    sb_bus_list_largest_queues_async (request->transport->bus, limit, listed_cb,
                                      sb_request_ref (request));
  else if (sb_query_get_integer (request->query, "after", 0, G_MAXINT64, &after, &error))
    sb_bus_list_queues_async (request->transport->bus, after, limit, listed_cb,
                              sb_request_ref (request));
  else
    sb_request_fail (request, error, NULL);
}

/* --- GET /api/v1/queues/<user> --- */

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbRecipientInfo) queue = NULL;
  GString *json;

  queue = sb_bus_look_at_queue_finish (SB_BUS (source), result, &error);
  if (queue == NULL)
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  json = g_string_new (NULL);
  append_queue (json, queue, TRUE);
  sb_request_answer_json (request, 200, json);
}

/**
 * sb_api_show_queue:
 * @request: `GET /api/v1/queues/<user>`
 * @name: the user's id
 *
 * Shows one queue, also an empty one.
 */
void
sb_api_show_queue (SbRequest *request, const char *name)
{
  SbUser *user = sb_api_find_user (request, name);

  if (user != NULL)
    sb_bus_look_at_queue_async (request->transport->bus, user, looked_cb, sb_request_ref (request));
}

/* --- POST /api/v1/queues/<user>/pause and resume --- */

static void
answer_set (SbRequest *request, SbAccounts *accounts, GAsyncResult *result, gboolean paused)
{
  g_autoptr (GError) error = NULL;

  if (sb_accounts_set_paused_finish (accounts, result, &error))
    sb_request_answer_json (request, 200,
                            g_string_new (paused ? "{\"paused\":true}" : "{\"paused\":false}"));
  else
    sb_request_fail (request, error, NULL);
}

static void
paused_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;

  answer_set (request, SB_ACCOUNTS (source), result, TRUE);
}

static void
resumed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;

  answer_set (request, SB_ACCOUNTS (source), result, FALSE);
}

/**
 * sb_api_pause:
 * @request: `POST /api/v1/queues/<user>/pause`
 * @name: the user's id
 *
 * Lets what the user is sent wait, over restarts.
 */
void
sb_api_pause (SbRequest *request, const char *name)
{
  sb_accounts_set_paused_async (request->transport->accounts, request->user, name, TRUE, paused_cb,
                                sb_request_ref (request));
}

/**
 * sb_api_resume:
 * @request: `POST /api/v1/queues/<user>/resume`
 * @name: the user's id
 *
 * Delivers again.
 */
void
sb_api_resume (SbRequest *request, const char *name)
{
  sb_accounts_set_paused_async (request->transport->accounts, request->user, name, FALSE,
                                resumed_cb, sb_request_ref (request));
}

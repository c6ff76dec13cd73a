/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-api-deliveries: `/api/v1/deliveries`: what waits or died, and what is done about it. */

#include "sb-soup-api.h"
#include "sb-soup-header.h"

#include <string.h>

/* --- GET /api/v1/deliveries --- */

static void
append_name (GString *json, gint64 recipient, const char *id)
{
  g_autofree char *name = sb_delivery_name_make (recipient, id);

  sb_json_append_string (json, name);
}

static void
append_info (GString *json, const SbDeliveryInfo *info)
{
  g_string_append (json, "{\"delivery\":");
  append_name (json, info->recipient, info->id);
  g_string_append (json, ",\"_id\":");
  sb_json_append_string (json, info->id);
  g_string_append (json, ",\"sender\":");
  sb_json_append_string (json, info->sender);
  g_string_append (json, ",\"recipient\":");
  sb_json_append_string (json, info->recipient_id);
  g_string_append_printf (
      json, ",\"state\":\"%s\",\"reason\":", sb_delivery_state_to_string (info->state));
  sb_api_append_text (json, sb_reason_to_string (info->reason));
  g_string_append_printf (json, ",\"attempts\":%u,\"size\":%" G_GSIZE_FORMAT ",\"accepted\":",
                          info->attempts, info->size);
  sb_api_append_time (json, info->accepted);
  g_string_append (json, ",\"since\":");
  sb_api_append_time (json, info->since);
  g_string_append (json, ",\"due\":");
  sb_api_append_time (json, info->due);
  g_string_append_c (json, '}');
}

/**
 * sb_api_answer_deliveries:
 * @request: a request
 * @deliveries: (element-type SbDeliveryInfo): a page
 * @next: (nullable): where the next one begins
 */
void
sb_api_answer_deliveries (SbRequest *request, GPtrArray *deliveries, const char *next)
{
  GString *json = sb_api_begin_page ("deliveries");

  for (guint i = 0; i < deliveries->len; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      append_info (json, g_ptr_array_index (deliveries, i));
    }
  sb_api_answer_page (request, json, next);
}

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

static gboolean
parse_states (const char *text, guint *states)
{
  static const SbDeliveryState known[] = { SB_DELIVERY_PENDING, SB_DELIVERY_SCHEDULED,
                                           SB_DELIVERY_PARKED, SB_DELIVERY_DEAD };
  g_auto (GStrv) words = g_strsplit (text != NULL ? text : "pending,scheduled,parked,dead", ",", 8);

  *states = 0;
  for (char **word = words; *word != NULL; word++)
    {
      guint state = 0;

      for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
        if (strcmp (*word, sb_delivery_state_to_string (known[i])) == 0)
          state = 1u << known[i];
      if (state == 0)
        return FALSE;
      *states |= state;
    }
  return *states != 0;
}

/* FALSE when it was answered. */
static gboolean
get_filter (SbRequest *request, SbDeliveryFilter *filter)
{
  g_autoptr (GError) error = NULL;

  if (!parse_states (sb_api_get_parameter (request, "state"), &filter->states))
    g_set_error_literal (&error, SB_ERROR, SB_ERROR_INVALID,
                         "state is a list of pending, scheduled, parked and dead");
  else if (sb_api_get_parameter (request, "recipient") != NULL
           && sb_api_get_parameter (request, "key") != NULL)
    g_set_error_literal (&error, SB_ERROR, SB_ERROR_INVALID,
                         "recipient and key name the same: give one of them");
  else
    sb_query_get_integer (request->query, "key", 1, G_MAXINT64, &filter->recipient, &error);
  if (error == NULL)
    return sb_api_get_user_key (request, "recipient", &filter->recipient)
           && sb_api_get_user_key (request, "sender", &filter->sender_key);
  sb_request_fail (request, error, NULL);
  return FALSE;
}

/**
 * sb_api_list_deliveries:
 * @request: `GET /api/v1/deliveries`
 * @name: %NULL
 *
 * Lists deliveries that have not ended.
 */
void
sb_api_list_deliveries (SbRequest *request, const char *name)
{
  SbDeliveryFilter filter = { 0 };
  guint limit;

  if (sb_api_get_limit (request, &limit) && get_filter (request, &filter))
    sb_bus_list_deliveries_async (request->transport->bus, &filter,
                                  sb_api_get_parameter (request, "after"), limit, listed_cb,
                                  sb_request_ref (request));
}

/* --- GET /api/v1/deliveries/<delivery> --- */

static GString *
print_details (const SbDeliveryDetails *details)
{
  const SbMessageStatus *message = details->message;
  const SbDeliveryStatus *delivery = details->delivery;
  SbDeliveryInfo info = {
    .id = message->id,
    .sender = message->sender,
    .recipient_id = delivery->recipient,
    .recipient = delivery->recipient_key,
    .state = delivery->state,
    .reason = delivery->reason,
    .attempts = delivery->attempts,
    .size = (gsize) MAX (details->size, 0),
    .accepted = message->accepted,
    .since = delivery->since,
    .due = delivery->due,
  };
  GString *json = g_string_new (NULL);

  append_info (json, &info);
  g_string_truncate (json, json->len - 1);
  g_string_append_printf (
      json, ",\"has_message\":%s,\"not_before\":", details->size >= 0 ? "true" : "false");
  sb_api_append_time (json, message->not_before);
  g_string_append (json, ",\"deadline\":");
  sb_api_append_time (json, message->deadline);
  g_string_append (json, ",\"log\":");
  sb_attempt_log_append_json (json, delivery->log);
  g_string_append_c (json, '}');
  return json;
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbDeliveryDetails) details = NULL;

  details = sb_bus_look_at_delivery_finish (SB_BUS (source), result, &error);
  if (details != NULL)
    sb_request_answer_json (request, 200, print_details (details));
  else
    sb_request_fail (request, error, NULL);
}

/* FALSE when it was answered. */
static gboolean
parse_name (SbRequest *request, const char *name, gint64 *recipient, const char **id)
{
  g_autoptr (GError) error = NULL;

  if (sb_delivery_name_parse (name, recipient, id, &error))
    return TRUE;
  sb_request_fail (request, error, NULL);
  return FALSE;
}

/**
 * sb_api_show_delivery:
 * @request: `GET /api/v1/deliveries/<delivery>`
 * @name: of the delivery
 *
 * Shows one delivery, as long as its message is remembered.
 */
void
sb_api_show_delivery (SbRequest *request, const char *name)
{
  gint64 recipient;
  const char *id;

  if (parse_name (request, name, &recipient, &id))
    sb_bus_look_at_delivery_async (request->transport->bus, recipient, id, looked_cb,
                                   sb_request_ref (request));
}

/* --- GET /api/v1/deliveries/<delivery>/message --- */

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessage) message = sb_bus_read_message_finish (SB_BUS (source), result, &error);
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
 * sb_api_show_message:
 * @request: `GET /api/v1/deliveries/<delivery>/message`
 * @name: of the delivery
 *
 * Shows what the recipient gets, byte for byte. That somebody looked is logged.
 */
void
sb_api_show_message (SbRequest *request, const char *name)
{
  gint64 recipient;
  const char *id;

  if (parse_name (request, name, &recipient, &id))
    sb_bus_read_message_async (request->transport->bus, request->user, recipient, id, read_cb,
                               sb_request_ref (request));
}

/* --- POST /api/v1/deliveries/<delivery>/requeue, drop and move --- */

static void
requeued_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;

  if (sb_bus_requeue_finish (SB_BUS (source), result, &error))
    sb_request_answer_json (request, 200, g_string_new ("{\"state\":\"pending\"}"));
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_api_requeue:
 * @request: `POST /api/v1/deliveries/<delivery>/requeue`
 * @name: of the delivery
 *
 * Puts it at the end of its queue.
 */
void
sb_api_requeue (SbRequest *request, const char *name)
{
  gint64 recipient;
  const char *id;

  if (parse_name (request, name, &recipient, &id))
    sb_bus_requeue_async (request->transport->bus, request->user, recipient, id, requeued_cb,
                          sb_request_ref (request));
}

static void
dropped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;

  if (sb_bus_drop_finish (SB_BUS (source), result, &error))
    sb_request_answer_json (request, 200, g_string_new ("{\"state\":\"dropped\"}"));
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_api_drop:
 * @request: `POST /api/v1/deliveries/<delivery>/drop`
 * @name: of the delivery
 *
 * Lets go of it.
 */
void
sb_api_drop (SbRequest *request, const char *name)
{
  gint64 recipient;
  const char *id;

  if (parse_name (request, name, &recipient, &id))
    sb_bus_drop_async (request->transport->bus, request->user, recipient, id, dropped_cb,
                       sb_request_ref (request));
}

typedef struct
{
  SbRequest *request; /* (owned) */
  char *id;           /* (owned) */
} Move;

static void
move_free (Move *self)
{
  sb_request_unref (self->request);
  g_free (self->id);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Move, move_free)

static void
moved_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Move) move = user_data;
  g_autoptr (GError) error = NULL;
  gint64 recipient;
  GString *json;

  if (!sb_bus_move_finish (SB_BUS (source), result, &recipient, &error))
    {
      sb_request_fail (move->request, error, NULL);
      return;
    }
  json = g_string_new ("{\"delivery\":");
  append_name (json, recipient, move->id);
  g_string_append (json, ",\"state\":\"pending\"}");
  sb_request_answer_json (move->request, 200, json);
}

/**
 * sb_api_move:
 * @request: `POST /api/v1/deliveries/<delivery>/move`
 * @name: of the delivery
 *
 * Gives it to another user.
 */
void
sb_api_move (SbRequest *request, const char *name)
{
  static const char *const members[] = { "to", NULL };
  g_autoptr (JsonNode) body = NULL;
  gint64 recipient;
  const char *id, *to;
  Move *move;

  if (!parse_name (request, name, &recipient, &id))
    return;
  body = sb_api_parse_body (request, members);
  if (body == NULL)
    return;
  to = sb_api_get_string (body, "to");
  if (to == NULL)
    {
      sb_request_problem (request, 400, "invalid", "\"to\" is not the id of a user");
      return;
    }
  move = g_new (Move, 1);
  move->request = sb_request_ref (request);
  move->id = g_strdup (id);
  sb_bus_move_async (request->transport->bus, request->user, recipient, id, to, moved_cb, move);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-api-bulk: many deliveries requeued, dropped or moved with one request.
 *
 * All are given to the journal at once, which commits them together. Each is done or left for a
 * reason of its own; the answer comes when the last one is decided.
 */

#include "sb-soup-api.h"

#define MAX_DELIVERIES 1000

typedef void (*StartFunc) (SbBus *bus, SbUser *actor, gint64 recipient, const char *id,
                           const char *to, GAsyncReadyCallback callback, gpointer user_data);
typedef gboolean (*FinishFunc) (SbBus *bus, GAsyncResult *result, GError **error);

typedef struct
{
  SbRequest *request; /* (owned) */
  FinishFunc finish;
  GPtrArray *names;   /* (owned) of strings (owned) */
  GPtrArray *details; /* (owned) of strings (owned) (nullable): why one was left */
  guint n_open;
} Bulk;

typedef struct
{
  Bulk *bulk; /* (borrowed): lives as long as one of its deliveries is open */
  guint index;
} One;

static void
bulk_free (Bulk *self)
{
  sb_request_unref (self->request);
  g_ptr_array_unref (self->names);
  g_ptr_array_unref (self->details);
  g_free (self);
}

static void
answer (Bulk *self)
{
  GString *json = g_string_sized_new (64 * (gsize) self->names->len + 32);

  sb_json_begin (json, NULL, '{');
  sb_json_begin (json, "results", '[');
  for (guint i = 0; i < self->names->len; i++)
    {
      const char *detail = g_ptr_array_index (self->details, i);

      sb_json_begin (json, NULL, '{');
      sb_json_add_string (json, "delivery", g_ptr_array_index (self->names, i));
      sb_json_add_boolean (json, "ok", detail == NULL);
      if (detail != NULL)
        sb_json_add_string (json, "detail", detail);
      sb_json_end (json, '}');
    }
  sb_json_end (json, ']');
  sb_json_end (json, '}');
  sb_request_answer_json (self->request, 200, json);
}

/* One is decided. */
static void
end_one (Bulk *self)
{
  if (--self->n_open > 0)
    return;
  answer (self);
  bulk_free (self);
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree One *one = user_data;
  Bulk *bulk = one->bulk;
  g_autoptr (GError) error = NULL;

  if (!bulk->finish (SB_BUS (source), result, &error))
    bulk->details->pdata[one->index] = g_strdup (error->message);
  end_one (bulk);
}

static void
start_all (Bulk *self, StartFunc start, const char *to)
{
  SbBus *bus = self->request->transport->bus;

  /* What is decided at once must not end it. */
  self->n_open = 1;
  for (guint i = 0; i < self->names->len; i++)
    {
      g_autoptr (GError) error = NULL;
      gint64 recipient;
      const char *id;
      One *one;

      if (!sb_delivery_name_parse (g_ptr_array_index (self->names, i), &recipient, &id, &error))
        {
          self->details->pdata[i] = g_strdup (error->message);
          continue;
        }
      one = g_new (One, 1);
      one->bulk = self;
      one->index = i;
      self->n_open++;
      start (bus, self->request->user, recipient, id, to, done_cb, one);
    }
  end_one (self);
}

/* Returns: (transfer full) (nullable): the names; %NULL when it was answered */
static GPtrArray *
get_names (SbRequest *request, JsonNode *body)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  JsonNode *member = json_object_get_member (json_node_get_object (body), "deliveries");
  JsonArray *array = member != NULL && JSON_NODE_HOLDS_ARRAY (member) ? json_node_get_array (member)
                                                                      : NULL;
  guint n = array != NULL ? json_array_get_length (array) : 0;

  for (guint i = 0; n <= MAX_DELIVERIES && i < n; i++)
    {
      JsonNode *name = json_array_get_element (array, i);

      if (json_node_get_value_type (name) != G_TYPE_STRING)
        break;
      g_ptr_array_add (names, g_strdup (json_node_get_string (name)));
    }
  if (n > 0 && names->len == n)
    return g_steal_pointer (&names);
  sb_request_problem (
      request, 400, "invalid",
      "\"deliveries\" is needed, a list of 1 to " G_STRINGIFY (MAX_DELIVERIES) " names");
  return NULL;
}

static void
run (SbRequest *request, JsonNode *body, StartFunc start, FinishFunc finish, const char *to)
{
  g_autoptr (GPtrArray) names = get_names (request, body);
  Bulk *bulk;

  if (names == NULL)
    return;
  if (sb_bus_is_congested (request->transport->bus))
    {
      sb_request_problem (request, 503, "busy", "Too much waits for the disk; try again");
      return;
    }
  bulk = g_new0 (Bulk, 1);
  bulk->request = sb_request_ref (request);
  bulk->finish = finish;
  bulk->details = g_ptr_array_new_full (names->len, g_free);
  g_ptr_array_set_size (bulk->details, (int) names->len);
  bulk->names = g_steal_pointer (&names);
  start_all (bulk, start, to);
}

static void
start_requeue (SbBus *bus, SbUser *actor, gint64 recipient, const char *id, const char *to,
               GAsyncReadyCallback callback, gpointer user_data)
{
  sb_bus_requeue_async (bus, actor, recipient, id, callback, user_data);
}

static void
start_drop (SbBus *bus, SbUser *actor, gint64 recipient, const char *id, const char *to,
            GAsyncReadyCallback callback, gpointer user_data)
{
  sb_bus_drop_async (bus, actor, recipient, id, callback, user_data);
}

static gboolean
finish_move (SbBus *bus, GAsyncResult *result, GError **error)
{
  gint64 recipient;

  return sb_bus_move_finish (bus, result, &recipient, error);
}

static void
run_plain (SbRequest *request, StartFunc start, FinishFunc finish)
{
  static const char *const members[] = { "deliveries", NULL };
  g_autoptr (JsonNode) body = sb_api_parse_body (request, members);

  if (body != NULL)
    run (request, body, start, finish, NULL);
}

/**
 * sb_api_requeue_many:
 * @request: `POST /api/v1/deliveries/requeue`
 * @name: %NULL
 *
 * Puts deliveries at the end of their queues.
 */
void
sb_api_requeue_many (SbRequest *request, const char *name)
{
  run_plain (request, start_requeue, sb_bus_requeue_finish);
}

/**
 * sb_api_drop_many:
 * @request: `POST /api/v1/deliveries/drop`
 * @name: %NULL
 *
 * Lets go of deliveries.
 */
void
sb_api_drop_many (SbRequest *request, const char *name)
{
  run_plain (request, start_drop, sb_bus_drop_finish);
}

/**
 * sb_api_move_many:
 * @request: `POST /api/v1/deliveries/move`
 * @name: %NULL
 *
 * Gives deliveries to another user.
 */
void
sb_api_move_many (SbRequest *request, const char *name)
{
  static const char *const members[] = { "deliveries", "to", NULL };
  g_autoptr (JsonNode) body = sb_api_parse_body (request, members);
  const char *to = body != NULL ? sb_api_get_string (body, "to") : NULL;

  if (body == NULL)
    return;
  if (to == NULL)
    sb_request_problem (request, 400, "invalid", "\"to\" is not the id of a user");
  else if (sb_api_find_user (request, to) != NULL)
    run (request, body, sb_bus_move_async, finish_move, to);
}

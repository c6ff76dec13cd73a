/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-follow: `/api/v1/messages/<_id>/events`: receipts as they arrive.
 *
 * The bus says when something became of a message that is followed; its status is then read anew,
 * a few times a second at most, and more rarely the more recipients make it long to print. What
 * the bus does not tell of (a recipient was removed) is seen within seconds.
 */

#include "sb-soup-api.h"
#include "sb-soup-sse.h"

#include <string.h>

/* A status of more is megabytes, again and again. */
#define MAX_RECIPIENTS 10000

#define MAX_PER_USER 16

/* Without a word from the bus. */
#define LOOK_ANYWAY (5 * G_USEC_PER_SEC)

/* Of the time, this part at most goes into one stream. */
#define SHARE 50

/* The last frame has this for its number: who comes again with it need not come. */
#define LAST_ID "end"

/* A message that is followed. */
typedef struct
{
  char *id; /* (owned) */
  guint n_streams;
  guint n_changes;
} Followed;

typedef struct
{
  SbSse base;
  Followed *followed; /* (borrowed) of the table */
  guint seen;         /* how many of its changes were */
  gint64 next_look;   /* monotonic: not before */
  gint64 last_look;
  guint hash;   /* of the last document … */
  gsize length; /* … and its bytes; 0: there is none yet */
  gboolean is_reading;
  gboolean is_gone; /* the one that reads frees it */
} Follow;

/* A request whose status is being read. */
typedef struct
{
  SbRequest *request; /* (owned) */
  char *id;           /* (owned) */
} Opening;

static void
opening_free (Opening *self)
{
  sb_request_unref (self->request);
  g_free (self->id);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Opening, opening_free)

/* --- What is followed --- */

static void
flow_cb (const SbFlow *flow, gpointer user_data)
{
  const SbSoupTransport *transport = user_data;
  Followed *followed;

  if (flow->id == NULL)
    return;
  followed = g_hash_table_lookup (transport->followed, flow->id);
  if (followed != NULL)
    followed->n_changes++;
}

static void
followed_free (Followed *self)
{
  g_free (self->id);
  g_free (self);
}

static Followed *
take_followed (SbSoupTransport *transport, const char *id)
{
  Followed *followed;

  if (transport->followed == NULL)
    {
      transport->followed = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                                   (GDestroyNotify) followed_free);
      sb_bus_watch_flow (transport->bus, flow_cb, transport);
    }
  followed = g_hash_table_lookup (transport->followed, id);
  if (followed == NULL)
    {
      followed = g_new0 (Followed, 1);
      followed->id = g_strdup (id);
      g_hash_table_insert (transport->followed, followed->id, followed);
    }
  followed->n_streams++;
  return followed;
}

static void
leave_followed (SbSoupTransport *transport, Followed *followed)
{
  if (--followed->n_streams > 0)
    return;
  g_hash_table_remove (transport->followed, followed->id);
  if (g_hash_table_size (transport->followed) > 0)
    return;
  sb_bus_unwatch_flow (transport->bus, flow_cb, transport);
  g_clear_pointer (&transport->followed, g_hash_table_unref);
}

/* --- A stream --- */

static void
follow_free (SbSse *base)
{
  Follow *self = (Follow *) base;

  leave_followed (base->transport, self->followed);
  sb_sse_clear (base);
  self->is_gone = TRUE;
  if (!self->is_reading)
    g_free (self);
}

static gboolean
has_ended (const SbMessageStatus *status)
{
  for (guint i = 0; i < status->deliveries->len; i++)
    if (!sb_delivery_state_has_ended (
            ((const SbDeliveryStatus *) g_ptr_array_index (status->deliveries, i))->state))
      return FALSE;
  return TRUE;
}

/* Who may see it is asked at each frame: an admin may be none any more. The sender stays it. */
static gboolean
may_see (SbSse *base, const SbUser *user)
{
  return user->admin || !base->user->admin;
}

static void
send_status (Follow *self, const SbMessageStatus *status)
{
  g_autoptr (GString) json = sb_status_print (status);
  g_autoptr (GString) frame = NULL;
  gboolean is_last = has_ended (status);
  guint hash = g_str_hash (json->str);

  if (hash == self->hash && json->len == self->length && !is_last)
    return;
  self->hash = hash;
  self->length = json->len;
  frame = g_string_sized_new (json->len + 64);
  if (is_last)
    g_string_append (frame, "id: " LAST_ID "\n");
  g_string_append (frame, "event: status\ndata: ");
  g_string_append_len (frame, json->str, (gssize) json->len);
  g_string_append (frame, "\n\n");
  sb_sse_write (&self->base, frame->str, frame->len);
  if (is_last)
    sb_sse_end (&self->base, "ended");
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Follow *self = user_data;
  gint64 began = g_get_monotonic_time ();
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) status = sb_bus_status_finish (SB_BUS (source), result, &error);

  self->is_reading = FALSE;
  if (self->is_gone)
    g_free (self);
  else if (status != NULL)
    {
      self->next_look = began + SHARE * (g_get_monotonic_time () - began);
      send_status (self, status);
    }
  else if (g_error_matches (error, SB_ERROR, SB_ERROR_NOT_FOUND))
    sb_sse_end (&self->base, "forgotten");
  else if (g_error_matches (error, SB_ERROR, SB_ERROR_FORBIDDEN))
    sb_sse_end (&self->base, "forbidden");
}

static void
look (Follow *self, gint64 now)
{
  self->seen = self->followed->n_changes;
  self->last_look = now;
  self->is_reading = TRUE;
  sb_bus_status_async (self->base.transport->bus, self->base.user, self->followed->id, looked_cb,
                       self);
}

static void
flush (SbSse *base, gint64 now)
{
  Follow *self = (Follow *) base;
  gboolean is_due = self->seen != self->followed->n_changes || now - self->last_look >= LOOK_ANYWAY;

  if (is_due && !self->is_reading && now >= self->next_look)
    look (self, now);
}

static void
tick (SbSse *base, gint64 now)
{
}

static const SbSseFuncs funcs = { may_see, tick, flush, follow_free };

/* --- Opening --- */

static gboolean
check_size (SbRequest *request, const SbMessageStatus *status)
{
  if (status->deliveries->len <= MAX_RECIPIENTS)
    return TRUE;
  sb_request_problem (request, 413, "too-large",
                      "The message has more than " G_STRINGIFY (
                          MAX_RECIPIENTS) " recipients; ask for its /status now and then");
  return FALSE;
}

/* A browser comes again when a stream ends, until it is told not to. */
static gboolean
check_last_id (SbRequest *request, const SbMessageStatus *status)
{
  if (g_strcmp0 (sb_request_get_header (request, "Last-Event-ID"), LAST_ID) != 0
      || !has_ended (status))
    return TRUE;
  sb_request_answer (request, 204, NULL, NULL);
  return FALSE;
}

static void
found_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Opening) opening = user_data;
  SbRequest *request = opening->request;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) status = sb_bus_status_finish (SB_BUS (source), result, &error);
  Follow *self;

  if (!sb_request_can_answer (request))
    return;
  if (status == NULL)
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  if (!check_size (request, status) || !check_last_id (request, status)
      || !sb_sse_check_room (request, &funcs, MAX_PER_USER))
    return;
  self = g_new0 (Follow, 1);
  if (!sb_sse_open (&self->base, &funcs, request))
    {
      g_free (self);
      return;
    }
  self->followed = take_followed (request->transport, opening->id);
  /* Something may have become of it between the reading and now. */
  self->seen = self->followed->n_changes - 1;
  self->last_look = g_get_monotonic_time ();
  send_status (self, status);
}

/**
 * sb_api_follow_message:
 * @request: `GET /api/v1/messages/<_id>/events`
 * @name: the message's id
 *
 * Begins a stream for the sender or an admin: the status now, and when it has changed.
 */
void
sb_api_follow_message (SbRequest *request, const char *name)
{
  Opening *opening;

  if (!sb_message_check_id (name, NULL))
    {
      sb_request_problem (request, 404, "not-found", "There is no such message");
      return;
    }
  opening = g_new (Opening, 1);
  opening->request = sb_request_ref (request);
  opening->id = g_strdup (name);
  sb_bus_status_async (request->transport->bus, request->user, name, found_cb, opening);
}

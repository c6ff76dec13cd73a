/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-outbox-send: the way to the bus, and what the bus says.
 *
 * Messages go out in order, a window of them without waiting for the answers. When the connection
 * breaks, those that were not answered go back and are sent again first, in order.
 *
 * The bus may be unable to take a message now. A full disk or a stopping bus is everybody's
 * trouble: the outbox pauses and then goes on with that message. The full queue of one recipient
 * is not: the message is set aside and tried again from time to time, and those behind it go on.
 *
 * A bus may also end the connection because of a message, without saying of which: one that is too
 * large for a frame. So after a connection on which nothing was accepted the window is one
 * message, and doubles with success. The one that was alone on its way when connections broke again
 * and again is put among those refused, where it can be found, and the program is told.
 */

#include "sb-client-outbox-private.h"

#include "sb-client-fault.h"
#include "sb-client-frame.h"
#include "sb-client-session.h"

#include <string.h>

#define MAX_WINDOW 1000
#define MAX_WINDOW_BYTES (4 * 1024 * 1024)
/* Read ahead. */
#define MAX_READY 1000
#define MAX_READY_BYTES (4 * 1024 * 1024)
/* Set aside; the next one pushes the one out that was refused most often. */
#define MAX_ASIDE 1000
#define FIRST_ASIDE_MS 1000
#define LONGEST_ASIDE_MS 60000
/* Connections that broke with one message alone on its way: the bus closed it, or it was cut. */
#define MAX_STRIKES 3
#define MAX_CUTS 10

/* --- Entries --- */

void
sb_client_entry_free (SbClientEntry *self)
{
  g_clear_pointer (&self->row, sb_client_row_free);
  g_free (self);
}

void
sb_client_outbox_load (SbClientOutbox *self, SbClientRow *owned_row)
{
  SbClientEntry *entry = g_new0 (SbClientEntry, 1);

  entry->link.data = entry;
  entry->row = owned_row;
  self->ready_bytes += owned_row->length;
  g_queue_push_tail_link (&self->ready, &entry->link);
}

gboolean
sb_client_outbox_has_room (SbClientOutbox *self)
{
  return self->ready.length < MAX_READY && self->ready_bytes < MAX_READY_BYTES;
}

/* Takes it out of what the bus may speak of. */
static void
detach (SbClientOutbox *self, SbClientEntry *entry)
{
  g_hash_table_remove (self->known, entry->row->id);
  if (entry->is_aside)
    g_queue_unlink (&self->aside, &entry->link);
  else
    {
      g_queue_unlink (&self->flight, &entry->link);
      self->flight_bytes -= entry->row->length;
    }
  entry->is_aside = FALSE;
}

/* Back among those to be sent, where it belongs by its place: nearly always at the front. */
static void
put_back (SbClientOutbox *self, SbClientEntry *entry)
{
  GList *next = self->ready.head;

  detach (self, entry);
  while (next != NULL && ((SbClientEntry *) next->data)->row->seq < entry->row->seq)
    next = next->next;
  if (next != NULL)
    g_queue_insert_before_link (&self->ready, next, &entry->link);
  else
    g_queue_push_tail_link (&self->ready, &entry->link);
  self->ready_bytes += entry->row->length;
}

/* --- Pauses --- */

void
sb_client_outbox_clear_timer (SbClientOutbox *self)
{
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static gboolean
timer_cb (gpointer user_data)
{
  SbClientOutbox *self = user_data;
  g_autoptr (SbClient) alive = g_object_ref (self->client);
  gint64 now = g_get_monotonic_time ();

  sb_client_outbox_clear_timer (self);
  for (GList *l = self->aside.head; l != NULL;)
    {
      SbClientEntry *entry = l->data;

      l = l->next;
      if (entry->due <= now)
        put_back (self, entry);
    }
  sb_client_outbox_pump (self);
  return G_SOURCE_REMOVE;
}

/* For whatever comes first. */
static void
update_timer (SbClientOutbox *self)
{
  gint64 now = g_get_monotonic_time ();
  gint64 next = self->paused_until > now ? self->paused_until : G_MAXINT64;

  for (GList *l = self->aside.head; l != NULL; l = l->next)
    next = MIN (next, ((SbClientEntry *) l->data)->due);
  sb_client_outbox_clear_timer (self);
  if (next == G_MAXINT64)
    return;
  self->timer = g_timeout_source_new ((guint) (MAX (next - now, 0) / 1000) + 1);
  g_source_set_callback (self->timer, timer_cb, self, NULL);
  g_source_attach (self->timer, self->context);
}

static gint64
scale (gint64 ms)
{
  return ms * sb_client_fault_get_ms ("pause-percent", 100) / 100;
}

/* Nothing goes out for a while. */
void
sb_client_outbox_pause (SbClientOutbox *self)
{
  if (self->paused_until > g_get_monotonic_time ())
    return;
  self->paused_until = g_get_monotonic_time ()
                       + scale (sb_client_backoff_next (&self->backoff)) * 1000;
  update_timer (self);
}

/* --- Sending --- */

static gboolean
may_send (SbClientOutbox *self, SbClientSession *session)
{
  SbClientEntry *next = g_queue_peek_head (&self->ready);

  if (next == NULL || self->is_closed || self->paused_until > g_get_monotonic_time ()
      || !sb_client_session_can_send (session))
    return FALSE;
  return self->flight.length == 0
         || (self->flight.length < self->window
             && self->flight_bytes + next->row->length <= MAX_WINDOW_BYTES);
}

static void
send_next (SbClientOutbox *self, SbClientSession *session)
{
  SbClientEntry *entry = g_queue_peek_head (&self->ready);

  g_queue_unlink (&self->ready, &entry->link);
  self->ready_bytes -= entry->row->length;
  g_queue_push_tail_link (&self->flight, &entry->link);
  self->flight_bytes += entry->row->length;
  g_hash_table_insert (self->known, entry->row->id, entry);
  entry->n_sent = ++self->n_sent;
  sb_client_session_send (session, entry->row->json, entry->row->length);
  sb_client_fault_point ("outbox-sent");
}

/**
 * sb_client_outbox_pump:
 * @self: an outbox
 *
 * Sends what may be sent now.
 */
void
sb_client_outbox_pump (SbClientOutbox *self)
{
  SbClientSession *session = sb_client_get_session (self->client);

  while (may_send (self, session))
    send_next (self, session);
  if (sb_client_session_is_open (session))
    sb_client_outbox_read_more (self);
}

guint64
sb_client_outbox_get_n_sent (SbClientOutbox *self)
{
  return self->n_sent;
}

/* --- What the bus says --- */

static void
note_progress (SbClientOutbox *self)
{
  self->has_progress = TRUE;
  self->window = MIN (self->window + 1, MAX_WINDOW);
  self->strikes = 0;
  sb_client_backoff_reset (&self->backoff);
}

/**
 * sb_client_outbox_accepted:
 * @self: an outbox
 * @id: of a message
 *
 * The bus has it.
 *
 * Returns: whether it was of the outbox
 */
gboolean
sb_client_outbox_accepted (SbClientOutbox *self, const char *id)
{
  SbClientEntry *entry = g_hash_table_lookup (self->known, id);

  if (entry == NULL)
    return FALSE;
  sb_client_fault_point ("outbox-accepted");
  note_progress (self);
  detach (self, entry);
  sb_client_outbox_end (self, entry, NULL);
  sb_client_outbox_pump (self);
  return TRUE;
}

/**
 * sb_client_outbox_read_up_to:
 * @self: an outbox
 * @n_sent: how many of those sent on this connection
 *
 * A bus that accepts without a word has read them.
 */
void
sb_client_outbox_read_up_to (SbClientOutbox *self, guint64 n_sent)
{
  SbClientEntry *entry;

  while ((entry = g_queue_peek_head (&self->flight)) != NULL && entry->n_sent <= n_sent)
    {
      g_autofree char *id = g_strdup (entry->row->id);

      sb_client_outbox_accepted (self, id);
      sb_client_emit_accepted (self->client, id);
    }
}

/* For good: out of the way, where it can be found. */
static void
give_up (SbClientOutbox *self, SbClientEntry *entry, const GError *error)
{
  g_autofree char *id = g_strdup (entry->row->id);

  detach (self, entry);
  sb_client_outbox_end (self, entry, error);
  sb_client_emit_error (self->client, id, error);
}

/* Of those set aside, of which there are some. */
static SbClientEntry *
find_most_refused (SbClientOutbox *self)
{
  SbClientEntry *most = self->aside.head->data;

  for (GList *l = self->aside.head->next; l != NULL; l = l->next)
    {
      SbClientEntry *entry = l->data;

      if (entry->n_refused > most->n_refused)
        most = entry;
    }
  return most;
}

static void
set_aside (SbClientOutbox *self, SbClientEntry *entry, const GError *error)
{
  gint64 pause = MIN ((gint64) FIRST_ASIDE_MS << MIN (entry->n_refused, 16), LONGEST_ASIDE_MS);

  if (self->aside.length >= MAX_ASIDE)
    give_up (self, find_most_refused (self), error);
  entry->n_refused++;
  entry->due = g_get_monotonic_time () + scale (pause) * 1000;
  g_queue_unlink (&self->flight, &entry->link);
  self->flight_bytes -= entry->row->length;
  g_queue_push_tail_link (&self->aside, &entry->link);
  entry->is_aside = TRUE;
  update_timer (self);
}

/* Whether nothing else could be taken either. */
static gboolean
is_for_all (const char *reason)
{
  static const char *const reasons[] = { "no-space", "busy", "transient", "closed", "rate", NULL };

  return reason != NULL && g_strv_contains (reasons, reason);
}

/**
 * sb_client_outbox_refused:
 * @self: an outbox
 * @id: of a message
 * @reason: (nullable): the bus's word for why
 * @error: the same, for people
 *
 * The bus does not take it: for good, or not now.
 *
 * Returns: whether it was of the outbox, which tells the program of it when it is for good
 */
gboolean
sb_client_outbox_refused (SbClientOutbox *self, const char *id, const char *reason,
                          const GError *error)
{
  SbClientEntry *entry = g_hash_table_lookup (self->known, id);

  if (entry == NULL)
    return FALSE;
  if (entry->is_aside)
    return TRUE;
  self->has_progress = TRUE;
  if (is_for_all (reason))
    {
      put_back (self, entry);
      sb_client_outbox_pause (self);
    }
  else if (g_strcmp0 (reason, "full") == 0)
    set_aside (self, entry, error);
  else
    give_up (self, entry, error);
  sb_client_outbox_pump (self);
  return TRUE;
}

/* --- The end of a connection --- */

/* Returns: how many connections may break with one message alone on its way; 0: it was not that */
static guint
get_max_strikes (guint code)
{
  switch (code)
    {
    case SB_CLIENT_CLOSE_TOO_BIG:
      return 1;
    case SB_CLIENT_CLOSE_UNSUPPORTED:
    case SB_CLIENT_CLOSE_BAD_DATA:
    case SB_CLIENT_CLOSE_POLICY:
    case SB_CLIENT_CLOSE_PROTOCOL:
    case SB_CLIENT_CLOSE_SERVER:
      return MAX_STRIKES;
    case SB_CLIENT_CLOSE_NONE:
    case SB_CLIENT_CLOSE_ABNORMAL:
      return MAX_CUTS;
    default:
      return 0;
    }
}

static void
strike (SbClientOutbox *self, SbClientEntry *entry, guint code)
{
  g_autoptr (GError) error = NULL;

  if (self->suspect != entry->row->seq)
    self->strikes = 0;
  self->suspect = entry->row->seq;
  if (++self->strikes < get_max_strikes (code))
    return;
  self->strikes = 0;
  if (code == SB_CLIENT_CLOSE_TOO_BIG)
    error = g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_TOO_LARGE,
                         "The message of %" G_GSIZE_FORMAT " bytes is larger than what the bus "
                         "takes; send a file instead",
                         entry->row->length);
  else
    error = g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_FAILED,
                         "The connection broke each time the message was sent, at last with %u; "
                         "it is not sent any more",
                         code);
  give_up (self, entry, error);
}

/* Looks for a message that breaks connections. */
static void
find_culprit (SbClientOutbox *self, guint code)
{
  guint max = get_max_strikes (code);
  gboolean is_alone = self->flight.length == 1 && !self->has_progress;

  if (max == 0 || self->flight.length == 0)
    return;
  if (!self->has_progress || max <= MAX_STRIKES)
    self->window = 1;
  if (is_alone)
    strike (self, g_queue_peek_head (&self->flight), code);
}

static int
compare_entries (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const SbClientEntry *const *first = a;
  const SbClientEntry *const *second = b;

  return (*first)->row->seq < (*second)->row->seq ? -1 : 1;
}

static void
collect (GPtrArray *entries, GQueue *queue)
{
  GList *link;

  while ((link = g_queue_pop_head_link (queue)) != NULL)
    {
      ((SbClientEntry *) link->data)->is_aside = FALSE;
      g_ptr_array_add (entries, link->data);
    }
}

/**
 * sb_client_outbox_rewind:
 * @self: an outbox
 * @code: with which the connection was closed
 *
 * What was not answered is sent again on the next connection, in order.
 */
void
sb_client_outbox_rewind (SbClientOutbox *self, guint code)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();

  find_culprit (self, code);
  collect (entries, &self->flight);
  collect (entries, &self->aside);
  collect (entries, &self->ready);
  g_ptr_array_sort_with_data (entries, compare_entries, NULL);
  self->flight_bytes = 0;
  self->ready_bytes = 0;
  g_hash_table_remove_all (self->known);
  for (guint i = 0; i < entries->len; i++)
    {
      SbClientEntry *entry = g_ptr_array_index (entries, i);

      g_queue_push_tail_link (&self->ready, &entry->link);
      self->ready_bytes += entry->row->length;
    }
  self->n_sent = 0;
  self->has_progress = FALSE;
  self->paused_until = 0;
  update_timer (self);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-direct: messages that are mirrored at once to the recipients' open
 * sessions. Nothing is stored, nothing is sent again. A recipient that does
 * not keep up loses its copy, and the sender is told; nobody else waits for it.
 *
 * Confirmations are passed on as long as the recipient's session remembers the
 * message (sb-mirror), and never touch a guaranteed delivery of the same id.
 */

#include "sb-bus-private.h"

#include "sb-error.h"
#include "sb-operation.h"
#include "sb-router.h"

/* What became of the copies. */
typedef struct
{
  guint n_delivered;
  GPtrArray *offline; /* (owned) of addresses (owned), NULL-terminated at the end */
  GPtrArray *dropped; /* likewise */
  GPtrArray *unknown; /* likewise */
} Copies;

/* A direct message whose sender waits for confirmations. */
typedef struct
{
  SbDirectFunc func;
  gpointer user_data;
  char *id; /* (owned) */
  Copies copies;
} Waiting;

static void
copies_init (Copies *self)
{
  self->n_delivered = 0;
  self->offline = g_ptr_array_new_with_free_func (g_free);
  self->dropped = g_ptr_array_new_with_free_func (g_free);
  self->unknown = g_ptr_array_new_with_free_func (g_free);
}

static void
copies_clear (Copies *self)
{
  g_ptr_array_unref (self->offline);
  g_ptr_array_unref (self->dropped);
  g_ptr_array_unref (self->unknown);
}

static const char *const *
as_strv (GPtrArray *words)
{
  if (words->len == 0 || words->pdata[words->len - 1] != NULL)
    g_ptr_array_add (words, NULL);
  return (const char *const *) words->pdata;
}

static void
answer (Copies *copies, const char *id, gboolean waited, gboolean confirmed, SbDirectFunc func,
        gpointer user_data)
{
  SbDirectResult result = { .id = id, .n_delivered = copies->n_delivered };

  result.offline = as_strv (copies->offline);
  result.dropped = as_strv (copies->dropped);
  result.unknown = as_strv (copies->unknown);
  result.waited = waited;
  /* A dropped copy can never be confirmed. */
  result.confirmed = confirmed && result.dropped[0] == NULL;
  func (&result, user_data);
  copies_clear (copies);
}

/* Several senders may use the same id. */
static char *
watch_name (gint64 sender_key, const char *id)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT "/%s", sender_key, id);
}

static void
note_missed (SbBus *self, GPtrArray *missed, gint64 recipient)
{
  const SbUser *user = sb_directory_lookup_key (self->directory, recipient);

  if (user != NULL)
    g_ptr_array_add (missed, g_strconcat ("@", user->id, NULL));
}

static void
mirror (SbBus *self, SbMessage *message, gint64 recipient, Copies *copies)
{
  g_autoptr (SbSession) session = NULL;
  SbSession *open = sb_bus_lookup_session (self, recipient);

  if (open == NULL || open->path == NULL)
    {
      note_missed (self, copies->offline, recipient);
      return;
    }
  if (!sb_session_is_ready (open))
    {
      sb_counter_add (self->direct_dropped, 1);
      note_missed (self, copies->dropped, recipient);
      return;
    }
  session = sb_session_ref (open);
  if (session->mirror == NULL)
    session->mirror = sb_mirror_new ();
  sb_mirror_note (session->mirror, message->id, message->sender_key);
  copies->n_delivered++;
  sb_delivery_deliver (session->path, message);
}

/* Nobody matches: all addresses are unknown, which is no error here. */
static void
note_all_unknown (Copies *copies, SbAddressList *to)
{
  for (guint i = 0; i < to->length; i++)
    g_ptr_array_add (copies->unknown, sb_address_to_string (&to->items[i]));
}

static void
note_unknown (Copies *copies, SbRoute *route)
{
  for (guint i = 0; route->unknown != NULL && i < route->unknown->len; i++)
    g_ptr_array_add (copies->unknown, g_strdup (g_ptr_array_index (route->unknown, i)));
}

static void
waited_cb (gboolean all_confirmed, gpointer user_data)
{
  Waiting *waiting = user_data;

  answer (&waiting->copies, waiting->id, TRUE, all_confirmed, waiting->func, waiting->user_data);
  g_free (waiting->id);
  g_free (waiting);
}

static void
wait_for_confirmations (SbBus *self, const SbMessage *message, const Copies *copies, gint64 wait,
                        SbDirectFunc func, gpointer user_data)
{
  g_autofree char *name = watch_name (message->sender_key, message->id);
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->func = func;
  waiting->user_data = user_data;
  waiting->id = g_strdup (message->id);
  waiting->copies = *copies;
  sb_watch_table_add (self->direct_watches, name, copies->n_delivered,
                      sb_clock_monotonic (self->clock) + wait, waited_cb, waiting);
}

static void
tell_direct (SbBus *self, const SbMessage *message, guint n_delivered)
{
  SbFlow flow = {
    .what = SB_FLOW_DIRECT,
    .id = message->id,
    .sender = message->sender_key,
    .n_recipients = n_delivered,
    .has_size = TRUE,
    .size = sb_message_get_size (message),
  };

  if (sb_bus_is_watched (self))
    sb_bus_tell_flow (self, &flow);
}

static gboolean
check_no_schedule (const SbEnvelope *envelope, GError **error)
{
  if (!sb_envelope_has (envelope, SB_MEMBER_TTL)
      && !sb_envelope_has (envelope, SB_MEMBER_NOT_BEFORE))
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                       "a direct message has neither ttl nor not_before: it is delivered at once");
  return FALSE;
}

static gboolean
send_direct (SbBus *self, SbUser *sender, const SbEnvelope *envelope, gint64 wait,
             SbDirectFunc func, gpointer user_data, GError **error)
{
  g_autoptr (SbAddressList) to = NULL;
  g_autoptr (SbRoute) route = NULL;
  g_autoptr (SbMessage) message = NULL;
  g_autoptr (GError) local_error = NULL;
  Copies copies;

  if (!sb_bus_check_members (self, envelope, error) || !check_no_schedule (envelope, error)
      || !sb_bus_check_running (self, error))
    return FALSE;
  to = sb_address_list_parse (envelope->values[SB_MEMBER_TO], error);
  message = to != NULL ? sb_bus_make_message (self, sender, envelope, error) : NULL;
  if (message == NULL)
    return FALSE;
  route = sb_router_resolve (self->directory, sender, to, self->max_recipients, &local_error);
  if (route == NULL && !g_error_matches (local_error, SB_ERROR, SB_ERROR_NOT_FOUND))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  copies_init (&copies);
  if (route == NULL)
    note_all_unknown (&copies, to);
  else
    note_unknown (&copies, route);
  for (guint i = 0; route != NULL && i < route->targets->len; i++)
    mirror (self, message, g_array_index (route->targets, SbTarget, i).recipient, &copies);
  sb_counter_add (self->direct_delivered, copies.n_delivered);
  tell_direct (self, message, copies.n_delivered);
  if (wait > 0 && copies.n_delivered > 0)
    wait_for_confirmations (self, message, &copies, wait, func, user_data);
  else
    answer (&copies, message->id, wait > 0, TRUE, func, user_data);
  return TRUE;
}

/**
 * sb_bus_send_direct:
 * @self: a started bus
 * @sender: who sends, authenticated
 * @envelope: the scanned message
 * @wait: how long to wait until all that were reached have confirmed, microseconds; 0: not at all
 * @func: called once if this returns %TRUE; without @wait before it returns
 * @user_data: for @func
 * @error: SB_ERROR_INVALID, SB_ERROR_TOO_LARGE, SB_ERROR_CLOSED
 *
 * Mirrors a message to the open sessions of its recipients. That nobody was
 * reached is no error.
 *
 * Returns: %FALSE when it was refused; @func is not called then
 */
gboolean
sb_bus_send_direct (SbBus *self, SbUser *sender, const SbEnvelope *envelope, gint64 wait,
                    SbDirectFunc func, gpointer user_data, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (SB_IS_BUS (self), FALSE);

  if (send_direct (self, sender, envelope, wait, func, user_data, &local_error))
    return TRUE;
  sb_bus_flow_refused (self, sender, NULL, sb_error_reason (local_error));
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* Passes a confirmation on, if it is one of a direct message. */
gboolean
sb_bus_confirm_direct (SbBus *self, SbSession *session, const char *id)
{
  gint64 sender_key = session->mirror != NULL ? sb_mirror_take (session->mirror, id) : 0;
  g_autofree char *name = NULL;
  SbSession *sender;

  if (sender_key == 0)
    return FALSE;
  name = watch_name (sender_key, id);
  sb_watch_table_note (self->direct_watches, name, TRUE);
  sender = sb_bus_lookup_session (self, sender_key);
  if (sender != NULL && (sender->flags & SB_SESSION_RECEIPTS) && sb_session_is_ready (sender))
    sb_delivery_receipt (sender->path, id, session->user->id);
  return TRUE;
}

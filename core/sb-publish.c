/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-publish: from a scanned envelope to a committed message in its
 * recipients' queues.
 */

#include "sb-bus-private.h"

#include "sb-error.h"
#include "sb-operation.h"
#include "sb-router.h"

/* No ttl or not_before reaches further: the sum must fit. Seconds, about 3,000 years. */
#define MAX_SECONDS G_GINT64_CONSTANT (100000000000)

/* A message between submit and commit. */
typedef struct
{
  SbBus *bus;     /* (owned) */
  char **unknown; /* (owned) (nullable) */
  gint64 sender;  /* key */
  gint64 wait;
  gint64 started; /* monotonic, microseconds */
  SbPublishFunc func;
  gpointer user_data;
} Publication;

/* A publication whose sender waits for confirmations. */
typedef struct
{
  Publication *publication; /* (owned) */
  char *id;                 /* (owned) */
  guint n_recipients;
  gboolean duplicate;
} Waiting;

static void
publication_free (Publication *self)
{
  g_strfreev (self->unknown);
  g_object_unref (self->bus);
  g_free (self);
}

static void
answer (Publication *self, SbPublishResult *result, const GError *error)
{
  result->unknown = (const char *const *) self->unknown;
  if (error != NULL)
    sb_bus_flow_delivery (self->bus, SB_FLOW_REFUSED, result->id, self->sender, 0,
                          sb_error_reason (error));
  if (self->func != NULL)
    self->func (result, error, self->user_data);
  publication_free (self);
}

static void
waited_cb (gboolean all_confirmed, gpointer user_data)
{
  Waiting *waiting = user_data;
  SbPublishResult result = { .id = waiting->id, .n_recipients = waiting->n_recipients };

  result.duplicate = waiting->duplicate;
  result.waited = TRUE;
  result.confirmed = all_confirmed;
  answer (waiting->publication, &result, NULL);
  g_free (waiting->id);
  g_free (waiting);
}

static void
wait_for_confirmations (Publication *self, const SbPublishResult *result)
{
  SbBus *bus = self->bus;
  Waiting *waiting = g_new0 (Waiting, 1);

  waiting->publication = self;
  waiting->id = g_strdup (result->id);
  waiting->n_recipients = result->n_recipients;
  waiting->duplicate = result->duplicate;
  sb_bus_wait (bus, waiting->id, result->duplicate ? 0 : result->n_recipients, self->wait,
               waited_cb, waiting);
}

/* Returns: (transfer full) (nullable): ids of the recipients whose queues were full. */
static char **
list_full (SbBus *self, const SbOperation *operation)
{
  g_autoptr (GStrvBuilder) full = NULL;

  for (guint i = 0; i < operation->append.n_targets; i++)
    {
      const SbTarget *target = &operation->append.targets[i];
      const SbUser *user;

      if (!target->full)
        continue;
      user = sb_directory_lookup_key (self->directory, target->recipient);
      if (user == NULL)
        continue;
      if (full == NULL)
        full = g_strv_builder_new ();
      g_strv_builder_add (full, user->id);
    }
  return full != NULL ? g_strv_builder_end (full) : NULL;
}

static void
note_near (SbBus *self, const SbOperation *operation)
{
  if (operation->outcome != SB_OUTCOME_DONE && operation->outcome != SB_OUTCOME_FULL)
    return;
  for (guint i = 0; i < operation->append.n_targets; i++)
    {
      const SbTarget *target = &operation->append.targets[i];

      if (target->near || target->full)
        sb_bus_note_near (self, target->recipient);
    }
}

static GError *
append_error (const SbOperation *operation)
{
  const char *id = operation->append.message->id;

  if (operation->outcome == SB_OUTCOME_CONFLICT)
    return g_error_new (SB_ERROR, SB_ERROR_CONFLICT,
                        "the _id \"%s\" belongs to a message of another sender", id);
  if (operation->outcome == SB_OUTCOME_FULL)
    return g_error_new_literal (SB_ERROR, SB_ERROR_FULL,
                                "the queue of a recipient is full; nothing was accepted");
  return NULL;
}

/* @now: monotonic, when the commit is known of */
static void
hand_to_queues (SbBus *self, const SbOperation *operation, gint64 now)
{
  SbMessage *message = operation->append.message;

  sb_counter_add (self->deliveries, operation->append.n_targets);
  for (guint i = 0; i < operation->append.n_targets; i++)
    {
      const SbTarget *target = &operation->append.targets[i];
      SbQueue *queue;

      if (target->state != SB_DELIVERY_PENDING)
        {
          sb_bus_count_target (self, target, 1);
          continue;
        }
      queue = g_hash_table_lookup (self->queues, &target->recipient);
      if (queue != NULL)
        sb_queue_append (queue, message, target->position, operation->append.handle, now);
    }
  if (self->sweeper != NULL && message->not_before > message->accepted)
    sb_sweeper_note_time (self->sweeper, message->not_before);
  if (self->sweeper != NULL && message->deadline > 0)
    sb_sweeper_note_time (self->sweeper, message->deadline);
}

static void
appended_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  Publication *publication = user_data;
  g_autoptr (SbBus) self = g_object_ref (publication->bus);
  SbPublishResult result = { .id = operation->append.message->id };
  g_autoptr (GError) refused = NULL;
  g_auto (GStrv) full = NULL;
  gint64 now;

  if (error != NULL)
    {
      answer (publication, &result, error);
      return;
    }
  note_near (self, operation);
  full = list_full (self, operation);
  result.full = (const char *const *) full;
  refused = append_error (operation);
  if (refused != NULL)
    {
      answer (publication, &result, refused);
      return;
    }
  result.duplicate = operation->outcome == SB_OUTCOME_DUPLICATE;
  result.n_recipients = operation->append.n_recipients;
  sb_counter_add (result.duplicate ? self->duplicates : self->accepted, 1);
  now = sb_clock_monotonic (self->clock);
  sb_histogram_observe (self->publish_seconds, (now - publication->started) / 1e6);
  if (operation->outcome == SB_OUTCOME_DONE)
    sb_bus_flow_accepted (self, operation->append.message, operation);
  result.waited = publication->wait > 0;
  if (result.waited && full == NULL && self->sweeper != NULL)
    wait_for_confirmations (publication, &result);
  else
    answer (publication, &result, NULL);
  if (operation->outcome == SB_OUTCOME_DONE)
    hand_to_queues (self, operation, now);
}

/* Whether the members are there that every message has. */
gboolean
sb_bus_check_members (SbBus *self, const SbEnvelope *envelope, GError **error)
{
  static const SbMember mandatory[] = { SB_MEMBER_TO, SB_MEMBER_MESSAGE };

  for (guint i = 0; i < G_N_ELEMENTS (mandatory); i++)
    if (!sb_envelope_has (envelope, mandatory[i]))
      {
        g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "the message has no \"%s\"",
                     sb_member_get_name (mandatory[i]));
        return FALSE;
      }
  if (self->require_uid && !sb_envelope_has (envelope, SB_MEMBER_UID))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "the message has no \"uid\", which this bus requires (UID_REQUIRED)");
      return FALSE;
    }
  return sb_message_check_type (envelope, error);
}

/* Reads a count of seconds; absent is 0. */
static gboolean
get_seconds (const SbEnvelope *envelope, SbMember member, gint64 least, gint64 *seconds,
             GError **error)
{
  *seconds = 0;
  if (!sb_envelope_has (envelope, member))
    return TRUE;
  if (!sb_envelope_get_integer (envelope, member, seconds, error))
    return FALSE;
  if (*seconds >= least && *seconds <= MAX_SECONDS)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
               "\"%s\" is not a number of seconds between %" G_GINT64_FORMAT
               " and %" G_GINT64_FORMAT,
               sb_member_get_name (member), least, MAX_SECONDS);
  return FALSE;
}

/* Returns: (transfer full) (nullable): the id that the sender gave, or a new one. */
static char *
get_id (SbBus *self, const SbEnvelope *envelope, gint64 now, GError **error)
{
  g_autofree char *id = NULL;
  char made[SB_ID_SIZE];

  if (!sb_envelope_has (envelope, SB_MEMBER_ID))
    {
      sb_id_make (&self->ids, now, made);
      return g_strdup (made);
    }
  id = sb_envelope_dup_string (envelope, SB_MEMBER_ID, error);
  if (id == NULL || !sb_message_check_id (id, error))
    return NULL;
  return g_steal_pointer (&id);
}

/* The time to live of a message: its own, its sender's, or that of the bus. Seconds, 0: none. */
static gint64
get_ttl (SbBus *self, const SbUser *sender, gint64 own)
{
  const SbUser *now;

  if (own > 0)
    return own;
  /* A session has the user as it was when it was opened. */
  now = sb_directory_lookup_key (self->directory, sender->key);
  if (now != NULL)
    sender = now;
  return sender->ttl >= 0 ? sender->ttl : self->ttl;
}

/* Returns: (transfer full) (nullable): the message with its id, sender and times. */
SbMessage *
sb_bus_make_message (SbBus *self, const SbUser *sender, const SbEnvelope *envelope, GError **error)
{
  gint64 now = sb_clock_wall (self->clock);
  gint64 ttl, not_before, start;
  g_autofree char *id = NULL;

  if (!get_seconds (envelope, SB_MEMBER_TTL, 1, &ttl, error)
      || !get_seconds (envelope, SB_MEMBER_NOT_BEFORE, 0, &not_before, error))
    return NULL;
  id = get_id (self, envelope, now, error);
  if (id == NULL)
    return NULL;
  not_before *= G_USEC_PER_SEC;
  start = MAX (now, not_before);
  ttl = get_ttl (self, sender, ttl);
  return sb_message_new (id, sender->id, sender->key, sb_envelope_splice (envelope, id, sender->id),
                         now, not_before > now ? not_before : 0,
                         ttl > 0 ? start + ttl * G_USEC_PER_SEC : 0);
}

static gboolean
publish (SbBus *self, SbUser *sender, const SbEnvelope *envelope, gint64 wait, SbPublishFunc func,
         gpointer user_data, GError **error)
{
  g_autoptr (SbAddressList) to = NULL;
  g_autoptr (SbRoute) route = NULL;
  g_autoptr (SbMessage) message = NULL;
  SbOperation *operation;
  Publication *publication;
  gsize n_targets;

  if (!sb_bus_check_members (self, envelope, error) || !sb_bus_check_resources (self, error))
    return FALSE;
  to = sb_address_list_parse (envelope->values[SB_MEMBER_TO], error);
  if (to == NULL)
    return FALSE;
  route = sb_router_resolve (self->directory, sender, to, self->max_recipients, error);
  if (route == NULL)
    return FALSE;
  message = sb_bus_make_message (self, sender, envelope, error);
  if (message == NULL)
    return FALSE;

  publication = g_new0 (Publication, 1);
  publication->bus = g_object_ref (self);
  publication->sender = sender->key;
  publication->wait = wait;
  publication->started = sb_clock_monotonic (self->clock);
  publication->func = func;
  publication->user_data = user_data;
  if (route->unknown != NULL)
    {
      g_ptr_array_add (route->unknown, NULL);
      publication->unknown = g_strdupv ((char **) route->unknown->pdata);
    }
  operation = sb_operation_new (SB_OPERATION_APPEND, appended_cb, publication);
  operation->append.message = g_steal_pointer (&message);
  operation->append.targets = (SbTarget *) g_array_steal (route->targets, &n_targets);
  operation->append.n_targets = n_targets;
  sb_journal_submit (self->journal, operation);
  return TRUE;
}

/**
 * sb_bus_publish:
 * @self: a started bus
 * @sender: who sends, authenticated
 * @envelope: the scanned message
 * @wait: how long to wait until all recipients have confirmed, microseconds; 0: not at all
 * @func: (nullable): called once, on a later turn of the main context, if this returns %TRUE
 * @user_data: for @func
 * @error: SB_ERROR_INVALID, SB_ERROR_NOT_FOUND (nobody matches), SB_ERROR_TOO_LARGE,
 *   SB_ERROR_BUSY (the journal is full), SB_ERROR_NO_SPACE, SB_ERROR_CLOSED
 *
 * Sends a guaranteed message. @func gets a result once it is durable for every
 * recipient, or the error why it is not: SB_ERROR_CONFLICT, SB_ERROR_FULL, or
 * the store's.
 *
 * Returns: %FALSE when it was refused right away; @func is not called then
 */
gboolean
sb_bus_publish (SbBus *self, SbUser *sender, const SbEnvelope *envelope, gint64 wait,
                SbPublishFunc func, gpointer user_data, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (SB_IS_BUS (self), FALSE);

  if (publish (self, sender, envelope, wait, func, user_data, &local_error))
    return TRUE;
  /* What does not fit into the journal is held by most transports, and tried again. */
  if (!g_error_matches (local_error, SB_ERROR, SB_ERROR_BUSY))
    sb_bus_flow_refused (self, sender, NULL, sb_error_reason (local_error));
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

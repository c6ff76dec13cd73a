/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bus: the way of a message.
 *
 * A transport calls sb_bus_publish() with a scanned envelope. The bus checks
 * it, routes it, splices `_id` and `sender` into it, and submits one append to
 * the journal. When that is committed the recipients' queues get the message
 * from memory, and the sender gets its answer. A recipient confirms through
 * its session or a fetch; its queue journals the end, and after that commit
 * the bus tells the sender: on its session, or by a receipt in the store that
 * waits for one.
 *
 * Queues exist for recipients that somebody cares for: with a session, a
 * fetch, or something under way. Everything else is in the store only.
 */

#include "sb-bus-private.h"

#include "sb-error.h"
#include "sb-names.h"
#include "sb-operation.h"
#include "sb-operator.h"

#include <sys/statvfs.h>

#define TICK_MS 250
#define JOURNAL_STUCK (10 * G_USEC_PER_SEC)
#define STATS_INTERVAL (2 * G_USEC_PER_SEC)
/* While somebody watches. A tick may come a little early. */
#define STATS_WATCHED (9 * G_USEC_PER_SEC / 10)

G_DEFINE_FINAL_TYPE (SbBus, sb_bus, G_TYPE_OBJECT)

/* Returns: (transfer none) (nullable): the open session of a user. */
SbSession *
sb_bus_lookup_session (SbBus *self, gint64 user)
{
  return g_hash_table_lookup (self->sessions, &user);
}

/* Queues */

static void
note_dead (SbBus *self, gint64 recipient, const SbOperation *operation, const char *id)
{
  const SbUser *user = sb_directory_lookup_key (self->directory, recipient);
  const char *name = user != NULL ? user->id : "";

  sb_counter_add (self->dead, 1);
  sb_counter_add (self->dead_refused, 1);
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_DEAD_LETTER,
                    SB_LOG_FIELD_USER, name, SB_LOG_FIELD_MESSAGE, id, "MESSAGE",
                    "message %s is dead: %s refused it %u times", id, name,
                    operation->end.attempts);
  sb_bus_tell_ended (self, operation->end.sender_key, id, recipient, operation->end.reason);
}

static void
delivery_ended_cb (SbQueue *queue, SbOperation *operation, const GError *error, gpointer user_data)
{
  SbBus *self = user_data;
  const char *id = operation->end.message != NULL ? operation->end.message->id : operation->end.id;

  if (error != NULL || operation->outcome != SB_OUTCOME_DONE)
    return;
  sb_bus_drop_file (self, operation->end.sender_key, operation->end.released,
                    operation->end.released_size);
  sb_bus_flow_ended (self, sb_queue_get_recipient (queue), operation, id);
  if (operation->end.notified)
    {
      sb_counter_add (self->notified, 1);
      return;
    }
  if (operation->end.state == SB_DELIVERY_DEAD)
    {
      note_dead (self, sb_queue_get_recipient (queue), operation, id);
      return;
    }
  sb_counter_add (self->confirmed, 1);
  if (self->sweeper != NULL)
    sb_sweeper_note_ended (self->sweeper);
  sb_watch_table_note (self->watches, id, TRUE);
  sb_bus_give_receipt (self, sb_queue_get_recipient (queue), operation, id);
}

static const SbQueueHooks queue_hooks = { sb_bus_wants_receipt, delivery_ended_cb,
                                          sb_bus_queue_flow };

/* Returns: (transfer none): the queue of a recipient, new if need be. */
SbQueue *
sb_bus_ensure_queue (SbBus *self, gint64 recipient)
{
  SbQueue *queue = g_hash_table_lookup (self->queues, &recipient);

  if (queue == NULL)
    {
      const SbUser *user = sb_directory_lookup_key (self->directory, recipient);
      gint64 *key = g_new (gint64, 1);

      *key = recipient;
      queue = sb_queue_new (recipient, &self->queue_settings, self->journal, self->clock,
                            &queue_hooks, self);
      sb_queue_set_paused (queue, user != NULL && user->paused);
      g_hash_table_insert (self->queues, key, queue);
    }
  return queue;
}

/* Sessions */

/* Takes a session out of the table without touching its queue. */
static void
detach_session (SbBus *self, SbSession *session)
{
  g_hash_table_steal (self->sessions, &session->user->key);
  session->bus = NULL;
  sb_bus_flow_delivery (self, SB_FLOW_SESSION, NULL, session->user->key, 0, "closed");
}

static void
close_session (SbBus *self, SbSession *session, SbCloseReason reason)
{
  g_autoptr (SbDelivery) path = g_steal_pointer (&session->path);

  sb_bus_note_seen (self, session->user);
  detach_session (self, session);
  sb_delivery_close (path, reason);
  sb_session_unref (session);
}

/* Closes a session and goes on without it. */
void
sb_bus_drop_session (SbBus *self, SbSession *session, SbCloseReason reason)
{
  gint64 user = session->user->key;

  close_session (self, session, reason);
  sb_bus_attach_outbound (self, user);
}

/* The transport is done with a session. */
void
sb_bus_forget_session (SbBus *self, SbSession *session)
{
  sb_bus_note_seen (self, session->user);
  detach_session (self, session);
  g_clear_object (&session->path);
  sb_bus_attach_outbound (self, session->user->key);
  sb_session_unref (session);
}

/**
 * sb_bus_get_session_delay:
 * @self: a bus
 * @user: who wants to open a session
 *
 * Two devices that share a user throw each other out again and again; after
 * a few times the next one has to wait.
 *
 * Returns: how long, microseconds; 0: it may open at once
 */
gint64
sb_bus_get_session_delay (SbBus *self, SbUser *user)
{
  gint64 delay;

  g_return_val_if_fail (SB_IS_BUS (self), 0);

  if (sb_bus_lookup_session (self, user->key) == NULL)
    return 0;
  delay = sb_takeovers_get_delay (self->takeovers, user->key, sb_clock_monotonic (self->clock));
  if (delay > 0)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID",
                      SB_MESSAGE_ID_TAKEOVER_BACKOFF, SB_LOG_FIELD_USER, user->id, "MESSAGE",
                      "sessions of %s keep replacing each other (do two devices share the id?): "
                      "the next one waits %d s",
                      user->id, (int) ((delay + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC));
  return delay;
}

/**
 * sb_bus_open_session:
 * @self: a started bus
 * @user: whose session it is, authenticated
 * @path: (transfer none): where its messages go
 * @flags: what else it wants to hear of
 * @error: SB_ERROR_BUSY when there are too many sessions, SB_ERROR_CLOSED when the bus stops
 *
 * Opens the user's session, in place of an older one. Deliveries may begin
 * before this function returns.
 *
 * Returns: (transfer full) (nullable): the session, for sb_session_close()
 */
SbSession *
sb_bus_open_session (SbBus *self, SbUser *user, SbDelivery *path, SbSessionFlags flags,
                     GError **error)
{
  SbSession *session, *older;
  gint64 last_receipt = 0;

  g_return_val_if_fail (SB_IS_BUS (self), NULL);

  if (!sb_bus_check_running (self, error))
    return NULL;
  older = sb_bus_lookup_session (self, user->key);
  if (older == NULL && g_hash_table_size (self->sessions) >= self->max_sessions)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_BUSY, "there are %u sessions already (max-sessions)",
                   self->max_sessions);
      return NULL;
    }
  if (older != NULL)
    {
      sb_takeovers_note (self->takeovers, user->key, sb_clock_monotonic (self->clock));
      sb_counter_add (self->takeover_count, 1);
      last_receipt = older->last_receipt;
      close_session (self, older, SB_CLOSE_REPLACED);
    }
  session = sb_session_new (self, user, path, sb_bus_ensure_queue (self, user->key), flags);
  session->last_receipt = last_receipt;
  g_hash_table_insert (self->sessions, &session->user->key, sb_session_ref (session));
  sb_bus_flow_delivery (self, SB_FLOW_SESSION, NULL, user->key, 0, "opened");
  sb_queue_set_path (session->queue, path);
  sb_bus_send_receipts (self, session);
  return session;
}

static void
user_changed_cb (SbAccounts *accounts, SbUser *user, gboolean credentials, gpointer user_data)
{
  SbBus *self = user_data;
  SbSession *session = sb_bus_lookup_session (self, user->key);
  SbQueue *queue = g_hash_table_lookup (self->queues, &user->key);

  if (queue != NULL)
    sb_queue_set_paused (queue, user->paused);
  if (credentials && session != NULL)
    sb_bus_drop_session (self, session, SB_CLOSE_CREDENTIALS);
  sb_bus_update_outbound (self, user);
}

static void
user_removed_cb (SbAccounts *accounts, SbUser *user, gpointer user_data)
{
  SbBus *self = user_data;
  SbSession *session = sb_bus_lookup_session (self, user->key);
  SbQueue *queue = g_hash_table_lookup (self->queues, &user->key);

  if (session != NULL)
    close_session (self, session, SB_CLOSE_CREDENTIALS);
  if (queue != NULL)
    {
      sb_queue_disown (queue);
      g_hash_table_remove (self->queues, &user->key);
    }
  sb_bus_remove_outbound (self, user->key);
  g_hash_table_remove (self->seen, &user->key);
}

/* Time */

/* Tells the sender, if it wants to hear it, that a delivery ended without a confirmation. */
void
sb_bus_tell_ended (SbBus *self, gint64 sender_key, const char *id, gint64 recipient,
                   SbReason reason)
{
  SbSession *session = sb_bus_lookup_session (self, sender_key);
  const SbUser *user = sb_directory_lookup_key (self->directory, recipient);

  sb_watch_table_note (self->watches, id, FALSE);
  if (session != NULL && user != NULL && (session->flags & SB_SESSION_EXPIRED)
      && sb_session_is_ready (session))
    sb_delivery_expired (session->path, id, user->id, sb_reason_to_string (reason));
}

static void
due_cb (const SbDue *due, gpointer user_data)
{
  SbBus *self = user_data;
  SbQueue *queue = g_hash_table_lookup (self->queues, &due->recipient);

  if (due->state == SB_DELIVERY_EXPIRED)
    {
      if (queue != NULL && due->position > 0)
        sb_queue_forget (queue, due->position);
      sb_sweeper_note_ended (self->sweeper);
      sb_bus_drop_file (self, due->sender_key, due->released, due->released_size);
      sb_counter_add (self->expired, 1);
      sb_bus_flow_delivery (self, SB_FLOW_EXPIRED, due->id, due->sender_key, due->recipient,
                            sb_reason_to_string (SB_REASON_TTL));
      sb_bus_tell_ended (self, due->sender_key, due->id, due->recipient, SB_REASON_TTL);
    }
  else
    {
      sb_counter_add (self->due, 1);
      if (queue != NULL)
        sb_queue_note_stored (queue);
    }
}

/* Returns: (transfer full): those that are not idle; what is done with one may change the table. */
static GPtrArray *
take_stock (SbBus *self)
{
  GPtrArray *busy = g_ptr_array_new_full (g_hash_table_size (self->queues),
                                          (GDestroyNotify) sb_queue_unref);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->queues);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (sb_queue_is_idle (value))
      g_hash_table_iter_remove (&iter);
    else
      g_ptr_array_add (busy, sb_queue_ref (value));
  return busy;
}

static void
tick_queues (SbBus *self)
{
  g_autoptr (GPtrArray) busy = take_stock (self);

  for (guint i = 0; i < busy->len; i++)
    sb_queue_tick (g_ptr_array_index (busy, i));
}

static void
read_stats (SbStore *store, GTask *task)
{
  g_autofree SbStoreStats *stats = g_new0 (SbStoreStats, 1);
  GError *error = NULL;

  if (sb_store_stats (store, stats, &error))
    g_task_return_pointer (task, g_steal_pointer (&stats), g_free);
  else
    g_task_return_error (task, error);
}

static void
stats_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbBus *self = SB_BUS (source);
  g_autofree SbStoreStats *stats = g_task_propagate_pointer (G_TASK (result), NULL);

  self->reading_stats = FALSE;
  if (stats != NULL)
    self->stats = *stats;
}

static void
refreshed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = SB_BUS (source);
  GError *error = NULL;
  g_autofree SbStoreStats *stats = g_task_propagate_pointer (G_TASK (result), &error);

  if (stats == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  self->stats = *stats;
  self->stats_time = sb_clock_monotonic (self->clock);
  g_task_return_boolean (task, TRUE);
}

/**
 * sb_bus_refresh_async:
 * @self: a started bus
 * @callback: for sb_bus_refresh_finish()
 * @user_data: for @callback
 *
 * Asks the store anew what it holds in all, which overview and health then show.
 */
void
sb_bus_refresh_async (SbBus *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);

  g_return_if_fail (SB_IS_BUS (self));

  sb_journal_read_async (self->journal, read_stats, g_task_new (self, NULL, refreshed_cb, task));
}

/**
 * sb_bus_refresh_finish:
 * @self: a bus
 * @result: of sb_bus_refresh_async()
 * @error: the store's, SB_ERROR_CLOSED
 *
 * Returns: whether it is known; otherwise what is shown is older
 */
gboolean
sb_bus_refresh_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
check_disk (SbBus *self)
{
  struct statvfs vfs;
  gboolean low = FALSE;

  if (statvfs (sb_config_get_string (self->config, "bus", "data-dir"), &vfs) == 0)
    {
      guint64 used = (vfs.f_blocks - vfs.f_bfree) * vfs.f_frsize;

      self->disk_free = vfs.f_bavail * vfs.f_frsize;
      self->disk_size = vfs.f_blocks * vfs.f_frsize;
      low = self->disk_free < (guint64) self->disk_reserve;
      if (self->disk_reserve > 0)
        sb_bus_note_disk (self, used, low ? 0 : used + self->disk_free - self->disk_reserve);
    }
  if (low && !self->disk_low)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_DISK,
                      SB_LOG_FIELD_REASON, "no-space", "MESSAGE",
                      "less than disk-reserve is free on the disk of data-dir: nothing new is "
                      "accepted");
  if (!low && self->disk_low)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_DISK,
                      "MESSAGE", "the disk of data-dir has room again");
  self->disk_low = low;
}

static void
refresh_stats (SbBus *self, gint64 now)
{
  gint64 interval = now < self->stats_until ? STATS_WATCHED : STATS_INTERVAL;

  if (self->reading_stats || now - self->stats_time < interval)
    return;
  self->stats_time = now;
  self->reading_stats = TRUE;
  sb_journal_read_async (self->journal, read_stats, g_task_new (self, NULL, stats_read_cb, NULL));
  check_disk (self);
  sb_takeovers_clean (self->takeovers, now);
}

/* Looks at the clock; four times a second while the bus runs. */
void
sb_bus_tick (SbBus *self)
{
  gint64 now = sb_clock_monotonic (self->clock);

  self->queue_settings.wall_ahead = sb_clock_wall (self->clock) - now;
  tick_queues (self);
  sb_watch_table_check (self->watches, now);
  sb_watch_table_check (self->direct_watches, now);
  /* Somebody who was answered may have stopped the bus. */
  if (self->sweeper == NULL)
    return;
  sb_sweeper_tick (self->sweeper);
  if (self->scrubber != NULL)
    sb_scrubber_tick (self->scrubber);
  if (self->uploads != NULL)
    sb_uploads_tick (self->uploads, now);
  sb_bus_update_store_limits (self);
  sb_bus_check_alarms (self, now);
  sb_bus_count_backlog (self, now);
  refresh_stats (self, now);
}

static gboolean
tick_cb (gpointer user_data)
{
  g_autoptr (SbBus) self = g_object_ref (user_data);

  sb_bus_tick (self);
  return G_SOURCE_CONTINUE;
}

/* Lifecycle */

static void
journal_drained_cb (SbJournal *journal, gpointer user_data)
{
  g_signal_emit_by_name (user_data, "drained");
}

static void
sb_bus_dispose (GObject *object)
{
  SbBus *self = SB_BUS (object);

  if (self->sweeper != NULL)
    sb_bus_stop (self);
  sb_bus_close_outbounds (self);
  G_OBJECT_CLASS (sb_bus_parent_class)->dispose (object);
}

static void
disown_queue (gpointer key, gpointer value, gpointer user_data)
{
  sb_queue_disown (value);
}

static void
sb_bus_finalize (GObject *object)
{
  SbBus *self = SB_BUS (object);

  g_hash_table_foreach (self->queues, disown_queue, NULL);
  g_hash_table_unref (self->sessions);
  g_hash_table_unref (self->outbounds);
  g_hash_table_unref (self->file_usage);
  g_hash_table_unref (self->seen);
  g_clear_pointer (&self->watchers, g_array_unref);
  g_clear_pointer (&self->plugins, g_ptr_array_unref);
  g_clear_pointer (&self->loaded, g_ptr_array_unref);
  g_clear_object (&self->vault);
  g_hash_table_unref (self->queues);
  g_clear_object (&self->registry);
  sb_bus_remove_metrics (self);
  g_hash_table_unref (self->near);
  sb_limits_unref (self->limits);
  sb_takeovers_free (self->takeovers);
  sb_watch_table_free (self->watches);
  sb_watch_table_free (self->direct_watches);
  g_object_unref (self->metrics);
  g_object_unref (self->clock);
  g_object_unref (self->accounts);
  g_object_unref (self->journal);
  g_object_unref (self->config);
  G_OBJECT_CLASS (sb_bus_parent_class)->finalize (object);
}

static void
sb_bus_class_init (SbBusClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = sb_bus_dispose;
  object_class->finalize = sb_bus_finalize;

  /**
   * SbBus::drained:
   *
   * The bus was congested and takes messages again.
   */
  g_signal_new ("drained", SB_TYPE_BUS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
sb_bus_init (SbBus *self)
{
  self->queues = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                        (GDestroyNotify) sb_queue_unref);
  self->sessions = g_hash_table_new (g_int64_hash, g_int64_equal);
  self->seen = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  self->file_usage = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->outbounds = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_object_unref);
  self->takeovers = sb_takeovers_new ();
  self->watches = sb_watch_table_new ();
  self->direct_watches = sb_watch_table_new ();
}

/**
 * sb_bus_new:
 * @config: (transfer none): with the group `bus` declared
 * @journal: (transfer none): an open journal
 * @accounts: (transfer none): with the users loaded
 * @clock: (transfer none): what time it is
 * @metrics: (transfer none): where it counts
 *
 * Returns: (transfer full): a bus that is not started
 */
SbBus *
sb_bus_new (SbConfig *config, SbJournal *journal, SbAccounts *accounts, SbClock *clock,
            SbMetrics *metrics)
{
  SbBus *self = g_object_new (SB_TYPE_BUS, NULL);

  self->config = g_object_ref (config);
  self->journal = g_object_ref (journal);
  self->accounts = g_object_ref (accounts);
  self->directory = sb_accounts_get_directory (accounts);
  self->clock = g_object_ref (clock);
  self->metrics = g_object_ref (metrics);
  self->limits = sb_limits_new (0, 0);
  self->journal_stuck = JOURNAL_STUCK;
  sb_bus_watch_config (self);
  sb_bus_add_metrics (self);
  sb_bus_add_alarms (self);
  sb_accounts_count_in (accounts, metrics);
  return self;
}

/**
 * sb_bus_set_registry:
 * @self: a new bus
 * @registry: (transfer none): where the types of outbound paths are
 *
 * Without a registry no user is called.
 */
void
sb_bus_set_registry (SbBus *self, SbRegistry *registry)
{
  g_return_if_fail (SB_IS_BUS (self));

  g_set_object (&self->registry, registry);
}

/* What is complete is announced, once the bus can do that. */
static gboolean
start_uploads (SbBus *self, GError **error)
{
  self->uploads = sb_uploads_new (self);
  return sb_uploads_load (self->uploads, error);
}

/**
 * sb_bus_start:
 * @self: a new bus
 * @error: the store's
 *
 * Begins to take messages. Blocks for one short read of the store.
 */
gboolean
sb_bus_start (SbBus *self, GError **error)
{
  g_autofree SbStoreStats *stats = sb_journal_read_sync (self->journal, read_stats, error);

  if (stats == NULL)
    return FALSE;
  self->stats = *stats;
  sb_bus_clear_backup (self);
  if (!sb_bus_sweep_vault (self, error))
    return FALSE;
  sb_id_maker_init (&self->ids, self->stats.last_time);
  self->sweeper = sb_sweeper_new (self->journal, self->clock, self->stats.last_time, due_cb, self);
  self->tick = g_timeout_add (TICK_MS, tick_cb, self);
  self->started = sb_clock_monotonic (self->clock);
  self->queue_settings.wall_ahead = sb_clock_wall (self->clock) - self->started;
  g_signal_connect_object (self->journal, "drained", G_CALLBACK (journal_drained_cb), self, 0);
  g_signal_connect_object (self->accounts, "user-changed", G_CALLBACK (user_changed_cb), self, 0);
  g_signal_connect_object (self->accounts, "user-removed", G_CALLBACK (user_removed_cb), self, 0);
  check_disk (self);
  if (self->vault != NULL && !start_uploads (self, error))
    {
      sb_bus_stop (self);
      return FALSE;
    }
  if (self->vault != NULL)
    {
      self->scrubber = sb_scrubber_new (self->journal, self->vault, self->clock, self->metrics);
      sb_scrubber_set_rate (self->scrubber, sb_config_get_size (self->config, "bus", "scrub-rate"));
    }
  sb_bus_start_outbounds (self);
  return TRUE;
}

/**
 * sb_bus_stop:
 * @self: a started bus
 *
 * Takes nothing new, closes all sessions and answers everybody who waits.
 * What outbound paths have under way may end with sb_bus_drain_async(). What
 * is in the journal is committed by sb_journal_close().
 */
void
sb_bus_stop (SbBus *self)
{
  g_autoptr (GPtrArray) busy = NULL;
  GHashTableIter iter;
  gpointer value;

  g_return_if_fail (SB_IS_BUS (self));

  if (self->sweeper == NULL)
    return;
  g_clear_handle_id (&self->tick, g_source_remove);
  sb_bus_stop_backup (self);
  g_clear_pointer (&self->sweeper, sb_sweeper_free);
  g_clear_pointer (&self->scrubber, sb_scrubber_free);
  g_clear_pointer (&self->uploads, sb_uploads_free);
  for (;;)
    {
      g_hash_table_iter_init (&iter, self->sessions);
      if (!g_hash_table_iter_next (&iter, NULL, &value))
        break;
      close_session (self, value, SB_CLOSE_STOPPING);
    }
  sb_bus_stop_outbounds (self);
  busy = take_stock (self);
  for (guint i = 0; i < busy->len; i++)
    sb_queue_close (g_ptr_array_index (busy, i));
  sb_watch_table_check (self->watches, G_MAXINT64);
  sb_watch_table_check (self->direct_watches, G_MAXINT64);
}

gboolean
sb_bus_check_running (SbBus *self, GError **error)
{
  if (self->sweeper != NULL)
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_CLOSED, "the bus is stopping");
  return FALSE;
}

gboolean
sb_bus_check_disk (SbBus *self, GError **error)
{
  if (!self->disk_low)
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_NO_SPACE,
                       "the disk of the bus is full: nothing new is accepted until there is room");
  return FALSE;
}

/* Whether a message can be taken now. */
gboolean
sb_bus_check_resources (SbBus *self, GError **error)
{
  if (!sb_bus_check_running (self, error) || !sb_bus_check_disk (self, error))
    return FALSE;
  if (sb_journal_is_full (self->journal))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_BUSY,
                           "too many messages wait for the disk; send it again in a moment");
      return FALSE;
    }
  return TRUE;
}

/**
 * sb_bus_get_config:
 * @self: a bus
 *
 * Returns: (transfer none): the configuration
 */
SbConfig *
sb_bus_get_config (SbBus *self)
{
  return self->config;
}

/**
 * sb_bus_get_accounts:
 * @self: a bus
 *
 * Returns: (transfer none): its users
 */
SbAccounts *
sb_bus_get_accounts (SbBus *self)
{
  return self->accounts;
}

/**
 * sb_bus_get_metrics:
 * @self: a bus
 *
 * Returns: (transfer none): where it counts
 */
SbMetrics *
sb_bus_get_metrics (SbBus *self)
{
  return self->metrics;
}

/**
 * sb_bus_get_clock:
 * @self: a bus
 *
 * Returns: (transfer none): what time it is for the bus
 */
SbClock *
sb_bus_get_clock (SbBus *self)
{
  return self->clock;
}

/**
 * sb_bus_get_limits:
 * @self: a bus
 *
 * A transport takes leave here for each message before it hands it to the bus.
 *
 * Returns: (transfer none): how many messages users and addresses may send
 */
SbLimits *
sb_bus_get_limits (SbBus *self)
{
  return self->limits;
}

/**
 * sb_bus_is_congested:
 * @self: a bus
 *
 * Returns: whether senders have to wait; SbBus::drained tells when they need not any more
 */
gboolean
sb_bus_is_congested (SbBus *self)
{
  return sb_journal_is_full (self->journal);
}

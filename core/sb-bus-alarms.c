/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bus-alarms: what comes near a limit, for the operator: in all, by recipient,
 * and who sends more than he may.
 *
 * The store tells with each append whose queue is nearly full. Such a recipient is
 * remembered, named in the log once, and looked at every few seconds until there is
 * room again.
 */

#include "sb-bus-private.h"

#include "sb-names.h"

#define NEAR_INTERVAL (5 * G_USEC_PER_SEC)

/* Recipients whose queues are remembered to be nearly full, and are looked at in one go. */
#define NEAR_MAX 10000
#define NEAR_SLICE 256

/* Lines about recipients at a time; a message to everybody may fill everybody's queue. */
#define NEAR_LINES 10

/* Between two lines about senders over their rate. */
#define THROTTLE_INTERVAL (10 * G_USEC_PER_SEC)

/* A recipient whose queue is nearly full. */
typedef struct
{
  gint64 recipient;
  GList link; /* in SbBus.near_fresh, then in SbBus.near_known */
} Near;

/* A look at some of them. */
typedef struct
{
  guint n;
  gint64 recipients[NEAR_SLICE];
  SbBacklog backlogs[NEAR_SLICE];
} Look;

/* In all */

static const SbAlarm alarms[SB_BUS_N_ALARMS] = {
  [SB_BUS_ALARM_SESSIONS] = { "sessions", "max-sessions", "many sessions are open",
                              "raise it, and LimitNOFILE of the service" },
  [SB_BUS_ALARM_USERS] = { "users", "max-users", "there are many users",
                           "delete those that are not needed, or raise it" },
  [SB_BUS_ALARM_JOURNAL] = { "journal", "journal-backlog",
                             "many messages wait for the disk, and senders will have to wait",
                             "it takes a faster disk, or fewer messages" },
  [SB_BUS_ALARM_IN_FLIGHT] = { "in-flight", "in-flight-bytes",
                               "much memory is taken by messages on their way",
                               "recipients confirm late; raise it if there is memory" },
  [SB_BUS_ALARM_DISK] = { "disk", "the disk of data-dir above disk-reserve",
                          "the disk fills up, and then nothing new is accepted",
                          "make room, or move data-dir" },
};

static double
get_ratio (gpointer user_data)
{
  return ((const SbAlarm *) user_data)->ratio;
}

static double
count_near (gpointer user_data)
{
  return g_hash_table_size (SB_BUS (user_data)->near);
}

/* Once, after the metrics. */
void
sb_bus_add_alarms (SbBus *self)
{
  self->near = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  for (guint i = 0; i < SB_BUS_N_ALARMS; i++)
    {
      g_autofree char *label = sb_metrics_label ("limit", alarms[i].name);

      self->alarms[i] = alarms[i];
      sb_bus_add_gauge (self, "simplebus_limit_used_ratio",
                        "How much of a limit is used; 1 is all of it", label, get_ratio,
                        &self->alarms[i]);
    }
  sb_bus_add_gauge (self, "simplebus_queues_near_limit",
                    "Recipients whose queue is nearly full, by number or bytes", NULL, count_near,
                    self);
  self->throttled = sb_metrics_counter (
      self->metrics, "simplebus_messages_throttled_total",
      "Messages that were refused or had to wait, since their sender is over a rate", NULL);
}

/* How much of the disk is used, of what may be. */
void
sb_bus_note_disk (SbBus *self, guint64 used, guint64 usable)
{
  gboolean is_full = used >= usable;

  sb_alarm_update (&self->alarms[SB_BUS_ALARM_DISK], is_full ? 1 : (double) used,
                   is_full ? 1 : (double) usable, sb_clock_monotonic (self->clock));
}

static void
check_alarms (SbBus *self, gint64 now)
{
  sb_alarm_update (&self->alarms[SB_BUS_ALARM_SESSIONS], g_hash_table_size (self->sessions),
                   self->max_sessions, now);
  sb_alarm_update (&self->alarms[SB_BUS_ALARM_USERS], sb_directory_get_all (self->directory)->len,
                   sb_config_get_integer (self->config, SB_CONFIG_GROUP_BUS, "max-users"), now);
  sb_alarm_update (&self->alarms[SB_BUS_ALARM_JOURNAL], sb_journal_get_fill (self->journal), 1,
                   now);
  sb_alarm_update (&self->alarms[SB_BUS_ALARM_IN_FLIGHT], self->queue_settings.in_flight,
                   self->queue_settings.in_flight_max, now);
}

/* By recipient */

/* The queue of a recipient is nearly full, or full. */
void
sb_bus_note_near (SbBus *self, gint64 recipient)
{
  Near *near;

  if (g_hash_table_contains (self->near, &recipient) || g_hash_table_size (self->near) >= NEAR_MAX)
    return;
  near = g_new0 (Near, 1);
  near->recipient = recipient;
  near->link.data = near;
  g_hash_table_insert (self->near, &near->recipient, near);
  g_queue_push_tail_link (&self->near_fresh, &near->link);
}

static void
log_near (SbBus *self, const Near *near)
{
  const SbUser *user = sb_directory_lookup_key (self->directory, near->recipient);

  if (user != NULL)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_LIMIT,
                      SB_LOG_FIELD_LIMIT, "queue", SB_LOG_FIELD_USER, user->id, "MESSAGE",
                      "the queue of %s is nearly full (max-queue, max-queue-bytes), and then "
                      "messages to it are refused; is it there, and does it confirm?",
                      user->id);
}

static void
log_more_near (guint n)
{
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_LIMIT,
                    SB_LOG_FIELD_LIMIT, "queue", "MESSAGE",
                    "the queues of %u more recipients are nearly full", n);
}

static void
log_fresh (SbBus *self)
{
  guint n = 0;
  GList *link;

  while ((link = g_queue_pop_head_link (&self->near_fresh)) != NULL)
    {
      if (n++ < NEAR_LINES)
        log_near (self, link->data);
      g_queue_push_tail_link (&self->near_known, link);
    }
  if (n > NEAR_LINES)
    log_more_near (n - NEAR_LINES);
}

static gboolean
is_near (const SbBus *self, const SbBacklog *backlog)
{
  return backlog->waiting >= SB_ALARM_OVER * self->store_limits.max_queue
         || backlog->bytes >= SB_ALARM_OVER * self->store_limits.max_queue_bytes;
}

/* Returns: %FALSE when nobody was to be told */
static gboolean
forget_near (SbBus *self, Near *near, gboolean tell)
{
  const SbUser *user = sb_directory_lookup_key (self->directory, near->recipient);

  if (tell && user != NULL)
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_LIMIT,
                      SB_LOG_FIELD_LIMIT, "queue", SB_LOG_FIELD_USER, user->id, "MESSAGE",
                      "the queue of %s has room again", user->id);
  g_queue_unlink (&self->near_known, &near->link);
  g_hash_table_remove (self->near, &near->recipient);
  return user != NULL;
}

static void
read_look (SbStore *store, GTask *task)
{
  Look *look = g_task_get_task_data (task);
  GError *error = NULL;

  for (guint i = 0; i < look->n; i++)
    if (!sb_store_backlog (store, look->recipients[i], &look->backlogs[i], &error))
      {
        g_task_return_error (task, error);
        return;
      }
  g_task_return_boolean (task, TRUE);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbBus *self = SB_BUS (source);
  const Look *look = g_task_get_task_data (G_TASK (result));
  guint n = 0;

  self->looking_near = FALSE;
  /* What could not be read is looked at again in its turn. */
  if (!g_task_propagate_boolean (G_TASK (result), NULL))
    return;
  for (guint i = 0; i < look->n; i++)
    {
      Near *near = g_hash_table_lookup (self->near, &look->recipients[i]);

      if (near != NULL && !is_near (self, &look->backlogs[i]))
        n += forget_near (self, near, n < NEAR_LINES);
    }
  if (n > NEAR_LINES)
    g_message ("the queues of %u more recipients have room again", n - NEAR_LINES);
}

/* Those that were not looked at for longest. */
static void
look_at_near (SbBus *self)
{
  Look *look = g_new0 (Look, 1);
  GTask *task = g_task_new (self, NULL, looked_cb, NULL);

  for (look->n = 0; look->n < MIN (NEAR_SLICE, g_hash_table_size (self->near)); look->n++)
    {
      GList *link = g_queue_pop_head_link (&self->near_known);

      look->recipients[look->n] = ((const Near *) link->data)->recipient;
      g_queue_push_tail_link (&self->near_known, link);
    }
  g_task_set_task_data (task, look, g_free);
  self->looking_near = TRUE;
  self->near_time = sb_clock_monotonic (self->clock);
  sb_journal_read_async (self->journal, read_look, task);
}

/* Looks at everything; at every tick. */
void
sb_bus_check_alarms (SbBus *self, gint64 now)
{
  check_alarms (self, now);
  log_fresh (self);
  if (self->near_known.length > 0 && !self->looking_near && now - self->near_time >= NEAR_INTERVAL)
    look_at_near (self);
}

/* By sender */

/**
 * sb_bus_note_throttled:
 * @self: a bus
 * @user: who sends
 *
 * To be called by a transport when a message has to wait, or is refused, since its
 * sender is over a rate: counts it, and says so in the log now and then.
 */
void
sb_bus_note_throttled (SbBus *self, SbUser *user)
{
  gint64 now = sb_clock_monotonic (self->clock);

  sb_counter_add (self->throttled, 1);
  sb_bus_flow_refused (self, user, NULL, "rate-limit");
  if (self->throttle_logged != 0 && now - self->throttle_logged < THROTTLE_INTERVAL)
    return;
  self->throttle_logged = now;
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", SB_MESSAGE_ID_LIMIT,
                    SB_LOG_FIELD_LIMIT, "rate", SB_LOG_FIELD_USER, user->id, "MESSAGE",
                    "%s sends more than it may (user-rate, address-rate) and has to wait",
                    user->id);
}

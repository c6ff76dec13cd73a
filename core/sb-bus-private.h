/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bus-private: the bus as its own files see it. sb-bus.c starts, stops and
 * lets time pass; sb-publish.c takes messages in, sb-receipts.c tells their
 * senders, sb-pull.c serves those that ask over HTTP.
 */
#pragma once

#include "sb-alarm.h"
#include "sb-backup.h"
#include "sb-bus.h"
#include "sb-flow.h"
#include "sb-id.h"
#include "sb-outbound-private.h"
#include "sb-queue.h"
#include "sb-scrubber.h"
#include "sb-session-private.h"
#include "sb-sweeper.h"
#include "sb-takeover.h"
#include "sb-uploads-private.h"
#include "sb-vault.h"
#include "sb-watch.h"

G_BEGIN_DECLS

typedef enum
{
  SB_BUS_ALARM_SESSIONS,
  SB_BUS_ALARM_USERS,
  SB_BUS_ALARM_JOURNAL,
  SB_BUS_ALARM_IN_FLIGHT,
  SB_BUS_ALARM_DISK,
  SB_BUS_N_ALARMS,
} SbBusAlarm;

/* Recipients by how they are reached. */
typedef enum
{
  SB_BACKLOG_ONLINE,
  SB_BACKLOG_OFFLINE,
  SB_BACKLOG_CALLED,
  SB_BACKLOG_N_CLASSES,
} SbBacklogClass;

/* What waits for those of one class. */
typedef struct
{
  guint64 waiting;
  gint64 oldest; /* wall clock, microseconds; 0: nothing is pending */
} SbBacklogSum;

struct _SbBus
{
  GObject parent_instance;

  SbConfig *config;       /* (owned) */
  SbJournal *journal;     /* (owned) */
  SbAccounts *accounts;   /* (owned) */
  SbDirectory *directory; /* (borrowed) of the accounts */
  SbClock *clock;         /* (owned) */
  SbMetrics *metrics;     /* (owned) */
  SbRegistry *registry;   /* (owned) (nullable) where the types of outbound paths are */

  SbIdMaker ids;
  GHashTable *queues;           /* (owned) gint64 → SbQueue (owned) */
  GHashTable *sessions;         /* (owned) gint64 in the user → SbSession (owned) */
  GHashTable *outbounds;        /* (owned) gint64 in the user → SbOutbound (owned) */
  SbTakeovers *takeovers;       /* (owned) */
  SbWatchTable *watches;        /* (owned) */
  SbWatchTable *direct_watches; /* (owned) by sender and id */
  SbSweeper *sweeper;           /* (owned) (nullable) between start and stop */
  guint tick;

  SbVault *vault;       /* (owned) (nullable) */
  SbScrubber *scrubber; /* (owned) (nullable) between start and stop, with a vault */
  SbUploads *uploads;   /* (owned) (nullable) likewise */
  GHashTable
      *file_usage;    /* (owned) sender's gint64 (owned) → guint64 (owned): bytes in the vault */
  SbBackup *backup;   /* (borrowed) (nullable) that is being made */
  gint64 backup_time; /* wall clock, microseconds: when the last one was complete; 0: never */
  gint64 max_file_size;
  gint64 file_quota;
  gint64 file_ttl; /* microseconds */

  SbOutboundShared outbound_shared;
  GTask *drain; /* (owned) (nullable) while it waits for outbound paths */
  gulong drain_cancelled;

  SbQueueSettings queue_settings;
  gint64 ttl; /* of messages that do not say, and whose senders do not; seconds, 0: none */
  guint max_recipients;
  guint max_sessions;
  gboolean require_uid;
  gint64 disk_reserve;
  gboolean disk_low;
  guint64 disk_free; /* bytes, when last looked at; 0 with a size of 0: not known */
  guint64 disk_size;

  SbLimits *limits; /* (owned) message rates */
  SbStoreLimits store_limits;
  gboolean store_limits_due; /* the store does not know them yet */

  SbAlarm alarms[SB_BUS_N_ALARMS];
  GHashTable *near;  /* (owned) gint64 → recipient whose queue is nearly full (owned) */
  GQueue near_fresh; /* those that were not named yet */
  GQueue near_known; /* the others, the longest not looked at first */
  gint64 near_time;  /* monotonic: when some were looked at */
  gboolean looking_near;
  gint64 throttle_logged; /* monotonic: when somebody was last named; 0: never */

  SbStoreStats stats;
  gint64 stats_time;  /* monotonic: when they were asked for */
  gint64 stats_until; /* monotonic: somebody watches them until then */
  gboolean reading_stats;

  SbBacklogSum backlog[SB_BACKLOG_N_CLASSES];  /* as they were when they were last counted */
  SbBacklogSum counting[SB_BACKLOG_N_CLASSES]; /* as far as they are now */
  gint64 backlog_begun;                        /* monotonic */
  gint64 backlog_due;                          /* monotonic: when to begin again */
  gint64 backlog_after;                        /* recipients up to this one are counted */
  gboolean reading_backlog;

  gint64 journal_stuck; /* µs without a commit, with something due, that are a fault */
  gint64 started;       /* monotonic */
  GHashTable *seen;     /* (owned) gint64 in the value → Seen (owned), by the users' keys */
  GPtrArray *plugins;   /* (owned) (nullable) of SbPluginInfo */
  GPtrArray *loaded;    /* (owned) (nullable) of SbPlugin */
  guint n_lost_files;   /* missing or damaged when the bus started */

  GArray *watchers; /* (owned) (nullable) of sb-flow.c */

  GArray *gauges; /* (owned) of guint */
  SbCounter *accepted;
  SbCounter *duplicates;
  SbCounter *confirmed;
  SbCounter *receipts;
  SbCounter *expired;
  SbCounter *dead;
  SbCounter *notified;
  SbCounter *takeover_count;
  SbCounter *direct_delivered;
  SbCounter *direct_dropped;
  SbCounter *throttled;
  SbCounter *deliveries;
  SbCounter *scheduled;
  SbCounter *due;
  SbCounter *dead_refused;
  SbCounter *dead_full;
  SbCounter *requeued;
  SbCounter *dropped;
  SbCounter *moved;
  SbCounter *backups_done;
  SbCounter *backups_failed;
  SbHistogram *publish_seconds;
};

SbSession *sb_bus_lookup_session (SbBus *self, gint64 user);
void sb_bus_drop_session (SbBus *self, SbSession *session, SbCloseReason reason);
void sb_bus_update_state (SbBus *self, gint64 recipient, const char *id, SbDeliveryState *state,
                          guint *attempts);
const char *sb_bus_get_outbound_state (SbOutbound *outbound, gint64 *pause);
SbQueue *sb_bus_ensure_queue (SbBus *self, gint64 recipient);
void sb_bus_tick (SbBus *self);
void sb_bus_submit_drop (SbBus *self, gint64 recipient, const char *id, SbOperationFunc func,
                         gpointer user_data);
void sb_bus_finish_drop (SbBus *self, const SbOperation *operation);
void sb_bus_tell_ended (SbBus *self, gint64 sender_key, const char *id, gint64 recipient,
                        SbReason reason);
gboolean sb_bus_check_running (SbBus *self, GError **error);
gboolean sb_bus_check_disk (SbBus *self, GError **error);
gboolean sb_bus_check_resources (SbBus *self, GError **error);
void sb_bus_add_metrics (SbBus *self);
void sb_bus_remove_metrics (SbBus *self);
void sb_bus_add_gauge (SbBus *self, const char *name, const char *help, const char *labels,
                       SbGaugeFunc func, gpointer user_data);

void sb_bus_add_process_metrics (SbBus *self);
void sb_bus_count_target (SbBus *self, const SbTarget *target, guint times);
void sb_bus_add_backlog_metrics (SbBus *self);
void sb_bus_count_backlog (SbBus *self, gint64 now);

void sb_bus_watch_config (SbBus *self);
void sb_bus_update_store_limits (SbBus *self);

void sb_bus_add_alarms (SbBus *self);
void sb_bus_check_alarms (SbBus *self, gint64 now);
void sb_bus_note_disk (SbBus *self, guint64 used, guint64 usable);
void sb_bus_note_near (SbBus *self, gint64 recipient);
guint64 sb_bus_get_file_usage (SbBus *self, gint64 sender);
void sb_bus_add_file_usage (SbBus *self, gint64 sender, gint64 bytes);
void sb_bus_drop_file (SbBus *self, gint64 sender, const char *released, guint64 size);
gboolean sb_bus_sweep_vault (SbBus *self, GError **error);
gboolean sb_bus_is_file_known (SbStore *store, const char *id, gboolean *known, GError **error);
void sb_bus_publish_upload_async (SbBus *self, SbUser *sender, GBytes *json, SbIncoming *incoming,
                                  const char *display_name, const char *base_url,
                                  GAsyncReadyCallback callback, gpointer user_data);

/* sb-backup.c */
void sb_bus_clear_backup (SbBus *self);
void sb_bus_stop_backup (SbBus *self);

/* sb-flow.c */
void sb_bus_tell_flow (SbBus *self, const SbFlow *flow);
void sb_bus_queue_flow (SbQueue *queue, SbFlowKind what, const SbMessage *message,
                        gpointer user_data);
void sb_bus_flow_accepted (SbBus *self, const SbMessage *message, const SbOperation *operation);
void sb_bus_flow_delivery (SbBus *self, SbFlowKind what, const char *id, gint64 sender,
                           gint64 recipient, const char *reason);
void sb_bus_flow_ended (SbBus *self, gint64 recipient, const SbOperation *operation,
                        const char *id);
void sb_bus_flow_refused (SbBus *self, const SbUser *sender, const char *id, const char *reason);

static inline gboolean
sb_bus_is_watched (SbBus *self)
{
  return G_UNLIKELY (self->queue_settings.watched);
}

SbOutbound *sb_bus_lookup_outbound (SbBus *self, gint64 user);
void sb_bus_attach_outbound (SbBus *self, gint64 user);
void sb_bus_update_outbound (SbBus *self, SbUser *user);
void sb_bus_remove_outbound (SbBus *self, gint64 user);
void sb_bus_start_outbounds (SbBus *self);
void sb_bus_stop_outbounds (SbBus *self);
void sb_bus_close_outbounds (SbBus *self);

gboolean sb_bus_wants_receipt (SbQueue *queue, gint64 sender_key, gpointer user_data);
void sb_bus_give_receipt (SbBus *self, gint64 recipient, const SbOperation *operation,
                          const char *id);

gboolean sb_bus_check_members (SbBus *self, const SbEnvelope *envelope, GError **error);
SbMessage *sb_bus_make_message (SbBus *self, const SbUser *sender, const SbEnvelope *envelope,
                                GError **error);
void sb_bus_wait (SbBus *self, const char *id, guint n_recipients, gint64 time, SbWatchFunc func,
                  gpointer user_data);

G_END_DECLS

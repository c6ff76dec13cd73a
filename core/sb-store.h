/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-store: where messages, deliveries, users and receipts are kept.
 *
 * An implementation is a GObject of a plugin. It is used by two threads of the
 * core: the journal's thread calls open, apply and close, and nothing else
 * writes; the reader's thread calls everything that reads. Reads may run while
 * apply runs, and see whole batches only. A store that cannot do both at once
 * takes a lock of its own.
 *
 * Reads see every batch whose apply returned before the read began.
 *
 * What each operation does is said beside it in sb-operation.h; store-conformance
 * holds a store to every sentence of both files. No store reads the clock: all
 * times come with the operations.
 */
#pragma once

#include "sb-config.h"
#include "sb-operation.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define SB_TYPE_STORE (sb_store_get_type ())
G_DECLARE_INTERFACE (SbStore, sb_store, SB, STORE, GObject)

/**
 * SbStoreOptions:
 * @config: the configuration; the store reads the group of its plugin there
 * @data_dir: (type filename): an existing folder; relative files go below it
 * @limits: what it keeps at most, until an %SB_OPERATION_LIMITS says otherwise
 *
 * What a store is opened with. Valid during the call only, but @config.
 */
typedef struct
{
  SbConfig *config;
  const char *data_dir;
  SbStoreLimits limits;
} SbStoreOptions;

/**
 * SbStoredDelivery:
 *
 * A delivery as it lies in the store, with its message.
 */
typedef struct
{
  SbMessage *message; /* (owned) may lack its file: the body is what is sent */
  gint64 position;
  gint64 handle;
  gint64 due; /* parked: wall clock, microseconds */
  guint attempts;
  char *log; /* (owned) (nullable) parked: what became of the attempts */
} SbStoredDelivery;

SbStoredDelivery *sb_stored_delivery_new (SbMessage *message, gint64 position, gint64 handle,
                                          gint64 due, guint attempts);
void sb_stored_delivery_free (SbStoredDelivery *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbStoredDelivery, sb_stored_delivery_free)

/**
 * SbDeliveryStatus:
 *
 * How one delivery of a message stands.
 */
typedef struct
{
  gint64 recipient_key;
  char *recipient; /* (owned) the user's id, also of a user that is gone */
  SbDeliveryState state;
  SbReason reason;
  guint attempts;
  gint64 since; /* when it came into this state, or pending: when the message was accepted */
  gint64 due;   /* parked and scheduled: wall clock, microseconds; else 0 */
  char *log;    /* (owned) (nullable) what became of the attempts */
} SbDeliveryStatus;

/**
 * SbMessageStatus:
 *
 * How a message stands, as long as it is remembered.
 */
typedef struct
{
  char *id;     /* (owned) */
  char *sender; /* (owned) the user's id */
  gint64 sender_key;
  gint64 accepted;       /* wall clock, microseconds */
  gint64 not_before;     /* likewise; 0: at once */
  gint64 deadline;       /* likewise; 0: never */
  GPtrArray *deliveries; /* (owned) (element-type SbDeliveryStatus) by the recipients' keys */
} SbMessageStatus;

SbMessageStatus *sb_message_status_new (const char *id, const char *sender, gint64 sender_key,
                                        gint64 accepted);
SbDeliveryStatus *sb_message_status_add (SbMessageStatus *self, gint64 recipient_key,
                                         const char *recipient, SbDeliveryState state,
                                         SbReason reason, guint attempts, gint64 since);
void sb_message_status_free (SbMessageStatus *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbMessageStatus, sb_message_status_free)

/**
 * SbStoredReceipt:
 *
 * A receipt that waits for its sender.
 */
typedef struct
{
  gint64 number;   /* grows; what SB_OPERATION_DROP_RECEIPTS names */
  char *id;        /* (owned) of the message */
  char *recipient; /* (owned) the user's id */
} SbStoredReceipt;

SbStoredReceipt *sb_stored_receipt_new (gint64 number, const char *id, const char *recipient);
void sb_stored_receipt_free (SbStoredReceipt *self);

/**
 * SbBacklog:
 *
 * What waits for one recipient.
 */
typedef struct
{
  guint64 waiting;   /* deliveries pending, scheduled or parked */
  guint64 scheduled; /* those among them */
  guint64 parked;    /* likewise */
  guint64 bytes;     /* of the bodies of the waiting ones */
  guint64 dead;
  gint64 oldest; /* when the message of the pending one with the lowest position was accepted,
                    microseconds; 0: none is pending */
} SbBacklog;

/**
 * SbQueueInfo:
 *
 * A recipient for which something waits, or has died.
 */
typedef struct
{
  gint64 recipient;
  char *recipient_id; /* (owned) also of a user that is gone */
  SbBacklog backlog;
} SbQueueInfo;

/**
 * SbQueueRank:
 *
 * How long a queue is, to be compared with others.
 */
typedef struct
{
  gint64 recipient;
  guint64 waiting;
  guint64 dead;
} SbQueueRank;

int sb_queue_rank_compare (const SbQueueRank *a, const SbQueueRank *b);
void sb_queue_ranks_add (GArray *ranks, guint limit, const SbQueueRank *rank);

SbQueueInfo *sb_queue_info_new (gint64 recipient, const char *recipient_id,
                                const SbBacklog *backlog);
void sb_queue_info_free (SbQueueInfo *self);
int sb_queue_info_compare (gconstpointer a, gconstpointer b);

/**
 * SbDeliveryFilter:
 * @recipient: key of the recipient, 0 for all
 * @sender_key: key of the sender, 0 for all
 * @states: a bit, `1 << state`, for each of pending, scheduled, parked, notified and dead that is
 *   wanted
 *
 * Which deliveries to list.
 */
typedef struct
{
  gint64 recipient;
  gint64 sender_key;
  guint states;
} SbDeliveryFilter;

/**
 * SbDeliveryInfo:
 *
 * A delivery in a list, without its message's body.
 */
typedef struct
{
  char *id;           /* (owned) of the message */
  char *sender;       /* (owned) its id */
  char *recipient_id; /* (owned) also of a user that is gone */
  gint64 recipient;   /* key */
  gint64 position;    /* 0 when it has none */
  SbDeliveryState state;
  SbReason reason;
  guint attempts;
  gsize size;      /* of the body, bytes */
  gint64 accepted; /* wall clock, microseconds, as all times */
  gint64 since;    /* when it came into this state; pending: when it was accepted */
  gint64 due;      /* parked and scheduled; else 0 */
} SbDeliveryInfo;

void sb_delivery_info_free (SbDeliveryInfo *self);

/**
 * SbFileRight:
 *
 * How a recipient of a file stands to it.
 */
typedef struct
{
  gint64 recipient;
  SbDeliveryState state;
} SbFileRight;

/**
 * SbFileInfo:
 *
 * A file that a message names which has not ended.
 */
typedef struct
{
  SbFile *file;     /* (owned) */
  char *message_id; /* (owned) */
  char *sender;     /* (owned) its id, also of a user that is gone */
  gint64 sender_key;
  gint64 accepted; /* wall clock, microseconds */
  gint64 deadline; /* likewise; 0: never */
  /* (owned) (nullable) (element-type SbFileRight) of all recipients, also those whose delivery has
     ended, in any order; not in lists */
  GArray *rights;
} SbFileInfo;

SbFileInfo *sb_file_info_new (SbFile *file, const char *message_id, const char *sender,
                              gint64 sender_key, gint64 accepted, gint64 deadline);
void sb_file_info_free (SbFileInfo *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbFileInfo, sb_file_info_free)

/**
 * SbSnapshotFunc:
 * @file: a file that a message names which had not ended in the snapshot
 * @user_data: given to sb_store_snapshot()
 *
 * Told of the files that belong to a snapshot.
 */
typedef void (*SbSnapshotFunc) (const SbFile *file, gpointer user_data);

/**
 * SbStoreStats:
 *
 * What the store holds in all.
 */
typedef struct
{
  guint64 messages; /* with a body */
  guint64 bytes;    /* of these bodies; an estimate is fine */
  guint64 waiting;  /* deliveries pending, scheduled or parked */
  guint64 parked;
  guint64 dead;
  guint64 remembered;
  guint64 files;      /* of messages that have not ended */
  guint64 file_bytes; /* of these */
  guint64 disk;       /* bytes on disk, 0 when there is none */
  gint64 last_time;   /* newest wall-clock time stored, microseconds, 0 when none */
  guint64 scheduled;  /* of those that wait */
} SbStoreStats;

struct _SbStoreInterface
{
  GTypeInterface parent_iface;

  /**
   * SbStoreInterface::open:
   * @self: a new object
   * @options: limits and places
   * @error: SB_ERROR_CORRUPT when the data is damaged, SB_ERROR_UNSUPPORTED when a newer
   *   version wrote it, SB_ERROR_BUSY when another process has it; says what to do
   *
   * Makes or opens the store, migrates an older format, and is ready when it
   * returns. Called once, on the journal's thread. It never deletes data that
   * it cannot read.
   */
  gboolean (*open) (SbStore *self, const SbStoreOptions *options, GError **error);

  /**
   * SbStoreInterface::close:
   *
   * Releases all resources. Called once, after a successful open, on the
   * journal's thread when no read is running. What apply acknowledged is
   * durable without it.
   */
  void (*close) (SbStore *self);

  /**
   * SbStoreInterface::apply:
   * @self: an open store
   * @operations: (array length=n_operations): in order; each sees the effect of those before it
   * @error: SB_ERROR_NO_SPACE when the disk is full, SB_ERROR_CORRUPT, SB_ERROR_TRANSIENT
   *
   * Applies all operations or none, and writes each one's outcome. When it
   * returns %TRUE everything is flushed to stable storage. When it returns
   * %FALSE the store is as before, the outcomes mean nothing, and the next
   * apply may succeed. It finds every outcome at %SB_OUTCOME_DONE, the results
   * of every sweep empty, and nothing said of files.
   */
  gboolean (*apply) (SbStore *self, SbOperation *const *operations, guint n_operations,
                     GError **error);

  /**
   * SbStoreInterface::pending:
   * @self: an open store
   * @recipient: key of the recipient
   * @after: only positions above this one
   * @limit: at most so many rows
   * @max_bytes: stop after the message with which the bodies reach it, so at least one comes
   *
   * Returns: (transfer full) (element-type SbStoredDelivery): pending
   *   deliveries in position order, neither parked nor scheduled ones. Fewer
   *   than @limit rows whose bodies are less than @max_bytes in all mean that
   *   there are no more.
   */
  GPtrArray *(*pending) (SbStore *self, gint64 recipient, gint64 after, guint limit,
                         gsize max_bytes, GError **error);

  /**
   * SbStoreInterface::parked:
   * @self: an open store
   * @recipient: key of the recipient
   * @until: only those due at this wall-clock time or before, microseconds
   * @limit: at most so many rows; 0 only asks for @next_due
   * @next_due: (out): when the first one that is not returned is due, 0 when there is none
   *
   * Returns: (transfer full) (element-type SbStoredDelivery): parked deliveries, oldest due first,
   *   of the same due time by position
   */
  GPtrArray *(*parked) (SbStore *self, gint64 recipient, gint64 until, guint limit,
                        gint64 *next_due, GError **error);

  /**
   * SbStoreInterface::backlog:
   * @self: an open store
   * @recipient: key of the recipient
   * @backlog: (out): zeros for a recipient for which nothing waits and nothing has died
   *
   * How much waits for a recipient.
   */
  gboolean (*backlog) (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error);

  /**
   * SbStoreInterface::queues:
   * @self: an open store
   * @after: a key; 0 begins
   * @limit: at most so many
   *
   * Returns: (transfer full) (element-type SbQueueInfo): recipients with keys above @after for
   *   which something waits or has died, also those that are gone, in order of their keys
   */
  GPtrArray *(*queues) (SbStore *self, gint64 after, guint limit, GError **error);

  /**
   * SbStoreInterface::deliveries:
   * @self: an open store
   * @filter: which ones
   * @after: (nullable): what an earlier call gave as @next; %NULL begins
   * @limit: at most so many
   * @next: (out) (transfer full) (nullable): where to go on: a short text without blanks that only
   *   the store understands; %NULL when there are no more
   * @error: SB_ERROR_INVALID when @after is none of its texts
   *
   * Lists deliveries that have not ended, in an order of the store's that does not change while
   * they do not, in bounded time: when few of many match, a page may be short, or empty, and
   * still have a @next. Who reads page after page sees each one once that matches all the while.
   *
   * Returns: (transfer full) (element-type SbDeliveryInfo): a page
   */
  GPtrArray *(*deliveries) (SbStore *self, const SbDeliveryFilter *filter, const char *after,
                            guint limit, char **next, GError **error);

  /**
   * SbStoreInterface::message:
   * @self: an open store
   * @id: a message's id
   *
   * Returns: (transfer full): the message, which may lack its file; SB_ERROR_NOT_FOUND when it is
   *   unknown or has no body any more
   */
  SbMessage *(*message) (SbStore *self, const char *id, GError **error);

  /**
   * SbStoreInterface::status:
   * @self: an open store
   * @id: a message's id
   *
   * Returns: (transfer full): how it stands; SB_ERROR_NOT_FOUND when it is not (or no longer) known
   */
  SbMessageStatus *(*status) (SbStore *self, const char *id, GError **error);

  /**
   * SbStoreInterface::file:
   * @self: an open store
   * @name: a stored name
   *
   * Returns: (transfer full): the file with its rights; SB_ERROR_NOT_FOUND when there is none, or
   *   its message has ended
   */
  SbFileInfo *(*file) (SbStore *self, const char *name, GError **error);

  /**
   * SbStoreInterface::files:
   * @self: an open store
   * @after: id of a file; "" begins
   * @limit: at most so many
   *
   * Returns: (transfer full) (element-type SbFileInfo): files of messages that have not ended, with
   *   ids above @after, in order of their ids, without rights
   */
  GPtrArray *(*files) (SbStore *self, const char *after, guint limit, GError **error);

  /**
   * SbStoreInterface::users:
   *
   * Returns: (transfer full) (element-type SbUser): every user that was not removed, in
   *   order of their keys
   */
  GPtrArray *(*users) (SbStore *self, GError **error);

  /**
   * SbStoreInterface::receipts:
   * @self: an open store
   * @sender_key: key of the sender
   * @limit: at most so many
   *
   * Returns: (transfer full) (element-type SbStoredReceipt): receipts that wait for the sender,
   *   oldest first
   */
  GPtrArray *(*receipts) (SbStore *self, gint64 sender_key, guint limit, GError **error);

  /**
   * SbStoreInterface::stats:
   *
   * Fills @stats. Cheap: it is called every few seconds.
   */
  gboolean (*stats) (SbStore *self, SbStoreStats *stats, GError **error);

  /**
   * SbStoreInterface::largest:
   * @self: an open store
   * @limit: at most so many
   *
   * Optional, for a store that knows this without reading all its queues; without it the core asks
   * for those.
   *
   * Returns: (transfer full) (element-type SbQueueInfo): recipients for which something waits or
   *   has died, in the order of sb_queue_rank_compare(): those with the longest queues
   */
  GPtrArray *(*largest) (SbStore *self, guint limit, GError **error);

  /**
   * SbStoreInterface::snapshot:
   * @self: an open store
   * @folder: (type filename): an empty folder; nothing else touches it
   * @func: told of every file of a message that has not ended in the snapshot, in order of their
   *   ids, as files() would list them
   * @user_data: for @func
   * @cancellable: (nullable): looked at often
   * @error: SB_ERROR_NO_SPACE, SB_ERROR_CORRUPT when what it reads is damaged, SB_ERROR_BUSY when
   *   it would cost the running store too much, %G_IO_ERROR_CANCELLED
   *
   * Optional; a store without it cannot be backed up while it runs. Writes what the store holds at
   * one moment into files of @folder, whose names have letters, digits, `.`, `_` and `-` only; it
   * makes no folders. All that an apply acknowledged before the call is in it, and of every batch
   * all or nothing. Called on a thread of its own, one at a time, while apply and the reads go on:
   * it holds up neither. Nothing needs to be flushed; when it fails, what it wrote is removed by
   * the core. It is over before close.
   */
  gboolean (*snapshot) (SbStore *self, const char *folder, SbSnapshotFunc func, gpointer user_data,
                        GCancellable *cancellable, GError **error);

  /**
   * SbStoreInterface::restore:
   * @self: a new object, which is not opened afterwards
   * @options: as for open
   * @folder: (type filename): what snapshot() wrote, by this version or an older one, perhaps on
   *   another machine with another configuration; may be taken apart
   * @error: SB_ERROR_CONFLICT when there is a store already, SB_ERROR_INVALID when @folder does not
   *   hold a snapshot, SB_ERROR_UNSUPPORTED when the configuration has the store where it cannot
   *   be put; says what to do
   *
   * There if and only if snapshot is. Puts the snapshot to where an open with the same options
   * finds it. What goes below the data folder is flushed by the core.
   */
  gboolean (*restore) (SbStore *self, const SbStoreOptions *options, const char *folder,
                       GError **error);

  /*< private >*/
  gpointer padding[5];
};

gboolean sb_store_open (SbStore *self, const SbStoreOptions *options, GError **error);
void sb_store_close (SbStore *self);
gboolean sb_store_apply (SbStore *self, SbOperation *const *operations, guint n_operations,
                         GError **error);
GPtrArray *sb_store_pending (SbStore *self, gint64 recipient, gint64 after, guint limit,
                             gsize max_bytes, GError **error);
GPtrArray *sb_store_parked (SbStore *self, gint64 recipient, gint64 until, guint limit,
                            gint64 *next_due, GError **error);
gboolean sb_store_backlog (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error);
GPtrArray *sb_store_queues (SbStore *self, gint64 after, guint limit, GError **error);
GPtrArray *sb_store_largest (SbStore *self, guint limit, GError **error);
GPtrArray *sb_store_deliveries (SbStore *self, const SbDeliveryFilter *filter, const char *after,
                                guint limit, char **next, GError **error);
SbMessage *sb_store_message (SbStore *self, const char *id, GError **error);
SbMessageStatus *sb_store_status (SbStore *self, const char *id, GError **error);
SbFileInfo *sb_store_file (SbStore *self, const char *name, GError **error);
GPtrArray *sb_store_files (SbStore *self, const char *after, guint limit, GError **error);
GPtrArray *sb_store_users (SbStore *self, GError **error);
GPtrArray *sb_store_receipts (SbStore *self, gint64 sender_key, guint limit, GError **error);
gboolean sb_store_stats (SbStore *self, SbStoreStats *stats, GError **error);
gboolean sb_store_snapshot (SbStore *self, const char *folder, SbSnapshotFunc func,
                            gpointer user_data, GCancellable *cancellable, GError **error);
gboolean sb_store_restore (SbStore *self, const SbStoreOptions *options, const char *folder,
                           GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-operation: one change of what is stored, and its outcome.
 *
 * The bus makes an operation and gives it to the journal. The journal gathers
 * operations into a batch; the store applies the batch in one transaction and
 * writes each outcome into the operation's `out` fields; after the commit the
 * journal calls the operation's function on the main context. Until then only
 * the store's thread touches it.
 */
#pragma once

#include "sb-message.h"
#include "sb-user.h"

G_BEGIN_DECLS

/**
 * SbDeliveryState:
 * @SB_DELIVERY_PENDING: waits for its turn, or is in flight (the store does not tell them apart)
 * @SB_DELIVERY_SCHEDULED: waits for its `not_before`; has no position yet
 * @SB_DELIVERY_PARKED: sent in vain too often; waits for its due time outside the queue
 * @SB_DELIVERY_CONFIRMED: ended: the recipient has it
 * @SB_DELIVERY_EXPIRED: ended: its deadline passed
 * @SB_DELIVERY_DEAD: given up with a reason; kept with its message until somebody decides
 * @SB_DELIVERY_DROPPED: ended: an admin let it go
 * @SB_DELIVERY_SENT: pending, and in flight: only the bus knows this, a store never has it
 * @SB_DELIVERY_NOTIFIED: of a message with a file: the recipient knows of it and may still
 *   fetch it; not delivered again, does not wait, and has not ended
 *
 * Stored as numbers, so values never change. A delivery has ended when it is
 * confirmed, expired or dropped; a message whose deliveries have all ended
 * loses its body and is remembered for a while. A dead one keeps the body.
 */
typedef enum
{
  SB_DELIVERY_PENDING = 0,
  SB_DELIVERY_SCHEDULED = 1,
  SB_DELIVERY_PARKED = 2,
  SB_DELIVERY_CONFIRMED = 3,
  SB_DELIVERY_EXPIRED = 4,
  SB_DELIVERY_DEAD = 5,
  SB_DELIVERY_DROPPED = 6,
  SB_DELIVERY_SENT = 7,
  SB_DELIVERY_NOTIFIED = 8,
} SbDeliveryState;

const char *sb_delivery_state_to_string (SbDeliveryState state);
gboolean sb_delivery_state_has_ended (SbDeliveryState state);

/**
 * SbReason:
 *
 * Why a delivery ended without a confirmation. Stored as numbers, so values
 * never change.
 */
typedef enum
{
  SB_REASON_NONE = 0,
  SB_REASON_QUEUE_FULL = 1,
  SB_REASON_RECIPIENT_DELETED = 2,
  SB_REASON_TTL = 3,
  SB_REASON_REFUSED = 4,
  SB_REASON_DROPPED = 5,
  SB_REASON_MOVED = 6,
} SbReason;

const char *sb_reason_to_string (SbReason reason);

/**
 * SbOperationKind:
 * @SB_OPERATION_APPEND: a message and its deliveries
 * @SB_OPERATION_END: a delivery ends: confirmed, expired, dead or dropped
 * @SB_OPERATION_PARK: a delivery leaves the queue until a due time
 * @SB_OPERATION_REQUEUE: a delivery goes back to the end of its queue
 * @SB_OPERATION_MOVE: a delivery goes to the end of another user's queue
 * @SB_OPERATION_PUT_USER: a user is inserted or replaced
 * @SB_OPERATION_REMOVE_USER: a user goes; its deliveries become dead
 * @SB_OPERATION_ADD_RECEIPT: a receipt for a sender that is not there
 * @SB_OPERATION_DROP_RECEIPTS: receipts that were written to the sender's socket
 * @SB_OPERATION_SWEEP: time passed: wake the scheduled, expire, forget the remembered
 * @SB_OPERATION_LIMITS: other limits are in force from here on; nothing is stored
 */
typedef enum
{
  SB_OPERATION_APPEND,
  SB_OPERATION_END,
  SB_OPERATION_PARK,
  SB_OPERATION_PUT_USER,
  SB_OPERATION_REMOVE_USER,
  SB_OPERATION_ADD_RECEIPT,
  SB_OPERATION_DROP_RECEIPTS,
  SB_OPERATION_SWEEP,
  SB_OPERATION_REQUEUE,
  SB_OPERATION_MOVE,
  SB_OPERATION_LIMITS,
} SbOperationKind;

/**
 * SbOutcome:
 * @SB_OUTCOME_DONE: carried out
 * @SB_OUTCOME_DUPLICATE: append: the same sender appended this id before; end: was confirmed before
 * @SB_OUTCOME_CONFLICT: append: the id belongs to another sender; put user: the id is taken and the
 *   key is 0; move: the other user is a recipient of the message already
 * @SB_OUTCOME_FULL: append: a named recipient's queue is full, nothing was appended
 * @SB_OUTCOME_UNKNOWN: there is no such delivery or user, or it has ended otherwise
 */
typedef enum
{
  SB_OUTCOME_DONE,
  SB_OUTCOME_DUPLICATE,
  SB_OUTCOME_CONFLICT,
  SB_OUTCOME_FULL,
  SB_OUTCOME_UNKNOWN,
} SbOutcome;

/**
 * SbStoreLimits:
 * @remember: how long a message is remembered after its last delivery ended, microseconds
 * @remember_max: how many are remembered at most, once a sweep has nothing more to do
 * @receipts_max: receipts kept per sender, the oldest go first
 * @receipts_age: how long a receipt is kept, microseconds
 * @max_queue: deliveries pending, scheduled or parked, per recipient
 * @max_queue_bytes: bytes of their messages' bodies, per recipient
 * @max_dead: dead deliveries per recipient, up to which another one that finds its queue full is
 *   kept as dead
 *
 * What a store keeps at most. May change while it is open.
 */
typedef struct
{
  gint64 remember;
  gint64 remember_max;
  gint64 receipts_max;
  gint64 receipts_age;
  gint64 max_queue;
  gint64 max_queue_bytes;
  gint64 max_dead;
} SbStoreLimits;

/**
 * SbTarget:
 * @recipient: key of the recipient
 * @named: addressed by its own id: when its queue is full, the whole message is refused
 * @state: (out): pending, scheduled, or dead when the queue is full and @named is not set; dropped
 *   when, beyond that, the recipient has max_dead dead deliveries
 * @full: (out): the recipient's queue was at its limit
 * @near: (out): with this delivery the recipient's queue is at four fifths of max_queue or of
 *   max_queue_bytes, or above; means nothing unless @state is pending or scheduled
 * @position: (out): the place in the recipient's queue, 0 unless pending
 *
 * A recipient of a message that is being appended. Positions grow: no row ever
 * becomes visible below a position that was returned before for that recipient.
 * A recipient that was removed meanwhile gets a dead delivery
 * (recipient-deleted), named or not. With an outcome of full, @full of every
 * named target that was full is set; @position and @state mean nothing then,
 * nor does any field with duplicate and conflict.
 */
typedef struct
{
  gint64 recipient;
  gint64 position;
  SbDeliveryState state;
  guint named : 1;
  guint full : 1;
  guint near : 1;
} SbTarget;

/**
 * SbDue:
 *
 * A delivery that time has moved, as a sweep reports it. @id is owned.
 */
typedef struct
{
  gint64 recipient;
  gint64 position; /* woken: its new position; expired: the one it had, 0 when scheduled */
  gint64 sender_key;
  char *id;
  char *released;        /* (owned) (nullable) id of the file that nobody needs any more … */
  guint64 released_size; /* … and its bytes */
  SbDeliveryState state; /* pending: was scheduled and is due now; expired */
} SbDue;

typedef struct _SbOperation SbOperation;

/**
 * SbOperationFunc:
 * @operation: with its outcome
 * @error: (nullable): why the whole batch failed; nothing of it is stored then
 * @user_data: given with the operation
 *
 * Called once per operation on the main context, in the order of the journal.
 */
typedef void (*SbOperationFunc) (SbOperation *operation, const GError *error, gpointer user_data);

struct _SbOperation
{
  SbOperationKind kind;
  SbOutcome outcome; /* (out) */
  SbOperationFunc func;
  gpointer user_data;
  gsize bytes; /* of the journal: what it counts for the operation while it waits */

  union
  {
    /*
     * The message's sender is the id of the user with its sender_key. The
     * message's id decides first: known from the same sender, the outcome is
     * duplicate, from another one conflict, whatever the queues look like.
     * Then each target's queue is full when one more delivery would exceed
     * max_queue, or this message's body max_queue_bytes. A full named target
     * refuses the whole message; one that is not named gets a dead delivery
     * (queue-full), or one that ended as dropped (queue-full) when the recipient
     * has max_dead dead ones already, whatever they died of. A message of which
     * nothing else is left is remembered from its accepted time on. One whose
     * not_before is after its own accepted time is scheduled, without positions.
     *
     * With `more`, all messages are appended or none: ids, and stored names of
     * files, are looked at first, of all; then the queues, which need room for
     * all. The first that is not done decides the outcome, of one message its id
     * before its name. A stored name that another live file has, also one of the
     * same operation, is a conflict, too; ids of messages and of files all differ.
     * Each target fares alike with all of them: it is full when they do not all
     * fit, and they are dead when all fit under max_dead, else all are dropped.
     * Positions of `more` follow that of `message`, which alone is told; near is
     * as after the last.
     *
     * A file is live as long as its message has a delivery that has not ended.
     */
    struct
    {
      SbMessage *message; /* (owned) */
      SbTarget *targets;  /* (owned) n_targets of them, at least one, no recipient twice */
      guint n_targets;
      guint n_recipients;  /* (out) of the original when this is a duplicate, else n_targets */
      gint64 handle;       /* (out) the store's own number of the message */
      SbMessage **more;    /* (owned) (nullable) n_more others, with the same … */
      guint n_more;        /* … sender, times and targets */
      guint faulty;        /* (out) duplicate, conflict: which one, 0 is `message` */
      gboolean name_taken; /* (out) conflict: it is the stored name that another file has */
      gboolean released;   /* (out) all have ended: their files were never live and can go */
    } append;

    /*
     * Found by recipient and position, or by recipient and id when position is
     * 0; handle and message only help to find it sooner. A position finds its
     * delivery as long as the message is remembered, unless the delivery was
     * requeued and has another one since.
     *
     * A confirmed delivery answers duplicate, whatever is asked. Else it can be
     * confirmed when pending, scheduled, parked, notified or dead; dropped likewise;
     * expired or dead when pending, scheduled, parked or notified; anything else is
     * unknown. When the message has a file, to confirm it without `release`
     * means that it becomes notified, without a reason, and a notified one answers
     * duplicate. It keeps the larger of its attempts and these. A log that is given
     * replaces the one it has. When all of a message's deliveries have ended (a dead or
     * notified one has not), the message loses its body and its file, whose stored name
     * is free, and from then on it is remembered, with the logs. The operation that
     * ended the last one tells of the file, and no other does.
     */
    struct
    {
      gint64 recipient;
      gint64 position;       /* (out) also when it was found by id */
      gint64 handle;         /* of the message, or 0 */
      SbMessage *message;    /* (owned) (nullable) */
      char *id;              /* (owned) (nullable) the message's id, needed without position */
      SbDeliveryState state; /* confirmed, expired, dead or dropped */
      SbReason reason;
      guint attempts;         /* that failed, as far as the queue counted them */
      char *log;              /* (owned) (nullable) what became of the attempts, for people */
      gint64 now;             /* wall clock, microseconds */
      gint64 sender_key;      /* (out) of the message */
      gboolean store_receipt; /* confirmed: the sender is away, keep a receipt for it */
      gboolean release;       /* confirmed: the recipient does not need the file any more */
      gboolean notified;      /* (out) it is notified, not confirmed; no receipt was stored */
      char *released;         /* (out) (owned) (nullable) id of the file that nobody needs … */
      guint64 released_size;  /* (out) … and its bytes */
    } end;

    /*
     * A pending delivery is parked; a parked one gets a new due time. Anything
     * else is unknown. It keeps its position. Attempts and log as with an end.
     */
    struct
    {
      gint64 recipient;
      gint64 position;
      gint64 handle;
      gint64 due; /* wall clock, microseconds */
      gint64 now;
      guint attempts;
      char *log; /* (owned) (nullable) what became of the attempts, for people */
    } park;

    /*
     * A dead, parked, notified or scheduled delivery becomes pending: with a new position,
     * no reason, no attempts, and the log it has. Its old position finds it no
     * more. Limits do not refuse it; a deadline, also one that has passed, holds
     * for it as for any other. Anything else is unknown, and so is a delivery
     * whose recipient is gone.
     */
    struct
    {
      gint64 recipient;
      char *id; /* (owned) of the message */
      gint64 now;
      gint64 old_position; /* (out) 0 when it had none */
      gint64 position;     /* (out) */
    } requeue;

    /*
     * A delivery that is pending, scheduled, parked, notified or dead ends as dropped
     * (moved), with its position, attempts and log, and the message gets another
     * recipient, with a pending delivery that has no attempts and no log. Limits
     * do not refuse it, and the recipient may be gone. Unknown, first of all, when
     * there is no such delivery, it has ended, or the other user is gone; conflict
     * when the message has, or had, a delivery to that user. What is remembered,
     * counted and answered about the message is as if it had been sent to both.
     */
    struct
    {
      gint64 recipient;
      gint64 to; /* key of the other user */
      char *id;  /* (owned) of the message */
      gint64 now;
      gint64 old_position; /* (out) 0 when it had none */
      gint64 position;     /* (out) in the other queue */
      gint64 sender_key;   /* (out) of the message */
    } move;

    /*
     * With key 0 a new user, whose key was never given before; conflict when
     * the id is taken. Else the user with that key is replaced as a whole but
     * its id, which never changes; unknown when it is gone.
     */
    struct
    {
      SbUser *user; /* (owned) key 0 inserts */
      gint64 key;   /* (out) */
    } put_user;

    /*
     * Its pending, scheduled, parked and notified deliveries become dead
     * (recipient-deleted), the receipts that wait for it go, what it sent
     * stays. Its id is free for a new user. Unknown when it is gone.
     */
    struct
    {
      gint64 key;
      gint64 now;
      guint n_dead; /* (out) deliveries that became dead */
    } remove_user;

    /* The sender's oldest receipts over receipts_max go. Unknown when the sender is gone. */
    struct
    {
      gint64 sender_key;
      gint64 recipient;
      char *id; /* (owned) of the message */
      gint64 now;
    } add_receipt;

    struct
    {
      gint64 sender_key;
      gint64 up_to; /* number of the last receipt that was written */
    } drop_receipts;

    /*
     * In this order: expires what is pending, scheduled, parked or notified, and what is
     * dead and has a file, with its deadline at now or before (reason ttl); gives what
     * is scheduled and due a position, in order of not_before; forgets messages that
     * ended `remember` ago or before, and the oldest above remember_max; drops receipts
     * older than receipts_age. Nothing else follows from time alone.
     */
    struct
    {
      gint64 now;    /* wall clock, microseconds */
      guint limit;   /* of deliveries, messages and receipts to touch in one go */
      GArray *moved; /* (out) (owned) (element-type SbDue) made with the operation, empty */
      gint64 next;   /* (out) when a sweep has something to do next, 0: nothing waits for time */
      gboolean more; /* (out) the limit was reached: sweep again soon */
    } sweep;

    /*
     * They hold for the operations behind this one, until the store is closed.
     * What is over a lower limit already stays until an operation for which the
     * limit counts comes, as far as that one ends anything.
     */
    SbStoreLimits limits;
  };
};

SbOperation *sb_operation_new (SbOperationKind kind, SbOperationFunc func, gpointer user_data);
void sb_operation_free (SbOperation *self);
guint sb_operation_get_rows (const SbOperation *self);
gsize sb_operation_get_bytes (const SbOperation *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbOperation, sb_operation_free)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-memory-apply: one function per kind of operation. Each decides first and
 * changes afterwards, and nothing it does can fail half-way, so a batch needs
 * no way back.
 */

#include "sb-memory-apply.h"

#include <stdlib.h>

/* What an append asks of each queue. */
typedef struct
{
  guint n_messages;
  gsize size; /* of their bodies */
} Load;

static Load
get_load (const SbOperation *operation)
{
  Load load = { 1 + operation->append.n_more, sb_message_get_size (operation->append.message) };

  for (guint i = 0; i < operation->append.n_more; i++)
    load.size += sb_message_get_size (operation->append.more[i]);
  return load;
}

static gboolean
is_full (MemoryState *state, const MemoryAccount *account, const Load *load)
{
  return account->backlog.waiting + load->n_messages > (guint64) state->limits.max_queue
         || account->backlog.bytes + load->size > (guint64) state->limits.max_queue_bytes;
}

/* Four fifths, rounded up, without the overflow of a product. */
static gboolean
is_near (guint64 value, gint64 limit)
{
  return value >= (guint64) (limit - limit / 5);
}

static gboolean
has_too_many_dead (MemoryState *state, const MemoryAccount *account, const Load *load)
{
  return account->backlog.dead + load->n_messages > (guint64) state->limits.max_dead;
}

/* What becomes of all messages of the operation, before any of them is there. */
static SbDeliveryState
choose_state (MemoryState *state, const MemoryAccount *account, const SbTarget *target,
              const SbOperation *operation, const Load *load)
{
  const SbMessage *message = operation->append.message;

  if (account->user == NULL)
    return SB_DELIVERY_DEAD;
  if (target->full)
    return has_too_many_dead (state, account, load) ? SB_DELIVERY_DROPPED : SB_DELIVERY_DEAD;
  return message->not_before > message->accepted ? SB_DELIVERY_SCHEDULED : SB_DELIVERY_PENDING;
}

/* Marks the full ones; says whether the messages as a whole can be taken. */
static SbOutcome
check_targets (MemoryState *state, SbOperation *operation)
{
  SbOutcome outcome = SB_OUTCOME_DONE;
  Load load = get_load (operation);

  for (guint i = 0; i < operation->append.n_targets; i++)
    {
      SbTarget *target = &operation->append.targets[i];
      MemoryAccount *account = memory_state_find_account (state, target->recipient);

      if (account == NULL)
        return SB_OUTCOME_UNKNOWN;
      target->full = account->user != NULL && is_full (state, account, &load);
      target->near = FALSE;
      target->state = choose_state (state, account, target, operation, &load);
      if (target->full && target->named)
        outcome = SB_OUTCOME_FULL;
    }
  return outcome;
}

static void
make_delivery (MemoryState *state, MemoryDelivery *delivery, const SbTarget *target)
{
  delivery->recipient = memory_state_find_account (state, target->recipient);
  delivery->since = delivery->message->accepted;
  delivery->state = target->state;
  if (delivery->recipient->user == NULL)
    delivery->reason = SB_REASON_RECIPIENT_DELETED;
  else if (target->full)
    delivery->reason = SB_REASON_QUEUE_FULL;
}

static int
compare_recipients (const void *a, const void *b)
{
  gint64 one = ((const MemoryDelivery *) a)->recipient->key;
  gint64 other = ((const MemoryDelivery *) b)->recipient->key;

  return (one > other) - (one < other);
}

static void
report_target (MemoryState *state, MemoryMessage *message, SbTarget *target)
{
  const MemoryDelivery *delivery = memory_message_find (message, target->recipient);
  const SbBacklog *backlog = &delivery->recipient->backlog;

  target->position = delivery->position;
  if (delivery->state == SB_DELIVERY_PENDING || delivery->state == SB_DELIVERY_SCHEDULED)
    target->near = is_near (backlog->waiting, state->limits.max_queue)
                   || is_near (backlog->bytes, state->limits.max_queue_bytes);
}

static MemoryMessage *
append_message (MemoryState *state, SbMessage *appended, const SbTarget *targets, guint n_targets)
{
  MemoryMessage *message = memory_message_new (appended, n_targets);

  for (guint i = 0; i < n_targets; i++)
    make_delivery (state, &message->deliveries[i], &targets[i]);
  if (n_targets > 1)
    qsort (message->deliveries, n_targets, sizeof (MemoryDelivery), compare_recipients);
  memory_state_add_message (state, message);
  return message;
}

static void
append_all (MemoryState *state, SbOperation *operation)
{
  SbTarget *targets = operation->append.targets;
  guint n_targets = operation->append.n_targets;
  MemoryMessage *message = append_message (state, operation->append.message, targets, n_targets);

  for (guint i = 0; i < operation->append.n_more; i++)
    append_message (state, operation->append.more[i], targets, n_targets);
  for (guint i = 0; i < n_targets; i++)
    report_target (state, message, &targets[i]);
  operation->append.handle = message->handle;
  operation->append.n_recipients = n_targets;
  operation->append.released = message->n_live == 0;
}

static SbMessage *
get_appended (const SbOperation *operation, guint i)
{
  return i == 0 ? operation->append.message : operation->append.more[i - 1];
}

static gboolean
is_name_taken (MemoryState *state, const SbOperation *operation, guint i)
{
  const SbFile *file = get_appended (operation, i)->file;
  gboolean taken = file != NULL && g_hash_table_contains (state->names, file->name);

  for (guint k = 0; file != NULL && !taken && k < i; k++)
    {
      const SbFile *other = get_appended (operation, k)->file;

      taken = other != NULL && g_str_equal (other->name, file->name);
    }
  return taken;
}

/* Whether the store has the message, or its file's name, already. */
static SbOutcome
check_known (MemoryState *state, SbOperation *operation, guint i)
{
  const SbMessage *message = get_appended (operation, i);
  const MemoryMessage *known = g_hash_table_lookup (state->messages, message->id);

  operation->append.faulty = i;
  if (known != NULL)
    {
      operation->append.n_recipients = memory_message_get_n_deliveries (known);
      operation->append.handle = known->handle;
      return known->sender_key == message->sender_key ? SB_OUTCOME_DUPLICATE : SB_OUTCOME_CONFLICT;
    }
  operation->append.name_taken = is_name_taken (state, operation, i);
  return operation->append.name_taken ? SB_OUTCOME_CONFLICT : SB_OUTCOME_DONE;
}

static void
apply_append (MemoryState *state, SbOperation *operation)
{
  for (guint i = 0; operation->outcome == SB_OUTCOME_DONE && i <= operation->append.n_more; i++)
    operation->outcome = check_known (state, operation, i);
  if (operation->outcome != SB_OUTCOME_DONE)
    return;

  operation->append.faulty = 0;
  operation->outcome = check_targets (state, operation);
  if (operation->outcome == SB_OUTCOME_DONE)
    append_all (state, operation);
}

static SbOutcome
judge_end (SbDeliveryState from, SbDeliveryState to)
{
  switch (from)
    {
    case SB_DELIVERY_PENDING:
    case SB_DELIVERY_SCHEDULED:
    case SB_DELIVERY_PARKED:
    case SB_DELIVERY_NOTIFIED:
      return SB_OUTCOME_DONE;
    case SB_DELIVERY_DEAD:
      return to == SB_DELIVERY_CONFIRMED || to == SB_DELIVERY_DROPPED ? SB_OUTCOME_DONE
                                                                      : SB_OUTCOME_UNKNOWN;
    case SB_DELIVERY_CONFIRMED:
      return SB_OUTCOME_DUPLICATE;
    case SB_DELIVERY_EXPIRED:
    case SB_DELIVERY_DROPPED:
    case SB_DELIVERY_SENT:
      return SB_OUTCOME_UNKNOWN;
    }
  return SB_OUTCOME_UNKNOWN;
}

static void
store_receipt (MemoryState *state, const MemoryDelivery *delivery, gint64 now)
{
  MemoryAccount *sender = memory_state_find_user (state, delivery->message->sender_key);

  if (sender != NULL)
    memory_state_add_receipt (state, sender, delivery->message->id, delivery->recipient->id, now);
}

static MemoryDelivery *
find_delivery (MemoryState *state, gint64 recipient, gint64 position, const char *id)
{
  if (position != 0)
    return memory_state_find_by_position (state, recipient, position);
  return id == NULL ? NULL : memory_state_find_by_id (state, recipient, id);
}

static void
keep_log (MemoryDelivery *delivery, const char *log)
{
  if (log == NULL)
    return;
  g_free (delivery->log);
  delivery->log = g_strdup (log);
}

/* Ends it, and tells of the file that went with the last delivery. */
static void
end_delivery (MemoryState *state, MemoryDelivery *delivery, SbDeliveryState to, SbReason reason,
              gint64 now, char **released, guint64 *released_size)
{
  MemoryMessage *message = delivery->message;
  SbFile *live = message->message->file;
  g_autoptr (SbFile) file = live != NULL ? sb_file_ref (live) : NULL;

  memory_state_change (state, delivery, to, reason, now);
  if (file != NULL && message->n_live == 0)
    {
      *released = g_strdup (file->id);
      *released_size = file->size;
    }
}

/* Whether the recipient only says that it knows of a file. */
static gboolean
is_notice (const SbOperation *operation, const MemoryDelivery *delivery)
{
  return operation->end.state == SB_DELIVERY_CONFIRMED && !operation->end.release
         && delivery->message->message != NULL && delivery->message->message->file != NULL;
}

static void
apply_end (MemoryState *state, SbOperation *operation)
{
  SbDeliveryState to = operation->end.state;
  MemoryDelivery *delivery = find_delivery (state, operation->end.recipient,
                                            operation->end.position, operation->end.id);

  operation->outcome = delivery == NULL ? SB_OUTCOME_UNKNOWN : judge_end (delivery->state, to);
  if (delivery == NULL)
    return;

  if (is_notice (operation, delivery))
    to = SB_DELIVERY_NOTIFIED;
  if (to == SB_DELIVERY_NOTIFIED && delivery->state == SB_DELIVERY_NOTIFIED)
    operation->outcome = SB_OUTCOME_DUPLICATE;
  operation->end.position = delivery->position;
  operation->end.sender_key = delivery->message->sender_key;
  if (operation->outcome != SB_OUTCOME_DONE)
    return;

  delivery->attempts = MAX (delivery->attempts, operation->end.attempts);
  keep_log (delivery, operation->end.log);
  end_delivery (state, delivery, to, operation->end.reason, operation->end.now,
                &operation->end.released, &operation->end.released_size);
  operation->end.notified = to == SB_DELIVERY_NOTIFIED;
  if (to == SB_DELIVERY_CONFIRMED && operation->end.store_receipt)
    store_receipt (state, delivery, operation->end.now);
}

static void
apply_park (MemoryState *state, SbOperation *operation)
{
  MemoryDelivery *delivery = memory_state_find_by_position (state, operation->park.recipient,
                                                            operation->park.position);

  if (delivery == NULL
      || (delivery->state != SB_DELIVERY_PENDING && delivery->state != SB_DELIVERY_PARKED))
    {
      operation->outcome = SB_OUTCOME_UNKNOWN;
      return;
    }
  delivery->due = operation->park.due;
  delivery->attempts = MAX (delivery->attempts, operation->park.attempts);
  keep_log (delivery, operation->park.log);
  memory_state_change (state, delivery, SB_DELIVERY_PARKED, SB_REASON_NONE, operation->park.now);
}

static void
apply_requeue (MemoryState *state, SbOperation *operation)
{
  MemoryDelivery *delivery = memory_state_find_by_id (state, operation->requeue.recipient,
                                                      operation->requeue.id);

  if (delivery == NULL || delivery->recipient->user == NULL
      || delivery->state == SB_DELIVERY_PENDING || sb_delivery_state_has_ended (delivery->state))
    {
      operation->outcome = SB_OUTCOME_UNKNOWN;
      return;
    }
  operation->requeue.old_position = delivery->position;
  delivery->attempts = 0;
  memory_state_change (state, delivery, SB_DELIVERY_PENDING, SB_REASON_NONE,
                       operation->requeue.now);
  operation->requeue.position = delivery->position;
}

static SbOutcome
judge_move (MemoryDelivery *delivery, const MemoryAccount *to)
{
  if (delivery == NULL || sb_delivery_state_has_ended (delivery->state) || to == NULL)
    return SB_OUTCOME_UNKNOWN;
  return memory_message_find (delivery->message, to->key) == NULL ? SB_OUTCOME_DONE
                                                                  : SB_OUTCOME_CONFLICT;
}

static void
apply_move (MemoryState *state, SbOperation *operation)
{
  MemoryDelivery *delivery = memory_state_find_by_id (state, operation->move.recipient,
                                                      operation->move.id);
  MemoryAccount *to = memory_state_find_user (state, operation->move.to);
  gint64 now = operation->move.now;

  operation->outcome = judge_move (delivery, to);
  if (operation->outcome != SB_OUTCOME_DONE)
    return;

  operation->move.old_position = delivery->position;
  operation->move.sender_key = delivery->message->sender_key;
  /* The new one first, so that the message never is without any that has not ended. */
  operation->move.position =
      memory_state_add_delivery (state, delivery->message, to, now)->position;
  memory_state_change (state, delivery, SB_DELIVERY_DROPPED, SB_REASON_MOVED, now);
}

static SbOutcome
check_user (MemoryState *state, const SbUser *user, const MemoryAccount *account)
{
  const MemoryAccount *holder = g_hash_table_lookup (state->users, user->id);

  if (user->key != 0 && account == NULL)
    return SB_OUTCOME_UNKNOWN;
  return holder != NULL && holder != account ? SB_OUTCOME_CONFLICT : SB_OUTCOME_DONE;
}

static void
apply_put_user (MemoryState *state, SbOperation *operation)
{
  g_autoptr (SbUser) stored = NULL;
  SbUser *user = operation->put_user.user;
  MemoryAccount *account = user->key == 0 ? NULL : memory_state_find_user (state, user->key);

  operation->outcome = check_user (state, user, account);
  if (operation->outcome != SB_OUTCOME_DONE)
    return;

  if (account == NULL)
    account = memory_state_add_account (state, user->id);
  stored = sb_user_with_key (user, account->key);
  memory_state_set_user (state, account, stored);
  memory_state_see_time (state, user->created);
  operation->put_user.key = account->key;
}

static void
apply_remove_user (MemoryState *state, SbOperation *operation)
{
  MemoryAccount *account = memory_state_find_user (state, operation->remove_user.key);
  gint64 now = operation->remove_user.now;
  GSequenceIter *next;

  if (account == NULL)
    {
      operation->outcome = SB_OUTCOME_UNKNOWN;
      return;
    }
  for (next = g_sequence_get_begin_iter (account->open); !g_sequence_iter_is_end (next);
       next = g_sequence_iter_next (next))
    {
      MemoryDelivery *delivery = g_sequence_get (next);

      if (delivery->state == SB_DELIVERY_DEAD)
        continue;
      memory_state_change (state, delivery, SB_DELIVERY_DEAD, SB_REASON_RECIPIENT_DELETED, now);
      operation->remove_user.n_dead++;
    }
  memory_state_remove_user (state, account);
  memory_state_see_time (state, now);
}

static void
apply_add_receipt (MemoryState *state, SbOperation *operation)
{
  MemoryAccount *sender = memory_state_find_user (state, operation->add_receipt.sender_key);
  MemoryAccount *recipient = memory_state_find_account (state, operation->add_receipt.recipient);

  if (sender == NULL || recipient == NULL)
    operation->outcome = SB_OUTCOME_UNKNOWN;
  else
    memory_state_add_receipt (state, sender, operation->add_receipt.id, recipient->id,
                              operation->add_receipt.now);
}

static void
apply_drop_receipts (MemoryState *state, SbOperation *operation)
{
  MemoryAccount *sender = memory_state_find_user (state, operation->drop_receipts.sender_key);

  while (sender != NULL && sender->receipts.head != NULL)
    {
      MemoryReceipt *oldest = sender->receipts.head->data;

      if (oldest->number > operation->drop_receipts.up_to)
        return;
      memory_state_drop_receipt (state, oldest);
    }
}

static MemoryDelivery *
peek_first (GSequence *sequence)
{
  GSequenceIter *first = g_sequence_get_begin_iter (sequence);

  return g_sequence_iter_is_end (first) ? NULL : g_sequence_get (first);
}

static SbDue
describe (const MemoryDelivery *delivery)
{
  return (SbDue) {
    .recipient = delivery->recipient->key,
    .position = delivery->position,
    .sender_key = delivery->message->sender_key,
    .id = g_strdup (delivery->message->id),
    .state = delivery->state,
  };
}

static gboolean
expire_one (MemoryState *state, SbOperation *operation)
{
  MemoryDelivery *delivery = peek_first (state->deadlines);
  guint64 released_size = 0;
  char *released = NULL;
  SbDue due;

  if (delivery == NULL || delivery->message->deadline > operation->sweep.now)
    return FALSE;
  end_delivery (state, delivery, SB_DELIVERY_EXPIRED, SB_REASON_TTL, operation->sweep.now,
                &released, &released_size);
  due = describe (delivery);
  due.released = released;
  due.released_size = released_size;
  g_array_append_val (operation->sweep.moved, due);
  return TRUE;
}

static gboolean
wake_one (MemoryState *state, SbOperation *operation)
{
  MemoryDelivery *delivery = peek_first (state->scheduled);
  SbDue due;

  if (delivery == NULL || delivery->message->not_before > operation->sweep.now)
    return FALSE;
  memory_state_change (state, delivery, SB_DELIVERY_PENDING, SB_REASON_NONE, operation->sweep.now);
  due = describe (delivery);
  g_array_append_val (operation->sweep.moved, due);
  return TRUE;
}

static gboolean
forget_one (MemoryState *state, SbOperation *operation)
{
  MemoryMessage *oldest = g_queue_peek_head (&state->remembered);

  if (oldest == NULL
      || (oldest->ended + state->limits.remember > operation->sweep.now
          && state->remembered.length <= (guint64) state->limits.remember_max))
    return FALSE;
  memory_state_forget (state, oldest);
  return TRUE;
}

static gboolean
drop_one_receipt (MemoryState *state, SbOperation *operation)
{
  MemoryReceipt *oldest = g_queue_peek_head (&state->receipts);

  if (oldest == NULL || oldest->time + state->limits.receipts_age > operation->sweep.now)
    return FALSE;
  memory_state_drop_receipt (state, oldest);
  return TRUE;
}

static gint64
earlier (gint64 a, gint64 b)
{
  return a == 0 || b == 0 ? MAX (a, b) : MIN (a, b);
}

/* When time alone moves something next, 0 when it never does. */
static gint64
find_next (MemoryState *state)
{
  const MemoryDelivery *scheduled = peek_first (state->scheduled);
  const MemoryDelivery *deadline = peek_first (state->deadlines);
  const MemoryMessage *remembered = g_queue_peek_head (&state->remembered);
  const MemoryReceipt *receipt = g_queue_peek_head (&state->receipts);
  gint64 next = 0;

  if (scheduled != NULL)
    next = earlier (next, scheduled->message->not_before);
  if (deadline != NULL)
    next = earlier (next, deadline->message->deadline);
  if (remembered != NULL)
    next = earlier (next, remembered->ended + state->limits.remember);
  if (receipt != NULL)
    next = earlier (next, receipt->time + state->limits.receipts_age);
  return next;
}

static void
apply_sweep (MemoryState *state, SbOperation *operation)
{
  guint left = operation->sweep.limit;

  while (left > 0
         && (expire_one (state, operation) || wake_one (state, operation)
             || forget_one (state, operation) || drop_one_receipt (state, operation)))
    left--;
  operation->sweep.more = left == 0;
  operation->sweep.next = find_next (state);
}

static void
apply_limits (MemoryState *state, SbOperation *operation)
{
  state->limits = operation->limits;
}

void
memory_apply (MemoryState *state, SbOperation *operation)
{
  static void (*const appliers[]) (MemoryState *, SbOperation *) = {
    [SB_OPERATION_APPEND] = apply_append,
    [SB_OPERATION_END] = apply_end,
    [SB_OPERATION_PARK] = apply_park,
    [SB_OPERATION_PUT_USER] = apply_put_user,
    [SB_OPERATION_REMOVE_USER] = apply_remove_user,
    [SB_OPERATION_ADD_RECEIPT] = apply_add_receipt,
    [SB_OPERATION_DROP_RECEIPTS] = apply_drop_receipts,
    [SB_OPERATION_SWEEP] = apply_sweep,
    [SB_OPERATION_REQUEUE] = apply_requeue,
    [SB_OPERATION_MOVE] = apply_move,
    [SB_OPERATION_LIMITS] = apply_limits,
  };

  appliers[operation->kind](state, operation);
}

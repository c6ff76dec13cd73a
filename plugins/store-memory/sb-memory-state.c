/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-memory-state: the structures of the memory store, kept consistent with each other. */

#include "sb-memory-state.h"

#include <stdlib.h>
#include <string.h>

static guint
hash_place (gconstpointer data)
{
  const MemoryDelivery *delivery = data;

  return g_direct_hash (delivery->recipient) * 31 + (guint) delivery->position * 2654435761u;
}

static gboolean
is_same_place (gconstpointer a, gconstpointer b)
{
  const MemoryDelivery *one = a;
  const MemoryDelivery *other = b;

  return one->recipient == other->recipient && one->position == other->position;
}

static int
compare_numbers (gint64 a, gint64 b)
{
  return (a > b) - (a < b);
}

static int
compare_due (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const MemoryDelivery *one = a;
  const MemoryDelivery *other = b;
  int order = compare_numbers (one->due, other->due);

  return order != 0 ? order : compare_numbers (one->position, other->position);
}

static int
compare_not_before (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const MemoryMessage *one = ((const MemoryDelivery *) a)->message;
  const MemoryMessage *other = ((const MemoryDelivery *) b)->message;
  int order = compare_numbers (one->not_before, other->not_before);

  return order != 0 ? order : compare_numbers (one->handle, other->handle);
}

static int
compare_deadlines (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const MemoryMessage *one = ((const MemoryDelivery *) a)->message;
  const MemoryMessage *other = ((const MemoryDelivery *) b)->message;

  return compare_numbers (one->deadline, other->deadline);
}

static int
compare_handles (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return compare_numbers (((const MemoryDelivery *) a)->message->handle,
                          ((const MemoryDelivery *) b)->message->handle);
}

static int
compare_files (gconstpointer a, gconstpointer b, gpointer user_data)
{
  return strcmp (((const MemoryMessage *) a)->message->file->id,
                 ((const MemoryMessage *) b)->message->file->id);
}

static void
free_receipt (MemoryReceipt *receipt)
{
  g_free (receipt->id);
  g_free (receipt->recipient);
  g_free (receipt);
}

static void
free_account (gpointer data)
{
  MemoryAccount *account = data;

  g_free (account->id);
  g_clear_pointer (&account->user, sb_user_unref);
  g_clear_pointer (&account->pending, g_sequence_free);
  g_clear_pointer (&account->parked, g_sequence_free);
  g_sequence_free (account->open);
  g_free (account);
}

MemoryState *
memory_state_new (const SbStoreOptions *options)
{
  MemoryState *self = g_new0 (MemoryState, 1);

  self->limits = options->limits;
  self->accounts = g_ptr_array_new_with_free_func (free_account);
  self->users = g_hash_table_new (g_str_hash, g_str_equal);
  self->messages = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                          (GDestroyNotify) memory_message_free);
  self->places = g_hash_table_new (hash_place, is_same_place);
  self->scheduled = g_sequence_new (NULL);
  self->deadlines = g_sequence_new (NULL);
  self->files = g_sequence_new (NULL);
  self->names = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->remembered);
  g_queue_init (&self->receipts);
  return self;
}

void
memory_state_free (MemoryState *self)
{
  while (!g_queue_is_empty (&self->receipts))
    memory_state_drop_receipt (self, self->receipts.head->data);
  g_sequence_free (self->scheduled);
  g_sequence_free (self->deadlines);
  g_sequence_free (self->files);
  g_hash_table_unref (self->names);
  g_hash_table_unref (self->places);
  g_hash_table_unref (self->messages);
  g_hash_table_unref (self->users);
  g_ptr_array_unref (self->accounts);
  g_free (self);
}

void
memory_state_see_time (MemoryState *self, gint64 time)
{
  self->stats.last_time = MAX (self->stats.last_time, time);
}

MemoryAccount *
memory_state_add_account (MemoryState *self, const char *id)
{
  MemoryAccount *account = g_new0 (MemoryAccount, 1);

  account->key = (gint64) self->accounts->len + 1;
  account->id = g_strdup (id);
  account->open = g_sequence_new (NULL);
  account->pending = g_sequence_new (NULL);
  account->parked = g_sequence_new (NULL);
  g_queue_init (&account->receipts);
  g_ptr_array_add (self->accounts, account);
  return account;
}

/* Makes it the user of this account, or replaces the one it had. */
void
memory_state_set_user (MemoryState *self, MemoryAccount *account, SbUser *user)
{
  if (account->user != NULL)
    g_hash_table_remove (self->users, account->id);
  g_clear_pointer (&account->user, sb_user_unref);
  g_free (account->id);
  account->id = g_strdup (user->id);
  account->user = sb_user_ref (user);
  g_hash_table_insert (self->users, account->id, account);
}

/* Nothing may wait in its queue any more. Key, name and last position stay. */
void
memory_state_remove_user (MemoryState *self, MemoryAccount *account)
{
  while (!g_queue_is_empty (&account->receipts))
    memory_state_drop_receipt (self, account->receipts.head->data);
  g_hash_table_remove (self->users, account->id);
  g_clear_pointer (&account->user, sb_user_unref);
  g_clear_pointer (&account->pending, g_sequence_free);
  g_clear_pointer (&account->parked, g_sequence_free);
}

/* Also finds one that is gone. */
MemoryAccount *
memory_state_find_account (MemoryState *self, gint64 key)
{
  if (key < 1 || key > (gint64) self->accounts->len)
    return NULL;
  return g_ptr_array_index (self->accounts, key - 1);
}

MemoryAccount *
memory_state_find_user (MemoryState *self, gint64 key)
{
  MemoryAccount *account = memory_state_find_account (self, key);

  return account != NULL && account->user != NULL ? account : NULL;
}

/* Returns the first delivery that has not ended and is of a message above this handle. */
GSequenceIter *
memory_account_find_open (MemoryAccount *self, gint64 after)
{
  MemoryMessage message = { .handle = after };
  MemoryDelivery wanted = { .message = &message };

  return g_sequence_search (self->open, &wanted, compare_handles, NULL);
}

MemoryMessage *
memory_message_new (SbMessage *message, guint n_deliveries)
{
  MemoryMessage *self = g_malloc0 (sizeof (MemoryMessage) + n_deliveries * sizeof (MemoryDelivery));

  self->message = sb_message_ref (message);
  self->id = g_strdup (message->id);
  self->sender_key = message->sender_key;
  self->accepted = message->accepted;
  self->not_before = message->not_before;
  self->deadline = message->deadline;
  self->size = g_bytes_get_size (message->body);
  self->remembered.data = self;
  self->n_live = n_deliveries;
  self->n_deliveries = n_deliveries;
  for (guint i = 0; i < n_deliveries; i++)
    self->deliveries[i].message = self;
  return self;
}

static void
free_moved (gpointer data)
{
  MemoryDelivery *delivery = data;

  g_free (delivery->log);
  g_free (delivery);
}

void
memory_message_free (MemoryMessage *self)
{
  for (guint i = 0; i < self->n_deliveries; i++)
    g_free (self->deliveries[i].log);
  g_clear_pointer (&self->moved, g_ptr_array_unref);
  g_clear_pointer (&self->message, sb_message_unref);
  g_free (self->id);
  g_free (self->sender);
  g_free (self);
}

/* Also those that have ended. */
guint
memory_message_get_n_deliveries (const MemoryMessage *self)
{
  return self->n_deliveries + (self->moved == NULL ? 0 : self->moved->len);
}

/* The first ones come by the recipients' keys, those that it was moved to behind them. */
MemoryDelivery *
memory_message_get_delivery (MemoryMessage *self, guint i)
{
  if (i < self->n_deliveries)
    return &self->deliveries[i];
  return g_ptr_array_index (self->moved, i - self->n_deliveries);
}

/* What it waits for: parked, until then; scheduled, for its message's time; else for no time. */
gint64
memory_delivery_get_due (const MemoryDelivery *self)
{
  if (self->state == SB_DELIVERY_PARKED)
    return self->due;
  return self->state == SB_DELIVERY_SCHEDULED ? self->message->not_before : 0;
}

static gboolean
is_waiting (SbDeliveryState state)
{
  return state == SB_DELIVERY_PENDING || state == SB_DELIVERY_SCHEDULED
         || state == SB_DELIVERY_PARKED;
}

/* No file stays for ever: with one, neither what was given up nor what was announced does. */
static gboolean
can_expire (const MemoryDelivery *delivery)
{
  const SbMessage *message = delivery->message->message;

  return is_waiting (delivery->state)
         || (!sb_delivery_state_has_ended (delivery->state) && message->file != NULL);
}

/* A place in the queue is always a new one, so it is the last. */
static void
enter_queue (MemoryState *self, MemoryDelivery *delivery)
{
  MemoryAccount *recipient = delivery->recipient;

  if (delivery->position != 0)
    g_hash_table_remove (self->places, delivery);
  delivery->position = ++recipient->last_position;
  delivery->place = g_sequence_append (recipient->pending, delivery);
  g_hash_table_add (self->places, delivery);
}

/* The newest message has the highest handle: only an older one has to look for its place. */
static GSequenceIter *
insert_open (MemoryDelivery *delivery)
{
  GSequence *open = delivery->recipient->open;
  GSequenceIter *end = g_sequence_get_end_iter (open);
  GSequenceIter *last = g_sequence_iter_prev (end);

  if (last == end || compare_handles (g_sequence_get (last), delivery, NULL) < 0)
    return g_sequence_insert_before (end, delivery);
  return g_sequence_insert_sorted (open, delivery, compare_handles, NULL);
}

static void
enter_lists (MemoryState *self, MemoryDelivery *delivery)
{
  if (sb_delivery_state_has_ended (delivery->state))
    g_clear_pointer (&delivery->open, g_sequence_remove);
  else if (delivery->open == NULL)
    delivery->open = insert_open (delivery);

  if (!can_expire (delivery))
    g_clear_pointer (&delivery->deadline, g_sequence_remove);
  else if (delivery->deadline == NULL && delivery->message->deadline > 0)
    delivery->deadline = g_sequence_insert_sorted (self->deadlines, delivery, compare_deadlines,
                                                   NULL);
}

/* Adds one delivery to all that is counted, or takes it away. */
static void
count (MemoryState *self, const MemoryDelivery *delivery, int n)
{
  SbBacklog *backlog = &delivery->recipient->backlog;
  gboolean waits = is_waiting (delivery->state);

  backlog->waiting += waits * n;
  backlog->bytes += (waits * n) * (gssize) delivery->message->size;
  backlog->scheduled += (delivery->state == SB_DELIVERY_SCHEDULED) * n;
  backlog->parked += (delivery->state == SB_DELIVERY_PARKED) * n;
  backlog->dead += (delivery->state == SB_DELIVERY_DEAD) * n;
  self->stats.waiting += waits * n;
  self->stats.parked += (delivery->state == SB_DELIVERY_PARKED) * n;
  self->stats.dead += (delivery->state == SB_DELIVERY_DEAD) * n;
  self->stats.scheduled += (delivery->state == SB_DELIVERY_SCHEDULED) * n;
}

static void
enter_state (MemoryState *self, MemoryDelivery *delivery)
{
  count (self, delivery, 1);
  enter_lists (self, delivery);

  switch ((SbDeliveryState) delivery->state)
    {
    case SB_DELIVERY_PENDING:
      enter_queue (self, delivery);
      break;
    case SB_DELIVERY_SCHEDULED:
      delivery->place = g_sequence_insert_sorted (self->scheduled, delivery, compare_not_before,
                                                  NULL);
      break;
    case SB_DELIVERY_PARKED:
      delivery->place = g_sequence_insert_sorted (delivery->recipient->parked, delivery,
                                                  compare_due, NULL);
      break;
    case SB_DELIVERY_DEAD:
    case SB_DELIVERY_CONFIRMED:
    case SB_DELIVERY_EXPIRED:
    case SB_DELIVERY_DROPPED:
    case SB_DELIVERY_NOTIFIED:
    case SB_DELIVERY_SENT:
      break;
    }
}

static void
leave_state (MemoryState *self, MemoryDelivery *delivery)
{
  count (self, delivery, -1);
  g_clear_pointer (&delivery->place, g_sequence_remove);
}

static void
add_file (MemoryState *self, MemoryMessage *message)
{
  const SbFile *file = message->message->file;

  message->file = g_sequence_insert_sorted (self->files, message, compare_files, NULL);
  g_hash_table_insert (self->names, (gpointer) file->name, message);
  self->stats.files++;
  self->stats.file_bytes += file->size;
}

static void
drop_file (MemoryState *self, MemoryMessage *message)
{
  const SbFile *file = message->message->file;

  g_clear_pointer (&message->file, g_sequence_remove);
  g_hash_table_remove (self->names, file->name);
  self->stats.files--;
  self->stats.file_bytes -= file->size;
}

/* Drops the body and the file of a message whose deliveries have all ended. */
static void
remember (MemoryState *self, MemoryMessage *message, gint64 now)
{
  if (message->file != NULL)
    drop_file (self, message);
  message->sender = g_strdup (message->message->sender);
  g_clear_pointer (&message->message, sb_message_unref);
  message->ended = now;
  g_queue_push_tail_link (&self->remembered, &message->remembered);
  self->stats.messages--;
  self->stats.bytes -= message->size;
  self->stats.remembered++;
}

/* The deliveries' recipients and states are set; positions are given here. */
void
memory_state_add_message (MemoryState *self, MemoryMessage *message)
{
  message->handle = ++self->last_handle;
  g_hash_table_insert (self->messages, message->id, message);
  self->stats.messages++;
  self->stats.bytes += message->size;
  memory_state_see_time (self, message->accepted);

  for (guint i = 0; i < message->n_deliveries; i++)
    {
      MemoryDelivery *delivery = &message->deliveries[i];

      enter_state (self, delivery);
      message->n_live -= sb_delivery_state_has_ended (delivery->state);
    }
  if (message->n_live > 0 && message->message->file != NULL)
    add_file (self, message);
  if (message->n_live == 0)
    remember (self, message, message->accepted);
}

/* Forgets a message that is only remembered; its id is new afterwards. */
void
memory_state_forget (MemoryState *self, MemoryMessage *message)
{
  g_queue_unlink (&self->remembered, &message->remembered);
  self->stats.remembered--;
  for (guint i = 0; i < memory_message_get_n_deliveries (message); i++)
    {
      MemoryDelivery *delivery = memory_message_get_delivery (message, i);

      if (delivery->position != 0)
        g_hash_table_remove (self->places, delivery);
    }
  g_hash_table_remove (self->messages, message->id);
}

/* Returns the first live file with an id above this one. */
GSequenceIter *
memory_state_find_file (MemoryState *self, const char *after)
{
  SbFile file = { .id = after };
  SbMessage message = { .file = &file };
  MemoryMessage wanted = { .message = &message };

  return g_sequence_search (self->files, &wanted, compare_files, NULL);
}

MemoryDelivery *
memory_state_find_by_position (MemoryState *self, gint64 recipient, gint64 position)
{
  MemoryDelivery wanted = { .recipient = memory_state_find_account (self, recipient),
                            .position = position };

  return wanted.recipient == NULL ? NULL : g_hash_table_lookup (self->places, &wanted);
}

static int
compare_key_with_delivery (const void *key, const void *delivery)
{
  return compare_numbers (*(const gint64 *) key,
                          ((const MemoryDelivery *) delivery)->recipient->key);
}

/* Returns the delivery to @recipient, or NULL. */
MemoryDelivery *
memory_message_find (MemoryMessage *self, gint64 recipient)
{
  MemoryDelivery *found = bsearch (&recipient, self->deliveries, self->n_deliveries,
                                   sizeof (MemoryDelivery), compare_key_with_delivery);

  for (guint i = 0; found == NULL && self->moved != NULL && i < self->moved->len; i++)
    {
      MemoryDelivery *moved = g_ptr_array_index (self->moved, i);

      if (moved->recipient->key == recipient)
        found = moved;
    }
  return found;
}

MemoryDelivery *
memory_state_find_by_id (MemoryState *self, gint64 recipient, const char *id)
{
  MemoryMessage *message = g_hash_table_lookup (self->messages, id);

  return message == NULL ? NULL : memory_message_find (message, recipient);
}

/* The caller has decided that the change is allowed. It may drop the message's body and file. */
void
memory_state_change (MemoryState *self, MemoryDelivery *delivery, SbDeliveryState state,
                     SbReason reason, gint64 now)
{
  MemoryMessage *message = delivery->message;

  memory_state_see_time (self, now);
  leave_state (self, delivery);
  delivery->state = state;
  delivery->reason = reason;
  delivery->since = now;
  enter_state (self, delivery);

  if (sb_delivery_state_has_ended (state) && --message->n_live == 0)
    remember (self, message, now);
}

/* A pending one, of a message that has its body, to a user that it has no delivery to. */
MemoryDelivery *
memory_state_add_delivery (MemoryState *self, MemoryMessage *message, MemoryAccount *recipient,
                           gint64 now)
{
  MemoryDelivery *delivery = g_new0 (MemoryDelivery, 1);

  delivery->message = message;
  delivery->recipient = recipient;
  delivery->state = SB_DELIVERY_PENDING;
  delivery->since = now;
  if (message->moved == NULL)
    message->moved = g_ptr_array_new_with_free_func (free_moved);
  g_ptr_array_add (message->moved, delivery);
  message->n_live++;
  enter_state (self, delivery);
  return delivery;
}

void
memory_state_drop_receipt (MemoryState *self, MemoryReceipt *receipt)
{
  g_queue_unlink (&receipt->sender->receipts, &receipt->link);
  g_queue_unlink (&self->receipts, &receipt->link_by_age);
  free_receipt (receipt);
}

/* The oldest of the same sender makes room. */
void
memory_state_add_receipt (MemoryState *self, MemoryAccount *sender, const char *id,
                          const char *recipient, gint64 now)
{
  MemoryReceipt *receipt = g_new0 (MemoryReceipt, 1);

  receipt->number = ++self->last_receipt;
  receipt->time = now;
  receipt->id = g_strdup (id);
  receipt->recipient = g_strdup (recipient);
  receipt->sender = sender;
  receipt->link.data = receipt;
  receipt->link_by_age.data = receipt;
  g_queue_push_tail_link (&sender->receipts, &receipt->link);
  g_queue_push_tail_link (&self->receipts, &receipt->link_by_age);
  memory_state_see_time (self, now);

  while (sender->receipts.length > (guint64) MAX (self->limits.receipts_max, 0))
    memory_state_drop_receipt (self, sender->receipts.head->data);
}

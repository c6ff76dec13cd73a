/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-memory-state: the structures of the memory store, kept consistent with each other. */

#include "sb-memory-state.h"

#include <stdlib.h>

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
  int order = compare_numbers (one->message->not_before, other->message->not_before);

  return order != 0 ? order : compare_numbers (one->handle, other->handle);
}

static int
compare_deadlines (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const MemoryMessage *one = ((const MemoryDelivery *) a)->message;
  const MemoryMessage *other = ((const MemoryDelivery *) b)->message;

  return compare_numbers (one->message->deadline, other->message->deadline);
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
  g_free (account);
}

MemoryState *
memory_state_new (const SbStoreOptions *options)
{
  MemoryState *self = g_new0 (MemoryState, 1);

  self->limits = options->limits;
  self->accounts = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, free_account);
  self->users = g_hash_table_new (g_str_hash, g_str_equal);
  self->messages = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                          (GDestroyNotify) memory_message_free);
  self->places = g_hash_table_new (hash_place, is_same_place);
  self->scheduled = g_sequence_new (NULL);
  self->deadlines = g_sequence_new (NULL);
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
  g_hash_table_unref (self->places);
  g_hash_table_unref (self->messages);
  g_hash_table_unref (self->users);
  g_hash_table_unref (self->accounts);
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

  account->key = ++self->last_key;
  account->id = g_strdup (id);
  account->pending = g_sequence_new (NULL);
  account->parked = g_sequence_new (NULL);
  g_queue_init (&account->receipts);
  g_hash_table_insert (self->accounts, &account->key, account);
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
  return g_hash_table_lookup (self->accounts, &key);
}

MemoryAccount *
memory_state_find_user (MemoryState *self, gint64 key)
{
  MemoryAccount *account = memory_state_find_account (self, key);

  return account != NULL && account->user != NULL ? account : NULL;
}

MemoryMessage *
memory_message_new (SbMessage *message, guint n_deliveries)
{
  MemoryMessage *self = g_malloc0 (sizeof (MemoryMessage) + n_deliveries * sizeof (MemoryDelivery));

  self->message = sb_message_ref (message);
  self->id = g_strdup (message->id);
  self->sender_key = message->sender_key;
  self->accepted = message->accepted;
  self->size = g_bytes_get_size (message->body);
  self->remembered.data = self;
  self->n_live = n_deliveries;
  self->n_deliveries = n_deliveries;
  for (guint i = 0; i < n_deliveries; i++)
    self->deliveries[i].message = self;
  return self;
}

void
memory_message_free (MemoryMessage *self)
{
  g_clear_pointer (&self->message, sb_message_unref);
  g_free (self->id);
  g_free (self->sender);
  g_free (self);
}

static gboolean
is_open (SbDeliveryState state)
{
  return state == SB_DELIVERY_PENDING || state == SB_DELIVERY_SCHEDULED
         || state == SB_DELIVERY_PARKED;
}

static void
enter_state (MemoryState *self, MemoryDelivery *delivery)
{
  MemoryAccount *recipient = delivery->recipient;

  if (is_open (delivery->state))
    {
      recipient->count++;
      recipient->bytes += delivery->message->size;
      self->stats.waiting++;
    }

  switch ((SbDeliveryState) delivery->state)
    {
    case SB_DELIVERY_PENDING:
      /* A place in the queue is always a new one, so it is the last. */
      delivery->position = ++recipient->last_position;
      delivery->place = g_sequence_append (recipient->pending, delivery);
      g_hash_table_add (self->places, delivery);
      break;
    case SB_DELIVERY_SCHEDULED:
      delivery->place = g_sequence_insert_sorted (self->scheduled, delivery, compare_not_before,
                                                  NULL);
      break;
    case SB_DELIVERY_PARKED:
      delivery->place = g_sequence_insert_sorted (recipient->parked, delivery, compare_due, NULL);
      self->stats.parked++;
      break;
    case SB_DELIVERY_DEAD:
      self->stats.dead++;
      break;
    case SB_DELIVERY_CONFIRMED:
    case SB_DELIVERY_EXPIRED:
    case SB_DELIVERY_DROPPED:
    case SB_DELIVERY_SENT:
      break;
    }
}

static void
leave_state (MemoryState *self, MemoryDelivery *delivery)
{
  if (is_open (delivery->state))
    {
      delivery->recipient->count--;
      delivery->recipient->bytes -= delivery->message->size;
      self->stats.waiting--;
    }
  g_clear_pointer (&delivery->place, g_sequence_remove);
  if (delivery->state == SB_DELIVERY_PARKED)
    self->stats.parked--;
  if (delivery->state == SB_DELIVERY_DEAD)
    self->stats.dead--;
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
      if (message->message->deadline > 0 && is_open (delivery->state))
        delivery->deadline = g_sequence_insert_sorted (self->deadlines, delivery, compare_deadlines,
                                                       NULL);
    }
}

/* Drops the body of a message whose deliveries have all ended. */
static void
remember (MemoryState *self, MemoryMessage *message, gint64 now)
{
  message->sender = g_strdup (message->message->sender);
  g_clear_pointer (&message->message, sb_message_unref);
  message->ended = now;
  g_queue_push_tail_link (&self->remembered, &message->remembered);
  self->stats.messages--;
  self->stats.bytes -= message->size;
  self->stats.remembered++;
}

/* Forgets a message that is only remembered; its id is new afterwards. */
void
memory_state_forget (MemoryState *self, MemoryMessage *message)
{
  g_queue_unlink (&self->remembered, &message->remembered);
  self->stats.remembered--;
  for (guint i = 0; i < message->n_deliveries; i++)
    if (message->deliveries[i].position != 0)
      g_hash_table_remove (self->places, &message->deliveries[i]);
  g_hash_table_remove (self->messages, message->id);
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
  return bsearch (&recipient, self->deliveries, self->n_deliveries, sizeof (MemoryDelivery),
                  compare_key_with_delivery);
}

MemoryDelivery *
memory_state_find_by_id (MemoryState *self, gint64 recipient, const char *id)
{
  MemoryMessage *message = g_hash_table_lookup (self->messages, id);

  return message == NULL ? NULL : memory_message_find (message, recipient);
}

/* The caller has decided that the move is allowed. It may drop the message's body. */
void
memory_state_move (MemoryState *self, MemoryDelivery *delivery, SbDeliveryState state,
                   SbReason reason, gint64 now)
{
  MemoryMessage *message = delivery->message;

  memory_state_see_time (self, now);
  leave_state (self, delivery);
  delivery->state = state;
  delivery->reason = reason;
  delivery->since = now;
  if (!is_open (state))
    g_clear_pointer (&delivery->deadline, g_sequence_remove);
  enter_state (self, delivery);

  if (sb_delivery_state_has_ended (state) && --message->n_live == 0)
    remember (self, message, now);
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

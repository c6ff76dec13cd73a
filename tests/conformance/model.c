/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* model: follows a store's operations. */

#include "model.h"

static void
free_user (gpointer data)
{
  ModelUser *user = data;

  g_free (user->id);
  g_free (user);
}

static void
free_message (gpointer data)
{
  ModelMessage *message = data;

  sb_message_unref (message->message);
  g_array_unref (message->deliveries);
  g_free (message);
}

static void
free_receipt (gpointer data)
{
  ModelReceipt *receipt = data;

  g_free (receipt->id);
  g_free (receipt);
}

Model *
model_new (const SbStoreLimits *limits)
{
  Model *self = g_new0 (Model, 1);

  self->limits = *limits;
  self->users = g_ptr_array_new_with_free_func (free_user);
  self->messages = g_ptr_array_new_with_free_func (free_message);
  self->receipts = g_ptr_array_new_with_free_func (free_receipt);
  return self;
}

void
model_free (Model *self)
{
  g_ptr_array_unref (self->users);
  g_ptr_array_unref (self->messages);
  g_ptr_array_unref (self->receipts);
  g_free (self);
}

ModelUser *
model_find_user (Model *self, gint64 key)
{
  for (guint i = 0; i < self->users->len; i++)
    {
      ModelUser *user = g_ptr_array_index (self->users, i);

      if (user->key == key)
        return user;
    }
  return NULL;
}

ModelUser *
model_get_user (Model *self, gint64 key)
{
  ModelUser *user = model_find_user (self, key);

  g_assert (user != NULL);
  return user;
}

static ModelUser *
find_live_user_by_id (Model *self, const char *id)
{
  for (guint i = 0; i < self->users->len; i++)
    {
      ModelUser *user = g_ptr_array_index (self->users, i);

      if (!user->is_gone && g_str_equal (user->id, id))
        return user;
    }
  return NULL;
}

ModelMessage *
model_find_message (Model *self, const char *id)
{
  for (guint i = 0; i < self->messages->len; i++)
    {
      ModelMessage *message = g_ptr_array_index (self->messages, i);

      if (g_str_equal (message->message->id, id))
        return message;
    }
  return NULL;
}

gboolean
model_is_waiting (const ModelDelivery *delivery)
{
  return delivery->state == SB_DELIVERY_PENDING || delivery->state == SB_DELIVERY_SCHEDULED
         || delivery->state == SB_DELIVERY_PARKED;
}

/* One that is live. */
gboolean
model_has_file (const ModelMessage *message)
{
  return message->message->file != NULL && message->ended == 0;
}

ModelMessage *
model_find_file (Model *self, const char *name)
{
  for (guint i = 0; i < self->messages->len; i++)
    {
      ModelMessage *message = g_ptr_array_index (self->messages, i);

      if (model_has_file (message) && g_str_equal (message->message->file->name, name))
        return message;
    }
  return NULL;
}

static gboolean
is_wanted (const ModelDelivery *delivery, const ModelMessage *message, gint64 recipient,
           gint64 position, const char *id)
{
  if (delivery->recipient->key != recipient)
    return FALSE;
  return position != 0 ? delivery->position == position : g_str_equal (message->message->id, id);
}

static ModelDelivery *
find_delivery (Model *self, gint64 recipient, gint64 position, const char *id,
               ModelMessage **message)
{
  for (guint i = 0; i < self->messages->len; i++)
    {
      *message = g_ptr_array_index (self->messages, i);
      for (guint k = 0; k < (*message)->deliveries->len; k++)
        {
          ModelDelivery *delivery = &g_array_index ((*message)->deliveries, ModelDelivery, k);

          if (is_wanted (delivery, *message, recipient, position, id))
            return delivery;
        }
    }
  return NULL;
}

void
model_take_position (ModelDelivery *delivery, gint64 position)
{
  g_assert_cmpint (position, >, delivery->recipient->last_position);
  delivery->recipient->last_position = position;
  delivery->position = position;
}

static void
count (SbBacklog *backlog, const ModelMessage *message, const ModelDelivery *delivery,
       gint64 *first_position)
{
  backlog->dead += delivery->state == SB_DELIVERY_DEAD;
  if (!model_is_waiting (delivery))
    return;
  backlog->waiting++;
  backlog->bytes += sb_message_get_size (message->message);
  backlog->scheduled += delivery->state == SB_DELIVERY_SCHEDULED;
  backlog->parked += delivery->state == SB_DELIVERY_PARKED;
  if (delivery->state != SB_DELIVERY_PENDING || delivery->position >= *first_position)
    return;
  *first_position = delivery->position;
  backlog->oldest = message->message->accepted;
}

SbBacklog
model_get_backlog (Model *self, const ModelUser *user)
{
  SbBacklog backlog = { 0 };
  gint64 first_position = G_MAXINT64;

  for (guint i = 0; i < self->messages->len; i++)
    {
      ModelMessage *message = g_ptr_array_index (self->messages, i);

      for (guint k = 0; k < message->deliveries->len; k++)
        {
          ModelDelivery *delivery = &g_array_index (message->deliveries, ModelDelivery, k);

          if (delivery->recipient == user)
            count (&backlog, message, delivery, &first_position);
        }
    }
  return backlog;
}

static int
compare_recipients (gconstpointer a, gconstpointer b)
{
  gint64 one = ((const ModelDelivery *) a)->recipient->key;
  gint64 other = ((const ModelDelivery *) b)->recipient->key;

  return (one > other) - (one < other);
}

void
model_sort_deliveries (ModelMessage *message)
{
  g_array_sort (message->deliveries, compare_recipients);
}

void
model_note_end (ModelMessage *message, gint64 now)
{
  for (guint i = 0; i < message->deliveries->len; i++)
    if (!sb_delivery_state_has_ended (g_array_index (message->deliveries, ModelDelivery, i).state))
      return;
  message->ended = now;
}

void
model_change (ModelMessage *message, ModelDelivery *delivery, SbDeliveryState state,
              SbReason reason, gint64 now)
{
  delivery->state = state;
  delivery->reason = reason;
  delivery->since = now;
  if (sb_delivery_state_has_ended (state))
    model_note_end (message, now);
}

static void
add_receipt (Model *self, gint64 sender, ModelUser *recipient, const char *id, gint64 now)
{
  ModelReceipt *receipt = g_new0 (ModelReceipt, 1);
  ModelUser *from = model_get_user (self, sender);
  guint n = 0;

  receipt->sender = from;
  receipt->recipient = recipient;
  receipt->id = g_strdup (id);
  receipt->time = now;
  g_ptr_array_add (self->receipts, receipt);
  for (guint i = self->receipts->len; i-- > 0;)
    if (((ModelReceipt *) g_ptr_array_index (self->receipts, i))->sender == from
        && ++n > self->limits.receipts_max)
      g_ptr_array_remove_index (self->receipts, i);
}

static void
keep_log (ModelDelivery *delivery, const char *log)
{
  if (log == NULL)
    return;
  g_free (delivery->log);
  delivery->log = g_strdup (log);
}

/* What an operation says of the position that a delivery has, or had. */
static void
check_position (ModelDelivery *delivery, gint64 position)
{
  if (delivery->position < 0)
    {
      g_assert_cmpint (position, >, -delivery->position);
      delivery->position = position;
    }
  g_assert_cmpint (position, ==, delivery->position);
}

/* What the end brings it into: the recipient of a file may only want to say that it knows of it. */
static SbDeliveryState
choose_end (const SbOperation *operation, const ModelMessage *message,
            const ModelDelivery *delivery)
{
  gboolean is_notice = delivery != NULL && operation->end.state == SB_DELIVERY_CONFIRMED
                       && !operation->end.release && model_has_file (message);

  return is_notice ? SB_DELIVERY_NOTIFIED : operation->end.state;
}

static SbOutcome
expect_end (const ModelDelivery *delivery, SbDeliveryState to)
{
  if (delivery == NULL)
    return SB_OUTCOME_UNKNOWN;
  if (delivery->state == SB_DELIVERY_CONFIRMED)
    return SB_OUTCOME_DUPLICATE;
  if (delivery->state == SB_DELIVERY_DEAD)
    return to != SB_DELIVERY_EXPIRED && to != SB_DELIVERY_DEAD ? SB_OUTCOME_DONE
                                                               : SB_OUTCOME_UNKNOWN;
  if (delivery->state == SB_DELIVERY_NOTIFIED)
    return to == SB_DELIVERY_NOTIFIED ? SB_OUTCOME_DUPLICATE : SB_OUTCOME_DONE;
  return model_is_waiting (delivery) ? SB_OUTCOME_DONE : SB_OUTCOME_UNKNOWN;
}

/* @had_file: before the end */
static void
check_released (const SbOperation *operation, const ModelMessage *message, gboolean had_file)
{
  const SbFile *file = had_file && message->ended != 0 ? message->message->file : NULL;

  g_assert_cmpstr (operation->end.released, ==, file != NULL ? file->id : NULL);
  g_assert_cmpuint (operation->end.released_size, ==, file != NULL ? file->size : 0);
}

static void
follow_end (Model *self, SbOperation *operation, gint64 asked_position)
{
  ModelMessage *message = NULL;
  ModelDelivery *delivery = find_delivery (self, operation->end.recipient, asked_position,
                                           operation->end.id, &message);
  SbDeliveryState to = choose_end (operation, message, delivery);
  gboolean had_file;
  ModelUser *sender;

  g_assert_cmpint (operation->outcome, ==, expect_end (delivery, to));
  if (operation->outcome != SB_OUTCOME_DONE)
    {
      g_assert_null (operation->end.released);
      return;
    }

  check_position (delivery, operation->end.position);
  g_assert_cmpint (operation->end.sender_key, ==, message->message->sender_key);
  delivery->attempts = MAX (delivery->attempts, operation->end.attempts);
  keep_log (delivery, operation->end.log);
  g_assert_cmpint (operation->end.notified, ==, to == SB_DELIVERY_NOTIFIED);
  had_file = model_has_file (message);
  model_change (message, delivery, to, operation->end.reason, operation->end.now);
  check_released (operation, message, had_file);
  sender = model_get_user (self, message->message->sender_key);
  if (to == SB_DELIVERY_CONFIRMED && operation->end.store_receipt && !sender->is_gone)
    add_receipt (self, sender->key, delivery->recipient, message->message->id, operation->end.now);
}

static void
follow_park (Model *self, SbOperation *operation)
{
  ModelMessage *message = NULL;
  ModelDelivery *delivery = find_delivery (self, operation->park.recipient,
                                           operation->park.position, NULL, &message);
  gboolean can_park = delivery != NULL
                      && (delivery->state == SB_DELIVERY_PENDING
                          || delivery->state == SB_DELIVERY_PARKED);

  g_assert_cmpint (operation->outcome, ==, can_park ? SB_OUTCOME_DONE : SB_OUTCOME_UNKNOWN);
  if (!can_park)
    return;
  model_change (message, delivery, SB_DELIVERY_PARKED, SB_REASON_NONE, operation->park.now);
  delivery->due = operation->park.due;
  delivery->attempts = MAX (delivery->attempts, operation->park.attempts);
  keep_log (delivery, operation->park.log);
}

static void
follow_requeue (Model *self, SbOperation *operation)
{
  ModelMessage *message = NULL;
  ModelDelivery *delivery = find_delivery (self, operation->requeue.recipient, 0,
                                           operation->requeue.id, &message);
  gboolean can_requeue = delivery != NULL && !delivery->recipient->is_gone
                         && delivery->state != SB_DELIVERY_PENDING
                         && !sb_delivery_state_has_ended (delivery->state);

  g_assert_cmpint (operation->outcome, ==, can_requeue ? SB_OUTCOME_DONE : SB_OUTCOME_UNKNOWN);
  if (!can_requeue)
    return;
  check_position (delivery, operation->requeue.old_position);
  model_take_position (delivery, operation->requeue.position);
  delivery->attempts = 0;
  model_change (message, delivery, SB_DELIVERY_PENDING, SB_REASON_NONE, operation->requeue.now);
}

static SbOutcome
expect_move (ModelMessage *message, const ModelDelivery *delivery, const ModelUser *to)
{
  if (delivery == NULL || sb_delivery_state_has_ended (delivery->state) || to == NULL
      || to->is_gone)
    return SB_OUTCOME_UNKNOWN;
  for (guint i = 0; i < message->deliveries->len; i++)
    if (g_array_index (message->deliveries, ModelDelivery, i).recipient == to)
      return SB_OUTCOME_CONFLICT;
  return SB_OUTCOME_DONE;
}

static void
follow_move (Model *self, SbOperation *operation)
{
  ModelMessage *message = NULL;
  ModelDelivery *delivery = find_delivery (self, operation->move.recipient, 0, operation->move.id,
                                           &message);
  ModelDelivery added = { .recipient = model_find_user (self, operation->move.to) };

  g_assert_cmpint (operation->outcome, ==, expect_move (message, delivery, added.recipient));
  if (operation->outcome != SB_OUTCOME_DONE)
    return;
  check_position (delivery, operation->move.old_position);
  g_assert_cmpint (operation->move.sender_key, ==, message->message->sender_key);
  model_take_position (&added, operation->move.position);
  delivery->state = SB_DELIVERY_DROPPED;
  delivery->reason = SB_REASON_MOVED;
  delivery->since = operation->move.now;
  g_array_append_val (message->deliveries, added);
  model_sort_deliveries (message);
  message->was_moved = TRUE;
}

static void
copy_settings (ModelUser *user, const SbUser *put)
{
  user->ttl = put->ttl;
  user->paused = put->paused;
}

static void
follow_put_user (Model *self, SbOperation *operation)
{
  const SbUser *user = operation->put_user.user;
  ModelUser *known = user->key == 0 ? NULL : model_find_user (self, user->key);
  ModelUser *added;

  if (user->key != 0)
    {
      g_assert_cmpint (operation->outcome, ==,
                       known == NULL || known->is_gone ? SB_OUTCOME_UNKNOWN : SB_OUTCOME_DONE);
      if (operation->outcome == SB_OUTCOME_DONE)
        copy_settings (known, user);
      return;
    }
  if (find_live_user_by_id (self, user->id) != NULL)
    {
      g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_CONFLICT);
      return;
    }
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_null (model_find_user (self, operation->put_user.key));
  added = g_new0 (ModelUser, 1);
  added->key = operation->put_user.key;
  added->id = g_strdup (user->id);
  copy_settings (added, user);
  g_ptr_array_add (self->users, added);
}

static void
follow_remove_user (Model *self, SbOperation *operation)
{
  ModelUser *user = model_find_user (self, operation->remove_user.key);
  gboolean can_remove = user != NULL && !user->is_gone;
  guint n_dead = 0;

  g_assert_cmpint (operation->outcome, ==, can_remove ? SB_OUTCOME_DONE : SB_OUTCOME_UNKNOWN);
  if (!can_remove)
    return;
  user->is_gone = TRUE;
  for (guint i = 0; i < self->messages->len; i++)
    {
      ModelMessage *message = g_ptr_array_index (self->messages, i);

      for (guint k = 0; k < message->deliveries->len; k++)
        {
          ModelDelivery *delivery = &g_array_index (message->deliveries, ModelDelivery, k);

          if (delivery->recipient != user
              || !(model_is_waiting (delivery) || delivery->state == SB_DELIVERY_NOTIFIED))
            continue;
          model_change (message, delivery, SB_DELIVERY_DEAD, SB_REASON_RECIPIENT_DELETED,
                        operation->remove_user.now);
          n_dead++;
        }
    }
  g_assert_cmpuint (operation->remove_user.n_dead, ==, n_dead);
  for (guint i = self->receipts->len; i-- > 0;)
    if (((ModelReceipt *) g_ptr_array_index (self->receipts, i))->sender == user)
      g_ptr_array_remove_index (self->receipts, i);
}

static void
follow_add_receipt (Model *self, SbOperation *operation)
{
  ModelUser *sender = model_get_user (self, operation->add_receipt.sender_key);
  ModelUser *recipient = model_get_user (self, operation->add_receipt.recipient);

  g_assert_cmpint (operation->outcome, ==, sender->is_gone ? SB_OUTCOME_UNKNOWN : SB_OUTCOME_DONE);
  if (!sender->is_gone)
    add_receipt (self, sender->key, recipient, operation->add_receipt.id,
                 operation->add_receipt.now);
}

static void
follow_drop_receipts (Model *self, SbOperation *operation)
{
  ModelUser *sender = model_get_user (self, operation->drop_receipts.sender_key);

  /* The numbers are the store's; only all of them are dropped here. */
  for (guint i = self->receipts->len; i-- > 0;)
    if (((ModelReceipt *) g_ptr_array_index (self->receipts, i))->sender == sender)
      g_ptr_array_remove_index (self->receipts, i);
}

void
model_follow (Model *self, SbOperation *operation)
{
  switch (operation->kind)
    {
    case SB_OPERATION_APPEND:
      model_follow_append (self, operation);
      break;
    case SB_OPERATION_END:
      /* The maker leaves what it asked for in user_data: the store writes over it. */
      follow_end (self, operation, GPOINTER_TO_SIZE (operation->user_data));
      break;
    case SB_OPERATION_PARK:
      follow_park (self, operation);
      break;
    case SB_OPERATION_PUT_USER:
      follow_put_user (self, operation);
      break;
    case SB_OPERATION_REMOVE_USER:
      follow_remove_user (self, operation);
      break;
    case SB_OPERATION_ADD_RECEIPT:
      follow_add_receipt (self, operation);
      break;
    case SB_OPERATION_DROP_RECEIPTS:
      follow_drop_receipts (self, operation);
      break;
    case SB_OPERATION_SWEEP:
      model_follow_sweep (self, operation);
      break;
    case SB_OPERATION_REQUEUE:
      follow_requeue (self, operation);
      break;
    case SB_OPERATION_MOVE:
      follow_move (self, operation);
      break;
    case SB_OPERATION_LIMITS:
      g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
      self->limits = operation->limits;
      break;
    }
}

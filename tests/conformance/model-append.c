/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* model-append: follows what became of messages that came, alone or together. */

#include "model.h"

/* What an append asks of each queue. */
typedef struct
{
  guint n;
  gsize size;
} Load;

static SbMessage *
get_appended (const SbOperation *operation, guint i)
{
  return i == 0 ? operation->append.message : operation->append.more[i - 1];
}

static Load
get_load (const SbOperation *operation)
{
  Load load = { 0 };

  for (; load.n <= operation->append.n_more; load.n++)
    load.size += sb_message_get_size (get_appended (operation, load.n));
  return load;
}

static gboolean
is_queue_full (Model *self, const ModelUser *user, Load load)
{
  SbBacklog backlog = model_get_backlog (self, user);

  return backlog.waiting + load.n > (guint64) self->limits.max_queue
         || backlog.bytes + load.size > (guint64) self->limits.max_queue_bytes;
}

/* With all of them in it. */
static gboolean
is_queue_near (Model *self, const ModelUser *user, Load load)
{
  SbBacklog backlog = model_get_backlog (self, user);

  return (backlog.waiting + load.n) * 5 >= (guint64) self->limits.max_queue * 4
         || (backlog.bytes + load.size) * 5 >= (guint64) self->limits.max_queue_bytes * 4;
}

static gboolean
is_name_taken (Model *self, const SbOperation *operation, guint i)
{
  const SbFile *file = get_appended (operation, i)->file;

  if (file == NULL)
    return FALSE;
  for (guint k = 0; k < i; k++)
    {
      const SbFile *other = get_appended (operation, k)->file;

      if (other != NULL && g_str_equal (other->name, file->name))
        return TRUE;
    }
  return model_find_file (self, file->name) != NULL;
}

/* Whether one of them, or its file's name, is known already. */
static SbOutcome
expect_known (Model *self, const SbOperation *operation, guint i, gboolean *name_taken)
{
  const SbMessage *message = get_appended (operation, i);
  const ModelMessage *known = model_find_message (self, message->id);

  if (known != NULL)
    return known->message->sender_key == message->sender_key ? SB_OUTCOME_DUPLICATE
                                                             : SB_OUTCOME_CONFLICT;
  *name_taken = is_name_taken (self, operation, i);
  return *name_taken ? SB_OUTCOME_CONFLICT : SB_OUTCOME_DONE;
}

static SbOutcome
expect_append (Model *self, const SbOperation *operation)
{
  Load load = get_load (operation);
  gboolean name_taken = FALSE;

  for (guint i = 0; i < load.n; i++)
    {
      SbOutcome outcome = expect_known (self, operation, i, &name_taken);

      if (outcome == SB_OUTCOME_DONE)
        continue;
      g_assert_cmpuint (operation->append.faulty, ==, i);
      g_assert_cmpint (operation->append.name_taken, ==, name_taken);
      return outcome;
    }
  for (guint i = 0; i < operation->append.n_targets; i++)
    {
      const SbTarget *target = &operation->append.targets[i];
      ModelUser *user = model_get_user (self, target->recipient);

      if (!user->is_gone && target->named && is_queue_full (self, user, load))
        return SB_OUTCOME_FULL;
    }
  return SB_OUTCOME_DONE;
}

static ModelDelivery
expect_delivery (Model *self, const SbMessage *message, const SbTarget *target, Load load)
{
  ModelDelivery delivery = { .recipient = model_get_user (self, target->recipient),
                             .since = message->accepted };

  if (delivery.recipient->is_gone)
    {
      delivery.state = SB_DELIVERY_DEAD;
      delivery.reason = SB_REASON_RECIPIENT_DELETED;
    }
  else if (is_queue_full (self, delivery.recipient, load))
    {
      SbBacklog backlog = model_get_backlog (self, delivery.recipient);

      g_assert_true (target->full);
      delivery.state = backlog.dead + load.n > (guint64) self->limits.max_dead ? SB_DELIVERY_DROPPED
                                                                               : SB_DELIVERY_DEAD;
      delivery.reason = SB_REASON_QUEUE_FULL;
    }
  else if (message->not_before > message->accepted)
    {
      delivery.state = SB_DELIVERY_SCHEDULED;
    }
  return delivery;
}

static void
check_target (Model *self, const ModelDelivery *delivery, const SbTarget *target, Load load)
{
  g_assert_cmpint (target->state, ==, delivery->state);
  if (model_is_waiting (delivery))
    g_assert_cmpint (target->near, ==, is_queue_near (self, delivery->recipient, load));
  if (delivery->state != SB_DELIVERY_PENDING)
    g_assert_cmpint (target->position, ==, 0);
}

static void
clear_delivery (gpointer data)
{
  ModelDelivery *delivery = data;

  g_clear_pointer (&delivery->log, g_free);
}

static ModelMessage *
make_message_of (Model *self, const SbOperation *operation, guint i)
{
  ModelMessage *message = g_new0 (ModelMessage, 1);
  Load load = get_load (operation);

  message->message = sb_message_ref (get_appended (operation, i));
  message->handle = i == 0 ? operation->append.handle : 0;
  message->deliveries = g_array_new (FALSE, FALSE, sizeof (ModelDelivery));
  g_array_set_clear_func (message->deliveries, clear_delivery);
  for (guint k = 0; k < operation->append.n_targets; k++)
    {
      const SbTarget *target = &operation->append.targets[k];
      ModelDelivery delivery = expect_delivery (self, message->message, target, load);

      check_target (self, &delivery, target, load);
      if (delivery.state == SB_DELIVERY_PENDING && i == 0)
        model_take_position (&delivery, target->position);
      else if (delivery.state == SB_DELIVERY_PENDING)
        delivery.position = -target->position;
      g_array_append_val (message->deliveries, delivery);
    }
  model_sort_deliveries (message);
  model_note_end (message, message->message->accepted);
  return message;
}

void
model_follow_append (Model *self, SbOperation *operation)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new ();
  gboolean has_ended = FALSE;

  g_assert_cmpint (operation->outcome, ==, expect_append (self, operation));
  if (operation->outcome != SB_OUTCOME_DONE)
    return;
  /* What becomes of them is decided before the first of them is there. */
  for (guint i = 0; i <= operation->append.n_more; i++)
    {
      ModelMessage *message = make_message_of (self, operation, i);

      has_ended = message->ended != 0;
      g_ptr_array_add (messages, message);
    }
  for (guint i = 0; i < messages->len; i++)
    g_ptr_array_add (self->messages, messages->pdata[i]);
  if (operation->append.message->file != NULL)
    g_assert_cmpint (operation->append.released, ==, has_ended);
}

static void
learn_position (ModelMessage *message, ModelDelivery *delivery, Rig *rig)
{
  const SbDeliveryFilter filter = { .recipient = delivery->recipient->key, .states = ALL_STATES };
  g_autoptr (GPtrArray) rows = rig_list (rig, &filter, 1000);

  for (guint i = 0; i < rows->len; i++)
    {
      const SbDeliveryInfo *row = g_ptr_array_index (rows, i);

      if (!g_str_equal (row->id, message->message->id))
        continue;
      g_assert_cmpint (row->position, >, -delivery->position);
      delivery->position = row->position;
      delivery->recipient->last_position = MAX (delivery->recipient->last_position, row->position);
    }
  g_assert_cmpint (delivery->position, >, 0);
}

void
model_learn_positions (Model *self, Rig *rig)
{
  for (guint i = 0; i < self->messages->len; i++)
    {
      ModelMessage *message = g_ptr_array_index (self->messages, i);

      for (guint k = 0; k < message->deliveries->len; k++)
        {
          ModelDelivery *delivery = &g_array_index (message->deliveries, ModelDelivery, k);

          if (delivery->position < 0)
            learn_position (message, delivery, rig);
        }
    }
}

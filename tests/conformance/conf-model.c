/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf-model: thousands of random operations on a store and on a model of it.
 * The seed is printed; --seed repeats a run.
 */

#include "model.h"

#define N_BATCHES 1500
#define MAX_USERS 12
#define N_NAMES 300

typedef struct
{
  Rig *rig;
  Model *model;
  gint64 now;
  guint n_messages;
  guint n_files;
} Run;

static guint
pick (guint n)
{
  return (guint) g_test_rand_int_range (0, (gint32) n);
}

/* Any that ever was, so also one that is gone. */
static ModelUser *
pick_user (Run *run)
{
  return g_ptr_array_index (run->model->users, pick (run->model->users->len));
}

static ModelUser *
pick_live_user (Run *run)
{
  for (;;)
    {
      ModelUser *user = pick_user (run);

      if (!user->is_gone)
        return user;
    }
}

/* One that was used before, now and then. */
static char *
make_random_id (Run *run)
{
  gboolean is_new = run->n_messages == 0 || pick (10) > 0;

  return g_strdup_printf ("m%u", is_new ? run->n_messages++ : pick (run->n_messages));
}

/* Returns NULL more often than not. Its name may be taken, its id never was. */
static SbFile *
make_random_file (Run *run)
{
  g_autofree char *name = g_strdup_printf ("f%u", pick (N_NAMES));
  g_autofree char *number = g_strdup_printf ("%u", run->n_files++);
  g_autofree char *id = g_compute_checksum_for_string (G_CHECKSUM_MD5, number, -1);
  const guint8 digest[SB_FILE_DIGEST_SIZE] = { run->n_files & 0xff };

  if (pick (3) > 0)
    return NULL;
  return sb_file_new (id, name, number, (guint64) pick (1000000) * 10000, digest);
}

static SbMessage *
make_random_message (Run *run)
{
  g_autofree char *id = make_random_id (run);
  g_autoptr (SbFile) file = make_random_file (run);
  const ModelUser *sender = pick_live_user (run);
  gint64 not_before = pick (8) == 0 ? run->now + (1 + pick (300)) * SECOND : 0;
  gint64 deadline = pick (5) == 0 ? MAX (run->now, not_before) + (1 + pick (300)) * SECOND : 0;
  GBytes *body = make_body (id, BODY_SIZE);

  if (file == NULL)
    return sb_message_new (id, sender->id, sender->key, body, run->now, not_before, deadline);
  return sb_message_new_with_file (id, sender->id, sender->key, body, run->now, not_before,
                                   deadline, file);
}

/* As the first one, but for id, body and file. */
static SbMessage *
make_random_companion (Run *run, const SbMessage *first, const char *id)
{
  g_autoptr (SbFile) file = make_random_file (run);
  GBytes *body = make_body (id, BODY_SIZE);

  if (file == NULL)
    return sb_message_new (id, first->sender, first->sender_key, body, first->accepted,
                           first->not_before, first->deadline);
  return sb_message_new_with_file (id, first->sender, first->sender_key, body, first->accepted,
                                   first->not_before, first->deadline, file);
}

/* No id comes twice in an operation. */
static SbOperation *
with_random_companions (Run *run, SbOperation *operation)
{
  const SbMessage *first = operation->append.message;
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n = pick (6) == 0 ? 1 + pick (3) : 0;

  g_hash_table_add (ids, g_strdup (first->id));
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = make_random_id (run);

      if (g_hash_table_add (ids, g_strdup (id)))
        with_more (operation, make_random_companion (run, first, id));
    }
  return operation;
}

/* Most of them are still there. */
static GPtrArray *
choose_recipients (Run *run)
{
  GPtrArray *chosen = g_ptr_array_new ();

  for (guint i = 0; i < run->model->users->len; i++)
    {
      ModelUser *user = g_ptr_array_index (run->model->users, i);

      if (!user->is_gone || pick (100) == 0)
        g_ptr_array_add (chosen, user);
    }
  return chosen;
}

static SbOperation *
make_random_append (Run *run)
{
  g_autoptr (GPtrArray) users = choose_recipients (run);
  guint first = pick (users->len);
  guint n = 1 + pick (MIN (users->len, 5));
  g_autofree gint64 *keys = g_new (gint64, n);
  SbOperation *operation;

  for (guint i = 0; i < n; i++)
    keys[i] = ((ModelUser *) g_ptr_array_index (users, (first + i) % users->len))->key;
  operation = make_append (make_random_message (run), n, keys);
  for (guint i = 0; i < n; i++)
    operation->append.targets[i].named = pick (4) == 0;
  return with_random_companions (run, operation);
}

/* Of one of these states more often than not: what is remembered would be found all the time. */
static const ModelDelivery *
pick_delivery (Run *run, guint states, const ModelMessage **message)
{
  GPtrArray *messages = run->model->messages;
  const ModelDelivery *delivery = NULL;

  for (guint i = 0; i < 10 && messages->len > 0; i++)
    {
      *message = g_ptr_array_index (messages, pick (messages->len));
      delivery = &g_array_index ((*message)->deliveries, ModelDelivery,
                                 pick ((*message)->deliveries->len));
      if ((states & 1u << delivery->state) != 0)
        break;
    }
  return delivery;
}

/* None more often than not. */
static SbOperation *
with_random_log (SbOperation *operation)
{
  g_autofree char *log = g_strdup_printf ("log %u", pick (1000));

  return pick (3) == 0 ? with_log (operation, log) : operation;
}

static SbOperation *
make_random_end (Run *run)
{
  static const SbDeliveryState states[] = { SB_DELIVERY_CONFIRMED, SB_DELIVERY_CONFIRMED,
                                            SB_DELIVERY_CONFIRMED, SB_DELIVERY_EXPIRED,
                                            SB_DELIVERY_DEAD,      SB_DELIVERY_DROPPED };
  const ModelMessage *message = NULL;
  const ModelDelivery *delivery = pick_delivery (run, pick (4) > 0 ? ALL_STATES : 0, &message);
  gint64 position;
  SbOperation *operation;

  if (delivery == NULL)
    return make_end (pick_user (run)->key, 0, "nothing", SB_DELIVERY_CONFIRMED, run->now);
  position = pick (2) ? delivery->position : 0;
  operation = make_end (delivery->recipient->key, position, message->message->id,
                        states[pick (G_N_ELEMENTS (states))], run->now);
  operation->user_data = GSIZE_TO_POINTER (position);
  operation->end.store_receipt = pick (2);
  operation->end.release = pick (2);
  operation->end.attempts = pick (6);
  operation->end.handle = position != 0 && pick (2) ? message->handle : 0;
  return with_random_log (operation);
}

static SbOperation *
make_random_park (Run *run)
{
  const ModelMessage *message = NULL;
  const ModelDelivery *delivery = pick_delivery (run, 1u << SB_DELIVERY_PENDING, &message);
  SbOperation *operation;

  if (delivery == NULL || delivery->position == 0)
    return make_park (pick_user (run)->key, 1000000, run->now, run->now);
  operation = make_park (delivery->recipient->key, delivery->position,
                         run->now + pick (600) * SECOND, run->now);
  operation->park.attempts = pick (10);
  return with_random_log (operation);
}

static SbOperation *
make_random_requeue (Run *run)
{
  const ModelMessage *message = NULL;
  const ModelDelivery *delivery = pick_delivery (run, ALL_STATES & ~(1u << SB_DELIVERY_PENDING),
                                                 &message);

  if (delivery == NULL)
    return make_requeue (pick_user (run)->key, "nothing", run->now);
  return make_requeue (delivery->recipient->key, message->message->id, run->now);
}

static SbOperation *
make_random_move (Run *run)
{
  const ModelUser *to = pick (4) > 0 ? pick_live_user (run) : pick_user (run);
  const ModelMessage *message = NULL;
  const ModelDelivery *delivery = pick_delivery (run, ALL_STATES, &message);

  if (delivery == NULL)
    return make_move (pick_user (run)->key, to->key, "nothing", run->now);
  return make_move (delivery->recipient->key, to->key, message->message->id, run->now);
}

static SbOperation *
make_random_limits (Run *run)
{
  SbStoreLimits limits = run->rig->options.limits;

  limits.remember = (1 + pick (10)) * 100 * SECOND;
  limits.receipts_max = pick (8);
  limits.receipts_age = (1 + pick (10)) * 100 * SECOND;
  limits.max_queue = 5 + pick (150);
  limits.max_queue_bytes = (5 + pick (150)) * BODY_SIZE;
  limits.max_dead = pick (20);
  return make_limits (&limits);
}

static SbOperation *
with_random_settings (SbOperation *operation)
{
  g_autoptr (SbUser) plain = operation->put_user.user;
  g_autoptr (SbUser) with_ttl = sb_user_with_ttl (plain, (gint64) pick (100) - 1);

  operation->put_user.user = sb_user_with_paused (with_ttl, pick (2));
  return operation;
}

static SbOperation *
make_random_user (Run *run)
{
  g_autofree char *id = g_strdup_printf ("user%u", pick (MAX_USERS));
  const ModelUser *user = pick_user (run);

  if (pick (3) > 0)
    return with_random_settings (make_put_user (0, id, NULL));
  return with_random_settings (make_put_user (user->key, user->id, NULL));
}

static gboolean
has_users_to_spare (Run *run)
{
  guint n_live = 0;

  for (guint i = 0; i < run->model->users->len; i++)
    n_live += !((ModelUser *) g_ptr_array_index (run->model->users, i))->is_gone;
  return n_live > 4;
}

static SbOperation *
make_random_operation (Run *run)
{
  guint dice = pick (100);

  if (dice < 36)
    return make_random_append (run);
  if (dice < 66)
    return make_random_end (run);
  if (dice < 74)
    return make_random_park (run);
  if (dice < 80)
    return make_random_requeue (run);
  if (dice < 85)
    return make_random_move (run);
  if (dice < 86)
    return make_random_limits (run);
  if (dice < 92)
    return make_sweep (run->now, 100000);
  if (dice < 94)
    return make_random_user (run);
  if (dice < 95 && has_users_to_spare (run))
    return make_remove_user (pick_user (run)->key, run->now);
  if (dice < 98)
    return make_add_receipt (pick_user (run)->key, pick_user (run)->key, "receipt", run->now);
  return make_drop_receipts (pick_user (run)->key, G_MAXINT64);
}

static void
run_batch (Run *run)
{
  SbOperation *operations[6];
  guint n = 1 + pick (G_N_ELEMENTS (operations));

  for (guint i = 0; i < n; i++)
    operations[i] = make_random_operation (run);
  rig_apply_batch (run->rig, operations, n);
  for (guint i = 0; i < n; i++)
    {
      model_follow (run->model, operations[i]);
      sb_operation_free (operations[i]);
    }
  model_learn_positions (run->model, run->rig);
  run->now += pick (20) * SECOND;
}

static void
add_first_users (Run *run)
{
  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *id = g_strdup_printf ("user%u", i);
      g_autoptr (SbOperation) operation = make_put_user (0, id, NULL);

      rig_apply_batch (run->rig, &operation, 1);
      model_follow (run->model, operation);
    }
}

static void
random_operations_do_what_the_model_does (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  g_autoptr (Model) model = NULL;
  Run run = { .rig = rig, .now = START };

  rig->options.limits.remember = 600 * SECOND;
  rig->options.limits.remember_max = 1000000;
  rig->options.limits.receipts_max = 5;
  rig->options.limits.receipts_age = 900 * SECOND;
  rig->options.limits.max_queue = 50;
  rig->options.limits.max_dead = 15;
  model = model_new (&rig->options.limits);
  run.model = model;
  rig_open (rig);
  add_first_users (&run);
  for (guint batch = 0; batch < N_BATCHES; batch++)
    {
      run_batch (&run);
      if (batch % 25 == 0)
        model_compare (model, rig);
      if (batch % 250 == 249 && !rig_subject.is_volatile)
        {
          rig_reopen (rig);
          model->limits = rig->options.limits;
          model_compare (model, rig);
        }
    }
  model_compare (model, rig);
}

void
add_model_tests (void)
{
  static const RigTest tests[] = {
    { "random-operations-do-what-the-model-does", random_operations_do_what_the_model_does },
  };

  rig_add_tests ("model", tests, G_N_ELEMENTS (tests));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-queue: the queue's owner, as the bus is one. */

#include "sb-test-queue.h"

static gboolean
wants_receipt (SbQueue *queue, gint64 sender_key, gpointer user_data)
{
  return ((SbTestQueue *) user_data)->wants_receipt;
}

static void
on_ended (SbQueue *queue, SbOperation *operation, const GError *error, gpointer user_data)
{
  static const char *const names[] = {
    [SB_OUTCOME_DONE] = "done",
    [SB_OUTCOME_DUPLICATE] = "duplicate",
    [SB_OUTCOME_UNKNOWN] = "unknown",
  };
  SbTestQueue *self = user_data;

  if (self->ended->len > 0)
    g_string_append_c (self->ended, ' ');
  g_string_append (self->ended, error != NULL ? "failed" : names[operation->outcome]);
}

static const SbQueueHooks hooks = { wants_receipt, on_ended, NULL };

static gint64
find_key (SbTestBus *t, const char *id)
{
  g_autoptr (GPtrArray) users = sb_store_users (SB_STORE (t->store), NULL);

  for (guint i = 0; i < users->len; i++)
    {
      const SbUser *user = g_ptr_array_index (users, i);

      if (g_str_equal (user->id, id))
        return user->key;
    }
  g_assert_not_reached ();
}

static void
fill_settings (SbTestQueue *self)
{
  SbMetrics *metrics = self->t->metrics;

  self->settings = (SbQueueSettings) {
    .window = 64,
    .window_bytes = 1024 * 1024,
    .confirm_timeout = 10 * SB_TEST_SECOND,
    .park_after = 5,
    .in_flight_max = 64 * 1024 * 1024,
    .deliveries = sb_metrics_counter (metrics, "deliveries", "x", NULL),
    .redeliveries = sb_metrics_counter (metrics, "redeliveries", "x", NULL),
    .parked = sb_metrics_counter (metrics, "parked", "x", NULL),
    .wall_ahead = sb_clock_wall (self->t->clock) - sb_clock_monotonic (self->t->clock),
    .wait_memory = sb_metrics_histogram (metrics, "wait", "x", "from=\"memory\""),
    .wait_store = sb_metrics_histogram (metrics, "wait", "x", "from=\"store\""),
    .confirmation[SB_QUEUE_WAY_SESSION] = sb_metrics_histogram (metrics, "confirmed_session", "x",
                                                                NULL),
    .confirmation[SB_QUEUE_WAY_CALLED] = sb_metrics_histogram (metrics, "confirmed_called", "x",
                                                               NULL),
    .confirmation[SB_QUEUE_WAY_FETCH] = sb_metrics_histogram (metrics, "confirmed_fetch", "x",
                                                              NULL),
  };
}

SbTestQueue *
sb_test_queue_new (void)
{
  SbTestQueue *self = g_new0 (SbTestQueue, 1);

  self->t = sb_test_bus_new ("");
  self->ended = g_string_new (NULL);
  sb_test_bus_add_user (self->t, "s", "", FALSE);
  sb_test_bus_add_user (self->t, "r", "", FALSE);
  self->sender = find_key (self->t, "s");
  self->recipient = find_key (self->t, "r");
  fill_settings (self);
  self->queue = sb_queue_new (self->recipient, &self->settings, self->t->journal, self->t->clock,
                              &hooks, self);
  return self;
}

static void
drop_queue (SbTestQueue *self)
{
  sb_test_bus_settle (self->t);
  sb_queue_disown (self->queue);
  g_assert_cmpuint (self->settings.in_flight, ==, 0);
  sb_test_bus_settle (self->t);
  g_clear_pointer (&self->queue, sb_queue_unref);
}

void
sb_test_queue_free (SbTestQueue *self)
{
  drop_queue (self);
  sb_test_bus_free (self->t);
  g_string_free (self->ended, TRUE);
  g_free (self);
}

void
sb_test_queue_renew (SbTestQueue *self)
{
  drop_queue (self);
  self->queue = sb_queue_new (self->recipient, &self->settings, self->t->journal, self->t->clock,
                              &hooks, self);
}

static void
on_appended (SbOperation *operation, const GError *error, gpointer user_data)
{
  SbTestQueue *self = user_data;

  g_assert_no_error (error);
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  sb_queue_append (self->queue, operation->append.message, operation->append.targets[0].position,
                   operation->append.handle, sb_clock_monotonic (self->t->clock));
}

void
sb_test_queue_submit (SbTestQueue *self, const char *id, gsize size)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_APPEND, on_appended, self);
  GBytes *body = g_bytes_new_take (g_malloc0 (size), size);

  operation->append.message = sb_message_new (id, "s", self->sender, body,
                                              sb_clock_wall (self->t->clock), 0, 0);
  operation->append.targets = g_new0 (SbTarget, 1);
  operation->append.targets[0].recipient = self->recipient;
  operation->append.targets[0].named = TRUE;
  operation->append.n_targets = 1;
  sb_journal_submit (self->t->journal, operation);
}

void
sb_test_queue_send (SbTestQueue *self, const char *ids)
{
  g_auto (GStrv) list = g_strsplit (ids, " ", -1);

  for (char **id = list; *id != NULL; id++)
    sb_test_queue_submit (self, *id, 100);
  sb_test_bus_settle (self->t);
}

SbTestPath *
sb_test_queue_open (SbTestQueue *self)
{
  SbTestPath *path = sb_test_path_new ();

  sb_queue_set_path (self->queue, SB_DELIVERY (path));
  sb_test_bus_settle (self->t);
  return path;
}

void
sb_test_queue_close (SbTestQueue *self)
{
  sb_queue_set_path (self->queue, NULL);
  sb_test_bus_settle (self->t);
}

void
sb_test_queue_confirm (SbTestQueue *self, const char *ids)
{
  g_auto (GStrv) list = g_strsplit (ids, " ", -1);

  for (char **id = list; *id != NULL; id++)
    sb_queue_confirm (self->queue, *id, NULL, NULL);
  sb_test_bus_settle (self->t);
}

void
sb_test_queue_pass (SbTestQueue *self, gint64 us)
{
  sb_clock_advance (self->t->clock, us);
  sb_queue_tick (self->queue);
  sb_test_bus_settle (self->t);
}

void
sb_test_queue_let_park (SbTestQueue *self)
{
  for (guint i = 0; i < self->settings.park_after; i++)
    sb_test_queue_pass (self, self->settings.confirm_timeout);
}

char *
sb_test_queue_get_state (SbTestQueue *self, const char *id)
{
  g_autoptr (SbMessageStatus) status = sb_store_status (SB_STORE (self->t->store), id, NULL);
  const SbDeliveryStatus *delivery;

  if (status == NULL)
    return g_strdup ("nothing");
  delivery = g_ptr_array_index (status->deliveries, 0);
  return g_strdup_printf ("%s %u", sb_delivery_state_to_string (delivery->state),
                          delivery->attempts);
}

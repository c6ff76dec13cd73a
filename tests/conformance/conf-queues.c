/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-queues: what waits for whom, and single messages, as people are shown them. */

#include "rig.h"

static void
a_backlog_counts_by_state (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();
  const SbBacklog expected = {
    .waiting = 3, .scheduled = 1, .parked = 1, .bytes = 3 * BODY_SIZE, .dead = 1, .oldest = START
  };
  SbBacklog got = rig_backlog (rig, rig->a);

  assert_backlog_equal (&got, &expected);
}

static void
a_backlog_follows_what_becomes_of_deliveries (void)
{
  g_autoptr (Rig) rig = rig_new_with_one_of_each ();
  const SbBacklog expected_of_a = { .waiting = 1, .bytes = BODY_SIZE, .dead = 1, .oldest = START };
  const SbBacklog expected_of_b = { .waiting = 2, .bytes = 2 * BODY_SIZE, .oldest = START };
  SbBacklog of_a;
  SbBacklog of_b;

  rig_end (rig, rig->a, "scheduled", SB_DELIVERY_DEAD, START);
  rig_requeue (rig, rig->a, "dead");
  rig_move (rig, rig->a, rig->b, "pending");
  rig_end (rig, rig->a, "parked", SB_DELIVERY_EXPIRED, START);
  of_a = rig_backlog (rig, rig->a);
  of_b = rig_backlog (rig, rig->b);
  assert_backlog_equal (&of_a, &expected_of_a);
  assert_backlog_equal (&of_b, &expected_of_b);
}

static void
nobody_has_a_backlog_of_zeros (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const SbBacklog zeros = { 0 };
  const gint64 keys[] = { rig->a, rig->b + 1000, 0, -1, G_MAXINT64 };

  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      SbBacklog got = rig_backlog (rig, keys[i]);

      assert_backlog_equal (&got, &zeros);
    }
}

static void
a_backlog_is_as_old_as_the_first_that_is_pending (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send_later (rig, "later");
  g_assert_cmpint (rig_backlog (rig, rig->a).oldest, ==, 0);
  rig_send_at (rig, "m1", rig->a, START + 10, BODY_SIZE);
  rig_send_at (rig, "m2", rig->a, START + 20, BODY_SIZE);
  g_assert_cmpint (rig_backlog (rig, rig->a).oldest, ==, START + 10);
  /* The older one stands behind the newer one now. */
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DEAD, START + 30);
  g_assert_cmpint (rig_backlog (rig, rig->a).oldest, ==, START + 20);
  rig_requeue (rig, rig->a, "m1");
  g_assert_cmpint (rig_backlog (rig, rig->a).oldest, ==, START + 20);
  rig_end (rig, rig->a, "m2", SB_DELIVERY_CONFIRMED, START + 30);
  g_assert_cmpint (rig_backlog (rig, rig->a).oldest, ==, START + 10);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + 30);
  g_assert_cmpint (rig_backlog (rig, rig->a).oldest, ==, 0);
}

static GPtrArray *
read_queues (Rig *rig, gint64 after, guint limit)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *rows = sb_store_queues (rig->store, after, limit, &error);

  g_assert_no_error (error);
  g_assert_nonnull (rows);
  g_assert_cmpuint (rows->len, <=, limit);
  return rows;
}

/* Ids with blanks between them. */
static void
expect_queues (Rig *rig, gint64 after, guint limit, const char *ids)
{
  g_autoptr (GPtrArray) rows = read_queues (rig, after, limit);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < rows->len; i++)
    {
      const SbQueueInfo *row = g_ptr_array_index (rows, i);
      SbBacklog expected = rig_backlog (rig, row->recipient);

      g_assert_cmpint (row->recipient, >, after);
      after = row->recipient;
      assert_backlog_equal (&row->backlog, &expected);
      g_string_append_printf (text, "%s%s", i == 0 ? "" : " ", row->recipient_id);
    }
  g_assert_cmpstr (text->str, ==, ids);
}

static void
queues_are_of_those_for_whom_something_waits_or_has_died (void)
{
  g_autoptr (Rig) rig = rig_new ();

  expect_queues (rig, 0, 100, "");
  rig_send (rig, "m1", rig->s, rig->b);
  expect_queues (rig, 0, 100, "b");
  rig_send_later (rig, "m2");
  expect_queues (rig, 0, 100, "a b");
  rig_end (rig, rig->a, "m2", SB_DELIVERY_DEAD, START);
  expect_queues (rig, 0, 100, "a b");
  rig_end (rig, rig->a, "m2", SB_DELIVERY_DROPPED, START);
  rig_end (rig, rig->b, "m1", SB_DELIVERY_CONFIRMED, START);
  expect_queues (rig, 0, 100, "");
}

static void
queues_come_a_page_at_a_time (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->a, rig->s);
  rig_send (rig, "m2", rig->s, rig->b);
  expect_queues (rig, 0, 1, "s");
  expect_queues (rig, rig->s, 1, "b");
  expect_queues (rig, rig->a, 1, "b");
  expect_queues (rig, rig->b, 1, "");
  expect_queues (rig, G_MAXINT64, 100, "");
}

/* Ids in order, with what waits and what has died. */
static void
expect_largest (Rig *rig, guint limit, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = sb_store_largest (rig->store, limit, &error);
  g_autoptr (GString) text = g_string_new (NULL);

  g_assert_no_error (error);
  g_assert_nonnull (rows);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbQueueInfo *row = g_ptr_array_index (rows, i);
      SbBacklog backlog = rig_backlog (rig, row->recipient);

      assert_backlog_equal (&row->backlog, &backlog);
      g_string_append_printf (text, "%s%s:%u+%u", i == 0 ? "" : " ", row->recipient_id,
                              (guint) backlog.waiting, (guint) backlog.dead);
    }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
the_longest_queues_come_first (void)
{
  g_autoptr (Rig) rig = rig_new ();

  expect_largest (rig, 10, "");
  rig_send (rig, "m1", rig->s, rig->b);
  rig_send (rig, "m2", rig->s, rig->b);
  rig_send (rig, "m3", rig->s, rig->a);
  expect_largest (rig, 10, "b:2+0 a:1+0");
  expect_largest (rig, 1, "b:2+0");
  rig_end (rig, rig->b, "m1", SB_DELIVERY_DEAD, START);
  expect_largest (rig, 10, "b:1+1 a:1+0");
  rig_end (rig, rig->b, "m2", SB_DELIVERY_CONFIRMED, START);
  expect_largest (rig, 10, "a:1+0 b:0+1");
  rig_end (rig, rig->b, "m1", SB_DELIVERY_DROPPED, START);
  rig_send (rig, "m4", rig->a, rig->s);
  expect_largest (rig, 10, "s:1+0 a:1+0");
}

static void
the_longest_queues_are_found_among_many (void)
{
  g_autoptr (Rig) rig = rig_new ();

  for (guint i = 0; i < 2100; i++)
    {
      g_autofree char *id = g_strdup_printf ("u%04u", i);
      gint64 user = rig_add_user (rig, id);

      for (guint k = 0; k <= (i % 700 == 50 ? i / 700 + 1 : 0); k++)
        {
          g_autofree char *message = g_strdup_printf ("m-%u-%u", i, k);

          rig_send (rig, message, rig->s, user);
        }
    }
  expect_largest (rig, 4, "u1450:4+0 u0750:3+0 u0050:2+0 u0000:1+0");
}

static void
a_queue_of_somebody_who_is_gone_is_there_for_its_dead (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) rows = NULL;
  const SbQueueInfo *row;

  rig_send (rig, "m1", rig->s, rig->a);
  rig_remove_user (rig, rig->a, START);
  rig_send (rig, "m2", rig->s, rig_add_user (rig, "a"));
  expect_queues (rig, 0, 100, "a a");
  rows = read_queues (rig, 0, 100);
  row = g_ptr_array_index (rows, 0);
  g_assert_cmpint (row->recipient, ==, rig->a);
  g_assert_cmpuint (row->backlog.dead, ==, 1);
  g_assert_cmpuint (row->backlog.waiting, ==, 0);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_DROPPED, START);
  expect_queues (rig, 0, 1, "a");
}

static void
many_queues_are_found_among_more_users (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) users = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_operation_free);
  gint64 after = 0;
  guint seen = 0;

  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *id = g_strdup_printf ("u%u", i);

      g_ptr_array_add (users, make_put_user (0, id, NULL));
    }
  rig_apply_batch (rig, (SbOperation *const *) users->pdata, users->len);
  for (guint i = 0; i < users->len; i += 100)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      rig_send (rig, id, rig->s, ((SbOperation *) g_ptr_array_index (users, i))->put_user.key);
    }
  for (guint turn = 0; turn < 31; turn++)
    {
      g_autoptr (GPtrArray) rows = read_queues (rig, after, 7);

      if (rows->len == 0)
        break;
      seen += rows->len;
      after = ((SbQueueInfo *) g_ptr_array_index (rows, rows->len - 1))->recipient;
    }
  g_assert_cmpuint (seen, ==, 30);
}

static void
expect_message (Rig *rig, const char *id, const SbMessage *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessage) message = sb_store_message (rig->store, id, &error);

  if (expected == NULL)
    {
      g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
      return;
    }
  g_assert_no_error (error);
  assert_message_equal (message, expected);
}

static void
a_message_is_found_as_long_as_it_has_a_body (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  SbOperation *append = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, START + SECOND, START + HOUR), 2, both));
  const SbMessage *expected = append->append.message;

  expect_message (rig, "m1", expected);
  rig_sweep (rig, START + SECOND);
  expect_message (rig, "m1", expected);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START + SECOND);
  rig_end (rig, rig->b, "m1", SB_DELIVERY_DEAD, START + SECOND);
  expect_message (rig, "m1", expected);
  rig_move (rig, rig->b, rig->s, "m1");
  expect_message (rig, "m1", expected);
  rig_end (rig, rig->s, "m1", SB_DELIVERY_CONFIRMED, START + SECOND);
  expect_message (rig, "m1", NULL);
  rig_sweep (rig, START + 2 * HOUR);
  expect_message (rig, "m1", NULL);
}

static void
a_message_that_never_was_is_not_found (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  expect_message (rig, "m2", NULL);
  expect_message (rig, "", NULL);
  expect_message (rig, "M1", NULL);
}

static void
a_message_of_any_size_is_found_with_its_sender_gone (void)
{
  const gsize sizes[] = { 0, 1, 3 * 1024 * 1024 };
  g_autoptr (Rig) rig = rig_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *id = g_strdup_printf ("m%" G_GSIZE_FORMAT, sizes[i]);

      rig_send_at (rig, id, rig->a, START, sizes[i]);
    }
  rig_remove_user (rig, rig->s, START);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *id = g_strdup_printf ("m%" G_GSIZE_FORMAT, sizes[i]);
      g_autoptr (SbMessage) expected = sb_message_new (id, "s", rig->s, make_body (id, sizes[i]),
                                                       START, 0, 0);

      expect_message (rig, id, expected);
    }
}

void
add_queues_tests (void)
{
  static const RigTest tests[] = {
    { "a-backlog-counts-by-state", a_backlog_counts_by_state },
    { "a-backlog-follows-what-becomes-of-deliveries",
      a_backlog_follows_what_becomes_of_deliveries },
    { "nobody-has-a-backlog-of-zeros", nobody_has_a_backlog_of_zeros },
    { "a-backlog-is-as-old-as-the-first-that-is-pending",
      a_backlog_is_as_old_as_the_first_that_is_pending },
    { "queues-are-of-those-for-whom-something-waits-or-has-died",
      queues_are_of_those_for_whom_something_waits_or_has_died },
    { "queues-come-a-page-at-a-time", queues_come_a_page_at_a_time },
    { "the-longest-queues-come-first", the_longest_queues_come_first },
    { "the-longest-queues-are-found-among-many", the_longest_queues_are_found_among_many },
    { "a-queue-of-somebody-who-is-gone-is-there-for-its-dead",
      a_queue_of_somebody_who_is_gone_is_there_for_its_dead },
    { "many-queues-are-found-among-more-users", many_queues_are_found_among_more_users },
    { "a-message-is-found-as-long-as-it-has-a-body", a_message_is_found_as_long_as_it_has_a_body },
    { "a-message-that-never-was-is-not-found", a_message_that_never_was_is_not_found },
    { "a-message-of-any-size-is-found-with-its-sender-gone",
      a_message_of_any_size_is_found_with_its_sender_gone },
  };

  rig_add_tests ("queues", tests, G_N_ELEMENTS (tests));
}

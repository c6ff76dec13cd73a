/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-bus-limits: what the bus says of its limits, and that they change while it runs. */

#include "sb-bus-private.h"
#include "sb-config-keys.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

#include <string.h>

typedef struct
{
  SbTestBus *t;
  GString *answers;
} Fixture;

static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_started (config != NULL ? config : "");
  f->answers = g_string_new (NULL);
  sb_test_bus_add_user (f->t, "s", "", FALSE);
  sb_test_bus_add_user (f->t, "anna", "both", FALSE);
  sb_test_bus_add_user (f->t, "bert", "both", FALSE);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  g_clear_pointer (&f->t, sb_test_bus_free);
  g_string_free (f->answers, TRUE);
  sb_test_log_assert_expected ();
}

/* Numbered ids, so many to that address. */
static void
fill (Fixture *f, const char *to, guint n)
{
  static guint number;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("n%u", ++number);

      sb_test_bus_send (f->t, "s", id, to);
    }
}

static double
get_metric (Fixture *f, const char *name)
{
  g_autofree char *text = sb_metrics_render (f->t->metrics);
  g_autofree char *line = g_strdup_printf ("\n%s ", name);
  const char *found = strstr (text, line);

  g_assert_nonnull (found);
  return g_ascii_strtod (found + strlen (line), NULL);
}

static void
change (Fixture *f, const char *text)
{
  g_autoptr (SbConfig) newer = sb_config_new ();
  g_autofree char *whole = g_strconcat ("[bus]\ndisk-reserve=0\n", text, NULL);
  g_autoptr (GError) error = NULL;

  sb_config_load_data (newer, whole, "test", &error);
  g_assert_no_error (error);
  sb_config_declare (newer, "bus", sb_bus_keys, sb_n_bus_keys, &error);
  g_assert_no_error (error);
  sb_config_take_over (f->t->config, newer);
  sb_test_bus_settle (f->t);
}

static void
publish (Fixture *f, const char *json, const char *wanted)
{
  sb_test_bus_publish (f->t, "s", json, 0, f->answers);
  sb_test_bus_settle (f->t);
  g_assert_cmpstr (f->answers->str, ==, wanted);
  g_string_truncate (f->answers, 0);
}

/* Queues that fill up */

static void
a_queue_that_is_nearly_full_is_named_once (Fixture *f, gconstpointer data)
{
  fill (f, "@anna", 7);
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpfloat (get_metric (f, "simplebus_queues_near_limit"), ==, 0);
  fill (f, "@anna", 1);
  sb_test_log_expect ("the queue of anna is nearly full");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpfloat (get_metric (f, "simplebus_queues_near_limit"), ==, 1);
  fill (f, "@anna", 2);
  for (guint i = 0; i < 10; i++)
    sb_test_bus_pass (f->t, 5 * SB_TEST_SECOND);
}

/* Anna comes, and confirms all that she gets. */
static void
confirm_all (Fixture *f, SbTestPath *path)
{
  SbSession *session = sb_test_bus_open (f->t, "anna", path, SB_SESSION_NONE);
  g_autofree char *text = sb_test_path_take (path);
  g_auto (GStrv) ids = g_strsplit (text, " ", -1);

  for (guint i = 0; ids[i] != NULL; i++)
    sb_session_confirm (session, ids[i]);
  sb_test_bus_settle (f->t);
  sb_session_close (session);
}

static void
a_queue_with_room_again_may_be_named_again (Fixture *f, gconstpointer data)
{
  SbTestPath *path = sb_test_path_new ();

  fill (f, "@anna", 9);
  sb_test_log_expect ("the queue of anna is nearly full");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  confirm_all (f, path);
  sb_test_bus_pass (f->t, 5 * SB_TEST_SECOND);
  sb_test_bus_pass (f->t, 5 * SB_TEST_SECOND);
  g_assert_cmpfloat (get_metric (f, "simplebus_queues_near_limit"), ==, 0);
  fill (f, "@anna", 9);
  sb_test_log_expect ("the queue of anna is nearly full");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_finalize_object (path);
}

static void
a_queue_that_was_full_before_is_named_when_it_refuses (Fixture *f, gconstpointer data)
{
  fill (f, "@anna", 10);
  sb_test_bus_restart (f->t);
  publish (f, "{\"to\":\"@anna\",\"message\":1}", "full:full=anna");
  sb_test_log_expect ("the queue of anna is nearly full");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
}

static void
many_queues_at_once_are_named_in_few_lines (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *id = g_strdup_printf ("many%u", i);

      sb_test_bus_add_user (f->t, id, "many", FALSE);
    }
  fill (f, "#many", 8);
  for (guint i = 0; i < 10; i++)
    sb_test_log_expect ("is nearly full");
  sb_test_log_expect ("the queues of 10 more recipients are nearly full");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpfloat (get_metric (f, "simplebus_queues_near_limit"), ==, 20);
}

/* Limits in all */

static void
sessions_near_their_limit_are_told (Fixture *f, gconstpointer data)
{
  SbTestPath *path = sb_test_path_new ();
  SbSession *session = sb_test_bus_open (f->t, "anna", path, SB_SESSION_NONE);

  sb_test_log_expect ("max-sessions");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpfloat (get_metric (f, "simplebus_limit_used_ratio{limit=\"sessions\"}"), ==, 1);
  g_assert_cmpfloat (get_metric (f, "simplebus_limit_used_ratio{limit=\"journal\"}"), <, 0.1);
  sb_session_close (session);
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpfloat (get_metric (f, "simplebus_limit_used_ratio{limit=\"sessions\"}"), ==, 0);
  g_assert_finalize_object (path);
}

static void
users_near_their_limit_are_told (Fixture *f, gconstpointer data)
{
  sb_test_log_expect ("max-users");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpfloat (get_metric (f, "simplebus_limit_used_ratio{limit=\"users\"}"), ==, 1);
}

/* Changes */

static void
another_max_queue_reaches_the_store (Fixture *f, gconstpointer data)
{
  fill (f, "@anna", 3);
  change (f, "max-queue=3\n");
  publish (f, "{\"to\":\"@anna\",\"message\":1}", "full:full=anna");
  change (f, "max-queue=4000\n");
  fill (f, "@anna", 1);
  sb_test_log_expect ("the queue of anna is nearly full");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
}

static void
limits_that_a_failed_batch_took_along_are_told_again (Fixture *f, gconstpointer data)
{
  fill (f, "@anna", 3);
  sb_test_store_fail_applies (f->t->store, 1);
  change (f, "max-queue=3\n");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  publish (f, "{\"to\":\"@anna\",\"message\":1}", "full:full=anna");
  sb_test_log_expect ("the queue of anna is nearly full");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
}

static void
what_does_not_concern_the_store_is_not_told_to_it (Fixture *f, gconstpointer data)
{
  guint before;

  sb_test_bus_settle (f->t);
  g_free (sb_test_store_take_batches (f->t->store));
  before = sb_test_store_get_n_calls (f->t->store);
  change (f, "require-uid=yes\nwindow=7\n");
  /* Settling takes two operations of its own. */
  g_assert_cmpuint (sb_test_store_get_n_calls (f->t->store), ==, before + 2);
}

static void
what_a_message_must_have_changes (Fixture *f, gconstpointer data)
{
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}", "a:1");
  change (f, "require-uid=yes\n");
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"b\"}", "invalid");
  change (f, "max-recipients=1\n");
  publish (f, "{\"to\":\"#both\",\"message\":1,\"_id\":\"c\"}", "too-large");
}

static void
rates_change (Fixture *f, gconstpointer data)
{
  SbLimits *limits = sb_bus_get_limits (f->t->bus);
  gint64 now = sb_clock_monotonic (f->t->clock);
  guint n = 0;

  change (f, "user-rate=3\n");
  while (n < 1000 && sb_limits_take (limits, 1, NULL, now) == 0)
    n++;
  g_assert_cmpuint (n, ==, 30);
  change (f, "user-rate=0\n");
  g_assert_cmpint (sb_limits_take (limits, 1, NULL, now), ==, 0);
}

static void
a_bus_that_was_stopped_changes_nothing (Fixture *f, gconstpointer data)
{
  sb_bus_stop (f->t->bus);
  sb_test_bus_settle (f->t);
  change (f, "max-queue=3\n");
}

#define ADD(name, config, func) \
  g_test_add ("/bus-limits/" name, Fixture, config, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
  ADD ("a-queue-that-is-nearly-full-is-named-once", "max-queue=10",
       a_queue_that_is_nearly_full_is_named_once);
  ADD ("a-queue-with-room-again-may-be-named-again", "max-queue=10",
       a_queue_with_room_again_may_be_named_again);
  ADD ("a-queue-that-was-full-before-is-named-when-it-refuses", "max-queue=10",
       a_queue_that_was_full_before_is_named_when_it_refuses);
  ADD ("many-queues-at-once-are-named-in-few-lines", "max-queue=10",
       many_queues_at_once_are_named_in_few_lines);
  ADD ("sessions-near-their-limit-are-told", "max-sessions=1", sessions_near_their_limit_are_told);
  ADD ("users-near-their-limit-are-told", "max-users=3", users_near_their_limit_are_told);
  ADD ("another-max-queue-reaches-the-store", NULL, another_max_queue_reaches_the_store);
  ADD ("limits-that-a-failed-batch-took-along-are-told-again", NULL,
       limits_that_a_failed_batch_took_along_are_told_again);
  ADD ("what-does-not-concern-the-store-is-not-told-to-it", NULL,
       what_does_not_concern_the_store_is_not_told_to_it);
  ADD ("what-a-message-must-have-changes", NULL, what_a_message_must_have_changes);
  ADD ("rates-change", NULL, rates_change);
  ADD ("a-bus-that-was-stopped-changes-nothing", NULL, a_bus_that_was_stopped_changes_nothing);
  return g_test_run ();
}

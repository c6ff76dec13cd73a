/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api-bulk: many deliveries requeued, dropped and moved with one request. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define API "/api/v1/deliveries"

/* Messages m0, m1 … for bob, who is not there. */
static void
fill (SbTestSite *bus, guint n)
{
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "alice", "\"accepted\":true");

  for (guint i = 0; i < n; i++)
    sb_test_ws_sendf (session, "{\"_id\":\"m%u\",\"to\":\"@bob\",\"message\":1}", i);
  sb_test_ws_wait_frames (session, n);
}

/* Names of all of bob's, as a JSON list. */
static char *
list_names (SbTestSite *bus)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->admin, API "?recipient=bob&limit=1000");
  JsonArray *rows = json_object_get_array_member (sb_test_answer_object (answer), "deliveries");
  GString *names = g_string_new ("[");

  for (guint i = 0; i < json_array_get_length (rows); i++)
    g_string_append_printf (
        names, "%s\"%s\"", i > 0 ? "," : "",
        sb_test_json_string (json_array_get_object_element (rows, i), "delivery"));
  return g_string_free (g_string_append_c (names, ']'), FALSE);
}

static SbTestAnswer *
act (SbTestHttp *client, const char *action, const char *names, const char *more)
{
  g_autofree char *path = g_strconcat (API "/", action, NULL);

  return sb_test_http_postf (client, path, "{\"deliveries\":%s%s}", names, more);
}

static guint
count_ok (SbTestAnswer *answer)
{
  JsonArray *rows;
  guint n = 0;

  sb_test_assert_status (answer, 200);
  rows = json_object_get_array_member (sb_test_answer_object (answer), "results");
  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      gboolean ok = sb_test_json_bool (row, "ok");

      g_assert_true (ok == (sb_test_json_string (row, "detail") == NULL));
      n += ok;
    }
  return n;
}

static gint64
count_waiting (SbTestSite *bus, const char *user)
{
  g_autofree char *path = g_strconcat ("/api/v1/queues/", user, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->admin, path);

  return sb_test_json_int (sb_test_answer_object (answer), "waiting");
}

static void
a_thousand_are_dropped_at_once (void)
{
  /* The client's libsoup closes connections that were idle for a second just when they are used
   * again: under instruments a thousand take about that long. */
  const guint n = sb_test_daemon_is_instrumented () ? 100 : 1000;
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *names = NULL;
  double before, after;

  fill (bus, n);
  names = list_names (bus);
  before = sb_test_get_metric (bus->admin, "simplebus_journal_batches_total");
  answer = act (bus->admin, "drop", names, "");
  after = sb_test_get_metric (bus->admin, "simplebus_journal_batches_total");
  g_assert_cmpuint (count_ok (answer), ==, n);
  g_assert_cmpint (count_waiting (bus, "bob"), ==, 0);
  g_assert_cmpfloat (after - before, <, n / 2.0);
}

static void
they_are_moved_to_another_user (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) moved = NULL;
  g_autoptr (SbTestAnswer) again = NULL;
  g_autofree char *names = NULL;
  g_autofree char *log = NULL;

  fill (bus, 10);
  names = list_names (bus);
  moved = act (bus->admin, "move", names, ",\"to\":\"carol\"");
  again = act (bus->admin, "move", names, ",\"to\":\"carol\"");
  g_assert_cmpuint (count_ok (moved), ==, 10);
  g_assert_cmpuint (count_ok (again), ==, 0);
  g_assert_cmpint (count_waiting (bus, "carol"), ==, 10);
  log = sb_test_daemon_dup_log (bus->daemon);
  g_assert_nonnull (strstr (log, "admin moved the message m9 from bob to carol"));
}

static void
what_cannot_be_done_holds_up_nothing_else (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *names = NULL;
  g_autofree char *some = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;
  JsonArray *rows;

  fill (bus, 1);
  names = list_names (bus);
  names[strlen (names) - 1] = '\0';
  some = g_strdup_printf ("%s,\"x\",\"1:none\",%s]", names, names + 1);
  answer = act (bus->admin, "drop", some, "");
  g_assert_cmpuint (count_ok (answer), ==, 1);
  rows = json_object_get_array_member (sb_test_answer_object (answer), "results");
  g_assert_cmpuint (json_array_get_length (rows), ==, 4);
  g_assert_true (sb_test_json_bool (json_array_get_object_element (rows, 0), "ok"));
}

static void
what_is_scheduled_is_requeued (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *id = sb_test_put (
      bus->alice, "{\"_id\":\"m\",\"to\":\"@bob\",\"message\":1,\"not_before\":4000000000}");
  g_autofree char *names = list_names (bus);
  g_autoptr (SbTestAnswer) answer = act (bus->admin, "requeue", names, "");

  g_assert_cmpuint (count_ok (answer), ==, 1);
  sb_test_wait_state (bus->alice, "m", "bob", "pending");
}

static void
bodies_that_are_none_are_refused (void)
{
  static const char *const bad[] = {
    "[]", "[1]", "[null]", "[[]]", "{}", "\"1:x\"", "null", "[\"1:x\"],\"more\":1",
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (GString) many = g_string_new ("[");
  g_autoptr (SbTestAnswer) too_many = NULL;
  g_autoptr (SbTestAnswer) nowhere = act (bus->admin, "move", "[\"1:x\"]", "");
  g_autoptr (SbTestAnswer) nobody = act (bus->admin, "move", "[\"1:x\"]", ",\"to\":\"nobody\"");

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (SbTestAnswer) answer = act (bus->admin, "drop", bad[i], "");

      sb_test_assert_problem (answer, 400, "invalid");
    }
  for (guint i = 0; i < 1001; i++)
    g_string_append_printf (many, "%s\"1:x\"", i > 0 ? "," : "");
  too_many = act (bus->admin, "drop", g_string_append_c (many, ']')->str, "");
  sb_test_assert_problem (too_many, 400, "invalid");
  sb_test_assert_problem (nowhere, 400, "invalid");
  sb_test_assert_problem (nobody, 404, "not-found");
}

static void
only_admins_do_it (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *names = NULL;

  fill (bus, 1);
  names = list_names (bus);
  answer = act (bus->bob, "drop", names, "");
  sb_test_assert_problem (answer, 403, "forbidden");
  g_assert_cmpint (count_waiting (bus, "bob"), ==, 1);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/bulk/" name, func)
  ADD ("a-thousand-are-dropped-at-once", a_thousand_are_dropped_at_once);
  ADD ("they-are-moved-to-another-user", they_are_moved_to_another_user);
  ADD ("what-cannot-be-done-holds-up-nothing-else", what_cannot_be_done_holds_up_nothing_else);
  ADD ("what-is-scheduled-is-requeued", what_is_scheduled_is_requeued);
  ADD ("bodies-that-are-none-are-refused", bodies_that_are_none_are_refused);
  ADD ("only-admins-do-it", only_admins_do_it);
#undef ADD
  return g_test_run ();
}

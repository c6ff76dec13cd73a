/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-metrics: what becomes of deliveries and what is refused is counted where it should be. */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test-ws.h"
#include "sb-test.h"

#include <string.h>

static void
expect (SbTestSite *bus, const char *name, double value)
{
  double got = sb_test_get_metric (bus->admin, name);

  if (got != value)
    g_error ("%s is %g instead of %g", name, got, value);
}

typedef struct
{
  SbTestSite *bus;
  const char *name;
  double value;
} Expected;

static gboolean
is_so (gpointer user_data)
{
  const Expected *expected = user_data;

  return sb_test_get_metric (expected->bus->admin, expected->name) == expected->value;
}

static gboolean
tick_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
wait_for (SbTestSite *bus, const char *name, double value)
{
  Expected expected = { bus, name, value };
  guint tick = g_timeout_add (20, tick_cb, NULL);

  sb_test_wait_for (is_so, &expected, name);
  g_source_remove (tick);
}

/* Deliveries */

static void
test_counts_what_an_admin_decides (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *id = sb_test_put (
      bus->alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1,\"not_before\":4000000000}");
  g_autoptr (SbTestAnswer) requeued = sb_test_http_post (bus->admin,
                                                         "/api/v1/deliveries/3:x/requeue", "");
  g_autoptr (SbTestAnswer) moved = sb_test_http_post (bus->admin, "/api/v1/deliveries/3:x/move",
                                                      "{\"to\":\"carol\"}");
  g_autoptr (SbTestAnswer) dropped = sb_test_http_post (bus->admin, "/api/v1/deliveries/4:x/drop",
                                                        "");

  g_assert_cmpuint (requeued->status / 100, ==, 2);
  g_assert_cmpuint (moved->status / 100, ==, 2);
  g_assert_cmpuint (dropped->status / 100, ==, 2);
  expect (bus, "simplebus_deliveries_accepted_total", 1);
  expect (bus, "simplebus_deliveries_scheduled_total", 1);
  expect (bus, "simplebus_deliveries_requeued_total", 1);
  expect (bus, "simplebus_deliveries_moved_total", 1);
  expect (bus, "simplebus_deliveries_dropped_total", 1);
}

static void
test_counts_the_dead_by_reason (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-queue=1", NULL);
  g_autofree char *first = sb_test_put (bus->alice, "{\"to\":\"#orders\",\"message\":1}");
  g_autofree char *second = sb_test_put (bus->alice, "{\"to\":\"#orders\",\"message\":2}");
  g_autoptr (SbTestAnswer) gone = NULL;

  expect (bus, "simplebus_deliveries_dead_total{reason=\"queue-full\"}", 2);
  gone = sb_test_http_send (bus->admin, "DELETE", "/api/v1/users/bob", NULL, NULL, -1);
  sb_test_assert_status (gone, 204);
  expect (bus, "simplebus_deliveries_dead_total{reason=\"recipient-deleted\"}", 1);
  expect (bus, "simplebus_deliveries_dead_total{reason=\"refused\"}", 0);
}

static void
test_follows_a_message_to_its_confirmation (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *early = NULL;
  g_autofree char *late = NULL;
  g_autofree char *taken = NULL;
  g_autoptr (SbTestAnswer) got = NULL;
  g_autoptr (SbTestAnswer) confirmed = NULL;

  early = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  taken = sb_test_ws_take_and_confirm (bob);
  wait_for (bus, "simplebus_confirmation_seconds_count{way=\"session\"}", 1);
  expect (bus, "simplebus_delivery_wait_seconds_count{from=\"memory\"}", 1);
  expect (bus, "simplebus_delivery_wait_seconds_bucket{from=\"memory\",le=\"30\"}", 1);

  late = sb_test_put (bus->alice, "{\"_id\":\"y\",\"to\":\"@carol\",\"message\":1}");
  got = sb_test_http_get (bus->carol, "/get");
  confirmed = sb_test_http_post (bus->carol, "/confirm", "[\"y\"]");
  sb_test_assert_status (got, 200);
  sb_test_assert_status (confirmed, 200);
  expect (bus, "simplebus_confirmation_seconds_count{way=\"fetch\"}", 1);
  expect (bus, "simplebus_delivery_wait_seconds_count{from=\"store\"}", 1);
  expect (bus, "simplebus_delivery_wait_seconds_bucket{from=\"store\",le=\"60\"}", 1);
}

static void
test_counts_the_backlog_by_how_recipients_are_reached (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autofree char *first = sb_test_put (bus->alice, "{\"to\":\"#orders\",\"message\":1}");
  g_autofree char *second = sb_test_put (bus->alice, "{\"to\":\"@carol\",\"message\":1}");

  /* At its start it begins to count. */
  sb_test_site_restart (bus);
  wait_for (bus, "simplebus_backlog_deliveries{recipients=\"offline\"}", 3);
  g_assert_cmpfloat (
      sb_test_get_metric (bus->admin, "simplebus_backlog_oldest_seconds{recipients=\"offline\"}"),
      >, 0);
  expect (bus, "simplebus_backlog_deliveries{recipients=\"online\"}", 0);
  expect (bus, "simplebus_backlog_oldest_seconds{recipients=\"online\"}", 0);
}

/* Refusals */

static void
test_counts_refused_messages (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-message-size=1K", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *long_text = g_strnfill (2000, 'x');
  g_autofree char *large = g_strdup_printf ("{\"to\":\"@bob\",\"message\":\"%s\"}", long_text);
  g_autoptr (SbTestAnswer) nobody = sb_test_http_post (bus->alice, "/put",
                                                       "{\"to\":\"@nobody\",\"message\":1}");
  g_autoptr (SbTestAnswer) too_large = sb_test_http_post (bus->alice, "/put", large);
  g_autoptr (SbTestFrame) refused = NULL;

  sb_test_assert_status (nobody, 404);
  sb_test_assert_status (too_large, 413);
  sb_test_ws_send (bob, "{\"to\":\"@nobody\",\"message\":1}");
  refused = sb_test_ws_take (bob);
  expect (bus, "simplebus_messages_refused_total{over=\"http\",reason=\"not-found\"}", 1);
  expect (bus, "simplebus_messages_refused_total{over=\"http\",reason=\"too-large\"}", 1);
  expect (bus, "simplebus_messages_refused_total{over=\"websocket\",reason=\"not-found\"}", 1);
  expect (bus, "simplebus_http_problems_total{reason=\"not-found\"}", 1);
}

static void
test_counts_and_names_refused_log_ins (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) wrong = sb_test_http_for (bus->daemon, "bob", "nonsense");
  g_autoptr (SbTestHttp) unknown = sb_test_http_for (bus->daemon, "hunter2", "x");
  g_autoptr (SbTestAnswer) first = sb_test_http_get (wrong, "/get");
  g_autoptr (SbTestAnswer) second = sb_test_http_get (unknown, "/get");
  g_autofree char *log = NULL;

  sb_test_assert_status (first, 401);
  sb_test_assert_status (second, 401);
  expect (bus, "simplebus_log_ins_refused_total{reason=\"unauthorized\"}", 2);
  sb_test_daemon_wait_log (bus->daemon, "a log-in of bob from 127.0.0.1 was refused");
  sb_test_daemon_wait_log (bus->daemon, "a log-in of somebody who is no user");
  log = sb_test_daemon_dup_log (bus->daemon);
  g_assert_null (strstr (log, "hunter2"));
  g_assert_null (strstr (log, "nonsense"));
}

static void
test_counts_refused_connections (void)
{
  static const char name[] = "simplebus_connections_refused_total"
                             "{reason=\"max-connections-per-address\"}";
  g_autoptr (SbTestSite) bus = sb_test_site_new ("transport-soup.max-connections-per-address=10",
                                                 NULL);
  SbTestRaw *raws[20];

  expect (bus, name, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (raws); i++)
    raws[i] = sb_test_raw_try (sb_test_daemon_get_http_port (bus->daemon));
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, name), >=, 10);
  for (gsize i = 0; i < G_N_ELEMENTS (raws); i++)
    g_clear_pointer (&raws[i], sb_test_raw_free);
}

static void
test_counts_refused_uploads (void)
{
  static const char *const headers[] = { "Tus-Resumable", "0.2.2", NULL };
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (bus->alice, "POST", "/files/", headers, "",
                                                       -1);

  g_assert_cmpuint (answer->status / 100, ==, 4);
  g_assert_cmpfloat (
      sb_test_get_metric (bus->admin, "simplebus_uploads_refused_total{reason=\"version\"}"), ==,
      1);
}

/* What is open */

static void
test_shows_who_is_there (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);

  expect (bus, "simplebus_sessions", 1);
  expect (bus, "simplebus_users", 4);
  expect (bus, "simplebus_ready", 1);
  expect (bus, "simplebus_http_requests_open", 1);
  expect (bus, "simplebus_event_streams", 0);
  expect (bus, "simplebus_console_log_ins", 0);
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "process_open_fds"), >, 3);
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "process_resident_memory_bytes"), >, 100000);
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_journal_batch_operations_count"),
                     ==, sb_test_get_metric (bus->admin, "simplebus_journal_batches_total"));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/metrics/counts-what-an-admin-decides", test_counts_what_an_admin_decides);
  g_test_add_func ("/metrics/counts-the-dead-by-reason", test_counts_the_dead_by_reason);
  g_test_add_func ("/metrics/follows-a-message-to-its-confirmation",
                   test_follows_a_message_to_its_confirmation);
  g_test_add_func ("/metrics/counts-the-backlog-by-how-recipients-are-reached",
                   test_counts_the_backlog_by_how_recipients_are_reached);
  g_test_add_func ("/metrics/counts-refused-messages", test_counts_refused_messages);
  g_test_add_func ("/metrics/counts-and-names-refused-log-ins",
                   test_counts_and_names_refused_log_ins);
  g_test_add_func ("/metrics/counts-refused-connections", test_counts_refused_connections);
  g_test_add_func ("/metrics/counts-refused-uploads", test_counts_refused_uploads);
  g_test_add_func ("/metrics/shows-who-is-there", test_shows_who_is_there);
  return g_test_run ();
}

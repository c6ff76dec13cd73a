/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-pages: the pages, liveness, metrics, and what every path of the bus has in common. */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

/* Paths with what Allow says of them. */
static const struct
{
  const char *path;
  const char *good;
  const char *bad;
} paths[] = {
  { "/", "GET", "POST" },        { "/signup", "POST", "PUT" },    { "/signup", "GET", "DELETE" },
  { "/put", "POST", "GET" },     { "/put_users", "POST", "GET" }, { "/get", "GET", "POST" },
  { "/confirm", "POST", "GET" }, { "/status/x", "GET", "POST" },  { "/metrics", "GET", "POST" },
  { "/healthz", "GET", "POST" }, { "/readyz", "GET", "DELETE" },
};

static gboolean
is_allowed (SbTestAnswer *answer, const char *method)
{
  const char *allow = sb_test_answer_header (answer, "Allow");

  return allow != NULL && strstr (allow, method) != NULL;
}

static void
test_names_the_methods_of_a_path (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestAnswer) options = sb_test_http_send (bus->admin, "OPTIONS", paths[i].path,
                                                            NULL, NULL, 0);
      g_autoptr (SbTestAnswer) wrong = sb_test_http_send (bus->admin, paths[i].bad, paths[i].path,
                                                          NULL, NULL, 0);

      g_test_message ("%s", paths[i].path);
      sb_test_assert_status (options, 200);
      g_assert_true (is_allowed (options, paths[i].good));
      sb_test_assert_status (wrong, 405);
      g_assert_true (is_allowed (wrong, paths[i].good));
      g_assert_false (is_allowed (wrong, paths[i].bad));
    }
}

static void
test_has_nothing_at_other_paths (void)
{
  static const char *const others[] = { "/nothing",  "/put/",     "/PUT",     "//",
                                        "/signup/x", "/healthz/", "/%70ut/x", "/..%2f" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->admin, others[i]);

      g_test_message ("%s", others[i]);
      sb_test_assert_problem (answer, 404, "not-found");
    }
}

static void
test_shows_pages_to_strangers (void)
{
  static const char *const pages[] = { "/", "/signup" };
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (daemon, NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (pages); i++)
    {
      g_autoptr (SbTestAnswer) page = sb_test_http_get (stranger, pages[i]);

      sb_test_assert_status (page, 200);
      g_assert_true (g_str_has_prefix (sb_test_answer_header (page, "Content-Type"), "text/html"));
      g_assert_nonnull (strstr (page->body, "<html"));
      g_assert_cmpstr (sb_test_answer_header (page, "X-Content-Type-Options"), ==, "nosniff");
      g_assert_nonnull (sb_test_answer_header (page, "Content-Security-Policy"));
    }
}

static void
test_shows_a_form_that_can_be_sent (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) page = sb_test_http_get (stranger, "/signup");

  g_assert_nonnull (strstr (page->body, "name=\"name\""));
  g_assert_nonnull (strstr (page->body, "name=\"password\""));
  g_assert_nonnull (strstr (page->body, "method=\"post\""));
}

static void
test_asks_strangers_from_outside_for_the_code (void)
{
  static const char *const headers[] = { "X-Forwarded-For", "8.8.8.8", NULL };
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory",
                                                        "bus.trusted-proxies=127.0.0.1", NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) outside = sb_test_http_send (stranger, "GET", "/signup", headers, NULL,
                                                        0);
  g_autoptr (SbTestAnswer) inside = sb_test_http_get (stranger, "/signup");

  g_assert_nonnull (strstr (outside->body, "name=\"setup-code\""));
  g_assert_null (strstr (inside->body, "name=\"setup-code\""));
}

static void
test_answers_head_without_a_body (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *answers = NULL;

  sb_test_raw_send (raw, "HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
                         "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  answers = sb_test_raw_read_all (raw);
  g_assert_true (g_str_has_prefix (answers, "HTTP/1.1 200 "));
  g_assert_null (strstr (answers, "ok\n"));
  g_assert_null (strstr (answers, "<html"));
}

static void
test_lives_and_is_ready (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) health = sb_test_http_get (stranger, "/healthz");
  g_autoptr (SbTestAnswer) ready = sb_test_http_get (stranger, "/readyz");

  sb_test_assert_status (health, 200);
  sb_test_assert_status (ready, 200);
}

static void
test_shows_metrics_to_admins (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) admin = sb_test_http_get (bus->admin, "/metrics");
  g_autoptr (SbTestAnswer) user = sb_test_http_get (bus->alice, "/metrics");
  g_autoptr (SbTestAnswer) nobody = sb_test_http_get (stranger, "/metrics");

  sb_test_assert_status (admin, 200);
  g_assert_true (g_str_has_prefix (sb_test_answer_header (admin, "Content-Type"), "text/plain"));
  sb_test_assert_problem (user, 403, "forbidden");
  sb_test_assert_problem (nobody, 401, "unauthorized");
}

static guint
ask_with_token (SbTestHttp *client, const char *value)
{
  const char *const headers[] = { "Authorization", value, NULL };
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (client, "GET", "/metrics", headers, NULL, 0);

  return answer->status;
}

static void
test_shows_metrics_to_who_has_the_token (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.metrics-token=open sesame", NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);

  g_assert_cmpuint (ask_with_token (stranger, "Bearer open sesame"), ==, 200);
  g_assert_cmpuint (ask_with_token (stranger, "bearer open sesame"), ==, 200);
  g_assert_cmpuint (ask_with_token (stranger, "Bearer open"), ==, 401);
  g_assert_cmpuint (ask_with_token (stranger, "Bearer "), ==, 401);
}

static void
test_has_no_empty_token (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);

  g_assert_cmpuint (ask_with_token (stranger, "Bearer "), ==, 401);
  g_assert_cmpuint (ask_with_token (stranger, "Bearer"), ==, 401);
}

static void
test_counts_what_happens (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *id = sb_test_put (bus->alice,
                                     "{\"_id\":\"x\",\"to\":\"#orders\",\"message\":1}");
  g_autofree char *again = sb_test_put (bus->alice,
                                        "{\"_id\":\"x\",\"to\":\"#orders\",\"message\":1}");
  g_autoptr (SbTestAnswer) confirmed = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");

  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_messages_accepted_total"), ==, 1);
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_messages_duplicate_total"), ==, 1);
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_deliveries_confirmed_total"), ==,
                     1);
}

static void
test_writes_metrics_as_prometheus_reads_them (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->admin, "/metrics");
  g_auto (GStrv) lines = g_strsplit (answer->body, "\n", -1);
  g_autoptr (GRegex) regex = g_regex_new (
      "^(# (HELP|TYPE) (simplebus|process)_[a-z_]+ .+|(simplebus|process)_[a-z_]+(\\{[^}]*\\})? "
      "[-+0-9.eE]+(Inf)?|)$",
      0, 0, NULL);

  for (char **line = lines; *line != NULL; line++)
    if (!g_regex_match (regex, *line, 0, NULL))
      g_error ("no line of Prometheus: %s", *line);
  g_assert_true (g_str_has_suffix (answer->body, "\n"));
}

static void
test_keeps_answers_out_of_caches (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->bob, "/get");

  g_assert_cmpstr (sb_test_answer_header (answer, "Cache-Control"), ==, "no-store");
}

/* --- The console --- */

static SbTestAnswer *
fetch (SbTestHttp *browser, const char *path, const char *name, const char *value)
{
  const char *const headers[] = { name, value, NULL };

  return sb_test_http_send (browser, "GET", path, headers, NULL, 0);
}

static void
test_gives_the_files_of_the_console (void)
{
  static const struct
  {
    const char *path, *type;
  } files[] = {
    { "/", "text/html; charset=utf-8" },
    { "/console/app.js", "text/javascript; charset=utf-8" },
    { "/console/pages/users.js", "text/javascript; charset=utf-8" },
    { "/console/style.css", "text/css; charset=utf-8" },
    { "/console/icon.svg", "image/svg+xml" },
  };
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestHttp) browser = sb_test_http_for (daemon, NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (files); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (browser, files[i].path);

      sb_test_assert_status (answer, 200);
      g_assert_cmpstr (sb_test_answer_header (answer, "Content-Type"), ==, files[i].type);
      g_assert_cmpstr (sb_test_answer_header (answer, "X-Content-Type-Options"), ==, "nosniff");
      g_assert_cmpstr (sb_test_answer_header (answer, "Cache-Control"), ==, "no-cache");
    }
}

static void
test_gives_no_other_files (void)
{
  static const char *const others[] = {
    "/console/",         "/console/none.js", "/console/../signup.html",
    "/console/%2e%2e/x", "/console/pages/",  "/console/%00app.js",
    "/console//app.js",  "/console/app.js/", "/console/console.gresource.xml"
  };
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestHttp) browser = sb_test_http_for (daemon, NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (browser, others[i]);

      g_test_message ("%s", others[i]);
      g_assert_cmpuint (answer->status, ==, 404);
    }
}

static void
test_gives_a_browser_a_file_once (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestHttp) browser = sb_test_http_for (daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) first = sb_test_http_get (browser, "/console/app.js");
  const char *etag = sb_test_answer_header (first, "ETag");
  g_autoptr (SbTestAnswer) again = fetch (browser, "/console/app.js", "If-None-Match", etag);
  g_autoptr (SbTestAnswer) newer = fetch (browser, "/console/app.js", "If-None-Match", "\"x\"");

  sb_test_assert_status (again, 304);
  g_assert_cmpuint (again->length, ==, 0);
  sb_test_assert_status (newer, 200);
}

static void
test_compresses_for_browsers_that_take_it (void)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_run ("bus.store=memory", NULL);
  g_autoptr (SbTestHttp) browser = sb_test_http_for (daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) plain = fetch (browser, "/console/style.css", "Accept-Encoding",
                                          "identity");
  g_autoptr (SbTestAnswer) packed = fetch (browser, "/console/style.css", "Accept-Encoding",
                                           "br, gzip;q=0.5");
  g_autoptr (SbTestAnswer) refused = fetch (browser, "/console/style.css", "Accept-Encoding",
                                            "gzip;q=0");

  g_assert_null (sb_test_answer_header (plain, "Content-Encoding"));
  g_assert_cmpstr (sb_test_answer_header (packed, "Content-Encoding"), ==, "gzip");
  g_assert_cmpuint (packed->length, <, plain->length / 2);
  g_assert_null (sb_test_answer_header (refused, "Content-Encoding"));
  g_assert_cmpstr (sb_test_answer_header (packed, "Vary"), ==, "Accept-Encoding");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/pages/names-the-methods-of-a-path", test_names_the_methods_of_a_path);
  g_test_add_func ("/pages/has-nothing-at-other-paths", test_has_nothing_at_other_paths);
  g_test_add_func ("/pages/shows-pages-to-strangers", test_shows_pages_to_strangers);
  g_test_add_func ("/pages/shows-a-form-that-can-be-sent", test_shows_a_form_that_can_be_sent);
  g_test_add_func ("/pages/asks-strangers-from-outside-for-the-code",
                   test_asks_strangers_from_outside_for_the_code);
  g_test_add_func ("/pages/answers-head-without-a-body", test_answers_head_without_a_body);
  g_test_add_func ("/pages/lives-and-is-ready", test_lives_and_is_ready);
  g_test_add_func ("/pages/shows-metrics-to-admins", test_shows_metrics_to_admins);
  g_test_add_func ("/pages/shows-metrics-to-who-has-the-token",
                   test_shows_metrics_to_who_has_the_token);
  g_test_add_func ("/pages/has-no-empty-token", test_has_no_empty_token);
  g_test_add_func ("/pages/counts-what-happens", test_counts_what_happens);
  g_test_add_func ("/pages/writes-metrics-as-prometheus-reads-them",
                   test_writes_metrics_as_prometheus_reads_them);
  g_test_add_func ("/pages/keeps-answers-out-of-caches", test_keeps_answers_out_of_caches);
  g_test_add_func ("/console/gives-its-files", test_gives_the_files_of_the_console);
  g_test_add_func ("/console/gives-no-other-files", test_gives_no_other_files);
  g_test_add_func ("/console/gives-a-browser-a-file-once", test_gives_a_browser_a_file_once);
  g_test_add_func ("/console/compresses-for-browsers-that-take-it",
                   test_compresses_for_browsers_that_take_it);

  return g_test_run ();
}

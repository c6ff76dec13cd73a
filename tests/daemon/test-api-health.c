/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api-health: /api/v1/health, check by check, and what /readyz has in common with it. */

#include "sb-test-recipient.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/resource.h>

static SbTestAnswer *
get_health (SbTestHttp *client, const char *const *headers)
{
  SbTestAnswer *answer = sb_test_http_send (client, "GET", "/api/v1/health", headers, NULL, -1);

  sb_test_assert_status (answer, 200);
  return answer;
}

static JsonObject *
find_check (SbTestAnswer *answer, const char *name)
{
  JsonArray *checks = json_object_get_array_member (sb_test_answer_object (answer), "checks");

  for (guint i = 0; i < json_array_get_length (checks); i++)
    {
      JsonObject *check = json_array_get_object_element (checks, i);

      if (g_strcmp0 (sb_test_json_string (check, "check"), name) == 0)
        return check;
    }
  g_test_message ("there is no check %s", name);
  g_assert_not_reached ();
}

/* @part: of the detail */
static void
expect_check (SbTestAnswer *answer, const char *name, const char *status, const char *part)
{
  JsonObject *check = find_check (answer, name);
  const char *detail = sb_test_json_string (check, "detail");

  g_test_message ("%s: %s", name, detail);
  g_assert_cmpstr (sb_test_json_string (check, "status"), ==, status);
  g_assert_nonnull (strstr (detail, part));
  if (strcmp (status, "ok") != 0)
    g_assert_nonnull (sb_test_json_string (check, "advice"));
}

static void
test_has_every_check (void)
{
  static const char *const names[] = {
    "disk",       "store",       "journal", "clock",           "data-dir",     "files",
    "sign-up",    "descriptors", "limits",  "recipients",      "dead-letters", "ports",
    "public-url", "tls",         "proxy",   "user-management",
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.public-url=https://bus.example.com",
                                                 "bus.max-sessions=10", "bus.disk-reserve=0", NULL);
  g_autoptr (SbTestAnswer) answer = get_health (bus->admin, NULL);
  JsonObject *health = sb_test_answer_object (answer);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    expect_check (answer, names[i], "ok", "");
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (health, "checks")), ==,
                    G_N_ELEMENTS (names));
  g_assert_cmpstr (sb_test_json_string (health, "status"), ==, "ok");
  g_assert_nonnull (sb_test_json_string (health, "time"));
  g_assert_nonnull (sb_test_json_string (health, "version"));
}

/* What one setting makes of one check. */
static const struct
{
  const char *setting;
  const char *check;
  const char *status;
  const char *part;
} settings[] = {
  { "bus.disk-reserve=1024T", "disk", "error", "Nothing new is accepted" },
  { "bus.open-signup=true", "sign-up", "warning", "Anybody" },
  { "bus.open-user-management=true", "user-management", "warning", "Every user" },
  { "bus.public-url=", "public-url", "warning", "not set" },
  { "bus.public-url=http://bus.example.com", "public-url", "warning", "in the clear" },
  { "bus.public-url=http://127.0.0.1:2555", "public-url", "ok", "127.0.0.1" },
  { "transport-soup.listen=0.0.0.0", "tls", "warning", "no TLS" },
  { "bus.max-users=5", "limits", "warning", "many users" },
};

static gboolean
has_status (gpointer user_data)
{
  SbTestSite *bus = user_data;
  g_autoptr (SbTestAnswer) answer = get_health (bus->admin, NULL);

  return strcmp (sb_test_json_string (find_check (answer, "limits"), "status"), "ok") != 0;
}

static void
test_warns_of_settings (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (settings); i++)
    {
      g_autoptr (SbTestSite) bus = sb_test_site_new (settings[i].setting, NULL);
      g_autoptr (SbTestAnswer) answer = NULL;

      g_test_message ("%s", settings[i].setting);
      if (strcmp (settings[i].check, "limits") == 0)
        sb_test_wait_for (has_status, bus, "the alarm");
      answer = get_health (bus->admin, NULL);
      expect_check (answer, settings[i].check, settings[i].status, settings[i].part);
      if (strcmp (settings[i].status, "error") == 0)
        g_assert_cmpstr (sb_test_answer_string (answer, "status"), ==, "error");
    }
}

static void
test_warns_of_too_few_descriptors (void)
{
  struct rlimit limit;
  g_autoptr (SbTestSite) bus = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  if (limit.rlim_max > 10000000)
    {
      g_test_skip ("there are enough for anything here");
      return;
    }
  bus = sb_test_site_new ("bus.max-sessions=10000000", NULL);
  answer = get_health (bus->admin, NULL);
  expect_check (answer, "descriptors", "warning", "max-sessions=10000000");
}

static void
test_a_disk_without_reserve_is_not_ready (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.disk-reserve=1024T", NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) ready = sb_test_http_get (stranger, "/readyz");

  sb_test_assert_problem (ready, 503, "no-space");
}

static void
test_warns_of_a_folder_that_others_may_read (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;

  g_assert_cmpint (g_chmod (sb_test_daemon_get_data_dir (bus->daemon), 0755), ==, 0);
  answer = get_health (bus->admin, NULL);
  expect_check (answer, "data-dir", "warning", "755");
}

static gboolean
is_unreachable (gpointer user_data)
{
  SbTestSite *bus = user_data;
  g_autoptr (SbTestAnswer) answer = get_health (bus->admin, NULL);

  return strstr (sb_test_json_string (find_check (answer, "recipients"), "detail"),
                 "erp (unreachable)")
         != NULL;
}

static void
test_names_recipients_that_do_not_answer (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRecipient) recipient = sb_test_recipient_new ();
  g_autofree char *id = NULL;

  sb_test_recipient_make_user (recipient, bus->admin, "erp", "");
  sb_test_recipient_stop (recipient);
  id = sb_test_put (bus->alice, "{\"to\":\"@erp\",\"message\":1}");
  sb_test_wait_for (is_unreachable, bus, "erp to be called unreachable");
}

static void
test_warns_of_dead_letters (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) gone = sb_test_http_send (bus->admin, "DELETE", "/api/v1/users/bob",
                                                     NULL, NULL, -1);
  g_autoptr (SbTestAnswer) answer = get_health (bus->admin, NULL);

  sb_test_assert_status (gone, 204);
  expect_check (answer, "dead-letters", "warning", "1 deliveries");
}

/* --- What the request itself brought --- */

static const struct
{
  const char *trusted;
  const char *header;
  const char *value;
  const char *status;
  const char *address;
} proxies[] = {
  { "", NULL, NULL, "ok", "127.0.0.1" },
  { "", "X-Forwarded-For", "203.0.113.7", "warning", "127.0.0.1" },
  { "", "Via", "1.1 somewhere", "warning", "127.0.0.1" },
  { "127.0.0.1", "X-Forwarded-For", "203.0.113.7", "ok", "203.0.113.7" },
  { "127.0.0.1", "Forwarded", "for=203.0.113.7;proto=https", "ok", "203.0.113.7" },
  { "127.0.0.1", "X-Forwarded-Proto", "https", "warning", "127.0.0.1" },
  { "127.0.0.1", NULL, NULL, "ok", "127.0.0.1" },
};

static void
test_tells_what_a_proxy_says (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (proxies); i++)
    {
      const char *const headers[] = { proxies[i].header, proxies[i].value, NULL };
      g_autofree char *setting = g_strdup_printf ("bus.trusted-proxies=%s", proxies[i].trusted);
      g_autoptr (SbTestSite) bus = sb_test_site_new (setting, NULL);
      g_autoptr (SbTestAnswer) answer = get_health (bus->admin, headers);
      JsonObject *request = sb_test_json_member (sb_test_answer_object (answer), "request");

      g_test_message ("%s %s", setting, proxies[i].header);
      expect_check (answer, "proxy", proxies[i].status, "");
      g_assert_cmpstr (sb_test_json_string (request, "address"), ==, proxies[i].address);
      g_assert_cmpstr (sb_test_json_string (request, "peer"), ==, "127.0.0.1");
      g_assert_cmpint (sb_test_json_bool (request, "trusted"), ==, *proxies[i].trusted != '\0');
    }
}

static void
test_a_header_that_is_no_text_does_not_break_the_answer (void)
{
  static const char *const headers[] = { "Via", "\"\\\xff\xfe<script>", NULL };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = get_health (bus->admin, headers);
  JsonObject *request = sb_test_json_member (sb_test_answer_object (answer), "request");

  g_assert_true (g_str_has_prefix (sb_test_json_string (request, "via"), "\"\\"));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/api-health/" name, func)
  ADD ("has-every-check", test_has_every_check);
  ADD ("warns-of-settings", test_warns_of_settings);
  ADD ("warns-of-too-few-descriptors", test_warns_of_too_few_descriptors);
  ADD ("a-disk-without-reserve-is-not-ready", test_a_disk_without_reserve_is_not_ready);
  ADD ("warns-of-a-folder-that-others-may-read", test_warns_of_a_folder_that_others_may_read);
  ADD ("names-recipients-that-do-not-answer", test_names_recipients_that_do_not_answer);
  ADD ("warns-of-dead-letters", test_warns_of_dead_letters);
  ADD ("tells-what-a-proxy-says", test_tells_what_a_proxy_says);
  ADD ("a-header-that-is-no-text-does-not-break-the-answer",
       test_a_header_that_is_no_text_does_not_break_the_answer);
#undef ADD
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api-device: settings of devices, and QR codes. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define QR "/api/v1/qr"

static SbTestAnswer *
ask_settings (SbTestHttp *client, const char *user, const char *name, const char *value)
{
  const char *const headers[] = { "Content-Type", "application/json", name, value, NULL };
  g_autofree char *path = g_strdup_printf ("/api/v1/users/%s/settings", user);

  return sb_test_http_send (client, "POST", path, headers, "{\"password\":\"p\"}", -1);
}

static void
assert_address (SbTestAnswer *answer, const char *http, const char *websocket)
{
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_string (answer, "BusURLHttp"), ==, http);
  g_assert_cmpstr (sb_test_answer_string (answer, "BusURL"), ==, websocket);
}

/* --- Settings --- */

static void
an_admin_and_the_user_get_settings (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  guint port = sb_test_daemon_get_http_port (bus->daemon);
  g_autofree char *http = g_strdup_printf ("http://127.0.0.1:%u", port);
  g_autofree char *websocket = g_strdup_printf ("ws://127.0.0.1:%u/ws", port);
  g_autoptr (SbTestAnswer) mine = ask_settings (bus->bob, "bob", NULL, NULL);
  g_autoptr (SbTestAnswer) given = ask_settings (bus->admin, "bob", NULL, NULL);

  assert_address (mine, http, websocket);
  assert_address (given, http, websocket);
  g_assert_cmpstr (sb_test_answer_string (mine, "BusID"), ==, "bob");
  g_assert_cmpstr (sb_test_answer_string (mine, "BusPassword"), ==, "p");
}

static void
others_do_not (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) other = ask_settings (bus->alice, "bob", NULL, NULL);
  g_autoptr (SbTestAnswer) nobody = ask_settings (bus->alice, "nobody", NULL, NULL);
  g_autoptr (SbTestAnswer) unknown = ask_settings (stranger, "bob", NULL, NULL);

  sb_test_assert_problem (other, 403, "forbidden");
  sb_test_assert_problem (nobody, 403, "forbidden");
  sb_test_assert_problem (unknown, 401, "unauthorized");
}

static void
the_settings_of_nobody_are_not_found (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) answer = ask_settings (bus->admin, "nobody", NULL, NULL);

  sb_test_assert_problem (answer, 404, "not-found");
}

/* The password goes into the settings as it is, and is not that of the account. */
static void
without_a_password_there_is_none_in_them (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->bob, "/api/v1/users/bob/settings",
                                                       "{}");

  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_string (answer, "BusPassword"), ==, "");
}

static void
the_address_is_that_of_the_configuration (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.public-url=https://bus.example/a/", NULL);
  g_autoptr (SbTestAnswer) answer = ask_settings (bus->admin, "bob", "Host", "evil.example");

  assert_address (answer, "https://bus.example/a", "wss://bus.example/a/ws");
}

static void
a_trusted_proxy_says_what_the_address_is (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.trusted-proxies=127.0.0.1", NULL);
  const char *const headers[] = { "X-Forwarded-Proto", "https", "X-Forwarded-Host", "bus.example",
                                  NULL };
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (
      bus->admin, "POST", "/api/v1/users/bob/settings", headers, "{}", -1);

  assert_address (answer, "https://bus.example", "wss://bus.example/ws");
}

static void
nobody_else_says_so (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) answer = ask_settings (bus->admin, "bob", "X-Forwarded-Host",
                                                  "evil.example");

  sb_test_assert_status (answer, 200);
  g_assert_null (strstr (answer->body, "evil.example"));
}

/* --- QR codes --- */

/* Returns: modules of a side, the light ones around it counted too */
static guint
get_side (SbTestAnswer *answer)
{
  const char *box = strstr (answer->body, "viewBox=\"0 0 ");

  g_assert_nonnull (box);
  return (guint) g_ascii_strtoull (box + strlen ("viewBox=\"0 0 "), NULL, 10);
}

static void
assert_well_formed (SbTestAnswer *answer)
{
  static const GMarkupParser nothing = { 0 };
  g_autoptr (GMarkupParseContext) context = g_markup_parse_context_new (&nothing, 0, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_markup_parse_context_parse (context, answer->body, (gssize) answer->length, &error);
  g_assert_no_error (error);
  g_markup_parse_context_end_parse (context, &error);
  g_assert_no_error (error);
}

static SbTestAnswer *
draw (SbTestHttp *client, gsize length)
{
  g_autofree char *text = g_strnfill (length, 'x');

  return sb_test_http_postf (client, QR, "{\"text\":\"%s\"}", text);
}

static void
a_text_becomes_a_picture (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) small = draw (bus->bob, 1);
  g_autoptr (SbTestAnswer) large = draw (bus->bob, 1024);

  sb_test_assert_status (small, 200);
  g_assert_cmpstr (sb_test_answer_header (small, "Content-Type"), ==, "image/svg+xml");
  assert_well_formed (small);
  g_assert_cmpuint (get_side (small), ==, 21 + 2 * 4);
  sb_test_assert_status (large, 200);
  assert_well_formed (large);
  /* Version 26 is the first that takes as much. */
  g_assert_cmpuint (get_side (large), ==, 17 + 4 * 26 + 2 * 4);
}

static void
texts_that_are_none_are_refused (void)
{
  static const char *const bad[] = {
    "", "[]", "{}", "{\"text\":\"\"}", "{\"text\":1}", "{\"text\":\"x\",\"size\":1}"
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) long_one = draw (bus->bob, 1025);

  sb_test_assert_problem (long_one, 400, "invalid");
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->bob, QR, bad[i]);

      sb_test_assert_problem (answer, 400, "invalid");
    }
}

static void
strangers_get_no_pictures (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) answer = draw (stranger, 1);

  sb_test_assert_problem (answer, 401, "unauthorized");
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/settings/an-admin-and-the-user-get-them", an_admin_and_the_user_get_settings);
  g_test_add_func ("/settings/others-do-not", others_do_not);
  g_test_add_func ("/settings/those-of-nobody-are-not-found", the_settings_of_nobody_are_not_found);
  g_test_add_func ("/settings/without-a-password-there-is-none-in-them",
                   without_a_password_there_is_none_in_them);
  g_test_add_func ("/settings/the-address-is-that-of-the-configuration",
                   the_address_is_that_of_the_configuration);
  g_test_add_func ("/settings/a-trusted-proxy-says-what-the-address-is",
                   a_trusted_proxy_says_what_the_address_is);
  g_test_add_func ("/settings/nobody-else-says-so", nobody_else_says_so);
  g_test_add_func ("/qr/a-text-becomes-a-picture", a_text_becomes_a_picture);
  g_test_add_func ("/qr/texts-that-are-none-are-refused", texts_that_are_none_are_refused);
  g_test_add_func ("/qr/strangers-get-no-pictures", strangers_get_no_pictures);
  return g_test_run ();
}

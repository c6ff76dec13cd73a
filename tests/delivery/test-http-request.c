/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-http-request: the head of a request, byte for byte, and its signature. */

#include "sb-http-request.h"
#include "sb-test.h"

#include <string.h>

/* @extra: members of the properties */
static char *
make_head (const char *extra, const char *id, const char *body, gint64 seconds)
{
  g_autofree char *json = g_strdup_printf ("{\"url\":\"http://erp:8080/hs/bus/\"%s}", extra);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbHttpProperties) properties = sb_http_properties_parse (json, &error);
  g_autoptr (SbMessage) message = sb_message_new (id, "alice", 1, g_bytes_new (body, strlen (body)),
                                                  0, 0, 0);
  g_autofree char *prefix = NULL;
  g_autoptr (GString) head = g_string_new (NULL);

  g_assert_no_error (error);
  prefix = sb_http_request_make_prefix (properties, "1.2.3");
  sb_http_request_append_head (head, prefix, properties->secret, message, seconds);
  return g_string_free (g_steal_pointer (&head), FALSE);
}

/* Returns: (transfer full) (nullable): value of a header */
static char *
find_header (const char *head, const char *name)
{
  g_auto (GStrv) lines = g_strsplit (head, "\r\n", -1);
  g_autofree char *start = g_strconcat (name, ": ", NULL);

  for (char **line = lines; *line != NULL; line++)
    if (g_str_has_prefix (*line, start))
      return g_strdup (*line + strlen (start));
  return NULL;
}

static void
test_is_complete (void)
{
  g_autofree char *head = make_head ("", "m1", "{\"a\":1}", 1700000000);

  g_assert_cmpstr (head, ==,
                   "POST /hs/bus/data HTTP/1.1\r\n"
                   "Host: erp:8080\r\n"
                   "User-Agent: SimpleBus/1.2.3\r\n"
                   "Accept: */*\r\n"
                   "Content-Type: application/json\r\n"
                   "Content-Length: 7\r\n"
                   "webhook-id: m1\r\n"
                   "webhook-timestamp: 1700000000\r\n"
                   "\r\n");
}

static void
test_has_the_authorization (void)
{
  g_autofree char *head = make_head (
      ",\"authorization\":{\"type\":\"basic\",\"user\":\"usr\",\"password\":\"pw\"}", "m1", "{}",
      1);
  g_autofree char *value = find_header (head, "Authorization");

  g_assert_cmpstr (value, ==, "Basic dXNyOnB3");
}

/* Made with other implementations. */
static void
test_signs_as_standard_webhooks_do (void)
{
  static const struct
  {
    const char *secret;
    const char *id;
    gint64 seconds;
    const char *body;
    const char *signature;
  } cases[] = {
    { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
      "{\"test\": 2432232314}", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" },
    { "plain secret", "m1", 1700000000, "{}", "v1,YMleNpPLtQZYr6kxyopQMWd7OCMPcBS7FAJprrpL1D4=" },
    { "plain secret", "\u0436 1", 1700000000, "{}",
      "v1,Bzaz8e5eQbntBiW0MLsR8pImpIyfJndw1UdrcozisV0=" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *extra = g_strdup_printf (",\"secret\":\"%s\"", cases[i].secret);
      g_autofree char *head = make_head (extra, cases[i].id, cases[i].body, cases[i].seconds);
      g_autofree char *value = find_header (head, "webhook-signature");

      g_assert_cmpstr (value, ==, cases[i].signature);
    }
}

static void
test_encodes_ids_that_no_header_can_hold (void)
{
  static const char *const cases[][2] = {
    { "order-4711.2", "order-4711.2" },
    { "a b", "a%20b" },
    { " a ", "%20a%20" },
    { "50%", "50%25" },
    { "\u0436", "%D0%B6" },
    { "\u2028", "%E2%80%A8" },
    { "a:b;c,\"d\"", "a:b;c,\"d\"" },
    { "~!@#$^&*()", "~!@#$^&*()" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *head = make_head ("", cases[i][0], "{}", 1);
      g_autofree char *value = find_header (head, "webhook-id");

      g_assert_cmpstr (value, ==, cases[i][1]);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/http-request/is-complete", test_is_complete);
  g_test_add_func ("/http-request/has-the-authorization", test_has_the_authorization);
  g_test_add_func ("/http-request/signs-as-standard-webhooks-do",
                   test_signs_as_standard_webhooks_do);
  g_test_add_func ("/http-request/encodes-ids-that-no-header-can-hold",
                   test_encodes_ids_that_no_header_can_hold);
  return g_test_run ();
}

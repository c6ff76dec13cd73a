/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-soup-parts: the pure parts of transport-soup: problems, headers, proxies, frames. */

#include "sb-soup-address.h"
#include "sb-soup-frame.h"
#include "sb-soup-header.h"
#include "sb-soup-problem.h"
#include "sb-test.h"

#include <string.h>

/* --- Problems --- */

static void
every_code_has_a_status (void)
{
  static const guint expected[] = {
    [SB_ERROR_FAILED] = 500,    [SB_ERROR_INVALID] = 400,     [SB_ERROR_UNAUTHORIZED] = 401,
    [SB_ERROR_FORBIDDEN] = 403, [SB_ERROR_NOT_FOUND] = 404,   [SB_ERROR_CONFLICT] = 409,
    [SB_ERROR_TOO_LARGE] = 413, [SB_ERROR_FULL] = 429,        [SB_ERROR_RATE] = 429,
    [SB_ERROR_BUSY] = 503,      [SB_ERROR_NO_SPACE] = 507,    [SB_ERROR_TRANSIENT] = 503,
    [SB_ERROR_CORRUPT] = 500,   [SB_ERROR_UNSUPPORTED] = 501, [SB_ERROR_CLOSED] = 503,
  };

  for (int code = SB_ERROR_FAILED; code <= SB_ERROR_CLOSED; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (SB_ERROR, code, "x");

      g_assert_cmpuint (sb_problem_status (error), ==, expected[code]);
    }
}

static void
errors_of_others_have_a_status_too (void)
{
  g_autoptr (GError) full = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "x");
  g_autoptr (GError) passing = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "x");
  g_autoptr (GError) other = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_EXISTS, "x");

  g_assert_cmpuint (sb_problem_status (full), ==, 507);
  g_assert_cmpuint (sb_problem_status (passing), ==, 503);
  g_assert_cmpuint (sb_problem_status (other), ==, 500);
}

static void
who_may_come_back_is_told_when (void)
{
  static const gboolean comes_back[] = {
    [SB_ERROR_FULL] = TRUE,      [SB_ERROR_RATE] = TRUE,   [SB_ERROR_BUSY] = TRUE,
    [SB_ERROR_TRANSIENT] = TRUE, [SB_ERROR_CLOSED] = TRUE, [SB_ERROR_NO_SPACE] = TRUE,
  };

  for (int code = SB_ERROR_FAILED; code <= SB_ERROR_CLOSED; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (SB_ERROR, code, "x");

      g_assert_cmpint (sb_problem_retry_after (error) > 0, ==, comes_back[code]);
    }
}

static void
a_problem_is_json_whatever_it_says (void)
{
  static const char *const full[] = { "a\"b", "c", NULL };
  g_autoptr (GError) error = NULL;
  GString *json = sb_problem_new (429, "full", "a \"quote\"\n", full);

  sb_json_check (json->str, json->len, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json->str, ==,
                   "{\"title\":\"Too Many Requests\",\"status\":429,"
                   "\"detail\":\"a \\\"quote\\\"\\n\",\"reason\":\"full\","
                   "\"full\":[\"a\\\"b\",\"c\"]}");
  g_string_free (json, TRUE);
}

static void
a_problem_without_detail_has_its_title (void)
{
  GString *json = sb_problem_new (404, "not-found", NULL, NULL);

  g_assert_cmpstr (json->str, ==,
                   "{\"title\":\"Not Found\",\"status\":404,\"detail\":\"Not Found\","
                   "\"reason\":\"not-found\"}");
  g_string_free (json, TRUE);
}

/* --- Headers --- */

static void
prefer_says_how_long_to_wait (void)
{
  static const struct
  {
    const char *header;
    int wait; /* -1: none */
  } cases[] = {
    { NULL, -1 },
    { "", -1 },
    { "wait=10", 10 },
    { "WAIT=10", 10 },
    { "wait = 10", 10 },
    { "wait=\"10\"", 10 },
    { "respond-async, wait=5", 5 },
    { "respond-async;x=\"a,wait=3\", wait=5", 5 },
    { "wait=5;q=1, wait=6", 5 },
    { "wait=0", 0 },
    { "wait=300", 300 },
    { "wait=301", SB_PREFER_MAX_WAIT },
    { "wait=99999999999999999999999999", SB_PREFER_MAX_WAIT },
    { "wait", -1 },
    { "wait=", -1 },
    { "wait=-1", -1 },
    { "wait=5x", -1 },
    { "wait=\"5", -1 },
    { "waiting=5", -1 },
    { "return=minimal", -1 },
    { ",,,wait=7", 7 },
    { "x=\"\\\", wait=1\"", -1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint wait = 12345;
      gboolean found = sb_prefer_parse (cases[i].header, &wait);

      g_test_message ("%s", cases[i].header);
      g_assert_cmpint (found ? (int) wait : -1, ==, cases[i].wait);
    }
}

static void
basic_credentials_are_read (void)
{
  static const struct
  {
    const char *scheme;
    const char *decoded;
    gsize length;
    const char *id; /* NULL: refused */
    const char *password;
  } cases[] = {
    { "Basic ", "u:p", 3, "u", "p" },
    { "basic   ", "u:p:q", 5, "u", "p:q" },
    { "Basic ", "u:", 2, "u", "" },
    { "Basic ", ":p", 2, "", "p" },
    { "Basic ", "up", 2, NULL, NULL },
    { "Basic ", "u\0:p", 4, NULL, NULL },
    { "Basic ", "\xd1\x8e:p", 4, "\xd1\x8e", "p" },
    { "Basic ", "\xe4:p", 3, "\xc3\xa4", "p" },
    { "Bearer ", "u:p", 3, NULL, NULL },
    { "Basic", "u:p", 3, NULL, NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *encoded = g_base64_encode ((const guchar *) cases[i].decoded,
                                                  cases[i].length);
      g_autofree char *header = g_strconcat (cases[i].scheme, encoded, NULL);
      g_autofree char *id = NULL;
      g_autofree char *password = NULL;

      g_assert_cmpint (sb_basic_parse (header, &id, &password), ==, cases[i].id != NULL);
      g_assert_cmpstr (id, ==, cases[i].id);
      g_assert_cmpstr (password, ==, cases[i].password);
    }
}

static void
nonsense_is_no_credentials (void)
{
  static const char *const headers[] = { NULL, "", "Basic", "Basic ", "Basic !!!!", "Digest x" };

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autofree char *id = NULL;
      g_autofree char *password = NULL;

      g_assert_false (sb_basic_parse (headers[i], &id, &password));
    }
}

static void
a_bearer_token_is_what_follows (void)
{
  g_assert_cmpstr (sb_bearer_parse ("Bearer abc"), ==, "abc");
  g_assert_cmpstr (sb_bearer_parse ("bearer abc"), ==, "abc");
  g_assert_null (sb_bearer_parse ("Basic abc"));
  g_assert_null (sb_bearer_parse (NULL));
}

static void
query_numbers_keep_their_bounds (void)
{
  static const struct
  {
    const char *text;
    gboolean valid;
    gint64 value;
  } cases[] = {
    { "1", TRUE, 1 },   { "64", TRUE, 64 }, { "0", FALSE, 0 },
    { "65", FALSE, 0 }, { "-1", FALSE, 0 }, { "", FALSE, 0 },
    { "1x", FALSE, 0 }, { " 1", FALSE, 0 }, { "99999999999999999999", FALSE, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GHashTable) query = g_hash_table_new (g_str_hash, g_str_equal);
      g_autoptr (GError) error = NULL;
      gint64 value = 10;

      g_hash_table_insert (query, (char *) "limit", (char *) cases[i].text);
      g_assert_cmpint (sb_query_get_integer (query, "limit", 1, 64, &value, &error), ==,
                       cases[i].valid);
      if (cases[i].valid)
        g_assert_cmpint (value, ==, cases[i].value);
      else
        g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

static void
an_absent_query_number_is_the_fallback (void)
{
  gint64 value = 10;

  g_assert_true (sb_query_get_integer (NULL, "limit", 1, 64, &value, NULL));
  g_assert_cmpint (value, ==, 10);
}

static void
secrets_match_only_themselves (void)
{
  g_assert_true (sb_secret_matches ("token", "token"));
  g_assert_false (sb_secret_matches ("toke", "token"));
  g_assert_false (sb_secret_matches ("tokens", "token"));
  g_assert_false (sb_secret_matches ("tokentoken", "token"));
  g_assert_false (sb_secret_matches ("", "token"));
  g_assert_false (sb_secret_matches ("x", ""));
}

/* --- Addresses --- */

static void
forwarded_headers_are_believed_from_proxies_only (void)
{
  static const char *const proxies[] = { "10.0.0.0/8", "::1", NULL };
  static const struct
  {
    const char *peer;
    const char *forwarded;
    const char *x_forwarded_for;
    const char *expected;
  } cases[] = {
    { "192.0.2.1", NULL, NULL, "192.0.2.1" },
    { "192.0.2.1", NULL, "198.51.100.1", "192.0.2.1" },
    { "192.0.2.1", "for=198.51.100.1", NULL, "192.0.2.1" },
    { "10.0.0.1", NULL, NULL, "10.0.0.1" },
    { "10.0.0.1", NULL, "198.51.100.1", "198.51.100.1" },
    { "10.0.0.1", NULL, "6.6.6.6, 198.51.100.1", "198.51.100.1" },
    { "10.0.0.1", NULL, "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1" },
    { "10.0.0.1", NULL, "10.0.0.3,10.0.0.2", "10.0.0.3" },
    { "10.0.0.1", NULL, "198.51.100.1:4711", "198.51.100.1" },
    { "10.0.0.1", NULL, "2001:db8::1", "2001:db8::1" },
    { "10.0.0.1", NULL, "[2001:db8::1]:4711", "2001:db8::1" },
    { "10.0.0.1", NULL, "nonsense", NULL },
    { "10.0.0.1", NULL, "198.51.100.1, unknown", NULL },
    { "10.0.0.1", NULL, "198.51.100.1,", NULL },
    { "10.0.0.1", NULL, "", "10.0.0.1" },
    { "10.0.0.1", NULL, ",", NULL },
    { "10.0.0.1", NULL, "[", NULL },
    { "10.0.0.1", "for=198.51.100.1", "6.6.6.6", "198.51.100.1" },
    { "10.0.0.1", "proto=https;For=198.51.100.1;by=10.0.0.1", NULL, "198.51.100.1" },
    { "10.0.0.1", "for=\"[2001:db8::1]:4711\"", NULL, "2001:db8::1" },
    { "10.0.0.1", "for=6.6.6.6, for=198.51.100.1 , for=10.9.9.9", NULL, "198.51.100.1" },
    { "10.0.0.1", "for=198.51.100.1;x=\"a,for=6.6.6.6\"", NULL, "198.51.100.1" },
    { "10.0.0.1", "for=_hidden", NULL, NULL },
    { "10.0.0.1", "for=", NULL, NULL },
    { "10.0.0.1", "for=\"", NULL, NULL },
    { "10.0.0.1", "proto=https", "6.6.6.6", NULL },
    { "::1", NULL, "198.51.100.1", "198.51.100.1" },
    { "::ffff:10.0.0.1", NULL, "198.51.100.1", "198.51.100.1" },
  };
  g_autoptr (SbProxyList) list = sb_proxy_list_new (proxies, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GInetAddress) peer = g_inet_address_new_from_string (cases[i].peer);
      g_autoptr (GInetAddress) found = sb_proxy_list_resolve (list, peer, cases[i].forwarded,
                                                              cases[i].x_forwarded_for);
      g_autofree char *text = found != NULL ? g_inet_address_to_string (found) : NULL;

      g_test_message ("%s, %s", cases[i].forwarded, cases[i].x_forwarded_for);
      g_assert_cmpstr (text, ==, cases[i].expected);
    }
}

static void
a_proxy_that_is_no_address_is_named (void)
{
  static const char *const words[] = { "10.0.0.1", "proxy.example", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_null (sb_proxy_list_new (words, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "proxy.example"));
}

static void
private_networks_are_known (void)
{
  static const struct
  {
    const char *address;
    gboolean is_private;
  } cases[] = {
    { "127.0.0.1", TRUE },       { "::1", TRUE },          { "10.1.2.3", TRUE },
    { "172.16.0.1", TRUE },      { "172.32.0.1", FALSE },  { "192.168.1.1", TRUE },
    { "169.254.1.1", TRUE },     { "fe80::1", TRUE },      { "fd00::1", TRUE },
    { "8.8.8.8", FALSE },        { "2001:db8::1", FALSE }, { "::ffff:192.168.1.1", TRUE },
    { "::ffff:8.8.8.8", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GInetAddress) address = g_inet_address_new_from_string (cases[i].address);

      g_test_message ("%s", cases[i].address);
      g_assert_cmpint (sb_peer_is_private (address), ==, cases[i].is_private);
    }
}

/* --- Frames --- */

static SbFrameKind
classify (const char *json)
{
  SbEnvelope envelope;

  g_assert_true (sb_envelope_scan (&envelope, json, strlen (json), NULL));
  return sb_frame_classify (&envelope);
}

static void
frames_are_told_apart_by_type (void)
{
  g_assert_cmpint (classify ("{\"to\":\"@a\"}"), ==, SB_FRAME_MESSAGE);
  g_assert_cmpint (classify ("{\"type\":\"connect\"}"), ==, SB_FRAME_CONNECT);
  g_assert_cmpint (classify ("{\"type\":\"c\\u006fnnect\"}"), ==, SB_FRAME_CONNECT);
  g_assert_cmpint (classify ("{\"type\":\"confirmation\"}"), ==, SB_FRAME_CONFIRMATION);
  g_assert_cmpint (classify ("{\"type\": \"ping\"}"), ==, SB_FRAME_PING);
  g_assert_cmpint (classify ("{\"type\":\"pong\"}"), ==, SB_FRAME_PONG);
  g_assert_cmpint (classify ("{\"type\":\"Ping\"}"), ==, SB_FRAME_MESSAGE);
  g_assert_cmpint (classify ("{\"type\":1}"), ==, SB_FRAME_MESSAGE);
}

static SbConnectFrame *
parse_connect (const char *json, GError **error)
{
  SbEnvelope envelope;

  g_assert_true (sb_envelope_scan (&envelope, json, strlen (json), NULL));
  return sb_connect_frame_parse (&envelope, error);
}

static void
a_log_in_has_its_defaults (void)
{
  g_autoptr (SbConnectFrame) frame = parse_connect (
      "{\"type\":\"connect\",\"data\":\"u\",\"password\":\"p\",\"uid\":1}", NULL);

  g_assert_nonnull (frame);
  g_assert_cmpstr (frame->id, ==, "u");
  g_assert_cmpstr (frame->password, ==, "p");
  g_assert_null (frame->token);
  g_assert_true (frame->receipts);
  g_assert_false (frame->hello);
  g_assert_false (frame->accepted);
  g_assert_false (frame->expired);
}

static void
a_log_in_says_what_it_wants (void)
{
  g_autoptr (SbConnectFrame) frame = parse_connect (
      "{\"data\":\"\\u044e\",\"token\":\"t\",\"hello\":true,\"accepted\":true,"
      "\"receipts\":false,\"expired\":true}",
      NULL);

  g_assert_nonnull (frame);
  g_assert_cmpstr (frame->id, ==, "\xd1\x8e");
  g_assert_cmpstr (frame->token, ==, "t");
  g_assert_true (frame->hello && frame->accepted && frame->expired);
  g_assert_false (frame->receipts);
}

static void
a_log_in_that_is_none_is_refused_without_an_echo (void)
{
  static const char *const frames[] = {
    "{\"type\":\"connect\"}",
    "{\"data\":\"u\"}",
    "{\"password\":\"hunter2\"}",
    "{\"data\":1,\"password\":\"hunter2\"}",
    "{\"data\":null,\"password\":\"hunter2\"}",
    "{\"data\":[\"u\"],\"password\":\"hunter2\"}",
    "{\"data\":\"a\\u0000b\",\"password\":\"hunter2\"}",
    "{\"data\":\"u\",\"password\":[\"hunter2\"]}",
    "{\"data\":\"u\",\"password\":2}",
    "{\"data\":\"u\",\"token\":true}",
    "{\"data\":\"u\",\"password\":\"hunter2\",\"hello\":\"hunter2\"}",
    "{\"data\":\"u\",\"data\":\"v\",\"password\":\"hunter2\"}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (frames); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", frames[i]);
      g_assert_null (parse_connect (frames[i], &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_assert_null (strstr (error->message, "hunter2"));
    }
}

static void
assert_frame (GBytes *frame, const char *expected)
{
  gsize length;
  const char *data = g_bytes_get_data (frame, &length);
  g_autofree char *text = g_strndup (data, length);

  g_assert_cmpstr (text, ==, expected);
  g_assert_true (sb_json_check (data, length, NULL));
  g_bytes_unref (frame);
}

static void
frames_that_go_out_are_json (void)
{
  SbSlice none = { NULL, 0 };
  SbSlice uid = { "[1.10]", 6 };

  assert_frame (sb_frame_new_receipt ("a\"b", "u"),
                "{\"type\":\"confirmation\",\"data\":\"a\\\"b\",\"sender\":\"u\"}");
  assert_frame (sb_frame_new_accepted ("a"), "{\"type\":\"accepted\",\"data\":\"a\"}");
  assert_frame (sb_frame_new_expired ("a", "u", "ttl"),
                "{\"type\":\"expired\",\"data\":\"a\",\"sender\":\"u\",\"reason\":\"ttl\"}");
  assert_frame (sb_frame_new_connected ("t", 12),
                "{\"type\":\"connected\",\"token\":\"t\",\"pending\":12}");
  assert_frame (sb_frame_new_error ("a", "u", uid, "full", "no"),
                "{\"type\":\"ERROR\",\"data\":\"a\",\"sender\":\"u\",\"uid\":[1.10],"
                "\"reason\":\"full\",\"error\":\"no\"}");
  assert_frame (sb_frame_new_error (NULL, NULL, none, NULL, "no"),
                "{\"type\":\"ERROR\",\"error\":\"no\"}");
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *path;
    void (*func) (void);
  } tests[] = {
    { "/soup/problem/every-code-has-a-status", every_code_has_a_status },
    { "/soup/problem/errors-of-others-have-a-status-too", errors_of_others_have_a_status_too },
    { "/soup/problem/who-may-come-back-is-told-when", who_may_come_back_is_told_when },
    { "/soup/problem/is-json-whatever-it-says", a_problem_is_json_whatever_it_says },
    { "/soup/problem/without-detail-has-its-title", a_problem_without_detail_has_its_title },
    { "/soup/header/prefer-says-how-long-to-wait", prefer_says_how_long_to_wait },
    { "/soup/header/basic-credentials-are-read", basic_credentials_are_read },
    { "/soup/header/nonsense-is-no-credentials", nonsense_is_no_credentials },
    { "/soup/header/a-bearer-token-is-what-follows", a_bearer_token_is_what_follows },
    { "/soup/header/query-numbers-keep-their-bounds", query_numbers_keep_their_bounds },
    { "/soup/header/an-absent-number-is-the-fallback", an_absent_query_number_is_the_fallback },
    { "/soup/header/secrets-match-only-themselves", secrets_match_only_themselves },
    { "/soup/address/only-proxies-are-believed", forwarded_headers_are_believed_from_proxies_only },
    { "/soup/address/a-bad-proxy-is-named", a_proxy_that_is_no_address_is_named },
    { "/soup/address/private-networks-are-known", private_networks_are_known },
    { "/soup/frame/told-apart-by-type", frames_are_told_apart_by_type },
    { "/soup/frame/a-log-in-has-its-defaults", a_log_in_has_its_defaults },
    { "/soup/frame/a-log-in-says-what-it-wants", a_log_in_says_what_it_wants },
    { "/soup/frame/no-log-in-no-echo", a_log_in_that_is_none_is_refused_without_an_echo },
    { "/soup/frame/those-that-go-out-are-json", frames_that_go_out_are_json },
  };

  sb_test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].path, tests[i].func);
  return g_test_run ();
}

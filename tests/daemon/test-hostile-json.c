/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hostile-json: what is no JSON, or is not what it should be. Every answer names the byte. */

#include "hostile.h"

#include <string.h>

#define TEXT(literal) literal, sizeof literal - 1
#define NO_OFFSET G_MAXUINT

/* Each is refused; the offset is of the byte that is wrong, counted from 0. */
static const struct
{
  const char *name;
  const char *text;
  gsize length;
  guint offset;
} broken[] = {
  { "nothing", TEXT (""), 0 },
  { "blanks", TEXT ("   "), 3 },
  { "cut off in an object", TEXT ("{\"to\":\"@user1\""), 14 },
  { "cut off in a string", TEXT ("{\"to\":\"@us"), 10 },
  { "cut off in an escape", TEXT ("{\"to\":\"\\u00"), 7 },
  { "a comma at the end", TEXT ("{\"to\":\"@user1\",}"), 15 },
  { "a comma in an array", TEXT ("{\"to\":[1,]}"), 9 },
  { "two commas", TEXT ("{\"a\":1,,\"b\":2}"), 7 },
  { "no colon", TEXT ("{\"a\" 1}"), 5 },
  { "a key without quotes", TEXT ("{a:1}"), 1 },
  { "single quotes", TEXT ("{'a':1}"), 1 },
  { "a comment", TEXT ("{/* */\"a\":1}"), 1 },
  { "NaN", TEXT ("{\"a\":NaN}"), 5 },
  { "Infinity", TEXT ("{\"a\":-Infinity}"), 6 },
  { "a leading zero", TEXT ("{\"a\":01}"), 5 },
  { "a leading plus", TEXT ("{\"a\":+1}"), 5 },
  { "a point without digits", TEXT ("{\"a\":1.}"), 7 },
  { "an exponent without digits", TEXT ("{\"a\":1e}"), 7 },
  { "a word cut off", TEXT ("{\"a\":tru}"), 5 },
  { "a word in capitals", TEXT ("{\"a\":True}"), 5 },
  { "a hexadecimal number", TEXT ("{\"a\":0x1}"), 6 },
  { "a tab in a string", TEXT ("{\"a\":\"\t\"}"), 6 },
  { "a NUL in a string", TEXT ("{\"a\":\"\0\"}"), 6 },
  { "a NUL behind it", TEXT ("{\"a\":1}\0"), 7 },
  { "an unknown escape", TEXT ("{\"a\":\"\\x41\"}"), 6 },
  { "no hex digits", TEXT ("{\"a\":\"\\u12g4\"}"), 6 },
  { "a byte order mark", TEXT ("\xef\xbb\xbf{\"a\":1}"), 0 },
  { "UTF-16",
    TEXT ("{\0\"\0a\0\"\0:\0"
          "1\0}\0"),
    1 },
  { "Latin 1", TEXT ("{\"a\":\"\xe4\"}"), 6 },
  { "an overlong slash", TEXT ("{\"a\":\"\xc0\xaf\"}"), 6 },
  { "a surrogate in UTF-8", TEXT ("{\"a\":\"\xed\xa0\x80\"}"), NO_OFFSET },
  { "beyond Unicode", TEXT ("{\"a\":\"\xf4\x90\x80\x80\"}"), NO_OFFSET },
  { "a character cut off", TEXT ("{\"a\":\"\xe2\x82\"}"), NO_OFFSET },
  { "two values", TEXT ("{\"a\":1}{\"a\":1}"), 7 },
  { "a brace too many", TEXT ("{\"a\":1}}"), 7 },
  { "the wrong bracket", TEXT ("{\"a\":[1}}"), 7 },
  { "an array", TEXT ("[1]"), 0 },
  { "a string", TEXT ("\"text\""), 0 },
  { "a number", TEXT ("1"), 0 },
  { "to twice", TEXT ("{\"to\":\"@user1\",\"message\":1,\"to\":\"@user2\"}"), NO_OFFSET },
  { "to twice, disguised", TEXT ("{\"to\":\"@user1\",\"message\":1,\"\\u0074o\":\"@user2\"}"),
    NO_OFFSET },
};

/* What is JSON, and no message. */
static const char *const nonsense[] = {
  "{}",
  "{\"to\":\"@user1\"}",
  "{\"message\":1}",
  "{\"to\":null,\"message\":1}",
  "{\"to\":1,\"message\":1}",
  "{\"to\":{},\"message\":1}",
  "{\"to\":[],\"message\":1}",
  "{\"to\":[[\"@user1\"]],\"message\":1}",
  "{\"to\":[\"@user1\",1],\"message\":1}",
  "{\"to\":\"\",\"message\":1}",
  "{\"to\":\"@\",\"message\":1}",
  "{\"to\":\"#\",\"message\":1}",
  "{\"to\":\"$\",\"message\":1}",
  "{\"to\":\"$everybody\",\"message\":1}",
  "{\"to\":\"@user1\",\"message\":1,\"_id\":\"\"}",
  "{\"to\":\"@user1\",\"message\":1,\"_id\":1}",
  "{\"to\":\"@user1\",\"message\":1,\"_id\":\"../../etc/passwd\"}",
  "{\"to\":\"@user1\",\"message\":1,\"_id\":\"a\\u0000b\"}",
  "{\"to\":\"@user1\",\"message\":1,\"_id\":\"a\\nb\"}",
  "{\"to\":\"@user1\",\"message\":1,\"_id\":\"\\ud800\"}",
  "{\"to\":\"@\\udc00\",\"message\":1}",
  "{\"to\":\"@user1\",\"message\":1,\"ttl\":-1}",
  "{\"to\":\"@user1\",\"message\":1,\"ttl\":0}",
  "{\"to\":\"@user1\",\"message\":1,\"ttl\":1.5}",
  "{\"to\":\"@user1\",\"message\":1,\"ttl\":\"1\"}",
  "{\"to\":\"@user1\",\"message\":1,\"ttl\":1e400}",
  "{\"to\":\"@user1\",\"message\":1,\"ttl\":99999999999999999999999}",
  "{\"to\":\"@user1\",\"message\":1,\"not_before\":-9223372036854775809}",
  "{\"to\":\"@user1\",\"message\":1,\"direct\":\"true\"}",
  "{\"to\":\"@user1\",\"message\":1,\"type\":\"confirmation\"}",
  "{\"to\":\"@user1\",\"message\":1,\"type\":\"p\\u0069ng\"}",
};

static void
assert_names_offset (const char *name, const char *text, guint offset)
{
  g_autofree char *expected = g_strdup_printf ("at byte %u", offset);
  const char *place = strstr (text, "at byte ");

  if (place == NULL)
    g_error ("%s: no offset in %s", name, text);
  if (offset != NO_OFFSET && g_ascii_strtoull (place + strlen ("at byte "), NULL, 10) != offset)
    hostile_fail ("%s: not %s: %s", name, expected, text);
}

static void
refuses_broken_json_over_http (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_send (
          hostile->other, "POST", "/put", NULL, broken[i].text, (gssize) broken[i].length);

      sb_test_assert_problem (answer, 400, "invalid");
      assert_names_offset (broken[i].name, sb_test_answer_string (answer, "detail"),
                           broken[i].offset);
    }
}

static void
refuses_broken_json_over_websocket (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->ws_port);

  sb_test_raw_upgrade (raw, "/");
  sb_test_raw_send_frame (
      raw, SB_TEST_FINAL | SB_TEST_TEXT,
      TEXT ("{\"type\":\"connect\",\"data\":\"user2\",\"password\":\"user2-pw\"}"));
  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *frame = NULL;

      sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_BINARY, broken[i].text,
                              broken[i].length);
      frame = sb_test_raw_wait_text (raw, "\"ERROR\"");
      g_assert_nonnull (frame);
      g_assert_null (strstr (frame, "\"data\""));
      assert_names_offset (broken[i].name, frame, broken[i].offset);
    }
}

static void
refuses_what_is_no_message (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestWs) ws = sb_test_ws_log_in_as (hostile->daemon, "user2", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (nonsense); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (hostile->other, "/put", nonsense[i]);
      g_autoptr (SbTestFrame) frame = NULL;

      if (answer->status != 400)
        hostile_fail ("%u for %s", answer->status, nonsense[i]);
      sb_test_ws_send (ws, nonsense[i]);
      /* A frame of the bus's own kind is taken as one. */
      if (strstr (nonsense[i], "\"type\"") == NULL)
        frame = sb_test_ws_take_type (ws, "ERROR");
    }
}

static void
survives_brackets_without_end (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-message-size=16M");
  const gsize length = 10 * 1024 * 1024;
  g_autofree char *brackets = g_malloc (length);
  static const char *const paths[] = { "/put", "/put_users", "/confirm" };

  memset (brackets, '[', length);
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_send (hostile->admin, "POST", paths[i], NULL,
                                                           brackets, (gssize) length);

      sb_test_assert_problem (answer, 400, "invalid");
      hostile_serve_others (hostile);
    }
  memcpy (brackets, "{\"to\":", 6);
  {
    g_autoptr (SbTestAnswer) answer = sb_test_http_send (hostile->other, "POST", "/put", NULL,
                                                         brackets, (gssize) length);

    sb_test_assert_problem (answer, 400, "invalid");
    /* One level is the object's own; 64 are allowed. */
    assert_names_offset ("brackets", sb_test_answer_string (answer, "detail"), 6 + 63);
  }
}

static void
survives_brackets_over_websocket (void)
{
  g_autoptr (Hostile) hostile = hostile_new ("bus.max-message-size=16M");
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (hostile->ws_port);
  const gsize length = 10 * 1024 * 1024;
  g_autofree char *brackets = g_malloc (length);
  g_autofree char *frame = NULL;

  /* Before the log-in: nobody has to be known for this attack. */
  memset (brackets, '[', length);
  sb_test_raw_upgrade (raw, "/");
  sb_test_raw_send_frame (raw, SB_TEST_FINAL | SB_TEST_TEXT, brackets, length);
  frame = sb_test_raw_wait_text (raw, "\"ERROR\"");
  g_assert_nonnull (frame);
  hostile_serve_others (hostile);
}

/* Ids and passwords that would hurt wherever they are printed, joined or compared. */
static void
refuses_hostile_users (void)
{
  static const char *const documents[] = {
    "",
    "{}",
    "[]",
    "[1]",
    "[null]",
    "[[{\"_id\":\"a\",\"password\":\"b\"}]]",
    "[{}]",
    "[{\"_id\":\"a\"}]",
    "[{\"_id\":1,\"password\":\"b\"}]",
    "[{\"_id\":\"\",\"password\":\"b\"}]",
    "[{\"_id\":\"a:b\",\"password\":\"b\"}]",
    "[{\"_id\":\"@a\",\"password\":\"b\"}]",
    "[{\"_id\":\"#a\",\"password\":\"b\"}]",
    "[{\"_id\":\"$all\",\"password\":\"b\"}]",
    "[{\"_id\":\"a\\u0000b\",\"password\":\"b\"}]",
    "[{\"_id\":\"a\\u000ab\",\"password\":\"b\"}]",
    "[{\"_id\":\"a\",\"password\":\"\"}]",
    "[{\"_id\":\"a\",\"password\":1}]",
    "[{\"_id\":\"a\",\"password\":[\"b\"]}]",
    "[{\"_id\":\"a\",\"password\":\"b\",\"tags\":1}]",
    "[{\"_id\":\"a\",\"password\":\"b\",\"tags\":[1]}]",
    "[{\"_id\":\"a\",\"password\":\"b\",\"tags\":{\"t\":1}}]",
    "[{\"_id\":\"a\",\"password\":\"b\",\"admin\":\"true\"}]",
    "[{\"_id\":\"a\",\"password\":\"b\",\"connection_properties\":\"http\"}]",
    "[{\"_id\":\"a\",\"password\":\"b\"},{\"_id\":\"c\"}]",
    "[{\"_id\":\"a\",\"password\":\"b\"}] ]",
    "[{\"_id\":\"a\",\"password\":\"b\"},]",
    "[{\"_id\":\"a\",\"password\":\"\xff\"}]",
  };
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (hostile->daemon, "a", "b");
  g_autoptr (SbTestAnswer) denied = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (documents); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (hostile->admin, "/put_users",
                                                           documents[i]);

      if (answer->status != 400)
        hostile_fail ("%u for %s: %s", answer->status, documents[i], answer->body);
    }
  denied = sb_test_http_get (stranger, "/get");
  sb_test_assert_status (denied, 401);
}

static void
refuses_a_password_that_is_a_book (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  g_autofree char *book = g_strnfill (4 * 1024 * 1024, 'x');
  g_autofree char *json = g_strdup_printf ("[{\"_id\":\"a\",\"password\":\"%s\"}]", book);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (hostile->admin, "/put_users", json);

  sb_test_assert_status (answer, 400);
  hostile_assert_memory (hostile, 64);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/hostile-json/refuses-broken-json-over-http", refuses_broken_json_over_http);
  g_test_add_func ("/hostile-json/refuses-broken-json-over-websocket",
                   refuses_broken_json_over_websocket);
  g_test_add_func ("/hostile-json/refuses-what-is-no-message", refuses_what_is_no_message);
  g_test_add_func ("/hostile-json/survives-brackets-without-end", survives_brackets_without_end);
  g_test_add_func ("/hostile-json/survives-brackets-over-websocket",
                   survives_brackets_over_websocket);
  g_test_add_func ("/hostile-json/refuses-hostile-users", refuses_hostile_users);
  g_test_add_func ("/hostile-json/refuses-a-password-that-is-a-book",
                   refuses_a_password_that_is_a_book);
  return g_test_run ();
}

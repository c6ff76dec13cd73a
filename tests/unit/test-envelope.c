/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-envelope: what the scanner finds and what it refuses where; what the splice keeps. */

#include "sb-envelope.h"
#include "sb-error.h"
#include "sb-test.h"

#include <string.h>

static void
scan (SbEnvelope *envelope, const char *json)
{
  g_autoptr (GError) error = NULL;
  gboolean accepted = sb_envelope_scan (envelope, json, strlen (json), &error);

  g_assert_no_error (error);
  g_assert_true (accepted);
}

/* Scans a copy that ends where the frame ends, so that a tool sees a byte read too far. */
static gboolean
scan_exact (const char *data, gsize length, GError **error)
{
  g_autofree char *exact = g_memdup2 (data, length);
  SbEnvelope envelope;

  return sb_envelope_scan (&envelope, exact, length, error);
}

static void
assert_refused_at (const char *data, gsize length, gsize offset)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *place = g_strdup_printf (" at byte %" G_GSIZE_FORMAT, offset);

  g_assert_false (scan_exact (data, length, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
  if (!g_str_has_suffix (error->message, place))
    g_error ("\"%s\" should end in \"%s\" for %s", error->message, place, data);
}

static void
assert_slice (SbSlice slice, const char *expected)
{
  g_autofree char *copy = g_strndup (slice.data, slice.length);

  g_assert_cmpstr (copy, ==, expected);
}

static char *
splice (const char *json, const char *id, const char *sender)
{
  SbEnvelope envelope;
  g_autoptr (GBytes) bytes = NULL;
  gsize size;
  const char *data;

  scan (&envelope, json);
  bytes = sb_envelope_splice (&envelope, id, sender);
  data = g_bytes_get_data (bytes, &size);
  return g_strndup (data, size);
}

static char *
nest (const char *head, guint levels, const char *tail)
{
  GString *json = g_string_new (head);

  for (guint i = 0; i < levels; i++)
    g_string_append (json, i % 2 == 0 ? "[" : "{\"\":");
  g_string_append_c (json, '1');
  for (guint i = levels; i > 0; i--)
    g_string_append_c (json, (i - 1) % 2 == 0 ? ']' : '}');
  g_string_append (json, tail);
  return g_string_free (json, FALSE);
}

/* ---- What is refused ---- */

static const struct
{
  const char *json;
  gsize offset;
} refused[] = {
  { "", 0 },
  { " \n", 2 },
  { "[]", 0 },
  { "\"text\"", 0 },
  { " 1", 1 },
  { "null", 0 },
  { "\xef\xbb\xbf{}", 0 },
  { "{", 1 },
  { "{}x", 2 },
  { "{} {}", 3 },
  { "{}\xc2\xa0", 2 },
  { "\v{}", 0 },
  { "/* */{}", 0 },
  { "{/**/}", 1 },
  { "{\"a\":1}//", 7 },
  { "{\"a\":1,}", 7 },
  { "{,\"a\":1}", 1 },
  { "{\"a\":1,,\"b\":1}", 7 },
  { "{\"a\":1 \"b\":1}", 7 },
  { "{\"a\":1;\"b\":1}", 6 },
  { "{\"a\":1]", 6 },
  { "{\"a\"}", 4 },
  { "{\"a\",1}", 4 },
  { "{\"a\":}", 5 },
  { "{\"a\"::1}", 5 },
  { "{\"a\":1", 6 },
  { "{\"a\"", 4 },
  { "{a:1}", 1 },
  { "{'a':1}", 1 },
  { "{1:1}", 1 },
  { "{null:1}", 1 },
  { "{\"a\":'b'}", 5 },
  { "{\"a\":[1,]}", 8 },
  { "{\"a\":[,1]}", 6 },
  { "{\"a\":[1 2]}", 8 },
  { "{\"a\":[1}", 7 },
  { "{\"a\":[1", 7 },
  { "{\"a\":{\"b\":1,}}", 12 },
  { "{\"a\":{\"b\" 1}}", 10 },
  { "{\"a\":{b:1}}", 6 },
  { "{\"a\":{\"b\":1]}", 11 },
  { "{\"a\":NaN}", 5 },
  { "{\"a\":Infinity}", 5 },
  { "{\"a\":-Infinity}", 6 },
  { "{\"a\":undefined}", 5 },
  { "{\"a\":True}", 5 },
  { "{\"a\":tru}", 5 },
  { "{\"a\":nul", 5 },
  { "{\"a\":nulll}", 9 },
  { "{\"a\":01}", 5 },
  { "{\"a\":-01}", 6 },
  { "{\"a\":00}", 5 },
  { "{\"a\":+1}", 5 },
  { "{\"a\":.5}", 5 },
  { "{\"a\":1.}", 7 },
  { "{\"a\":-}", 6 },
  { "{\"a\":-", 6 },
  { "{\"a\":1e}", 7 },
  { "{\"a\":1e+}", 8 },
  { "{\"a\":1.e1}", 7 },
  { "{\"a\":0x1}", 6 },
  { "{\"a\":1_000}", 6 },
  { "{\"a\":\"\\x\"}", 6 },
  { "{\"a\":\"\\'\"}", 6 },
  { "{\"a\":\"\\u12\"}", 6 },
  { "{\"a\":\"b\\u00g0\"}", 7 },
  { "{\"a\":\"\\U0041\"}", 6 },
  { "{\"a\":\"\\u+123\"}", 6 },
  { "{\"a\":\"\\", 6 },
  { "{\"a\":\"\\u004", 6 },
  { "{\"a\":\"b", 7 },
  { "{\"a\":\"b\\\"}", 10 },
  { "{\"a", 3 },
  { "{\"a\":\"\t\"}", 6 },
  { "{\"a\":\"b\nc\"}", 7 },
  { "{\"a\":\"0123456789abcdef\x1f\"}", 22 },
  { "{\"\x01\":1}", 2 },
};

static void
names_the_byte_of_every_fault (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    assert_refused_at (refused[i].json, strlen (refused[i].json), refused[i].offset);
}

static void
refuses_zero_bytes (void)
{
  assert_refused_at ("\0{}", 3, 0);
  assert_refused_at ("{}\0", 3, 2);
  assert_refused_at ("{\"a\":\"\0\"}", 9, 6);
  assert_refused_at ("{\"a\0\":1}", 8, 3);
}

/* Each one alone, and behind text as long as the blocks that strings are read in. */
static void
refuses_what_is_not_utf8 (void)
{
  static const char *const faults[] = {
    "\x80",
    "\xbf",
    "\xc0\x80",
    "\xc1\xbf",
    "\xc2",
    "\xc2 ",
    "\xe0\x80\x80",
    "\xe0\x9f\xbf",
    "\xe1\x80",
    "\xe1 \x80",
    "\xed\xa0\x80",
    "\xed\xbf\xbf",
    "\xf0\x80\x80\x80",
    "\xf0\x8f\xbf\xbf",
    "\xf0\x90\x80",
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xf8\x88\x80\x80\x80",
    "\xfe",
    "\xff",
    "\xe2\x28\xa1",
  };
  static const char *const before[] = { "", "abc", "0123456789abcdef", "\xd0\xb0\xd0\xb1",
                                        "\xd0\xb0\xe6\xbc\xa2\xd0\xb0\xe6\xbc\xa2\xd0\xb0" };

  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    for (guint j = 0; j < G_N_ELEMENTS (before); j++)
      for (guint behind = 0; behind < 20; behind++)
        {
          g_autofree char *filler = g_strnfill (behind, 'x');
          g_autofree char *json = g_strconcat ("{\"a\":\"", before[j], faults[i], filler, "\"}",
                                               NULL);

          assert_refused_at (json, strlen (json), 6 + strlen (before[j]));
        }
}

static void
refuses_a_lone_follower_at_every_place_of_a_block (void)
{
  for (guint before = 0; before < 40; before++)
    {
      GString *json = g_string_new ("{\"a\":\"");

      for (guint i = 0; i < before; i++)
        g_string_append (json, i % 2 == 0 ? "\xd0\xb0" : "\xe6\xbc\xa2");
      g_string_append (json, "\x80\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0\xd0\xb0\"}");
      assert_refused_at (json->str, json->len, 6 + before / 2 * 5 + before % 2 * 2);
      g_string_free (json, TRUE);
    }
}

static void
refuses_a_frame_cut_off_anywhere (void)
{
  const char *json =
      "{\"to\":[\"@\xd0\xb0\"],\"message\":{\"a\":-1.5e3,\"b\":[true,null,\"\\u0041\"]}}";

  for (gsize length = 0; length < strlen (json); length++)
    g_assert_false (scan_exact (json, length, NULL));
  g_assert_true (scan_exact (json, strlen (json), NULL));
}

static void
refuses_a_second_of_each_member (void)
{
  for (guint member = 0; member < SB_MEMBER_DATA; member++)
    {
      const char *name = sb_member_get_name (member);
      g_autofree char *json = g_strdup_printf ("{\"%s\":1,\"a\":2,\"%s\":1}", name, name);

      assert_refused_at (json, strlen (json), strlen (name) + 12);
    }
}

static void
refuses_a_second_one_that_is_escaped (void)
{
  assert_refused_at ("{\"_id\":1,\"\\u005fid\":2}", 22, 9);
  assert_refused_at ("{\"\\u0074o\":1,\"to\":2}", 20, 13);
}

static void
flags_a_second_data (void)
{
  SbEnvelope envelope;

  scan (&envelope, "{\"data\":1,\"data\":2}");
  g_assert_true (envelope.data_repeated);
  assert_slice (envelope.values[SB_MEMBER_DATA], "1");
  scan (&envelope, "{\"data\":1,\"x\":{\"data\":2}}");
  g_assert_false (envelope.data_repeated);
}

static void
leaves_nothing_after_a_refusal (void)
{
  SbEnvelope envelope;

  g_assert_false (sb_envelope_scan (&envelope, "{\"to\":1,}", 9, NULL));
  g_assert_false (sb_envelope_has (&envelope, SB_MEMBER_TO));
}

/* ---- Depth ---- */

static void
takes_64_levels_and_not_65 (void)
{
  g_autofree char *deep = nest ("{\"message\":", 63, "}");
  g_autofree char *deeper = nest ("{\"message\":", 64, "}");
  SbEnvelope envelope;

  scan (&envelope, deep);
  /* Behind the head come `[` 32 times and `{"":` 31 times; the next bracket is one too many. */
  assert_refused_at (deeper, strlen (deeper), 11 + 32 + 31 * 4);
}

static void
forgets_levels_that_were_closed (void)
{
  GString *json = g_string_new ("{\"message\":[0");
  g_autofree char *deep = nest ("", 62, "");
  SbEnvelope envelope;

  for (guint i = 0; i < 200; i++)
    g_string_append_printf (json, ",[],{},%s", deep);
  g_string_append (json, "]}");
  scan (&envelope, json->str);
  g_string_free (json, TRUE);
}

static void
refuses_ten_megabytes_of_brackets_at_the_65th (void)
{
  const gsize size = 10 * 1000 * 1000;
  g_autofree char *brackets = g_strnfill (size, '[');

  assert_refused_at (brackets, size, 0);
  memcpy (brackets, "{\"message\":", 11);
  assert_refused_at (brackets, size, 11 + 63);
}

/* ---- What is found ---- */

static void
finds_every_member_as_it_was_written (void)
{
  const char *json = "{\"_id\":\"x\",\"sender\": \"y\" ,\"to\":[ \"@a\" ],\"message\":{\"to\":1},"
                     "\"uid\":[],\"direct\":true,\"ttl\":60,\"not_before\":1e3,\"type\":null,"
                     "\"data\":\"\\u0041\"}";
  const char *values[SB_N_MEMBERS] = {
    "\"x\"", "\"y\"", "[ \"@a\" ]", "{\"to\":1}", "[]", "true", "60", "1e3", "null", "\"\\u0041\""
  };
  SbEnvelope envelope;

  scan (&envelope, json);
  for (guint i = 0; i < SB_N_MEMBERS; i++)
    assert_slice (envelope.values[i], values[i]);
}

static void
finds_nothing_in_inner_objects_and_near_names (void)
{
  SbEnvelope envelope;

  scan (&envelope,
        "{\"a\":{\"to\":1},\"To\":1,\"t\":1,\"tt\":1,\"ido\":1,\"xyzzyx\":1,\"messages\":1,"
        "\"\":1,\"_id \":1,\"ttx\":1,\"dato\":1,\"messago\":1,\"not_befora\":1,"
        "\"\\u0442\\u043e\":1,\"t\\u0000\":1}");
  for (guint i = 0; i < SB_N_MEMBERS; i++)
    g_assert_false (sb_envelope_has (&envelope, i));
}

static void
finds_a_key_written_with_escapes (void)
{
  SbEnvelope envelope;

  scan (&envelope,
        "{\"\\u006e\\u006f\\u0074\\u005f\\u0062\\u0065\\u0066\\u006f\\u0072\\u0065\":7}");
  assert_slice (envelope.values[SB_MEMBER_NOT_BEFORE], "7");
}

static void
takes_any_space_of_json (void)
{
  SbEnvelope envelope;

  scan (&envelope, "\r\n\t {\r\n\t \"to\"\r\n\t :\r\n\t [ \r\n\t] \r\n\t, \"uid\" : { } } \r\n\t ");
  assert_slice (envelope.values[SB_MEMBER_TO], "[ \r\n\t]");
}

/* ---- Values ---- */

static void
compares_strings_as_they_are_meant (void)
{
  SbEnvelope envelope;

  scan (&envelope, "{\"type\":\"p\\u0069n\\u0067\",\"data\":\"ping\",\"uid\":7,"
                   "\"to\":\"\\\"\\ud83d\\ude00\",\"_id\":\"a\\u0000b\",\"sender\":\"\\ud800\"}");
  g_assert_true (sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "ping"));
  g_assert_true (sb_envelope_equals (&envelope, SB_MEMBER_DATA, "ping"));
  g_assert_true (sb_envelope_equals (&envelope, SB_MEMBER_TO, "\"\xf0\x9f\x98\x80"));
  g_assert_false (sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "pin"));
  g_assert_false (sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "pings"));
  g_assert_false (sb_envelope_equals (&envelope, SB_MEMBER_TYPE, "p\\u0069n\\u0067"));
  g_assert_false (sb_envelope_equals (&envelope, SB_MEMBER_DATA, "pong"));
  g_assert_false (sb_envelope_equals (&envelope, SB_MEMBER_UID, "7"));
  g_assert_false (sb_envelope_equals (&envelope, SB_MEMBER_ID, "a"));
  g_assert_false (sb_envelope_equals (&envelope, SB_MEMBER_SENDER, "\xed\xa0\x80"));
  g_assert_false (sb_envelope_equals (&envelope, SB_MEMBER_MESSAGE, ""));
}

static void
gives_strings_without_their_escapes (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *string = NULL;
  SbEnvelope envelope;

  scan (&envelope,
        "{\"_id\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t \\u0430\\u20AC\\ud83d\\uDE00 \xd0\xb1\"}");
  string = sb_envelope_dup_string (&envelope, SB_MEMBER_ID, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (string, ==, "\"\\/\b\f\n\r\t \xd0\xb0\xe2\x82\xac\xf0\x9f\x98\x80 \xd0\xb1");
}

static void
gives_no_string_that_c_or_utf8_cannot_hold (void)
{
  static const char *const values[] = { "null",
                                        "1",
                                        "[\"a\"]",
                                        "{}",
                                        "true",
                                        "\"\\u0000\"",
                                        "\"a\\u0000b\"",
                                        "\"\\ud800\"",
                                        "\"\\udc00\"",
                                        "\"\\ud800\\u0041\"",
                                        "\"\\ud800\\n\"",
                                        "\"\\ud800u0041\"",
                                        "\"\\ud800\\ud800\\udc00\"" };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"_id\":%s}", values[i]);
      g_autoptr (GError) error = NULL;
      SbEnvelope envelope;

      scan (&envelope, json);
      g_assert_null (sb_envelope_dup_string (&envelope, SB_MEMBER_ID, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_assert_true (g_str_has_prefix (error->message, "\"_id\""));
    }
}

static void
reads_booleans_and_nothing_like_them (void)
{
  static const char *const others[] = { "{}", "{\"direct\":1}", "{\"direct\":\"true\"}",
                                        "{\"direct\":null}" };
  gboolean value = FALSE;
  SbEnvelope envelope;

  scan (&envelope, "{\"direct\":true}");
  g_assert_true (sb_envelope_get_boolean (&envelope, SB_MEMBER_DIRECT, &value, NULL));
  g_assert_true (value);
  scan (&envelope, "{\"direct\":false}");
  g_assert_true (sb_envelope_get_boolean (&envelope, SB_MEMBER_DIRECT, &value, NULL));
  g_assert_false (value);
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (GError) error = NULL;

      scan (&envelope, others[i]);
      g_assert_false (sb_envelope_get_boolean (&envelope, SB_MEMBER_DIRECT, &value, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

static void
reads_integers_to_the_last_one (void)
{
  static const struct
  {
    const char *json;
    gint64 value;
  } cases[] = {
    { "0", 0 },
    { "-0", 0 },
    { "3600", 3600 },
    { "-17", -17 },
    { "9223372036854775807", G_MAXINT64 },
    { "-9223372036854775808", G_MININT64 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"ttl\":%s}", cases[i].json);
      gint64 value = 42;
      SbEnvelope envelope;

      scan (&envelope, json);
      g_assert_true (sb_envelope_get_integer (&envelope, SB_MEMBER_TTL, &value, NULL));
      g_assert_cmpint (value, ==, cases[i].value);
    }
}

static void
reads_no_integer_from_anything_else (void)
{
  static const char *const values[] = {
    "1.0",
    "1e3",
    "\"1\"",
    "null",
    "true",
    "[1]",
    "{}",
    "9223372036854775808",
    "-9223372036854775809",
    "123456789012345678901234567890",
  };

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"ttl\":%s}", values[i]);
      g_autoptr (GError) error = NULL;
      gint64 value = 42;
      SbEnvelope envelope;

      scan (&envelope, json);
      g_assert_false (sb_envelope_get_integer (&envelope, SB_MEMBER_TTL, &value, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_assert_cmpint (value, ==, 42);
    }
}

/* ---- Splice ---- */

#define SPLICED "{\"_id\":\"ID\",\"sender\":\"me\""

static const struct
{
  const char *json;
  const char *spliced;
} splices[] = {
  { "{}", SPLICED "}" },
  { " { \n } ", SPLICED "}" },
  { "{\"_id\":1}", SPLICED "}" },
  { "{ \"sender\" : 1 , \"_id\" : 2 }", SPLICED "}" },
  { "{\"a\":1}", SPLICED ",\"a\":1}" },
  { " { \"a\" : 1 } ", SPLICED ", \"a\" : 1 }" },
  { "{\"_id\":\"x\",\"a\":1}", SPLICED ",\"a\":1}" },
  { "{\"a\":1,\"_id\":\"x\"}", SPLICED ",\"a\":1}" },
  { "{\"a\":1,\"_id\":\"x\",\"b\":2}", SPLICED ",\"a\":1,\"b\":2}" },
  { "{\"a\":1,\"_id\":\"x\",\"sender\":\"y\",\"b\":2}", SPLICED ",\"a\":1,\"b\":2}" },
  { "{\"sender\":\"y\",\"_id\":\"x\",\"b\":2}", SPLICED ",\"b\":2}" },
  { "{\"b\":2,\"sender\":\"y\",\"_id\":\"x\"}", SPLICED ",\"b\":2}" },
  { "{\"sender\":\"y\",\"b\":2,\"_id\":\"x\"}", SPLICED ",\"b\":2}" },
  { "{\"a\":1,\"_id\":{\"_id\":[]},\"b\":2,\"sender\":null,\"c\":3}",
    SPLICED ",\"a\":1,\"b\":2,\"c\":3}" },
  { "{ \"a\" : 1 , \"_id\" : 2 , \"b\" : 3 }", SPLICED ", \"a\" : 1 , \"b\" : 3 }" },
  { "{\"a\":1,\"\\u005fid\":2,\"s\\u0065nder\":3}", SPLICED ",\"a\":1}" },
  { "{\"message\":{\"_id\":1,\"sender\":2}}", SPLICED ",\"message\":{\"_id\":1,\"sender\":2}}" },
};

static void
cuts_members_out_wherever_they_stand (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (splices); i++)
    {
      g_autofree char *once = splice (splices[i].json, "ID", "me");
      g_autofree char *twice = splice (once, "ID", "me");

      g_assert_cmpstr (once, ==, splices[i].spliced);
      g_assert_cmpstr (twice, ==, once);
    }
}

static void
never_alters_what_was_sent (void)
{
  static const char *const members[] = {
    "\"message\":1.10",
    "\"message\":123456789012345678901234567890",
    "\"message\":-0.0E+00",
    "\"message\":1e999",
    "\"message\":\"\\u0000 \\ud800 \\/ \\u0430 \xd0\xb0 \xf0\x9f\x98\x80 \x7f\"",
    "\"message\":{\"b\":1,\"a\":2,\"b\":3}",
    "\"z\":1,\"a\":2,\"z\":3,\"recipient\":\"feed\"",
    "\"message\" :\t[ 1 ,\r\n2 ]",
  };

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"sender\":0,%s,\"_id\":0}", members[i]);
      g_autofree char *expected = g_strdup_printf (SPLICED ",%s}", members[i]);
      g_autofree char *spliced = splice (json, "ID", "me");

      g_assert_cmpstr (spliced, ==, expected);
    }
}

static void
escapes_id_and_sender (void)
{
  g_autofree char *spliced = splice ("{\"a\":1}", "q\"b\\", "tab\t\x01 \xd0\xb0");

  g_assert_cmpstr (spliced, ==,
                   "{\"_id\":\"q\\\"b\\\\\",\"sender\":\"tab\\t\\u0001 \xd0\xb0\",\"a\":1}");
}

static void
splices_a_frame_without_a_terminator (void)
{
  const char *json = "{\"to\":[\"@a\"],\"message\":\"0123456789\"}";
  gsize length = strlen (json);
  g_autofree char *exact = g_memdup2 (json, length);
  g_autoptr (GBytes) bytes = NULL;
  SbEnvelope envelope;

  g_assert_true (sb_envelope_scan (&envelope, exact, length, NULL));
  bytes = sb_envelope_splice (&envelope, "ID", "me");
  g_clear_pointer (&exact, g_free);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                   SPLICED ",\"to\":[\"@a\"],\"message\":\"0123456789\"}",
                   strlen (SPLICED) + length);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(path, test) g_test_add_func ("/envelope/" path, test)
  ADD ("names-the-byte-of-every-fault", names_the_byte_of_every_fault);
  ADD ("refuses-zero-bytes", refuses_zero_bytes);
  ADD ("refuses-what-is-not-utf8", refuses_what_is_not_utf8);
  ADD ("refuses-a-lone-follower-at-every-place-of-a-block",
       refuses_a_lone_follower_at_every_place_of_a_block);
  ADD ("refuses-a-frame-cut-off-anywhere", refuses_a_frame_cut_off_anywhere);
  ADD ("refuses-a-second-of-each-member", refuses_a_second_of_each_member);
  ADD ("refuses-a-second-one-that-is-escaped", refuses_a_second_one_that_is_escaped);
  ADD ("flags-a-second-data", flags_a_second_data);
  ADD ("leaves-nothing-after-a-refusal", leaves_nothing_after_a_refusal);
  ADD ("takes-64-levels-and-not-65", takes_64_levels_and_not_65);
  ADD ("forgets-levels-that-were-closed", forgets_levels_that_were_closed);
  ADD ("refuses-ten-megabytes-of-brackets-at-the-65th",
       refuses_ten_megabytes_of_brackets_at_the_65th);
  ADD ("finds-every-member-as-it-was-written", finds_every_member_as_it_was_written);
  ADD ("finds-nothing-in-inner-objects-and-near-names",
       finds_nothing_in_inner_objects_and_near_names);
  ADD ("finds-a-key-written-with-escapes", finds_a_key_written_with_escapes);
  ADD ("takes-any-space-of-json", takes_any_space_of_json);
  ADD ("compares-strings-as-they-are-meant", compares_strings_as_they_are_meant);
  ADD ("gives-strings-without-their-escapes", gives_strings_without_their_escapes);
  ADD ("gives-no-string-that-c-or-utf8-cannot-hold", gives_no_string_that_c_or_utf8_cannot_hold);
  ADD ("reads-booleans-and-nothing-like-them", reads_booleans_and_nothing_like_them);
  ADD ("reads-integers-to-the-last-one", reads_integers_to_the_last_one);
  ADD ("reads-no-integer-from-anything-else", reads_no_integer_from_anything_else);
  ADD ("cuts-members-out-wherever-they-stand", cuts_members_out_wherever_they_stand);
  ADD ("never-alters-what-was-sent", never_alters_what_was_sent);
  ADD ("escapes-id-and-sender", escapes_id_and_sender);
  ADD ("splices-a-frame-without-a-terminator", splices_a_frame_without_a_terminator);
#undef ADD
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-attempt: what people get to see of attempts that failed. */

#include "sb-attempt.h"
#include "sb-json.h"
#include "sb-test.h"

#include <string.h>

static SbAttempt
make_attempt (guint status, const char *text)
{
  return (SbAttempt) { .started = G_GINT64_CONSTANT (1700000000123456),
                       .latency = 45678,
                       .status = status,
                       .text = text,
                       .length = text != NULL ? strlen (text) : 0 };
}

static void
an_attempt_is_one_line (void)
{
  const SbAttempt attempt = make_attempt (500, "line one\nline \"two\"");
  g_autofree char *json = sb_attempt_to_json (&attempt);

  g_assert_cmpstr (json, ==,
                   "{\"time\":\"2023-11-14T22:13:20.123Z\",\"status\":500,\"latency_ms\":45,"
                   "\"text\":\"line one\\nline \\\"two\\\"\"}");
}

static void
an_attempt_without_an_answer_has_no_text (void)
{
  const SbAttempt attempt = make_attempt (0, NULL);
  g_autofree char *json = sb_attempt_to_json (&attempt);

  g_assert_cmpstr (json, ==,
                   "{\"time\":\"2023-11-14T22:13:20.123Z\",\"status\":0,\"latency_ms\":45}");
}

static void
assert_valid (const char *json)
{
  g_autoptr (GError) error = NULL;

  sb_json_check_document (json, strlen (json), &error);
  g_assert_no_error (error);
}

static void
any_bytes_become_valid_json (void)
{
  SbAttempt attempt = make_attempt (200, NULL);
  char bytes[256];
  g_autofree char *json = NULL;

  for (guint i = 0; i < sizeof bytes; i++)
    bytes[i] = (char) i;
  attempt.text = bytes;
  attempt.length = sizeof bytes;
  json = sb_attempt_to_json (&attempt);
  assert_valid (json);
}

static void
a_long_answer_is_cut_between_characters (void)
{
  g_autofree char *ascii = g_strnfill (10000, 'x');
  g_autofree char *garbage = g_strnfill (10000, '\xff');
  g_autoptr (GString) cyrillic = g_string_new ("x");
  const char *texts[] = { ascii, garbage, NULL };

  for (guint i = 0; i < 5000; i++)
    g_string_append (cyrillic, "ж");
  texts[2] = cyrillic->str;
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      const SbAttempt attempt = make_attempt (502, texts[i]);
      g_autofree char *json = sb_attempt_to_json (&attempt);

      assert_valid (json);
      g_assert_cmpuint (strlen (json), <=, SB_ATTEMPT_TEXT_MAX + 100);
      g_assert_cmpuint (strlen (json), >=, SB_ATTEMPT_TEXT_MAX);
    }
}

static void
a_log_keeps_the_last_ones_in_order (void)
{
  g_autofree char *log = NULL;
  g_autoptr (GString) json = g_string_new (NULL);

  for (guint i = 1; i <= SB_ATTEMPT_LOG_MAX + 3; i++)
    {
      const SbAttempt attempt = make_attempt (100 + i, NULL);
      char *longer = sb_attempt_log_add (log, &attempt);

      g_free (log);
      log = longer;
    }
  sb_attempt_log_append_json (json, log);
  assert_valid (json->str);
  g_assert_null (strstr (json->str, "\"status\":103,"));
  g_assert_nonnull (strstr (json->str, "\"status\":104,"));
  g_assert_nonnull (strstr (json->str, "\"status\":113,"));
  g_assert_true (strstr (json->str, "\"status\":104,") < strstr (json->str, "\"status\":113,"));
}

static void
the_last_one_of_a_log_is_found (void)
{
  const SbAttempt attempts[] = { make_attempt (500, "a\nb"), make_attempt (503, NULL) };
  g_autofree char *one = sb_attempt_log_add (NULL, &attempts[0]);
  g_autofree char *both = sb_attempt_log_add (one, &attempts[1]);
  g_autofree char *first = sb_attempt_to_json (&attempts[0]);
  g_autofree char *second = sb_attempt_to_json (&attempts[1]);
  g_autofree char *last_of_one = sb_attempt_log_dup_last (one);
  g_autofree char *last_of_both = sb_attempt_log_dup_last (both);

  g_assert_cmpstr (last_of_one, ==, first);
  g_assert_cmpstr (last_of_both, ==, second);
  g_assert_null (sb_attempt_log_dup_last (NULL));
}

static void
no_log_is_an_empty_array (void)
{
  g_autoptr (GString) json = g_string_new (NULL);

  sb_attempt_log_append_json (json, NULL);
  g_assert_cmpstr (json->str, ==, "[]");
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/attempt/an-attempt-is-one-line", an_attempt_is_one_line);
  g_test_add_func ("/attempt/an-attempt-without-an-answer-has-no-text",
                   an_attempt_without_an_answer_has_no_text);
  g_test_add_func ("/attempt/any-bytes-become-valid-json", any_bytes_become_valid_json);
  g_test_add_func ("/attempt/a-long-answer-is-cut-between-characters",
                   a_long_answer_is_cut_between_characters);
  g_test_add_func ("/attempt/a-log-keeps-the-last-ones-in-order",
                   a_log_keeps_the_last_ones_in_order);
  g_test_add_func ("/attempt/the-last-one-of-a-log-is-found", the_last_one_of_a_log_is_found);
  g_test_add_func ("/attempt/no-log-is-an-empty-array", no_log_is_an_empty_array);
  return g_test_run ();
}

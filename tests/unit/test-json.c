/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-json: whole documents, strings to JSON and back, arrays of strings. */

#include "sb-error.h"
#include "sb-json.h"
#include "sb-test.h"

#include <math.h>
#include <string.h>

static SbSlice
slice (const char *json)
{
  return (SbSlice) { json, strlen (json) };
}

static void
takes_a_document_of_any_kind (void)
{
  static const char *const documents[] = {
    "{}",
    "[]",
    "\"x\"",
    "0",
    "-1.5e+3",
    "true",
    "false",
    "null",
    " [ { \"a\" : [ ] } , 1 ] \n",
    "{\"a\":1,\"a\":2}",
    "\"\\ud800\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (documents); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_true (sb_json_check (documents[i], strlen (documents[i]), &error));
      g_assert_no_error (error);
    }
}

static void
refuses_a_document_at_its_fault (void)
{
  static const struct
  {
    const char *json;
    const char *place;
  } cases[] = {
    { "", " at byte 0" },          { " ", " at byte 1" },          { "[1,2", " at byte 4" },
    { "[1,]", " at byte 3" },      { "1 2", " at byte 2" },        { "[] []", " at byte 3" },
    { "NaN", " at byte 0" },       { "[{\"a\":}]", " at byte 6" }, { "\"", " at byte 1" },
    { "{\"a\" 1}", " at byte 5" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (sb_json_check (cases[i].json, strlen (cases[i].json), &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_assert_true (g_str_has_suffix (error->message, cases[i].place));
    }
}

static void
counts_the_outermost_array_as_a_level (void)
{
  g_autofree char *opening = g_strnfill (65, '[');
  g_autofree char *closing = g_strnfill (65, ']');
  g_autofree char *deep = g_strconcat (opening + 1, closing + 1, NULL);
  g_autofree char *deeper = g_strconcat (opening, closing, NULL);

  g_assert_true (sb_json_check (deep, strlen (deep), NULL));
  g_assert_false (sb_json_check (deeper, strlen (deeper), NULL));
}

static void
brings_every_character_there_and_back (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GString) json = g_string_new ("x");
  g_autoptr (GError) error = NULL;
  g_autofree char *back = NULL;

  for (gunichar c = 1; c < 0x3000; c++)
    g_string_append_unichar (text, c);
  g_string_append_unichar (text, 0x1f600);

  sb_json_append_string (json, text->str);
  g_assert_true (sb_json_check (json->str + 1, json->len - 1, &error));
  g_assert_no_error (error);
  back = sb_json_unescape ((SbSlice) { json->str + 2, json->len - 3 }, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (back, ==, text->str);
}

static void
writes_valid_json_from_bytes_that_are_no_text (void)
{
  g_autoptr (GString) json = g_string_new (NULL);

  sb_json_append_string (json, "a\xff\xc3(\n\xe2\x82");
  g_assert_cmpstr (json->str, ==, "\"a\xef\xbf\xbd\xef\xbf\xbd(\\n\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void
unescapes_nothing_that_is_no_string (void)
{
  static const char *const inners[] = { "\\", "\\x", "\\u12", "a\"b", "\n", "\xff", "\\u0000" };

  for (guint i = 0; i < G_N_ELEMENTS (inners); i++)
    {
      g_autofree char *exact = g_memdup2 (inners[i], strlen (inners[i]));
      g_autoptr (GError) error = NULL;

      g_assert_null (sb_json_unescape ((SbSlice) { exact, strlen (inners[i]) }, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

/* The strings with a mark at those that have escapes, and what stopped it. */
static char *
collect (const char *json)
{
  g_autoptr (GError) error = NULL;
  GString *seen = g_string_new (NULL);
  SbStringIter iter;
  SbSlice inner;
  gboolean has_escapes;

  sb_string_iter_init (&iter, slice (json));
  while (sb_string_iter_next (&iter, &inner, &has_escapes, &error))
    {
      g_string_append_len (seen, inner.data, (gssize) inner.length);
      g_string_append (seen, has_escapes ? "!;" : ";");
    }
  g_assert_false (sb_string_iter_next (&iter, &inner, NULL, NULL));
  if (error != NULL)
    {
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_string_append (seen, error->message);
    }
  return g_string_free (seen, FALSE);
}

static void
walks_an_array_or_one_string (void)
{
  static const struct
  {
    const char *json;
    const char *seen;
  } cases[] = {
    { "[]", "" },
    { " [ ] ", "" },
    { "\"\"", ";" },
    { " \"a b\" ", "a b;" },
    { "[\"a\"]", "a;" },
    { "[ \"a\" , \"b\\u0041\",\"\",\"\\\"\" ]", "a;b\\u0041!;;\\\"!;" },
    { "[\"a\",1]", "a;element 1 is not a string" },
    { "[[\"a\"]]", "element 0 is not a string" },
    { "[null]", "element 0 is not a string" },
    { "{\"a\":1}", "neither a string nor an array of strings" },
    { "null", "neither a string nor an array of strings" },
    { "", "" },
    { "[", "element 0 is not a string" },
    { "[\"a\",", "a;element 1 is not a string" },
    { "[\"a", "element 0: a string is not closed" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *seen = collect (cases[i].json);

      g_assert_cmpstr (seen, ==, cases[i].seen);
    }
}

static void
walks_nothing_that_is_absent (void)
{
  SbStringIter iter;
  SbSlice inner;
  g_autoptr (GError) error = NULL;

  sb_string_iter_init (&iter, (SbSlice) { NULL, 0 });
  g_assert_false (sb_string_iter_next (&iter, &inner, NULL, &error));
  g_assert_no_error (error);
}

static void
writes_members_with_commas_where_they_are_due (void)
{
  static const char *const words[] = { "a", "b\"", NULL };
  g_autoptr (GString) json = g_string_new (NULL);

  sb_json_begin (json, NULL, '{');
  sb_json_begin (json, "none", '[');
  sb_json_end (json, ']');
  sb_json_add_string (json, "text", "{[");
  sb_json_add_string (json, "no\nthing", NULL);
  sb_json_add_strings (json, "words", words);
  sb_json_add_strings (json, "nobody", NULL);
  sb_json_begin (json, "rows", '[');
  sb_json_begin (json, NULL, '{');
  sb_json_add_integer (json, "n", -9007199254740993);
  sb_json_end (json, '}');
  sb_json_begin (json, NULL, '{');
  sb_json_add_boolean (json, "yes", TRUE);
  sb_json_end (json, '}');
  sb_json_add_raw (json, NULL, "[1]");
  sb_json_add_raw (json, NULL, NULL);
  sb_json_end (json, ']');
  sb_json_add_time (json, "never", 0);
  sb_json_add_time (json, "then", 1000);
  sb_json_end (json, '}');
  g_assert_cmpstr (json->str, ==,
                   "{\"none\":[],\"text\":\"{[\",\"no\\nthing\":null,\"words\":[\"a\",\"b\\\"\"],"
                   "\"nobody\":[],\"rows\":[{\"n\":-9007199254740993},{\"yes\":true},[1],null],"
                   "\"never\":null,\"then\":\"1970-01-01T00:00:00.001Z\"}");
  g_assert_true (sb_json_check (json->str, json->len, NULL));
}

static const struct
{
  double value;
  const char *text;
} doubles[] = {
  { 0, "[0.000]" },          { 1.5, "[1.500]" },
  { -0.0004, "[-0.000]" },   { 123456.7891, "[123456.789]" },
  { G_MAXDOUBLE, "[null]" }, { NAN, "[null]" },
  { -INFINITY, "[null]" },
};

static void
writes_numbers_that_every_reader_takes (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (doubles); i++)
    {
      g_autoptr (GString) json = g_string_new (NULL);

      sb_json_begin (json, NULL, '[');
      sb_json_add_double (json, NULL, doubles[i].value);
      sb_json_end (json, ']');
      g_assert_cmpstr (json->str, ==, doubles[i].text);
      g_assert_true (sb_json_check (json->str, json->len, NULL));
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(path, test) g_test_add_func ("/json/" path, test)
  ADD ("takes-a-document-of-any-kind", takes_a_document_of_any_kind);
  ADD ("refuses-a-document-at-its-fault", refuses_a_document_at_its_fault);
  ADD ("counts-the-outermost-array-as-a-level", counts_the_outermost_array_as_a_level);
  ADD ("brings-every-character-there-and-back", brings_every_character_there_and_back);
  ADD ("writes-valid-json-from-bytes-that-are-no-text",
       writes_valid_json_from_bytes_that_are_no_text);
  ADD ("writes-members-with-commas-where-they-are-due",
       writes_members_with_commas_where_they_are_due);
  ADD ("writes-numbers-that-every-reader-takes", writes_numbers_that_every_reader_takes);
  ADD ("unescapes-nothing-that-is-no-string", unescapes_nothing_that_is_no_string);
  ADD ("walks-an-array-or-one-string", walks_an_array_or_one_string);
  ADD ("walks-nothing-that-is-absent", walks_nothing_that_is_absent);
#undef ADD
  return g_test_run ();
}

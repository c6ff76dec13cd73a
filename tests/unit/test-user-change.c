/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-user-change: the list of users of /put_users, element by element. */

#include "sb-error.h"
#include "sb-test.h"
#include "sb-user-change.h"

#include <string.h>

static GPtrArray *
parse (const char *json, GError **error)
{
  return sb_user_changes_parse (json, strlen (json), 1, SB_USER_CHANGE_NONE, error);
}

/* The one change of a list of one. */
static SbUserChange *
parse_one (const char *json)
{
  g_autofree char *list = g_strdup_printf ("[%s]", json);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) changes = parse (list, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (changes->len, ==, 1);
  return g_ptr_array_steal_index (changes, 0);
}

static void
what_is_not_given_is_not_touched (void)
{
  g_autoptr (SbUserChange) change = parse_one ("{\"_id\": \"anna\"}");

  g_assert_cmpstr (change->id, ==, "anna");
  g_assert_null (change->password);
  g_assert_null (change->tags);
  g_assert_false (change->has_connection_properties);
  g_assert_false (change->has_admin);
  g_assert_false (change->has_ttl);
  g_assert_false (change->has_paused);
}

static void
everything_can_be_given (void)
{
  g_autoptr (SbUserChange) change = parse_one (
      "{\"_id\": \"anna\", \"password\": \"p\", \"tags\": [\"x\", \"#y\"],"
      "\"connection_properties\": {\"url\": \"http://erp\"}, \"admin\": true, \"else\": 1}");
  const char *const tags[] = { "x", "y", NULL };

  g_assert_cmpstr (change->password, ==, "p");
  g_assert_cmpstrv (change->tags, tags);
  g_assert_cmpstr (change->connection_properties, ==, "{\"url\":\"http://erp\"}");
  g_assert_true (change->has_admin && change->admin);
}

static void
null_removes (void)
{
  g_autoptr (SbUserChange) change = parse_one (
      "{\"_id\": \"anna\", \"tags\": null, \"connection_properties\": null, \"admin\": null}");

  g_assert_cmpuint (g_strv_length (change->tags), ==, 0);
  g_assert_true (change->has_connection_properties);
  g_assert_null (change->connection_properties);
  g_assert_true (change->has_admin);
  g_assert_false (change->admin);
}

static void
a_ttl_is_a_number_of_seconds_or_null (void)
{
  static const struct
  {
    const char *json;
    gint64 wanted; /* -2: refused */
  } cases[] = {
    { "60", 60 },
    { "0", 0 },
    { "null", SB_USER_NO_TTL },
    { "-1", -2 },
    { "1.5", -2 },
    { "\"60\"", -2 },
    { "[60]", -2 },
    { "{}", -2 },
    { "true", -2 },
    { "3153600000", 3153600000 },
    { "3153600001", -2 },
    { "18446744073709551621", -2 },
    { "1e3", -2 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *json = g_strdup_printf ("[{\"_id\":\"a\",\"ttl\":%s}]", cases[i].json);
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) changes = parse (json, &error);

      g_test_message ("%s", cases[i].json);
      if (cases[i].wanted == -2)
        {
          g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
          continue;
        }
      g_assert_no_error (error);
      g_assert_true (((SbUserChange *) g_ptr_array_index (changes, 0))->has_ttl);
      g_assert_cmpint (((SbUserChange *) g_ptr_array_index (changes, 0))->ttl, ==, cases[i].wanted);
    }
}

static void
secrets_that_were_hidden_are_not_taken_for_secrets (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (parse ("[{\"_id\":\"a\",\"connection_properties\":{\"url\":\"http://h\","
                        "\"secret\":\"(write-only)\"}}]",
                        &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
}

static void
tags_may_be_one_string_and_lose_one_sign (void)
{
  static const char *const cases[][2] = {
    { "\"x\"", "x" },       { "\"#x\"", "x" },
    { "\"##x\"", "#x" },    { "\"two words\"", "two words" },
    { "\"\\u044f\"", "я" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"_id\": \"a\", \"tags\": %s}", cases[i][0]);
      g_autoptr (SbUserChange) change = parse_one (json);

      g_assert_cmpuint (g_strv_length (change->tags), ==, 1);
      g_assert_cmpstr (change->tags[0], ==, cases[i][1]);
    }
}

static void
the_order_of_the_list_is_kept (void)
{
  g_autoptr (GPtrArray) changes = parse ("[{\"_id\": \"b\"}, {\"_id\": \"a\"}, {\"_id\": \"b\"}]",
                                         NULL);

  g_assert_cmpuint (changes->len, ==, 3);
  g_assert_cmpstr (((SbUserChange *) changes->pdata[0])->id, ==, "b");
  g_assert_cmpstr (((SbUserChange *) changes->pdata[1])->id, ==, "a");
}

static void
what_is_no_list_of_users_is_refused (void)
{
  static const char *const cases[] = { "",    "null",  "{}",     "\"a\"",
                                       "[]",  "[{}",   "[{}] x", "{\"_id\": \"a\"}",
                                       "[,]", "// []", "['a']",  "[{\"_id\": NaN}]" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", cases[i]);
      g_assert_null (parse (cases[i], &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

static void
a_bad_user_is_refused_with_its_index (void)
{
  static const char *const cases[] = {
    "1",
    "null",
    "[]",
    "{}",
    "{\"_id\": 1}",
    "{\"_id\": null}",
    "{\"_id\": \"\"}",
    "{\"_id\": \"a:b\"}",
    "{\"_id\": \"@a\"}",
    "{\"_id\": \"#a\"}",
    "{\"_id\": \"$a\"}",
    "{\"_id\": \"a\\u0001\"}",
    "{\"_id\": \"a\\u0000b\"}",
    "{\"_id\": \"a\\u0085\"}",
    "{\"_id\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}",
    "{\"_id\": \"a\", \"password\": \"\"}",
    "{\"_id\": \"a\", \"password\": null}",
    "{\"_id\": \"a\", \"password\": 1}",
    "{\"_id\": \"a\", \"password\": \"x\\u0000y\"}",
    "{\"_id\": \"a\", \"tags\": 1}",
    "{\"_id\": \"a\", \"tags\": {}}",
    "{\"_id\": \"a\", \"tags\": [1]}",
    "{\"_id\": \"a\", \"tags\": [null]}",
    "{\"_id\": \"a\", \"tags\": [[\"x\"]]}",
    "{\"_id\": \"a\", \"tags\": \"\"}",
    "{\"_id\": \"a\", \"tags\": \"#\"}",
    "{\"_id\": \"a\", \"tags\": [\"x\", \"\"]}",
    "{\"_id\": \"a\", \"tags\": \"x\\n\"}",
    "{\"_id\": \"a\", \"connection_properties\": \"http://\"}",
    "{\"_id\": \"a\", \"connection_properties\": []}",
    "{\"_id\": \"a\", \"admin\": 1}",
    "{\"_id\": \"a\", \"admin\": \"true\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *json = g_strdup_printf ("[{\"_id\": \"good\"}, %s]", cases[i]);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", json);
      g_assert_null (parse (json, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      /* A document that is none for C strings is refused as a whole. */
      if (strstr (json, "u0000") == NULL)
        g_assert_true (g_str_has_prefix (error->message, "user 1: "));
    }
}

static void
an_id_of_64_characters_is_fine (void)
{
  g_autoptr (GString) id = g_string_new (NULL);
  g_autofree char *json = NULL;
  g_autoptr (SbUserChange) change = NULL;

  for (guint i = 0; i < 64; i++)
    g_string_append (id, "я");
  json = g_strdup_printf ("{\"_id\": \"%s\"}", id->str);
  change = parse_one (json);
  g_assert_cmpstr (change->id, ==, id->str);
}

static void
a_password_has_its_bounds (void)
{
  static const struct
  {
    guint length;
    guint min;
    gboolean good;
  } cases[] = { { 1, 1, TRUE },   { 7, 8, FALSE },   { 8, 8, TRUE },
                { 511, 1, TRUE }, { 512, 1, FALSE }, { 100000, 1, FALSE } };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *password = g_strnfill (cases[i].length, 'x');
      g_autoptr (SbUserChange) change = sb_user_change_new ("a", password, FALSE);
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (sb_user_change_check (change, cases[i].min, &error), ==, cases[i].good);
      g_assert_true ((error == NULL) == cases[i].good);
    }
}

static void
tags_and_properties_have_bounds (void)
{
  g_autofree char *tag = g_strnfill (257, 'x');
  g_autofree char *url = g_strnfill (20000, 'x');
  g_autofree char *long_tag = g_strdup_printf ("[{\"_id\": \"a\", \"tags\": \"%s\"}]", tag);
  g_autofree char *long_url = g_strdup_printf (
      "[{\"_id\": \"a\", \"connection_properties\": {\"url\": \"%s\"}}]", url);
  g_autoptr (GString) many = g_string_new ("[{\"_id\": \"a\", \"tags\": [\"x\"");
  const char *jsons[3];

  for (guint i = 0; i < 1000; i++)
    g_string_append (many, ",\"x\"");
  g_string_append (many, "]}]");
  jsons[0] = long_tag;
  jsons[1] = long_url;
  jsons[2] = many->str;
  for (guint i = 0; i < G_N_ELEMENTS (jsons); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (parse (jsons[i], &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/user-change/" name, func)
  ADD ("what-is-not-given-is-not-touched", what_is_not_given_is_not_touched);
  ADD ("everything-can-be-given", everything_can_be_given);
  ADD ("null-removes", null_removes);
  ADD ("tags-may-be-one-string-and-lose-one-sign", tags_may_be_one_string_and_lose_one_sign);
  ADD ("the-order-of-the-list-is-kept", the_order_of_the_list_is_kept);
  ADD ("what-is-no-list-of-users-is-refused", what_is_no_list_of_users_is_refused);
  ADD ("a-bad-user-is-refused-with-its-index", a_bad_user_is_refused_with_its_index);
  ADD ("an-id-of-64-characters-is-fine", an_id_of_64_characters_is_fine);
  ADD ("a-password-has-its-bounds", a_password_has_its_bounds);
  ADD ("tags-and-properties-have-bounds", tags_and_properties_have_bounds);
  ADD ("a-ttl-is-a-number-of-seconds-or-null", a_ttl_is_a_number_of_seconds_or_null);
  ADD ("secrets-that-were-hidden-are-not-taken-for-secrets",
       secrets_that_were_hidden_are_not_taken_for_secrets);
#undef ADD
  return g_test_run ();
}

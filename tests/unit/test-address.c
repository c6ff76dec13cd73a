/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-address: what `to` may be, and what becomes of it. */

#include "sb-address.h"
#include "sb-error.h"
#include "sb-test.h"

#include <string.h>

static SbAddressList *
parse (const char *json, GError **error)
{
  return sb_address_list_parse ((SbSlice) { json, strlen (json) }, error);
}

/* Kind and name of each address. */
static char *
describe (const SbAddressList *list)
{
  static const char *const kinds[] = { "user", "tag", "all" };
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < list->length; i++)
    g_string_append_printf (text, "%s:%s;", kinds[list->items[i].kind],
                            list->items[i].name != NULL ? list->items[i].name : "");
  return g_string_free (text, FALSE);
}

static void
reads_every_way_to_write_an_address (void)
{
  static const struct
  {
    const char *to;
    const char *addresses;
  } cases[] = {
    { "[\"@user2\"]", "user:user2;" },
    { "\"@user2\"", "user:user2;" },
    { "[\"#orders\"]", "tag:orders;" },
    { "\"orders\"", "tag:orders;" },
    { "[ \"@a\" , \"#b\",\"c\",\"$all\" ]", "user:a;tag:b;tag:c;all:;" },
    { "[\"@a\",\"@a\"]", "user:a;user:a;" },
    { "\"$all\"", "all:;" },
    { "\"\\u0024all\"", "all:;" },
    { "\"\\u0040\\u0430\\\"\"", "user:\xd0\xb0\";" },
    { "[\"##x\",\"@@y\",\"#@z\",\"@#\",\"a$all\"]", "tag:#x;user:@y;tag:@z;user:#;tag:a$all;" },
    { "\"@ a\"", "user: a;" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SbAddressList) list = parse (cases[i].to, &error);
      g_autofree char *addresses = NULL;

      g_assert_no_error (error);
      addresses = describe (list);
      g_assert_cmpstr (addresses, ==, cases[i].addresses);
    }
}

static void
refuses_the_rest_and_names_the_element (void)
{
  static const struct
  {
    const char *to;
    const char *named;
  } cases[] = {
    { "[]", "\"to\"" },
    { "", "\"to\"" },
    { "null", "\"to\"" },
    { "1", "\"to\"" },
    { "{\"@a\":1}", "\"to\"" },
    { "\"\"", "element 0" },
    { "[\"\"]", "element 0" },
    { "[\"@a\",\"@\"]", "element 1" },
    { "[\"@a\",\"#b\",\"#\"]", "element 2" },
    { "[\"@a\",1]", "element 1" },
    { "[\"@a\",null]", "element 1" },
    { "[[\"@a\"]]", "element 0" },
    { "[\"$\"]", "element 0" },
    { "[\"$All\"]", "element 0" },
    { "[\"$all \"]", "element 0" },
    { "[\"@a\",\"$some\"]", "element 1" },
    { "[\"@a\\n\"]", "element 0" },
    { "[\"@\\u0000\"]", "element 0" },
    { "[\"@a\\u007f\"]", "element 0" },
    { "[\"@a\\u0085\"]", "element 0" },
    { "[\"@a\\ud800\"]", "element 0" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (parse (cases[i].to, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, "\"to\""));
      g_assert_nonnull (strstr (error->message, cases[i].named));
    }
}

static void
refuses_to_that_is_absent (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sb_address_list_parse ((SbSlice) { NULL, 0 }, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
}

static void
takes_names_of_256_bytes_and_no_more (void)
{
  g_autofree char *name = g_strnfill (SB_ADDRESS_MAX_NAME, 'x');
  g_autofree char *longest = g_strdup_printf ("\"@%s\"", name);
  g_autofree char *longer = g_strdup_printf ("\"@%sx\"", name);
  g_autoptr (SbAddressList) list = parse (longest, NULL);

  g_assert_cmpstr (list->items[0].name, ==, name);
  g_assert_null (parse (longer, NULL));
}

static void
takes_10000_addresses_and_no_more (void)
{
  g_autoptr (GString) json = g_string_new ("[\"@x\"");
  g_autoptr (SbAddressList) list = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 1; i < SB_ADDRESS_MAX_COUNT; i++)
    g_string_append_printf (json, ",\"#t%u\"", i);
  g_string_append_c (json, ']');
  list = parse (json->str, NULL);
  g_assert_cmpuint (list->length, ==, SB_ADDRESS_MAX_COUNT);
  g_assert_cmpstr (list->items[9999].name, ==, "t9999");

  g_string_truncate (json, json->len - 1);
  g_string_append (json, ",\"@y\"]");
  g_assert_null (parse (json->str, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_TOO_LARGE);
}

static void
writes_addresses_as_they_are_read (void)
{
  g_autoptr (SbAddressList) list = parse ("[\"@a\",\"#b\",\"c\",\"$all\"]", NULL);
  static const char *const written[] = { "@a", "#b", "#c", "$all" };

  for (guint i = 0; i < G_N_ELEMENTS (written); i++)
    {
      g_autofree char *address = sb_address_to_string (&list->items[i]);

      g_assert_cmpstr (address, ==, written[i]);
    }
}

static void
outlives_the_frame_and_all_but_the_last_reference (void)
{
  g_autofree char *json = g_strdup ("[\"@first\",\"#second\"]");
  g_autoptr (SbAddressList) list = parse (json, NULL);
  SbAddressList *copy = g_boxed_copy (SB_TYPE_ADDRESS_LIST, list);

  memset (json, 'x', strlen (json));
  g_assert_true (copy == list);
  g_boxed_free (SB_TYPE_ADDRESS_LIST, copy);
  g_assert_cmpstr (list->items[0].name, ==, "first");
  g_assert_cmpstr (list->items[1].name, ==, "second");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(path, test) g_test_add_func ("/address/" path, test)
  ADD ("reads-every-way-to-write-an-address", reads_every_way_to_write_an_address);
  ADD ("refuses-the-rest-and-names-the-element", refuses_the_rest_and_names_the_element);
  ADD ("refuses-to-that-is-absent", refuses_to_that_is_absent);
  ADD ("takes-names-of-256-bytes-and-no-more", takes_names_of_256_bytes_and_no_more);
  ADD ("takes-10000-addresses-and-no-more", takes_10000_addresses_and_no_more);
  ADD ("writes-addresses-as-they-are-read", writes_addresses_as_they_are_read);
  ADD ("outlives-the-frame-and-all-but-the-last-reference",
       outlives_the_frame_and_all_but_the_last_reference);
#undef ADD
  return g_test_run ();
}

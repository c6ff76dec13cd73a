/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-user-import: tables of users, as people and office programs write them. */

#include "sb-error.h"
#include "sb-test.h"
#include "sb-user-import.h"

#include <string.h>

static SbUserImport *
read_table (const char *csv)
{
  g_autoptr (GError) error = NULL;
  SbUserImport *import = sb_user_import_parse_table (csv, strlen (csv), 1, &error);

  g_assert_no_error (error);
  return import;
}

/* "row:id/password/tags/admin/properties …" of the users, and "row!" of each fault. */
static char *
describe (const SbUserImport *import)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < import->changes->len; i++)
    {
      const SbUserChange *change = g_ptr_array_index (import->changes, i);
      g_autofree char *tags = change->tags != NULL ? g_strjoinv ("+", change->tags) : NULL;

      g_string_append_printf (
          text, "%u:%s/%s/%s/%s/%s ", g_array_index (import->rows, guint, i), change->id,
          change->password != NULL ? change->password : "-", tags != NULL ? tags : "-",
          !change->has_admin ? "-"
          : change->admin    ? "yes"
                             : "no",
          change->connection_properties != NULL ? change->connection_properties : "-");
    }
  for (guint i = 0; i < import->faults->len; i++)
    g_string_append_printf (text, "%u! ",
                            ((const SbUserFault *) g_ptr_array_index (import->faults, i))->row);
  return g_string_free (text, FALSE);
}

static void
tables_are_read (void)
{
  static const struct
  {
    const char *csv, *wanted;
  } cases[] = {
    { "id\na\nb\n", "2:a/-/-/-/- 3:b/-/-/-/- " },
    { "id,password\na,p", "2:a/p/-/-/- " },
    { "\xef\xbb\xbfID;Password;Tags\r\na;p,q;x y|#z\r\n", "2:a/p,q/x+y+z/-/- " },
    { "_id,admin\na,TRUE\nb,0\nc,\nd,maybe\n", "2:a/-/-/yes/- 3:b/-/-/no/- 4:c/-/-/-/- 5! " },
    { "id,url\na,http://e/x\nb,nonsense\n",
      "2:a/-/-/-/{\"type\":\"http\",\"url\":\"http://e/x\"} 3! " },
    { "id,password\n\"a\",\"p\"\"q,\r\nr\"\nb,s\n", "2:a/p\"q,\r\nr/-/-/- 3:b/s/-/-/- " },
    { "id,password\n\n a , p \n\n", "3:a/p/-/-/- " },
    { "id,password\n\"a\"x,p\nb,q\n", "3:b/q/-/-/- 2! " },
    { "id,password\nb,q\n\"a,p\n", "2:b/q/-/-/- 3! " },
    { "id,password\na,p,more\nb\n", "3:b/-/-/-/- 2! " },
    { "password,id\np,Ж\n,\n", "2:Ж/p/-/-/- 3! " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbUserImport) import = read_table (cases[i].csv);
      g_autofree char *found = describe (import);

      g_assert_cmpstr (found, ==, cases[i].wanted);
    }
}

static void
what_is_no_table_is_refused (void)
{
  static const char *const bad[] = {
    "",           "\n",        "id\n",         "password\na\n", "id,id\na,b\n", "id,colour\na,b\n",
    "id\n\xff\n", "\"id\na\n", "\xef\xbb\xbf", ",\na,b\n",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (sb_user_import_parse_table (bad[i], strlen (bad[i]), 1, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

static void
every_fault_of_a_list_has_its_row (void)
{
  static const char json[] = "[{\"_id\":\"a\"},1,{\"_id\":\"b\",\"admin\":1},{\"_id\":\"c\"}]";
  g_autoptr (GError) error = NULL;
  g_autoptr (SbUserImport) import = sb_user_import_parse_list (json, strlen (json), 1, &error);
  g_autofree char *found = NULL;

  g_assert_no_error (error);
  found = describe (import);
  g_assert_cmpstr (found, ==, "1:a/-/-/-/- 4:c/-/-/-/- 2! 3! ");
}

static void
too_much_is_refused (void)
{
  g_autoptr (GString) csv = g_string_new ("id\n");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 10001; i++)
    g_string_append_printf (csv, "u%u\n", i);
  g_assert_null (sb_user_import_parse_table (csv->str, csv->len, 1, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_TOO_LARGE);
}

static void
faults_are_bounded (void)
{
  g_autoptr (GString) csv = g_string_new ("id\n");
  g_autoptr (SbUserImport) import = NULL;

  for (guint i = 0; i < 5000; i++)
    g_string_append (csv, "a,b\n");
  import = read_table (csv->str);
  g_assert_cmpuint (import->n_faults, ==, 5000);
  g_assert_cmpuint (import->faults->len, ==, 1000);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/user-import/" name, func)
  ADD ("tables-are-read", tables_are_read);
  ADD ("what-is-no-table-is-refused", what_is_no_table_is_refused);
  ADD ("every-fault-of-a-list-has-its-row", every_fault_of_a_list_has_its_row);
  ADD ("too-much-is-refused", too_much_is_refused);
  ADD ("faults-are-bounded", faults_are_bounded);
#undef ADD
  return g_test_run ();
}

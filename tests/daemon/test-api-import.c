/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api-import: many users from a list or a table, all or none. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define PATH "/api/v1/users/import"

static SbTestAnswer *
import (SbTestHttp *client, const char *query, const char *type, const char *body)
{
  const char *const headers[] = { "Content-Type", type, NULL };
  g_autofree char *path = g_strconcat (PATH, query, NULL);

  return sb_test_http_send (client, "POST", path, headers, body, -1);
}

static void
assert_outcome (SbTestAnswer *answer, const char *made, const char *changed, guint n_faults)
{
  JsonObject *object;
  g_autofree char *new_ones = NULL;
  g_autofree char *old_ones = NULL;

  sb_test_assert_status (answer, 200);
  object = sb_test_answer_object (answer);
  new_ones = sb_test_json_strings (object, "made");
  old_ones = sb_test_json_strings (object, "changed");
  g_assert_cmpstr (new_ones, ==, made);
  g_assert_cmpstr (old_ones, ==, changed);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (object, "faults")), ==,
                    n_faults);
}

static guint
get_status (SbTestHttp *client, const char *path)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);

  return answer->status;
}

static void
a_table_makes_and_changes_users (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  const char *csv = "\xef\xbb\xbfid;password;tags;admin\r\ndave;\"d;pw\";x|y;\r\n"
                    "bob;;sales;\r\ncarol;;orders news;\r\n";
  g_autoptr (SbTestAnswer) check = import (bus->admin, "?check=1", "text/csv; charset=utf-8", csv);
  guint before = get_status (bus->admin, "/api/v1/users/dave");
  g_autoptr (SbTestAnswer) done = import (bus->admin, "", "text/csv", csv);
  g_autoptr (SbTestHttp) dave = sb_test_http_for (bus->daemon, "dave", "d;pw");
  g_autofree char *log = NULL;

  assert_outcome (check, "dave", "bob", 0);
  g_assert_cmpuint (before, ==, 404);
  assert_outcome (done, "dave", "bob", 0);
  g_assert_cmpuint (get_status (dave, "/get"), ==, 200);
  g_assert_cmpuint (get_status (bus->bob, "/get"), ==, 200);
  log = sb_test_daemon_dup_log (bus->daemon);
  g_assert_nonnull (strstr (log, "admin made the user dave"));
  g_assert_null (strstr (log, "d;pw"));
}

static void
a_list_does_as_well (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) done = import (
      bus->admin, "", "application/json",
      "[{\"_id\":\"dave\",\"password\":\"p\"},{\"_id\":\"bob\",\"ttl\":60}]");

  assert_outcome (done, "dave", "bob", 0);
  g_assert_cmpuint (get_status (bus->admin, "/api/v1/users/dave"), ==, 200);
}

static void
one_wrong_row_refuses_all (void)
{
  static const char *const tables[] = {
    "id,password\ndave,p\neve,\n",
    "id,password\ndave,p\ndave,q\n",
    "id,password,admin\ndave,p,maybe\n",
    "id,password,admin\ndave,p,\nadmin,,no\n",
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      g_autoptr (SbTestAnswer) check = import (bus->admin, "?check=1", "text/csv", tables[i]);
      g_autoptr (SbTestAnswer) refused = import (bus->admin, "", "text/csv", tables[i]);

      g_test_message ("%s", tables[i]);
      sb_test_assert_status (check, 200);
      g_assert_cmpuint (json_array_get_length (
                            json_object_get_array_member (sb_test_answer_object (check), "faults")),
                        ==, 1);
      sb_test_assert_problem (refused, 400, "invalid");
      g_assert_cmpuint (get_status (bus->admin, "/api/v1/users/dave"), ==, 404);
    }
}

static void
faults_have_their_rows (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) answer = import (bus->admin, "?check=1", "text/csv",
                                            "id,password\n\na b\x01,p\neve,\n");
  JsonArray *faults;

  assert_outcome (answer, "", "", 2);
  faults = json_object_get_array_member (sb_test_answer_object (answer), "faults");
  g_assert_cmpint (sb_test_json_int (json_array_get_object_element (faults, 0), "row"), ==, 3);
  g_assert_cmpint (sb_test_json_int (json_array_get_object_element (faults, 1), "row"), ==, 4);
}

static void
bodies_that_are_none_are_refused (void)
{
  static const struct
  {
    const char *type, *body;
    guint status;
  } bad[] = {
    { "application/json", "", 400 },
    { "application/json", "{}", 400 },
    { "application/json", "[]", 400 },
    { "application/json", "[{\"_id\":\"x\"}", 400 },
    { "text/csv", "", 400 },
    { "text/csv", "name\nx\n", 400 },
    { "text/csv", "id\n\xff\n", 400 },
    { "text/html", "id\nx\n", 415 },
    { "application/json", "[{\"_id\":\"x\",\"password\":\"p\",\"password_hash\":\"h\"}]", 400 },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *large = g_strnfill (4 * 1024 * 1024 + 1, 'x');
  g_autoptr (SbTestAnswer) too_large = import (bus->admin, "", "text/csv", large);
  g_autoptr (SbTestAnswer) odd = import (bus->admin, "?check=2", "text/csv", "id\nbob\n");

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (SbTestAnswer) answer = import (bus->admin, "", bad[i].type, bad[i].body);

      g_test_message ("%s", bad[i].body);
      sb_test_assert_status (answer, bad[i].status);
    }
  sb_test_assert_problem (too_large, 413, "too-large");
  sb_test_assert_problem (odd, 400, "invalid");
}

static void
only_admins_import (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.open-user-management=true", NULL);
  g_autoptr (SbTestAnswer) answer = import (bus->alice, "", "text/csv", "id,password\nx,p\n");

  sb_test_assert_problem (answer, 403, "forbidden");
  g_assert_cmpuint (get_status (bus->admin, "/api/v1/users/x"), ==, 404);
}

static void
there_are_so_many_users_at_most (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-users=5", NULL);
  g_autoptr (SbTestAnswer) answer = import (bus->admin, "?check=1", "text/csv",
                                            "id,password\nx,p\ny,p\n");

  assert_outcome (answer, "x,y", "", 1);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/import/" name, func)
  ADD ("a-table-makes-and-changes-users", a_table_makes_and_changes_users);
  ADD ("a-list-does-as-well", a_list_does_as_well);
  ADD ("one-wrong-row-refuses-all", one_wrong_row_refuses_all);
  ADD ("faults-have-their-rows", faults_have_their_rows);
  ADD ("bodies-that-are-none-are-refused", bodies_that_are_none_are_refused);
  ADD ("only-admins-do-it", only_admins_import);
  ADD ("there-are-so-many-users-at-most", there_are_so_many_users_at_most);
#undef ADD
  return g_test_run ();
}

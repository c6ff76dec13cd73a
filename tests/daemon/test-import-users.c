/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-import-users: `simplebusd --import-users`: the users of the original bus log in here with
 * the passwords that they have.
 */

#include "sb-test-http.h"
#include "sb-test-ws.h"
#include "sb-test.h"
#include "tool.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

/* "secret", as the original has it by default, and with a newer library. */
#define PBKDF2_HASH                        \
  "pbkdf2:sha256:260000$mh9mC7KUyigUdlFh$" \
  "5eeecd39d067740725f09afd5c89852c3f07da1334a797c4e957978b0e961e7f"
#define SCRYPT_HASH                                                  \
  "scrypt:32768:8:1$aBcDeFgHiJkLmNoP$"                               \
  "3bd70b2724c3d27a0b207b1388631a778cf91927279c3efe437d5c4c7747139c" \
  "f5cf0cf23a66bbdfc1e148d58ebecaec875e0ec74acb44aca2bd99c9c448c909"
/* "пароль" */
#define OTHER_HASH \
  "pbkdf2:sha256:1000$salt$223285127a21306d553fc9afe3d025edf1cc042ca32337166829f4b6cbacf061"

#define BOSS "{\"_id\":\"boss\",\"password\":\"boss-pw\",\"admin\":true}"
#define USERS                                                                                \
  "[" BOSS ",{\"_id\":\"dev1\",\"password_hash\":\"" PBKDF2_HASH "\",\"tags\":\"#orders\"}," \
  "{\"_id\":\"dev2\",\"password_hash\":\"" SCRYPT_HASH "\","                                 \
  "\"connection_properties\":{\"type\":\"web_socket\"}},"                                    \
  "{\"_id\":\"erp\",\"password_hash\":\"" OTHER_HASH "\",\"tags\":[\"a\",\"b\"]}]"

static ToolResult
import (SbTestDaemon *bus, const char *json)
{
  return tool_run_on (bus, "--import-users", "-", json, -1);
}

static SbTestDaemon *
import_good (const char *json)
{
  SbTestDaemon *bus = sb_test_daemon_new ();
  g_auto (ToolResult) result = import (bus, json);

  if (result.status != 0)
    g_error ("%s", result.errors);
  return bus;
}

static void
assert_contains (const char *text, const char *part)
{
  if (strstr (text, part) == NULL)
    g_error ("\"%s\" is not in: %s", part, text);
}

static void
assert_logs_in (SbTestDaemon *bus, const char *user, const char *password, guint status)
{
  g_autoptr (SbTestHttp) client = sb_test_http_for (bus, user, password);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, "/get");

  sb_test_assert_status (answer, status);
}

/* Of a bus that does not run. Returns: (transfer full): all users, a line each. */
static char *
read_store (SbTestDaemon *bus)
{
  g_autofree char *path = g_build_filename (sb_test_daemon_get_data_dir (bus), "simplebus.db",
                                            NULL);
  GString *lines = g_string_new (NULL);
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;

  g_assert_cmpint (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, "SELECT * FROM user ORDER BY id", -1, &statement, NULL),
                   ==, SQLITE_OK);
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      for (int i = 0; i < sqlite3_column_count (statement); i++)
        g_string_append_printf (lines, "%s|", (const char *) sqlite3_column_text (statement, i));
      g_string_append_c (lines, '\n');
    }
  sqlite3_finalize (statement);
  sqlite3_close (db);
  return g_string_free (lines, FALSE);
}

static void
assert_store (SbTestDaemon *bus, const char *part, gboolean is_there)
{
  g_autofree char *lines = read_store (bus);

  if ((strstr (lines, part) != NULL) != is_there)
    g_error ("\"%s\" %s in: %s", part, is_there ? "is not" : "is", lines);
}

/* --- Users of the original --- */

static void
old_passwords_work_and_are_hashed_anew (void)
{
  g_autoptr (SbTestDaemon) bus = import_good (USERS);
  g_autoptr (SbTestWs) session = NULL;

  assert_store (bus, PBKDF2_HASH, TRUE);
  assert_store (bus, SCRYPT_HASH, TRUE);
  assert_store (bus, OTHER_HASH, TRUE);
  sb_test_daemon_start (bus);
  assert_logs_in (bus, "dev1", "wrong", 401);
  assert_logs_in (bus, "dev1", "secret", 200);
  assert_logs_in (bus, "erp", "пароль", 200);
  session = sb_test_ws_log_in (bus, "dev2", "secret");
  sb_test_daemon_terminate (bus);
  assert_store (bus, "pbkdf2:", FALSE);
  assert_store (bus, "scrypt:", FALSE);
  assert_store (bus, "dev1|$y$", TRUE);
  assert_store (bus, "dev2|$y$", TRUE);
  assert_store (bus, "erp|$y$", TRUE);
}

static void
the_new_hash_is_of_the_same_password (void)
{
  g_autoptr (SbTestDaemon) bus = import_good (USERS);

  sb_test_daemon_start (bus);
  assert_logs_in (bus, "dev1", "secret", 200);
  sb_test_daemon_kill (bus);
  assert_store (bus, "dev1|$y$", TRUE);
  sb_test_daemon_start (bus);
  assert_logs_in (bus, "dev1", "wrong", 401);
  assert_logs_in (bus, "dev1", "secret", 200);
}

/* What a device keeps from the log-in at which its hash was made anew. */
static void
sessions_and_tokens_stay (void)
{
  g_autoptr (SbTestDaemon) bus = import_good (USERS);
  g_autoptr (SbTestWs) session = NULL;
  g_autoptr (SbTestWs) again = NULL;
  g_autoptr (SbTestFrame) frame = NULL;

  sb_test_daemon_start (bus);
  session = sb_test_ws_log_in (bus, "dev1", "secret");
  assert_logs_in (bus, "dev1", "secret", 200);
  sb_test_ws_sync (session);
  g_assert_true (sb_test_ws_is_open (session));
  again = sb_test_ws_open (sb_test_daemon_get_ws_port (bus), "/");
  sb_test_ws_sendf (again,
                    "{\"type\":\"connect\",\"data\":\"dev1\",\"token\":\"%s\",\"hello\":true}",
                    sb_test_ws_get_token (session));
  frame = sb_test_ws_take_type (again, "connected");
  g_assert_nonnull (frame);
}

/* As after a restart: a crowd of old hashes, some of them at the same moment twice. */
static void
many_log_in_at_once (void)
{
  const guint n_users = 40;
  g_autoptr (GString) json = g_string_new ("[" BOSS);
  g_autoptr (SbTestDaemon) bus = NULL;
  g_autoptr (GPtrArray) clients = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sb_test_http_free);
  g_autoptr (GPtrArray) exchanges = g_ptr_array_new ();

  for (guint i = 0; i < n_users; i++)
    g_string_append_printf (json, ",{\"_id\":\"d%u\",\"password_hash\":\"" OTHER_HASH "\"}", i);
  g_string_append_c (json, ']');
  bus = import_good (json->str);
  sb_test_daemon_start (bus);
  for (guint i = 0; i < 2 * n_users; i++)
    {
      g_autofree char *id = g_strdup_printf ("d%u", i % n_users);
      SbTestHttp *client = sb_test_http_for (bus, id, "пароль");

      g_ptr_array_add (clients, client);
      g_ptr_array_add (exchanges, sb_test_http_begin (client, "GET", "/get", NULL, NULL, 0));
    }
  for (guint i = 0; i < exchanges->len; i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_end (exchanges->pdata[i]);

      sb_test_assert_status (answer, 200);
    }
  sb_test_daemon_terminate (bus);
  assert_store (bus, "pbkdf2:", FALSE);
}

static void
what_else_the_list_says_holds (void)
{
  g_autoptr (SbTestDaemon) bus = import_good (USERS);
  g_autoptr (SbTestHttp) boss = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_daemon_start (bus);
  boss = sb_test_http_for (bus, "boss", "boss-pw");
  sb_test_make_users (boss, "somebody", NULL);
  answer = sb_test_http_post (boss, "/put", "{\"to\":[\"#orders\",\"#b\"],\"message\":1}");
  sb_test_assert_status (answer, 200);
  g_assert_cmpint (sb_test_json_int (sb_test_answer_object (answer), "recipients"), ==, 2);
}

/* --- Again, and from where --- */

static void
a_second_import_changes_nothing (void)
{
  g_autoptr (SbTestDaemon) bus = import_good (USERS);
  g_autofree char *before = read_store (bus);
  g_autofree char *after = NULL;
  g_autofree char *renewed = NULL;
  g_autofree char *at_last = NULL;
  g_auto (ToolResult) second = import (bus, USERS);
  g_auto (ToolResult) third = { 0 };

  g_assert_cmpint (second.status, ==, 0);
  g_assert_cmpstr (second.errors, ==, "");
  assert_contains (second.output, "Users stored: 4, of them new: 0");
  after = read_store (bus);
  g_assert_cmpstr (before, ==, after);
  sb_test_daemon_start (bus);
  assert_logs_in (bus, "dev1", "secret", 200);
  sb_test_daemon_terminate (bus);
  renewed = read_store (bus);
  third = import (bus, USERS);
  g_assert_cmpint (third.status, ==, 0);
  at_last = read_store (bus);
  g_assert_cmpstr (renewed, ==, at_last);
}

static void
a_file_is_read_as_well (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (bus), "users.json", NULL);
  g_auto (ToolResult) result = { 0 };

  g_assert_true (g_file_set_contents (path, USERS, -1, NULL));
  result = tool_run_on (bus, "--import-users", path, "", 0);
  g_assert_cmpint (result.status, ==, 0);
  assert_contains (result.output, "Users stored: 4, of them new: 4");
  assert_contains (result.errors, "the bus made the admin boss");
  assert_contains (result.errors, "the bus made the user dev1");
  g_assert_null (strstr (result.errors, "pbkdf2"));
  g_assert_null (strstr (result.errors, "boss-pw"));
}

/* --- What is refused --- */

static void
there_must_be_an_admin (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_auto (ToolResult) none = import (bus, "[{\"_id\":\"u\",\"password\":\"p\"}]");
  g_auto (ToolResult) made = tool_run_on (bus, "--add-admin", "root", "geheim", -1);
  g_auto (ToolResult) good = import (bus, "[{\"_id\":\"u\",\"password\":\"p\"}]");
  g_auto (ToolResult) taken = import (bus, "[{\"_id\":\"root\",\"admin\":false}]");

  g_assert_cmpint (none.status, ==, 1);
  assert_contains (none.errors, "without an admin");
  assert_contains (none.errors, "\"admin\": true");
  assert_contains (none.errors, "--add-admin");
  g_assert_cmpint (made.status, ==, 0);
  g_assert_cmpint (good.status, ==, 0);
  g_assert_cmpint (taken.status, ==, 1);
  sb_test_daemon_start (bus);
  assert_logs_in (bus, "u", "p", 200);
}

static const struct
{
  const char *json;
  const char *why;
} bad[] = {
  { "", "" },
  { "{}", "not a list" },
  { "[]", "empty" },
  { "[" BOSS ",{\"_id\":\"u\"}]", "user 1: " },
  { "[" BOSS "," BOSS ",{\"_id\":\"u\",\"password_hash\":\"pbkdf2:sha256:9999999999$a$b\"}]",
    "user 2: the password hash has not between 1 and 5000000 iterations" },
  { "[" BOSS ",{\"_id\":\"u\",\"password_hash\":\"scrypt:1048576:8:1$a$b\"}]",
    "user 1: the password hash has no parameters of scrypt, or they take more than 64 MiB" },
  { "[" BOSS ",{\"_id\":\"u\",\"password_hash\":\"pbkdf2:sha256$a$b\"}]",
    "user 1: the password hash does not say how many iterations it has" },
  { "[" BOSS ",{\"_id\":\"u\",\"password\":\"" PBKDF2_HASH "\"}]",
    "user 1: \"password\" is a hash" },
  { "[" BOSS ",{\"_id\":\"a:b\",\"password_hash\":\"" PBKDF2_HASH "\"}]", "user 1: " },
  { "[" BOSS ",{\"_id\":\"u\",\"password_hash\":\"" PBKDF2_HASH "\"},]", "" },
};

static void
one_that_is_faulty_stops_them_all (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_autofree char *lines = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_auto (ToolResult) result = import (bus, bad[i].json);

      g_test_message ("%s", bad[i].json);
      g_assert_cmpint (result.status, ==, 1);
      assert_contains (result.errors, bad[i].why);
    }
  lines = read_store (bus);
  g_assert_cmpstr (lines, ==, "");
}

static void
a_file_that_cannot_be_read_is_named (void)
{
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (bus), "users.json", NULL);
  g_auto (ToolResult) missing = tool_run_on (bus, "--import-users", path, "", 0);
  g_auto (ToolResult) folder = tool_run_on (bus, "--import-users", sb_test_daemon_get_dir (bus), "",
                                            0);
  g_auto (ToolResult) endless = tool_run_on (bus, "--import-users", "/dev/zero", "", 0);

  g_assert_cmpint (missing.status, ==, 1);
  assert_contains (missing.errors, path);
  g_assert_cmpint (folder.status, ==, 1);
  g_assert_cmpint (endless.status, ==, 1);
  assert_contains (endless.errors, "larger than 64 MiB");
}

static void
a_running_bus_is_left_alone (void)
{
  g_autoptr (SbTestDaemon) bus = import_good (USERS);
  g_auto (ToolResult) result = { 0 };

  sb_test_daemon_start (bus);
  result = import (bus, "[{\"_id\":\"u\",\"password\":\"p\"}]");
  g_assert_cmpint (result.status, ==, 3);
  assert_contains (result.errors, "/put_users");
  assert_logs_in (bus, "u", "p", 401);
}

static void
over_http_hashes_are_refused (void)
{
  g_autoptr (SbTestDaemon) bus = import_good (USERS);
  g_autoptr (SbTestHttp) boss = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_daemon_start (bus);
  boss = sb_test_http_for (bus, "boss", "boss-pw");
  answer = sb_test_http_post (boss, "/put_users",
                              "[{\"_id\":\"u\",\"password_hash\":\"" PBKDF2_HASH "\"}]");
  sb_test_assert_problem (answer, 400, "invalid");
  assert_contains (answer->body, "--import-users");
}

/* --- The document --- */

/* Returns: (transfer full): the program of docs/moving.md that gets the users out. */
static char *
read_export_program (void)
{
  g_autofree char *path = g_build_filename (g_getenv ("SB_TEST_SOURCE_ROOT"), "docs/moving.md",
                                            NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  GString *program = g_string_new (NULL);
  char *begin;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  begin = strstr (text, "    python3 - admin erp >users.json <<'END'\n");
  g_assert_nonnull (begin);
  lines = g_strsplit (strchr (begin, '\n') + 1, "\n", -1);
  for (char **line = lines; !g_str_equal (*line, "    END"); line++)
    {
      g_assert_true (**line == '\0' || g_str_has_prefix (*line, "    "));
      g_string_append_printf (program, "%s\n", **line == '\0' ? "" : *line + 4);
    }
  return g_string_free (program, FALSE);
}

/* Stands in for the database of the original, which has what it was given and more. */
static const char pelican[] = "class Users:\n"
                              "    def all(self):\n"
                              "        return [{'_id': 'admin', 'password': '" PBKDF2_HASH
                              "', '_version': 1},\n"
                              "                {'_id': 'erp', 'password': '" OTHER_HASH
                              "', 'tags': 'orders'},\n"
                              "                {'_id': 'dev', 'password': '" OTHER_HASH
                              "', 'tags': ['a', 'b'],\n"
                              "                 'connection_properties': {'type': 'web_socket'}},\n"
                              "                {'_id': 'bare', 'password': '" OTHER_HASH
                              "', 'tags': '',\n"
                              "                 'connection_properties': None}]\n"
                              "def Pelican(name, path):\n"
                              "    assert (name, path) == ('SimpleBusDB', '.')\n"
                              "    return {'users': Users()}\n";

static void
the_program_of_the_document_gets_users_out (void)
{
  static const char *const line[] = { "python3", "export.py", "admin", "erp", NULL };
  g_autoptr (SbTestDaemon) bus = sb_test_daemon_new ();
  const char *dir = sb_test_daemon_get_dir (bus);
  g_autofree char *program = read_export_program ();
  g_autofree char *program_path = g_build_filename (dir, "export.py", NULL);
  g_autofree char *module_path = g_build_filename (dir, "pelicandb.py", NULL);
  g_autofree char *json = NULL;
  g_auto (ToolResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (program_path, program, -1, NULL));
  g_assert_true (g_file_set_contents (module_path, pelican, -1, NULL));
  g_spawn_sync (dir, (char **) line, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &json, NULL, NULL,
                &error);
  g_assert_no_error (error);
  result = import (bus, json);
  g_assert_cmpint (result.status, ==, 0);
  assert_contains (result.output, "of them new: 4");
  assert_contains (result.errors, "the bus made the admin admin");
  assert_contains (result.errors, "the bus made the admin erp");
  assert_contains (result.errors, "the bus made the user dev");
  sb_test_daemon_start (bus);
  assert_logs_in (bus, "admin", "secret", 200);
  assert_logs_in (bus, "dev", "пароль", 200);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/import-users/old-passwords-work-and-are-hashed-anew",
                   old_passwords_work_and_are_hashed_anew);
  g_test_add_func ("/import-users/the-new-hash-is-of-the-same-password",
                   the_new_hash_is_of_the_same_password);
  g_test_add_func ("/import-users/sessions-and-tokens-stay", sessions_and_tokens_stay);
  g_test_add_func ("/import-users/many-log-in-at-once", many_log_in_at_once);
  g_test_add_func ("/import-users/what-else-the-list-says-holds", what_else_the_list_says_holds);
  g_test_add_func ("/import-users/a-second-import-changes-nothing",
                   a_second_import_changes_nothing);
  g_test_add_func ("/import-users/a-file-is-read-as-well", a_file_is_read_as_well);
  g_test_add_func ("/import-users/there-must-be-an-admin", there_must_be_an_admin);
  g_test_add_func ("/import-users/one-that-is-faulty-stops-them-all",
                   one_that_is_faulty_stops_them_all);
  g_test_add_func ("/import-users/a-file-that-cannot-be-read-is-named",
                   a_file_that_cannot_be_read_is_named);
  g_test_add_func ("/import-users/a-running-bus-is-left-alone", a_running_bus_is_left_alone);
  g_test_add_func ("/import-users/over-http-hashes-are-refused", over_http_hashes_are_refused);
  g_test_add_func ("/import-users/the-program-of-the-document-gets-users-out",
                   the_program_of_the_document_gets_users_out);
  return g_test_run ();
}

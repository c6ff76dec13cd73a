/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-backup: `GET /api/v1/backup` from a bus that has other things to do. */

#include "backup.h"
#include "sb-test-file.h"
#include "sb-test-raw.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

/* What no buffer of the kernel takes, nor a client before it is stopped. */
#define BIG (16 * 1024 * 1024)

#define N_BEFORE 200
#define N_FILES 8

static SbTestSite *
site_new (void)
{
  return sb_test_site_new ("bus.store=sqlite", NULL);
}

/* A bus on a restored folder, with clients of the same users. */
static SbTestSite *
site_new_restored (const char *path)
{
  SbTestSite *self = g_new0 (SbTestSite, 1);

  self->daemon = sb_test_daemon_new ();
  backup_restore (self->daemon, path);
  sb_test_daemon_start (self->daemon);
  self->admin = sb_test_http_for (self->daemon, SB_TEST_ADMIN, SB_TEST_ADMIN_PASSWORD);
  self->alice = sb_test_http_as (self->daemon, "alice");
  self->bob = sb_test_http_as (self->daemon, "bob");
  self->carol = sb_test_http_as (self->daemon, "carol");
  return self;
}

static void
put (SbTestHttp *client, const char *id, const char *to)
{
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"%s\",\"message\":1.10}", id,
                                           to);

  g_free (sb_test_put (client, json));
}

static char *
put_file (SbTestHttp *client, const char *id, const char *to, gsize length)
{
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"%s\",\"message\":1}", id, to);
  g_autofree char *data = sb_test_make_bytes (length, g_str_hash (id));

  return sb_test_put_file (client, json, "a.bin", data, length);
}

static void
assert_file (SbTestHttp *client, const char *path, const char *id, gsize length)
{
  g_autofree char *data = sb_test_make_bytes (length, g_str_hash (id));
  g_autoptr (SbTestAnswer) answer = sb_test_download (client, path, NULL);

  sb_test_assert_status (answer, 200);
  g_assert_cmpmem (answer->body, answer->length, data, length);
}

static gboolean
has_backup_folder (SbTestDaemon *daemon)
{
  g_autofree char *path = g_build_filename (sb_test_daemon_get_data_dir (daemon), "backup", NULL);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* What is in it */

static void
what_was_accepted_is_in_it (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *file = put_file (bus->alice, "f-1", "@bob", 100000);
  g_autofree char *path = NULL;
  g_autoptr (SbTestSite) copy = NULL;
  g_autoptr (SbTestWs) session = NULL;

  put (bus->alice, "m-1", "@bob");
  put (bus->alice, "m-2", "@bob");
  path = backup_fetch (bus->daemon, "a.tar");
  put (bus->alice, "m-3", "@bob");
  g_assert_false (has_backup_folder (bus->daemon));

  copy = site_new_restored (path);
  assert_file (copy->bob, file, "f-1", 100000);
  session = sb_test_ws_log_in_as (copy->daemon, "bob", NULL);
  sb_test_frame_free (sb_test_ws_take_id (session, "f-1"));
  sb_test_frame_free (sb_test_ws_take_id (session, "m-1"));
  sb_test_frame_free (sb_test_ws_take_id (session, "m-2"));
  sb_test_ws_assert_nothing (session);
}

static void
tokens_stay_good (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autoptr (SbTestWs) before = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *token = g_strdup (sb_test_ws_get_token (before));
  g_autofree char *path = backup_fetch (bus->daemon, "a.tar");
  g_autoptr (SbTestSite) copy = site_new_restored (path);
  g_autoptr (SbTestWs) after = sb_test_ws_open (sb_test_daemon_get_ws_port (copy->daemon), "/");

  sb_test_ws_sendf (
      after, "{\"type\":\"connect\",\"data\":\"bob\",\"token\":\"%s\",\"hello\":true}", token);
  sb_test_frame_free (sb_test_ws_take_type (after, "connected"));
}

static void
an_id_that_was_used_stays_used (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *path = NULL;
  g_autoptr (SbTestSite) copy = NULL;
  g_autoptr (SbTestAnswer) again = NULL;

  put (bus->alice, "m-1", "@bob");
  path = backup_fetch (bus->daemon, "a.tar");
  copy = site_new_restored (path);
  again = sb_test_http_post (copy->alice, "/put",
                             "{\"_id\":\"m-1\",\"to\":\"@bob\",\"message\":1}");
  sb_test_assert_status (again, 200);
  g_assert_true (sb_test_json_bool (sb_test_answer_object (again), "duplicate"));
}

/* Everything goes on while it is made: for bob, who confirms; with files that come and go. */
typedef struct
{
  SbTestSite *bus;
  SbTestExchange *backup;
  GQueue files; /* of char (owned): paths of bob's */
  guint n_sent;
} Load;

static void
put_numbered (SbTestHttp *client, const char *prefix, guint n, const char *to)
{
  g_autofree char *id = g_strdup_printf ("%s-%u", prefix, n);

  put (client, id, to);
}

static void
add_load (Load *self)
{
  g_autofree char *id = g_strdup_printf ("load-%u", self->n_sent);
  g_autofree char *oldest = NULL;

  put_numbered (self->bus->alice, "after", self->n_sent, "@carol");
  put_numbered (self->bus->alice, "bob", self->n_sent, "@bob");
  g_queue_push_tail (&self->files, put_file (self->bus->alice, id, "@bob", 20000));
  oldest = g_queue_pop_head (&self->files);
  g_assert_cmpuint (sb_test_release (self->bus->bob, oldest), ==, 200);
  self->n_sent++;
}

static char *
back_up_under_load (SbTestSite *bus)
{
  Load load = { .bus = bus };
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (bus->daemon), "a.tar", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_ws_set_auto_confirm (bob, TRUE);
  for (guint i = 0; i < N_FILES; i++)
    {
      g_autofree char *id = g_strdup_printf ("early-%u", i);

      g_queue_push_tail (&load.files, put_file (bus->alice, id, "@bob", 20000));
    }
  load.backup = sb_test_http_begin (bus->admin, "GET", "/api/v1/backup", NULL, NULL, 0);
  do
    add_load (&load);
  while (!sb_test_http_is_done (load.backup));
  answer = sb_test_http_end (load.backup);
  sb_test_assert_status (answer, 200);
  g_assert_true (g_file_set_contents (path, answer->body, (gssize) answer->length, NULL));
  g_queue_clear_full (&load.files, g_free);
  return g_steal_pointer (&path);
}

static void
assert_next (SbTestWs *session, const char *prefix, guint n)
{
  g_autofree char *id = g_strdup_printf ("%s-%u", prefix, n);
  g_autofree char *got = sb_test_ws_take_and_confirm (session);

  g_assert_cmpstr (got, ==, id);
}

/* Returns: whether another one of carol's has come. */
static gboolean
take_later (SbTestWs *session, guint n)
{
  sb_test_ws_sync (session);
  if (sb_test_ws_get_n_frames (session) == 0)
    return FALSE;
  assert_next (session, "after", n);
  return TRUE;
}

static guint
check_bobs_files (SbTestSite *copy)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (copy->bob, "/get?limit=64");
  JsonArray *all = json_node_get_array (answer->json);
  guint n = 0;

  for (guint i = 0; i < json_array_get_length (all); i++)
    {
      JsonObject *message = json_array_get_object_element (all, i);
      g_autofree char *path = NULL;

      if (!json_object_has_member (message, "filename"))
        continue;
      path = g_strconcat ("/download/", sb_test_json_string (message, "filename"), NULL);
      assert_file (copy->bob, path, sb_test_json_string (message, "_id"), 20000);
      n++;
    }
  return n;
}

static guint
count_files_of (const char *path)
{
  g_autofree char *manifest = backup_read_member (path, "manifest.json");
  guint n = 0;

  g_assert_nonnull (strstr (manifest, "\"missing\":[]"));
  for (const char *p = manifest; (p = strstr (p, "\"files/")) != NULL; p++)
    n++;
  return n;
}

static void
it_is_of_one_moment_under_load (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *big = put_file (bus->alice, "big", "@carol", BIG);
  g_autofree char *path = NULL;
  g_autoptr (SbTestSite) copy = NULL;
  g_autoptr (SbTestWs) carol = NULL;
  guint n_later = 0;

  for (guint i = 0; i < N_BEFORE; i++)
    put_numbered (bus->alice, "before", i, "@carol");
  path = back_up_under_load (bus);
  copy = site_new_restored (path);
  assert_file (copy->carol, big, "big", BIG);
  carol = sb_test_ws_log_in_as (copy->daemon, "carol", NULL);
  g_free (sb_test_ws_take_and_confirm (carol)); /* big */
  for (guint i = 0; i < N_BEFORE; i++)
    assert_next (carol, "before", i);
  while (take_later (carol, n_later))
    n_later++;
  g_assert_cmpuint (sb_test_count_files (copy->daemon), ==, count_files_of (path));
  /* Those that he knows of are not brought again. */
  g_assert_cmpuint (check_bobs_files (copy), <=, count_files_of (path));
}

/* Files */

static void
a_file_that_goes_meanwhile_is_in_it (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *file = put_file (bus->alice, "f-1", "@bob", BIG);
  g_autoptr (BackupClient) client = backup_client_new (bus->daemon, "a.tar");
  g_autoptr (SbTestSite) copy = NULL;

  backup_client_stop (client);
  g_assert_cmpuint (sb_test_release (bus->bob, file), ==, 200);
  g_assert_cmpuint (sb_test_count_files (bus->daemon), ==, 1);
  backup_client_go_on (client);
  g_assert_cmpint (backup_client_wait (client), ==, 0);
  sb_test_wait_files (bus->daemon, 0);

  copy = site_new_restored (client->path);
  assert_file (copy->bob, file, "f-1", BIG);
}

static void
a_file_that_comes_meanwhile_may_go_meanwhile (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *file = put_file (bus->alice, "f-1", "@bob", BIG);
  g_autoptr (BackupClient) client = backup_client_new (bus->daemon, "a.tar");
  g_autofree char *later = NULL;

  backup_client_stop (client);
  later = put_file (bus->alice, "f-2", "@bob", 1000);
  g_assert_cmpuint (sb_test_count_files (bus->daemon), ==, 2);
  g_assert_cmpuint (sb_test_release (bus->bob, later), ==, 200);
  sb_test_wait_files (bus->daemon, 1);
}

static void
a_damaged_file_does_not_prevent_it (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *kept = put_file (bus->alice, "f-1", "@carol", 1000);
  g_autofree char *kept_on_disk = sb_test_find_file (bus->daemon);
  g_autofree char *other = put_file (bus->alice, "f-2", "@carol", 1000);
  g_autofree char *path = NULL;
  g_autofree char *seal = NULL;
  g_autofree char *zeros = g_malloc0 (1000);
  g_autoptr (SbTestSite) copy = NULL;
  g_autoptr (SbTestAnswer) damaged = NULL;

  g_assert_true (g_file_set_contents (kept_on_disk, zeros, 1000, NULL));
  path = backup_fetch (bus->daemon, "a.tar");
  seal = backup_read_member (path, "end.json");
  g_assert_nonnull (strstr (seal, "\"damaged\":[\"files/"));
  copy = site_new_restored (path);
  assert_file (copy->carol, other, "f-2", 1000);
  damaged = sb_test_download (copy->carol, kept, NULL);
  g_assert_cmpuint (damaged->status, >=, 400);
}

static void
a_missing_file_does_not_prevent_it (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *file = put_file (bus->alice, "f-1", "@carol", 1000);
  g_autofree char *on_disk = sb_test_find_file (bus->daemon);
  g_autofree char *path = NULL;
  g_autofree char *manifest = NULL;
  g_autoptr (SbTestSite) copy = NULL;

  g_assert_no_errno (g_unlink (on_disk));
  path = backup_fetch (bus->daemon, "a.tar");
  manifest = backup_read_member (path, "manifest.json");
  g_assert_nonnull (strstr (manifest, "\"missing\":[\"files/"));
  copy = site_new_restored (path);
  sb_test_daemon_wait_log (copy->daemon, "is missing");
}

/* Who may, and when */

static void
it_is_for_admins (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) user = sb_test_http_get (bus->bob, "/api/v1/backup");
  g_autoptr (SbTestAnswer) nobody = sb_test_http_get (stranger, "/api/v1/backup");

  sb_test_assert_problem (user, 403, "forbidden");
  sb_test_assert_status (nobody, 401);
}

static void
another_site_cannot_begin_one (void)
{
  static const char *const headers[] = { "Sec-Fetch-Site", "cross-site", NULL };
  g_autoptr (SbTestSite) bus = site_new ();
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (bus->admin, "GET", "/api/v1/backup", headers,
                                                       NULL, 0);

  sb_test_assert_problem (answer, 403, "forbidden");
}

static void
only_get_begins_one (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autoptr (SbTestAnswer) head = sb_test_http_send (bus->admin, "HEAD", "/api/v1/backup", NULL,
                                                     NULL, 0);
  g_autoptr (SbTestAnswer) post = sb_test_http_post (bus->admin, "/api/v1/backup", "{}");

  sb_test_assert_status (head, 405);
  sb_test_assert_status (post, 405);
}

/* The user is admin, the password secret. */
static void
http_1_0_is_refused (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *answer = NULL;

  sb_test_raw_send (raw, "GET /api/v1/backup HTTP/1.0\r\nHost: h\r\n"
                         "Authorization: Basic YWRtaW46c2VjcmV0\r\n\r\n");
  answer = sb_test_raw_read_all (raw);
  g_assert_nonnull (strstr (answer, " 505 "));
}

static void
a_store_without_snapshots_is_not_backed_up (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=memory", NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->admin, "/api/v1/backup");
  g_autoptr (SbTestAnswer) again = sb_test_http_get (bus->admin, "/api/v1/backup");

  sb_test_assert_problem (answer, 501, "unsupported");
  sb_test_assert_problem (again, 501, "unsupported");
}

static void
there_is_one_at_a_time (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *file = put_file (bus->alice, "f-1", "@bob", BIG);
  g_autoptr (BackupClient) client = backup_client_new (bus->daemon, "a.tar");
  g_autoptr (SbTestAnswer) second = NULL;
  g_autofree char *third = NULL;

  backup_client_stop (client);
  second = sb_test_http_get (bus->admin, "/api/v1/backup");
  sb_test_assert_problem (second, 409, "conflict");
  g_assert_nonnull (sb_test_answer_header (second, "Retry-After"));
  backup_client_go_on (client);
  g_assert_cmpint (backup_client_wait (client), ==, 0);
  third = backup_fetch (bus->daemon, "b.tar");
  g_assert_true (backup_is_whole (third));
}

static void
it_needs_room_on_the_disk (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_daemon_set (bus->daemon, "bus.disk-reserve=1000T");
  sb_test_site_restart (bus);
  answer = sb_test_http_get (bus->admin, "/api/v1/backup");
  sb_test_assert_problem (answer, 507, "no-space");
}

/* Clients that stop, and a bus that does */

static gboolean
has_failed (gpointer admin)
{
  return sb_test_get_metric (admin, "simplebus_backups_total{outcome=\"failed\"}") == 1;
}

static void
a_client_that_takes_nothing_holds_up_nobody (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *file = put_file (bus->alice, "f-1", "@bob", BIG);
  g_autofree char *again = NULL;

  {
    g_autoptr (BackupClient) client = backup_client_new (bus->daemon, "a.tar");

    backup_client_stop (client);
    for (guint i = 0; i < 50; i++)
      put_numbered (bus->alice, "m", i, "@bob");
    g_assert_cmpuint (sb_test_release (bus->bob, file), ==, 200);
    g_assert_cmpuint (sb_test_count_files (bus->daemon), ==, 1);
  }
  /* It is gone now. */
  sb_test_poll_for (has_failed, bus->admin, "the end of the backup");
  sb_test_wait_files (bus->daemon, 0);
  g_assert_false (has_backup_folder (bus->daemon));
  again = backup_fetch (bus->daemon, "b.tar");
  g_assert_true (backup_is_whole (again));
}

static void
a_bus_that_stops_breaks_it_off_visibly (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *file = put_file (bus->alice, "f-1", "@bob", BIG);
  g_autoptr (BackupClient) client = backup_client_new (bus->daemon, "a.tar");

  backup_client_stop (client);
  sb_test_daemon_signal (bus->daemon, SIGTERM);
  sb_test_daemon_wait_stopped (bus->daemon);
  backup_client_go_on (client);
  g_assert_cmpint (backup_client_wait (client), !=, 0);
  g_assert_false (backup_is_whole (client->path));
}

static void
it_dies_at (gconstpointer point)
{
  SbTestDaemon *daemon = sb_test_daemon_new ();
  g_autoptr (SbTestSite) bus = NULL;
  g_autofree char *file = NULL;
  g_autofree char *again = NULL;

  sb_test_daemon_setenv (daemon, "SIMPLEBUS_FAULT_POINT", point);
  sb_test_daemon_start (daemon);
  bus = sb_test_site_new_for (daemon);
  file = put_file (bus->alice, "f-1", "@bob", 1000);
  {
    g_autoptr (BackupClient) client = backup_client_new (bus->daemon, "a.tar");

    g_assert_cmpint (backup_client_wait (client), !=, 0);
  }
  sb_test_daemon_kill (daemon);
  sb_test_daemon_setenv (daemon, "SIMPLEBUS_FAULT_POINT", "");
  sb_test_site_restart (bus);
  g_assert_false (has_backup_folder (daemon));
  assert_file (bus->bob, file, "f-1", 1000);
  again = backup_fetch (daemon, "b.tar");
  g_assert_true (backup_is_whole (again));
}

static void
it_is_in_the_log_and_in_the_metrics (void)
{
  g_autoptr (SbTestSite) bus = site_new ();
  g_autofree char *path = backup_fetch (bus->daemon, "a.tar");

  sb_test_daemon_wait_log (bus->daemon, "admin has downloaded a backup");
  g_assert_cmpfloat (
      sb_test_get_metric (bus->admin, "simplebus_backups_total{outcome=\"complete\"}"), ==, 1);
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, "simplebus_backup_last_seconds"), >, 1e9);
}

int
main (int argc, char *argv[])
{
  static const char *const points[] = { "backup-snapshot", "backup-begun", "backup-written" };

  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/backup/" name, func)
  ADD ("what-was-accepted-is-in-it", what_was_accepted_is_in_it);
  ADD ("tokens-stay-good", tokens_stay_good);
  ADD ("an-id-that-was-used-stays-used", an_id_that_was_used_stays_used);
  ADD ("it-is-of-one-moment-under-load", it_is_of_one_moment_under_load);
  ADD ("a-file-that-goes-meanwhile-is-in-it", a_file_that_goes_meanwhile_is_in_it);
  ADD ("a-file-that-comes-meanwhile-may-go-meanwhile",
       a_file_that_comes_meanwhile_may_go_meanwhile);
  ADD ("a-damaged-file-does-not-prevent-it", a_damaged_file_does_not_prevent_it);
  ADD ("a-missing-file-does-not-prevent-it", a_missing_file_does_not_prevent_it);
  ADD ("it-is-for-admins", it_is_for_admins);
  ADD ("another-site-cannot-begin-one", another_site_cannot_begin_one);
  ADD ("only-get-begins-one", only_get_begins_one);
  ADD ("http-1-0-is-refused", http_1_0_is_refused);
  ADD ("a-store-without-snapshots-is-not-backed-up", a_store_without_snapshots_is_not_backed_up);
  ADD ("there-is-one-at-a-time", there_is_one_at_a_time);
  ADD ("it-needs-room-on-the-disk", it_needs_room_on_the_disk);
  ADD ("a-client-that-takes-nothing-holds-up-nobody", a_client_that_takes_nothing_holds_up_nobody);
  ADD ("a-bus-that-stops-breaks-it-off-visibly", a_bus_that_stops_breaks_it_off_visibly);
  ADD ("it-is-in-the-log-and-in-the-metrics", it_is_in_the_log_and_in_the_metrics);
  for (gsize i = 0; i < G_N_ELEMENTS (points); i++)
    {
      g_autofree char *path = g_strconcat ("/backup/dies-at-", points[i], NULL);

      g_test_add_data_func (path, points[i], it_dies_at);
    }
  return g_test_run ();
}

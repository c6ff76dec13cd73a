/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api-files: /api/v1/files, /api/v1/transfers: what waits, for whom, and letting go of it. */

#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test.h"
#include "upload.h"

#include <string.h>

static SbTestAnswer *
request (SbTestHttp *client, const char *method, const char *path)
{
  return sb_test_http_send (client, method, path, NULL, NULL, -1);
}

/* Sends a file to @to. Returns its stored name. */
static char *
put_file (SbTestHttp *client, const char *id, const char *to, const char *data, gssize length)
{
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":%s,\"message\":1}", id, to);
  Upload *form = upload_new ();
  g_autoptr (SbTestAnswer) answer = NULL;

  upload_add_field (form, "data", json);
  upload_add_file (form, "f.pdf", "x", data, length);
  answer = upload_send (form, client);
  sb_test_assert_status (answer, 200);
  return g_strdup (upload_get (answer, 0, "filename"));
}

static JsonArray *
get_files (SbTestAnswer *answer)
{
  sb_test_assert_status (answer, 200);
  return json_object_get_array_member (sb_test_answer_object (answer), "files");
}

static char *
join_ids (SbTestAnswer *answer)
{
  JsonArray *files = get_files (answer);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_array_get_length (files); i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                            sb_test_json_string (json_array_get_object_element (files, i), "_id"));
  return g_string_free (text, FALSE);
}

static void
expect_list (SbTestSite *bus, const char *query, const char *ids)
{
  g_autofree char *path = g_strconcat ("/api/v1/files", query, NULL);
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", path);
  g_autofree char *got = join_ids (answer);

  g_test_message ("%s", path);
  g_assert_cmpstr (got, ==, ids);
}

static void
test_shows_who_has_yet_to_fetch (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *name = put_file (bus->alice, "scan", "[\"@bob\",\"@carol\"]", "hello", -1);
  g_autoptr (SbTestAnswer) before = request (bus->admin, "GET", "/api/v1/files");
  g_autoptr (SbTestAnswer) after = NULL;
  g_autoptr (SbTestAnswer) released = NULL;
  g_autofree char *download = g_strconcat ("/download/", name, NULL);
  g_autofree char *waiting = NULL;
  g_autofree char *left = NULL;
  JsonObject *file = json_array_get_object_element (get_files (before), 0);

  waiting = sb_test_json_strings (file, "waiting_for");
  g_assert_cmpstr (sb_test_json_string (file, "filename"), ==, name);
  g_assert_cmpstr (sb_test_json_string (file, "display_filename"), ==, "f.pdf");
  g_assert_cmpint (sb_test_json_int (file, "size"), ==, 5);
  g_assert_cmpstr (sb_test_json_string (file, "sha256"), ==,
                   "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  g_assert_cmpstr (sb_test_json_string (file, "sender"), ==, "alice");
  g_assert_cmpstr (sb_test_json_string (file, "_id"), ==, "scan");
  g_assert_nonnull (sb_test_json_string (file, "accepted"));
  g_assert_nonnull (sb_test_json_string (file, "expires"));
  g_assert_cmpint (sb_test_json_int (file, "recipients"), ==, 2);
  g_assert_cmpint (sb_test_json_int (file, "waiting"), ==, 2);
  g_assert_cmpint (sb_test_json_int (file, "downloads"), ==, 0);
  g_assert_cmpstr (waiting, ==, "bob,carol");

  released = request (bus->bob, "DELETE", download);
  sb_test_assert_status (released, 200);
  after = request (bus->admin, "GET", "/api/v1/files");
  file = json_array_get_object_element (get_files (after), 0);
  left = sb_test_json_strings (file, "waiting_for");
  g_assert_cmpint (sb_test_json_int (file, "waiting"), ==, 1);
  g_assert_cmpstr (left, ==, "carol");
}

static void
test_shows_the_state_of_each_recipient (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *name = put_file (bus->alice, "scan", "[\"@bob\",\"@carol\"]", "hello", -1);
  g_autofree char *path = g_strconcat ("/api/v1/files/", name, NULL);
  g_autofree char *first = g_strconcat (path, "?limit=1", NULL);
  g_autofree char *second = NULL;
  g_autoptr (SbTestAnswer) confirmed = sb_test_http_post (bus->bob, "/confirm", "[\"scan\"]");
  g_autoptr (SbTestAnswer) whole = request (bus->admin, "GET", path);
  g_autoptr (SbTestAnswer) part = request (bus->admin, "GET", first);
  g_autoptr (SbTestAnswer) rest = NULL;
  JsonArray *rows = json_object_get_array_member (sb_test_answer_object (whole), "deliveries");
  JsonObject *bob = json_array_get_object_element (rows, 0);
  JsonObject *carol = json_array_get_object_element (rows, 1);

  g_assert_cmpuint (json_array_get_length (rows), ==, 2);
  g_assert_cmpstr (sb_test_json_string (bob, "recipient"), ==, "bob");
  g_assert_cmpstr (sb_test_json_string (bob, "state"), ==, "notified");
  g_assert_true (g_str_has_suffix (sb_test_json_string (bob, "delivery"), ":scan"));
  g_assert_cmpstr (sb_test_json_string (carol, "state"), ==, "pending");
  g_assert_null (sb_test_answer_string (whole, "next"));

  second = g_strdup_printf ("%s?limit=1&after=%s", path, sb_test_answer_string (part, "next"));
  rest = request (bus->admin, "GET", second);
  rows = json_object_get_array_member (sb_test_answer_object (rest), "deliveries");
  carol = json_array_get_object_element (rows, 0);
  g_assert_cmpuint (json_array_get_length (rows), ==, 1);
  g_assert_cmpstr (sb_test_json_string (carol, "recipient"), ==, "carol");
  g_assert_null (sb_test_answer_string (rest, "next"));
}

static void
test_lists_by_sender_and_recipient (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *a = put_file (bus->alice, "a", "\"@bob\"", "1", -1);
  g_autofree char *b = put_file (bus->carol, "b", "[\"@bob\",\"@alice\"]", "2", -1);
  g_autofree char *c = put_file (bus->alice, "c", "\"@carol\"", "3", -1);
  g_autofree char *download = g_strconcat ("/download/", a, NULL);
  g_autoptr (SbTestAnswer) released = NULL;

  expect_list (bus, "", "a b c");
  expect_list (bus, "?sender=alice", "a c");
  expect_list (bus, "?recipient=bob", "a b");
  expect_list (bus, "?sender=carol&recipient=alice", "b");
  expect_list (bus, "?sender=bob", "");
  released = request (bus->bob, "DELETE", download);
  expect_list (bus, "?recipient=bob", "b");
}

static void
test_pages_through_files (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autofree char *after = g_strdup ("");
  guint n_pages = 0;

  for (guint i = 0; i < 7; i++)
    {
      g_autofree char *id = g_strdup_printf ("f%u", i);
      g_autofree char *name = put_file (bus->alice, id, "\"@bob\"", "x", -1);
    }
  while (after != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/api/v1/files?limit=3%s%s",
                                               *after != '\0' ? "&after=" : "", after);
      g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", path);
      g_autofree char *ids = join_ids (answer);

      g_string_append_printf (seen, "%s%s", n_pages++ > 0 ? " " : "", ids);
      g_free (after);
      after = g_strdup (sb_test_answer_string (answer, "next"));
    }
  g_assert_cmpstr (seen->str, ==, "f0 f1 f2 f3 f4 f5 f6");
  g_assert_cmpuint (n_pages, ==, 3);
}

/* More recipients than are dropped at a time. */
static void
test_drops_a_file_for_everybody (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autoptr (GString) json = g_string_new ("[");
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", "\"expired\":true");
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;
  g_autofree char *log = NULL;
  g_autofree char *state = NULL;
  g_autoptr (SbTestAnswer) dropped = NULL;
  g_autoptr (SbTestAnswer) again = NULL;
  g_autoptr (SbTestFrame) told = NULL;

  for (guint i = 0; i < 110; i++)
    g_string_append_printf (json, "%s{\"_id\":\"u%u\",\"password\":\"p\",\"tags\":[\"many\"]}",
                            i > 0 ? "," : "", i);
  g_string_append_c (json, ']');
  sb_test_put_users (bus->admin, json->str);
  name = put_file (bus->alice, "scan", "\"#many\"", "hello", -1);
  path = g_strconcat ("/api/v1/files/", name, NULL);
  upload_wait_count (bus->daemon, 1);

  dropped = request (bus->admin, "DELETE", path);
  sb_test_assert_status (dropped, 204);
  upload_wait_count (bus->daemon, 0);
  expect_list (bus, "", "");
  again = request (bus->admin, "DELETE", path);
  sb_test_assert_problem (again, 404, "not-found");
  told = sb_test_ws_take_type (alice, "expired");
  g_assert_cmpstr (sb_test_frame_get (told, "reason"), ==, "dropped");
  state = sb_test_get_state (bus->admin, "scan", "u109");
  g_assert_cmpstr (state, ==, "dropped");
  log = sb_test_daemon_dup_log (bus->daemon);
  g_assert_nonnull (
      strstr (log, "admin dropped the file scan_f.pdf of alice, which 110 had yet to"));
}

/* The last delivery takes the bytes along, and the sender's quota. */
static void
test_dropping_the_last_delivery_removes_the_file (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *name = put_file (bus->alice, "scan", "\"@bob\"", "hello", -1);
  g_autoptr (SbTestAnswer) list = request (bus->admin, "GET", "/api/v1/deliveries?recipient=bob");
  JsonArray *rows = json_object_get_array_member (sb_test_answer_object (list), "deliveries");
  g_autofree char *path = g_strdup_printf (
      "/api/v1/deliveries/%s/drop",
      sb_test_json_string (json_array_get_object_element (rows, 0), "delivery"));
  g_autoptr (SbTestAnswer) dropped = request (bus->admin, "POST", path);

  sb_test_assert_status (dropped, 200);
  upload_wait_count (bus->daemon, 0);
}

static gboolean
is_download_shown (gpointer user_data)
{
  SbTestSite *bus = user_data;
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", "/api/v1/transfers");

  return sb_test_json_int (sb_test_answer_object (answer), "downloads") == 1;
}

static gboolean
is_download_over (gpointer user_data)
{
  return !is_download_shown (user_data);
}

#define BIG (32 * 1024 * 1024)

/* Of a client that does not read. */
static void
test_shows_downloads (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *data = g_malloc0 (BIG);
  g_autofree char *name = put_file (bus->alice, "scan", "\"@bob\"", data, BIG);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestAnswer) files = NULL;
  g_autoptr (SbTestAnswer) overview = NULL;
  g_autofree char *head = g_strdup_printf ("GET /download/%s HTTP/1.1\r\nHost: x\r\n"
                                           "Authorization: Basic Ym9iOmJvYi1wdw==\r\n\r\n",
                                           name);
  JsonObject *row;

  sb_test_raw_send (raw, head);
  sb_test_wait_for (is_download_shown, bus, "the download to be shown");
  answer = request (bus->admin, "GET", "/api/v1/transfers");
  row = json_array_get_object_element (
      json_object_get_array_member (sb_test_answer_object (answer), "transfers"), 0);
  g_assert_cmpstr (sb_test_json_string (row, "direction"), ==, "download");
  g_assert_cmpstr (sb_test_json_string (row, "name"), ==, name);
  g_assert_cmpstr (sb_test_json_string (row, "user"), ==, "bob");
  g_assert_cmpstr (sb_test_json_string (row, "address"), ==, "127.0.0.1");
  g_assert_cmpint (sb_test_json_int (row, "size"), ==, BIG);
  g_assert_cmpint (sb_test_json_int (row, "bytes"), <, BIG);
  files = request (bus->admin, "GET", "/api/v1/files");
  g_assert_cmpint (
      sb_test_json_int (json_array_get_object_element (get_files (files), 0), "downloads"), ==, 1);
  overview = request (bus->admin, "GET", "/api/v1/overview");
  row = sb_test_json_member (sb_test_answer_object (overview), "transfers");
  g_assert_cmpint (sb_test_json_int (row, "downloads"), ==, 1);
  g_clear_pointer (&raw, sb_test_raw_free);
  sb_test_wait_for (is_download_over, bus, "the download to be over");
}

static gboolean
is_upload_shown (gpointer user_data)
{
  SbTestSite *bus = user_data;
  g_autoptr (SbTestAnswer) answer = request (bus->admin, "GET", "/api/v1/transfers");

  return sb_test_json_int (sb_test_answer_object (answer), "uploads") == 1;
}

static void
test_shows_uploads (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autoptr (SbTestAnswer) answer = NULL;
  JsonObject *row;

  upload_begin_raw (raw, 1000000);
  sb_test_wait_for (is_upload_shown, bus, "the upload to be shown");
  answer = request (bus->admin, "GET", "/api/v1/transfers?limit=1");
  row = json_array_get_object_element (
      json_object_get_array_member (sb_test_answer_object (answer), "transfers"), 0);
  g_assert_cmpstr (sb_test_json_string (row, "direction"), ==, "upload");
  g_assert_cmpstr (sb_test_json_string (row, "name"), ==, "/put");
  g_assert_cmpstr (sb_test_json_string (row, "user"), ==, "alice");
  g_assert_cmpint (sb_test_json_int (row, "size"), ==, 1000000);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/api-files/" name, func)
  ADD ("shows-who-has-yet-to-fetch", test_shows_who_has_yet_to_fetch);
  ADD ("shows-the-state-of-each-recipient", test_shows_the_state_of_each_recipient);
  ADD ("lists-by-sender-and-recipient", test_lists_by_sender_and_recipient);
  ADD ("pages-through-files", test_pages_through_files);
  ADD ("drops-a-file-for-everybody", test_drops_a_file_for_everybody);
  ADD ("dropping-the-last-delivery-removes-the-file",
       test_dropping_the_last_delivery_removes_the_file);
  ADD ("shows-downloads", test_shows_downloads);
  ADD ("shows-uploads", test_shows_uploads);
#undef ADD
  return g_test_run ();
}

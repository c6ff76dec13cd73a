/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-upload: POST /put with files: what is taken, what is kept, what is announced. */

#include "sb-test-recipient.h"
#include "sb-test-site.h"
#include "sb-test.h"
#include "upload.h"

#include <string.h>

#define TO_BOB "{\"_id\":\"m-1\",\"to\":\"@bob\",\"message\":1}"

static Upload *
form_with (const char *data)
{
  Upload *form = upload_new ();

  upload_add_field (form, "data", data);
  return form;
}

/* --- What is kept --- */

static void
test_keeps_every_byte (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  static const gsize lengths[] = { 1, 1000, 128 * 1024, 128 * 1024 + 1, 3000000 };

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autofree char *bytes = upload_make_bytes (lengths[i]);
      g_autofree char *hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256,
                                                           (const guchar *) bytes, lengths[i]);
      g_autoptr (SbTestAnswer) answer = NULL;
      Upload *form = form_with ("{\"to\":\"@bob\",\"message\":1}");

      upload_add_file (form, "a.bin", "x", bytes, (gssize) lengths[i]);
      answer = upload_send (form, bus->alice);
      sb_test_assert_status (answer, 200);
      g_assert_cmpstr (upload_get (answer, 0, "sha256"), ==, hash);
      g_assert_true (upload_has (bus->daemon, bytes, lengths[i]));
    }
  upload_wait_count (bus->daemon, G_N_ELEMENTS (lengths));
}

static void
test_keeps_an_empty_file (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  Upload *form = form_with (TO_BOB);

  upload_add_file (form, "empty", "empty", "", 0);
  answer = upload_send (form, bus->alice);
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (upload_get (answer, 0, "sha256"), ==,
                   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  upload_wait_count (bus->daemon, 1);
}

static void
test_takes_the_message_in_any_place (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  Upload *form = upload_new ();

  upload_add_file (form, "a", "a", "first", -1);
  upload_add_field (form, "data", TO_BOB);
  upload_add_file (form, "b", "b", "second", -1);
  answer = upload_send (form, bus->alice);
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (upload_get (answer, 0, "display_filename"), ==, "a");
  g_assert_cmpstr (upload_get (answer, 1, "display_filename"), ==, "b");
}

static void
test_takes_chunks (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *answer = NULL;
  Upload *form = form_with (TO_BOB);

  upload_add_file (form, "a", "a", "a file in tiny chunks", -1);
  upload_end (form);
  sb_test_raw_send (raw, "POST /put HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                         "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n"
                         "Content-Type: " UPLOAD_TYPE "\r\n\r\n");
  for (gsize i = 0; i < form->len; i++)
    {
      const char chunk[] = { '1', '\r', '\n', form->str[i], '\r', '\n' };

      sb_test_raw_send_data (raw, chunk, sizeof chunk);
    }
  sb_test_raw_send (raw, "0\r\n\r\n");
  answer = sb_test_raw_read_answer (raw);
  g_assert_nonnull (strstr (answer, "HTTP/1.1 200"));
  g_assert_true (upload_has (bus->daemon, "a file in tiny chunks", 21));
  g_string_free (form, TRUE);
}

static void
test_goes_on_with_the_connection (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *answer = NULL;
      /* The second one has no file, and is refused. */
      Upload *form = form_with ("{\"to\":\"@bob\",\"message\":1}");

      if (i != 1)
        upload_add_file (form, "a", "a", "x", -1);
      upload_end (form);
      upload_begin_raw (raw, form->len);
      sb_test_raw_send_data (raw, form->str, form->len);
      answer = sb_test_raw_read_answer (raw);
      g_assert_nonnull (strstr (answer, i != 1 ? "HTTP/1.1 200" : "HTTP/1.1 400"));
      g_string_free (form, TRUE);
    }
}

/* --- Names --- */

static void
test_names_files_by_their_fields (void)
{
  static const struct
  {
    const char *field;
    const char *filename;
    const char *display;
    const char *stored;
  } rows[] = {
    { "photo.jpg", "tmp1234", "photo.jpg", "m-0_photo.jpg" },
    { "file", "scan.pdf", "scan.pdf", "m-1_scan.pdf" },
    { "files", "scan.pdf", "scan.pdf", "m-2_scan.pdf" },
    { "files[]", "scan.pdf", "scan.pdf", "m-3_scan.pdf" },
    { "upload", "scan.pdf", "scan.pdf", "m-4_scan.pdf" },
    { "Отчёт за май.xlsx", "x", "Отчёт за май.xlsx", "m-5__.xlsx" },
    { "file", "Накладная №5.pdf", "Накладная №5.pdf", "m-6__5.pdf" },
    { "../../etc/passwd", "x", "passwd", "m-7_passwd" },
    { "C:\\\\Users\\\\a.txt", "x", "a.txt", "m-8_a.txt" },
    { "File", "x", "File", "m-9_File" },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *data = g_strdup_printf (
          "{\"_id\":\"m-%" G_GSIZE_FORMAT "\",\"to\":\"@bob\",\"message\":1}", i);
      g_autoptr (SbTestAnswer) answer = NULL;
      Upload *form = form_with (data);

      upload_add_file (form, rows[i].field, rows[i].filename, "x", -1);
      answer = upload_send (form, bus->alice);
      sb_test_assert_status (answer, 200);
      g_assert_cmpstr (upload_get (answer, 0, "display_filename"), ==, rows[i].display);
      g_assert_cmpstr (upload_get (answer, 0, "filename"), ==, rows[i].stored);
    }
}

/* --- What is announced --- */

static void
test_announces_over_a_websocket (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.public-url=https://bus.example/x/", NULL);
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *name = upload_put_file (bus->alice, "m-1", "abc");
  g_autoptr (SbTestFrame) frame = sb_test_ws_take_id (session, "m-1");
  g_autofree char *url = g_strconcat ("https://bus.example/x/download/", name, NULL);

  g_assert_cmpstr (sb_test_frame_get (frame, "type"), ==, "file");
  g_assert_cmpstr (sb_test_frame_get (frame, "filename"), ==, name);
  g_assert_cmpstr (sb_test_frame_get (frame, "display_filename"), ==, "a.bin");
  g_assert_cmpint (sb_test_json_int (frame->json, "size"), ==, 3);
  g_assert_cmpstr (sb_test_frame_get (frame, "sha256"), ==,
                   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  g_assert_cmpstr (sb_test_frame_get (frame, "sender"), ==, "alice");
  g_assert_cmpstr (sb_test_frame_get (frame, "url"), ==, url);
  g_assert_cmpint (sb_test_json_int (frame->json, "message"), ==, 1);
}

static void
test_announces_to_a_recipient_over_http (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *url = NULL;
  g_autoptr (JsonObject) notice = NULL;
  Upload *form = form_with ("{\"_id\":\"m-1\",\"to\":\"@erp\",\"message\":1}");

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  upload_add_file (form, "file", "a.txt", "abc", -1);
  answer = upload_send (form, bus->alice);
  sb_test_assert_status (answer, 200);
  sb_test_recipient_wait (erp, 1);
  notice = sb_test_json_object (sb_test_recipient_get_body (erp, 0));
  url = g_strdup_printf ("http://127.0.0.1:%u/download/m-1_a.txt",
                         sb_test_daemon_get_http_port (bus->daemon));
  g_assert_cmpstr (sb_test_json_string (notice, "type"), ==, "file");
  g_assert_cmpstr (sb_test_json_string (notice, "url"), ==, url);
  sb_test_wait_state (bus->alice, "m-1", "erp", "notified");
}

/* The outside's name of the bus is believed from a trusted proxy only. */
static void
test_believes_trusted_proxies (void)
{
  static const struct
  {
    const char *setting;
    const char *url;
  } rows[] = {
    { "bus.trusted-proxies=127.0.0.1", "https://bus.example/download/m-1_a" },
    { "bus.trusted-proxies=10.0.0.1", "http://host.example:1/download/m-1_a" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (SbTestSite) bus = sb_test_site_new (rows[i].setting, NULL);
      const char *const headers[] = { "Content-Type",
                                      UPLOAD_TYPE,
                                      "Host",
                                      "host.example:1",
                                      "X-Forwarded-Host",
                                      "bus.example",
                                      "X-Forwarded-Proto",
                                      "https",
                                      NULL };
      g_autoptr (SbTestAnswer) answer = NULL;
      g_autoptr (SbTestAnswer) got = NULL;
      Upload *form = form_with (TO_BOB);

      upload_add_file (form, "a", "a", "x", -1);
      upload_end (form);
      answer = sb_test_http_send (bus->alice, "POST", "/put", headers, form->str,
                                  (gssize) form->len);
      sb_test_assert_status (answer, 200);
      g_string_free (form, TRUE);
      got = sb_test_http_get (bus->bob, "/get");
      g_assert_nonnull (strstr (got->body, rows[i].url));
    }
}

static void
test_makes_a_message_of_each_file (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  Upload *form = form_with (TO_BOB);

  for (guint i = 1; i <= 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.txt", i);

      upload_add_file (form, name, name, name, -1);
    }
  answer = upload_send (form, bus->alice);
  sb_test_assert_status (answer, 200);
  for (guint i = 1; i <= 3; i++)
    {
      g_autofree char *id = i == 1 ? g_strdup ("m-1") : g_strdup_printf ("m-1.%u", i);
      g_autofree char *name = g_strdup_printf ("%u.txt", i);
      g_autoptr (SbTestFrame) frame = sb_test_ws_take_id (session, id);

      g_assert_cmpstr (upload_get (answer, i - 1, "_id"), ==, id);
      g_assert_cmpstr (sb_test_frame_get (frame, "display_filename"), ==, name);
    }
}

static void
test_keeps_one_file_for_all_recipients (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autoptr (SbTestWs) carol = sb_test_ws_log_in_as (bus->daemon, "carol", NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  Upload *form = form_with ("{\"_id\":\"m-1\",\"to\":[\"#orders\",\"@nobody\"],\"message\":1}");

  upload_add_file (form, "a", "a", "x", -1);
  answer = upload_send (form, bus->alice);
  sb_test_assert_status (answer, 200);
  g_assert_cmpint (sb_test_json_int (sb_test_answer_object (answer), "recipients"), ==, 2);
  g_assert_nonnull (strstr (answer->body, "\"unknown\":[\"@nobody\"]"));
  sb_test_frame_free (sb_test_ws_take_id (bob, "m-1"));
  sb_test_frame_free (sb_test_ws_take_id (carol, "m-1"));
  upload_wait_count (bus->daemon, 1);
}

static void
test_keeps_a_file_whose_notice_is_confirmed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *name = upload_put_file (bus->alice, "m-1", "abc");
  g_autofree char *id = sb_test_ws_take_and_confirm (session);

  g_assert_cmpstr (id, ==, "m-1");
  sb_test_wait_state (bus->alice, "m-1", "bob", "notified");
  upload_wait_count (bus->daemon, 1);
}

static void
test_takes_a_thousand_files (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestAnswer) refused = NULL;
  Upload *form = form_with (TO_BOB);
  Upload *larger = form_with ("{\"_id\":\"m-2\",\"to\":\"@bob\",\"message\":1}");

  for (guint i = 0; i < 1000; i++)
    upload_add_file (form, "file", "a", "x", -1);
  answer = upload_send (form, bus->alice);
  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (upload_get (answer, 999, "_id"), ==, "m-1.1000");
  for (guint i = 0; i < 1001; i++)
    upload_add_file (larger, "file", "a", "x", -1);
  refused = upload_send (larger, bus->alice);
  sb_test_assert_problem (refused, 400, "invalid");
  upload_wait_count (bus->daemon, 1000);
}

/* --- Sent again --- */

static void
test_knows_a_form_that_was_sent_before (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *name = upload_put_file (bus->alice, "m-1", "abc");
  g_autoptr (SbTestAnswer) again = NULL;
  Upload *form = form_with (TO_BOB);

  upload_add_file (form, "a.bin", "a.bin", "abc", -1);
  again = upload_send (form, bus->alice);
  sb_test_assert_status (again, 200);
  g_assert_true (sb_test_json_bool (sb_test_answer_object (again), "duplicate"));
  g_assert_cmpstr (upload_get (again, 0, "filename"), ==, name);
  upload_wait_count (bus->daemon, 1);
}

static void
test_takes_all_messages_or_none (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *taken = sb_test_put (bus->carol,
                                        "{\"_id\":\"m-1.2\",\"to\":\"@bob\",\"message\":1}");
  Upload *form = form_with (TO_BOB);

  upload_add_file (form, "a", "a", "x", -1);
  upload_add_file (form, "b", "b", "x", -1);
  answer = upload_send (form, bus->alice);
  sb_test_assert_problem (answer, 409, "conflict");
  upload_wait_count (bus->daemon, 0);
}

static void
test_names_full_queues (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-queue=1", NULL);
  g_autofree char *first = upload_put_file (bus->alice, "m-0", "abc");
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *full = NULL;
  Upload *form = form_with (TO_BOB);

  upload_add_file (form, "a", "a", "x", -1);
  answer = upload_send (form, bus->alice);
  sb_test_assert_problem (answer, 429, "full");
  full = sb_test_json_strings (sb_test_answer_object (answer), "full");
  g_assert_cmpstr (full, ==, "bob");
  upload_wait_count (bus->daemon, 1);
}

/* --- Other clients --- */

static void
run (const char *const *argv, char **output)
{
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, output, NULL, &status,
                &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
}

static void
test_understands_curl (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *program = g_find_program_in_path ("curl");
  g_autofree char *bytes = upload_make_bytes (2000000);
  g_autofree char *path = g_build_filename (sb_test_daemon_get_dir (bus->daemon), "счёт.bin", NULL);
  g_autofree char *file = g_strdup_printf ("file=@%s", path);
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u/put",
                                          sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *output = NULL;
  const char *const argv[] = { "curl",           "-s", "-m", "60", "--noproxy",    "*", "-u",
                               "alice:alice-pw", "-F", file, "-F", "data=" TO_BOB, url, NULL };

  g_assert_nonnull (program);
  g_assert_true (g_file_set_contents (path, bytes, 2000000, NULL));
  run (argv, &output);
  g_assert_nonnull (strstr (output, "\"display_filename\":\"счёт.bin\""));
  g_assert_true (upload_has (bus->daemon, bytes, 2000000));
}

/* A form that comes slowly holds nobody up. */
static void
test_lets_messages_pass_a_slow_form (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *answer = NULL;
  Upload *form = form_with (TO_BOB);

  upload_add_file (form, "a", "a", "some bytes of a file", -1);
  upload_end (form);
  upload_begin_raw (raw, form->len);
  for (gsize i = 0; i < form->len; i++)
    {
      sb_test_raw_send_data (raw, form->str + i, 1);
      if (i % 20 == 0)
        g_free (sb_test_put (bus->carol, "{\"to\":\"@bob\",\"message\":1}"));
    }
  answer = sb_test_raw_read_answer (raw);
  g_assert_nonnull (strstr (answer, "HTTP/1.1 200"));
  g_string_free (form, TRUE);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/upload/keeps-every-byte", test_keeps_every_byte);
  g_test_add_func ("/upload/keeps-an-empty-file", test_keeps_an_empty_file);
  g_test_add_func ("/upload/takes-the-message-in-any-place", test_takes_the_message_in_any_place);
  g_test_add_func ("/upload/takes-chunks", test_takes_chunks);
  g_test_add_func ("/upload/goes-on-with-the-connection", test_goes_on_with_the_connection);
  g_test_add_func ("/upload/names-files-by-their-fields", test_names_files_by_their_fields);
  g_test_add_func ("/upload/announces-over-a-websocket", test_announces_over_a_websocket);
  g_test_add_func ("/upload/announces-to-a-recipient-over-http",
                   test_announces_to_a_recipient_over_http);
  g_test_add_func ("/upload/believes-trusted-proxies", test_believes_trusted_proxies);
  g_test_add_func ("/upload/makes-a-message-of-each-file", test_makes_a_message_of_each_file);
  g_test_add_func ("/upload/keeps-one-file-for-all-recipients",
                   test_keeps_one_file_for_all_recipients);
  g_test_add_func ("/upload/keeps-a-file-whose-notice-is-confirmed",
                   test_keeps_a_file_whose_notice_is_confirmed);
  g_test_add_func ("/upload/takes-a-thousand-files", test_takes_a_thousand_files);
  g_test_add_func ("/upload/knows-a-form-that-was-sent-before",
                   test_knows_a_form_that_was_sent_before);
  g_test_add_func ("/upload/takes-all-messages-or-none", test_takes_all_messages_or_none);
  g_test_add_func ("/upload/names-full-queues", test_names_full_queues);
  g_test_add_func ("/upload/understands-curl", test_understands_curl);
  g_test_add_func ("/upload/lets-messages-pass-a-slow-form", test_lets_messages_pass_a_slow_form);
  return g_test_run ();
}

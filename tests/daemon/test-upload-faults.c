/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-upload-faults: forms with files that are wrong, too large, or do not come to their end. */

#include "sb-test-site.h"
#include "sb-test.h"
#include "upload.h"

#include <string.h>
#include <sys/resource.h>

#define TO_BOB "{\"_id\":\"m-1\",\"to\":\"@bob\",\"message\":1}"
#define DATA(json) \
  "--" UPLOAD_BOUNDARY "\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n" json "\r\n"
#define FILE_PART                                                                                \
  "--" UPLOAD_BOUNDARY "\r\nContent-Disposition: form-data; name=\"a\"; filename=\"a\"\r\n\r\nx" \
  "\r\n"
#define END "--" UPLOAD_BOUNDARY "--\r\n"

static SbTestAnswer *
send_with (SbTestHttp *client, const char *type, const char *mode, const char *body)
{
  const char *const headers[] = { "Content-Type", type, mode != NULL ? "Message-Type" : NULL, mode,
                                  NULL };

  return sb_test_http_send (client, "POST", "/put", headers, body, -1);
}

/* A form of a file of that size. */
static SbTestAnswer *
send_file (SbTestSite *bus, const char *id, gsize size)
{
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"@bob\",\"message\":1}", id);
  g_autofree char *bytes = g_strnfill (size, 'x');
  Upload *form = upload_new ();

  upload_add_field (form, "data", json);
  upload_add_file (form, "a", "a", bytes, (gssize) size);
  return upload_send (form, bus->alice);
}

/* --- Wrong --- */

static void
test_refuses_wrong_forms (void)
{
  static const struct
  {
    const char *type;
    const char *body;
    guint status;
  } rows[] = {
    { UPLOAD_TYPE, DATA (TO_BOB) END, 400 },                         /* no file */
    { UPLOAD_TYPE, FILE_PART END, 400 },                             /* no message */
    { UPLOAD_TYPE, DATA (TO_BOB) FILE_PART DATA (TO_BOB) END, 400 }, /* two of them */
    { UPLOAD_TYPE, DATA ("no json") FILE_PART END, 400 },
    { UPLOAD_TYPE, FILE_PART DATA ("no json") END, 400 },
    { UPLOAD_TYPE, FILE_PART DATA ("") END, 400 },
    { UPLOAD_TYPE, DATA ("{\"to\":\"@bob\",\"message\":1,\"direct\":true}") FILE_PART END, 400 },
    { UPLOAD_TYPE, FILE_PART DATA ("{\"to\":\"@bob\"}") END, 400 },
    { UPLOAD_TYPE, DATA ("{\"to\":\"@nobody\",\"message\":1}") FILE_PART END, 404 },
    { UPLOAD_TYPE, FILE_PART DATA ("{\"to\":\"@nobody\",\"message\":1}") END, 404 },
    { UPLOAD_TYPE, DATA (TO_BOB) FILE_PART, 400 }, /* no end */
    { UPLOAD_TYPE, "nothing of a form", 400 },
    { UPLOAD_TYPE, END, 400 },
    { UPLOAD_TYPE, "", 400 },
    { UPLOAD_TYPE,
      DATA (TO_BOB) FILE_PART "--" UPLOAD_BOUNDARY
                              "\r\nContent-Disposition: form-data; name=\"more\"\r\n\r\nx\r\n" END,
      400 },                                                     /* neither nor */
    { "multipart/form-data", DATA (TO_BOB) FILE_PART END, 400 }, /* no boundary */
    { "multipart/mixed; boundary=\"" UPLOAD_BOUNDARY "\"", DATA (TO_BOB) FILE_PART END, 400 },
    { "multipart/form-dataset; boundary=\"" UPLOAD_BOUNDARY "\"", DATA (TO_BOB) FILE_PART END,
      400 },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (SbTestAnswer) answer = send_with (bus->alice, rows[i].type, NULL, rows[i].body);

      g_test_message ("row %" G_GSIZE_FORMAT ": %s", i, answer->body);
      sb_test_assert_status (answer, rows[i].status);
    }
  upload_wait_count (bus->daemon, 0);
}

static void
test_demands_that_header_and_body_agree (void)
{
  static const struct
  {
    const char *mode;
    guint form; /* status of a form, and of plain JSON */
    guint plain;
  } rows[] = {
    { "file", 200, 400 },  { " File ", 200, 400 }, { "", 200, 200 },
    { "queue", 400, 200 }, { "direct", 400, 200 }, { "other", 400, 400 },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const char *json = "{\"to\":\"@bob\",\"message\":1}";
      g_autoptr (SbTestAnswer) form = send_with (bus->alice, UPLOAD_TYPE, rows[i].mode,
                                                 DATA ("{\"to\":\"@bob\",\"message\":1}")
                                                     FILE_PART END);
      g_autoptr (SbTestAnswer) plain = send_with (bus->alice, "application/json", rows[i].mode,
                                                  json);

      sb_test_assert_status (form, rows[i].form);
      sb_test_assert_status (plain, rows[i].plain);
    }
}

static void
test_refuses_strangers (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, "alice", "guess");
  g_autoptr (SbTestAnswer) answer = send_with (stranger, UPLOAD_TYPE, NULL,
                                               DATA (TO_BOB) FILE_PART END);

  sb_test_assert_problem (answer, 401, "unauthorized");
  upload_wait_count (bus->daemon, 0);
}

/* --- Too much --- */

static void
test_bounds_a_file (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-file-size=300K", NULL);
  g_autoptr (SbTestAnswer) largest = send_file (bus, "m-1", 300 * 1024);
  g_autoptr (SbTestAnswer) larger = send_file (bus, "m-2", 300 * 1024 + 1);

  sb_test_assert_status (largest, 200);
  sb_test_assert_problem (larger, 413, "too-large");
  upload_wait_count (bus->daemon, 1);
}

static void
test_bounds_the_message (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-message-size=2K", NULL);
  g_autofree char *long_text = g_strnfill (3000, ' ');
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autoptr (SbTestAnswer) good = send_file (bus, "m-1", 100000);
  Upload *form = upload_new ();

  sb_test_assert_status (good, 200);
  upload_add_file (form, "a", "a", "x", -1);
  upload_add_field (form, "data", long_text);
  answer = upload_send (form, bus->alice);
  sb_test_assert_problem (answer, 413, "too-large");
  upload_wait_count (bus->daemon, 1);
}

static void
test_bounds_all_files_of_a_sender (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.file-quota=300K", NULL);
  g_autofree char *bytes = g_strnfill (150 * 1024 + 1, 'x');
  g_autoptr (SbTestAnswer) first = send_file (bus, "m-1", 200 * 1024);
  g_autoptr (SbTestAnswer) second = send_file (bus, "m-2", 100 * 1024 + 1);
  g_autoptr (SbTestAnswer) third = send_file (bus, "m-3", 100 * 1024);
  g_autoptr (SbTestAnswer) pair = NULL;
  Upload *form = upload_new ();

  sb_test_assert_status (first, 200);
  sb_test_assert_problem (second, 507, "no-space");
  sb_test_assert_status (third, 200);
  upload_add_field (form, "data", "{\"to\":\"@bob\",\"message\":1}");
  upload_add_file (form, "a", "a", bytes, -1);
  upload_add_file (form, "b", "b", bytes, -1);
  pair = upload_send (form, bus->carol);
  sb_test_assert_problem (pair, 507, "no-space");
  upload_wait_count (bus->daemon, 2);
}

static void
test_leaves_the_reserve_of_the_disk (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.disk-reserve=1000T", NULL);
  g_autoptr (SbTestAnswer) answer = send_file (bus, "m-1", 1000);

  sb_test_assert_problem (answer, 507, "no-space");
  upload_wait_count (bus->daemon, 0);
}

/* A disk that is full for a while. */
static void
test_survives_a_full_disk (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  GPid pid = sb_test_daemon_get_pid (bus->daemon);
  struct rlimit small = { 500000, RLIM_INFINITY }, before;
  g_autoptr (SbTestAnswer) full = NULL;
  g_autoptr (SbTestAnswer) again = NULL;

  g_assert_no_errno (prlimit (pid, RLIMIT_FSIZE, &small, &before));
  full = send_file (bus, "m-1", 1000000);
  sb_test_assert_problem (full, 507, "no-space");
  upload_wait_count (bus->daemon, 0);
  g_assert_no_errno (prlimit (pid, RLIMIT_FSIZE, &before, NULL));
  again = send_file (bus, "m-1", 1000000);
  sb_test_assert_status (again, 200);
  upload_wait_count (bus->daemon, 1);
}

/* --- Not to the end --- */

/* The beginning of a form of 4 GB, far into its file. */
static SbTestRaw *
begin_large (SbTestSite *bus, const char *data)
{
  SbTestRaw *raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *bytes = g_strnfill (300000, 'x');
  Upload *form = upload_new ();

  upload_add_field (form, "data", data);
  upload_add_file (form, "a", "a", bytes, -1);
  upload_begin_raw (raw, G_GUINT64_CONSTANT (4000000000));
  sb_test_raw_try_send (raw, form->str, form->len - 2);
  g_string_free (form, TRUE);
  return raw;
}

static gboolean
has_some (gpointer daemon)
{
  return upload_count (daemon) > 0;
}

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
wait_some (SbTestSite *bus)
{
  guint tick = g_timeout_add (5, on_tick, NULL);

  sb_test_wait_for (has_some, bus->daemon, "the beginning of a file");
  g_source_remove (tick);
}

static void
test_answers_before_the_file_has_come (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestRaw) raw = begin_large (bus, "{\"to\":\"@nobody\",\"message\":1}");
  g_autofree char *answer = sb_test_raw_read_answer (raw);

  g_assert_nonnull (strstr (answer, "HTTP/1.1 404"));
  upload_wait_count (bus->daemon, 0);
}

static void
test_judges_by_the_length_what_is_certain (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.file-quota=1G", NULL);
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *answer = NULL;

  upload_begin_raw (raw, G_GUINT64_CONSTANT (4000000000));
  answer = sb_test_raw_read_answer (raw);
  g_assert_nonnull (strstr (answer, "HTTP/1.1 507"));
}

static void
test_leaves_nothing_of_a_cut_upload (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (SbTestRaw) raw = begin_large (bus, TO_BOB);

      wait_some (bus);
      if (i == 0)
        sb_test_raw_finish (raw);
      if (i == 1)
        sb_test_raw_send (raw, "\r\n--" UPLOAD_BOUNDARY "!!\r\n");
      if (i < 2)
        g_free (sb_test_raw_read_all (raw));
      g_clear_pointer (&raw, sb_test_raw_free);
      upload_wait_count (bus->daemon, 0);
    }
}

static void
test_stops_in_the_middle (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.stop-timeout=60", NULL);
  g_autoptr (SbTestRaw) raw = begin_large (bus, TO_BOB);
  g_autofree char *answer = NULL;

  wait_some (bus);
  sb_test_daemon_signal (bus->daemon, SIGTERM);
  answer = sb_test_raw_read_answer (raw);
  g_assert_nonnull (strstr (answer, "HTTP/1.1 503"));
  g_clear_pointer (&raw, sb_test_raw_free);
  sb_test_daemon_wait_stopped (bus->daemon);
  g_assert_cmpuint (upload_count (bus->daemon), ==, 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/upload-faults/refuses-wrong-forms", test_refuses_wrong_forms);
  g_test_add_func ("/upload-faults/demands-that-header-and-body-agree",
                   test_demands_that_header_and_body_agree);
  g_test_add_func ("/upload-faults/refuses-strangers", test_refuses_strangers);
  g_test_add_func ("/upload-faults/bounds-a-file", test_bounds_a_file);
  g_test_add_func ("/upload-faults/bounds-the-message", test_bounds_the_message);
  g_test_add_func ("/upload-faults/bounds-all-files-of-a-sender",
                   test_bounds_all_files_of_a_sender);
  g_test_add_func ("/upload-faults/leaves-the-reserve-of-the-disk",
                   test_leaves_the_reserve_of_the_disk);
  g_test_add_func ("/upload-faults/survives-a-full-disk", test_survives_a_full_disk);
  g_test_add_func ("/upload-faults/answers-before-the-file-has-come",
                   test_answers_before_the_file_has_come);
  g_test_add_func ("/upload-faults/judges-by-the-length-what-is-certain",
                   test_judges_by_the_length_what_is_certain);
  g_test_add_func ("/upload-faults/leaves-nothing-of-a-cut-upload",
                   test_leaves_nothing_of_a_cut_upload);
  g_test_add_func ("/upload-faults/stops-in-the-middle", test_stops_in_the_middle);
  return g_test_run ();
}

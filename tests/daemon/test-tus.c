/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-tus: resumable uploads by tus 1.0, as a client sees them. */

#include "sb-test-file.h"
#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test-tus.h"
#include "sb-test.h"

#include <string.h>

#define JSON "{\"_id\":\"doc\",\"to\":\"@bob\",\"message\":1}"
#define ALICE "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n"

/* --- What the server can do --- */

static void
test_says_what_it_can_do (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-file-size=1000000", NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (stranger, "OPTIONS", "/files/", NULL, NULL,
                                                       0);

  sb_test_assert_status (answer, 204);
  g_assert_cmpstr (sb_test_answer_header (answer, "Tus-Version"), ==, "1.0.0");
  g_assert_cmpstr (sb_test_answer_header (answer, "Tus-Resumable"), ==, "1.0.0");
  g_assert_cmpstr (sb_test_answer_header (answer, "Tus-Max-Size"), ==, "1000000");
  g_assert_cmpstr (sb_test_answer_header (answer, "Tus-Extension"), ==,
                   "creation,creation-with-upload,termination,expiration,checksum");
  g_assert_cmpstr (sb_test_answer_header (answer, "Tus-Checksum-Algorithm"), ==, "sha1,sha256");
}

static void
test_speaks_one_version (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  const char *const headers[] = { "Tus-Resumable", "0.2.2", "Upload-Length", "1", NULL };
  g_autoptr (SbTestAnswer) other = sb_test_http_send (bus->alice, "POST", "/files/", headers, NULL,
                                                      0);
  g_autoptr (SbTestAnswer) none = sb_test_http_send (bus->alice, "POST", "/files/", NULL, NULL, 0);

  sb_test_assert_problem (other, 412, "version");
  g_assert_cmpstr (sb_test_answer_header (other, "Tus-Version"), ==, "1.0.0");
  sb_test_assert_problem (none, 412, "version");
}

/* --- Creation --- */

static void
test_creates_an_upload (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *metadata = sb_test_tus_make_metadata (JSON, "отчёт.pdf");
  g_autoptr (SbTestAnswer) answer = sb_test_tus_post (bus->alice, "10", metadata);
  g_autofree char *path = NULL;
  g_autoptr (SbTestAnswer) head = NULL;

  sb_test_assert_status (answer, 201);
  g_assert_nonnull (sb_test_answer_header (answer, "Upload-Expires"));
  path = sb_test_tus_dup_path (answer);
  head = sb_test_tus_ask (bus->alice, "HEAD", path);
  sb_test_assert_status (head, 200);
  g_assert_cmpstr (sb_test_answer_header (head, "Upload-Offset"), ==, "0");
  g_assert_cmpstr (sb_test_answer_header (head, "Upload-Length"), ==, "10");
  g_assert_cmpstr (sb_test_answer_header (head, "Cache-Control"), ==, "no-store");
}

static const struct
{
  const char *name;
  const char *length;
  const char *json; /* NULL: none */
  guint status;
  const char *reason;
} refusals[] = {
  { "without-a-length", "", JSON, 400, "invalid" },
  { "with-a-length-below-zero", "-1", JSON, 400, "invalid" },
  { "without-a-message", "10", NULL, 400, "invalid" },
  { "with-a-message-that-is-no-json", "10", "{", 400, "invalid" },
  { "to-nobody", "10", "{\"to\":\"@nobody\",\"message\":1}", 404, "not-found" },
  { "that-is-direct", "10", "{\"to\":\"@bob\",\"message\":1,\"direct\":true}", 400, "invalid" },
  { "that-is-too-large", "1000001", JSON, 413, "too-large" },
};

static void
test_refuses_creation (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.max-file-size=1000000", NULL);
  g_autofree char *metadata = refusals[i].json != NULL
                                  ? sb_test_tus_make_metadata (refusals[i].json, "a.txt")
                                  : g_strdup ("filename YQ==");
  g_autoptr (SbTestAnswer) answer = sb_test_tus_post (bus->alice, refusals[i].length, metadata);
  g_autofree char *left = sb_test_tus_list (bus->daemon);

  sb_test_assert_problem (answer, refusals[i].status, refusals[i].reason);
  g_assert_cmpstr (left, ==, "");
}

static void
test_refuses_an_id_that_is_taken (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *sent = sb_test_put (bus->alice, JSON);
  g_autofree char *metadata = sb_test_tus_make_metadata (JSON, "a.txt");
  g_autoptr (SbTestAnswer) answer = sb_test_tus_post (bus->alice, "10", metadata);

  sb_test_assert_problem (answer, 409, "conflict");
}

static void
test_counts_what_is_to_come_against_the_quota (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.file-quota=1000", NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 600);
  g_autofree char *metadata = sb_test_tus_make_metadata ("{\"to\":\"@bob\",\"message\":1}", "b");
  g_autoptr (SbTestAnswer) answer = sb_test_tus_post (bus->alice, "600", metadata);

  sb_test_assert_problem (answer, 507, "no-space");
}

static void
test_takes_the_first_piece_with_the_creation (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *metadata = sb_test_tus_make_metadata (JSON, "a.txt");
  const char *const headers[] = { "Tus-Resumable",
                                  "1.0.0",
                                  "Content-Type",
                                  "application/offset+octet-stream",
                                  "Upload-Length",
                                  "10",
                                  "Upload-Metadata",
                                  metadata,
                                  NULL };
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (bus->alice, "POST", "/files/", headers,
                                                       "01234", 5);
  g_autoptr (SbTestAnswer) rest = NULL;
  g_autofree char *path = NULL;

  sb_test_assert_status (answer, 201);
  g_assert_cmpstr (sb_test_answer_header (answer, "Upload-Offset"), ==, "5");
  path = sb_test_tus_dup_path (answer);
  rest = sb_test_tus_patch (bus->alice, path, 5, NULL, "56789", 5);
  sb_test_assert_status (rest, 204);
  sb_test_tus_assert_kept (bus->daemon, path, "0123456789", 10);
}

static void
test_announces_an_empty_file_at_once (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 0);

  sb_test_wait_state (bus->alice, "doc", "bob", "pending");
  sb_test_tus_assert_kept (bus->daemon, path, "", 0);
}

/* --- Pieces --- */

static void
test_announces_when_the_last_piece_is_there (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "отчёт.pdf", 10);
  g_autoptr (SbTestAnswer) first = sb_test_tus_patch (bus->alice, path, 0, NULL, "0123", 4);
  g_autoptr (SbTestAnswer) second = NULL;
  g_autoptr (SbTestFrame) notice = NULL;

  sb_test_assert_status (first, 204);
  g_assert_cmpstr (sb_test_answer_header (first, "Upload-Offset"), ==, "4");
  g_assert_nonnull (sb_test_answer_header (first, "Upload-Expires"));
  g_assert_null (sb_test_get_state (bus->alice, "doc", "bob"));
  second = sb_test_tus_patch (bus->alice, path, 4, NULL, "456789", 6);
  sb_test_assert_status (second, 204);
  g_assert_cmpstr (sb_test_answer_header (second, "Upload-Offset"), ==, "10");
  notice = sb_test_ws_take_id (bob, "doc");
  g_assert_cmpstr (sb_test_frame_get (notice, "type"), ==, "file");
  g_assert_cmpstr (sb_test_frame_get (notice, "display_filename"), ==, "отчёт.pdf");
  g_assert_cmpstr (sb_test_frame_get (notice, "sha256"), ==,
                   "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882");
  sb_test_tus_assert_kept (bus->daemon, path, "0123456789", 10);
}

static void
test_says_that_all_is_there_when_it_is_done (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 4);
  g_autoptr (SbTestAnswer) patch = sb_test_tus_patch (bus->alice, path, 0, NULL, "0123", 4);
  g_autofree char *left = NULL;

  sb_test_assert_status (patch, 204);
  g_assert_cmpuint (sb_test_tus_get_offset (bus->alice, path), ==, 4);
  left = sb_test_tus_list (bus->daemon);
  g_assert_null (strstr (left, ".part"));
  g_assert_nonnull (strstr (left, ".info"));
}

static void
test_refuses_another_offset (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 10);
  g_autoptr (SbTestAnswer) answer = sb_test_tus_patch (bus->alice, path, 3, NULL, "0123", 4);

  sb_test_assert_problem (answer, 409, "conflict");
  g_assert_cmpuint (sb_test_tus_get_offset (bus->alice, path), ==, 0);
}

static void
test_refuses_another_type (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 10);
  const char *const headers[] = {
    "Tus-Resumable", "1.0.0", "Content-Type", "text/plain", "Upload-Offset", "0", NULL
  };
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (bus->alice, "PATCH", path, headers, "0123",
                                                       4);

  sb_test_assert_problem (answer, 415, "unsupported");
}

static void
test_refuses_more_than_the_length (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 3);
  g_autoptr (SbTestAnswer) answer = sb_test_tus_patch (bus->alice, path, 0, NULL, "0123", 4);
  g_autoptr (SbTestAnswer) again = NULL;

  sb_test_assert_problem (answer, 413, "too-large");
  again = sb_test_tus_patch (bus->alice, path, sb_test_tus_get_offset (bus->alice, path), NULL,
                             "012", 3);
  sb_test_assert_status (again, 204);
}

static void
test_takes_the_method_from_a_header (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 4);
  const char *const headers[] = { "Tus-Resumable",
                                  "1.0.0",
                                  "Content-Type",
                                  "application/offset+octet-stream",
                                  "Upload-Offset",
                                  "0",
                                  "X-HTTP-Method-Override",
                                  "PATCH",
                                  NULL };
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (bus->alice, "POST", path, headers, "0123",
                                                       4);

  sb_test_assert_status (answer, 204);
  sb_test_tus_assert_kept (bus->daemon, path, "0123", 4);
}

static void
test_takes_much_in_pieces (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  gsize size = 20 * 1024 * 1024 + 7, half = 9 * 1024 * 1024 + 3;
  g_autofree char *data = g_malloc (size);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.bin", size);
  g_autoptr (SbTestAnswer) first = NULL;
  g_autoptr (SbTestAnswer) second = NULL;

  for (gsize i = 0; i < size; i++)
    data[i] = (char) (i * 2654435761u >> 11);
  first = sb_test_tus_patch (bus->alice, path, 0, NULL, data, half);
  sb_test_assert_status (first, 204);
  second = sb_test_tus_patch (bus->alice, path, half, NULL, data + half, size - half);
  sb_test_assert_status (second, 204);
  sb_test_tus_assert_kept (bus->daemon, path, data, size);
}

/* --- Checksums --- */

static void
test_verifies_a_piece (gconstpointer data)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 10);
  GChecksumType type = (GChecksumType) GPOINTER_TO_INT (data);
  g_autofree char *right = sb_test_tus_checksum (type, "456789", 6);
  g_autofree char *wrong = sb_test_tus_checksum (type, "456788", 6);
  g_autoptr (SbTestAnswer) first = sb_test_tus_patch (bus->alice, path, 0, NULL, "0123", 4);
  g_autoptr (SbTestAnswer) refused = NULL;
  g_autoptr (SbTestAnswer) taken = NULL;

  sb_test_assert_status (first, 204);
  refused = sb_test_tus_patch (bus->alice, path, 4, wrong, "456789", 6);
  sb_test_assert_problem (refused, 460, "checksum");
  g_assert_cmpuint (sb_test_tus_get_offset (bus->alice, path), ==, 4);
  g_assert_null (sb_test_get_state (bus->alice, "doc", "bob"));
  taken = sb_test_tus_patch (bus->alice, path, 4, right, "456789", 6);
  sb_test_assert_status (taken, 204);
  sb_test_tus_assert_kept (bus->daemon, path, "0123456789", 10);
}

static void
test_refuses_an_unknown_checksum (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 4);
  g_autoptr (SbTestAnswer) answer = sb_test_tus_patch (bus->alice, path, 0, "md5 AAAA", "0123", 4);
  g_autoptr (SbTestAnswer) garbled = sb_test_tus_patch (bus->alice, path, 0, "sha1 ?", "0123", 4);

  sb_test_assert_problem (answer, 400, "invalid");
  sb_test_assert_problem (garbled, 400, "invalid");
}

/* --- Whose it is --- */

static void
test_is_for_its_creator_and_admins (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 4);
  g_autoptr (SbTestAnswer) head = sb_test_tus_ask (bus->bob, "HEAD", path);
  g_autoptr (SbTestAnswer) patch = sb_test_tus_patch (bus->bob, path, 0, NULL, "0123", 4);
  g_autoptr (SbTestAnswer) removal = sb_test_tus_ask (bus->bob, "DELETE", path);

  sb_test_assert_status (head, 404);
  sb_test_assert_problem (patch, 404, "not-found");
  sb_test_assert_problem (removal, 404, "not-found");
  g_assert_cmpuint (sb_test_tus_get_offset (bus->admin, path), ==, 0);
}

/* --- The end --- */

static void
test_gives_an_upload_up (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 10);
  g_autoptr (SbTestAnswer) patch = sb_test_tus_patch (bus->alice, path, 0, NULL, "0123", 4);
  g_autoptr (SbTestAnswer) removal = sb_test_tus_ask (bus->alice, "DELETE", path);
  g_autoptr (SbTestAnswer) head = sb_test_tus_ask (bus->alice, "HEAD", path);
  g_autofree char *left = sb_test_tus_list (bus->daemon);

  sb_test_assert_status (patch, 204);
  sb_test_assert_status (removal, 204);
  sb_test_assert_status (head, 404);
  g_assert_cmpstr (left, ==, "");
}

static void
test_forgets_what_has_expired (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.upload-ttl=1", NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 10);
  guint status = 0;

  while (status != 404)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_tus_ask (bus->alice, "DELETE", "/files/none");
      g_autoptr (SbTestAnswer) head = sb_test_tus_ask (bus->alice, "HEAD", path);

      sb_test_assert_status (answer, 404);
      status = head->status;
    }
}

/* --- Cut off --- */

/* A request that says more than it sends. */
static SbTestRaw *
begin_piece (SbTestSite *bus, const char *path, const char *offset, const char *extra,
             const char *data)
{
  SbTestRaw *raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *head = g_strdup_printf (
      "PATCH %s HTTP/1.1\r\nHost: x\r\n" ALICE "Tus-Resumable: 1.0.0\r\n%s"
      "Content-Type: application/offset+octet-stream\r\nUpload-Offset: %s\r\n"
      "Content-Length: 10\r\n\r\n%s",
      path, extra, offset, data);

  sb_test_raw_send (raw, head);
  return raw;
}

typedef struct
{
  SbTestSite *bus;
  const char *path;
  guint64 offset;
} Wanted;

/* Looks at the disk, so that nothing is taken over. */
static gboolean
has_come (gpointer user_data)
{
  const Wanted *wanted = user_data;
  g_autofree char *part = g_strdup_printf ("%s/files/uploads/%s.part",
                                           sb_test_daemon_get_data_dir (wanted->bus->daemon),
                                           wanted->path + strlen ("/files/"));
  g_autofree char *text = NULL;
  gsize length = 0;

  g_file_get_contents (part, &text, &length, NULL);
  return length == wanted->offset;
}

static void
wait_part (SbTestSite *bus, const char *path, guint64 offset)
{
  Wanted wanted = { bus, path, offset };

  sb_test_poll_for (has_come, &wanted, "the part");
}

static void
test_keeps_what_came_before_the_cut (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 10);
  SbTestRaw *raw = begin_piece (bus, path, "0", "", "0123");
  g_autoptr (SbTestAnswer) rest = NULL;

  wait_part (bus, path, 4);
  sb_test_raw_free (raw);
  g_assert_cmpuint (sb_test_tus_get_offset (bus->alice, path), ==, 4);
  rest = sb_test_tus_patch (bus->alice, path, 4, NULL, "456789", 6);
  sb_test_assert_status (rest, 204);
  sb_test_tus_assert_kept (bus->daemon, path, "0123456789", 10);
}

static void
test_is_taken_over_from_a_dead_request (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 10);
  g_autoptr (SbTestRaw) dead = begin_piece (bus, path, "0", "", "0123");
  g_autoptr (SbTestAnswer) rest = NULL;
  g_autofree char *late = NULL;

  wait_part (bus, path, 4);
  g_assert_cmpuint (sb_test_tus_get_offset (bus->alice, path), ==, 4);
  /* It was not dead after all; what it says does not count any more. */
  sb_test_raw_send (dead, "xxx");
  rest = sb_test_tus_patch (bus->alice, path, 4, NULL, "456789", 6);
  sb_test_assert_status (rest, 204);
  sb_test_tus_assert_kept (bus->daemon, path, "0123456789", 10);
  late = sb_test_raw_read_answer (dead);
  g_assert_true (late == NULL || g_str_has_prefix (late, "HTTP/1.1 409"));
}

static void
test_takes_back_a_piece_that_cannot_be_verified (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "a.txt", 10);
  g_autoptr (SbTestRaw) dead = begin_piece (
      bus, path, "0", "Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n", "0123");

  wait_part (bus, path, 4);
  g_assert_cmpuint (sb_test_tus_get_offset (bus->alice, path), ==, 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/tus/says-what-it-can-do", test_says_what_it_can_do);
  g_test_add_func ("/tus/speaks-one-version", test_speaks_one_version);
  g_test_add_func ("/tus/creates-an-upload", test_creates_an_upload);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *name = g_strconcat ("/tus/refuses-one-", refusals[i].name, NULL);

      g_test_add_data_func (name, GUINT_TO_POINTER (i), test_refuses_creation);
    }
  g_test_add_func ("/tus/refuses-an-id-that-is-taken", test_refuses_an_id_that_is_taken);
  g_test_add_func ("/tus/counts-what-is-to-come-against-the-quota",
                   test_counts_what_is_to_come_against_the_quota);
  g_test_add_func ("/tus/takes-the-first-piece-with-the-creation",
                   test_takes_the_first_piece_with_the_creation);
  g_test_add_func ("/tus/announces-an-empty-file-at-once", test_announces_an_empty_file_at_once);
  g_test_add_func ("/tus/announces-when-the-last-piece-is-there",
                   test_announces_when_the_last_piece_is_there);
  g_test_add_func ("/tus/says-that-all-is-there-when-it-is-done",
                   test_says_that_all_is_there_when_it_is_done);
  g_test_add_func ("/tus/refuses-another-offset", test_refuses_another_offset);
  g_test_add_func ("/tus/refuses-another-type", test_refuses_another_type);
  g_test_add_func ("/tus/refuses-more-than-the-length", test_refuses_more_than_the_length);
  g_test_add_func ("/tus/takes-the-method-from-a-header", test_takes_the_method_from_a_header);
  g_test_add_func ("/tus/takes-much-in-pieces", test_takes_much_in_pieces);
  g_test_add_data_func ("/tus/verifies-a-piece-by-sha1", GINT_TO_POINTER (G_CHECKSUM_SHA1),
                        test_verifies_a_piece);
  g_test_add_data_func ("/tus/verifies-a-piece-by-sha256", GINT_TO_POINTER (G_CHECKSUM_SHA256),
                        test_verifies_a_piece);
  g_test_add_func ("/tus/refuses-an-unknown-checksum", test_refuses_an_unknown_checksum);
  g_test_add_func ("/tus/is-for-its-creator-and-admins", test_is_for_its_creator_and_admins);
  g_test_add_func ("/tus/gives-an-upload-up", test_gives_an_upload_up);
  g_test_add_func ("/tus/forgets-what-has-expired", test_forgets_what_has_expired);
  g_test_add_func ("/tus/keeps-what-came-before-the-cut", test_keeps_what_came_before_the_cut);
  g_test_add_func ("/tus/is-taken-over-from-a-dead-request",
                   test_is_taken_over_from_a_dead_request);
  g_test_add_func ("/tus/takes-back-a-piece-that-cannot-be-verified",
                   test_takes_back_a_piece_that_cannot_be_verified);
  return g_test_run ();
}

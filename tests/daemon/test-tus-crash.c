/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-tus-crash: resumable uploads and a bus that dies at each step of theirs:
 * what was announced or complete is announced once, nothing is left over.
 */

#include "sb-test-file.h"
#include "sb-test-raw.h"
#include "sb-test-site.h"
#include "sb-test-tus.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>

#define JSON "{\"_id\":\"doc\",\"to\":\"@bob\",\"message\":1}"
#define SIZE (3 * 1024 * 1024 + 11)
#define HALF (2 * 1024 * 1024 + 5)

static SbTestSite *
new_site (void)
{
  return sb_test_site_new ("bus.store=sqlite", NULL);
}

static gboolean
is_dead (gpointer user_data)
{
  SbTestSite *bus = user_data;

  return !sb_test_daemon_is_running (bus->daemon);
}

/* Starts it again on the same ports, so that it dies at @point; NULL: nowhere. */
static void
restart (SbTestSite *bus, const char *point)
{
  sb_test_daemon_setenv (bus->daemon, "SIMPLEBUS_FAULT_POINT", point != NULL ? point : "");
  sb_test_daemon_kill (bus->daemon);
  sb_test_daemon_restart (bus->daemon, TRUE);
}

static char *
send_half (SbTestSite *bus, const char *data)
{
  g_autofree char *path = sb_test_tus_create (bus->alice, JSON, "отчёт.bin", SIZE);
  g_autoptr (SbTestAnswer) answer = sb_test_tus_patch (bus->alice, path, 0, NULL, data, HALF);

  sb_test_assert_status (answer, 204);
  return g_steal_pointer (&path);
}

static void
send_rest (SbTestSite *bus, const char *path, const char *data)
{
  guint64 offset = sb_test_tus_get_offset (bus->alice, path);
  g_autoptr (SbTestAnswer) answer = NULL;

  g_assert_cmpuint (offset, <=, SIZE);
  answer = sb_test_tus_patch (bus->alice, path, offset, NULL, data + offset, SIZE - offset);
  sb_test_assert_status (answer, 204);
}

typedef struct
{
  SbTestDaemon *daemon;
  const char *wanted;
} Listing;

static gboolean
is_all_there_is (gpointer user_data)
{
  const Listing *listing = user_data;
  g_autofree char *left = sb_test_tus_list (listing->daemon);

  return g_str_equal (left, listing->wanted);
}

/* Announced, once, with the right bytes; of the upload only the info is left, once the bus has
 * tidied up behind the answer. */
static void
assert_announced (SbTestSite *bus, const char *path, const char *data)
{
  const char *id = path + strlen ("/files/");
  g_autofree char *wanted = g_strdup_printf ("%s/%s uploads/%s.info", id + 30, id, id);
  Listing listing = { bus->daemon, wanted };
  g_autoptr (SbTestAnswer) messages = NULL;

  sb_test_wait_state (bus->alice, "doc", "bob", "pending");
  g_assert_cmpuint (sb_test_tus_get_offset (bus->alice, path), ==, SIZE);
  sb_test_tus_assert_kept (bus->daemon, path, data, SIZE);
  sb_test_poll_for (is_all_there_is, &listing, wanted);
  messages = sb_test_http_get (bus->bob, "/get");
  sb_test_assert_status (messages, 200);
  g_assert_cmpuint (json_array_get_length (json_node_get_array (messages->json)), ==, 1);
}

static void
test_goes_on_after_a_restart (gconstpointer killed)
{
  g_autoptr (SbTestSite) bus = new_site ();
  g_autofree char *data = sb_test_make_bytes (SIZE, 7);
  g_autofree char *path = send_half (bus, data);

  if (GPOINTER_TO_INT (killed))
    sb_test_daemon_kill (bus->daemon);
  sb_test_daemon_restart (bus->daemon, TRUE);
  g_assert_cmpuint (sb_test_tus_get_offset (bus->alice, path), ==, HALF);
  send_rest (bus, path, data);
  assert_announced (bus, path, data);
}

static void
test_stays_done_after_a_restart (void)
{
  g_autoptr (SbTestSite) bus = new_site ();
  g_autofree char *data = sb_test_make_bytes (SIZE, 7);
  g_autofree char *path = send_half (bus, data);

  send_rest (bus, path, data);
  restart (bus, NULL);
  assert_announced (bus, path, data);
}

/* Steps of the last piece; at the first of them all of it is there. */
static const char *const steps[] = { "upload-complete", "upload-linked", "upload-committed",
                                     "upload-done", "upload-removed" };

/* Sends the last piece to a bus that dies over it. */
static void
send_rest_until_death (SbTestSite *bus, const char *path, const char *data)
{
  g_autofree char *offset = g_strdup_printf ("%u", HALF);
  const char *const headers[] = {
    "Tus-Resumable", "1.0.0", "Content-Type", "application/offset+octet-stream", "Upload-Offset",
    offset,          NULL
  };
  SbTestExchange *exchange = sb_test_http_begin (bus->alice, "PATCH", path, headers, data + HALF,
                                                 SIZE - HALF);

  sb_test_wait_for (is_dead, bus, "the death of the bus");
  sb_test_http_abandon (exchange);
}

static void
test_is_not_lost_at (gconstpointer step)
{
  g_autoptr (SbTestSite) bus = new_site ();
  g_autofree char *data = sb_test_make_bytes (SIZE, 7);
  g_autofree char *path = NULL;

  restart (bus, step);
  path = send_half (bus, data);
  send_rest_until_death (bus, path, data);
  restart (bus, NULL);
  assert_announced (bus, path, data);
}

typedef struct
{
  SbTestSite *bus;
  const char *path;
} Part;

static gboolean
has_more_than_half (gpointer user_data)
{
  const Part *part = user_data;
  g_autofree char *file = g_strdup_printf ("%s/files/uploads/%s.part",
                                           sb_test_daemon_get_data_dir (part->bus->daemon),
                                           part->path + strlen ("/files/"));
  GStatBuf st;

  return g_stat (file, &st) == 0 && st.st_size > HALF;
}

/* What was not verified when the bus died is sent again. */
static void
test_takes_back_what_was_not_verified (void)
{
  g_autoptr (SbTestSite) bus = new_site ();
  g_autofree char *data = sb_test_make_bytes (SIZE, 7);
  g_autofree char *path = NULL;
  g_autoptr (SbTestRaw) raw = NULL;
  g_autofree char *head = NULL;
  Part part;

  path = send_half (bus, data);
  raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  head = g_strdup_printf ("PATCH %s HTTP/1.1\r\nHost: x\r\n"
                          "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\nTus-Resumable: 1.0.0\r\n"
                          "Content-Type: application/offset+octet-stream\r\nUpload-Offset: %u\r\n"
                          "Upload-Checksum: sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n"
                          "Content-Length: %u\r\n\r\n",
                          path, HALF, SIZE - HALF);
  sb_test_raw_send (raw, head);
  sb_test_raw_send_data (raw, data + HALF, SIZE - HALF - 1);
  part.bus = bus;
  part.path = path;
  sb_test_poll_for (has_more_than_half, &part, "the unverified bytes");
  restart (bus, NULL);
  g_assert_cmpuint (sb_test_tus_get_offset (bus->alice, path), ==, HALF);
  send_rest (bus, path, data);
  assert_announced (bus, path, data);
}

static void
test_leaves_nothing_of_one_that_was_given_up (void)
{
  g_autoptr (SbTestSite) bus = new_site ();
  g_autofree char *data = sb_test_make_bytes (SIZE, 7);
  g_autofree char *path = NULL;
  g_autofree char *left = NULL;
  SbTestExchange *exchange;
  const char *const headers[] = { "Tus-Resumable", "1.0.0", NULL };

  restart (bus, "upload-forgotten");
  path = send_half (bus, data);
  exchange = sb_test_http_begin (bus->alice, "DELETE", path, headers, NULL, 0);
  sb_test_wait_for (is_dead, bus, "the death of the bus");
  sb_test_http_abandon (exchange);
  restart (bus, NULL);
  left = sb_test_tus_list (bus->daemon);
  g_assert_cmpstr (left, ==, "");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_data_func ("/tus-crash/goes-on-after-a-restart", GINT_TO_POINTER (FALSE),
                        test_goes_on_after_a_restart);
  g_test_add_data_func ("/tus-crash/goes-on-after-kill-9", GINT_TO_POINTER (TRUE),
                        test_goes_on_after_a_restart);
  g_test_add_func ("/tus-crash/stays-done-after-a-restart", test_stays_done_after_a_restart);
  for (gsize i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      g_autofree char *name = g_strconcat ("/tus-crash/is-not-lost-at-", steps[i], NULL);

      g_test_add_data_func (name, steps[i], test_is_not_lost_at);
    }
  g_test_add_func ("/tus-crash/takes-back-what-was-not-verified",
                   test_takes_back_what_was_not_verified);
  g_test_add_func ("/tus-crash/leaves-nothing-of-one-that-was-given-up",
                   test_leaves_nothing_of_one_that_was_given_up);
  return g_test_run ();
}

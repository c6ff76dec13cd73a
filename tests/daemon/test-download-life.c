/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-download-life: notices, confirmations, releases and the end of files. */

#include "sb-test-file.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define TO_BOB "{\"_id\":\"f\",\"to\":\"@bob\",\"message\":1}"

static guint
get_status (SbTestHttp *client, const char *path)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);

  return answer->status;
}

static void
ends_the_delivery_once (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", "abc", 3);
  g_autofree char *state = NULL;

  g_assert_cmpuint (sb_test_release (bus->bob, path), ==, 200);
  state = sb_test_get_state (bus->alice, "f", "bob");
  g_assert_cmpstr (state, ==, "confirmed");
  g_assert_cmpuint (sb_test_release (bus->bob, path), ==, 404);
  g_assert_cmpuint (get_status (bus->bob, path), ==, 404);
}

static void
lets_recipients_alone_release (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", "abc", 3);

  g_assert_cmpuint (sb_test_release (bus->alice, path), ==, 404);
  g_assert_cmpuint (sb_test_release (bus->admin, path), ==, 404);
  g_assert_cmpuint (get_status (bus->bob, path), ==, 200);
}

/* Whatever the order, the file goes with the last of them. */
static void
keeps_the_file_until_the_last_release (void)
{
  static const guint orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                     { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) dave = NULL;
  SbTestHttp *clients[3];

  sb_test_make_users (bus->admin, "dave", NULL);
  dave = sb_test_http_as (bus->daemon, "dave");
  clients[0] = bus->bob;
  clients[1] = bus->carol;
  clients[2] = dave;
  for (gsize i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"_id\":\"f%" G_GSIZE_FORMAT
                                               "\",\"to\":[\"@bob\",\"@carol\",\"@dave\"],"
                                               "\"message\":1}",
                                               i);
      g_autofree char *path = sb_test_put_file (bus->alice, json, "x", "abc", 3);

      for (guint j = 0; j < 3; j++)
        {
          g_assert_cmpuint (sb_test_count_files (bus->daemon), ==, 1);
          g_assert_cmpuint (get_status (clients[orders[i][j]], path), ==, 200);
          g_assert_cmpuint (get_status (bus->alice, path), ==, 200);
          g_assert_cmpuint (sb_test_release (clients[orders[i][j]], path), ==, 200);
          g_assert_cmpuint (get_status (clients[orders[i][j]], path), ==, 404);
        }
      sb_test_wait_files (bus->daemon, 0);
      g_assert_cmpuint (get_status (bus->alice, path), ==, 404);
    }
}

static void
stays_when_its_notice_is_confirmed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "photo.jpg", "abc", 3);
  g_autoptr (SbTestFrame) notice = sb_test_ws_take_type (bob, "file");

  g_assert_cmpstr (sb_test_frame_get (notice, "_id"), ==, "f");
  g_assert_cmpstr (sb_test_frame_get (notice, "filename"), ==, path + strlen ("/download/"));
  g_assert_cmpstr (sb_test_frame_get (notice, "display_filename"), ==, "photo.jpg");
  sb_test_ws_confirm (bob, "f");
  sb_test_wait_state (bus->alice, "f", "bob", "notified");
  g_assert_cmpuint (get_status (bus->bob, path), ==, 200);
  g_assert_cmpuint (sb_test_release (bus->bob, path), ==, 200);
  sb_test_wait_state (bus->alice, "f", "bob", "confirmed");
  sb_test_wait_files (bus->daemon, 0);
}

static void
sends_one_receipt_when_it_is_released (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestWs) alice = sb_test_ws_log_in_as (bus->daemon, "alice", NULL);
  g_autoptr (SbTestWs) bob = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", "abc", 3);
  g_autoptr (SbTestFrame) notice = sb_test_ws_take_type (bob, "file");
  g_autoptr (SbTestFrame) receipt = NULL;

  sb_test_ws_confirm (bob, "f");
  sb_test_wait_state (bus->alice, "f", "bob", "notified");
  sb_test_ws_assert_nothing (alice);
  g_assert_cmpuint (sb_test_release (bus->bob, path), ==, 200);
  receipt = sb_test_ws_take_type (alice, "confirmation");
  g_assert_cmpstr (sb_test_frame_get (receipt, "data"), ==, "f");
  g_assert_cmpstr (sb_test_frame_get (receipt, "sender"), ==, "bob");
  g_assert_cmpuint (sb_test_release (bus->bob, path), ==, 404);
  sb_test_ws_assert_nothing (alice);
}

static void
goes_when_its_time_is_up (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.file-ttl=2", NULL);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", "abc", 3);

  sb_test_wait_state (bus->alice, "f", "bob", "expired");
  sb_test_wait_files (bus->daemon, 0);
  g_assert_cmpuint (get_status (bus->bob, path), ==, 404);
  g_assert_cmpuint (get_status (bus->alice, path), ==, 404);
  g_assert_cmpuint (sb_test_release (bus->bob, path), ==, 404);
}

static void
goes_when_its_time_is_up_though_somebody_knows_of_it (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.file-ttl=2", NULL);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", "abc", 3);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->bob, "/confirm", "[\"f\"]");

  sb_test_assert_status (answer, 200);
  sb_test_wait_state (bus->alice, "f", "bob", "expired");
  sb_test_wait_files (bus->daemon, 0);
  g_assert_cmpuint (get_status (bus->bob, path), ==, 404);
}

static void
is_there_after_a_restart (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autofree char *path = sb_test_put_file (bus->alice, TO_BOB, "x", "abc", 3);
  g_autoptr (SbTestAnswer) answer = NULL;

  sb_test_site_restart (bus);
  answer = sb_test_http_get (bus->bob, path);
  g_assert_cmpmem (answer->body, answer->length, "abc", 3);
  g_assert_cmpuint (sb_test_release (bus->bob, path), ==, 200);
  sb_test_wait_files (bus->daemon, 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/download-life/ends-the-delivery-once", ends_the_delivery_once);
  g_test_add_func ("/download-life/lets-recipients-alone-release", lets_recipients_alone_release);
  g_test_add_func ("/download-life/keeps-the-file-until-the-last-release",
                   keeps_the_file_until_the_last_release);
  g_test_add_func ("/download-life/stays-when-its-notice-is-confirmed",
                   stays_when_its_notice_is_confirmed);
  g_test_add_func ("/download-life/sends-one-receipt-when-it-is-released",
                   sends_one_receipt_when_it_is_released);
  g_test_add_func ("/download-life/goes-when-its-time-is-up", goes_when_its_time_is_up);
  g_test_add_func ("/download-life/goes-when-its-time-is-up-though-somebody-knows-of-it",
                   goes_when_its_time_is_up_though_somebody_knows_of_it);
  g_test_add_func ("/download-life/is-there-after-a-restart", is_there_after_a_restart);
  return g_test_run ();
}

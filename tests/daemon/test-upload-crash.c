/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-upload-crash: the bus dies at each step of a file, and what is left is neither too little
 * nor too much. */

#include "sb-test-site.h"
#include "sb-test.h"
#include "upload.h"

#include <string.h>

/* A site whose daemon dies when it comes to @point for the second time. */
static SbTestSite *
site_new_for (const char *point)
{
  SbTestDaemon *daemon = sb_test_daemon_new ();
  g_autofree char *second = g_strconcat (point, ":2", NULL);

  sb_test_daemon_setenv (daemon, "SIMPLEBUS_FAULT_POINT", second);
  sb_test_daemon_start (daemon);
  return sb_test_site_new_for (daemon);
}

/* Sends a form that the bus does not survive. */
static void
upload_to_death (SbTestSite *bus, const char *id)
{
  g_autoptr (SbTestRaw) raw = sb_test_raw_new (sb_test_daemon_get_http_port (bus->daemon));
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"@bob\",\"message\":1}", id);
  g_autofree char *answer = NULL;
  Upload *form = upload_new ();

  upload_add_field (form, "data", json);
  upload_add_file (form, "a.bin", "a.bin", "lost", -1);
  upload_end (form);
  upload_begin_raw (raw, form->len);
  sb_test_raw_send_data (raw, form->str, form->len);
  answer = sb_test_raw_read_all (raw);
  g_assert_null (strstr (answer, "HTTP/1.1 200"));
  sb_test_daemon_kill (bus->daemon);
  g_string_free (form, TRUE);
}

static void
test_dies_at (gconstpointer point)
{
  g_autoptr (SbTestSite) bus = site_new_for (point);
  g_autofree char *kept = upload_put_file (bus->alice, "m-1", "kept");
  g_autofree char *again = NULL;
  g_autoptr (SbTestWs) session = NULL;

  upload_to_death (bus, "m-2");
  sb_test_daemon_setenv (bus->daemon, "SIMPLEBUS_FAULT_POINT", "");
  sb_test_site_restart (bus);
  upload_wait_count (bus->daemon, 1);
  g_assert_true (upload_has (bus->daemon, "kept", 4));

  /* Nothing of it was accepted, so it can be sent again. */
  again = upload_put_file (bus->alice, "m-2", "again");
  session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  sb_test_frame_free (sb_test_ws_take_id (session, "m-1"));
  sb_test_frame_free (sb_test_ws_take_id (session, "m-2"));
  upload_wait_count (bus->daemon, 2);
}

static void
test_keeps_announced_files (void)
{
  SbTestDaemon *daemon = sb_test_daemon_run (NULL, NULL);
  g_autoptr (SbTestSite) bus = sb_test_site_new_for (daemon);
  g_autoptr (SbTestWs) session = NULL;
  g_autoptr (SbTestFrame) frame = NULL;
  g_autofree char *name = upload_put_file (bus->alice, "m-1", "announced");

  sb_test_daemon_kill (bus->daemon);
  sb_test_site_restart (bus);
  upload_wait_count (bus->daemon, 1);
  g_assert_true (upload_has (bus->daemon, "announced", 9));
  session = sb_test_ws_log_in_as (bus->daemon, "bob", NULL);
  frame = sb_test_ws_take_id (session, "m-1");
  g_assert_cmpstr (sb_test_frame_get (frame, "filename"), ==, name);
}

int
main (int argc, char *argv[])
{
  static const char *const points[] = { "vault-made", "vault-written", "vault-flushed",
                                        "vault-renamed", "vault-kept" };

  sb_test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (points); i++)
    {
      g_autofree char *path = g_strconcat ("/upload-crash/dies-at-", points[i], NULL);

      g_test_add_data_func (path, points[i], test_dies_at);
    }
  g_test_add_func ("/upload-crash/keeps-announced-files", test_keeps_announced_files);
  return g_test_run ();
}

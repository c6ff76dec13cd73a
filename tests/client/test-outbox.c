/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-outbox: what was sent is kept, goes out in order, and counts once. */

#include "disk-log.h"
#include "sb-test-client.h"
#include "sb-test-proxy.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <glib/gstdio.h>
#include <string.h>

/* A bus, a network that may be away, and alice with a folder of her own. */
typedef struct
{
  SbTestSite *site;
  SbTestProxy *proxy;
  SbTestDir *dir;
  SbTestClient *alice;
  SbTestClient *bob; /* (nullable) */
} Rig;

static void
new_alice (Rig *self)
{
  self->alice = sb_test_client_new (sb_test_proxy_get_port (self->proxy), "alice", "state-dir",
                                    self->dir, NULL);
}

static Rig *
rig_new (const char *setting)
{
  Rig *self = g_new0 (Rig, 1);

  self->site = sb_test_site_new (setting, NULL);
  self->proxy = sb_test_proxy_new (sb_test_daemon_get_http_port (self->site->daemon));
  self->dir = sb_test_make_dir ();
  new_alice (self);
  return self;
}

static void
rig_free (Rig *self)
{
  g_clear_pointer (&self->bob, sb_test_client_free);
  g_clear_pointer (&self->alice, sb_test_client_free);
  sb_test_proxy_free (self->proxy);
  sb_test_site_free (self->site);
  sb_test_remove_dir (self->dir);
  g_free (self);
}

/* Bob has got the numbers below @n, in order and each once. */
static void
assert_all (Rig *self, guint n)
{
  if (self->bob == NULL)
    {
      self->bob = sb_test_client_new (sb_test_daemon_get_http_port (self->site->daemon), "bob",
                                      NULL);
      sb_test_client_connect (self->bob);
    }
  sb_test_client_wait (self->bob, self->bob->messages, n);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *payload = sb_test_client_dup_payload (self->bob, i);

      g_assert_cmpuint (g_ascii_strtoull (payload, NULL, 10), ==, i);
    }
  g_assert_cmpuint (self->bob->messages->len, ==, n);
}

static void
send_number (Rig *self, guint number, guint *n_done)
{
  g_autofree char *payload = g_strdup_printf ("%u", number);
  g_autoptr (SbClientDraft) draft = sb_test_draft ("@bob", payload);

  sb_test_client_send_later (self->alice, draft, n_done);
}

static void
send_numbers (Rig *self, guint first, guint n)
{
  guint n_done = 0;

  for (guint i = 0; i < n; i++)
    send_number (self, first + i, &n_done);
  sb_test_wait_count (&n_done, n, "messages to be in the outbox");
}

static void
send_draft (Rig *self, const char *to, const char *payload, const char *id)
{
  g_autoptr (SbClientDraft) draft = sb_test_draft (to, payload);
  g_autofree char *given = NULL;

  g_assert_true (sb_client_draft_set_id (draft, id, NULL));
  given = sb_test_client_send_draft (self->alice, draft);
  g_assert_cmpstr (given, ==, id);
}

/* --- In order and once --- */

static void
test_sends_in_order_what_was_given_offline (void)
{
  Rig *rig = rig_new (NULL);

  send_numbers (rig, 0, 3000);
  g_assert_cmpuint (sb_client_get_outbox_length (rig->alice->client), ==, 3000);
  sb_test_client_connect (rig->alice);
  sb_test_client_flush (rig->alice);
  g_assert_cmpuint (sb_client_get_outbox_length (rig->alice->client), ==, 0);
  g_assert_cmpuint (rig->alice->accepted->len, ==, 3000);
  assert_all (rig, 3000);
  rig_free (rig);
}

static void
test_keeps_messages_for_the_next_program (void)
{
  Rig *rig = rig_new (NULL);

  send_numbers (rig, 0, 100);
  sb_test_client_free (rig->alice);
  new_alice (rig);
  send_numbers (rig, 100, 100);
  g_assert_cmpuint (sb_client_get_outbox_length (rig->alice->client), ==, 200);
  sb_test_client_connect (rig->alice);
  sb_test_client_flush (rig->alice);
  assert_all (rig, 200);
  rig_free (rig);
}

static void
test_goes_on_after_it_was_closed (void)
{
  Rig *rig = rig_new (NULL);

  send_numbers (rig, 0, 10);
  sb_test_client_close (rig->alice);
  sb_test_client_connect (rig->alice);
  send_numbers (rig, 10, 10);
  sb_test_client_flush (rig->alice);
  assert_all (rig, 20);
  rig_free (rig);
}

static void
test_does_without_a_disk (void)
{
  Rig *rig = rig_new (NULL);

  sb_test_client_free (rig->alice);
  rig->alice = sb_test_client_new (sb_test_proxy_get_port (rig->proxy), "alice", NULL);
  send_numbers (rig, 0, 100);
  sb_test_client_connect (rig->alice);
  sb_test_client_flush (rig->alice);
  assert_all (rig, 100);
  rig_free (rig);
}

static void
test_takes_an_id_once (void)
{
  Rig *rig = rig_new (NULL);

  send_draft (rig, "@bob", "0", "same");
  send_draft (rig, "@bob", "7", "same");
  g_assert_cmpuint (sb_client_get_outbox_length (rig->alice->client), ==, 1);
  sb_test_client_connect (rig->alice);
  sb_test_client_flush (rig->alice);
  send_draft (rig, "@bob", "8", "same");
  sb_test_client_flush (rig->alice);
  g_assert_cmpuint (rig->alice->accepted->len, ==, 2);
  assert_all (rig, 1);
  rig_free (rig);
}

static void
test_sends_a_draft_twice (void)
{
  Rig *rig = rig_new (NULL);
  g_autoptr (SbClientDraft) draft = sb_test_draft ("@bob", "1");
  g_autofree char *first = sb_test_client_send_draft (rig->alice, draft);
  g_autofree char *second = sb_test_client_send_draft (rig->alice, draft);

  g_assert_cmpstr (first, !=, second);
  g_assert_cmpuint (sb_client_get_outbox_length (rig->alice->client), ==, 2);
  rig_free (rig);
}

static void
test_waits_until_all_is_accepted (void)
{
  Rig *rig = rig_new (NULL);

  sb_test_client_flush (rig->alice);
  sb_test_client_connect (rig->alice);
  for (guint i = 0; i < 20; i++)
    {
      send_numbers (rig, i, 1);
      sb_test_client_flush (rig->alice);
      g_assert_cmpuint (rig->alice->accepted->len, ==, i + 1);
    }
  assert_all (rig, 20);
  rig_free (rig);
}

static void
test_passes_a_network_that_cuts (void)
{
  Rig *rig = rig_new (NULL);
  const guint n = sb_test_daemon_is_instrumented () ? 1000 : 10000;

  sb_test_proxy_cut_often (rig->proxy, SB_TEST_WAY_UP, 1000, 6 * n, 10);
  sb_test_proxy_cut_often (rig->proxy, SB_TEST_WAY_DOWN, 1000, 6 * n, 10);
  sb_test_client_begin (rig->alice);
  send_numbers (rig, 0, n);
  sb_test_client_flush (rig->alice);
  g_assert_cmpuint (sb_test_proxy_get_n_cuts (rig->proxy), >, 3);
  g_assert_cmpuint (rig->alice->errors->len, ==, 0);
  assert_all (rig, n);
  rig_free (rig);
}

static void
test_passes_restarts_of_the_bus (void)
{
  Rig *rig = rig_new ("bus.store=sqlite");
  guint n = 0;

  sb_test_client_connect (rig->alice);
  for (guint i = 0; i < 5; i++)
    {
      for (guint j = 0; j < 300; j++)
        send_number (rig, n++, NULL);
      sb_test_client_wait (rig->alice, rig->alice->accepted, rig->alice->accepted->len + 20);
      sb_test_daemon_kill (rig->site->daemon);
      sb_test_daemon_restart (rig->site->daemon, TRUE);
    }
  sb_test_client_flush (rig->alice);
  assert_all (rig, n);
  rig_free (rig);
}

/* --- What the bus does not take --- */

/* The bus looks at some things at once, and at others when it stores the message. */
static int
find_error (SbTestClient *client, const char *id)
{
  for (guint i = 0; i < client->error_ids->len; i++)
    if (g_strcmp0 (sb_test_client_get (client->error_ids, i), id) == 0)
      return sb_test_client_get_error (client, i);
  g_assert_not_reached ();
}

static void
test_tells_what_was_refused (void)
{
  static const struct
  {
    const char *id;
    const char *to;
    int code;
  } cases[] = {
    { "nobody", "@nobody", SB_CLIENT_ERROR_NOT_FOUND },
    { "taken", "@bob", SB_CLIENT_ERROR_CONFLICT },
    { "large", "@bob", SB_CLIENT_ERROR_TOO_LARGE },
  };
  Rig *rig = rig_new ("bus.max-message-size=4K");
  g_autofree char *taken = sb_test_put (rig->site->carol,
                                        "{\"to\":\"@alice\",\"message\":1,\"_id\":\"taken\"}");

  send_numbers (rig, 0, 1);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *word = g_strnfill (5000, 'x');
      g_autofree char *payload = g_strdup_printf ("\"%s\"", word);
      gboolean is_large = cases[i].code == SB_CLIENT_ERROR_TOO_LARGE;

      send_draft (rig, cases[i].to, is_large ? payload : "1", cases[i].id);
    }
  send_numbers (rig, 1, 1);
  sb_test_client_connect (rig->alice);
  sb_test_client_flush (rig->alice);
  g_assert_cmpuint (rig->alice->errors->len, ==, G_N_ELEMENTS (cases));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpint (find_error (rig->alice, cases[i].id), ==, cases[i].code);
  assert_all (rig, 2);
  rig_free (rig);
}

/* The bus hangs up on such a frame; which one it was must be found out. */
static void
test_finds_the_message_that_the_bus_hangs_up_on (void)
{
  Rig *rig = rig_new ("bus.max-message-size=4K");
  g_autofree char *word = g_strnfill (1024 * 1024, 'x');
  g_autofree char *payload = g_strdup_printf ("\"%s\"", word);

  send_numbers (rig, 0, 50);
  send_draft (rig, "@bob", payload, "first");
  send_numbers (rig, 50, 50);
  send_draft (rig, "@bob", payload, "second");
  sb_test_client_connect (rig->alice);
  sb_test_client_flush (rig->alice);
  g_assert_cmpuint (rig->alice->errors->len, ==, 2);
  g_assert_cmpstr (sb_test_client_get (rig->alice->error_ids, 0), ==, "first");
  g_assert_cmpstr (sb_test_client_get (rig->alice->error_ids, 1), ==, "second");
  g_assert_cmpint (sb_test_client_get_error (rig->alice, 0), ==, SB_CLIENT_ERROR_TOO_LARGE);
  assert_all (rig, 100);
  rig_free (rig);
}

static void
test_tries_again_what_a_full_queue_did_not_take (void)
{
  Rig *rig = rig_new ("bus.max-queue=2");
  g_autofree char *other = NULL;

  send_numbers (rig, 0, 3);
  other = sb_test_client_send (rig->alice, "@carol", "1");
  sb_test_client_connect (rig->alice);
  sb_test_client_wait (rig->alice, rig->alice->accepted, 3);
  g_assert_cmpstr (sb_test_client_get (rig->alice->accepted, 2), ==, other);
  g_assert_cmpuint (sb_client_get_outbox_length (rig->alice->client), ==, 1);
  assert_all (rig, 3);
  sb_test_client_flush (rig->alice);
  g_assert_cmpuint (rig->alice->errors->len, ==, 0);
  rig_free (rig);
}

static void
test_waits_while_the_disk_of_the_bus_is_full (void)
{
  SbTestDaemon *daemon;
  g_autofree char *full = NULL;
  Rig *rig;
  guint64 bytes;

  if (sb_test_daemon_is_instrumented ())
    {
      g_test_skip ("nothing can be preloaded before a sanitizer");
      return;
    }
  daemon = sb_test_daemon_new ();
  full = g_build_filename (sb_test_daemon_get_dir (daemon), DISK_FAULT_FULL, NULL);
  rig = g_new0 (Rig, 1);
  sb_test_daemon_preload (daemon, SB_TEST_DISK_SPY);
  sb_test_daemon_setenv (daemon, DISK_ENV_FAULTS, sb_test_daemon_get_dir (daemon));
  sb_test_daemon_start (daemon);
  rig->site = sb_test_site_new_for (daemon);
  rig->proxy = sb_test_proxy_new (sb_test_daemon_get_http_port (daemon));
  rig->dir = sb_test_make_dir ();
  new_alice (rig);
  sb_test_client_connect (rig->alice);
  g_assert_true (g_file_set_contents (full, "", 0, NULL));
  bytes = sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN);
  send_numbers (rig, 0, 200);
  /* It is refused, and tried again. */
  sb_test_proxy_wait_bytes (rig->proxy, SB_TEST_WAY_DOWN, bytes + 500);
  g_assert_cmpuint (rig->alice->accepted->len, ==, 0);
  g_assert_cmpuint (sb_client_get_outbox_length (rig->alice->client), ==, 200);
  g_assert_no_errno (g_remove (full));
  sb_test_client_flush (rig->alice);
  g_assert_cmpuint (rig->alice->errors->len, ==, 0);
  g_assert_cmpuint (rig->alice->accepted->len, ==, 200);
  rig_free (rig);
}

/* --- What the outbox does not take --- */

static void
test_has_a_bound (void)
{
  Rig *rig = rig_new (NULL);
  g_autoptr (SbClientDraft) draft = sb_test_draft ("@bob", "10");
  g_autoptr (GError) error = NULL;

  g_setenv ("SIMPLEBUS_CLIENT_TIMES", "pause-percent=5 outbox-length=10", TRUE);
  send_numbers (rig, 0, 10);
  error = sb_test_client_send_refused (rig->alice, draft);
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY);
  sb_test_client_connect (rig->alice);
  sb_test_client_flush (rig->alice);
  send_numbers (rig, 10, 1);
  g_setenv ("SIMPLEBUS_CLIENT_TIMES", "pause-percent=5", TRUE);
  assert_all (rig, 11);
  rig_free (rig);
}

static void
test_has_its_folder_alone (void)
{
  Rig *rig = rig_new (NULL);
  g_autoptr (SbTestClient) other = NULL;
  g_autoptr (GError) error = NULL;

  send_numbers (rig, 0, 1);
  other = sb_test_client_new (1, "alice", "state-dir", rig->dir, NULL);
  error = sb_test_client_connect_refused (other);
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY);
  rig_free (rig);
}

/* Opens a folder with that as its outbox. It must be refused, and left as it is. */
static void
assert_refused (const char *data, gsize length, int code)
{
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autoptr (SbTestClient) alice = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (dir, "outbox.db", NULL);
  g_autofree char *after = NULL;
  gsize after_length;

  g_assert_true (g_file_set_contents (path, data, (gssize) length, NULL));
  alice = sb_test_client_new (1, "alice", "state-dir", dir, NULL);
  error = sb_test_client_connect_refused (alice);
  g_test_message ("%s", error->message);
  g_assert_error (error, SB_CLIENT_ERROR, code);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_true (g_file_get_contents (path, &after, &after_length, NULL));
  g_assert_cmpmem (after, after_length, data, length);
}

static void
test_leaves_a_damaged_database_as_it_is (void)
{
  Rig *rig = rig_new (NULL);
  g_autofree char *path = g_build_filename (rig->dir, "outbox.db", NULL);
  g_autofree char *data = NULL;
  gsize length;

  send_numbers (rig, 0, 500);
  sb_test_client_close (rig->alice);
  g_assert_true (g_file_get_contents (path, &data, &length, NULL));
  g_assert_cmpuint (length, >, 8 * 4096);
  assert_refused ("This is no database at all, and long enough to be seen as none.", 63,
                  SB_CLIENT_ERROR_CORRUPT);
  memset (data + 5 * 4096, 0xa5, 2 * 4096);
  assert_refused (data, length, SB_CLIENT_ERROR_CORRUPT);
  rig_free (rig);
}

static void
test_leaves_the_database_of_a_newer_version_as_it_is (void)
{
  Rig *rig = rig_new (NULL);
  g_autofree char *path = g_build_filename (rig->dir, "outbox.db", NULL);
  g_autofree char *data = NULL;
  gsize length;

  send_numbers (rig, 0, 1);
  sb_test_client_close (rig->alice);
  g_assert_true (g_file_get_contents (path, &data, &length, NULL));
  data[63] = 2; /* user_version */
  assert_refused (data, length, SB_CLIENT_ERROR_CONFLICT);
  data[63] = 1;
  data[71] ^= 1; /* application_id */
  assert_refused (data, length, SB_CLIENT_ERROR_CONFLICT);
  rig_free (rig);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*func) (void);
  } tests[] = {
    { "sends-in-order-what-was-given-offline", test_sends_in_order_what_was_given_offline },
    { "keeps-messages-for-the-next-program", test_keeps_messages_for_the_next_program },
    { "goes-on-after-it-was-closed", test_goes_on_after_it_was_closed },
    { "does-without-a-disk", test_does_without_a_disk },
    { "takes-an-id-once", test_takes_an_id_once },
    { "sends-a-draft-twice", test_sends_a_draft_twice },
    { "waits-until-all-is-accepted", test_waits_until_all_is_accepted },
    { "passes-a-network-that-cuts", test_passes_a_network_that_cuts },
    { "passes-restarts-of-the-bus", test_passes_restarts_of_the_bus },
    { "tells-what-was-refused", test_tells_what_was_refused },
    { "finds-the-message-that-the-bus-hangs-up-on",
      test_finds_the_message_that_the_bus_hangs_up_on },
    { "tries-again-what-a-full-queue-did-not-take",
      test_tries_again_what_a_full_queue_did_not_take },
    { "waits-while-the-disk-of-the-bus-is-full", test_waits_while_the_disk_of_the_bus_is_full },
    { "has-a-bound", test_has_a_bound },
    { "has-its-folder-alone", test_has_its_folder_alone },
    { "leaves-a-damaged-database-as-it-is", test_leaves_a_damaged_database_as_it_is },
    { "leaves-the-database-of-a-newer-version-as-it-is",
      test_leaves_the_database_of_a_newer_version_as_it_is },
  };

  g_setenv ("SIMPLEBUS_CLIENT_TIMES", "pause-percent=5", TRUE);
  sb_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/client/outbox/", tests[i].path, NULL);

      g_test_add_func (path, tests[i].func);
    }
  return g_test_run ();
}

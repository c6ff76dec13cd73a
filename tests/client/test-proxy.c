/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-proxy: the bad network that the other tests of the client rely on. */

#include "sb-test-daemon.h"
#include "sb-test-proxy.h"
#include "sb-test.h"

#include <string.h>

/* One end of a connection: what came, and whether the other end is gone. */
typedef struct
{
  GSocket *socket;   /* (owned) */
  GSource *source;   /* (owned) */
  GByteArray *input; /* (owned) */
  gboolean has_ended;
} End;

/* A client and a server with the proxy between them. */
typedef struct
{
  GSocket *listener; /* (owned) */
  SbTestProxy *proxy;
  End client;
  End server;
} Rig;

static gboolean
input_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  End *self = user_data;
  char buffer[65536];
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_receive (socket, buffer, sizeof buffer, NULL, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  if (n > 0)
    g_byte_array_append (self->input, (const guint8 *) buffer, (guint) n);
  self->has_ended = n <= 0;
  return n > 0;
}

static void
end_init (End *self, GSocket *socket)
{
  self->socket = socket;
  g_socket_set_blocking (socket, FALSE);
  self->input = g_byte_array_new ();
  self->source = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (input_cb), self, NULL);
  g_source_attach (self->source, NULL);
}

static void
end_clear (End *self)
{
  if (self->socket == NULL)
    return;
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_socket_close (self->socket, NULL);
  g_object_unref (self->socket);
  g_byte_array_unref (self->input);
}

static GSocket *
new_socket (void)
{
  g_autoptr (GError) error = NULL;
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                  &error);

  g_assert_no_error (error);
  return socket;
}

static guint16
listen_somewhere (GSocket *socket)
{
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) got = NULL;

  g_assert_true (g_socket_bind (socket, any, TRUE, NULL));
  g_assert_true (g_socket_listen (socket, NULL));
  got = g_socket_get_local_address (socket, NULL);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (got));
}

/* Returns: (nullable): a socket that is connected */
static GSocket *
try_connect (guint16 port)
{
  g_autoptr (GSocket) socket = new_socket ();
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", port);

  return g_socket_connect (socket, address, NULL, NULL) ? g_steal_pointer (&socket) : NULL;
}

static Rig *
rig_new (void)
{
  Rig *self = g_new0 (Rig, 1);
  GSocket *client;

  self->listener = new_socket ();
  self->proxy = sb_test_proxy_new (listen_somewhere (self->listener));
  client = try_connect (sb_test_proxy_get_port (self->proxy));
  g_assert_nonnull (client);
  end_init (&self->client, client);
  sb_test_proxy_wait_opened (self->proxy, 1);
  end_init (&self->server, g_socket_accept (self->listener, NULL, NULL));
  return self;
}

static void
rig_free (Rig *self)
{
  end_clear (&self->client);
  end_clear (&self->server);
  sb_test_proxy_free (self->proxy);
  g_object_unref (self->listener);
  g_free (self);
}

static void
say (End *self, const char *text)
{
  g_assert_cmpint (g_socket_send (self->socket, text, strlen (text), NULL, NULL), ==,
                   strlen (text));
}

typedef struct
{
  End *end;
  guint n;
} Wanted;

static gboolean
has_come (gpointer user_data)
{
  Wanted *wanted = user_data;

  return wanted->end->input->len >= wanted->n;
}

static void
assert_heard (End *self, const char *text)
{
  sb_test_wait_for (has_come, &(Wanted) { self, (guint) strlen (text) }, text);
  g_assert_cmpmem (self->input->data, self->input->len, text, strlen (text));
}

/* --- Tests --- */

static void
test_passes_bytes_both_ways (void)
{
  Rig *rig = rig_new ();

  say (&rig->client, "up");
  assert_heard (&rig->server, "up");
  say (&rig->server, "down");
  assert_heard (&rig->client, "down");
  g_assert_cmpuint (sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_UP), ==, 2);
  g_assert_cmpuint (sb_test_proxy_get_bytes (rig->proxy, SB_TEST_WAY_DOWN), ==, 4);
  rig_free (rig);
}

static void
test_passes_the_end_of_one_way_on (void)
{
  Rig *rig = rig_new ();

  say (&rig->client, "last");
  g_socket_shutdown (rig->client.socket, FALSE, TRUE, NULL);
  sb_test_wait_flag (&rig->server.has_ended, "the end");
  assert_heard (&rig->server, "last");
  say (&rig->server, "answer");
  assert_heard (&rig->client, "answer");
  g_socket_shutdown (rig->server.socket, FALSE, TRUE, NULL);
  sb_test_wait_flag (&rig->client.has_ended, "the other end");
  rig_free (rig);
}

static void
test_holds_one_way_back (void)
{
  Rig *rig = rig_new ();

  sb_test_proxy_stall (rig->proxy, SB_TEST_WAY_UP);
  say (&rig->client, "one ");
  say (&rig->server, "passes");
  assert_heard (&rig->client, "passes");
  g_assert_cmpuint (rig->server.input->len, ==, 0);
  say (&rig->client, "two");
  sb_test_proxy_unstall (rig->proxy, SB_TEST_WAY_UP);
  assert_heard (&rig->server, "one two");
  rig_free (rig);
}

static void
test_takes_its_time (void)
{
  Rig *rig = rig_new ();
  gint64 start = g_get_monotonic_time ();

  sb_test_proxy_set_delay (rig->proxy, SB_TEST_WAY_UP, 50);
  say (&rig->client, "late");
  assert_heard (&rig->server, "late");
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 50000);
  rig_free (rig);
}

static void
test_trickles (void)
{
  Rig *rig = rig_new ();
  gint64 start = g_get_monotonic_time ();

  sb_test_proxy_set_trickle (rig->proxy, SB_TEST_WAY_UP, 1);
  say (&rig->client, "0123456789");
  assert_heard (&rig->server, "0123456789");
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 9 * 2000);
  rig_free (rig);
}

static void
test_cuts_at_a_byte (void)
{
  Rig *rig = rig_new ();

  sb_test_proxy_cut_after (rig->proxy, SB_TEST_WAY_UP, 7);
  say (&rig->client, "0123456789");
  sb_test_wait_flag (&rig->server.has_ended, "the cut");
  sb_test_wait_flag (&rig->client.has_ended, "the cut at the other end");
  assert_heard (&rig->server, "0123456");
  g_assert_cmpuint (sb_test_proxy_get_n_cuts (rig->proxy), ==, 1);
  g_assert_cmpuint (sb_test_proxy_get_n_open (rig->proxy), ==, 0);
  rig_free (rig);
}

static void
test_cuts_again_and_again (void)
{
  Rig *rig = rig_new ();

  sb_test_proxy_cut_often (rig->proxy, SB_TEST_WAY_UP, 1, 4, 3);
  for (guint i = 0; i < 3; i++)
    {
      say (&rig->client, "0123456789");
      sb_test_wait_flag (&rig->client.has_ended, "a cut");
      g_assert_cmpuint (sb_test_proxy_get_n_cuts (rig->proxy), ==, i + 1);
      end_clear (&rig->client);
      end_clear (&rig->server);
      memset (&rig->client, 0, sizeof rig->client);
      end_init (&rig->client, try_connect (sb_test_proxy_get_port (rig->proxy)));
      sb_test_proxy_wait_opened (rig->proxy, i + 2);
      memset (&rig->server, 0, sizeof rig->server);
      end_init (&rig->server, g_socket_accept (rig->listener, NULL, NULL));
    }
  say (&rig->client, "0123456789");
  assert_heard (&rig->server, "0123456789");
  rig_free (rig);
}

static void
test_resets (void)
{
  Rig *rig = rig_new ();

  sb_test_proxy_reset (rig->proxy);
  sb_test_wait_flag (&rig->server.has_ended, "the end");
  sb_test_wait_flag (&rig->client.has_ended, "the other end");
  rig_free (rig);
}

static void
test_lets_nobody_in (void)
{
  Rig *rig = rig_new ();
  guint16 port = sb_test_proxy_get_port (rig->proxy);
  g_autoptr (GSocket) refused = NULL;
  g_autoptr (GSocket) taken = NULL;

  sb_test_proxy_set_accepting (rig->proxy, FALSE);
  refused = try_connect (port);
  g_assert_null (refused);
  say (&rig->client, "open ones stay");
  assert_heard (&rig->server, "open ones stay");
  sb_test_proxy_set_accepting (rig->proxy, TRUE);
  taken = try_connect (port);
  g_assert_nonnull (taken);
  rig_free (rig);
}

static void
test_hangs_up_when_there_is_no_bus (void)
{
  Rig *rig = rig_new ();
  End end = { NULL };

  g_socket_close (rig->listener, NULL);
  end_init (&end, try_connect (sb_test_proxy_get_port (rig->proxy)));
  sb_test_wait_flag (&end.has_ended, "the proxy to hang up");
  end_clear (&end);
  rig_free (rig);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/proxy/passes-bytes-both-ways", test_passes_bytes_both_ways);
  g_test_add_func ("/proxy/passes-the-end-of-one-way-on", test_passes_the_end_of_one_way_on);
  g_test_add_func ("/proxy/holds-one-way-back", test_holds_one_way_back);
  g_test_add_func ("/proxy/takes-its-time", test_takes_its_time);
  g_test_add_func ("/proxy/trickles", test_trickles);
  g_test_add_func ("/proxy/cuts-at-a-byte", test_cuts_at_a_byte);
  g_test_add_func ("/proxy/cuts-again-and-again", test_cuts_again_and_again);
  g_test_add_func ("/proxy/resets", test_resets);
  g_test_add_func ("/proxy/lets-nobody-in", test_lets_nobody_in);
  g_test_add_func ("/proxy/hangs-up-when-there-is-no-bus", test_hangs_up_when_there_is_no_bus);
  return g_test_run ();
}

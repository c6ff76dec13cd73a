/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-old-bus: a client of a bus that is not ours. It says what the original says and nothing
 * more: no greeting, no acceptance; or what no bus says.
 */

#include "sb-test-client.h"
#include "sb-test-json.h"
#include "sb-test.h"

#include <libsoup/soup.h>
#include <string.h>

#define PING_MS 20

/* libsoup 3.2 forgets addresses and sockets of a server. This is for the test alone. */
const char *__lsan_default_suppressions (void);

const char *
__lsan_default_suppressions (void)
{
  return "leak:libsoup-3.0";
}

typedef struct
{
  SoupServer *server; /* (owned) */
  guint16 port;
  SoupWebsocketConnection *socket; /* (owned) (nullable) */
  guint ping_source;
  GPtrArray *frames;    /* (owned) of what came, log-ins and all */
  const char *greeting; /* what is said when somebody logs in */
  gboolean refuses_tokens;
} OldBus;

static void
say (OldBus *self, const char *text)
{
  soup_websocket_connection_send_text (self->socket, text);
}

static gboolean
ping_cb (gpointer user_data)
{
  OldBus *self = user_data;

  if (self->socket != NULL
      && soup_websocket_connection_get_state (self->socket) == SOUP_WEBSOCKET_STATE_OPEN)
    say (self, "{\"type\":\"ping\"}");
  return G_SOURCE_CONTINUE;
}

static void
message_cb (SoupWebsocketConnection *socket, int type, GBytes *bytes, gpointer user_data)
{
  OldBus *self = user_data;
  char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  g_ptr_array_add (self->frames, text);
  if (strstr (text, "\"connect\"") == NULL)
    return;
  if (self->refuses_tokens && strstr (text, "\"token\"") != NULL)
    soup_websocket_connection_close (socket, SOUP_WEBSOCKET_CLOSE_PROTOCOL_ERROR,
                                     "NO AUTHORIZATION");
  else if (self->greeting != NULL)
    say (self, self->greeting);
}

static void
opened_cb (SoupServer *server, SoupServerMessage *message, const char *path,
           SoupWebsocketConnection *socket, gpointer user_data)
{
  OldBus *self = user_data;

  g_set_object (&self->socket, socket);
  g_signal_connect (socket, "message", G_CALLBACK (message_cb), self);
}

static OldBus *
old_bus_new (const char *greeting)
{
  OldBus *self = g_new0 (OldBus, 1);
  g_autoptr (GError) error = NULL;
  GSList *uris;

  self->greeting = greeting;
  self->frames = g_ptr_array_new_with_free_func (g_free);
  self->server = soup_server_new (NULL, NULL);
  soup_server_add_websocket_handler (self->server, NULL, NULL, NULL, opened_cb, self, NULL);
  soup_server_listen_local (self->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
  g_assert_no_error (error);
  uris = soup_server_get_uris (self->server);
  self->port = (guint16) g_uri_get_port (uris->data);
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  self->ping_source = g_timeout_add (PING_MS, ping_cb, self);
  return self;
}

static void
hang_up (OldBus *self)
{
  g_io_stream_close (soup_websocket_connection_get_io_stream (self->socket), NULL, NULL);
}

static void
old_bus_free (OldBus *self)
{
  g_source_remove (self->ping_source);
  if (self->socket != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->socket, self);
      hang_up (self);
    }
  g_clear_object (&self->socket);
  soup_server_disconnect (self->server);
  g_object_unref (self->server);
  sb_test_settle ();
  g_ptr_array_unref (self->frames);
  g_free (self);
}

static gboolean
has_frame (gpointer user_data)
{
  return ((GPtrArray **) user_data)[0]->len >= GPOINTER_TO_UINT (((gpointer *) user_data)[1]);
}

static const char *
wait_frame (OldBus *self, guint index)
{
  gpointer wanted[] = { self->frames, GUINT_TO_POINTER (index + 1) };

  sb_test_wait_for (has_frame, wanted, "what a client says");
  return g_ptr_array_index (self->frames, index);
}

/* For how long the client waits for a greeting, ms. */
static void
set_login_check (const char *ms)
{
  g_autofree char *times = g_strconcat ("pause-percent=5 login-check=", ms, NULL);

  g_setenv ("SIMPLEBUS_CLIENT_TIMES", times, TRUE);
}

/* --- Tests --- */

static void
test_is_logged_in_to_a_bus_that_only_pings (void)
{
  OldBus *bus = old_bus_new (NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (bus->port, "bob", NULL);

  set_login_check ("100");
  sb_test_client_connect (bob);
  g_assert_cmpint (sb_client_get_pending (bob->client), ==, -1);
  say (bus, "{\"_id\":\"a\",\"sender\":\"alice\",\"message\":1}");
  sb_test_client_wait (bob, bob->messages, 1);
  g_assert_cmpstr (wait_frame (bus, 1), ==, "{\"type\":\"confirmation\",\"data\":\"a\"}");
  sb_test_client_free (g_steal_pointer (&bob));
  old_bus_free (bus);
}

static void
test_is_logged_in_as_soon_as_a_message_comes (void)
{
  OldBus *bus = old_bus_new ("{\"_id\":\"a\",\"sender\":\"alice\",\"message\":1}");
  g_autoptr (SbTestClient) bob = NULL;

  set_login_check ("30000");
  bob = sb_test_client_new (bus->port, "bob", NULL);
  sb_test_client_connect (bob);
  sb_test_client_wait (bob, bob->messages, 1);
  sb_test_client_free (g_steal_pointer (&bob));
  old_bus_free (bus);
}

static void
test_sends_in_order_to_a_bus_that_accepts_without_a_word (void)
{
  OldBus *bus = old_bus_new (NULL);
  g_autoptr (SbTestClient) alice = sb_test_client_new (bus->port, "alice", NULL);

  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *payload = g_strdup_printf ("%u", i);
      g_autofree char *id = sb_test_client_send (alice, "@bob", payload);
    }
  set_login_check ("100");
  sb_test_client_connect (alice);
  sb_test_client_flush (alice);
  g_assert_cmpuint (alice->accepted->len, ==, 50);
  for (guint i = 0; i < 50; i++)
    {
      g_autoptr (JsonObject) frame = sb_test_json_object (wait_frame (bus, i + 1));

      g_assert_cmpint (sb_test_json_int (frame, "message"), ==, i);
    }
  sb_test_client_free (g_steal_pointer (&alice));
  old_bus_free (bus);
}

#define GREETING "{\"type\":\"connected\",\"token\":\"t-1\",\"pending\":3}"

static void
test_logs_in_again_with_its_token (void)
{
  OldBus *bus = old_bus_new (GREETING);
  g_autoptr (SbTestClient) bob = sb_test_client_new (bus->port, "bob", NULL);

  set_login_check ("30000");
  sb_test_client_connect (bob);
  g_assert_cmpint (sb_client_get_pending (bob->client), ==, 3);
  g_assert_nonnull (strstr (wait_frame (bus, 0), "\"password\":\"bob-pw\""));
  hang_up (bus);
  sb_test_client_wait_states (bob, "connected", 2);
  g_assert_nonnull (strstr (wait_frame (bus, 1), "\"token\":\"t-1\""));
  g_assert_null (strstr (wait_frame (bus, 1), "password"));
  bus->refuses_tokens = TRUE;
  hang_up (bus);
  sb_test_client_wait_states (bob, "connected", 3);
  g_assert_nonnull (strstr (wait_frame (bus, 2), "\"token\""));
  g_assert_nonnull (strstr (wait_frame (bus, 3), "\"password\":\"bob-pw\""));
  g_assert_cmpuint (bob->errors->len, ==, 0);
  sb_test_client_free (g_steal_pointer (&bob));
  old_bus_free (bus);
}

/* A program must not end, and not hang, whatever comes. */
static void
test_bears_what_no_bus_says (void)
{
  static const char *const frames[] = {
    "",
    "nonsense",
    "[]",
    "{}",
    "{\"type\":7}",
    "{\"type\":\"news\"}",
    "{\"type\":\"accepted\"}",
    "{\"type\":\"accepted\",\"data\":7}",
    "{\"type\":\"accepted\",\"data\":\"nobody-sent-that\"}",
    "{\"type\":\"confirmation\",\"data\":[]}",
    "{\"type\":\"expired\",\"data\":\"a\"}",
    "{\"type\":\"ERROR\"}",
    "{\"type\":\"ERROR\",\"data\":{},\"error\":[],\"reason\":7}",
    "{\"type\":\"connected\",\"token\":{},\"pending\":\"many\"}",
    "{\"_id\":7,\"message\":1}",
    "{\"type\":\"file\",\"_id\":\"f\",\"filename\":[],\"size\":\"big\",\"sha256\":1}",
  };
  OldBus *bus = old_bus_new (GREETING);
  g_autoptr (SbTestClient) bob = sb_test_client_new (bus->port, "bob", NULL);

  set_login_check ("30000");
  sb_test_client_connect (bob);
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    say (bus, frames[i]);
  say (bus, "{\"_id\":\"last\",\"sender\":\"alice\",\"message\":1}");
  sb_test_client_wait (bob, bob->messages, 2);
  g_assert_cmpstr (sb_test_client_get (bob->ids, 1), ==, "last");
  g_assert_cmpuint (sb_test_client_get_error (bob, 0), ==, SB_CLIENT_ERROR_PROTOCOL);
  sb_test_client_free (g_steal_pointer (&bob));
  old_bus_free (bus);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*func) (void);
  } tests[] = {
    { "is-logged-in-to-a-bus-that-only-pings", test_is_logged_in_to_a_bus_that_only_pings },
    { "is-logged-in-as-soon-as-a-message-comes", test_is_logged_in_as_soon_as_a_message_comes },
    { "sends-in-order-to-a-bus-that-accepts-without-a-word",
      test_sends_in_order_to_a_bus_that_accepts_without_a_word },
    { "logs-in-again-with-its-token", test_logs_in_again_with_its_token },
    { "bears-what-no-bus-says", test_bears_what_no_bus_says },
  };

  sb_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/client/old-bus/", tests[i].path, NULL);

      g_test_add_func (path, tests[i].func);
    }
  return g_test_run ();
}

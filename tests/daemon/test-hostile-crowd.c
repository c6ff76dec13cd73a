/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-hostile-crowd: very many at once, and guessers at speed. Hashing must not starve others. */

#include "hostile.h"

#include <string.h>

#define N_GUESSERS 40
#define GUESSES_AT_ONCE 8

/* A thousand devices after a restart */

typedef struct
{
  guint n;
  guint n_connected;
  guint n_closed;
  SbPeer **peers; /* (owned) */
} Crowd;

static void
on_opened (SbPeer *peer, gpointer user_data)
{
  Crowd *crowd = user_data;
  g_autofree char *name = NULL;
  guint i = 0;

  while (crowd->peers[i] != peer)
    i++;
  name = g_strdup_printf ("device%u", i);
  sb_peer_log_in (peer, name, "pw", ",\"hello\":true");
}

static void
on_frame (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data)
{
  if (strstr (payload, "\"connected\"") != NULL)
    ((Crowd *) user_data)->n_connected++;
}

static void
on_closed (SbPeer *peer, gpointer user_data)
{
  ((Crowd *) user_data)->n_closed++;
}

static void
make_devices (Hostile *hostile, guint n)
{
  g_autoptr (GString) json = g_string_new ("[");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (json,
                            "%s{\"_id\":\"device%u\",\"password\":\"pw\",\"tags\":[\"device\"]}",
                            i > 0 ? "," : "", i);
  g_string_append_c (json, ']');
  sb_test_put_users (hostile->admin, json->str);
}

static gboolean
is_crowd_there (gpointer user_data)
{
  Crowd *crowd = user_data;

  return crowd->n_connected + crowd->n_closed >= crowd->n;
}

static void
lets_a_thousand_devices_in_at_once (void)
{
  static const SbPeerFuncs funcs = { .opened = on_opened, .frame = on_frame, .closed = on_closed };
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  Crowd crowd = { .n = hostile_limit_crowd (sb_test_daemon_is_instrumented () ? 50 : 1000) };
  g_autofree char *id = NULL;
  gint64 started;

  make_devices (hostile, crowd.n);
  /* What it has verified is forgotten with the process: everybody is hashed. */
  sb_test_daemon_restart (hostile->daemon, TRUE);
  hostile_serve_others (hostile);
  hostile->memory = sb_test_daemon_get_rss (hostile->daemon);
  crowd.peers = g_new0 (SbPeer *, crowd.n);
  started = g_get_monotonic_time ();
  for (guint i = 0; i < crowd.n; i++)
    crowd.peers[i] = sb_peer_new (SB_PEER_WEBSOCKET, hostile->ws_port, &funcs, &crowd);
  while (!is_crowd_there (&crowd))
    {
      hostile_serve_others (hostile);
      hostile_let_pass (100);
    }
  g_test_message ("%u sessions in %.1f s, others waited %.0f ms at most", crowd.n,
                  (double) (g_get_monotonic_time () - started) / G_USEC_PER_SEC,
                  hostile_get_slowest ());
  g_assert_cmpuint (crowd.n_closed, ==, 0);
  /* All are sessions, not only sockets. */
  id = sb_test_put (hostile->admin, "{\"to\":\"#device\",\"message\":1}");
  hostile_assert_memory (hostile, 64);
  for (guint i = 0; i < crowd.n; i++)
    sb_peer_free (crowd.peers[i]);
  g_free (crowd.peers);
}

/* Guessers */

typedef struct
{
  const char *user; /* (nullable): another one each time */
  guint n_guesses;
  guint n_unauthorized;
  guint n_refused;
} Guess;

static void
guess (SbPeer *peer, Guess *self)
{
  g_autofree char *user = self->user != NULL ? g_strdup (self->user)
                                             : g_strdup_printf ("stranger%u", self->n_guesses);
  g_autofree char *password = g_strdup_printf ("guess-%u", self->n_guesses++);

  sb_peer_request (peer, "GET", "/get", user, password, NULL, 0);
}

static void
guesser_opened (SbPeer *peer, gpointer user_data)
{
  for (guint i = 0; i < GUESSES_AT_ONCE; i++)
    guess (peer, user_data);
}

static void
guesser_answer (SbPeer *peer, guint status, const char *head, const char *body, gsize length,
                gpointer user_data)
{
  Guess *self = user_data;

  g_assert_cmpuint (status, >=, 400);
  if (status == 401)
    self->n_unauthorized++;
  else
    self->n_refused++;
  guess (peer, self);
}

static void
open_guessers (Hostile *hostile, Guess *self, SbPeer **guessers)
{
  static const SbPeerFuncs funcs = { .opened = guesser_opened, .answer = guesser_answer };

  for (guint i = 0; i < N_GUESSERS; i++)
    guessers[i] = sb_peer_new (SB_PEER_HTTP, hostile->http_port, &funcs, self);
}

static void
free_guessers (SbPeer **guessers)
{
  for (guint i = 0; i < N_GUESSERS; i++)
    sb_peer_free (guessers[i]);
}

typedef struct
{
  SbPeer *peer; /* (owned) */
  guint status;
} Visitor;

static void
visitor_answer (SbPeer *peer, guint status, const char *head, const char *body, gsize length,
                gpointer user_data)
{
  ((Visitor *) user_data)->status = status;
}

static gboolean
is_answered (gpointer visitor)
{
  return ((Visitor *) visitor)->status != 0;
}

/* Asks for what needs a log-in that was not verified before. Returns: the status */
static guint
visit (Hostile *hostile, const char *address, const char *user, const char *password)
{
  static const SbPeerFuncs funcs = { .answer = visitor_answer };
  Visitor visitor = { NULL, 0 };
  gint64 started = g_get_monotonic_time ();

  visitor.peer = sb_peer_new_from (address, SB_PEER_HTTP, hostile->http_port, &funcs, &visitor);
  sb_peer_request (visitor.peer, "GET", "/get", user, password, NULL, 0);
  sb_test_wait_for (is_answered, &visitor, "a visitor's log-in");
  sb_peer_free (visitor.peer);
  g_test_message ("%s from %s: %u after %.0f ms", user, address, visitor.status,
                  (double) (g_get_monotonic_time () - started) / 1000);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpint (g_get_monotonic_time () - started, <, 5 * G_USEC_PER_SEC);
  return visitor.status;
}

/* One user's password is guessed. */
static void
stops_guesses_at_one_password (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  SbPeer *guessers[N_GUESSERS];
  Guess self = { "user1", 0, 0, 0 };

  open_guessers (hostile, &self, guessers);
  sb_test_wait_count (&self.n_guesses, 2000, "guesses");
  /* Only a few of them were even looked at. */
  g_test_message ("%u guesses, %u of them checked", self.n_guesses, self.n_unauthorized);
  g_assert_cmpuint (self.n_unauthorized, <, 100);
  g_assert_cmpuint (self.n_refused, >, 0);
  /* The attacked one itself: where it was known before, and from elsewhere. */
  hostile_serve_others (hostile);
  g_assert_cmpuint (visit (hostile, "127.0.0.2", "user1", "user1-pw"), ==, 200);
  /* Others beside the attacker. */
  g_assert_cmpuint (visit (hostile, "127.0.0.1", "user3", "user3-pw"), ==, 200);
  g_assert_cmpuint (visit (hostile, "127.0.0.2", "user4", "user4-pw"), ==, 200);
  free_guessers (guessers);
}

/* Every guess names another user: no bucket of one of them is ever empty. */
static void
keeps_a_guesser_of_names_from_starving_others (void)
{
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  SbPeer *guessers[N_GUESSERS];
  Guess self = { NULL, 0, 0, 0 };

  open_guessers (hostile, &self, guessers);
  sb_test_wait_count (&self.n_guesses, N_GUESSERS * GUESSES_AT_ONCE + 50, "guesses");
  hostile_serve_others (hostile);
  g_assert_cmpuint (visit (hostile, "127.0.0.2", "user4", "user4-pw"), ==, 200);
  hostile_assert_memory (hostile, 64);
  free_guessers (guessers);
}

/* Guesses over WebSockets, each on a socket of its own. */
static void
socket_opened (SbPeer *peer, gpointer user_data)
{
  sb_peer_log_in (peer, "user2", "guess", NULL);
}

static void
socket_closed (SbPeer *peer, gpointer user_data)
{
  g_assert_cmpuint (sb_peer_get_close_code (peer), !=, 1000);
  (*(guint *) user_data)++;
}

static void
stops_guesses_over_websockets (void)
{
  static const SbPeerFuncs funcs = { .opened = socket_opened, .closed = socket_closed };
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  SbPeer *peers[300];
  guint n_closed = 0;

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    peers[i] = sb_peer_new (SB_PEER_WEBSOCKET, hostile->ws_port, &funcs, &n_closed);
  hostile_serve_others (hostile);
  sb_test_wait_count (&n_closed, G_N_ELEMENTS (peers), "the guessers to be thrown out");
  g_assert_cmpuint (visit (hostile, "127.0.0.2", "user2", "user2-pw"), ==, 200);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    sb_peer_free (peers[i]);
}

/* Two that share an id and throw each other out: others do not notice. */
static gboolean
count_replaced (gpointer user_data)
{
  SbPeer **peers = user_data;
  guint n = 0;

  for (guint i = 0; i < 100; i++)
    n += sb_peer_is_closed (peers[i]) && sb_peer_get_close_code (peers[i]) == 4000;
  return n >= 3;
}

static void
twin_opened (SbPeer *peer, gpointer user_data)
{
  sb_peer_log_in (peer, "user2", "user2-pw", NULL);
}

static void
bounds_a_fight_for_one_session (void)
{
  static const SbPeerFuncs funcs = { .opened = twin_opened };
  g_autoptr (Hostile) hostile = hostile_new (NULL);
  SbPeer *peers[100];

  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    peers[i] = sb_peer_new (SB_PEER_WEBSOCKET, hostile->ws_port, &funcs, NULL);
  sb_test_wait_for (count_replaced, peers, "sessions to be replaced");
  for (guint i = 0; i < 20; i++)
    hostile_serve_others (hostile);
  hostile_assert_memory (hostile, 16);
  for (guint i = 0; i < G_N_ELEMENTS (peers); i++)
    sb_peer_free (peers[i]);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/hostile-crowd/lets-a-thousand-devices-in-at-once",
                   lets_a_thousand_devices_in_at_once);
  g_test_add_func ("/hostile-crowd/stops-guesses-at-one-password", stops_guesses_at_one_password);
  g_test_add_func ("/hostile-crowd/keeps-a-guesser-of-names-from-starving-others",
                   keeps_a_guesser_of_names_from_starving_others);
  g_test_add_func ("/hostile-crowd/stops-guesses-over-websockets", stops_guesses_over_websockets);
  g_test_add_func ("/hostile-crowd/bounds-a-fight-for-one-session", bounds_a_fight_for_one_session);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crash: senders and recipients with ledgers against a bus that is killed, again and again.
 *
 *     crash [-n STOPS] [--seed SEED] [--term]
 *
 * Each time the bus is started on the same folder and ports and stopped at another moment: while
 * it starts, as soon as it is ready, under load, in the middle of a burst. Clients come back by
 * themselves and send again what was not acknowledged. When the last bus has delivered everything,
 * the ledger must be even: see crash-ledger.h for what is held against every single arrival, and
 * check_end() for the rest.
 *
 * SIGKILL takes nothing from the kernel: what was written is there for the next bus, flushed or
 * not. So this shows that a stop at any instant loses nothing; that an acknowledgement waits for
 * the disk as well is for power-cut to show.
 *
 * With --term the bus is asked to stop instead. Then, besides, it must end with status 0 within
 * its stop-timeout, and what it has read of confirmations must not come again: a pong shows that
 * it has read all that stood before the ping. Without --term only a receipt and the answer to
 * /confirm settle a message.
 */

#include "crash-actors.h"

#include "sb-test-http.h"
#include "sb-test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STOP_TIMEOUT_SECONDS 10
#define SAMPLES 400
#define N_POSTERS 3

typedef struct
{
  SbTestDaemon *daemon; /* (owned) */
  CrashLedger *ledger;  /* (owned) */
  GRand *rand;          /* (owned) */
  CrashWorld world;
  CrashSession *sessions[4];       /* (owned) first, second, eager, lazy */
  CrashPoster *posters[N_POSTERS]; /* (owned) */
  CrashPuller *pullers[2];         /* (owned) back, puller */
  guint goal;                      /* acknowledgements that are waited for */
  guint n_ready;                   /* starts that came as far as that */
  gint64 slowest_start;            /* microseconds */
  gint64 slowest_stop;
} Crash;

/* Ports below those that the kernel hands out: nobody else gets them while the bus is down, and a
 * client that knocks meanwhile never meets itself. */
static guint16
choose_port (GRand *rand)
{
  for (;;)
    {
      guint16 port = (guint16) g_rand_int_range (rand, 10000, 32000);
      struct sockaddr_in address = { .sin_family = AF_INET,
                                     .sin_port = htons (port),
                                     .sin_addr = { htonl (INADDR_LOOPBACK) } };
      int fd = socket (AF_INET, SOCK_STREAM, 0);
      int result = bind (fd, (struct sockaddr *) &address, sizeof address);

      close (fd);
      if (result == 0)
        return port;
    }
}

static void
make_users (SbTestDaemon *daemon)
{
  g_autoptr (SbTestHttp) admin = sb_test_make_admin (daemon);
  g_autoptr (GString) json = g_string_new ("[");

  for (CrashUser user = CRASH_ADMIN + 1; user < CRASH_N_USERS; user++)
    g_string_append_printf (json, "%s{\"_id\":\"%s\",\"password\":\"%s\",\"tags\":[%s]}",
                            json->len > 1 ? "," : "", crash_user_get_name (user), CRASH_PASSWORD,
                            crash_user_get_tags (user));
  g_string_append_c (json, ']');
  sb_test_put_users (admin, json->str);
}

static void
set_up (Crash *self, guint32 seed)
{
  g_autofree char *prefix = g_strdup_printf ("%08x", seed);
  /* Not the test's own numbers: two runs with one seed shall be able to run at once. */
  g_autoptr (GRand) ports = g_rand_new ();

  self->rand = g_rand_new_with_seed (seed);
  self->ledger = crash_ledger_new (self->rand, prefix);
  self->daemon = sb_test_daemon_new ();
  self->world.ledger = self->ledger;
  self->world.rand = self->rand;
  self->world.http_port = choose_port (ports);
  self->world.ws_port = choose_port (ports);
  sb_test_daemon_set (self->daemon, "transport-soup.http-port=%u", self->world.http_port);
  sb_test_daemon_set (self->daemon, "transport-soup.websocket-port=%u", self->world.ws_port);
  sb_test_daemon_set (self->daemon, "bus.stop-timeout=%d", STOP_TIMEOUT_SECONDS);
  /* Nothing is sent again on the same session: what comes twice came from two of them. */
  sb_test_daemon_set (self->daemon, "bus.confirm-timeout=300");
  sb_test_daemon_start (self->daemon);
  make_users (self->daemon);
  sb_test_daemon_terminate (self->daemon);
}

static void
start_actors (Crash *self)
{
  CrashWorld *world = &self->world;

  world->sending = TRUE;
  self->sessions[0] = crash_session_new (world, CRASH_FIRST, TRUE);
  self->sessions[1] = crash_session_new (world, CRASH_SECOND, TRUE);
  self->sessions[2] = crash_session_new (world, CRASH_EAGER, FALSE);
  self->sessions[3] = crash_session_new (world, CRASH_LAZY, FALSE);
  for (guint i = 0; i < N_POSTERS; i++)
    self->posters[i] = crash_poster_new (world, CRASH_BACK);
  self->pullers[0] = crash_puller_new (world, CRASH_BACK);
  self->pullers[1] = crash_puller_new (world, CRASH_PULLER);
}

static void
free_actors (Crash *self)
{
  for (guint i = 0; i < G_N_ELEMENTS (self->sessions); i++)
    g_clear_pointer (&self->sessions[i], crash_session_free);
  for (guint i = 0; i < N_POSTERS; i++)
    g_clear_pointer (&self->posters[i], crash_poster_free);
  for (guint i = 0; i < G_N_ELEMENTS (self->pullers); i++)
    g_clear_pointer (&self->pullers[i], crash_puller_free);
}

static void
tear_down (Crash *self)
{
  free_actors (self);
  sb_test_daemon_free (self->daemon);
  crash_ledger_free (self->ledger);
  g_rand_free (self->rand);
}

/* Moments */

static gboolean
on_moment (gpointer flag)
{
  *(gboolean *) flag = TRUE;
  return G_SOURCE_REMOVE;
}

/* Lets the clients go on for a while; the moment is random, not an event. */
static void
let_pass (Crash *self, guint max_ms)
{
  gboolean over = FALSE;

  g_timeout_add ((guint) g_rand_int_range (self->rand, 0, (gint32) max_ms + 1), on_moment, &over);
  sb_test_wait_flag (&over, "a moment");
}

static gboolean
has_reached_goal (gpointer user_data)
{
  Crash *self = user_data;

  return crash_ledger_get_n_acknowledged (self->ledger) >= self->goal;
}

static void
wait_acknowledged (Crash *self, guint n)
{
  self->goal = crash_ledger_get_n_acknowledged (self->ledger) + n;
  sb_test_wait_for (has_reached_goal, self, "acknowledgements");
}

static gboolean
has_sent_burst (gpointer user_data)
{
  Crash *self = user_data;

  return crash_session_has_sent (self->sessions[0]) && crash_session_has_sent (self->sessions[1]);
}

static void
wait_ready (Crash *self, gint64 started)
{
  sb_test_daemon_wait_ready (self->daemon);
  self->slowest_start = MAX (self->slowest_start, g_get_monotonic_time () - started);
  self->n_ready++;
}

static void
wait_in_burst (Crash *self)
{
  wait_acknowledged (self, 1);
  self->world.burst = 200;
  crash_session_fill (self->sessions[0]);
  crash_session_fill (self->sessions[1]);
  self->world.burst = 0;
  sb_test_wait_for (has_sent_burst, self, "a burst to be written");
}

/* One life of the bus: starts it and returns at the moment of its end. */
static void
live (Crash *self)
{
  gint64 started = g_get_monotonic_time ();
  int kind = g_rand_int_range (self->rand, 0, 10);

  sb_test_daemon_spawn (self->daemon);
  if (kind < 2 && !self->world.gentle)
    {
      let_pass (self, 60);
      return;
    }
  wait_ready (self, started);
  if (kind < 3)
    let_pass (self, 5);
  else if (kind < 8)
    wait_acknowledged (self, (guint) g_rand_int_range (self->rand, 1, 150));
  else
    {
      wait_in_burst (self);
      let_pass (self, 4);
    }
}

static void
die (Crash *self)
{
  gint64 started = g_get_monotonic_time ();
  gint64 lasted;

  if (!self->world.gentle)
    {
      sb_test_daemon_kill (self->daemon);
      return;
    }
  sb_test_daemon_terminate (self->daemon);
  lasted = g_get_monotonic_time () - started;
  self->slowest_stop = MAX (self->slowest_stop, lasted);
  g_assert_cmpint (lasted, <, (STOP_TIMEOUT_SECONDS + 1) * G_USEC_PER_SEC);
}

/* The end */

static gboolean
is_all_there (gpointer user_data)
{
  Crash *self = user_data;

  if (crash_ledger_get_n_acknowledged (self->ledger) < crash_ledger_get_n_made (self->ledger))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (self->sessions); i++)
    if (!crash_session_is_quiet (self->sessions[i]))
      return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (self->pullers); i++)
    if (!crash_puller_is_quiet (self->pullers[i]))
      return FALSE;
  for (CrashUser user = CRASH_FIRST; user <= CRASH_PULLER; user++)
    if (!crash_ledger_has_arrived (self->ledger, user))
      return FALSE;
  return TRUE;
}

typedef struct
{
  Crash *crash;
  CrashUser user;
} Drain;

static gboolean
is_drained (gpointer user_data)
{
  Drain *drain = user_data;

  return crash_ledger_has_arrived (drain->crash->ledger, drain->user);
}

/* Those who were never there get everything at the end, one over a WebSocket, one over HTTP. */
static void
drain_absent (Crash *self)
{
  CrashSession *late = crash_session_new (&self->world, CRASH_LATE, FALSE);
  CrashPuller *admin = crash_puller_new (&self->world, CRASH_ADMIN);
  Drain drain = { self, CRASH_LATE };

  sb_test_wait_for (is_drained, &drain, "what the late one has to get");
  drain.user = CRASH_ADMIN;
  sb_test_wait_for (is_drained, &drain, "what the admin has to get");
  sb_test_wait_for ((SbTestCheck) crash_session_is_quiet, late, "its confirmations");
  sb_test_wait_for ((SbTestCheck) crash_puller_is_quiet, admin, "the admin's confirmations");
  crash_session_free (late);
  crash_puller_free (admin);
}

static void
assert_confirmed (Crash *self, SbTestHttp *admin, const char *id)
{
  g_autofree char *path = g_strdup_printf ("/status/%s", id);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (admin, path);
  JsonObject *recipients;
  g_autoptr (GList) names = NULL;

  sb_test_assert_status (answer, 200);
  recipients = sb_test_json_member (sb_test_answer_object (answer), "recipients");
  g_assert_cmpuint (json_object_get_size (recipients), ==,
                    crash_ledger_get_n_recipients (self->ledger, id));
  names = json_object_get_members (recipients);
  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonObject *delivery = sb_test_json_member (recipients, l->data);

      g_assert_true (crash_ledger_has_recipient (self->ledger, id, l->data));
      g_assert_cmpstr (sb_test_json_string (delivery, "state"), ==, "confirmed");
    }
}

/* After everything was confirmed a last bus has nothing for anybody, and says so. */
static void
check_end (Crash *self)
{
  g_autoptr (SbTestHttp) admin = sb_test_http_for (self->daemon, "admin", CRASH_PASSWORD);
  g_autoptr (GPtrArray) ids = crash_ledger_sample (self->ledger, SAMPLES);

  for (CrashUser user = 0; user < CRASH_N_USERS; user++)
    {
      g_autoptr (SbTestHttp) client = sb_test_http_for (self->daemon, crash_user_get_name (user),
                                                        CRASH_PASSWORD);
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, "/get?limit=64");

      sb_test_assert_status (answer, 200);
      if (strcmp (answer->body, "[]") != 0)
        g_error ("%s is given again: %.400s", crash_user_get_name (user), answer->body);
    }
  for (guint i = 0; i < ids->len; i++)
    assert_confirmed (self, admin, g_ptr_array_index (ids, i));
}

static void
run (Crash *self, guint n_stops)
{
  start_actors (self);
  for (guint i = 0; i < n_stops; i++)
    {
      live (self);
      die (self);
    }
  self->world.sending = FALSE;
  sb_test_daemon_start (self->daemon);
  sb_test_wait_for (is_all_there, self, "everything to arrive");
  drain_absent (self);
  free_actors (self);
  sb_test_daemon_restart (self->daemon, FALSE);
  check_end (self);
}

static void
report (Crash *self, guint n_stops, gint64 started)
{
  g_print ("# %u stops by %s, %u of them after it was ready, in %.1f s\n", n_stops,
           self->world.gentle ? "SIGTERM" : "SIGKILL", self->n_ready,
           (double) (g_get_monotonic_time () - started) / G_USEC_PER_SEC);
  g_print ("# %u messages acknowledged, %u arrivals repeated, %u receipts\n",
           crash_ledger_get_n_acknowledged (self->ledger),
           crash_ledger_get_n_repeated (self->ledger), crash_ledger_get_n_receipts (self->ledger));
  g_print ("# slowest start %.0f ms, slowest stop %.0f ms\n", (double) self->slowest_start / 1000,
           (double) self->slowest_stop / 1000);
}

int
main (int argc, char *argv[])
{
  int n_stops = 25, seed = 0;
  gboolean gentle = FALSE;
  const GOptionEntry entries[] = {
    { "number", 'n', 0, G_OPTION_ARG_INT, &n_stops, "Stop the bus so many times", "STOPS" },
    { "seed", 0, 0, G_OPTION_ARG_INT, &seed, "Take the moments of an earlier run", "SEED" },
    { "term", 0, 0, G_OPTION_ARG_NONE, &gentle, "Ask it to stop instead of killing it", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- kill a working bus");
  g_autoptr (GError) error = NULL;
  Crash crash = { NULL };
  gint64 started = g_get_monotonic_time ();

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || n_stops < 1)
    {
      g_printerr ("crash: %s\n", error != NULL ? error->message : "-n takes a number from 1 on");
      return 2;
    }
  if (seed == 0)
    seed = g_random_int_range (1, G_MAXINT);
  g_print ("# seed %d\n", seed);
  signal (SIGPIPE, SIG_IGN);
  crash.world.gentle = gentle;
  set_up (&crash, (guint32) seed);
  run (&crash, (guint) n_stops);
  report (&crash, (guint) n_stops, started);
  tear_down (&crash);
  return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hostile: set-up and measures of the hostile tests. */

#include "hostile.h"

#include <sys/resource.h>

/* Descriptors that a test and a bus have besides those of a crowd. */
#define OTHER_DESCRIPTORS 128

/* Others wait for what is generous for a loaded machine, and far below a hang. */
#define PATIENCE (5 * G_USEC_PER_SEC)

static gint64 slowest;

Hostile *
hostile_new (const char *settings)
{
  Hostile *self = g_new0 (Hostile, 1);
  g_auto (GStrv) words = g_strsplit (settings != NULL ? settings : "", " ", -1);

  self->daemon = sb_test_daemon_new ();
  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      sb_test_daemon_set (self->daemon, "%s", *word);
  sb_test_daemon_start (self->daemon);
  self->http_port = sb_test_daemon_get_http_port (self->daemon);
  self->ws_port = sb_test_daemon_get_ws_port (self->daemon);
  self->admin = sb_test_make_admin (self->daemon);
  sb_test_make_users (self->admin, "user1", "user2", "user3", "user4", NULL);
  self->other = sb_test_http_as (self->daemon, "user1");
  hostile_serve_others (self);
  self->memory = sb_test_daemon_get_rss (self->daemon);
  return self;
}

/* A bus that was ended by an attack fails here at the latest. */
void
hostile_free (Hostile *self)
{
  hostile_serve_others (self);
  sb_test_http_free (self->other);
  sb_test_http_free (self->admin);
  sb_test_daemon_free (self->daemon);
  g_free (self);
}

static void
note_step (gint64 *since)
{
  gint64 now = g_get_monotonic_time ();

  slowest = MAX (slowest, now - *since);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpint (now - *since, <, PATIENCE);
  *since = now;
}

void
hostile_serve_others (Hostile *self)
{
  gint64 since = g_get_monotonic_time ();
  g_autofree char *id = sb_test_put (self->other, "{\"to\":\"@user1\",\"message\":\"hello\"}");
  g_autoptr (SbTestAnswer) fetched = NULL;
  g_autoptr (SbTestAnswer) confirmed = NULL;

  note_step (&since);
  fetched = sb_test_http_get (self->other, "/get");
  sb_test_assert_status (fetched, 200);
  g_assert_nonnull (strstr (fetched->body, id));
  note_step (&since);
  confirmed = sb_test_http_postf (self->other, "/confirm", "[\"%s\"]", id);
  sb_test_assert_status (confirmed, 200);
  note_step (&since);
}

double
hostile_get_slowest (void)
{
  return (double) slowest / 1000;
}

void
hostile_assert_memory (Hostile *self, guint megabytes)
{
  guint64 memory = sb_test_daemon_get_rss (self->daemon);

  g_test_message ("%.1f MiB more than before", (double) (gint64) (memory - self->memory) / 1048576);
  if (!sb_test_daemon_is_instrumented ())
    g_assert_cmpuint (memory, <, self->memory + megabytes * 1024 * 1024);
}

guint
hostile_limit_crowd (guint n)
{
  struct rlimit limit;

  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &limit));
  g_assert_cmpuint (limit.rlim_cur, >, 2 * OTHER_DESCRIPTORS);
  return (guint) MIN (n, limit.rlim_cur - OTHER_DESCRIPTORS);
}

static gboolean
is_connected (gpointer peer)
{
  return sb_peer_is_open (peer) || sb_peer_is_closed (peer);
}

SbPeer *
hostile_open (SbPeerMode mode, guint16 port, const SbPeerFuncs *funcs, gpointer user_data)
{
  static const SbPeerFuncs none;
  SbPeer *peer = sb_peer_new (mode, port, funcs != NULL ? funcs : &none, user_data);

  sb_test_wait_for (is_connected, peer, "a connection");
  g_assert_true (sb_peer_is_open (peer));
  return peer;
}

static gboolean
is_closed (gpointer peer)
{
  return sb_peer_is_closed (peer);
}

void
hostile_wait_closed (SbPeer *peer)
{
  sb_test_wait_for (is_closed, peer, "the bus to close a connection");
}

static gboolean
on_passed (gpointer flag)
{
  *(gboolean *) flag = TRUE;
  return G_SOURCE_REMOVE;
}

void
hostile_let_pass (guint milliseconds)
{
  gboolean passed = FALSE;

  g_timeout_add (milliseconds, on_passed, &passed);
  sb_test_wait_flag (&passed, "time to pass");
}

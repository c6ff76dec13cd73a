/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* crash-http: a sender and a recipient over HTTP across the deaths of the bus. */

#include "crash-actors.h"

#include <string.h>

#define RETRY_MS 3

/* A connection that comes back. */
typedef struct
{
  CrashWorld *world; /* (unowned) */
  CrashUser user;
  const SbPeerFuncs *funcs;
  SbPeer *peer; /* (owned) (nullable) */
  guint retry_source;
} Line;

struct _CrashPoster
{
  Line line;
  guint lane;
  guint n_acknowledged;
  guint n_made; /* at most one more */
};

struct _CrashPuller
{
  Line line;
  GPtrArray *ids; /* (owned) fetched, and not yet settled */
  gboolean confirming;
};

/* Lines */

static gboolean
on_retry (gpointer user_data)
{
  Line *self = user_data;

  self->retry_source = 0;
  self->peer = sb_peer_new (SB_PEER_HTTP, self->world->http_port, self->funcs, self);
  return G_SOURCE_REMOVE;
}

static void
line_reconnect (Line *self)
{
  g_clear_pointer (&self->peer, sb_peer_free);
  if (self->retry_source == 0)
    self->retry_source = g_timeout_add (RETRY_MS, on_retry, self);
}

static void
line_start (Line *self, CrashWorld *world, CrashUser user, const SbPeerFuncs *funcs)
{
  self->world = world;
  self->user = user;
  self->funcs = funcs;
  self->peer = sb_peer_new (SB_PEER_HTTP, world->http_port, funcs, self);
}

static void
line_stop (Line *self)
{
  g_clear_pointer (&self->peer, sb_peer_free);
  g_clear_handle_id (&self->retry_source, g_source_remove);
}

static void
line_request (Line *self, const char *method, const char *path, const char *body)
{
  sb_peer_request (self->peer, method, path, crash_user_get_name (self->user), CRASH_PASSWORD, body,
                   -1);
}

/* Sending */

static void
post_next (CrashPoster *self)
{
  CrashLedger *ledger = self->line.world->ledger;
  g_autofree char *text = NULL;

  if (self->n_made == self->n_acknowledged)
    {
      if (!self->line.world->sending)
        return;
      self->n_made = crash_ledger_make (ledger, self->lane) + 1;
    }
  text = crash_ledger_print (ledger, self->lane, self->n_acknowledged);
  line_request (&self->line, "POST", "/put", text);
}

static void
poster_opened (SbPeer *peer, gpointer user_data)
{
  post_next (user_data);
}

static void
poster_answer (SbPeer *peer, guint status, const char *head, const char *body, gsize length,
               gpointer user_data)
{
  CrashPoster *self = user_data;
  CrashLedger *ledger = self->line.world->ledger;
  g_autofree char *id = crash_ledger_print_id (ledger, self->lane, self->n_acknowledged);
  g_autofree char *expected = g_strdup_printf ("{\"_id\":\"%s\",\"recipients\":%u", id,
                                               crash_ledger_get_n_recipients (ledger, id));

  if (status == 503)
    {
      /* It is stopping. */
      line_reconnect (&self->line);
      return;
    }
  g_assert_cmpuint (status, ==, 200);
  if (!g_str_has_prefix (body, expected))
    g_error ("%s was answered with %s", id, body);
  crash_ledger_acknowledge (ledger, self->lane, self->n_acknowledged++);
  if (strcasestr (head, "\r\nConnection: close") == NULL)
    post_next (self);
}

static void
poster_closed (SbPeer *peer, gpointer user_data)
{
  line_reconnect (user_data);
}

CrashPoster *
crash_poster_new (CrashWorld *world, CrashUser user)
{
  static const SbPeerFuncs funcs = { .opened = poster_opened,
                                     .answer = poster_answer,
                                     .closed = poster_closed };
  CrashPoster *self = g_new0 (CrashPoster, 1);

  self->lane = crash_ledger_add_lane (world->ledger, user);
  line_start (&self->line, world, user, &funcs);
  return self;
}

void
crash_poster_free (CrashPoster *self)
{
  line_stop (&self->line);
  g_free (self);
}

/* Receiving */

static void
fetch (CrashPuller *self)
{
  self->confirming = FALSE;
  g_ptr_array_set_size (self->ids, 0);
  line_request (&self->line, "GET", "/get?limit=20&wait=1", NULL);
}

static void
confirm_fetched (CrashPuller *self)
{
  g_autoptr (GString) body = g_string_new ("[");

  for (guint i = 0; i < self->ids->len; i++)
    {
      const char *id = g_ptr_array_index (self->ids, i);

      g_string_append_printf (body, "%s\"%s\"", i > 0 ? "," : "", id);
      crash_ledger_confirm (self->line.world->ledger, self->line.user, id);
    }
  g_string_append_c (body, ']');
  self->confirming = TRUE;
  line_request (&self->line, "POST", "/confirm", body->str);
}

static void
take_message (CrashPuller *self, const char *data, gsize length)
{
  SbEnvelope envelope;

  crash_ledger_arrive (self->line.world->ledger, self->line.user, data, length);
  sb_envelope_scan (&envelope, data, length, NULL);
  g_ptr_array_add (self->ids, sb_envelope_dup_string (&envelope, SB_MEMBER_ID, NULL));
}

/* Finds the objects of an array by their outermost braces. */
static void
take_array (CrashPuller *self, const char *body)
{
  const char *start = NULL;
  gboolean in_string = FALSE;
  guint depth = 0;

  g_assert_cmpint (*body, ==, '[');
  for (const char *p = body; *p != '\0'; p++)
    {
      if (*p == '"')
        in_string = !in_string;
      else if (in_string)
        p += *p == '\\';
      else if (*p == '{' && depth++ == 0)
        start = p;
      else if (*p == '}' && --depth == 0)
        take_message (self, start, (gsize) (p + 1 - start));
    }
}

/* Every id must be known: the bus that gave the message may be gone, the delivery is not. */
static void
take_settled (CrashPuller *self, const char *body)
{
  if (!g_str_has_suffix (body, "\"unknown\":[]}"))
    g_error ("%s confirmed what it was given: %s", crash_user_get_name (self->line.user), body);
  for (guint i = 0; i < self->ids->len; i++)
    crash_ledger_settle (self->line.world->ledger, self->line.user,
                         g_ptr_array_index (self->ids, i));
}

static void
puller_opened (SbPeer *peer, gpointer user_data)
{
  CrashPuller *self = user_data;

  /* Confirms what an earlier bus gave, or has it given again. */
  if (self->ids->len > 0 && g_rand_boolean (self->line.world->rand))
    confirm_fetched (self);
  else
    fetch (self);
}

static void
puller_answer (SbPeer *peer, guint status, const char *head, const char *body, gsize length,
               gpointer user_data)
{
  CrashPuller *self = user_data;

  if (status == 503)
    {
      line_reconnect (&self->line);
      return;
    }
  g_assert_cmpuint (status, ==, 200);
  if (self->confirming)
    take_settled (self, body);
  else
    take_array (self, body);
  if (strcasestr (head, "\r\nConnection: close") != NULL)
    return;
  if (!self->confirming && self->ids->len > 0)
    confirm_fetched (self);
  else
    fetch (self);
}

static void
puller_closed (SbPeer *peer, gpointer user_data)
{
  line_reconnect (user_data);
}

CrashPuller *
crash_puller_new (CrashWorld *world, CrashUser user)
{
  static const SbPeerFuncs funcs = { .opened = puller_opened,
                                     .answer = puller_answer,
                                     .closed = puller_closed };
  CrashPuller *self = g_new0 (CrashPuller, 1);

  self->ids = g_ptr_array_new_with_free_func (g_free);
  line_start (&self->line, world, user, &funcs);
  return self;
}

void
crash_puller_free (CrashPuller *self)
{
  line_stop (&self->line);
  g_ptr_array_unref (self->ids);
  g_free (self);
}

/* Whether everything that it was given is settled. */
gboolean
crash_puller_is_quiet (CrashPuller *self)
{
  return self->ids->len == 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-proxy: two sockets a connection, and between them a queue for each way.
 *
 * A way reads, keeps what it read until it is due, and writes. Every change of the rules makes each
 * way look again at what it may do, which is the only place where sources come and go.
 */

#include "sb-test-proxy.h"

#include "sb-test-daemon.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define CHUNK 65536
/* A way that has so many bytes to write does not read. */
#define MAX_QUEUED (1024 * 1024)
#define TRICKLE_MS 2

typedef struct _Link Link;

typedef struct
{
  guint8 *data; /* (owned) */
  gsize start;
  gsize end;
  gint64 due; /* monotonic µs */
} Chunk;

typedef struct
{
  Link *link; /* (unowned) */
  SbTestWay way;
  GSocket *from; /* (unowned) */
  GSocket *to;   /* (unowned) */
  GQueue chunks; /* (owned) of Chunk */
  gsize n_queued;
  gint64 next_write; /* monotonic µs: a trickle's next drop */
  GSource *reader;   /* (owned) (nullable) */
  GSource *writer;   /* (owned) (nullable) */
  guint timer;
  gboolean has_ended; /* nothing more comes */
  gboolean is_shut;   /* and that was passed on */
} Half;

struct _Link
{
  SbTestProxy *proxy; /* (unowned) */
  GSocket *client;    /* (owned) */
  GSocket *bus;       /* (owned) */
  Half halves[SB_TEST_N_WAYS];
};

typedef struct
{
  gboolean is_stalled;
  guint delay; /* ms */
  gsize trickle;
  guint64 n_bytes;
  gboolean is_cutting;
  guint64 cut_at; /* of n_bytes */
  guint64 least;
  guint64 most;
  guint n_more_cuts;
} Rule;

struct _SbTestProxy
{
  GSocket *listener; /* (owned) (nullable) */
  GSource *incoming; /* (owned) (nullable) */
  guint16 port;
  guint16 target;
  GPtrArray *links; /* (owned) of Link */
  Rule rules[SB_TEST_N_WAYS];
  guint n_opened;
  guint n_cuts;
};

static void half_update (Half *self);

/* --- Connections --- */

static void
chunk_free (gpointer data)
{
  Chunk *self = data;

  g_free (self->data);
  g_free (self);
}

static void
clear_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
half_clear (Half *self)
{
  clear_source (&self->reader);
  clear_source (&self->writer);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_queue_clear_full (&self->chunks, chunk_free);
}

static void
link_free (gpointer data)
{
  Link *self = data;

  for (guint i = 0; i < SB_TEST_N_WAYS; i++)
    half_clear (&self->halves[i]);
  g_socket_close (self->client, NULL);
  g_socket_close (self->bus, NULL);
  g_object_unref (self->client);
  g_object_unref (self->bus);
  g_free (self);
}

static void
link_end (Link *self)
{
  g_ptr_array_remove (self->proxy->links, self);
}

static void
half_init (Half *self, Link *link, SbTestWay way)
{
  self->link = link;
  self->way = way;
  self->from = way == SB_TEST_WAY_UP ? link->client : link->bus;
  self->to = way == SB_TEST_WAY_UP ? link->bus : link->client;
  g_socket_set_blocking (self->from, FALSE);
}

static Rule *
half_rule (Half *self)
{
  return &self->link->proxy->rules[self->way];
}

/* --- Writing --- */

static void
arm_cut (Rule *rule)
{
  rule->is_cutting = rule->n_more_cuts > 0;
  if (!rule->is_cutting)
    return;
  rule->n_more_cuts--;
  rule->cut_at = rule->n_bytes + rule->least
                 + (guint64) (g_test_rand_double () * (double) (rule->most - rule->least));
}

/* Returns: whether this was the byte at which everything is dropped; the link is gone then */
static gboolean
note_bytes (Half *self, gsize n)
{
  SbTestProxy *proxy = self->link->proxy;
  Rule *rule = half_rule (self);

  rule->n_bytes += n;
  if (!rule->is_cutting || rule->n_bytes < rule->cut_at)
    return FALSE;
  proxy->n_cuts++;
  arm_cut (rule);
  sb_test_proxy_drop (proxy);
  return TRUE;
}

static gsize
may_write (Half *self, const Chunk *chunk)
{
  const Rule *rule = half_rule (self);
  gsize n = chunk->end - chunk->start;

  if (rule->trickle > 0)
    n = MIN (n, rule->trickle);
  if (rule->is_cutting)
    n = (gsize) MIN (n, rule->cut_at - rule->n_bytes);
  return n;
}

/* Writes what one chunk has. Returns: whether the link still is */
static gboolean
write_chunk (Half *self, Chunk *chunk)
{
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_send (self->to, (const char *) chunk->data + chunk->start,
                            may_write (self, chunk), NULL, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return TRUE;
  if (n < 0)
    {
      link_end (self->link);
      return FALSE;
    }
  chunk->start += (gsize) n;
  self->n_queued -= (gsize) n;
  if (half_rule (self)->trickle > 0)
    self->next_write = g_get_monotonic_time () + TRICKLE_MS * 1000;
  if (chunk->start == chunk->end)
    chunk_free (g_queue_pop_head (&self->chunks));
  return !note_bytes (self, (gsize) n);
}

static gboolean
writable_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Half *self = user_data;
  Chunk *chunk = g_queue_peek_head (&self->chunks);

  if (chunk == NULL || write_chunk (self, chunk))
    half_update (self);
  return G_SOURCE_CONTINUE;
}

/* --- Reading --- */

static gboolean
readable_cb (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Half *self = user_data;
  g_autofree guint8 *data = g_malloc (CHUNK);
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_receive (self->from, (char *) data, CHUNK, NULL, &error);
  Chunk *chunk;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return G_SOURCE_CONTINUE;
  if (n < 0)
    {
      link_end (self->link);
      return G_SOURCE_CONTINUE;
    }
  if (n == 0)
    self->has_ended = TRUE;
  else
    {
      chunk = g_new0 (Chunk, 1);
      chunk->data = g_steal_pointer (&data);
      chunk->end = (gsize) n;
      chunk->due = g_get_monotonic_time () + half_rule (self)->delay * 1000;
      g_queue_push_tail (&self->chunks, chunk);
      self->n_queued += (gsize) n;
    }
  half_update (self);
  return G_SOURCE_CONTINUE;
}

/* --- What may be done --- */

static void
set_source (Half *self, GSource **source, gboolean wanted, GSocket *socket, GIOCondition condition,
            GSocketSourceFunc func)
{
  if (!wanted)
    {
      clear_source (source);
      return;
    }
  if (*source != NULL)
    return;
  *source = g_socket_create_source (socket, condition, NULL);
  g_source_set_callback (*source, G_SOURCE_FUNC (func), self, NULL);
  g_source_attach (*source, NULL);
}

static gboolean
timer_cb (gpointer user_data)
{
  Half *self = user_data;

  self->timer = 0;
  half_update (self);
  return G_SOURCE_REMOVE;
}

/* Returns: monotonic µs until something may be written; 0: now */
static gint64
get_wait (Half *self, const Chunk *chunk)
{
  return MAX (MAX (chunk->due, self->next_write) - g_get_monotonic_time (), 0);
}

/* The end of one way is passed on; at the end of both the link goes. */
static gboolean
pass_end_on (Half *self)
{
  Link *link = self->link;

  if (!self->has_ended || self->is_shut || !g_queue_is_empty (&self->chunks))
    return TRUE;
  self->is_shut = TRUE;
  g_socket_shutdown (self->to, FALSE, TRUE, NULL);
  if (!link->halves[SB_TEST_WAY_UP].is_shut || !link->halves[SB_TEST_WAY_DOWN].is_shut)
    return TRUE;
  link_end (link);
  return FALSE;
}

static void
half_update (Half *self)
{
  gboolean is_stalled = half_rule (self)->is_stalled;
  Chunk *chunk;
  gint64 wait;

  if (!is_stalled && !pass_end_on (self))
    return;
  chunk = g_queue_peek_head (&self->chunks);
  wait = chunk != NULL ? get_wait (self, chunk) : 0;
  set_source (self, &self->reader, !is_stalled && !self->has_ended && self->n_queued < MAX_QUEUED,
              self->from, G_IO_IN, readable_cb);
  set_source (self, &self->writer, !is_stalled && chunk != NULL && wait == 0, self->to, G_IO_OUT,
              writable_cb);
  g_clear_handle_id (&self->timer, g_source_remove);
  if (!is_stalled && wait > 0)
    self->timer = g_timeout_add ((guint) (wait / 1000) + 1, timer_cb, self);
}

/* An update may end its link. */
static void
update_all (SbTestProxy *self, SbTestWay way)
{
  for (guint i = self->links->len; i > 0; i--)
    half_update (&((Link *) g_ptr_array_index (self->links, i - 1))->halves[way]);
}

/* --- Who connects --- */

static GSocket *
new_socket (void)
{
  g_autoptr (GError) error = NULL;
  GSocket *socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
                                  &error);

  g_assert_no_error (error);
  return socket;
}

static void
add_link (SbTestProxy *self, GSocket *client, GSocket *bus)
{
  Link *link = g_new0 (Link, 1);

  link->proxy = self;
  link->client = g_object_ref (client);
  link->bus = g_object_ref (bus);
  g_socket_set_option (client, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  g_socket_set_option (bus, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  for (guint i = 0; i < SB_TEST_N_WAYS; i++)
    half_init (&link->halves[i], link, i);
  g_ptr_array_add (self->links, link);
  for (guint i = 0; i < SB_TEST_N_WAYS; i++)
    half_update (&link->halves[i]);
}

/* Who cannot be connected to the bus is hung up on. */
static gboolean
incoming_cb (GSocket *listener, GIOCondition condition, gpointer user_data)
{
  SbTestProxy *self = user_data;
  g_autoptr (GSocket) client = g_socket_accept (listener, NULL, NULL);
  g_autoptr (GSocket) bus = new_socket ();
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1",
                                                                              self->target);

  if (client == NULL)
    return G_SOURCE_CONTINUE;
  self->n_opened++;
  if (g_socket_connect (bus, address, NULL, NULL))
    add_link (self, client, bus);
  else
    g_socket_close (client, NULL);
  return G_SOURCE_CONTINUE;
}

static void
listen_again (SbTestProxy *self)
{
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new_from_string ("127.0.0.1",
                                                                             self->port);
  g_autoptr (GSocketAddress) got = NULL;
  g_autoptr (GError) error = NULL;

  self->listener = new_socket ();
  g_socket_bind (self->listener, wanted, TRUE, &error);
  g_assert_no_error (error);
  g_socket_listen (self->listener, &error);
  g_assert_no_error (error);
  got = g_socket_get_local_address (self->listener, &error);
  g_assert_no_error (error);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (got));
  self->incoming = g_socket_create_source (self->listener, G_IO_IN, NULL);
  g_source_set_callback (self->incoming, G_SOURCE_FUNC (incoming_cb), self, NULL);
  g_source_attach (self->incoming, NULL);
}

static void
listen_no_more (SbTestProxy *self)
{
  clear_source (&self->incoming);
  g_socket_close (self->listener, NULL);
  g_clear_object (&self->listener);
}

/* --- Public API --- */

SbTestProxy *
sb_test_proxy_new (guint16 target)
{
  SbTestProxy *self = g_new0 (SbTestProxy, 1);

  self->target = target;
  self->links = g_ptr_array_new_with_free_func (link_free);
  listen_again (self);
  return self;
}

void
sb_test_proxy_free (SbTestProxy *self)
{
  if (self->listener != NULL)
    listen_no_more (self);
  g_ptr_array_unref (self->links);
  g_free (self);
}

guint16
sb_test_proxy_get_port (SbTestProxy *self)
{
  return self->port;
}

void
sb_test_proxy_set_target (SbTestProxy *self, guint16 target)
{
  self->target = target;
}

void
sb_test_proxy_drop (SbTestProxy *self)
{
  g_ptr_array_set_size (self->links, 0);
}

void
sb_test_proxy_reset (SbTestProxy *self)
{
  const struct linger now = { .l_onoff = 1 };

  for (guint i = 0; i < self->links->len; i++)
    {
      Link *link = g_ptr_array_index (self->links, i);

      setsockopt (g_socket_get_fd (link->client), SOL_SOCKET, SO_LINGER, &now, sizeof now);
      setsockopt (g_socket_get_fd (link->bus), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
  sb_test_proxy_drop (self);
}

void
sb_test_proxy_set_accepting (SbTestProxy *self, gboolean accepting)
{
  if (accepting && self->listener == NULL)
    listen_again (self);
  else if (!accepting && self->listener != NULL)
    listen_no_more (self);
}

void
sb_test_proxy_stall (SbTestProxy *self, SbTestWay way)
{
  self->rules[way].is_stalled = TRUE;
  update_all (self, way);
}

void
sb_test_proxy_unstall (SbTestProxy *self, SbTestWay way)
{
  self->rules[way].is_stalled = FALSE;
  update_all (self, way);
}

void
sb_test_proxy_set_delay (SbTestProxy *self, SbTestWay way, guint ms)
{
  self->rules[way].delay = ms;
}

void
sb_test_proxy_set_trickle (SbTestProxy *self, SbTestWay way, gsize bytes)
{
  self->rules[way].trickle = bytes;
}

void
sb_test_proxy_cut_after (SbTestProxy *self, SbTestWay way, guint64 bytes)
{
  sb_test_proxy_cut_often (self, way, bytes, bytes, 1);
}

void
sb_test_proxy_cut_often (SbTestProxy *self, SbTestWay way, guint64 least, guint64 most, guint times)
{
  Rule *rule = &self->rules[way];

  g_assert_cmpuint (least, >, 0);
  g_assert_cmpuint (most, >=, least);
  rule->least = least;
  rule->most = most;
  rule->n_more_cuts = times;
  arm_cut (rule);
}

guint
sb_test_proxy_get_n_opened (SbTestProxy *self)
{
  return self->n_opened;
}

guint
sb_test_proxy_get_n_open (SbTestProxy *self)
{
  return self->links->len;
}

guint
sb_test_proxy_get_n_cuts (SbTestProxy *self)
{
  return self->n_cuts;
}

guint64
sb_test_proxy_get_bytes (SbTestProxy *self, SbTestWay way)
{
  return self->rules[way].n_bytes;
}

typedef struct
{
  SbTestProxy *proxy;
  SbTestWay way;
  guint64 n;
} Wanted;

static gboolean
has_opened (gpointer user_data)
{
  Wanted *wanted = user_data;

  return wanted->proxy->n_opened >= wanted->n;
}

void
sb_test_proxy_wait_opened (SbTestProxy *self, guint n)
{
  sb_test_wait_for (has_opened, &(Wanted) { .proxy = self, .n = n }, "connections to a proxy");
}

static gboolean
has_bytes (gpointer user_data)
{
  Wanted *wanted = user_data;

  return wanted->proxy->rules[wanted->way].n_bytes >= wanted->n;
}

void
sb_test_proxy_wait_bytes (SbTestProxy *self, SbTestWay way, guint64 bytes)
{
  sb_test_wait_for (has_bytes, &(Wanted) { self, way, bytes }, "bytes through a proxy");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-handshake: waiting → ready → running → told, each handshake in one queue at a time. */

#include "sb-handshake.h"

#define RUNNING_MAX 64
#define RUNNING_PER_PEER 16
/* Waiting for a thread is not the peer's fault: so many times its deadline. */
#define PATIENCE 6

typedef struct
{
  SbHandshakes *set;            /* (unowned) (nullable): gone while the thread still runs */
  GSocketConnection *base;      /* (owned) */
  GTlsCertificate *certificate; /* (owned): of the moment it was accepted */
  SbPeer *peer;                 /* (unowned): counted, and so kept */
  gpointer tag;
  GSource *first_byte;       /* (owned) (nullable): while waiting for the peer */
  GCancellable *cancellable; /* (owned) */
  gint64 since;              /* monotonic µs: when it came into its queue */
  GQueue *queue;             /* (unowned): where @link is */
  GList link;
} Handshake;

struct _SbHandshakes
{
  SbHandshakeFunc func;
  gpointer user_data;
  GQueue waiting; /* for the peer's first byte */
  GQueue ready;   /* for a thread */
  GQueue running;
  GThreadPool *threads; /* (owned): one for each that runs */
};

static void
move_to (Handshake *handshake, GQueue *queue)
{
  if (handshake->queue != NULL)
    g_queue_unlink (handshake->queue, &handshake->link);
  handshake->queue = queue;
  handshake->since = g_get_monotonic_time ();
  if (queue != NULL)
    g_queue_push_tail_link (queue, &handshake->link);
}

static void
stop_waiting (Handshake *handshake)
{
  if (handshake->first_byte != NULL)
    g_source_destroy (handshake->first_byte);
  g_clear_pointer (&handshake->first_byte, g_source_unref);
}

static void
handshake_free (Handshake *handshake)
{
  stop_waiting (handshake);
  move_to (handshake, NULL);
  g_object_unref (handshake->base);
  g_object_unref (handshake->certificate);
  g_object_unref (handshake->cancellable);
  g_free (handshake);
}

/* Tells what became of it, and forgets it. */
static void
conclude (Handshake *handshake, GIOStream *stream)
{
  SbHandshakes *self = handshake->set;
  SbPeer *peer = handshake->peer;
  gpointer tag = handshake->tag;

  handshake_free (handshake);
  if (self != NULL)
    self->func (stream, peer, tag, self->user_data);
}

static void start_ready (SbHandshakes *self);

static void
on_handshake (GObject *stream, GAsyncResult *result, gpointer user_data)
{
  Handshake *handshake = user_data;
  SbHandshakes *self = handshake->set;
  gboolean done = g_task_propagate_boolean (G_TASK (result), NULL);

  if (self != NULL)
    {
      handshake->peer->handshakes--;
      move_to (handshake, NULL);
      start_ready (self);
    }
  conclude (handshake, done ? G_IO_STREAM (stream) : NULL);
}

/* In a thread of the pool. */
static void
shake_hands (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  g_autoptr (GError) error = NULL;
  GTlsConnection *tls = g_task_get_source_object (task);

  if (g_tls_connection_handshake (tls, g_task_get_cancellable (task), &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static GTlsConnection *
make_tls (Handshake *handshake)
{
  static const char *const protocols[] = { "http/1.1", NULL };
  GIOStream *stream = g_tls_server_connection_new (G_IO_STREAM (handshake->base),
                                                   handshake->certificate, NULL);

  /* Peers that close without the farewell are common, and HTTP knows its own ends. */
  if (stream != NULL)
    g_object_set (stream, "advertised-protocols", protocols, "require-close-notify", FALSE, NULL);
  return (GTlsConnection *) stream;
}

static void
start (SbHandshakes *self, Handshake *handshake)
{
  g_autoptr (GTlsConnection) tls = make_tls (handshake);

  if (tls == NULL)
    {
      conclude (handshake, NULL);
      return;
    }
  handshake->peer->handshakes++;
  move_to (handshake, &self->running);
  g_thread_pool_push (self->threads,
                      g_task_new (tls, handshake->cancellable, on_handshake, handshake), NULL);
}

static void
start_ready (SbHandshakes *self)
{
  GList *next;

  for (GList *l = self->ready.head; l != NULL; l = next)
    {
      Handshake *handshake = l->data;

      next = l->next;
      if (g_queue_get_length (&self->running) >= RUNNING_MAX)
        break;
      if (handshake->peer->handshakes < RUNNING_PER_PEER)
        start (self, handshake);
    }
}

static gboolean
on_first_byte (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Handshake *handshake = user_data;
  SbHandshakes *self = handshake->set;

  stop_waiting (handshake);
  move_to (handshake, &self->ready);
  start_ready (self);
  return G_SOURCE_REMOVE;
}

/* A running one is told when its thread is back, which uses the descriptor until then. */
static void
cancel (SbHandshakes *self, Handshake *handshake)
{
  if (handshake->queue != &self->running)
    {
      conclude (handshake, NULL);
      return;
    }
  g_cancellable_cancel (handshake->cancellable);
  g_socket_shutdown (g_socket_connection_get_socket (handshake->base), TRUE, TRUE, NULL);
}

static void
cancel_older (SbHandshakes *self, GQueue *queue, gint64 time)
{
  GList *next;

  for (GList *l = queue->head; l != NULL; l = next)
    {
      Handshake *handshake = l->data;

      next = l->next;
      if (handshake->since < time)
        cancel (self, handshake);
    }
}

/* Ends those of which the peer has kept us waiting for more than @limit µs at @now. */
void
sb_handshakes_check (SbHandshakes *self, gint64 now, gint64 limit)
{
  cancel_older (self, &self->waiting, now - limit);
  cancel_older (self, &self->ready, now - PATIENCE * limit);
  cancel_older (self, &self->running, now - limit);
}

void
sb_handshakes_cancel_all (SbHandshakes *self)
{
  sb_handshakes_check (self, G_MAXINT64, 0);
}

guint
sb_handshakes_get_length (SbHandshakes *self)
{
  return self->waiting.length + self->ready.length + self->running.length;
}

/* Takes on the handshake of @base. @peer must stay until the function was told of it. */
void
sb_handshakes_add (SbHandshakes *self, GSocketConnection *base, GTlsCertificate *certificate,
                   SbPeer *peer, gpointer tag)
{
  Handshake *handshake = g_new0 (Handshake, 1);
  GSocket *socket = g_socket_connection_get_socket (base);

  handshake->set = self;
  handshake->base = g_object_ref (base);
  handshake->certificate = g_object_ref (certificate);
  handshake->peer = peer;
  handshake->tag = tag;
  handshake->cancellable = g_cancellable_new ();
  handshake->link.data = handshake;
  handshake->first_byte = g_socket_create_source (socket, G_IO_IN, NULL);
  g_source_set_callback (handshake->first_byte, G_SOURCE_FUNC (on_first_byte), handshake, NULL);
  g_source_attach (handshake->first_byte, g_main_context_get_thread_default ());
  move_to (handshake, &self->waiting);
}

/* Returns: (transfer full): no handshakes yet; @func is told of each that is added */
SbHandshakes *
sb_handshakes_new (SbHandshakeFunc func, gpointer user_data)
{
  SbHandshakes *self = g_new0 (SbHandshakes, 1);

  self->func = func;
  self->user_data = user_data;
  self->threads = g_thread_pool_new (shake_hands, NULL, RUNNING_MAX, FALSE, NULL);
  return self;
}

/* Those that run go on without us, to their end, which nobody is told. */
void
sb_handshakes_free (SbHandshakes *self)
{
  sb_handshakes_cancel_all (self);
  while (self->running.head != NULL)
    {
      Handshake *handshake = self->running.head->data;

      move_to (handshake, NULL);
      handshake->set = NULL;
    }
  g_thread_pool_free (self->threads, FALSE, FALSE);
  g_free (self);
}

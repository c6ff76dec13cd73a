/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-connection-streams: the two pollable streams of a connection, and their sources.
 *
 * A stream may outlive its connection, and then says that it is closed.
 *
 * The main loop walks all its sources twice a turn, so those of idle connections must be cheap:
 * they have neither descriptor nor prepare nor check. One that waits has a priority below
 * everybody's, and gets the usual one when there is something to read: in turns that have work
 * the loop does not come to those that wait, however many they are. (A source that became
 * another's child has its parent's priority and stays as it is.) What makes it ready is a child
 * that always is. A ready time would do, but setting one on an attached source also wakes the
 * loop from its next sleep, for one more walk over everything.
 *
 * libsoup ends a chunked response from a worker thread, with a blocking write. Everything here
 * belongs to the thread of the main loop, so such a write is handed over to it.
 */

#include "sb-connection-private.h"

#define WAITING_PRIORITY (G_PRIORITY_DEFAULT + 50)

typedef struct
{
  GSource source;
  GObject *stream; /* (owned): an SbInput or SbOutput */
  GSource *spur;   /* (owned) (nullable): while awake */
} SbReadySource;

typedef struct
{
  GInputStream parent_instance;
  SbConnection *connection; /* (unowned) (nullable): gone before us */
} SbInput;

typedef struct
{
  GOutputStream parent_instance;
  SbConnection *connection; /* (unowned) (nullable) */
  GMainContext *context;    /* (owned) */
  GThread *thread;          /* (unowned): the only one that touches @connection */
} SbOutput;

typedef GInputStreamClass SbInputClass;
typedef GOutputStreamClass SbOutputClass;

static void sb_input_pollable_init (GPollableInputStreamInterface *iface);
static void sb_output_pollable_init (GPollableOutputStreamInterface *iface);

GType sb_input_get_type (void);
GType sb_output_get_type (void);

G_DEFINE_FINAL_TYPE_WITH_CODE (SbInput, sb_input, G_TYPE_INPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
                                                      sb_input_pollable_init))
G_DEFINE_FINAL_TYPE_WITH_CODE (SbOutput, sb_output, G_TYPE_OUTPUT_STREAM,
                               G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
                                                      sb_output_pollable_init))

/* --- Sources -------------------------------------------------------------------------------- */

static gboolean
is_input (gpointer stream)
{
  return G_TYPE_CHECK_INSTANCE_TYPE (stream, sb_input_get_type ());
}

static SbConnection *
connection_of (GObject *stream)
{
  return is_input (stream) ? ((SbInput *) stream)->connection : ((SbOutput *) stream)->connection;
}

static gboolean
spur_prepare (GSource *source, int *timeout)
{
  *timeout = 0;
  return TRUE;
}

static gboolean
spur_check (GSource *source)
{
  return TRUE;
}

static gboolean
spur_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs spur_funcs = { spur_prepare, spur_check, spur_dispatch, NULL, NULL, NULL };

static gboolean
ready_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  GPollableSourceFunc func = (GPollableSourceFunc) (void (*) (void)) callback;
  GObject *stream = ((SbReadySource *) source)->stream;
  SbConnection *connection = connection_of (stream);

  if (connection != NULL && is_input (stream))
    sb_connection_refill_budget (connection);
  return func != NULL ? func (stream, user_data) : G_SOURCE_REMOVE;
}

static void
ready_finalize (GSource *source)
{
  GObject *stream = ((SbReadySource *) source)->stream;
  SbConnection *connection = connection_of (stream);

  if (connection != NULL && is_input (stream))
    connection->input_sources = g_slist_remove (connection->input_sources, source);
  else if (connection != NULL)
    connection->output_sources = g_slist_remove (connection->output_sources, source);
  g_clear_pointer (&((SbReadySource *) source)->spur, g_source_unref);
  g_object_unref (stream);
}

/* What is called when the callback is a closure, such as the dummy of a child source. */
static gboolean
ready_closure (GObject *stream, gpointer closure)
{
  g_auto (GValue) result = G_VALUE_INIT;
  g_auto (GValue) param = G_VALUE_INIT;

  g_value_init (&result, G_TYPE_BOOLEAN);
  g_value_init (&param, G_TYPE_OBJECT);
  g_value_set_object (&param, stream);
  g_closure_invoke (closure, &result, 1, &param, NULL);
  return g_value_get_boolean (&result);
}

static GSourceFuncs ready_funcs = {
  .dispatch = ready_dispatch,
  .finalize = ready_finalize,
  .closure_callback = (GSourceFunc) (void (*) (void)) ready_closure,
  .closure_marshal = (GSourceDummyMarshal) (void (*) (void)) g_cclosure_marshal_generic,
};

static GSource *
ready_source_new (GObject *stream, gboolean is_ready, GCancellable *cancellable)
{
  GSource *source = g_source_new (&ready_funcs, sizeof (SbReadySource));

  ((SbReadySource *) source)->stream = g_object_ref (stream);
  g_source_set_static_name (source, is_input (stream) ? "connection: input" : "connection: output");
  if (!is_ready)
    g_source_set_priority (source, WAITING_PRIORITY);
  else
    g_source_set_ready_time (source, 0);
  if (cancellable != NULL)
    {
      g_autoptr (GSource) cancelled = g_cancellable_source_new (cancellable);

      g_source_set_dummy_callback (cancelled);
      g_source_add_child_source (source, cancelled);
    }
  return source;
}

static void
wake (GSource *source)
{
  SbReadySource *self = (SbReadySource *) source;

  if (g_source_is_destroyed (source) || self->spur != NULL)
    return;
  if (g_source_get_priority (source) == WAITING_PRIORITY)
    g_source_set_priority (source, G_PRIORITY_DEFAULT);
  self->spur = g_source_new (&spur_funcs, sizeof (GSource));
  g_source_add_child_source (source, self->spur);
}

static void
lull (GSource *source)
{
  SbReadySource *self = (SbReadySource *) source;

  if (g_source_is_destroyed (source))
    return;
  if (self->spur != NULL)
    g_source_remove_child_source (source, self->spur);
  g_clear_pointer (&self->spur, g_source_unref);
  g_source_set_ready_time (source, -1);
}

/* Makes the sources ready until they are lulled. */
void
sb_connection_wake (GSList *sources)
{
  for (GSList *l = sources; l != NULL; l = l->next)
    wake (l->data);
}

void
sb_connection_lull (GSList *sources)
{
  for (GSList *l = sources; l != NULL; l = l->next)
    lull (l->data);
}

/* --- Input ---------------------------------------------------------------------------------- */

static gssize
fail_gone (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "The connection is closed");
  return -1;
}

static gssize
sb_input_read_nonblocking (GPollableInputStream *stream, void *buffer, gsize count, GError **error)
{
  SbConnection *connection = ((SbInput *) stream)->connection;

  if (connection == NULL)
    return fail_gone (error);
  return sb_connection_read (connection, buffer, count, error);
}

/* The blocking read; nothing that serves calls it. */
static gssize
sb_input_read (GInputStream *stream, void *buffer, gsize count, GCancellable *cancellable,
               GError **error)
{
  SbConnection *connection = ((SbInput *) stream)->connection;
  gssize n = -1;

  if (connection == NULL)
    return fail_gone (error);
  while (n < 0)
    {
      g_autoptr (GError) local_error = NULL;

      n = sb_connection_read_anyway (connection, buffer, count, &local_error);
      if (n >= 0)
        break;
      if (!g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          break;
        }
      if (!g_socket_condition_wait (connection->socket, G_IO_IN, cancellable, error))
        break;
      connection->readable = TRUE;
    }
  return n;
}

static gboolean
sb_input_is_readable (GPollableInputStream *stream)
{
  SbConnection *connection = ((SbInput *) stream)->connection;

  return connection == NULL || sb_connection_can_read (connection);
}

static GSource *
sb_input_create_source (GPollableInputStream *stream, GCancellable *cancellable)
{
  SbConnection *connection = ((SbInput *) stream)->connection;
  GSource *source = ready_source_new (G_OBJECT (stream), sb_input_is_readable (stream),
                                      cancellable);

  if (connection != NULL)
    connection->input_sources = g_slist_prepend (connection->input_sources, source);
  return source;
}

static void
sb_input_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = sb_input_is_readable;
  iface->read_nonblocking = sb_input_read_nonblocking;
  iface->create_source = sb_input_create_source;
}

static void
sb_input_class_init (SbInputClass *klass)
{
  G_INPUT_STREAM_CLASS (klass)->read_fn = sb_input_read;
}

static void
sb_input_init (SbInput *self)
{
}

GInputStream *
sb_connection_input_new (SbConnection *connection)
{
  SbInput *self = g_object_new (sb_input_get_type (), NULL);

  self->connection = connection;
  return G_INPUT_STREAM (self);
}

/* --- Output --------------------------------------------------------------------------------- */

/* A write from another thread: lives on its stack, and is served from the main loop. */
typedef struct
{
  SbOutput *stream;
  const void *buffer;
  gsize count;
  gssize result;
  GError *error;
  gboolean done;
  GMutex mutex;
  GCond cond;
} SbWriter;

static void
serve_writer (SbWriter *writer)
{
  SbConnection *connection = writer->stream->connection;
  g_autoptr (GError) error = NULL;
  gssize n = -1;

  if (connection == NULL)
    fail_gone (&error);
  else
    n = sb_connection_write (connection, writer->buffer, writer->count, &error);
  if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    {
      connection->writers = g_slist_append (connection->writers, writer);
      return;
    }
  g_mutex_lock (&writer->mutex);
  writer->result = n;
  writer->error = g_steal_pointer (&error);
  writer->done = TRUE;
  g_cond_signal (&writer->cond);
  g_mutex_unlock (&writer->mutex);
}

static gboolean
on_writer (gpointer writer)
{
  serve_writer (writer);
  return G_SOURCE_REMOVE;
}

/* Gives the threads that wait for room another try. */
void
sb_connection_serve_writers (SbConnection *self)
{
  g_autoptr (GSList) writers = g_steal_pointer (&self->writers);

  for (GSList *l = writers; l != NULL; l = l->next)
    serve_writer (l->data);
}

static gssize
write_from_thread (SbOutput *self, const void *buffer, gsize count, GError **error)
{
  SbWriter writer = { .stream = self, .buffer = buffer, .count = count };
  g_autoptr (GSource) source = g_idle_source_new ();

  g_mutex_init (&writer.mutex);
  g_cond_init (&writer.cond);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_writer, &writer, NULL);
  g_source_attach (source, self->context);
  g_mutex_lock (&writer.mutex);
  while (!writer.done)
    g_cond_wait (&writer.cond, &writer.mutex);
  g_mutex_unlock (&writer.mutex);
  g_mutex_clear (&writer.mutex);
  g_cond_clear (&writer.cond);
  if (writer.error != NULL)
    g_propagate_error (error, writer.error);
  return writer.result;
}

static gssize
sb_output_write_nonblocking (GPollableOutputStream *stream, const void *buffer, gsize count,
                             GError **error)
{
  SbConnection *connection = ((SbOutput *) stream)->connection;

  if (connection == NULL)
    return fail_gone (error);
  return sb_connection_write (connection, buffer, count, error);
}

/* The blocking write: a thread waits for the main loop, the main loop for the socket. */
static gssize
sb_output_write (GOutputStream *stream, const void *buffer, gsize count, GCancellable *cancellable,
                 GError **error)
{
  SbOutput *self = (SbOutput *) stream;

  if (g_thread_self () != self->thread)
    return write_from_thread (self, buffer, count, error);
  if (self->connection == NULL)
    return fail_gone (error);
  while (!sb_connection_can_write (self->connection))
    {
      if (!g_socket_condition_wait (self->connection->socket, G_IO_OUT, cancellable, error))
        return -1;
      self->connection->writable = TRUE;
      sb_connection_flush (self->connection);
    }
  return sb_connection_write (self->connection, buffer, count, error);
}

/* libsoup flushes after every response, and waiting for a slow reader would stop the bus: what
 * was gathered leaves at the end of the turn in any case. */
static gboolean
sb_output_flush (GOutputStream *stream, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static void
sb_output_flush_async (GOutputStream *stream, int io_priority, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  SbConnection *connection = ((SbOutput *) stream)->connection;
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  if (connection == NULL || sb_gather_get_length (&connection->gathered) == 0)
    g_task_return_boolean (task, TRUE);
  else
    connection->flushes = g_slist_append (connection->flushes, g_steal_pointer (&task));
}

/* The connection is closed by its GIOStream. */
static void
sb_output_close_async (GOutputStream *stream, int io_priority, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (stream, cancellable, callback, user_data);

  g_task_return_boolean (task, TRUE);
}

static gboolean
sb_output_finish (GOutputStream *stream, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static gboolean
sb_output_is_writable (GPollableOutputStream *stream)
{
  SbConnection *connection = ((SbOutput *) stream)->connection;

  return connection == NULL || sb_connection_can_write (connection);
}

static GSource *
sb_output_create_source (GPollableOutputStream *stream, GCancellable *cancellable)
{
  SbConnection *connection = ((SbOutput *) stream)->connection;
  GSource *source = ready_source_new (G_OBJECT (stream), sb_output_is_writable (stream),
                                      cancellable);

  if (connection != NULL)
    connection->output_sources = g_slist_prepend (connection->output_sources, source);
  return source;
}

static void
sb_output_pollable_init (GPollableOutputStreamInterface *iface)
{
  iface->is_writable = sb_output_is_writable;
  iface->write_nonblocking = sb_output_write_nonblocking;
  iface->create_source = sb_output_create_source;
}

static void
sb_output_finalize (GObject *object)
{
  g_main_context_unref (((SbOutput *) object)->context);
  G_OBJECT_CLASS (sb_output_parent_class)->finalize (object);
}

static void
sb_output_class_init (SbOutputClass *klass)
{
  GOutputStreamClass *stream_class = G_OUTPUT_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sb_output_finalize;
  stream_class->write_fn = sb_output_write;
  stream_class->flush = sb_output_flush;
  stream_class->flush_async = sb_output_flush_async;
  stream_class->flush_finish = sb_output_finish;
  stream_class->close_async = sb_output_close_async;
  stream_class->close_finish = sb_output_finish;
}

static void
sb_output_init (SbOutput *self)
{
}

GOutputStream *
sb_connection_output_new (SbConnection *connection)
{
  SbOutput *self = g_object_new (sb_output_get_type (), NULL);

  self->connection = connection;
  self->context = g_main_context_ref (sb_poller_get_context (connection->watch.poller));
  self->thread = g_thread_self ();
  return G_OUTPUT_STREAM (self);
}

/* The connection goes: streams and sources that somebody still holds must not look for it. */
void
sb_connection_streams_detach (SbConnection *self)
{
  ((SbInput *) self->input)->connection = NULL;
  ((SbOutput *) self->output)->connection = NULL;
  sb_connection_wake (self->input_sources);
  sb_connection_wake (self->output_sources);
  g_clear_pointer (&self->input_sources, g_slist_free);
  g_clear_pointer (&self->output_sources, g_slist_free);
  sb_connection_serve_writers (self);
}

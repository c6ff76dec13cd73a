/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-file-sender: a few threads that read the disk, and a transfer for each file under way.
 *
 *     main loop:  wait for room ─→ push ─────────────→ result ─→ wait for room …
 *     a thread:                        send a slice ─┘
 *
 * On a plain connection the thread writes to the socket itself: sendfile() until it would block,
 * so that a slow client holds no thread and no memory. On TLS it reads into a buffer, which the
 * main loop hands to the connection; there is one such buffer a transfer at the most.
 *
 * The threads take slices in the order in which they were asked for: whoever got one stands
 * behind everybody else. A transfer that is alone keeps its thread for a few slices, which
 * spares the main loop. The threads have a lower priority than the main loop has: messages
 * come first.
 *
 * A thread uses a descriptor of its own, a duplicate: the connection may be closed, and the
 * number of its socket be somebody else's, while a slice is under way.
 */

#include "sb-file-sender.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_THREADS 4
#define SLICE (256 * 1024)
/* What is encrypted in one turn of the main loop. */
#define TLS_SLICE (128 * 1024)
#define SLICES_AT_ONCE 16
/* What the kernel keeps that was not sent yet: a slow client must not fill its buffers. */
#define UNSENT_MAX (512 * 1024)

struct _SbFileSender
{
  GThread *threads[N_THREADS]; /* (owned) (nullable) */
  GAsyncQueue *queue;          /* (owned) (element-type Transfer); the sender itself: end */
  GMainContext *context;       /* (owned) */
  SbMetrics *metrics;          /* (unowned) */
  SbCounter *n_bytes;
  guint gauge;
  GQueue transfers; /* (element-type Transfer) linked by their own links */
};

typedef struct
{
  SbFileSender *sender;     /* (unowned) */
  SbConnection *connection; /* (owned) */
  char *name;               /* (owned): of the file */
  char *user;               /* (owned) (nullable): who gets it */
  char *address;            /* (owned) (nullable) */
  guint64 length;           /* of what there was to send, without the head of the answer */
  guint64 taken;            /* of the file, by the socket */
  gint64 started;           /* monotonic */
  GList link;
  int file;
  int socket;         /* -1: TLS */
  int cancelled;      /* atomic */
  gboolean is_pushed; /* a thread has it, or its result is on the way */

  /* Belongs to the thread while it is pushed. */
  SbSendPlan *plan; /* (owned) */
  guint8 *buffer;   /* (owned) (nullable): TLS */
  gsize buffered;
  guint64 sent; /* of the plan */
  guint64 sent_of_file;
  gboolean is_full; /* the socket would block */
  int fault;        /* errno */
  gboolean is_file_fault;
  GSource *result; /* (owned) (nullable) */
} Transfer;

/* --- In a thread ---------------------------------------------------------------------------- */

/* On Linux this is a matter of the thread. */
static void
lower_own_priority (void)
{
  static const struct sched_param lowest = { 0 };

  /* Of this thread only. */
  if (sched_setscheduler (0, SCHED_IDLE, &lowest) != 0)
    g_debug ("files are sent at normal priority: %s", g_strerror (errno));
}

static void
note (Transfer *self, const SbSendPiece *piece, gsize n)
{
  sb_send_plan_advance (self->plan, n);
  self->sent += n;
  if (piece->text == NULL)
    self->sent_of_file += n;
}

/* What is not the socket's fault is the disk's. A file that ends too early is no error to the
 * kernel. */
static void
note_failure (Transfer *self, const SbSendPiece *piece, gssize n)
{
  int code = errno;

  if (n < 0 && code == EINTR)
    return;
  if (n < 0 && (code == EAGAIN || code == EWOULDBLOCK))
    {
      self->is_full = TRUE;
      return;
    }
  self->fault = n < 0 ? code : ENODATA;
  self->is_file_fault = piece->text == NULL && self->fault != EPIPE && self->fault != ECONNRESET
                        && self->fault != ETIMEDOUT && self->fault != ENOTCONN;
}

static gssize
send_text (Transfer *self, const SbSendPiece *piece)
{
  gboolean is_last = piece->length == sb_send_plan_get_length (self->plan);

  return send (self->socket, piece->text, piece->length,
               MSG_DONTWAIT | MSG_NOSIGNAL | (is_last ? 0 : MSG_MORE));
}

static gssize
send_file (Transfer *self, const SbSendPiece *piece, gsize room)
{
  off_t offset = (off_t) piece->offset;

  return sendfile (self->socket, self->file, &offset, MIN (piece->length, room));
}

static void
send_slice (Transfer *self)
{
  gsize done = 0;

  while (done < SLICE && !self->is_full && self->fault == 0)
    {
      SbSendPiece piece = sb_send_plan_next (self->plan);
      gssize n;

      if (piece.length == 0)
        break;
      n = piece.text != NULL ? send_text (self, &piece) : send_file (self, &piece, SLICE - done);
      if (n > 0)
        note (self, &piece, (gsize) n);
      else
        note_failure (self, &piece, n);
      done += (gsize) MAX (n, 0);
    }
}

/* Fills the buffer that the main loop then sends. */
static void
read_slice (Transfer *self)
{
  self->buffer = g_malloc (TLS_SLICE);
  while (self->buffered < TLS_SLICE && self->fault == 0)
    {
      SbSendPiece piece = sb_send_plan_next (self->plan);
      gsize n_wanted = MIN (piece.length, TLS_SLICE - self->buffered);
      gssize n = (gssize) n_wanted;

      if (piece.length == 0)
        break;
      if (piece.text != NULL)
        memcpy (self->buffer + self->buffered, piece.text, n_wanted);
      else
        n = pread (self->file, self->buffer + self->buffered, n_wanted, (off_t) piece.offset);
      if (n > 0)
        note (self, &piece, (gsize) n);
      else
        note_failure (self, &piece, n);
      self->buffered += (gsize) MAX (n, 0);
    }
}

static gboolean result_cb (gpointer user_data);

static void
run (SbFileSender *sender, Transfer *self)
{
  for (guint i = 0; i < SLICES_AT_ONCE; i++)
    {
      if (g_atomic_int_get (&self->cancelled) || self->is_full || self->fault != 0
          || sb_send_plan_get_length (self->plan) == 0)
        break;
      if (i > 0 && (self->socket < 0 || g_async_queue_length (sender->queue) > 0))
        break;
      if (self->socket < 0)
        read_slice (self);
      else
        send_slice (self);
    }
  self->result = g_idle_source_new ();
  g_source_set_priority (self->result, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->result, result_cb, self, NULL);
  g_source_attach (self->result, sender->context);
}

static gpointer
work (gpointer data)
{
  SbFileSender *self = data;
  gpointer next;

  lower_own_priority ();
  while ((next = g_async_queue_pop (self->queue)) != self)
    run (self, next);
  return NULL;
}

/* --- On the main loop ----------------------------------------------------------------------- */

static void
transfer_free (Transfer *self)
{
  g_queue_unlink (&self->sender->transfers, &self->link);
  sb_connection_give_back (self->connection);
  close (self->file);
  if (self->socket >= 0)
    close (self->socket);
  sb_send_plan_free (self->plan);
  g_object_unref (self->connection);
  g_free (self->buffer);
  g_free (self->address);
  g_free (self->user);
  g_free (self->name);
  g_free (self);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_io_stream_close_finish (G_IO_STREAM (source), result, NULL);
}

/* Everything is on its way. */
static void
finish (Transfer *self)
{
  g_autoptr (SbConnection) connection = g_object_ref (self->connection);

  transfer_free (self);
  g_io_stream_close_async (G_IO_STREAM (connection), G_PRIORITY_DEFAULT, NULL, closed_cb, NULL);
}

/* The client sees by the length that something is missing. */
static void
give_up (Transfer *self)
{
  g_autoptr (SbConnection) connection = g_object_ref (self->connection);

  if (self->is_file_fault)
    g_warning ("the file \"%s\" cannot be read to its end: %s", self->name,
               self->fault == ENODATA ? "it is shorter than it was" : g_strerror (self->fault));
  transfer_free (self);
  if (sb_connection_is_open (connection))
    sb_connection_abort (connection, "the file could not be sent");
}

/* Goes on, or waits until that is possible. */
static void
step (Transfer *self)
{
  if (self->fault != 0 || !sb_connection_is_usable (self->connection))
    give_up (self);
  else if (!sb_connection_take_room (self->connection))
    sb_connection_await_room (self->connection);
  else if (sb_send_plan_get_length (self->plan) == 0)
    finish (self);
  else
    {
      self->is_pushed = TRUE;
      g_async_queue_push (self->sender->queue, self);
    }
}

/* Takes over what a thread has done. */
static void
account (Transfer *self)
{
  sb_counter_add (self->sender->n_bytes, self->sent_of_file);
  self->taken += self->sent_of_file;
  if (self->buffer != NULL)
    sb_connection_send (self->connection, NULL, 0, self->buffer, self->buffered);
  else
    sb_connection_note_sent (self->connection, self->sent, self->is_full);
  g_clear_pointer (&self->buffer, g_free);
  self->buffered = 0;
  self->sent = 0;
  self->sent_of_file = 0;
  self->is_full = FALSE;
}

static gboolean
result_cb (gpointer user_data)
{
  Transfer *self = user_data;

  g_clear_pointer (&self->result, g_source_unref);
  self->is_pushed = FALSE;
  account (self);
  step (self);
  return G_SOURCE_REMOVE;
}

/* There is room again, or there is nobody there. */
static void
room_cb (SbConnection *connection, gpointer user_data)
{
  Transfer *self = user_data;

  if (!self->is_pushed)
    step (self);
  else
    g_atomic_int_set (&self->cancelled, TRUE);
}

/* --- As others see it ----------------------------------------------------------------------- */

static double
gauge_downloads (gpointer user_data)
{
  return ((SbFileSender *) user_data)->transfers.length;
}

/* The threads first do what they were asked for. */
static void
end_threads (SbFileSender *self)
{
  for (guint i = 0; i < N_THREADS && self->threads[i] != NULL; i++)
    g_async_queue_push (self->queue, self);
  for (guint i = 0; i < N_THREADS && self->threads[i] != NULL; i++)
    g_thread_join (self->threads[i]);
}

/**
 * sb_file_sender_new:
 * @metrics: where it counts; must live as long as the sender
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): a sender for the thread-default main context; %NULL when
 *   there are no threads to be had
 */
SbFileSender *
sb_file_sender_new (SbMetrics *metrics, GError **error)
{
  SbFileSender *self = g_new0 (SbFileSender, 1);

  self->context = g_main_context_ref_thread_default ();
  self->queue = g_async_queue_new ();
  self->metrics = metrics;
  self->n_bytes = sb_metrics_counter (metrics, "simplebus_file_sent_bytes_total",
                                      "Bytes of files sent to clients", NULL);
  self->gauge = sb_metrics_gauge (metrics, "simplebus_downloads", "Files being sent", NULL,
                                  gauge_downloads, self);
  for (guint i = 0; i < N_THREADS; i++)
    {
      self->threads[i] = g_thread_try_new ("files", work, self, error);
      if (self->threads[i] == NULL)
        {
          sb_file_sender_free (self);
          return NULL;
        }
    }
  return self;
}

/**
 * sb_file_sender_free:
 * @self: (transfer full): a sender
 *
 * Cuts off what is under way.
 */
void
sb_file_sender_free (SbFileSender *self)
{
  for (GList *l = self->transfers.head; l != NULL; l = l->next)
    g_atomic_int_set (&((Transfer *) l->data)->cancelled, TRUE);
  end_threads (self);
  while (self->transfers.head != NULL)
    {
      Transfer *transfer = self->transfers.head->data;

      if (transfer->result != NULL)
        {
          g_source_destroy (transfer->result);
          g_clear_pointer (&transfer->result, g_source_unref);
        }
      give_up (transfer);
    }
  sb_metrics_remove_gauge (self->metrics, self->gauge);
  g_main_context_unref (self->context);
  g_async_queue_unref (self->queue);
  g_free (self);
}

/**
 * sb_file_sender_get_length:
 * @self: a sender
 *
 * Returns: how many files are being sent
 */
guint
sb_file_sender_get_length (SbFileSender *self)
{
  return self->transfers.length;
}

/**
 * sb_file_sender_foreach:
 * @self: a sender
 * @func: (scope call): told of each file that is being sent, the oldest first
 * @user_data: for @func, which must not start or end transfers
 */
void
sb_file_sender_foreach (SbFileSender *self, SbFileTransferFunc func, gpointer user_data)
{
  for (GList *l = self->transfers.head; l != NULL; l = l->next)
    {
      const Transfer *transfer = l->data;
      const SbFileTransfer info = {
        .label = { transfer->name, transfer->user, transfer->address },
        .sent = transfer->taken,
        .length = transfer->length,
        .started = transfer->started,
      };

      if (!func (&info, user_data))
        return;
    }
}

/* Opens what the threads write to. */
static void
open_socket (Transfer *self)
{
  static const int unsent_max = UNSENT_MAX;
  GSocket *socket = sb_connection_get_socket (self->connection);

  self->socket = -1;
  if (socket == NULL)
    return; /* it is closed, as the first step will see */
  setsockopt (g_socket_get_fd (socket), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_max,
              sizeof unsent_max);
  if (sb_connection_is_tls (self->connection))
    return;
  self->socket = fcntl (g_socket_get_fd (socket), F_DUPFD_CLOEXEC, 0);
  if (self->socket < 0)
    self->fault = errno;
}

/**
 * sb_file_sender_start:
 * @self: a sender
 * @connection: (transfer none): an open connection that nobody else serves any more
 * @plan: (transfer full): what to send, with the head of the answer
 * @fd: (transfer full): the file
 * @label: what it is shown as; it is copied
 *
 * Sends, and closes the connection then.
 */
void
sb_file_sender_start (SbFileSender *self, SbConnection *connection, SbSendPlan *plan, int fd,
                      const SbFileLabel *label)
{
  Transfer *transfer = g_new0 (Transfer, 1);

  transfer->sender = self;
  transfer->connection = g_object_ref (connection);
  transfer->plan = plan;
  transfer->name = g_strdup (label->name);
  transfer->user = g_strdup (label->user);
  transfer->address = g_strdup (label->address);
  transfer->length = sb_send_plan_get_file_length (plan);
  transfer->started = g_get_monotonic_time ();
  transfer->file = fd;
  open_socket (transfer);
  transfer->link.data = transfer;
  g_queue_push_tail_link (&self->transfers, &transfer->link);
  sb_connection_lend (connection, room_cb, transfer);
  step (transfer);
}

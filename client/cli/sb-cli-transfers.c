/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-transfers: one bar, one line or a few events for each file. */

#include "sb-cli-transfers.h"

#include "sb-cli-progress.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <unistd.h>

/* A program hears of a transfer this often, in microseconds. */
#define EVENT_INTERVAL G_USEC_PER_SEC

struct _SbCliTransfers
{
  SbCli *cli;
  gboolean events;
  SbCliProgress *progress; /* (owned) */
  GPtrArray *views;        /* (owned) of View */
};

/* Counted, since the end of a transfer may be told when nobody looks any more. */
typedef struct
{
  SbCliTransfers *transfers;  /* (nullable): %NULL when nobody looks */
  SbClientTransfer *transfer; /* (owned) */
  SbCliBar *bar;              /* owned by the progress */
  GCancellable *waiting;      /* (owned) */
  SbCliTransferEnded ended;
  gpointer user_data;
  gulong handler;
  gint64 begin;      /* monotonic */
  gint64 begin_done; /* bytes that were there before */
  gint64 last_event;
} View;

static void
view_clear (gpointer data)
{
  View *view = data;

  g_object_unref (view->waiting);
  g_object_unref (view->transfer);
}

static void
view_end (gpointer data)
{
  View *view = data;

  view->transfers = NULL;
  g_clear_signal_handler (&view->handler, view->transfer);
  g_cancellable_cancel (view->waiting);
  g_rc_box_release_full (view, view_clear);
}

/* --- Events --- */

static void
set_string (JsonObject *object, const char *name, const char *value)
{
  g_autofree char *valid = value != NULL ? g_utf8_make_valid (value, -1) : NULL;

  if (valid != NULL)
    json_object_set_string_member (object, name, valid);
}

static void
print_event (View *view, const char *event, const GError *error)
{
  SbClientTransfer *transfer = view->transfer;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;

  if (!view->transfers->events)
    return;
  node = json_node_new (JSON_NODE_OBJECT);
  object = json_object_new ();
  json_object_set_string_member (object, "event", event);
  set_string (object, "_id", sb_client_transfer_get_id (transfer));
  set_string (object, "name", sb_client_transfer_get_display_name (transfer));
  set_string (object, "path", sb_client_transfer_get_path (transfer));
  json_object_set_int_member (object, "done", sb_client_transfer_get_done (transfer));
  json_object_set_int_member (object, "size", sb_client_transfer_get_size (transfer));
  if (error != NULL)
    set_string (object, "error", error->message);
  json_node_take_object (node, object);
  sb_cli_print_json (node);
  fflush (stdout);
}

static void
print_progress (View *view)
{
  gint64 now = g_get_monotonic_time ();

  if (now < view->last_event + EVENT_INTERVAL)
    return;
  view->last_event = now;
  print_event (view, "progress", NULL);
}

/* --- Bars and lines --- */

static const char *
get_note (SbClientTransfer *transfer)
{
  switch (sb_client_transfer_get_state (transfer))
    {
    case SB_CLIENT_TRANSFER_QUEUED:
      return _ ("in the queue");
    case SB_CLIENT_TRANSFER_WAITING:
      return _ ("waits for the bus");
    case SB_CLIENT_TRANSFER_VERIFYING:
      return _ ("is checked");
    case SB_CLIENT_TRANSFER_RUNNING:
    case SB_CLIENT_TRANSFER_DONE:
    case SB_CLIENT_TRANSFER_FAILED:
    case SB_CLIENT_TRANSFER_CANCELLED:
    default:
      return NULL;
    }
}

static void
update_bar (View *view)
{
  SbClientTransfer *transfer = view->transfer;

  sb_cli_bar_set (view->bar, sb_client_transfer_get_done (transfer),
                  sb_client_transfer_get_size (transfer), sb_client_transfer_get_rate (transfer),
                  sb_client_transfer_get_time_left (transfer), get_note (transfer));
}

static void
notify_cb (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  View *view = user_data;

  update_bar (view);
  if (sb_client_transfer_get_state (view->transfer) == SB_CLIENT_TRANSFER_RUNNING)
    print_progress (view);
}

static void
print_end (View *view)
{
  SbClientTransfer *transfer = view->transfer;
  double seconds = (double) (g_get_monotonic_time () - view->begin) / G_USEC_PER_SEC;
  gint64 moved = MAX (sb_client_transfer_get_size (transfer) - view->begin_done, 0);
  g_autofree char *name = sb_cli_printable (sb_client_transfer_get_display_name (transfer));
  g_autofree char *size = sb_cli_format_size (MAX (sb_client_transfer_get_size (transfer), 0));
  g_autofree char *rate = sb_cli_format_size ((gint64) ((double) moved / MAX (seconds, 0.001)));

  if (sb_client_transfer_is_upload (transfer))
    sb_cli_transfers_print (view->transfers, _ ("%s: sent, %s in %.1f s (%s/s)"), name, size,
                            seconds, rate);
  else
    sb_cli_transfers_print (view->transfers, _ ("%s: received, %s in %.1f s (%s/s)"), name, size,
                            seconds, rate);
}

static void
print_failure (View *view, const GError *error)
{
  g_autofree char *name = sb_cli_printable (sb_client_transfer_get_display_name (view->transfer));
  g_autofree char *message = sb_cli_printable (error->message);
  g_autofree char *line = g_strdup_printf ("simplebus: %s: %s", name, message);

  sb_cli_progress_print (view->transfers->progress, line);
}

static void
show_end (View *view, const GError *error)
{
  if (error == NULL)
    print_end (view);
  else
    print_failure (view, error);
  print_event (view, error == NULL ? "done" : "failed", error);
  sb_cli_bar_end (view->bar);
}

static void
ended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  View *view = user_data;
  g_autoptr (GError) error = NULL;

  sb_client_transfer_wait_finish (view->transfer, result, &error);
  /* A client that was closed has left it as it is. */
  if (view->transfers != NULL && sb_client_transfer_is_ended (view->transfer))
    {
      GPtrArray *views = view->transfers->views;

      show_end (view, error);
      g_ptr_array_remove (views, view);
      view->ended (view->transfer, error, view->user_data);
    }
  g_rc_box_release_full (view, view_clear);
}

/* --- Public --- */

/**
 * sb_cli_transfers_new:
 * @cli: the command line
 * @events: whether events are printed for programs
 *
 * Returns: (transfer full): a view of no transfers yet
 */
SbCliTransfers *
sb_cli_transfers_new (SbCli *cli, gboolean events)
{
  SbCliTransfers *self = g_new0 (SbCliTransfers, 1);

  self->cli = cli;
  self->events = events;
  self->progress = sb_cli_progress_new (STDERR_FILENO, cli->progress);
  self->views = g_ptr_array_new_with_free_func (view_end);
  return self;
}

/**
 * sb_cli_transfers_free:
 * @self: (transfer full): a view
 *
 * Frees it; transfers that have not ended go on unseen.
 */
void
sb_cli_transfers_free (SbCliTransfers *self)
{
  g_ptr_array_unref (self->views);
  sb_cli_progress_free (self->progress);
  g_free (self);
}

/**
 * sb_cli_transfers_expect:
 * @self: a view
 * @n_files: how many are to come in all
 * @bytes: that they have together
 *
 * Says how much is to come.
 */
void
sb_cli_transfers_expect (SbCliTransfers *self, guint n_files, gint64 bytes)
{
  sb_cli_progress_expect (self->progress, n_files, bytes);
}

/**
 * sb_cli_transfers_add:
 * @self: a view
 * @transfer: a file on its way
 * @ended: called when it has ended
 * @user_data: for @ended
 *
 * Shows a transfer.
 */
void
sb_cli_transfers_add (SbCliTransfers *self, SbClientTransfer *transfer, SbCliTransferEnded ended,
                      gpointer user_data)
{
  View *view = g_rc_box_new0 (View);
  const char *name = sb_client_transfer_get_display_name (transfer);

  view->transfers = self;
  view->transfer = g_object_ref (transfer);
  view->waiting = g_cancellable_new ();
  view->ended = ended;
  view->user_data = user_data;
  view->begin = g_get_monotonic_time ();
  view->begin_done = sb_client_transfer_get_done (transfer);
  view->last_event = view->begin;
  view->bar = sb_cli_progress_add (self->progress, name != NULL ? name : "");
  g_ptr_array_add (self->views, view);
  update_bar (view);
  print_event (view, view->begin_done > 0 ? "resumed" : "begun", NULL);
  view->handler = g_signal_connect (transfer, "notify", G_CALLBACK (notify_cb), view);
  sb_client_transfer_wait_async (transfer, view->waiting, ended_cb, g_rc_box_acquire (view));
}

/**
 * sb_cli_transfers_get_length:
 * @self: a view
 *
 * Returns: how many have not ended
 */
guint
sb_cli_transfers_get_length (SbCliTransfers *self)
{
  return self->views->len;
}

/**
 * sb_cli_transfers_print:
 * @self: a view
 * @format: of the line
 * @...: for @format
 *
 * Prints a line for people, unless they want none.
 */
void
sb_cli_transfers_print (SbCliTransfers *self, const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list args;

  if (self->cli->quiet)
    return;
  va_start (args, format);
  line = g_strdup_vprintf (format, args);
  va_end (args);
  sb_cli_progress_print (self->progress, line);
}

/**
 * sb_cli_transfers_hide:
 * @self: a view
 *
 * Takes the bars away for a moment.
 */
void
sb_cli_transfers_hide (SbCliTransfers *self)
{
  sb_cli_progress_hide (self->progress);
}

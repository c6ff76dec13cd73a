/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-transfer: what one sees of a file on its way.
 *
 * The thread that moves the bytes notes how many there are in a variable that is read here ten
 * times a second; so a fast transfer costs the main context no more than a slow one. Everything
 * else happens in the main context.
 */

#include "sb-client-transfer-private.h"

#include "sb-client-enums.h"

#define TICK_MS 100
/* The rate is an average in which a second that was so long ago counts half as much. */
#define SMOOTHING_SECONDS 2.0

/* Somebody who waits for the end. */
typedef struct
{
  SbClientTransfer *transfer; /* (unowned) */
  GTask *task;                /* (owned) */
  GSource *cancel;            /* (owned) (nullable) */
} Waiter;

struct _SbClientTransfer
{
  GObject parent;
  GMainContext *context; /* (owned) */
  gboolean is_upload;
  char *id;                 /* (owned) */
  char *display_name;       /* (owned) */
  char *path;               /* (owned) (nullable) */
  SbClientMessage *message; /* (owned) (nullable) */
  SbClientTransferState state;
  GError *error; /* (owned) (nullable) */
  gint64 size;
  gint64 done;
  double rate;

  SbClientTransferFunc cancel_func; /* (nullable) */
  gpointer cancel_data;
  GPtrArray *waiters; /* (owned) of Waiter */
  GSource *ticker;    /* (owned) (nullable): while bytes flow */
  gint64 sampled_at;  /* monotonic; when @done was looked at */
  guint seen_begin;

  /* Written in the thread of the transfer. */
  gint64 reported;
  guint begin; /* how many times bytes began to flow */
};

G_DEFINE_FINAL_TYPE (SbClientTransfer, sb_client_transfer, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_IS_UPLOAD,
  PROP_STATE,
  PROP_ID,
  PROP_DISPLAY_NAME,
  PROP_PATH,
  PROP_MESSAGE,
  PROP_SIZE,
  PROP_DONE,
  PROP_RATE,
  PROP_TIME_LEFT,
  PROP_ERROR,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void
notify (SbClientTransfer *self, guint prop)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[prop]);
}

/* Life */

static void
waiter_free (Waiter *self)
{
  if (self->cancel != NULL)
    {
      g_source_destroy (self->cancel);
      g_source_unref (self->cancel);
    }
  g_object_unref (self->task);
  g_free (self);
}

static void
stop_ticker (SbClientTransfer *self)
{
  if (self->ticker != NULL)
    g_source_destroy (self->ticker);
  g_clear_pointer (&self->ticker, g_source_unref);
}

static void
sb_client_transfer_finalize (GObject *object)
{
  SbClientTransfer *self = SB_CLIENT_TRANSFER (object);

  stop_ticker (self);
  g_ptr_array_unref (self->waiters);
  g_clear_pointer (&self->message, sb_client_message_unref);
  g_clear_error (&self->error);
  g_free (self->path);
  g_free (self->display_name);
  g_free (self->id);
  g_main_context_unref (self->context);
  G_OBJECT_CLASS (sb_client_transfer_parent_class)->finalize (object);
}

static void
sb_client_transfer_get_property (GObject *object, guint prop, GValue *value, GParamSpec *pspec)
{
  SbClientTransfer *self = SB_CLIENT_TRANSFER (object);

  switch (prop)
    {
    case PROP_IS_UPLOAD:
      g_value_set_boolean (value, self->is_upload);
      break;
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_ID:
      g_value_set_string (value, self->id);
      break;
    case PROP_DISPLAY_NAME:
      g_value_set_string (value, self->display_name);
      break;
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_MESSAGE:
      g_value_set_boxed (value, self->message);
      break;
    case PROP_SIZE:
      g_value_set_int64 (value, self->size);
      break;
    case PROP_DONE:
      g_value_set_int64 (value, self->done);
      break;
    case PROP_RATE:
      g_value_set_double (value, self->rate);
      break;
    case PROP_TIME_LEFT:
      g_value_set_double (value, sb_client_transfer_get_time_left (self));
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, self->error);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop, pspec);
    }
}

#define READABLE (G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS)

static void
install_constant_properties (void)
{
  /**
   * SbClientTransfer:is-upload:
   *
   * Whether the file goes to the bus; otherwise it comes from there.
   */
  props[PROP_IS_UPLOAD] = g_param_spec_boolean ("is-upload", NULL, NULL, FALSE, READABLE);
  /**
   * SbClientTransfer:id: (getter get_id)
   *
   * The `_id` of the message.
   */
  props[PROP_ID] = g_param_spec_string ("id", NULL, NULL, NULL, READABLE);
  /**
   * SbClientTransfer:display-name: (getter get_display_name)
   *
   * What people call the file.
   */
  props[PROP_DISPLAY_NAME] = g_param_spec_string ("display-name", NULL, NULL, NULL, READABLE);
  /**
   * SbClientTransfer:message: (getter get_message)
   *
   * Of a download: the notice.
   */
  props[PROP_MESSAGE] = g_param_spec_boxed ("message", NULL, NULL, SB_TYPE_CLIENT_MESSAGE,
                                            READABLE);
}

static void
install_changing_properties (void)
{
  /**
   * SbClientTransfer:state: (getter get_state)
   *
   * How it stands.
   */
  props[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, SB_TYPE_CLIENT_TRANSFER_STATE,
                                         SB_CLIENT_TRANSFER_QUEUED, READABLE);
  /**
   * SbClientTransfer:path: (getter get_path)
   *
   * Where the file is on this machine.
   */
  props[PROP_PATH] = g_param_spec_string ("path", NULL, NULL, NULL, READABLE);
  /**
   * SbClientTransfer:size: (getter get_size)
   *
   * Of the file in bytes; -1: not known yet.
   */
  props[PROP_SIZE] = g_param_spec_int64 ("size", NULL, NULL, -1, G_MAXINT64, -1, READABLE);
  /**
   * SbClientTransfer:done: (getter get_done)
   *
   * How many bytes were transferred.
   */
  props[PROP_DONE] = g_param_spec_int64 ("done", NULL, NULL, 0, G_MAXINT64, 0, READABLE);
  /**
   * SbClientTransfer:rate: (getter get_rate)
   *
   * Bytes a second, smoothed; 0 when none flow.
   */
  props[PROP_RATE] = g_param_spec_double ("rate", NULL, NULL, 0, G_MAXDOUBLE, 0, READABLE);
  /**
   * SbClientTransfer:time-left: (getter get_time_left)
   *
   * Seconds that it will take at this rate; -1: not known.
   */
  props[PROP_TIME_LEFT] = g_param_spec_double ("time-left", NULL, NULL, -1, G_MAXDOUBLE, -1,
                                               READABLE);
  /**
   * SbClientTransfer:error: (getter get_error)
   *
   * Why it failed, or waits.
   */
  props[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, READABLE);
}

static void
sb_client_transfer_class_init (SbClientTransferClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = sb_client_transfer_finalize;
  object_class->get_property = sb_client_transfer_get_property;
  install_constant_properties ();
  install_changing_properties ();
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sb_client_transfer_init (SbClientTransfer *self)
{
  self->waiters = g_ptr_array_new_with_free_func ((GDestroyNotify) waiter_free);
}

SbClientTransfer *
sb_client_transfer_new (GMainContext *context, gboolean is_upload, const char *id,
                        const char *display_name, gint64 size)
{
  SbClientTransfer *self = g_object_new (SB_TYPE_CLIENT_TRANSFER, NULL);

  self->context = g_main_context_ref (context);
  self->is_upload = is_upload;
  self->id = g_strdup (id);
  self->display_name = g_strdup (display_name);
  self->size = size;
  return self;
}

void
sb_client_transfer_set_message (SbClientTransfer *self, SbClientMessage *message)
{
  self->message = sb_client_message_ref (message);
}

void
sb_client_transfer_set_path (SbClientTransfer *self, const char *path)
{
  if (g_strcmp0 (self->path, path) == 0)
    return;
  g_free (self->path);
  self->path = g_strdup (path);
  notify (self, PROP_PATH);
}

void
sb_client_transfer_set_size (SbClientTransfer *self, gint64 size)
{
  if (self->size == size)
    return;
  self->size = size;
  notify (self, PROP_SIZE);
}

void
sb_client_transfer_set_cancel_func (SbClientTransfer *self, SbClientTransferFunc func,
                                    gpointer user_data)
{
  self->cancel_func = func;
  self->cancel_data = user_data;
}

/* Progress */

void
sb_client_transfer_begin_at (SbClientTransfer *self, gint64 offset)
{
  __atomic_store_n (&self->reported, offset, __ATOMIC_RELAXED);
  __atomic_add_fetch (&self->begin, 1, __ATOMIC_RELEASE);
}

void
sb_client_transfer_report (SbClientTransfer *self, gint64 done)
{
  __atomic_store_n (&self->reported, done, __ATOMIC_RELAXED);
}

static void
set_done (SbClientTransfer *self, gint64 done)
{
  if (self->done == done)
    return;
  self->done = done;
  notify (self, PROP_DONE);
}

static void
set_rate (SbClientTransfer *self, double rate)
{
  if (self->rate == rate)
    return;
  self->rate = rate;
  notify (self, PROP_RATE);
}

/* Looks at what the thread has reported. What was there before bytes began to flow was not
 * transferred just now, so it is no part of the rate. */
static void
sample (SbClientTransfer *self)
{
  guint begin = __atomic_load_n (&self->begin, __ATOMIC_ACQUIRE);
  gint64 done = __atomic_load_n (&self->reported, __ATOMIC_RELAXED);
  gint64 now = g_get_monotonic_time ();
  double seconds = (double) (now - self->sampled_at) / G_USEC_PER_SEC;
  double rate;

  if (begin == self->seen_begin && seconds > 0)
    {
      rate = (double) MAX (done - self->done, 0) / seconds;
      if (self->rate > 0)
        rate = self->rate + (rate - self->rate) * seconds / (seconds + SMOOTHING_SECONDS);
      set_rate (self, rate);
    }
  self->seen_begin = begin;
  self->sampled_at = now;
  set_done (self, done);
  notify (self, PROP_TIME_LEFT);
}

static gboolean
tick_cb (gpointer user_data)
{
  g_autoptr (SbClientTransfer) self = g_object_ref (user_data);

  g_object_freeze_notify (G_OBJECT (self));
  sample (self);
  g_object_thaw_notify (G_OBJECT (self));
  return G_SOURCE_CONTINUE;
}

static void
start_ticker (SbClientTransfer *self)
{
  if (self->ticker != NULL)
    return;
  self->sampled_at = g_get_monotonic_time ();
  self->seen_begin = __atomic_load_n (&self->begin, __ATOMIC_ACQUIRE);
  self->ticker = g_timeout_source_new (TICK_MS);
  g_source_set_callback (self->ticker, tick_cb, self, NULL);
  g_source_attach (self->ticker, self->context);
}

/* States */

static void
set_error (SbClientTransfer *self, const GError *error)
{
  if (self->error == NULL && error == NULL)
    return;
  g_clear_error (&self->error);
  self->error = error != NULL ? g_error_copy (error) : NULL;
  notify (self, PROP_ERROR);
}

static void
set_state (SbClientTransfer *self, SbClientTransferState state, const GError *error)
{
  g_object_freeze_notify (G_OBJECT (self));
  if (state == SB_CLIENT_TRANSFER_RUNNING)
    start_ticker (self);
  else if (self->ticker != NULL)
    {
      stop_ticker (self);
      set_done (self, __atomic_load_n (&self->reported, __ATOMIC_RELAXED));
      set_rate (self, 0);
      notify (self, PROP_TIME_LEFT);
    }
  /* Why it waits is of interest until it does better. */
  if (error != NULL || state != SB_CLIENT_TRANSFER_RUNNING)
    set_error (self, error);
  if (self->state != state)
    {
      self->state = state;
      notify (self, PROP_STATE);
    }
  g_object_thaw_notify (G_OBJECT (self));
}

void
sb_client_transfer_move (SbClientTransfer *self, SbClientTransferState state, const GError *error)
{
  if (!sb_client_transfer_is_ended (self))
    set_state (self, state, error);
}

static void
return_to (SbClientTransfer *self, GTask *task)
{
  if (self->state == SB_CLIENT_TRANSFER_DONE)
    g_task_return_boolean (task, TRUE);
  else if (self->error != NULL)
    g_task_return_error (task, g_error_copy (self->error));
  else
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "the transfer was given up");
}

static void
answer_waiters (SbClientTransfer *self)
{
  g_autoptr (GPtrArray) waiters = g_steal_pointer (&self->waiters);

  self->waiters = g_ptr_array_new_with_free_func ((GDestroyNotify) waiter_free);
  for (guint i = 0; i < waiters->len; i++)
    return_to (self, ((Waiter *) g_ptr_array_index (waiters, i))->task);
}

void
sb_client_transfer_end (SbClientTransfer *self, SbClientTransferState state, const GError *error)
{
  g_autoptr (SbClientTransfer) keep = g_object_ref (self);

  if (sb_client_transfer_is_ended (self))
    return;
  sb_client_transfer_set_cancel_func (self, NULL, NULL);
  if (state == SB_CLIENT_TRANSFER_DONE && self->size >= 0)
    {
      __atomic_store_n (&self->reported, self->size, __ATOMIC_RELAXED);
      set_done (self, self->size);
    }
  set_state (self, state, error);
  answer_waiters (self);
}

void
sb_client_transfer_abandon (SbClientTransfer *self)
{
  g_autoptr (SbClientTransfer) keep = g_object_ref (self);
  g_autoptr (GError) error = NULL;

  sb_client_transfer_set_cancel_func (self, NULL, NULL);
  if (sb_client_transfer_is_ended (self))
    return;
  g_set_error (&error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED,
               "the client was closed while “%s” was on its way", self->display_name);
  set_state (self, SB_CLIENT_TRANSFER_WAITING, error);
  answer_waiters (self);
}

static gboolean
waiter_cancelled_cb (GCancellable *cancellable, gpointer user_data)
{
  Waiter *waiter = user_data;

  g_task_return_error_if_cancelled (waiter->task);
  g_ptr_array_remove (waiter->transfer->waiters, waiter);
  return G_SOURCE_REMOVE;
}

/* @task: (transfer full) */
static void
add_waiter (SbClientTransfer *self, GTask *task)
{
  Waiter *waiter = g_new0 (Waiter, 1);
  GCancellable *cancellable = g_task_get_cancellable (task);

  waiter->transfer = self;
  waiter->task = task;
  g_ptr_array_add (self->waiters, waiter);
  if (cancellable == NULL)
    return;
  waiter->cancel = g_cancellable_source_new (cancellable);
  g_source_set_callback (waiter->cancel, G_SOURCE_FUNC (waiter_cancelled_cb), waiter, NULL);
  g_source_attach (waiter->cancel, self->context);
}

/* Public */

/**
 * sb_client_transfer_is_upload:
 * @self: a transfer
 *
 * Returns: whether the file goes to the bus; otherwise it comes from there
 */
gboolean
sb_client_transfer_is_upload (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), FALSE);
  return self->is_upload;
}

/**
 * sb_client_transfer_is_ended:
 * @self: a transfer
 *
 * Returns: whether it is done, has failed or was given up, which never changes again
 */
gboolean
sb_client_transfer_is_ended (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), TRUE);
  return self->state == SB_CLIENT_TRANSFER_DONE || self->state == SB_CLIENT_TRANSFER_FAILED
         || self->state == SB_CLIENT_TRANSFER_CANCELLED;
}

/**
 * sb_client_transfer_get_state: (get-property state)
 * @self: a transfer
 *
 * Returns: how it stands
 */
SbClientTransferState
sb_client_transfer_get_state (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), SB_CLIENT_TRANSFER_FAILED);
  return self->state;
}

/**
 * sb_client_transfer_get_id: (get-property id)
 * @self: a transfer
 *
 * Returns: the `_id` of the message
 */
const char *
sb_client_transfer_get_id (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), NULL);
  return self->id;
}

/**
 * sb_client_transfer_get_display_name: (get-property display-name)
 * @self: a transfer
 *
 * Returns: what people call the file. It is text to be shown; of a download it is what the sender
 *   wrote, and no name of a file here.
 */
const char *
sb_client_transfer_get_display_name (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), NULL);
  return self->display_name;
}

/**
 * sb_client_transfer_get_path: (get-property path)
 * @self: a transfer
 *
 * Returns: (type filename) (nullable): where the file is on this machine; %NULL for a download that
 *   is not in its place yet
 */
const char *
sb_client_transfer_get_path (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), NULL);
  return self->path;
}

/**
 * sb_client_transfer_get_message: (get-property message)
 * @self: a transfer
 *
 * Returns: (transfer none) (nullable): of a download: the notice, which has all that the sender
 * wrote
 */
SbClientMessage *
sb_client_transfer_get_message (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), NULL);
  return self->message;
}

/**
 * sb_client_transfer_get_size: (get-property size)
 * @self: a transfer
 *
 * Returns: bytes of the file; -1: not known yet
 */
gint64
sb_client_transfer_get_size (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), -1);
  return self->size;
}

/**
 * sb_client_transfer_get_done: (get-property done)
 * @self: a transfer
 *
 * Returns: how many bytes were transferred. It grows, but for a transfer that has to go back: to
 * where
 *   the bus says that an upload is after a cut, or to the beginning of a download that came wrong.
 */
gint64
sb_client_transfer_get_done (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), 0);
  return self->done;
}

/**
 * sb_client_transfer_get_rate: (get-property rate)
 * @self: a transfer
 *
 * Returns: bytes a second, smoothed; 0 when none flow
 */
double
sb_client_transfer_get_rate (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), 0);
  return self->rate;
}

/**
 * sb_client_transfer_get_time_left: (get-property time-left)
 * @self: a transfer
 *
 * Returns: seconds that the rest will take at the rate of now; -1: not known
 */
double
sb_client_transfer_get_time_left (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), -1);
  if (self->rate < 1 || self->size < self->done)
    return -1;
  return (double) (self->size - self->done) / self->rate;
}

/**
 * sb_client_transfer_get_error: (get-property error)
 * @self: a transfer
 *
 * Returns: (nullable): why it has failed, or why it waits
 */
const GError *
sb_client_transfer_get_error (SbClientTransfer *self)
{
  g_return_val_if_fail (SB_IS_CLIENT_TRANSFER (self), NULL);
  return self->error;
}

/**
 * sb_client_transfer_wait_async:
 * @self: a transfer
 * @cancellable: (nullable): ends the waiting; the transfer goes on
 * @callback: (scope async): called when it has ended
 * @user_data: for @callback
 *
 * Waits until the transfer has ended, or the client is closed.
 */
void
sb_client_transfer_wait_async (SbClientTransfer *self, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (SB_IS_CLIENT_TRANSFER (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_client_transfer_wait_async);
  if (!sb_client_transfer_is_ended (self)
      && !g_error_matches (self->error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED))
    {
      add_waiter (self, task);
      return;
    }
  return_to (self, task);
  g_object_unref (task);
}

/**
 * sb_client_transfer_wait_finish:
 * @self: a transfer
 * @result: of sb_client_transfer_wait_async()
 * @error: why it has failed; %G_IO_ERROR_CANCELLED when it, or the waiting, was given up;
 *   %SB_CLIENT_ERROR_CLOSED when the client was closed, and the next one goes on with it
 *
 * Returns: whether it is done
 */
gboolean
sb_client_transfer_wait_finish (SbClientTransfer *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sb_client_transfer_cancel:
 * @self: a transfer
 *
 * Gives it up for good. What is on disk of it here is removed, but not the file that was to be
 * sent.
 * Of an upload nothing stays at the bus either, when the bus can be reached. The file of a download
 * stays there until it expires, and can be fetched from there by other means: nothing tells of it
 * again. When all bytes are there it is too late, and nothing happens.
 */
void
sb_client_transfer_cancel (SbClientTransfer *self)
{
  SbClientTransferFunc func;

  g_return_if_fail (SB_IS_CLIENT_TRANSFER (self));

  func = self->cancel_func;
  if (func != NULL)
    func (self->cancel_data);
}

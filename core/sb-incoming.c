/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-incoming: a file that is being received. The main context hands over
 * bytes as they come; one thread of the vault at a time writes and hashes
 * them. What waits between the two is bounded: whoever fills it stops reading
 * from its client until it is told to go on.
 */

#include "sb-incoming-private.h"

#include "sb-error.h"
#include "sb-fault.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* What may wait for the disk, of one file. */
#define MAX_WAITING (256 * 1024)

/* The kernel begins to write so much behind us, or a flush at the end would take minutes; and we
 * wait for what it began before, or the flushes of messages would wait behind all of it. */
#define WRITE_BEHIND (1024 * 1024)

/* Whether there is room is asked once for so much. */
#define CHECK_SPACE (16 * 1024 * 1024)

typedef struct
{
  SbVaultJob job;
  SbIncoming *incoming; /* (owned) */
} WriteJob;

/**
 * sb_incoming_ref:
 * @self: a file that is being received
 *
 * Any thread.
 *
 * Returns: (transfer full): @self
 */
SbIncoming *
sb_incoming_ref (SbIncoming *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * sb_incoming_unref:
 * @self: (transfer full): a file that is being received
 *
 * Gives a reference back. One that was neither finished nor aborted must not
 * be forgotten: abort it first. Any thread.
 */
void
sb_incoming_unref (SbIncoming *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_queue_clear_full (&self->chunks, (GDestroyNotify) g_bytes_unref);
  if (self->fd >= 0)
    close (self->fd);
  g_clear_error (&self->failure);
  g_clear_error (&self->error);
  g_mutex_clear (&self->lock);
  g_object_unref (self->vault);
  g_free (self->check);
  g_free (self->mark);
  g_free (self->path);
  g_free (self->id);
  g_free (self);
}

/* @path: (transfer full): where it is written */
SbIncoming *
sb_incoming_new (SbVault *vault, const char *id, char *path)
{
  SbIncoming *self = g_new0 (SbIncoming, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->vault = g_object_ref (vault);
  self->id = g_strdup (id);
  self->path = path;
  self->fd = -1;
  g_mutex_init (&self->lock);
  sha256_init (&self->hash);
  return self;
}

/**
 * sb_vault_receive:
 * @self: an open vault
 * @id: 32 hexadecimal digits that no other file has
 *
 * Begins to receive a file. Nothing is on the disk before the first write or
 * the finish.
 *
 * Returns: (transfer full): where to write to
 */
SbIncoming *
sb_vault_receive (SbVault *self, const char *id)
{
  g_return_val_if_fail (SB_IS_VAULT (self) && self->threads != NULL, NULL);
  g_return_val_if_fail (sb_vault_is_id (id), NULL);

  return sb_incoming_new (self, id, sb_vault_get_incoming_path (self, id));
}

/**
 * sb_incoming_get_id:
 * @self: a file that is being received
 *
 * Returns: (transfer none): its id
 */
const char *
sb_incoming_get_id (SbIncoming *self)
{
  return self->id;
}

/**
 * sb_incoming_get_size:
 * @self: a file that is being received
 *
 * Returns: how many bytes it was given so far
 */
guint64
sb_incoming_get_size (SbIncoming *self)
{
  return self->size;
}

/**
 * sb_incoming_get_error:
 * @self: a file that is being received
 *
 * Returns: (transfer none) (nullable): why it failed, as far as it is known on the main context
 */
const GError *
sb_incoming_get_error (SbIncoming *self)
{
  return self->error;
}

/**
 * sb_incoming_set_func:
 * @self: a file that is being received
 * @func: (nullable): called on the main context when there is room again, or it has failed
 * @user_data: for @func
 */
void
sb_incoming_set_func (SbIncoming *self, SbIncomingFunc func, gpointer user_data)
{
  self->func = func;
  self->user_data = user_data;
}

/* Telling the main context */

static gboolean
tell_cb (gpointer data)
{
  SbIncoming *self = data;

  g_mutex_lock (&self->lock);
  if (self->error == NULL && self->failure != NULL)
    self->error = g_error_copy (self->failure);
  g_mutex_unlock (&self->lock);
  if (self->func != NULL)
    self->func (self, self->user_data);
  return G_SOURCE_REMOVE;
}

static void
tell_main (SbIncoming *self)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, tell_cb, sb_incoming_ref (self),
                         (GDestroyNotify) sb_incoming_unref);
  g_source_attach (source, self->vault->context);
}

/* On the thread */

static gboolean
open_for_writing (SbIncoming *self, GError **error)
{
  if (self->mark != NULL)
    return sb_incoming_prepare_part (self, error);
  if (self->fd >= 0)
    return TRUE;
  if (!sb_vault_check_space (self->vault, error))
    return FALSE;
  self->fd = g_open (self->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (self->fd < 0)
    sb_vault_set_errno (error, errno, self->path, "made");
  sb_fault_point ("vault-made");
  return self->fd >= 0;
}

static gboolean
write_all (SbIncoming *self, const guint8 *data, gsize length, GError **error)
{
  while (length > 0)
    {
      gssize n = write (self->fd, data, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          sb_vault_set_errno (error, n < 0 ? errno : ENOSPC, self->path, "written");
          return FALSE;
        }
      data += n;
      length -= (gsize) n;
    }
  return TRUE;
}

/* Lets the disk work while the rest is still on its way. */
static gboolean
push_out (SbIncoming *self, GError **error)
{
  if (self->written - self->pushed_out < WRITE_BEHIND)
    return TRUE;
  if (self->pushed_out > 0)
    sync_file_range (self->fd, (off_t) self->pushed_before,
                     (off_t) (self->pushed_out - self->pushed_before), SYNC_FILE_RANGE_WAIT_BEFORE);
  sync_file_range (self->fd, (off_t) self->pushed_out, (off_t) (self->written - self->pushed_out),
                   SYNC_FILE_RANGE_WRITE);
  self->pushed_before = self->pushed_out;
  self->pushed_out = self->written;
  return self->pushed_before / CHECK_SPACE == self->pushed_out / CHECK_SPACE
         || sb_vault_check_space (self->vault, error);
}

static gboolean
write_chunk (SbIncoming *self, GBytes *chunk, GError **error)
{
  gsize length;
  const guint8 *data = g_bytes_get_data (chunk, &length);

  if (!open_for_writing (self, error) || !write_all (self, data, length, error))
    return FALSE;
  sha256_update (&self->hash, length, data);
  sb_incoming_check_chunk (self, data, length);
  self->written += length;
  sb_counter_add (self->vault->received_bytes, length);
  sb_fault_point ("vault-written");
  return push_out (self, error);
}

/* Makes what was written survive a power cut, and closes it. */
gboolean
sb_incoming_flush (SbIncoming *self, GError **error)
{
  if (fdatasync (self->fd) != 0)
    {
      sb_vault_set_errno (error, errno, self->path, "flushed");
      return FALSE;
    }
  sb_fault_point ("vault-flushed");
  close (self->fd);
  self->fd = -1;
  return TRUE;
}

/* Under the lock. */
static void
fail_locked (SbIncoming *self, GError *error)
{
  if (self->failure == NULL)
    self->failure = error;
  else
    g_error_free (error);
  g_queue_clear_full (&self->chunks, (GDestroyNotify) g_bytes_unref);
  self->waiting = 0;
}

/* The end of the file, one way or the other. @task: (transfer full). Without the lock. */
static void
end_finish (SbIncoming *self, GTask *task, const GError *failure)
{
  GError *error = failure != NULL ? g_error_copy (failure) : NULL;

  if (error == NULL && open_for_writing (self, &error) && sb_incoming_flush (self, &error))
    {
      guint8 *digest = g_malloc (SHA256_DIGEST_SIZE);
      struct sha256_ctx hash = self->hash;

      sha256_digest (&hash, SHA256_DIGEST_SIZE, digest);
      g_task_return_pointer (task, digest, g_free);
    }
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

static void
remove_aborted (SbIncoming *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  if (self->mark == NULL)
    g_unlink (self->path);
}

/* Writes the next chunk. Under the lock, which it gives back meanwhile. */
static void
write_next_locked (SbIncoming *self)
{
  g_autoptr (GBytes) chunk = g_queue_pop_head (&self->chunks);
  GError *error = NULL;
  gboolean written;

  g_mutex_unlock (&self->lock);
  written = write_chunk (self, chunk, &error);
  g_mutex_lock (&self->lock);
  self->waiting -= MIN (self->waiting, g_bytes_get_size (chunk));
  if (!written)
    fail_locked (self, error);
  if (!written || (self->wants_room && self->waiting <= MAX_WAITING / 2))
    {
      self->wants_room = FALSE;
      tell_main (self);
    }
}

/* Does one thing that is not writing, if there is one. Under the lock, which it gives back
 * meanwhile. */
static gboolean
do_other_locked (SbIncoming *self)
{
  GTask *finish = g_steal_pointer (&self->finish);
  GTask *settle = g_steal_pointer (&self->settle);
  gboolean removes = self->is_aborted && !self->is_removed;
  g_autoptr (GError) failure = NULL;

  if (finish == NULL && settle == NULL && !removes)
    return FALSE;
  if (self->failure != NULL)
    failure = g_error_copy (self->failure);
  else if (self->is_aborted)
    failure = g_error_new_literal (SB_ERROR, SB_ERROR_CLOSED, "the file was given up");
  self->is_removed |= removes;
  g_mutex_unlock (&self->lock);
  if (removes)
    remove_aborted (self);
  if (settle != NULL)
    sb_incoming_run_settle (self, settle, self->is_whole, failure);
  if (finish != NULL)
    end_finish (self, finish, failure);
  g_mutex_lock (&self->lock);
  return TRUE;
}

/* Everything that there is to do. As long as it runs no other thread touches the file. */
static void
run_write (SbVaultJob *job)
{
  WriteJob *write_job = (WriteJob *) job;
  g_autoptr (SbIncoming) self = write_job->incoming;

  g_free (write_job);
  g_mutex_lock (&self->lock);
  do
    while (!self->is_aborted && self->failure == NULL && self->chunks.length > 0)
      write_next_locked (self);
  while (do_other_locked (self));
  self->is_scheduled = FALSE;
  g_mutex_unlock (&self->lock);
}

/* Has a thread look at it. */
void
sb_incoming_schedule_locked (SbIncoming *self)
{
  WriteJob *job;

  if (self->is_scheduled)
    return;
  self->is_scheduled = TRUE;
  job = g_new (WriteJob, 1);
  job->job.run = run_write;
  job->incoming = sb_incoming_ref (self);
  sb_vault_push (self->vault, &job->job);
}

/* On the main context */

/**
 * sb_incoming_write:
 * @self: a file that is being received
 * @bytes: (transfer none): what comes next
 *
 * Takes bytes, which are written soon.
 *
 * Returns: whether the caller may go on; %FALSE: the function that was set tells when
 */
gboolean
sb_incoming_write (SbIncoming *self, GBytes *bytes)
{
  gboolean has_room;

  g_return_val_if_fail (self != NULL && bytes != NULL, FALSE);

  self->size += g_bytes_get_size (bytes);
  g_mutex_lock (&self->lock);
  if (self->failure == NULL && !self->is_aborted)
    {
      g_queue_push_tail (&self->chunks, g_bytes_ref (bytes));
      self->waiting += g_bytes_get_size (bytes);
      sb_incoming_schedule_locked (self);
    }
  has_room = self->waiting < MAX_WAITING;
  self->wants_room = !has_room;
  g_mutex_unlock (&self->lock);
  return has_room;
}

/**
 * sb_incoming_is_full:
 * @self: a file that is being received
 *
 * Returns: whether so much waits for the disk that the caller should wait, too
 */
gboolean
sb_incoming_is_full (SbIncoming *self)
{
  gboolean is_full;

  g_mutex_lock (&self->lock);
  is_full = self->waiting >= MAX_WAITING;
  g_mutex_unlock (&self->lock);
  return is_full;
}

/**
 * sb_incoming_finish_async:
 * @self: a file that was received whole
 * @callback: for sb_incoming_finish_finish(); its source is the vault
 * @user_data: for @callback
 *
 * Writes what is left and flushes it.
 */
void
sb_incoming_finish_async (SbIncoming *self, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (self != NULL && self->finish == NULL);

  task = g_task_new (self->vault, NULL, callback, user_data);
  g_mutex_lock (&self->lock);
  self->finish = task;
  sb_incoming_schedule_locked (self);
  g_mutex_unlock (&self->lock);
}

/**
 * sb_incoming_finish_finish:
 * @self: a file that was received
 * @result: of sb_incoming_finish_async()
 * @size: (out): in bytes
 * @digest: (out caller-allocates) (array fixed-size=32): sha-256 of its content
 * @error: SB_ERROR_NO_SPACE, SB_ERROR_FAILED; abort it then
 *
 * Returns: whether it is on the disk, flushed, and can be kept
 */
gboolean
sb_incoming_finish_finish (SbIncoming *self, GAsyncResult *result, guint64 *size, guint8 *digest,
                           GError **error)
{
  g_autofree guint8 *made = g_task_propagate_pointer (G_TASK (result), error);

  if (made == NULL)
    return FALSE;
  *size = self->size;
  memcpy (digest, made, SHA256_DIGEST_SIZE);
  return TRUE;
}

/**
 * sb_incoming_abort:
 * @self: a file that is being received, or was not kept
 *
 * Removes what there is of it; of one that goes on, what is on the disk stays.
 */
void
sb_incoming_abort (SbIncoming *self)
{
  g_return_if_fail (self != NULL);

  self->func = NULL;
  g_mutex_lock (&self->lock);
  self->is_aborted = TRUE;
  g_queue_clear_full (&self->chunks, (GDestroyNotify) g_bytes_unref);
  self->waiting = 0;
  sb_incoming_schedule_locked (self);
  g_mutex_unlock (&self->lock);
}

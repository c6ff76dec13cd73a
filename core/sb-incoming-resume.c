/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-incoming-resume: a file that goes on where another request left it, maybe
 * before the bus was started again. What is on the disk is the truth: its size
 * is how far it has come, and the hash is made again by reading it when nobody
 * remembers it. When something fails, the SbIncoming is thrown away, and
 * another one goes on from the disk.
 *
 * A piece with a checksum is written before it is verified. Meanwhile a mark
 * says where to go back to, also after a crash.
 */

#include "sb-incoming-private.h"

#include "sb-error.h"
#include "sb-fault.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE (1024 * 1024)

/**
 * sb_vault_resume:
 * @self: an open vault
 * @id: of an upload
 *
 * Begins or goes on to receive a file. It is not known how far it has come
 * before the first sb_incoming_settle_async(). Aborting it leaves on the disk
 * what is there.
 *
 * Returns: (transfer full): where to write to
 */
SbIncoming *
sb_vault_resume (SbVault *self, const char *id)
{
  g_autofree char *part = g_strconcat (id, ".part", NULL);
  g_autofree char *mark = g_strconcat (id, ".mark", NULL);
  SbIncoming *incoming;

  g_return_val_if_fail (SB_IS_VAULT (self) && sb_vault_is_id (id), NULL);

  incoming = sb_incoming_new (self, id, g_build_filename (self->uploads, part, NULL));
  incoming->mark = g_build_filename (self->uploads, mark, NULL);
  return incoming;
}

/* On the thread */

/* Takes back what was not verified when the bus died. */
static gboolean
go_back_to_mark (SbIncoming *self, GError **error)
{
  g_autofree char *text = NULL;
  guint64 start;

  if (!g_file_get_contents (self->mark, &text, NULL, NULL))
    return TRUE;
  /* An empty mark is one that was being written: nothing follows it yet. */
  if (*text != '\0' && g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &start, NULL)
      && start < self->written)
    {
      if (ftruncate (self->fd, (off_t) start) != 0)
        {
          sb_vault_set_errno (error, errno, self->path, "cut");
          return FALSE;
        }
      self->written = start;
    }
  g_unlink (self->mark);
  return TRUE;
}

/* Opens it and knows how far it has come. */
gboolean
sb_incoming_open_part (SbIncoming *self, GError **error)
{
  struct stat st;

  if (self->fd >= 0)
    return TRUE;
  self->fd = g_open (self->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (self->fd < 0 || fstat (self->fd, &st) != 0)
    {
      sb_vault_set_errno (error, errno, self->path, "opened");
      return FALSE;
    }
  if (self->is_known)
    return TRUE;
  self->written = (guint64) st.st_size;
  if (!go_back_to_mark (self, error))
    return FALSE;
  self->pushed_out = self->written;
  self->is_known = TRUE;
  return TRUE;
}

static gboolean
is_given_up (SbIncoming *self)
{
  gboolean is_given_up;

  g_mutex_lock (&self->lock);
  is_given_up = self->is_aborted;
  g_mutex_unlock (&self->lock);
  return is_given_up;
}

/* Reads what there is. A stop of the bus does not wait for it. */
static gboolean
hash_part (SbIncoming *self, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (READ_SIZE);
  guint64 at = 0;

  sha256_init (&self->hash);
  while (at < self->written)
    {
      gssize n = pread (self->fd, buffer, MIN (READ_SIZE, self->written - at), (off_t) at);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          sb_vault_set_errno (error, n < 0 ? errno : EIO, self->path, "read");
          return FALSE;
        }
      if (is_given_up (self))
        {
          g_set_error_literal (error, SB_ERROR, SB_ERROR_CLOSED, "the file was given up");
          return FALSE;
        }
      sha256_update (&self->hash, (gsize) n, buffer);
      at += (guint64) n;
    }
  self->is_hashed = TRUE;
  return TRUE;
}

static gboolean
write_mark (SbIncoming *self, GError **error)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, self->written);
  g_autoptr (GError) cause = NULL;

  /* Flushed: the bytes behind it must not be older than the mark after a power cut. */
  if (g_file_set_contents_full (self->mark, text, -1,
                                G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
                                &cause))
    return TRUE;
  g_set_error (error, SB_ERROR,
               g_error_matches (cause, G_FILE_ERROR, G_FILE_ERROR_NOSPC) ? SB_ERROR_NO_SPACE
                                                                         : SB_ERROR_FAILED,
               "%s", cause->message);
  return FALSE;
}

static gboolean
begin_check (SbIncoming *self, GError **error)
{
  SbIncomingCheck *check = self->check;

  if (check == NULL || check->has_begun)
    return TRUE;
  if (!write_mark (self, error))
    return FALSE;
  check->start = self->written;
  check->before = self->hash;
  check->has_begun = TRUE;
  return TRUE;
}

/* Opens it for bytes to come: from here on the hash is that of what is there. */
gboolean
sb_incoming_prepare_part (SbIncoming *self, GError **error)
{
  if (self->fd < 0 && !sb_vault_check_space (self->vault, error))
    return FALSE;
  return sb_incoming_open_part (self, error) && (self->is_hashed || hash_part (self, error))
         && begin_check (self, error);
}

void
sb_incoming_check_chunk (SbIncoming *self, const guint8 *data, gsize length)
{
  if (self->check == NULL)
    return;
  if (self->check->kind == SB_CHECKSUM_SHA1)
    sha1_update (&self->check->sha1, length, data);
  else
    sha256_update (&self->check->sha256, length, data);
}

static gboolean
has_expected_checksum (SbIncomingCheck *check)
{
  guint8 digest[SHA256_DIGEST_SIZE];

  if (check->kind == SB_CHECKSUM_SHA1)
    {
      sha1_digest (&check->sha1, SHA1_DIGEST_SIZE, digest);
      return memcmp (digest, check->expected, SHA1_DIGEST_SIZE) == 0;
    }
  sha256_digest (&check->sha256, SHA256_DIGEST_SIZE, digest);
  return memcmp (digest, check->expected, SHA256_DIGEST_SIZE) == 0;
}

/* Takes back what was written under the check. */
static gboolean
roll_back (SbIncoming *self, GError **error)
{
  const SbIncomingCheck *check = self->check;

  if (!check->has_begun)
    return TRUE;
  if (ftruncate (self->fd, (off_t) check->start) != 0)
    {
      sb_vault_set_errno (error, errno, self->path, "cut");
      return FALSE;
    }
  self->written = check->start;
  self->pushed_out = MIN (self->pushed_out, check->start);
  self->hash = check->before;
  return TRUE;
}

/* What was written stays, or it goes: a piece that is not whole cannot be verified. */
static gboolean
judge (SbIncoming *self, gboolean is_whole, GError **error)
{
  gboolean is_good = is_whole && has_expected_checksum (self->check);

  if (!is_good && !roll_back (self, error))
    return FALSE;
  sb_fault_point ("upload-judged");
  if (self->check->has_begun)
    g_unlink (self->mark);
  g_clear_pointer (&self->check, g_free);
  if (is_good || !is_whole)
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_CORRUPT,
                       "the checksum is not that of what came; nothing of it was kept");
  return FALSE;
}

/* Without the lock. @task: (transfer full) */
void
sb_incoming_run_settle (SbIncoming *self, GTask *task, gboolean is_whole, const GError *failure)
{
  GError *error = failure != NULL ? g_error_copy (failure) : NULL;

  /* The flush closes it: uploads that nobody is at need no descriptor. */
  if (error == NULL && sb_incoming_open_part (self, &error)
      && (self->check == NULL || judge (self, is_whole, &error))
      && sb_incoming_flush (self, &error))
    g_task_return_int (task, (gssize) self->written);
  else
    g_task_return_error (task, error);
  g_object_unref (task);
}

/* On the main context */

/**
 * sb_incoming_expect:
 * @self: a file that goes on, settled
 * @kind: which checksum
 * @digest: (nullable): 20 or 32 bytes, as @kind says
 *
 * What is written until the next sb_incoming_settle_async() must have this
 * checksum, or it is taken back.
 */
void
sb_incoming_expect (SbIncoming *self, SbChecksum kind, const guint8 *digest)
{
  SbIncomingCheck *check;

  g_return_if_fail (self != NULL && self->mark != NULL);

  if (kind == SB_CHECKSUM_NONE)
    return;
  check = g_new0 (SbIncomingCheck, 1);
  check->kind = kind;
  memcpy (check->expected, digest,
          kind == SB_CHECKSUM_SHA1 ? SHA1_DIGEST_SIZE : SHA256_DIGEST_SIZE);
  sha1_init (&check->sha1);
  sha256_init (&check->sha256);
  g_mutex_lock (&self->lock);
  g_free (self->check);
  self->check = check;
  g_mutex_unlock (&self->lock);
}

/**
 * sb_incoming_settle_async:
 * @self: a file that goes on
 * @is_whole: whether all came that was to come; else what was to be verified is taken back
 * @callback: for sb_incoming_settle_finish(); its source is the vault
 * @user_data: for @callback
 *
 * Ends a run of writes: flushes them and says how far the file has come.
 * Nothing may be written before it is over.
 */
void
sb_incoming_settle_async (SbIncoming *self, gboolean is_whole, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  GTask *task;

  g_return_if_fail (self != NULL && self->mark != NULL && self->settle == NULL);

  task = g_task_new (self->vault, NULL, callback, user_data);
  g_mutex_lock (&self->lock);
  self->settle = task;
  self->is_whole = is_whole;
  sb_incoming_schedule_locked (self);
  g_mutex_unlock (&self->lock);
}

/**
 * sb_incoming_settle_finish:
 * @self: a file that goes on
 * @result: of sb_incoming_settle_async()
 * @size: (out): how far it has come, bytes
 * @error: SB_ERROR_CORRUPT for another checksum: it is where it was before; with any other error
 *   it is of no use any more, and another one has to go on
 *
 * Returns: whether it is on the disk
 */
gboolean
sb_incoming_settle_finish (SbIncoming *self, GAsyncResult *result, guint64 *size, GError **error)
{
  gssize settled = g_task_propagate_int (G_TASK (result), error);

  if (settled < 0)
    return FALSE;
  self->size = (guint64) settled;
  *size = self->size;
  return TRUE;
}

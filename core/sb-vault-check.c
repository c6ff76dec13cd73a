/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-vault-check: whether the files that messages name are there, and are what
 * they were. The sweep at start looks at names and sizes; a check of one file
 * reads all of it.
 */

#include "sb-vault-private.h"

#include "sb-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <nettle/sha2.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE (1024 * 1024)

/* The sweep */

static void
remove_orphan (const char *path, const struct stat *st, SbSweepReport *report)
{
  if (g_unlink (path) != 0)
    {
      g_warning ("%s, which no message names, cannot be removed: %s", path, g_strerror (errno));
      return;
    }
  report->n_orphans++;
  report->orphan_bytes += (guint64) st->st_size;
}

/* @files: (nullable): what is to stay; what is found is taken out of @left. */
static void
sweep_file (const char *folder, const char *name, GHashTable *files, GHashTable *left,
            SbSweepReport *report)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  const SbFile *file = files != NULL ? g_hash_table_lookup (files, name) : NULL;
  struct stat st;

  if (!sb_vault_is_id (name) || g_lstat (path, &st) != 0 || !S_ISREG (st.st_mode))
    return;
  if (file == NULL)
    {
      remove_orphan (path, &st, report);
      return;
    }
  g_hash_table_remove (left, name);
  if ((guint64) st.st_size != file->size)
    g_ptr_array_add (report->wrong, g_strdup (name));
  else
    {
      report->n_files++;
      report->bytes += file->size;
    }
}

static gboolean
sweep_folder (const char *folder, GHashTable *files, GHashTable *left, SbSweepReport *report,
              GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    sweep_file (folder, name, files, left, report);
  return TRUE;
}

static GHashTable *
copy_ids (GHashTable *files)
{
  GHashTable *ids = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, files);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    g_hash_table_add (ids, id);
  return ids;
}

static void
note_missing (GHashTable *left, SbSweepReport *report)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, left);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    g_ptr_array_add (report->missing, g_strdup (id));
}

/**
 * sb_vault_sweep:
 * @self: an open vault that has not received anything yet
 * @files: (element-type utf8 SbFile): by their ids, all that messages name
 * @report: (out caller-allocates): what was found, for sb_sweep_report_clear()
 * @error: a folder could not be read
 *
 * Removes what no message names, and looks for what is named and not there.
 * Blocks: for 100,000 files well below a second.
 *
 * Returns: whether everything could be looked at
 */
gboolean
sb_vault_sweep (SbVault *self, GHashTable *files, SbSweepReport *report, GError **error)
{
  g_autoptr (GHashTable) left = copy_ids (files);
  gboolean swept;

  g_return_val_if_fail (SB_IS_VAULT (self), FALSE);

  *report = (SbSweepReport) { .missing = g_ptr_array_new_with_free_func (g_free),
                              .wrong = g_ptr_array_new_with_free_func (g_free) };
  swept = sweep_folder (self->incoming, NULL, left, report, error);
  for (guint i = 0; swept && i < SB_VAULT_N_FOLDERS; i++)
    {
      g_autofree char *folder = g_strdup_printf ("%s/%02x", self->folder, i);

      swept = sweep_folder (folder, files, left, report, error);
    }
  if (swept)
    note_missing (left, report);
  for (guint i = 0; i < report->wrong->len; i++)
    sb_vault_set_damaged (self, g_ptr_array_index (report->wrong, i));
  return swept;
}

/**
 * sb_sweep_report_clear:
 * @report: a report
 *
 * Frees what is in it.
 */
void
sb_sweep_report_clear (SbSweepReport *report)
{
  g_clear_pointer (&report->missing, g_ptr_array_unref);
  g_clear_pointer (&report->wrong, g_ptr_array_unref);
}

/* One file */

struct _SbFileCheck
{
  SbVault *vault; /* (owned) */
  SbFile *file;   /* (owned) */
  char *path;     /* (owned) */
  int fd;         /* -1 before the first piece */
  struct sha256_ctx hash;
};

typedef struct
{
  SbVaultJob job;
  SbFileCheck *check; /* (borrowed) */
  GTask *task;        /* (owned) */
  gsize bytes;
} CheckJob;

/**
 * sb_file_check_new:
 * @vault: (transfer none): an open vault
 * @file: (transfer none): one that a message names
 *
 * Returns: (transfer full): a check that has not read anything
 */
SbFileCheck *
sb_file_check_new (SbVault *vault, SbFile *file)
{
  SbFileCheck *self = g_new0 (SbFileCheck, 1);

  self->vault = g_object_ref (vault);
  self->file = sb_file_ref (file);
  self->path = sb_vault_get_path (vault, file->id);
  self->fd = -1;
  sha256_init (&self->hash);
  return self;
}

/**
 * sb_file_check_free:
 * @self: (transfer full): a check of which no piece is being read
 */
void
sb_file_check_free (SbFileCheck *self)
{
  if (self->fd >= 0)
    {
      /* What is read in passing does not push out what is in use. */
      posix_fadvise (self->fd, 0, 0, POSIX_FADV_DONTNEED);
      close (self->fd);
    }
  g_free (self->path);
  sb_file_unref (self->file);
  g_object_unref (self->vault);
  g_free (self);
}

/**
 * sb_file_check_get_file:
 * @self: a check
 *
 * Returns: (transfer none): what is checked
 */
SbFile *
sb_file_check_get_file (SbFileCheck *self)
{
  return self->file;
}

static gboolean
open_for_check (SbFileCheck *self, GError **error)
{
  if (self->fd < 0)
    self->fd = g_open (self->path, O_RDONLY | O_CLOEXEC, 0);
  if (self->fd < 0)
    sb_vault_set_errno (error, errno, self->path, "read");
  return self->fd >= 0;
}

/* All was read: is it what it was? */
static gboolean
compare (SbFileCheck *self, GError **error)
{
  guint8 digest[SHA256_DIGEST_SIZE];

  sha256_digest (&self->hash, SHA256_DIGEST_SIZE, digest);
  if (memcmp (digest, self->file->digest, sizeof digest) == 0)
    return TRUE;
  sb_vault_set_damaged (self->vault, self->file->id);
  g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT,
               "%s (\"%s\") is damaged: its checksum is not the one it was received with",
               self->path, self->file->name);
  return FALSE;
}

/* Reads up to so many bytes. Any thread, one at a time. */
static gboolean
read_piece (SbFileCheck *self, gsize bytes, gboolean *is_over, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (READ_SIZE);

  *is_over = TRUE;
  if (!open_for_check (self, error))
    return FALSE;
  while (bytes > 0)
    {
      gssize n = read (self->fd, buffer, MIN (bytes, READ_SIZE));

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          sb_vault_set_errno (error, errno, self->path, "read");
          return FALSE;
        }
      if (n == 0)
        return compare (self, error);
      sha256_update (&self->hash, (gsize) n, buffer);
      bytes -= (gsize) n;
    }
  *is_over = FALSE;
  return TRUE;
}

static void
run_check (SbVaultJob *job)
{
  CheckJob *check_job = (CheckJob *) job;
  GError *error = NULL;
  gboolean is_over;

  if (read_piece (check_job->check, check_job->bytes, &is_over, &error))
    g_task_return_boolean (check_job->task, is_over);
  else
    g_task_return_error (check_job->task, error);
  g_object_unref (check_job->task);
  g_free (check_job);
}

/**
 * sb_file_check_read_async:
 * @self: a check of which no piece is being read
 * @bytes: at most so many
 * @callback: for sb_file_check_read_finish(); its source is the vault
 * @user_data: for @callback
 *
 * Reads on, on a thread of the vault.
 */
void
sb_file_check_read_async (SbFileCheck *self, gsize bytes, GAsyncReadyCallback callback,
                          gpointer user_data)
{
  CheckJob *job = g_new (CheckJob, 1);

  job->job.run = run_check;
  job->check = self;
  job->task = g_task_new (self->vault, NULL, callback, user_data);
  job->bytes = bytes;
  sb_vault_push (self->vault, &job->job);
}

/**
 * sb_file_check_read_finish:
 * @self: a check
 * @result: of sb_file_check_read_async()
 * @is_over: (out): all was read; also when something is wrong
 * @error: as of sb_vault_check_file()
 *
 * Returns: whether nothing is wrong so far
 */
gboolean
sb_file_check_read_finish (SbFileCheck *self, GAsyncResult *result, gboolean *is_over,
                           GError **error)
{
  GError *inner = NULL;

  *is_over = g_task_propagate_boolean (G_TASK (result), &inner) || inner != NULL;
  if (inner == NULL)
    return TRUE;
  g_propagate_error (error, inner);
  return FALSE;
}

/**
 * sb_vault_check_file:
 * @self: a vault
 * @file: one that a message names
 * @error: SB_ERROR_CORRUPT when it is not what it was, SB_ERROR_NOT_FOUND when it is not there
 *
 * Reads all of a file. One that is damaged is not served any more. Blocks.
 *
 * Returns: whether it is what it was
 */
gboolean
sb_vault_check_file (SbVault *self, SbFile *file, GError **error)
{
  g_autoptr (SbFileCheck) check = sb_file_check_new (self, file);
  gboolean is_over;

  return read_piece (check, G_MAXSIZE, &is_over, error);
}

/**
 * sb_vault_set_damaged:
 * @self: a vault
 * @id: of a file that is not what it was
 *
 * It is not opened any more. Any thread.
 */
void
sb_vault_set_damaged (SbVault *self, const char *id)
{
  g_mutex_lock (&self->lock);
  g_hash_table_add (self->damaged, g_strdup (id));
  g_mutex_unlock (&self->lock);
}

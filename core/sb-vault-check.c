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

static gboolean
hash_file (int fd, const char *path, guint8 *digest, GCancellable *cancellable, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (READ_SIZE);
  struct sha256_ctx hash;
  gssize n;

  sha256_init (&hash);
  while ((n = read (fd, buffer, READ_SIZE)) != 0)
    {
      if (n < 0 && errno != EINTR)
        {
          sb_vault_set_errno (error, errno, path, "read");
          return FALSE;
        }
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (n > 0)
        sha256_update (&hash, (gsize) n, buffer);
    }
  sha256_digest (&hash, SHA256_DIGEST_SIZE, digest);
  return TRUE;
}

/**
 * sb_vault_check_file:
 * @self: a vault
 * @file: one that a message names
 * @cancellable: (nullable): ends it early
 * @error: SB_ERROR_CORRUPT when it is not what it was, SB_ERROR_NOT_FOUND when it is not there
 *
 * Reads all of a file. One that is damaged is not served any more. Blocks; any
 * thread.
 *
 * Returns: whether it is what it was
 */
gboolean
sb_vault_check_file (SbVault *self, SbFile *file, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = sb_vault_get_path (self, file->id);
  guint8 digest[SHA256_DIGEST_SIZE];
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  gboolean hashed;

  if (fd < 0)
    {
      sb_vault_set_errno (error, errno, path, "read");
      return FALSE;
    }
  hashed = hash_file (fd, path, digest, cancellable, error);
  /* What is checked in passing does not push out what is in use. */
  posix_fadvise (fd, 0, 0, POSIX_FADV_DONTNEED);
  close (fd);
  if (!hashed || memcmp (digest, file->digest, sizeof digest) == 0)
    return hashed;
  sb_vault_set_damaged (self, file->id);
  g_set_error (error, SB_ERROR, SB_ERROR_CORRUPT,
               "%s (\"%s\") is damaged: its checksum is not the one it was received with", path,
               file->name);
  return FALSE;
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

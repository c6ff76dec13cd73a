/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bus-vault: what the bus knows of the vault as a whole: that it holds what
 * messages name and nothing else, and how much each sender has in it.
 */

#include "sb-bus-private.h"

#include "sb-bus-files.h"
#include "sb-error.h"
#include "sb-names.h"

#define PAGE 1000

/* Files that went missing are named up to so many. */
#define MAX_NAMED 10

/**
 * sb_bus_set_vault:
 * @self: a new bus
 * @vault: (transfer none): open, and nothing was received yet
 *
 * Without a vault no files are taken.
 */
void
sb_bus_set_vault (SbBus *self, SbVault *vault)
{
  g_return_if_fail (SB_IS_BUS (self));

  g_set_object (&self->vault, vault);
}

/* Bytes of a sender's files that are still needed. */
guint64
sb_bus_get_file_usage (SbBus *self, gint64 sender)
{
  const guint64 *used = g_hash_table_lookup (self->file_usage, &sender);

  return used != NULL ? *used : 0;
}

/* @bytes: what came, or below 0 what went */
void
sb_bus_add_file_usage (SbBus *self, gint64 sender, gint64 bytes)
{
  guint64 *used = g_hash_table_lookup (self->file_usage, &sender);

  if (used == NULL)
    {
      gint64 *key = g_new (gint64, 1);

      *key = sender;
      used = g_new0 (guint64, 1);
      g_hash_table_insert (self->file_usage, key, used);
    }
  *used = bytes >= 0 || *used >= (guint64) -bytes ? *used + (guint64) bytes : 0;
  if (*used == 0)
    g_hash_table_remove (self->file_usage, &sender);
}

/* Nobody needs a file any more, and that is committed. @released: (nullable): its id */
void
sb_bus_drop_file (SbBus *self, gint64 sender, const char *released, guint64 size)
{
  if (released == NULL || self->vault == NULL)
    return;
  sb_bus_add_file_usage (self, sender, -(gint64) size);
  sb_vault_remove (self->vault, released);
}

/* On the reader's thread. */
static void
read_files (SbStore *store, GTask *task)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_file_info_free);
  g_autofree char *after = g_strdup ("");
  guint n;

  do
    {
      GError *error = NULL;
      g_autoptr (GPtrArray) page = sb_store_files (store, after, PAGE, &error);

      if (page == NULL)
        {
          g_ptr_array_unref (all);
          g_task_return_error (task, error);
          return;
        }
      n = page->len;
      g_ptr_array_extend_and_steal (all, g_steal_pointer (&page));
      g_free (after);
      after = g_strdup (n > 0 ? ((SbFileInfo *) all->pdata[all->len - 1])->file->id : "");
    }
  while (n == PAGE);
  g_task_return_pointer (task, all, (GDestroyNotify) g_ptr_array_unref);
}

static void
log_lost (const char *what, const GPtrArray *ids, GHashTable *files)
{
  for (guint i = 0; i < MIN (ids->len, MAX_NAMED); i++)
    {
      const SbFile *file = g_hash_table_lookup (files, ids->pdata[i]);

      g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_FILE_DAMAGED,
                        SB_LOG_FIELD_FILE, file->name, "MESSAGE",
                        "the file \"%s\" %s: its recipients cannot fetch it; restore "
                        "data-dir/files/%s/%s from a backup, or let its sender send it again",
                        file->name, what, file->id + 30, file->id);
    }
  if (ids->len > MAX_NAMED)
    g_warning ("%u more files like that; simplebusd --check-files lists them all",
               ids->len - MAX_NAMED);
}

static void
log_report (const SbSweepReport *report, GHashTable *files)
{
  if (report->n_orphans > 0)
    g_message ("removed %u files with %" G_GUINT64_FORMAT
               " bytes that no message names, left by uploads that did not end",
               report->n_orphans, report->orphan_bytes);
  log_lost ("is missing", report->missing, files);
  log_lost ("has another size than it was received with", report->wrong, files);
}

/* At start: holds the vault against the store. Blocks. */
gboolean
sb_bus_sweep_vault (SbBus *self, GError **error)
{
  g_autoptr (GHashTable) files = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) infos = NULL;
  SbSweepReport report;
  gboolean swept;

  if (self->vault == NULL)
    return TRUE;
  infos = sb_journal_read_sync (self->journal, read_files, error);
  if (infos == NULL)
    return FALSE;
  for (guint i = 0; i < infos->len; i++)
    {
      const SbFileInfo *info = g_ptr_array_index (infos, i);

      g_hash_table_insert (files, (gpointer) info->file->id, info->file);
      sb_bus_add_file_usage (self, info->sender_key, (gint64) info->file->size);
    }
  swept = sb_vault_sweep (self->vault, files, &report, error);
  if (swept)
    {
      log_report (&report, files);
      self->n_lost_files = report.missing->len + report.wrong->len;
    }
  sb_sweep_report_clear (&report);
  return swept;
}

/**
 * sb_check_files:
 * @journal: (transfer none): open; where files are named
 * @vault: (transfer none): open; where they are
 * @func: told of each file
 * @user_data: for @func
 * @error: the store's
 *
 * Reads every file that a message names. Blocks for as long as that takes.
 *
 * Returns: whether all were looked at, whatever was found
 */
gboolean
sb_check_files (SbJournal *journal, SbVault *vault, SbCheckFunc func, gpointer user_data,
                GError **error)
{
  g_autoptr (GPtrArray) infos = sb_journal_read_sync (journal, read_files, error);

  for (guint i = 0; infos != NULL && i < infos->len; i++)
    {
      const SbFileInfo *info = g_ptr_array_index (infos, i);
      g_autoptr (GError) fault = NULL;

      sb_vault_check_file (vault, info->file, &fault);
      func (info->file, fault, user_data);
    }
  return infos != NULL;
}

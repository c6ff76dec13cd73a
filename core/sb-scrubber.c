/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-scrubber: asks the store for a page of files, and has the vault read a
 * piece of the current one with each tick, as large as the rate allows. A pass
 * begins a day after the last one began.
 *
 * A file that is not there may have been let go meanwhile: the store is asked
 * again before it is called missing.
 */

#include "sb-scrubber.h"

#include "sb-error.h"
#include "sb-names.h"

#define PAGE 100
#define PASS_INTERVAL (G_GINT64_CONSTANT (24) * 3600 * G_USEC_PER_SEC)

/* However long nobody looked at the clock. */
#define MAX_PIECE (16 * 1024 * 1024)

struct _SbScrubber
{
  guint ref_count;
  SbJournal *journal; /* (owned) */
  SbVault *vault;     /* (owned) */
  SbClock *clock;     /* (owned) */
  SbCounter *checked;
  SbCounter *damaged;
  gint64 rate; /* bytes a second, 0: none are read */

  gboolean is_closed;
  gboolean in_pass;
  gboolean is_busy;   /* a page or a piece is being read */
  gint64 next_pass;   /* monotonic, microseconds */
  gint64 last_tick;   /* likewise */
  char *after;        /* (owned) id of the last file of the last page */
  GQueue files;       /* of SbFile (owned): the rest of that page */
  SbFileCheck *check; /* (owned) (nullable) of the current file */
};

static SbScrubber *
scrubber_ref (SbScrubber *self)
{
  self->ref_count++;
  return self;
}

static void
scrubber_unref (SbScrubber *self)
{
  if (--self->ref_count > 0)
    return;
  g_clear_pointer (&self->check, sb_file_check_free);
  g_queue_clear_full (&self->files, (GDestroyNotify) sb_file_unref);
  g_object_unref (self->clock);
  g_object_unref (self->vault);
  g_object_unref (self->journal);
  g_free (self->after);
  g_free (self);
}

/**
 * sb_scrubber_new:
 * @journal: (transfer none): open, where the files are named
 * @vault: (transfer none): open, where they are
 * @clock: (transfer none): what time it is
 * @metrics: (transfer none): where it counts
 *
 * Returns: (transfer full): a scrubber that begins with its first tick, once it has a rate
 */
SbScrubber *
sb_scrubber_new (SbJournal *journal, SbVault *vault, SbClock *clock, SbMetrics *metrics)
{
  SbScrubber *self = g_new0 (SbScrubber, 1);

  self->ref_count = 1;
  self->journal = g_object_ref (journal);
  self->vault = g_object_ref (vault);
  self->clock = g_object_ref (clock);
  self->checked = sb_metrics_counter (metrics, "simplebus_files_checked_total",
                                      "Files that were read to see whether they are whole", NULL);
  self->damaged = sb_metrics_counter (metrics, "simplebus_files_damaged_total",
                                      "Files that were found missing or damaged", NULL);
  return self;
}

/**
 * sb_scrubber_free:
 * @self: (transfer full): a scrubber
 */
void
sb_scrubber_free (SbScrubber *self)
{
  self->is_closed = TRUE;
  scrubber_unref (self);
}

/**
 * sb_scrubber_get_damaged:
 * @self: a scrubber
 *
 * Returns: how many files were found missing or damaged since the bus started, each at every pass
 */
guint64
sb_scrubber_get_damaged (SbScrubber *self)
{
  return self->damaged->value;
}

/**
 * sb_scrubber_set_rate:
 * @self: a scrubber
 * @rate: bytes a second that it may read; 0: none
 */
void
sb_scrubber_set_rate (SbScrubber *self, gint64 rate)
{
  self->rate = rate;
}

/* What was found */

static void
tell (SbScrubber *self, const char *fault)
{
  sb_counter_add (self->damaged, 1);
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_FILE_DAMAGED,
                    "MESSAGE",
                    "%s; it is not served: restore it from a backup, or let its sender send it "
                    "again",
                    fault);
}

/* On the reader's thread. */
static void
look_up (SbStore *store, GTask *task)
{
  SbFile *file = g_task_get_task_data (task);
  g_autoptr (SbFileInfo) info = sb_store_file (store, file->name, NULL);

  g_task_return_boolean (task, info != NULL);
}

static void
looked_up_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbScrubber *self = user_data;
  const SbFile *file = g_task_get_task_data (G_TASK (result));
  g_autofree char *fault = g_strdup_printf ("the file \"%s\" (%s) is missing in the vault",
                                            file->name, file->id);

  if (g_task_propagate_boolean (G_TASK (result), NULL) && !self->is_closed)
    tell (self, fault);
  scrubber_unref (self);
}

static void
note_fault (SbScrubber *self, SbFile *file, const GError *fault)
{
  GTask *task;

  if (!g_error_matches (fault, SB_ERROR, SB_ERROR_NOT_FOUND))
    {
      tell (self, fault->message);
      return;
    }
  task = g_task_new (NULL, NULL, looked_up_cb, scrubber_ref (self));
  g_task_set_task_data (task, sb_file_ref (file), (GDestroyNotify) sb_file_unref);
  sb_journal_read_async (self->journal, look_up, task);
}

/* Files */

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbScrubber *self = user_data;
  g_autoptr (GError) fault = NULL;
  gboolean is_over;

  self->is_busy = FALSE;
  if (!sb_file_check_read_finish (self->check, result, &is_over, &fault) && !self->is_closed)
    note_fault (self, sb_file_check_get_file (self->check), fault);
  if (is_over)
    {
      sb_counter_add (self->checked, 1);
      g_clear_pointer (&self->check, sb_file_check_free);
    }
  scrubber_unref (self);
}

static void
read_on (SbScrubber *self, gsize bytes)
{
  if (self->check == NULL)
    {
      g_autoptr (SbFile) file = g_queue_pop_head (&self->files);

      self->check = sb_file_check_new (self->vault, file);
    }
  self->is_busy = TRUE;
  sb_file_check_read_async (self->check, bytes, read_cb, scrubber_ref (self));
}

/* Pages */

static void
read_page (SbStore *store, GTask *task)
{
  const char *after = g_task_get_task_data (task);
  GError *error = NULL;
  GPtrArray *page = sb_store_files (store, after, PAGE, &error);

  if (page != NULL)
    g_task_return_pointer (task, page, (GDestroyNotify) g_ptr_array_unref);
  else
    g_task_return_error (task, error);
}

static void
page_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbScrubber *self = user_data;
  g_autoptr (GPtrArray) page = g_task_propagate_pointer (G_TASK (result), NULL);

  self->is_busy = FALSE;
  /* What could not be read now is read in the next pass. */
  self->in_pass = page != NULL && page->len > 0;
  for (guint i = 0; page != NULL && i < page->len; i++)
    {
      const SbFileInfo *info = g_ptr_array_index (page, i);

      g_queue_push_tail (&self->files, sb_file_ref (info->file));
      g_free (self->after);
      self->after = g_strdup (info->file->id);
    }
  scrubber_unref (self);
}

static void
turn_page (SbScrubber *self)
{
  GTask *task = g_task_new (NULL, NULL, page_read_cb, scrubber_ref (self));

  self->is_busy = TRUE;
  g_task_set_task_data (task, g_strdup (self->after), g_free);
  sb_journal_read_async (self->journal, read_page, task);
}

/**
 * sb_scrubber_tick:
 * @self: a scrubber
 *
 * Reads on as far as the rate allows. Called a few times a second.
 */
void
sb_scrubber_tick (SbScrubber *self)
{
  gint64 now = sb_clock_monotonic (self->clock);
  gint64 since = MIN (now - self->last_tick, (gint64) G_USEC_PER_SEC);
  gint64 bytes = CLAMP (self->rate * since / G_USEC_PER_SEC, 1, MAX_PIECE);

  self->last_tick = now;
  if (self->rate == 0 || self->is_busy)
    return;
  if (!self->in_pass && now >= self->next_pass)
    {
      self->in_pass = TRUE;
      self->next_pass = now + PASS_INTERVAL;
      g_free (self->after);
      self->after = g_strdup ("");
    }
  if (!self->in_pass)
    return;
  if (self->check != NULL || self->files.length > 0)
    read_on (self, (gsize) bytes);
  else
    turn_page (self);
}

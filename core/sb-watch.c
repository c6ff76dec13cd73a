/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-watch: counts confirmations down for those who wait. */

#include "sb-watch.h"

typedef struct
{
  guint missing;
  gint64 deadline; /* monotonic, microseconds */
  SbWatchFunc func;
  gpointer user_data;
} Watch;

struct _SbWatchTable
{
  GHashTable
      *watches; /* (owned) id (owned) → GPtrArray of Watch (owned): several may wait for one */
};

/* Answers watches that are not in the table any more: who is answered may look at it again. */
static void
answer (GPtrArray *watches, gboolean all_confirmed)
{
  for (guint i = 0; i < watches->len; i++)
    {
      Watch *watch = g_ptr_array_index (watches, i);

      watch->func (all_confirmed, watch->user_data);
    }
}

/* Returns: (transfer full): an empty table. */
SbWatchTable *
sb_watch_table_new (void)
{
  SbWatchTable *self = g_new0 (SbWatchTable, 1);

  self->watches = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                         (GDestroyNotify) g_ptr_array_unref);
  return self;
}

/* Answers everybody who still waits. */
void
sb_watch_table_free (SbWatchTable *self)
{
  sb_watch_table_check (self, G_MAXINT64);
  g_hash_table_unref (self->watches);
  g_free (self);
}

/* Waits for @n_recipients confirmations of message @id until @deadline (monotonic,
 * microseconds). */
void
sb_watch_table_add (SbWatchTable *self, const char *id, guint n_recipients, gint64 deadline,
                    SbWatchFunc func, gpointer user_data)
{
  GPtrArray *watches = g_hash_table_lookup (self->watches, id);
  Watch *watch = g_new0 (Watch, 1);

  watch->missing = n_recipients;
  watch->deadline = deadline;
  watch->func = func;
  watch->user_data = user_data;
  if (watches == NULL)
    {
      watches = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (self->watches, g_strdup (id), watches);
    }
  g_ptr_array_add (watches, watch);
}

/* Moves the watches that wait no longer to @over: those whose deadline has come, and with
 * @missing_nothing also those that miss nothing. */
static void
take_over (GPtrArray *watches, gint64 now, gboolean missing_nothing, GPtrArray *over)
{
  for (guint i = 0; i < watches->len;)
    {
      const Watch *watch = g_ptr_array_index (watches, i);

      if (watch->deadline <= now || (missing_nothing && watch->missing == 0))
        g_ptr_array_add (over, g_ptr_array_steal_index (watches, i));
      else
        i++;
    }
}

/* A delivery of message @id has ended. One that ended otherwise can never be confirmed,
 * so there is nothing left to wait for. */
void
sb_watch_table_note (SbWatchTable *self, const char *id, gboolean confirmed)
{
  g_autoptr (GPtrArray) over = NULL;
  GPtrArray *watches;

  if (g_hash_table_size (self->watches) == 0)
    return;
  watches = g_hash_table_lookup (self->watches, id);
  if (watches == NULL)
    return;
  for (guint i = 0; i < watches->len; i++)
    ((Watch *) g_ptr_array_index (watches, i))->missing -= confirmed;
  over = g_ptr_array_new_with_free_func (g_free);
  take_over (watches, confirmed ? G_MININT64 : G_MAXINT64, TRUE, over);
  if (watches->len == 0)
    g_hash_table_remove (self->watches, id);
  answer (over, confirmed);
}

/* Answers those whose time is over. */
void
sb_watch_table_check (SbWatchTable *self, gint64 now)
{
  g_autoptr (GPtrArray) over = NULL;
  GHashTableIter iter;
  gpointer watches;

  if (g_hash_table_size (self->watches) == 0)
    return;
  over = g_ptr_array_new_with_free_func (g_free);
  g_hash_table_iter_init (&iter, self->watches);
  while (g_hash_table_iter_next (&iter, NULL, &watches))
    {
      take_over (watches, now, FALSE, over);
      if (((GPtrArray *) watches)->len == 0)
        g_hash_table_iter_remove (&iter);
    }
  answer (over, FALSE);
}

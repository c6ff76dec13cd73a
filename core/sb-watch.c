/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-watch: counts confirmations down for those who wait. */

#include "sb-watch.h"

typedef struct
{
  char *id; /* (owned) */
  guint missing;
  gint64 deadline; /* monotonic, microseconds */
  SbWatchFunc func;
  gpointer user_data;
} Watch;

struct _SbWatchTable
{
  GHashTable *watches; /* (owned) id in the watch → Watch (owned) */
};

static void
watch_free (Watch *self)
{
  g_free (self->id);
  g_free (self);
}

/* Answers a watch that is not in the table any more. */
static void
answer (Watch *watch, gboolean all_confirmed)
{
  watch->func (all_confirmed, watch->user_data);
  watch_free (watch);
}

static void
finish (SbWatchTable *self, Watch *watch, gboolean all_confirmed)
{
  g_hash_table_steal (self->watches, watch->id);
  answer (watch, all_confirmed);
}

/* Returns: (transfer full): an empty table. */
SbWatchTable *
sb_watch_table_new (void)
{
  SbWatchTable *self = g_new0 (SbWatchTable, 1);

  self->watches
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) watch_free);
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
 * microseconds). One watch a message: a second one is answered at once. */
void
sb_watch_table_add (SbWatchTable *self,
                    const char *id,
                    guint n_recipients,
                    gint64 deadline,
                    SbWatchFunc func,
                    gpointer user_data)
{
  Watch *watch;

  if (g_hash_table_contains (self->watches, id))
    {
      func (FALSE, user_data);
      return;
    }
  watch = g_new0 (Watch, 1);
  watch->id = g_strdup (id);
  watch->missing = n_recipients;
  watch->deadline = deadline;
  watch->func = func;
  watch->user_data = user_data;
  g_hash_table_insert (self->watches, watch->id, watch);
}

/* A delivery of message @id has ended. One that ended otherwise can never be confirmed,
 * so there is nothing left to wait for. */
void
sb_watch_table_note (SbWatchTable *self, const char *id, gboolean confirmed)
{
  Watch *watch;

  if (g_hash_table_size (self->watches) == 0)
    return;
  watch = g_hash_table_lookup (self->watches, id);
  if (watch == NULL)
    return;
  if (!confirmed)
    finish (self, watch, FALSE);
  else if (--watch->missing == 0)
    finish (self, watch, TRUE);
}

/* Answers those whose time is over. */
void
sb_watch_table_check (SbWatchTable *self, gint64 now)
{
  g_autoptr (GPtrArray) over = NULL;
  GHashTableIter iter;
  gpointer watch;

  if (g_hash_table_size (self->watches) == 0)
    return;
  over = g_ptr_array_new ();
  g_hash_table_iter_init (&iter, self->watches);
  while (g_hash_table_iter_next (&iter, NULL, &watch))
    if (((Watch *) watch)->deadline <= now)
      {
        g_hash_table_iter_steal (&iter);
        g_ptr_array_add (over, watch);
      }
  /* Who is answered may look at the table again: all of them have left it. */
  for (guint i = 0; i < over->len; i++)
    answer (g_ptr_array_index (over, i), FALSE);
}

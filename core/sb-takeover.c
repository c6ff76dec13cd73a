/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-takeover: the last few take-overs of each user that had one lately. */

#include "sb-takeover.h"

#define SPAN (30 * G_USEC_PER_SEC)
#define ALLOWED 3
#define FIRST_PAUSE (5 * G_USEC_PER_SEC)
#define MAX_NOTED 8

typedef struct
{
  gint64 user;
  gint64 times[MAX_NOTED]; /* monotonic, microseconds; a ring */
  guint n;
  gint64 last;
} Record;

struct _SbTakeovers
{
  GHashTable *records; /* (owned) gint64 in the record → Record (owned) */
};

/* Returns: (transfer full): an empty table. */
SbTakeovers *
sb_takeovers_new (void)
{
  SbTakeovers *self = g_new0 (SbTakeovers, 1);

  self->records = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  return self;
}

void
sb_takeovers_free (SbTakeovers *self)
{
  g_hash_table_unref (self->records);
  g_free (self);
}

static guint
count_recent (const Record *record, gint64 now)
{
  guint n = 0;

  for (guint i = 0; i < MIN (record->n, MAX_NOTED); i++)
    if (record->times[i] > now - SPAN)
      n++;
  return n;
}

/* A newer session of @user replaced an older one at @now (monotonic, microseconds). */
void
sb_takeovers_note (SbTakeovers *self, gint64 user, gint64 now)
{
  Record *record = g_hash_table_lookup (self->records, &user);

  if (record == NULL)
    {
      record = g_new0 (Record, 1);
      record->user = user;
      g_hash_table_insert (self->records, &record->user, record);
    }
  record->times[record->n++ % MAX_NOTED] = now;
  record->last = now;
}

/* Returns how long the next take-over has to wait, microseconds; 0: not at all. Five
 * seconds after the third one, then twice as long each, as long as they keep coming. */
gint64
sb_takeovers_get_delay (SbTakeovers *self, gint64 user, gint64 now)
{
  const Record *record = g_hash_table_lookup (self->records, &user);
  guint recent = record != NULL ? count_recent (record, now) : 0;
  gint64 pause;

  if (recent < ALLOWED)
    return 0;
  pause = MIN (FIRST_PAUSE << (recent - ALLOWED), SPAN);
  return MAX (record->last + pause - now, 0);
}

static gboolean
is_old (gpointer key, gpointer value, gpointer user_data)
{
  return ((const Record *) value)->last <= *(const gint64 *) user_data - SPAN;
}

/* Forgets users that have calmed down. */
void
sb_takeovers_clean (SbTakeovers *self, gint64 now)
{
  g_hash_table_foreach_remove (self->records, is_old, &now);
}

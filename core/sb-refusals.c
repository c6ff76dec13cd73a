/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-refusals: reasons are few, so they are looked for one after the other. */

#include "sb-refusals.h"

#include <string.h>

/* Reasons are words of the code. Should one ever come from elsewhere, its numbers stay few. */
#define MAX_REASONS 32
#define OTHER "other"

typedef struct
{
  char *reason;       /* (owned) */
  SbCounter *counter; /* (borrowed) of the metrics */
} Row;

struct _SbRefusals
{
  SbMetrics *metrics; /* (owned) */
  char *name;         /* (owned) */
  char *help;         /* (owned) */
  char *labels;       /* (owned) (nullable) */
  GPtrArray *rows;    /* (owned) of Row (owned) */
};

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->reason);
  g_free (row);
}

static Row *
add_row (SbRefusals *self, const char *reason)
{
  g_autofree char *label = sb_metrics_label ("reason", reason);
  g_autofree char *labels = self->labels != NULL ? g_strconcat (self->labels, ",", label, NULL)
                                                 : g_strdup (label);
  Row *row = g_new0 (Row, 1);

  row->reason = g_strdup (reason);
  row->counter = sb_metrics_counter (self->metrics, self->name, self->help, labels);
  g_ptr_array_add (self->rows, row);
  return row;
}

static Row *
find_row (SbRefusals *self, const char *reason)
{
  for (guint i = 0; i < self->rows->len; i++)
    {
      Row *row = g_ptr_array_index (self->rows, i);

      if (strcmp (row->reason, reason) == 0)
        return row;
    }
  return NULL;
}

/**
 * sb_refusals_new:
 * @metrics: (transfer none): where it counts
 * @name: of the counters
 * @help: one line for people
 * @labels: (nullable): what stands before `reason="…"`, as for sb_metrics_counter()
 * @reasons: (array zero-terminated=1): that are known beforehand
 *
 * Returns: (transfer full): counters that are 0
 */
SbRefusals *
sb_refusals_new (SbMetrics *metrics, const char *name, const char *help, const char *labels,
                 const char *const *reasons)
{
  SbRefusals *self = g_new0 (SbRefusals, 1);

  self->metrics = g_object_ref (metrics);
  self->name = g_strdup (name);
  self->help = g_strdup (help);
  self->labels = g_strdup (labels);
  self->rows = g_ptr_array_new_with_free_func (row_free);
  for (gsize i = 0; reasons[i] != NULL; i++)
    add_row (self, reasons[i]);
  return self;
}

/**
 * sb_refusals_free:
 * @self: (transfer full): refusals
 *
 * What was counted stays.
 */
void
sb_refusals_free (SbRefusals *self)
{
  g_ptr_array_unref (self->rows);
  g_object_unref (self->metrics);
  g_free (self->labels);
  g_free (self->help);
  g_free (self->name);
  g_free (self);
}

/**
 * sb_refusals_count:
 * @self: refusals
 * @reason: a word of the code, never of a client
 *
 * Counts one.
 */
void
sb_refusals_count (SbRefusals *self, const char *reason)
{
  Row *row = find_row (self, reason);

  if (row == NULL && self->rows->len >= MAX_REASONS)
    {
      reason = OTHER;
      row = find_row (self, reason);
    }
  if (row == NULL)
    row = add_row (self, reason);
  sb_counter_add (row->counter, 1);
}

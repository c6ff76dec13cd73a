/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-fair-queue: lines by key, served in turn.
 *
 * Turns alone are not enough: who fills the room keeps the others out of it. So a line
 * may be as long as the room that is still free. One key alone gets half of the room, two
 * get a third each, n get 1/(n+1); a newcomer finds a place as long as there is one at all.
 */

#include "sb-fair-queue.h"

typedef struct
{
  GQueue items;
  GList turn; /* in SbFairQueue.turns */
  char *key;  /* (owned) */
} Line;

struct _SbFairQueue
{
  guint capacity;
  guint length;
  GHashTable *lines; /* (owned) Line.key → Line (owned); none is empty */
  GQueue turns;      /* of Line.turn; the head is next */
};

static void
line_free (gpointer data)
{
  Line *line = data;

  g_queue_clear (&line->items);
  g_free (line->key);
  g_free (line);
}

static Line *
ensure_line (SbFairQueue *self, const char *key)
{
  Line *line = g_hash_table_lookup (self->lines, key);

  if (line != NULL)
    return line;
  line = g_new0 (Line, 1);
  g_queue_init (&line->items);
  line->turn.data = line;
  line->key = g_strdup (key);
  g_hash_table_insert (self->lines, line->key, line);
  g_queue_push_tail_link (&self->turns, &line->turn);
  return line;
}

/**
 * sb_fair_queue_new: (skip)
 * @capacity: how many items wait at most; at least 1
 *
 * Makes an empty queue. It locks nothing: one thread at a time.
 *
 * Returns: (transfer full): the queue; free with sb_fair_queue_free()
 */
SbFairQueue *
sb_fair_queue_new (guint capacity)
{
  SbFairQueue *self;

  g_return_val_if_fail (capacity >= 1, NULL);

  self = g_new0 (SbFairQueue, 1);
  self->capacity = capacity;
  self->lines = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, line_free);
  g_queue_init (&self->turns);
  return self;
}

/**
 * sb_fair_queue_free:
 * @self: (transfer full): a queue; what still waits in it remains the caller's
 */
void
sb_fair_queue_free (SbFairQueue *self)
{
  g_return_if_fail (self != NULL);

  g_hash_table_unref (self->lines);
  g_free (self);
}

/**
 * sb_fair_queue_push:
 * @self: a queue
 * @key: whose item
 * @item: what waits; not %NULL
 *
 * Returns: %FALSE when the line of @key is as long as it may be now; nothing changes then
 */
gboolean
sb_fair_queue_push (SbFairQueue *self, const char *key, gpointer item)
{
  const Line *present;
  guint mine;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (key != NULL, FALSE);
  g_return_val_if_fail (item != NULL, FALSE);

  present = g_hash_table_lookup (self->lines, key);
  mine = present != NULL ? present->items.length : 0;
  if (mine >= self->capacity - self->length)
    return FALSE;
  g_queue_push_tail (&ensure_line (self, key)->items, item);
  self->length++;
  return TRUE;
}

/**
 * sb_fair_queue_pop:
 * @self: a queue
 *
 * Returns: (nullable): the item whose turn it is, %NULL when none waits
 */
gpointer
sb_fair_queue_pop (SbFairQueue *self)
{
  GList *turn;
  Line *line;
  gpointer item;

  g_return_val_if_fail (self != NULL, NULL);

  turn = g_queue_pop_head_link (&self->turns);
  if (turn == NULL)
    return NULL;
  line = turn->data;
  item = g_queue_pop_head (&line->items);
  self->length--;
  if (g_queue_is_empty (&line->items))
    g_hash_table_remove (self->lines, line->key);
  else
    g_queue_push_tail_link (&self->turns, turn);
  return item;
}

/**
 * sb_fair_queue_get_length:
 * @self: a queue
 *
 * Returns: how many items wait
 */
guint
sb_fair_queue_get_length (SbFairQueue *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->length;
}

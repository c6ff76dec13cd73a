/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-gather: a byte queue in one block of memory, which it gives back when it is empty. */

#include "sb-gather.h"

#include <string.h>

#define SMALLEST_BLOCK 1024

/* Moves what waits to the front, and enlarges the block when that is not enough. */
static void
make_room (SbGather *self, gsize length)
{
  gsize used = sb_gather_get_length (self);
  gsize wanted = MAX (self->size, SMALLEST_BLOCK);

  if (self->size - self->end >= length)
    return;
  if (self->start > 0)
    memmove (self->data, self->data + self->start, used);
  self->start = 0;
  self->end = used;
  while (wanted - used < length)
    wanted *= 2;
  if (wanted != self->size)
    self->data = g_realloc (self->data, wanted);
  self->size = wanted;
}

/* Adds @length bytes behind those that wait. */
void
sb_gather_append (SbGather *self, gconstpointer data, gsize length)
{
  if (length == 0)
    return;
  make_room (self, length);
  memcpy (self->data + self->end, data, length);
  self->end += length;
}

/* Adds @length bytes before those that wait. */
void
sb_gather_prepend (SbGather *self, gconstpointer data, gsize length)
{
  SbGather joined = { NULL, 0, 0, 0 };

  if (length == 0)
    return;
  sb_gather_append (&joined, data, length);
  if (sb_gather_get_length (self) > 0)
    sb_gather_append (&joined, sb_gather_peek (self), sb_gather_get_length (self));
  sb_gather_clear (self);
  *self = joined;
}

/* Drops the first @length bytes, of which there must be as many. */
void
sb_gather_consume (SbGather *self, gsize length)
{
  g_assert (length <= sb_gather_get_length (self));

  self->start += length;
  if (self->start == self->end)
    sb_gather_clear (self);
}

/* Moves up to @size bytes to @buffer. Returns: how many */
gsize
sb_gather_take (SbGather *self, gpointer buffer, gsize size)
{
  gsize length = MIN (size, sb_gather_get_length (self));

  if (length == 0)
    return 0;
  memcpy (buffer, sb_gather_peek (self), length);
  sb_gather_consume (self, length);
  return length;
}

/* Begins with a block of memory, if it has none. */
void
sb_gather_adopt (SbGather *self, guint8 *block, gsize size)
{
  g_assert (self->data == NULL);

  self->data = block;
  self->size = size;
}

/* Forgets everything. Returns: (transfer full) (nullable): the memory */
guint8 *
sb_gather_release (SbGather *self, gsize *size)
{
  guint8 *block = g_steal_pointer (&self->data);

  *size = self->size;
  self->start = self->end = self->size = 0;
  return block;
}

/* Forgets everything and frees the memory. */
void
sb_gather_clear (SbGather *self)
{
  g_clear_pointer (&self->data, g_free);
  self->start = self->end = self->size = 0;
}

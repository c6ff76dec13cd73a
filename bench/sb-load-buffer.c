/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-load-buffer: bytes that go in at the end and come out at the start. */

#include "sb-load-buffer.h"

#include <string.h>

#define SMALLEST 1024

/* Makes room behind the end; the caller writes there and moves `end`. */
guint8 *
sb_load_buffer_reserve (SbLoadBuffer *self, gsize space)
{
  gsize length = sb_load_buffer_length (self);

  if (self->end + space > self->size && self->start > 0)
    {
      memmove (self->data, self->data + self->start, length);
      self->start = 0;
      self->end = length;
    }
  if (self->end + space > self->size)
    {
      self->size = MAX (self->size * 2, MAX (self->end + space, SMALLEST));
      self->data = g_realloc (self->data, self->size);
    }
  return self->data + self->end;
}

void
sb_load_buffer_append (SbLoadBuffer *self, gconstpointer bytes, gsize length)
{
  if (length == 0)
    return;
  memcpy (sb_load_buffer_reserve (self, length), bytes, length);
  self->end += length;
}

void
sb_load_buffer_consume (SbLoadBuffer *self, gsize length)
{
  g_assert (length <= sb_load_buffer_length (self));
  self->start += length;
  if (self->start == self->end)
    self->start = self->end = 0;
}

void
sb_load_buffer_clear (SbLoadBuffer *self)
{
  g_clear_pointer (&self->data, g_free);
  self->start = self->end = self->size = 0;
}

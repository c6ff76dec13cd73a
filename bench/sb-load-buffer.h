/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-buffer: bytes that go in at the end and come out at the start. It
 * grows as needed and gives its memory back when told, so that ten thousand
 * idle connections cost the generator next to nothing.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Zero-filled is empty. */
typedef struct
{
  guint8 *data; /* (owned) (nullable) */
  gsize start;  /* of what was not taken out yet */
  gsize end;
  gsize size;
} SbLoadBuffer;

guint8 *sb_load_buffer_reserve (SbLoadBuffer *self, gsize space);
void sb_load_buffer_append (SbLoadBuffer *self, gconstpointer bytes, gsize length);
void sb_load_buffer_consume (SbLoadBuffer *self, gsize length);
void sb_load_buffer_clear (SbLoadBuffer *self);

static inline gsize
sb_load_buffer_length (const SbLoadBuffer *self)
{
  return self->end - self->start;
}

G_END_DECLS

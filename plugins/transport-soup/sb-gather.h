/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-gather: bytes on their way, appended at one end and taken at the other.
 *
 * It owns no memory while it is empty: thousands of idle connections embed two of them each.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint8 *data; /* (owned) (nullable) */
  gsize start;  /* of the bytes that wait */
  gsize end;
  gsize size; /* allocated */
} SbGather;

void sb_gather_append (SbGather *self, gconstpointer data, gsize length);
void sb_gather_prepend (SbGather *self, gconstpointer data, gsize length);
void sb_gather_consume (SbGather *self, gsize length);
gsize sb_gather_take (SbGather *self, gpointer buffer, gsize size);
void sb_gather_adopt (SbGather *self, guint8 *block, gsize size);
guint8 *sb_gather_release (SbGather *self, gsize *size);
void sb_gather_clear (SbGather *self);

static inline gsize
sb_gather_get_length (const SbGather *self)
{
  return self->end - self->start;
}

static inline const guint8 *
sb_gather_peek (const SbGather *self)
{
  return self->data + self->start;
}

G_END_DECLS

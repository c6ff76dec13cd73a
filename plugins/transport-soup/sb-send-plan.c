/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-send-plan: pieces in order, and the place in them. It belongs to one thread at a time. */

#include "sb-send-plan.h"

#include <string.h>

typedef struct
{
  char *text; /* (owned) (nullable) */
  guint64 offset;
  guint64 length;
} Piece;

struct _SbSendPlan
{
  GArray *pieces; /* (owned) (element-type Piece) */
  guint at;
  guint64 length; /* that is still to be sent */
};

static void
clear_piece (gpointer piece)
{
  g_free (((Piece *) piece)->text);
}

/**
 * sb_send_plan_new:
 *
 * Returns: (transfer full): a plan to send nothing
 */
SbSendPlan *
sb_send_plan_new (void)
{
  SbSendPlan *self = g_new0 (SbSendPlan, 1);

  self->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  g_array_set_clear_func (self->pieces, clear_piece);
  return self;
}

/**
 * sb_send_plan_free:
 * @self: (transfer full): a plan
 */
void
sb_send_plan_free (SbSendPlan *self)
{
  g_array_unref (self->pieces);
  g_free (self);
}

static void
insert (SbSendPlan *self, guint index, char *text, guint64 offset, guint64 length)
{
  Piece piece = { text, offset, length };

  if (length == 0)
    {
      g_free (text);
      return;
    }
  g_array_insert_val (self->pieces, index, piece);
  self->length += length;
}

/**
 * sb_send_plan_add_text:
 * @self: a plan
 * @text: (transfer full): what comes next
 */
void
sb_send_plan_add_text (SbSendPlan *self, char *text)
{
  insert (self, self->pieces->len, text, 0, strlen (text));
}

/**
 * sb_send_plan_prepend_text:
 * @self: a plan of which nothing was sent
 * @text: (transfer full): what comes before everything, such as a head with the plan's length
 */
void
sb_send_plan_prepend_text (SbSendPlan *self, char *text)
{
  insert (self, 0, text, 0, strlen (text));
}

/**
 * sb_send_plan_add_range:
 * @self: a plan
 * @range: which part of the file comes next
 */
void
sb_send_plan_add_range (SbSendPlan *self, const SbRange *range)
{
  insert (self, self->pieces->len, NULL, range->start, range->length);
}

/**
 * sb_send_plan_add_parts:
 * @self: a plan
 * @set: parts of the file
 * @size: of the file
 * @type: content type of each part
 * @boundary: what separates them; must not be in the file
 *
 * Adds a body of `multipart/byteranges`.
 */
void
sb_send_plan_add_parts (SbSendPlan *self, const SbRangeSet *set, guint64 size, const char *type,
                        const char *boundary)
{
  for (guint i = 0; i < set->n; i++)
    {
      g_autofree char *place = sb_range_format (&set->ranges[i], size);

      sb_send_plan_add_text (self, g_strdup_printf ("%s--%s\r\n"
                                                    "Content-Type: %s\r\n"
                                                    "Content-Range: %s\r\n\r\n",
                                                    i > 0 ? "\r\n" : "", boundary, type, place));
      sb_send_plan_add_range (self, &set->ranges[i]);
    }
  sb_send_plan_add_text (self, g_strdup_printf ("\r\n--%s--\r\n", boundary));
}

/**
 * sb_send_plan_get_length:
 * @self: a plan
 *
 * Returns: bytes that are still to be sent
 */
guint64
sb_send_plan_get_length (const SbSendPlan *self)
{
  return self->length;
}

/**
 * sb_send_plan_get_file_length:
 * @self: a plan
 *
 * Returns: bytes of the file that are still to be sent, without what is text
 */
guint64
sb_send_plan_get_file_length (const SbSendPlan *self)
{
  guint64 length = 0;

  for (guint i = self->at; i < self->pieces->len; i++)
    {
      const Piece *piece = &g_array_index (self->pieces, Piece, i);

      length += piece->text == NULL ? piece->length : 0;
    }
  return length;
}

/**
 * sb_send_plan_next:
 * @self: a plan
 *
 * Returns: the rest of the piece that it is at; its length is 0 when all is sent
 */
SbSendPiece
sb_send_plan_next (const SbSendPlan *self)
{
  SbSendPiece next = { NULL, 0, 0 };

  if (self->at < self->pieces->len)
    {
      const Piece *piece = &g_array_index (self->pieces, Piece, self->at);

      next.text = piece->text != NULL ? piece->text + piece->offset : NULL;
      next.offset = piece->offset;
      next.length = piece->length;
    }
  return next;
}

/**
 * sb_send_plan_advance:
 * @self: a plan
 * @n: how many bytes of the next piece were sent, at most its length
 */
void
sb_send_plan_advance (SbSendPlan *self, guint64 n)
{
  Piece *piece;

  if (n == 0)
    return;
  piece = &g_array_index (self->pieces, Piece, self->at);
  piece->offset += n;
  piece->length -= n;
  self->length -= n;
  if (piece->length == 0)
    self->at++;
}

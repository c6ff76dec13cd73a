/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-sqlite-codec: numbers packed into a column, and back. */

#include "sb-sqlite-codec.h"

/* 64 bits, 7 of them in a byte. */
#define MAX_VARINT_BYTES 10

static void
put_number (GByteArray *out, guint64 number)
{
  guint8 bytes[MAX_VARINT_BYTES];
  guint n = 0;

  do
    {
      bytes[n] = number & 0x7f;
      number >>= 7;
      if (number != 0)
        bytes[n] |= 0x80;
      n++;
    }
  while (number != 0);
  g_byte_array_append (out, bytes, n);
}

static gboolean
take_number (const guint8 **at, const guint8 *end, guint64 *number)
{
  *number = 0;
  for (guint n = 0; n < MAX_VARINT_BYTES && *at < end; n++)
    {
      guint8 byte = *(*at)++;

      *number |= (guint64) (byte & 0x7f) << (7 * n);
      if ((byte & 0x80) == 0)
        return TRUE;
    }
  return FALSE;
}

/* @keys ascend. */
void
sb_sqlite_encode_keys (GByteArray *out, const gint64 *keys, guint n_keys)
{
  gint64 last = 0;

  for (guint i = 0; i < n_keys; i++)
    {
      put_number (out, keys[i] - last);
      last = keys[i];
    }
}

/* Returns: (transfer full) (nullable) (element-type gint64): %NULL when @data is damaged */
GArray *
sb_sqlite_decode_keys (const void *data, gsize size)
{
  g_autoptr (GArray) keys = g_array_new (FALSE, FALSE, sizeof (gint64));
  const guint8 *at = data;
  const guint8 *end = at + size;
  guint64 last = 0;

  while (at < end)
    {
      guint64 step;

      if (!take_number (&at, end, &step))
        return NULL;
      last += step;
      g_array_append_val (keys, last);
    }
  return g_steal_pointer (&keys);
}

/* @spans ascend. */
void
sb_sqlite_encode_spans (GByteArray *out, const SbSqliteSpan *spans, guint n_spans)
{
  gint64 last = 0;

  for (guint i = 0; i < n_spans; i++)
    {
      put_number (out, spans[i].first - last);
      put_number (out, spans[i].length);
      put_number (out, spans[i].rows);
      last = spans[i].first;
    }
}

/* Returns: (transfer full) (nullable) (element-type SbSqliteSpan): %NULL when @data is damaged */
GArray *
sb_sqlite_decode_spans (const void *data, gsize size)
{
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (SbSqliteSpan));
  const guint8 *at = data;
  const guint8 *end = at + size;
  guint64 last = 0;

  while (at < end)
    {
      guint64 step, length, rows;
      SbSqliteSpan span;

      if (!take_number (&at, end, &step) || !take_number (&at, end, &length)
          || !take_number (&at, end, &rows))
        return NULL;
      last += step;
      span = (SbSqliteSpan) { .first = last, .length = length, .rows = rows };
      g_array_append_val (spans, span);
    }
  return g_steal_pointer (&spans);
}

static int
compare_spans (gconstpointer a, gconstpointer b)
{
  gint64 first = ((const SbSqliteSpan *) a)->first;
  gint64 second = ((const SbSqliteSpan *) b)->first;

  return (first > second) - (first < second);
}

static gboolean
is_sorted (GArray *spans)
{
  for (guint i = 1; i < spans->len; i++)
    if (g_array_index (spans, SbSqliteSpan, i - 1).first
        > g_array_index (spans, SbSqliteSpan, i).first)
      return FALSE;
  return TRUE;
}

/* Sorts @spans and joins neighbours of one recipient each. */
void
sb_sqlite_spans_join (GArray *spans)
{
  guint kept = 0;

  if (!is_sorted (spans))
    g_array_sort (spans, compare_spans);
  for (guint i = 1; i < spans->len; i++)
    {
      SbSqliteSpan *last = &g_array_index (spans, SbSqliteSpan, kept);
      SbSqliteSpan span = g_array_index (spans, SbSqliteSpan, i);

      if (last->rows == 1 && span.rows == 1 && last->first + last->length == span.first)
        last->length += span.length;
      else
        g_array_index (spans, SbSqliteSpan, ++kept) = span;
    }
  if (spans->len > 0)
    g_array_set_size (spans, kept + 1);
}

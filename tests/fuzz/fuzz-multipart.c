/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-multipart: no bytes may break the reader of forms, and however a body is
 * cut, the same is read. The first byte says how long the pieces are.
 */

#include "sb-multipart.h"

#include <simplebus.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static gboolean
note_begin (const SbMultipartPart *part, gpointer user_data, GError **error)
{
  g_assert_true (g_utf8_validate (part->name, -1, NULL));
  g_assert_true (part->filename == NULL || g_utf8_validate (part->filename, -1, NULL));
  g_string_append_printf (user_data, "[%s]", part->name);
  return TRUE;
}

static gboolean
note_data (const char *data, gsize length, gpointer user_data, GError **error)
{
  g_assert_true (length > 0);
  g_string_append_len (user_data, data, (gssize) length);
  return TRUE;
}

static gboolean
note_end (gpointer user_data, GError **error)
{
  g_string_append_c (user_data, ';');
  return TRUE;
}

static const SbMultipartFuncs funcs = { note_begin, note_data, note_end };

static GString *
read_in_pieces (const char *body, gsize length, gsize step)
{
  GString *notes = g_string_new (NULL);
  g_autoptr (SbMultipart) form = sb_multipart_new ("X", 4, &funcs, notes);
  g_autoptr (GError) error = NULL;
  gboolean read = TRUE;

  for (gsize at = 0; read && at < length; at += step)
    read = sb_multipart_feed (form, body + at, MIN (step, length - at), &error);
  if (read)
    read = sb_multipart_finish (form, &error);
  g_assert_true (read == (error == NULL));
  g_string_append (notes, read ? "." : "!");
  return notes;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  if (size > 1)
    {
      const char *body = (const char *) data + 1;
      GString *whole = read_in_pieces (body, size - 1, size);
      GString *pieces = read_in_pieces (body, size - 1, 1 + data[0] % 16);

      /* What is wrong may be seen a piece earlier or later; what is right is the same. */
      if (whole->str[whole->len - 1] == '.' || pieces->str[pieces->len - 1] == '.')
        g_assert_true (g_string_equal (whole, pieces));
      g_string_free (whole, TRUE);
      g_string_free (pieces, TRUE);
    }
  return 0;
}

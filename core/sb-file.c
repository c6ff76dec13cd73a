/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-file: an immutable description of a file, shared between message, store and vault. */

#include "sb-file.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (SbFile, sb_file, sb_file_ref, sb_file_unref)

/**
 * sb_file_new:
 * @id: 32 hexadecimal digits
 * @name: the stored name
 * @display_name: UTF-8
 * @size: bytes
 * @digest: (array fixed-size=32): sha-256 of the content
 *
 * Copies everything. Any thread.
 *
 * Returns: (transfer full): a new description
 */
SbFile *
sb_file_new (const char *id, const char *name, const char *display_name, guint64 size,
             const guint8 *digest)
{
  SbFile *self;

  g_return_val_if_fail (id != NULL && name != NULL && display_name != NULL, NULL);
  g_return_val_if_fail (digest != NULL, NULL);

  self = g_atomic_rc_box_new0 (SbFile);
  self->id = g_strdup (id);
  self->name = g_strdup (name);
  self->display_name = g_strdup (display_name);
  self->size = size;
  memcpy (self->digest, digest, sizeof self->digest);
  return self;
}

/**
 * sb_file_ref:
 * @self: a file
 *
 * Any thread.
 *
 * Returns: (transfer full): @self
 */
SbFile *
sb_file_ref (SbFile *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

static void
clear_file (gpointer data)
{
  SbFile *self = data;

  g_free ((gpointer) self->id);
  g_free ((gpointer) self->name);
  g_free ((gpointer) self->display_name);
}

/**
 * sb_file_unref:
 * @self: (transfer full): a file
 *
 * Any thread.
 */
void
sb_file_unref (SbFile *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, clear_file);
}

/**
 * sb_file_dup_hash:
 * @self: a file
 *
 * Any thread.
 *
 * Returns: (transfer full): its sha-256 in 64 hexadecimal digits, as clients see it
 */
char *
sb_file_dup_hash (const SbFile *self)
{
  GString *hash = g_string_sized_new (2 * SB_FILE_DIGEST_SIZE);

  for (guint i = 0; i < SB_FILE_DIGEST_SIZE; i++)
    g_string_append_printf (hash, "%02x", self->digest[i]);
  return g_string_free (hash, FALSE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-file: a file that travels with a message: what it is called, where its
 * bytes are, and what they must be. Immutable and shared, in any thread.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define SB_FILE_DIGEST_SIZE 32 /* bytes of a sha-256 */

/**
 * SbFile:
 * @id: the bus's own id, 32 hexadecimal digits: the file's name in the vault
 * @name: the stored name, unique among all files: what clients ask /download for
 * @display_name: what people see, UTF-8
 * @size: bytes
 * @digest: sha-256 of the content
 *
 * A file that is in the vault, or is to be. To be read only.
 */
typedef struct
{
  const char *id;
  const char *name;
  const char *display_name;
  guint64 size;
  guint8 digest[SB_FILE_DIGEST_SIZE];
} SbFile;

#define SB_TYPE_FILE (sb_file_get_type ())

GType sb_file_get_type (void);
SbFile *sb_file_new (const char *id, const char *name, const char *display_name, guint64 size,
                     const guint8 *digest);
SbFile *sb_file_ref (SbFile *self);
void sb_file_unref (SbFile *self);
char *sb_file_dup_hash (const SbFile *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbFile, sb_file_unref)

G_END_DECLS

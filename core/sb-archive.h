/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-archive: a backup as a stream of bytes: a tar archive (pax) of the manifest,
 * its members in order, and the seal. Written and read in one pass, in
 * bounded memory, on a thread that may block.
 */
#pragma once

#include <gio/gio.h>

#include "sb-manifest.h"

G_BEGIN_DECLS

/* Bytes that are written at once, but for the last ones. */
#define SB_ARCHIVE_BLOCK (128 * 1024)

/**
 * SbArchiveFunc:
 * @data: bytes of the archive
 * @length: how many
 * @user_data: as given to sb_archive_writer_new()
 * @error: why no more is wanted
 *
 * Takes the next bytes of an archive; may block.
 *
 * Returns: whether to go on
 */
typedef gboolean (*SbArchiveFunc) (const void *data, gsize length, gpointer user_data,
                                   GError **error);

/* Writing. What fails once is of no use any more but to be freed. */
typedef struct _SbArchiveWriter SbArchiveWriter;

SbArchiveWriter *sb_archive_writer_new (const SbManifest *manifest, SbArchiveFunc func,
                                        gpointer user_data);
void sb_archive_writer_free (SbArchiveWriter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbArchiveWriter, sb_archive_writer_free)

gboolean sb_archive_writer_begin (SbArchiveWriter *self, GError **error);
gboolean sb_archive_writer_add (SbArchiveWriter *self, const SbManifestMember *member, int fd,
                                GCancellable *cancellable, GError **error);
gboolean sb_archive_writer_end (SbArchiveWriter *self, GError **error);
const GPtrArray *sb_archive_writer_get_damaged (SbArchiveWriter *self);
guint64 sb_archive_writer_get_written (SbArchiveWriter *self);

/**
 * SbArchiveFuncs:
 * @manifest: (nullable): told first; may refuse
 * @begin: (nullable): a member comes
 * @data: (nullable): bytes of it
 * @end: (nullable): all of it came; @is_whole: it is what the manifest says
 *
 * What becomes of what is read. Whoever returns %FALSE sets an error, and nothing is read any more.
 */
typedef struct
{
  gboolean (*manifest) (const SbManifest *manifest, gpointer user_data, GError **error);
  gboolean (*begin) (const SbManifestMember *member, gpointer user_data, GError **error);
  gboolean (*data) (const void *data, gsize length, gpointer user_data, GError **error);
  gboolean (*end) (const SbManifestMember *member, gboolean is_whole, gpointer user_data,
                   GError **error);
} SbArchiveFuncs;

SbManifest *sb_archive_read (int fd, const SbArchiveFuncs *funcs, gpointer user_data,
                             GHashTable **damaged, GError **error);

G_END_DECLS

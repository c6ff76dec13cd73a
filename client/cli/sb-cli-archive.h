/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-archive: tells whether a backup is whole, while its bytes go by: a tar archive (pax) of
 * manifest.json, the members that it names with their sizes and checksums, in that order, and
 * end.json, which seals it. docs/protocol.md has the details.
 */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/**
 * SbCliArchiveReport:
 * @bytes: of all members that the manifest names
 * @n_files: how many files that wait for their recipients are in it
 * @n_damaged: how many of them were damaged on the bus's disk already
 * @n_missing: how many more should have been there
 * @created: (nullable): when it was made, as the manifest says, ISO 8601
 *
 * What is in a backup.
 */
typedef struct
{
  gint64 bytes;
  guint n_files;
  guint n_damaged;
  guint n_missing;
  const char *created;
} SbCliArchiveReport;

typedef struct _SbCliArchive SbCliArchive;

SbCliArchive *sb_cli_archive_new (void);
void sb_cli_archive_free (SbCliArchive *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliArchive, sb_cli_archive_free)

/* The next bytes. Returns: whether it may still become whole */
gboolean sb_cli_archive_feed (SbCliArchive *self, const void *data, gsize length, GError **error);
/* There are no more. Returns: whether it is whole */
gboolean sb_cli_archive_end (SbCliArchive *self, GError **error);
/* How long it will be, about; -1 as long as the manifest has not come. */
gint64 sb_cli_archive_get_size (SbCliArchive *self);
/* Of one that is whole. */
const SbCliArchiveReport *sb_cli_archive_get_report (SbCliArchive *self);

G_END_DECLS

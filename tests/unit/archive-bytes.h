/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* archive-bytes: what the tests of archives share. */
#pragma once

#include "sb-archive.h"

G_BEGIN_DECLS

void archive_hash (const void *data, gsize length, guint8 *digest);
/* A descriptor of a file with that content, at its beginning. */
int archive_make_fd (const void *data, gsize length);
/* Reads an archive and makes nothing of it. */
SbManifest *archive_read_bytes (const void *data, gsize length, GHashTable **damaged,
                                GError **error);
/* Names a member with that content. */
void archive_add_text (SbManifest *manifest, const char *name, const char *text);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-part: a file that is being received, with the checksum of what there is of it.
 *
 * It lies in a hidden folder of the one where it will go, so that it gets there by a link. What is
 * known of its bytes stays in memory while it is closed; another process reads them again.
 */
#pragma once

#include "sb-client-error.h"

#include <nettle/sha2.h>

G_BEGIN_DECLS

typedef struct
{
  char *path;             /* (owned) */
  int fd;                 /* -1: closed */
  gint64 length;          /* of what was received */
  struct sha256_ctx hash; /* of that */
  gint64 written_back;    /* up to where the disk was asked to begin */
} SbClientPart;

/* @path: (transfer full) */
void sb_client_part_init (SbClientPart *self, char *path);
void sb_client_part_clear (SbClientPart *self);

/* @expected: bytes of the whole file; -1: not known. @trusted: how much of what another process
 * left may be good; -1: all. A file that has a place already is not written to. */
gboolean sb_client_part_open (SbClientPart *self, gint64 expected, gint64 trusted,
                              GCancellable *cancellable, GError **error);
void sb_client_part_close (SbClientPart *self);
/* There is nothing of it any more. */
gboolean sb_client_part_restart (SbClientPart *self, GError **error);
/* Makes sure that there is room. */
gboolean sb_client_part_reserve (SbClientPart *self, gint64 expected, GError **error);
gboolean sb_client_part_append (SbClientPart *self, const guint8 *data, gsize length,
                                GError **error);
gboolean sb_client_part_flush (SbClientPart *self, GError **error);
/* Returns: (transfer full): in hexadecimal */
char *sb_client_part_get_checksum (SbClientPart *self);
void sb_client_part_remove (SbClientPart *self);

/* Checksum of any file. Returns: (transfer full) (nullable) */
char *sb_client_part_hash_file (const char *path, GCancellable *cancellable, GError **error);

G_END_DECLS

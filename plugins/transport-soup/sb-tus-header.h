/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-tus-header: what clients write into the headers of tus 1.0, read strictly. */
#pragma once

#include "simplebus.h"

#include <glib.h>

G_BEGIN_DECLS

#define SB_TUS_VERSION "1.0.0"

/**
 * SbTusMetadata:
 *
 * What `Upload-Metadata` says, as far as the bus needs it.
 */
typedef struct
{
  char *filename; /* (owned) (nullable) UTF-8, as the client wrote it */
  GBytes *data;   /* (owned) (nullable) the message's JSON */
} SbTusMetadata;

gboolean sb_tus_parse_metadata (const char *header, SbTusMetadata *metadata, GError **error);
void sb_tus_metadata_clear (SbTusMetadata *metadata);
gboolean sb_tus_parse_number (const char *header, const char *name, guint64 *number,
                              GError **error);
gboolean sb_tus_parse_checksum (const char *header, SbChecksum *kind, guint8 digest[32],
                                GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-manifest: what is in a backup: each member with its size and sha-256. It is
 * the first member of the archive, so a reader knows what has to come and how
 * much of it; the last one, the seal, says that all of it came.
 */
#pragma once

#include <glib.h>

#include "sb-file.h"
#include "sb-names.h"

G_BEGIN_DECLS

/* Raised when a reader of an older one would get something wrong. */
#define SB_MANIFEST_FORMAT 1

/* The members of an archive, in this order: the manifest, those that it names, the seal. */
#define SB_MANIFEST_NAME "manifest.json"
#define SB_MANIFEST_SECRET SB_TOKEN_SECRET_FILE
#define SB_MANIFEST_STORE "store/"
#define SB_MANIFEST_FILES "files/"
#define SB_MANIFEST_SEAL "end.json"

/* Of the text of a manifest or a seal, bytes: 1,500,000 files. */
#define SB_MANIFEST_MAX (256 * 1024 * 1024)

#define SB_MANIFEST_NAME_MAX 80

/**
 * SbManifestMember:
 *
 * A member that a manifest names.
 */
typedef struct
{
  char name[SB_MANIFEST_NAME_MAX];
  guint64 size; /* bytes */
  guint8 digest[SB_FILE_DIGEST_SIZE];
} SbManifestMember;

/**
 * SbManifest:
 *
 * A manifest. To be read only.
 */
typedef struct
{
  char *version;      /* (owned) of the program that made it */
  char *store;        /* (owned) name of the store */
  gint64 created;     /* wall clock, microseconds */
  GArray *members;    /* (owned) (element-type SbManifestMember) in the order of the archive */
  guint64 bytes;      /* of all members */
  GPtrArray *missing; /* (owned) (element-type utf8) names of files that were not there as the store
                         has them */
} SbManifest;

SbManifest *sb_manifest_new (const char *version, const char *store, gint64 created);
void sb_manifest_free (SbManifest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbManifest, sb_manifest_free)

void sb_manifest_add (SbManifest *self, const char *name, guint64 size, const guint8 *digest);
void sb_manifest_add_file (SbManifest *self, const SbFile *file);
void sb_manifest_add_missing (SbManifest *self, const SbFile *file);
char *sb_manifest_make_file_name (const char *id);
gboolean sb_manifest_is_possible (const char *name);
guint sb_manifest_count_files (const SbManifest *self);
GString *sb_manifest_format (const SbManifest *self);
SbManifest *sb_manifest_parse (const char *text, gsize length, GError **error);

gboolean sb_manifest_member_is_file (const SbManifestMember *self);
const char *sb_manifest_member_get_base (const SbManifestMember *self);

/* What the seal says. */
GString *sb_seal_format (const guint8 *manifest_digest, const GPtrArray *damaged);
GHashTable *sb_seal_parse (const char *text, gsize length, const guint8 *manifest_digest,
                           GError **error);

G_END_DECLS

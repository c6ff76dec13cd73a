/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-incoming-private: a file that is being received, as its two parts see it:
 * sb-incoming.c takes bytes in and writes them, sb-incoming-resume.c is what
 * is different when the file goes on where another request left it.
 */
#pragma once

#include "sb-vault-private.h"
#include "sb-vault-uploads.h"

#include <nettle/sha1.h>
#include <nettle/sha2.h>

G_BEGIN_DECLS

/* What comes is to have a checksum; until it is known to have it, it can be taken back. */
typedef struct
{
  SbChecksum kind;
  guint8 expected[SHA256_DIGEST_SIZE];
  struct sha1_ctx sha1;
  struct sha256_ctx sha256;

  gboolean has_begun;
  guint64 start;            /* where to go back to */
  struct sha256_ctx before; /* hash of the file up to there */
} SbIncomingCheck;

struct _SbIncoming
{
  gatomicrefcount ref_count;
  SbVault *vault; /* (owned) */
  char *id;       /* (owned) */
  char *path;     /* (owned) */
  char *mark;     /* (owned) (nullable) path of the mark of one that goes on; NULL: it does not */

  /* Of the main context. */
  SbIncomingFunc func;
  gpointer user_data;
  guint64 size;  /* handed over */
  GError *error; /* (owned) (nullable) as told by the thread */

  GMutex lock;   /* for what follows */
  GQueue chunks; /* of GBytes (owned) */
  gsize waiting; /* their bytes */
  gboolean is_scheduled;
  gboolean is_aborted;
  gboolean is_removed; /* as far as that was to be done */
  gboolean wants_room; /* somebody waits to be told */
  GTask *finish;       /* (owned) (nullable) */
  GTask *settle;       /* (owned) (nullable) */
  gboolean is_whole;   /* what was written before it is all that was to come */
  GError *failure;     /* (owned) (nullable) */

  /* Of the thread that is at it. */
  int fd;
  guint64 written;
  guint64 pushed_out;    /* bytes that the kernel was asked to write */
  guint64 pushed_before; /* what it was asked before that; waited for by now */
  struct sha256_ctx hash;
  gboolean is_known;      /* how far one that goes on has come */
  gboolean is_hashed;     /* of one that goes on: the hash is that of what is on the disk */
  SbIncomingCheck *check; /* (owned) (nullable) */
};

SbIncoming *sb_incoming_new (SbVault *vault, const char *id, char *path);
void sb_incoming_schedule_locked (SbIncoming *self);
gboolean sb_incoming_flush (SbIncoming *self, GError **error);

gboolean sb_incoming_open_part (SbIncoming *self, GError **error);
gboolean sb_incoming_prepare_part (SbIncoming *self, GError **error);
void sb_incoming_check_chunk (SbIncoming *self, const guint8 *data, gsize length);
void sb_incoming_run_settle (SbIncoming *self, GTask *task, gboolean is_whole,
                             const GError *failure);

G_END_DECLS

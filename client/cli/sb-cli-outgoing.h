/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-outgoing: a file that is to be sent, and the folder in which that is noted, so that the
 * same command again goes on with it.
 *
 *   <state>/send-file/<key>/command   the file and its message, whose _id it has from now on
 *   <state>/send-file/<key>/…         what the library notes of its upload
 *
 * The key is made of path, size, time of the last change and message. So another process that sends
 * the same is noticed by the lock of the folder, and different ones do not get in each other's way.
 */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/**
 * SbCliOutgoing:
 * @path: of the file; absolute
 * @name: that recipients see
 * @size: of the file in bytes
 * @draft: its message, with its `_id`
 * @folder: in which it is noted
 * @was_known: an earlier process has begun it
 *
 * A file that is to be sent.
 */
typedef struct
{
  char *path; /* (owned) */
  char *name; /* (owned) */
  gint64 size;
  gint64 changed;       /* ns since 1970 */
  SbClientDraft *draft; /* (owned) */
  char *folder;         /* (owned) */
  gboolean was_known;
} SbCliOutgoing;

/* @message: as JSON, without an _id; @state_dir: of the user */
SbCliOutgoing *sb_cli_outgoing_new (const char *state_dir, const char *path, const char *name,
                                    const char *message, GError **error);
SbCliOutgoing *sb_cli_outgoing_load (const char *folder, GError **error);
void sb_cli_outgoing_free (SbCliOutgoing *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliOutgoing, sb_cli_outgoing_free)

/* Folders that earlier processes have left. */
GPtrArray *sb_cli_outgoing_list_folders (const char *state_dir);
/* Notes it, flushed, unless it is noted already. */
gboolean sb_cli_outgoing_keep (SbCliOutgoing *self, GError **error);
/* Nothing more is to be done for it. */
void sb_cli_outgoing_forget (const char *folder);

G_END_DECLS

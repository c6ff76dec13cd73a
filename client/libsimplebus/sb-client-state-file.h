/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-state-file: what is known of a transfer, on disk, for the process after this one.
 *
 * One file each, named by a hash of the message's id, so that no id can be a path. A file is
 * replaced as a whole and flushed: it is either what it was or what it will be. Any thread.
 */
#pragma once

#include "sb-client-private.h"

G_BEGIN_DECLS

/* Returns: (transfer full): where the state of the message with that id is */
char *sb_client_state_file_path (const char *folder, const char *id);
gboolean sb_client_state_file_write (const char *path, GKeyFile *state, GError **error);
/* That it is gone already is no error. */
gboolean sb_client_state_file_remove (const char *path, GError **error);
/* Makes a folder if need be. */
gboolean sb_client_state_file_make_folder (const char *folder, GError **error);
/* So that names that were made, changed or removed in the folder outlast a power cut. */
gboolean sb_client_state_file_sync_folder (const char *folder, GError **error);

typedef gboolean (*SbClientStateFunc) (GKeyFile *state, const char *path, gpointer user_data,
                                       GError **error);
/* Gives all of them to @func. What cannot be read, or is refused by it, is put aside under another
 * name; @faults gets a GError for each of these. */
void sb_client_state_file_load (const char *folder, SbClientStateFunc func, gpointer user_data,
                                GPtrArray *faults);

/* Values that may be missing. Paths are bytes. Returns: (transfer full) (nullable) */
char *sb_client_state_get_path (GKeyFile *state, const char *key);
void sb_client_state_set_path (GKeyFile *state, const char *key, const char *path);
char *sb_client_state_get_text (GKeyFile *state, const char *key);
gint64 sb_client_state_get_number (GKeyFile *state, const char *key, gint64 fallback);
#define SB_CLIENT_STATE_GROUP "transfer"

G_END_DECLS

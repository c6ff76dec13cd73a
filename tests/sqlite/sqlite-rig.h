/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sqlite-rig: a SQLite store in a folder of its own, short words for what the
 * tests do to it, and its file seen from outside.
 */
#pragma once

#include "simplebus.h"

#include <sqlite3.h>

G_BEGIN_DECLS

#define SECOND G_GINT64_CONSTANT (1000000)
#define START (G_GINT64_CONSTANT (1700000000) * SECOND)

typedef struct
{
  char *dir;      /* (owned) */
  char *path;     /* (owned) of the database */
  SbStore *store; /* (owned) (nullable) */
  gint64 user;    /* key of the one user, who sends to itself */
} SqliteRig;

/* Takes the module's path from the command line. Once, in main. */
void sqlite_rig_init (int *argc, char ***argv);

/* A folder without a database. */
SqliteRig *sqlite_rig_new_empty (void);
/* The same with an open store that has a user. */
SqliteRig *sqlite_rig_new (void);
void sqlite_rig_free (SqliteRig *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SqliteRig, sqlite_rig_free)

gboolean sqlite_rig_try_open (SqliteRig *self, GError **error);
void sqlite_rig_open (SqliteRig *self);
void sqlite_rig_close (SqliteRig *self);
/* Opening fails with @code of SB_ERROR, the message has @words, and the file is as before. */
void sqlite_rig_assert_refused (SqliteRig *self, int code, const char *words);

/* Another user. Returns: its key */
gint64 sqlite_rig_add_user (SqliteRig *self, const char *id);
/* One operation, whatever its outcome. */
SbOutcome sqlite_rig_apply (SqliteRig *self, SbOperation *operation);
/* Several in one batch. */
void sqlite_rig_apply_all (SqliteRig *self, SbOperation *const *operations, guint n_operations);

/* A message of the user to @n_targets users, none of whom is named. */
SbOperation *sqlite_rig_make_append (SqliteRig *self, const char *id, guint n_targets,
                                     const gint64 *targets);
SbOperation *sqlite_rig_make_end (gint64 recipient, const char *id, SbDeliveryState state);
SbOperation *sqlite_rig_make_park (gint64 recipient, gint64 position, const char *log);
SbOperation *sqlite_rig_make_requeue (gint64 recipient, const char *id);
SbOperation *sqlite_rig_make_move (gint64 recipient, gint64 to, const char *id);
SbOperation *sqlite_rig_make_sweep (gint64 now, guint limit);

gboolean sqlite_rig_try_send (SqliteRig *self, const char *id, gint64 *position, GError **error);
/* Returns: the position */
gint64 sqlite_rig_send (SqliteRig *self, const char *id);
/* Sends all messages "<prefix>1" to "<prefix>n" in one batch. */
gboolean sqlite_rig_try_send_many (SqliteRig *self, const char *prefix, guint n, GError **error);
void sqlite_rig_confirm (SqliteRig *self, const char *id);
/* Ids with blanks between them. */
void sqlite_rig_assert_pending (SqliteRig *self, const char *ids);
void sqlite_rig_assert_count (SqliteRig *self, guint64 count);
/* "state recipient, …" as the status of a message has it, "-" when it is not known. */
void sqlite_rig_assert_status (SqliteRig *self, const char *id, const char *text);

/* Runs SQL on the file of a closed store. */
void sqlite_rig_exec (SqliteRig *self, const char *sql);
/* The first column of the first row in the file, also of an open store. */
gint64 sqlite_rig_get_number (SqliteRig *self, const char *sql);
/* A folder with the files as they are now, as a killed process would leave them. */
SqliteRig *sqlite_rig_copy (SqliteRig *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backup: backups that are fetched, looked at, and restored by the real program. */
#pragma once

#include "sb-test-site.h"

G_BEGIN_DECLS

/* What curl does with a backup, in a process that can be stopped. */
typedef struct
{
  GSubprocess *process; /* (owned) */
  char *path;           /* (owned) where it goes */
} BackupClient;

/* Begins to fetch one. */
BackupClient *backup_client_new (SbTestDaemon *daemon, const char *name);
/* Waits until something of it has come, and lets it take no more. */
void backup_client_stop (BackupClient *self);
void backup_client_go_on (BackupClient *self);
/* Waits for its end. Returns its exit status: 0 when all of it came. */
int backup_client_wait (BackupClient *self);
void backup_client_free (BackupClient *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (BackupClient, backup_client_free)

/* Fetches a backup as an admin, which must work. Returns where it is, in the folder of @daemon. */
char *backup_fetch (SbTestDaemon *daemon, const char *name);

typedef struct
{
  int status;   /* of its exit, or above 1000 the signal that ended it */
  char *output; /* (owned) */
  char *errors; /* (owned) */
} BackupRun;

void backup_run_clear (BackupRun *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BackupRun, backup_run_clear)

/* Runs the program with these arguments. @environment: (nullable): "NAME=value" */
void backup_run (BackupRun *run, const char *environment, const char *argument,
                 ...) G_GNUC_NULL_TERMINATED;
/* Restores into the data folder of @daemon, which does not run; that must work. */
void backup_restore (SbTestDaemon *daemon, const char *path);
/* Whether the program takes it for a whole one. */
gboolean backup_is_whole (const char *path);
/* Text of a member. */
char *backup_read_member (const char *path, const char *member);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-vault-private: what the parts of the vault share. sb-vault.c keeps,
 * removes and opens files; sb-incoming.c receives them; sb-vault-check.c looks
 * whether all are there and what they were.
 */
#pragma once

#include "sb-vault.h"

G_BEGIN_DECLS

/* Folders 00 to ff: a million files are four thousand to a folder. */
#define SB_VAULT_N_FOLDERS 256

struct _SbVault
{
  GObject parent_instance;

  char *folder;          /* (owned) data-dir/files */
  char *incoming;        /* (owned) below it */
  char *uploads;         /* (owned) below it, too */
  GMainContext *context; /* (owned) whose functions are called */
  GThreadPool *threads;  /* (owned) (nullable) of SbVaultJob, between open and close */

  GMutex lock;
  gint64 disk_reserve; /* under the lock, bytes */
  GHashTable *damaged; /* (owned) under the lock: ids of files that are not what they were */

  gboolean is_holding;       /* files that nobody needs any more stay … */
  SbVaultHoldFunc hold_func; /* (nullable) … if it says so; %NULL: all of them */
  gpointer hold_data;
  GPtrArray *held; /* (owned) (element-type utf8) ids of those */

  SbCounter *received_bytes;
  SbCounter *removed;
};

/* Something to do on a thread of the vault, once. */
typedef struct _SbVaultJob SbVaultJob;
struct _SbVaultJob
{
  void (*run) (SbVaultJob *job); /* frees the job */
};

void sb_vault_push (SbVault *self, SbVaultJob *job);
gboolean sb_vault_hold_back (SbVault *self, const char *id);
char *sb_vault_get_path (SbVault *self, const char *id);
char *sb_vault_get_incoming_path (SbVault *self, const char *id);
gboolean sb_vault_check_space (SbVault *self, GError **error);
gboolean sb_vault_sync_folder (const char *path, GError **error);
gboolean sb_vault_is_id (const char *name);
void sb_vault_set_errno (GError **error, int code, const char *path, const char *what);

G_END_DECLS

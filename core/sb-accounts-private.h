/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-accounts-private: what the parts of the accounts share. sb-accounts.c
 * knows the users and lets them in; sb-accounts-put.c changes them,
 * sb-accounts-audit.c writes down what was changed.
 */
#pragma once

#include "sb-accounts.h"

G_BEGIN_DECLS

struct _SbAccounts
{
  GObject parent_instance;

  SbConfig *config;               /* (owned) */
  SbJournal *journal;             /* (owned) */
  SbPasswordPool *pool;           /* (owned) */
  SbAuthenticator *authenticator; /* (owned) */
  SbClock *clock;                 /* (owned) */
  SbDirectory *directory;         /* (owned) */

  guint n_admins;
  char *setup_code; /* (owned) (nullable) as long as there is no user */
  GQueue turns;     /* of GTask (owned): changes that are checked and wait to be committed */
  gboolean committing;
};

gboolean sb_accounts_forbid (GError **error, const char *why);
void sb_accounts_mirror (SbAccounts *self, SbUser *user);
void sb_accounts_start_put (SbAccounts *self, GTask *task, SbUser *actor, GPtrArray *changes,
                            gboolean is_sign_up);
void sb_accounts_audit_put (const SbUser *actor, const SbUser *old, const SbUser *user,
                            gboolean is_sign_up);

G_END_DECLS

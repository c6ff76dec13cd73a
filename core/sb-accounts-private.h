/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-accounts-private: what the parts of the accounts share. sb-accounts.c
 * knows the users and lets them in; sb-accounts-change.c has the changes that
 * there are, sb-accounts-put.c carries them out, sb-accounts-audit.c writes
 * down what was changed.
 */
#pragma once

#include "sb-accounts.h"
#include "sb-refusals.h"
#include "sb-user-change.h"

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

  SbRefusals *refusals; /* (owned) (nullable) where log-ins are counted */
  SbCounter *dead;      /* (nullable) deliveries of users that were removed */
  gint64 refused_since; /* monotonic: when the lines of refusals were last counted from 0 */
  guint refused_lines;  /* written since then */
  guint refused_silent; /* and not written */
};

/* What is to be changed. */
typedef enum
{
  SB_PUT_LIST,    /* users are made and changed */
  SB_PUT_SIGN_UP, /* a new user makes itself */
  SB_PUT_ADMIN,   /* a new admin is made by whoever has the data folder */
  SB_PUT_IMPORT,  /* as a list; there must be an admin afterwards */
  SB_PUT_PAUSE,   /* a user that is there */
  SB_PUT_RENEWAL, /* the same password gets another hash */
  SB_PUT_REMOVAL,
} SbPutKind;

/* A change of users on its way: the task data. */
typedef struct
{
  SbPutKind kind;
  SbUser *actor;      /* (owned) (nullable) %NULL: the bus itself */
  char *removed;      /* (owned) (nullable) the user to be removed, and else: */
  GPtrArray *changes; /* (owned) (nullable) of SbUserChange */
  char **hashes;      /* (owned) of each change: its new hash, or %NULL: the password stays */
  SbUser **known;     /* (owned) of each change: the user that its password was compared with */
  guint next;         /* to be hashed */
  guint hashing;      /* in the pool */
  guint uncommitted;
  GError *error; /* (owned) (nullable) */
} SbAccountsPut;

SbAccountsPut *sb_accounts_put_new (SbPutKind kind, SbUser *actor, GPtrArray *changes);
void sb_accounts_start_put (SbAccounts *self, GTask *task, SbAccountsPut *put);
void sb_accounts_queue_put (SbAccounts *self, GTask *task, SbAccountsPut *put);

void sb_accounts_start_renewal (SbAccounts *self, GTask *task, SbUser *user, const char *password,
                                const char *renewed_hash);

void sb_accounts_note_refused (SbAccounts *self, const SbUser *user, const char *address,
                               const GError *error);

gboolean sb_accounts_forbid (GError **error, const char *why);
void sb_accounts_mirror (SbAccounts *self, SbUser *user);
void sb_accounts_audit_put (const SbAccountsPut *put, const SbUser *old, const SbUser *user);

G_END_DECLS

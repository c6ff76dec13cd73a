/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-bus: a bus on a fake clock and a test store, put together in steps,
 * so that a test of the journal has the journal only.
 */
#pragma once

#include "sb-test-path.h"
#include "sb-test-store.h"
#include "sb-test.h"

#include "sb-accounts.h"
#include "sb-bus-files.h"
#include "sb-bus.h"

G_BEGIN_DECLS

#define SB_TEST_SECOND ((gint64) G_USEC_PER_SEC)
#define SB_TEST_MINUTE (60 * SB_TEST_SECOND)

/* "secret", at the lowest cost of yescrypt: 1 ms. */
#define SB_TEST_HASH "$y$j75$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01"

typedef struct
{
  SbTestStore *store; /* (owned) */
  SbClock *clock;     /* (owned) */
  SbMetrics *metrics; /* (owned) */
  SbJournal *journal; /* (owned) open */
  SbConfig *config;   /* (owned) the group bus is declared */

  SbPasswordPool *pool;           /* (owned) (nullable) with accounts, as what follows */
  SbAuthenticator *authenticator; /* (owned) (nullable) */
  SbAccounts *accounts;           /* (owned) (nullable) loaded */
  SbBus *bus;                     /* (owned) (nullable) started */
  SbRegistry *registry;           /* (owned) (nullable) with the type `test` of outbound paths */
  char *dir;                      /* (owned) (nullable) where the vault is */
  SbVault *vault;                 /* (owned) (nullable) open */
} SbTestBus;

/* The journal. @config is what a file would say in its group bus. */
SbTestBus *sb_test_bus_new (const char *config);
/* The same and the accounts. */
SbTestBus *sb_test_bus_new_with_accounts (const char *config);
/* All of it. */
SbTestBus *sb_test_bus_new_started (const char *config);
/* All of it, and users with `connection_properties` of type `test` are called. */
SbTestBus *sb_test_bus_new_calling (const char *config);
/* All of it, and files are taken. */
SbTestBus *sb_test_bus_new_with_vault (const char *config);
/* Stops what runs, in order, and sees everything finalized. */
void sb_test_bus_free (SbTestBus *self);

/* Stops it and starts another one on the same store. */
void sb_test_bus_restart (SbTestBus *self);

/* Until nothing moves any more: journal, reads and what they cause. */
void sb_test_bus_settle (SbTestBus *self);
/* Lets time pass and looks at the clock once. */
void sb_test_bus_pass (SbTestBus *self, gint64 us);

/* Waits for the outcome. */
SbOutcome sb_test_bus_apply (SbTestBus *self, SbOperation *operation);
/* A user with the password "secret"; tags with a space between. Returns: (transfer none) when
 * there are accounts, else NULL. */
SbUser *sb_test_bus_add_user (SbTestBus *self, const char *id, const char *tags, gboolean admin);

SbUser *sb_test_bus_find (SbTestBus *self, const char *id);
/* Makes or changes users as /put_users does, by a user "admin" that it makes, and settles. */
void sb_test_bus_put_users (SbTestBus *self, const char *json);

/*
 * Sends a message. The answer is noted in @answers when it comes, with a space between: the id and
 * the number of recipients as "a:2", and behind it what applies of ":duplicate", ":?unknown",
 * ":full=id", ":confirmed" and ":unconfirmed"; or the reason of the error, with ":full=id".
 * @wait is in seconds.
 */
void sb_test_bus_publish (SbTestBus *self, const char *sender, const char *json, guint wait,
                          GString *answers);
/* One with this id and nothing else to it, and settles. */
void sb_test_bus_send (SbTestBus *self, const char *sender, const char *id, const char *to);

/* Opens a session and settles. */
SbSession *sb_test_bus_open (SbTestBus *self, const char *user, SbTestPath *path,
                             SbSessionFlags flags);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestBus, sb_test_bus_free)

G_END_DECLS

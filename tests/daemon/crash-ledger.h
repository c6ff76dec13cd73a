/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crash-ledger: what the test knows that the bus must not forget.
 *
 * A lane is a way of sending on which the order is certain: a WebSocket that sends again, after a
 * break and before anything new, all that was not acknowledged, in the order first sent; or an
 * HTTP client with one request at a time. The bus accepts the messages of a lane in the order of
 * their numbers, so a first acceptance never comes after that of a higher number, however often a
 * message was sent. Therefore first arrivals at every recipient must rise within each lane.
 *
 * Every arrival is held against the ledger at once: the message was sent, this user is among its
 * recipients, the bytes are the sender's, it is no first arrival out of order, and it was not
 * settled, which is to say that the recipient had no proof that the bus knows of its confirmation.
 */
#pragma once

#include "sb-envelope.h"

G_BEGIN_DECLS

/* The users, by their bit in a set of users. */
typedef enum
{
  CRASH_ADMIN,  /* only looks at the end what there is for it */
  CRASH_FIRST,  /* sends and receives over a WebSocket, logs in with a token */
  CRASH_SECOND, /* the same with its password */
  CRASH_BACK,   /* a back office: sends and receives over HTTP */
  CRASH_EAGER,  /* confirms at once */
  CRASH_LAZY,   /* confirms later and in any order */
  CRASH_PULLER, /* receives over HTTP */
  CRASH_LATE,   /* comes when all is over */
  CRASH_N_USERS,
} CrashUser;

typedef struct _CrashLedger CrashLedger;

CrashLedger *crash_ledger_new (GRand *rand, const char *prefix);
void crash_ledger_free (CrashLedger *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CrashLedger, crash_ledger_free)

const char *crash_user_get_name (CrashUser user);
const char *crash_user_get_tags (CrashUser user);

guint crash_ledger_add_lane (CrashLedger *self, CrashUser sender);
guint crash_ledger_make (CrashLedger *self, guint lane);
char *crash_ledger_print (CrashLedger *self, guint lane, guint number);
char *crash_ledger_print_id (CrashLedger *self, guint lane, guint number);

void crash_ledger_acknowledge (CrashLedger *self, guint lane, guint number);
void crash_ledger_arrive (CrashLedger *self, CrashUser user, const char *frame, gsize length);
void crash_ledger_confirm (CrashLedger *self, CrashUser user, const char *id);
void crash_ledger_settle (CrashLedger *self, CrashUser user, const char *id);
void crash_ledger_receipt (CrashLedger *self, CrashUser sender, const SbEnvelope *frame);

guint crash_ledger_get_n_recipients (CrashLedger *self, const char *id);
gboolean crash_ledger_has_recipient (CrashLedger *self, const char *id, const char *name);
guint crash_ledger_get_n_acknowledged (CrashLedger *self);
guint crash_ledger_get_n_made (CrashLedger *self);
guint crash_ledger_get_n_repeated (CrashLedger *self);
guint crash_ledger_get_n_receipts (CrashLedger *self);
gboolean crash_ledger_has_arrived (CrashLedger *self, CrashUser user);
GPtrArray *crash_ledger_sample (CrashLedger *self, guint n_samples);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * crash-actors: the clients of a bus that is killed again and again.
 *
 * Each connects whenever it is not connected, sends again what was not acknowledged, and tells
 * the ledger what it sees. None of them knows why a connection has ended.
 */
#pragma once

#include "crash-ledger.h"
#include "peer.h"

G_BEGIN_DECLS

#define CRASH_PASSWORD "secret"

/* What all actors share. */
typedef struct
{
  CrashLedger *ledger; /* (unowned) */
  GRand *rand;         /* (unowned) */
  guint16 http_port;
  guint16 ws_port;
  gboolean sending; /* new messages are made */
  gboolean gentle;  /* the bus is asked to stop: what it has read it commits */
  guint burst;      /* messages that every session may have unacknowledged beyond its window */
} CrashWorld;

typedef struct _CrashSession CrashSession;
typedef struct _CrashPoster CrashPoster;
typedef struct _CrashPuller CrashPuller;

/* A WebSocket. With @sends it has a lane of its own. */
CrashSession *crash_session_new (CrashWorld *world, CrashUser user, gboolean sends);
void crash_session_free (CrashSession *self);
void crash_session_fill (CrashSession *self);
gboolean crash_session_has_sent (CrashSession *self);
gboolean crash_session_is_quiet (CrashSession *self);

/* A connection for `POST /put` with a lane of its own. */
CrashPoster *crash_poster_new (CrashWorld *world, CrashUser user);
void crash_poster_free (CrashPoster *self);

/* A connection for `/get` and `/confirm`. */
CrashPuller *crash_puller_new (CrashWorld *world, CrashUser user);
void crash_puller_free (CrashPuller *self);
gboolean crash_puller_is_quiet (CrashPuller *self);

G_END_DECLS

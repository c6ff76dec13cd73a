/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-session-private: what the files of a session share.
 *
 * sb-client-session.c: connecting, logging in, and again. sb-client-session-frames.c: what the bus
 * says, and what is said to it.
 */
#pragma once

#include "sb-client-recent.h"
#include "sb-client-session.h"
#include "sb-client-socket.h"

G_BEGIN_DECLS

typedef enum
{
  SB_CLIENT_PHASE_CLOSED,
  SB_CLIENT_PHASE_CONNECTING, /* there is a socket that is not open */
  SB_CLIENT_PHASE_LOGGING_IN, /* it is open, and the bus has not greeted */
  SB_CLIENT_PHASE_OPEN,
  SB_CLIENT_PHASE_WAITING, /* for the next attempt; there is no socket */
  SB_CLIENT_PHASE_CLOSING, /* we said good-bye */
} SbClientPhase;

struct _SbClientSession
{
  SbClient *client;       /* (unowned) */
  GMainContext *context;  /* (owned) */
  SbClientSocket *socket; /* (owned) (nullable) */
  SbClientPhase phase;
  GPtrArray *connects; /* (owned) of GTask: who waits for the first session */
  GTask *closing;      /* (owned) (nullable) */
  GSource *timer;      /* (owned) (nullable): of the phase */
  SbClientBackoff backoff;
  gint64 begun;   /* the last attempt; monotonic µs */
  gint64 opened;  /* the session; monotonic µs */
  char *token;    /* (owned) (nullable): logs in without the password */
  guint n_checks; /* of the log-in */
  gboolean used_token;
  gboolean was_open;     /* since the program asked for it */
  gboolean is_legacy;    /* the bus did not greet: it is an old one */
  gboolean was_heard;    /* something came since the log-in was sent */
  gboolean has_progress; /* a message came or was accepted in this session */
  gboolean was_greeted;  /* and that was for nobody but who is logged in */
  guint64 pinged;        /* the mark of a ping on its way; 0: none is */
  GQueue confirmations;  /* (owned) of ids, of the time without a session */
  SbClientRecent *confirmed;
  GString *scratch;         /* (owned): a frame is built here */
  GNetworkMonitor *monitor; /* (owned) (nullable) */
};

/* sb-client-session.c */
void sb_client_session_open (SbClientSession *self, gboolean is_legacy);
/* Hangs up for @error, and tries again later. */
void sb_client_session_break (SbClientSession *self, const GError *error);

/* sb-client-session-frames.c */
void sb_client_session_log_in (SbClientSession *self);
void sb_client_session_take (SbClientSession *self, const char *data, gsize length);
void sb_client_session_take_pong (SbClientSession *self, guint64 mark);
void sb_client_session_send_confirmations (SbClientSession *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-session-private: what the files of a session share.
 *
 * sb-soup-session.c: life, flow, liveness. sb-soup-session-login.c: from the
 * connect frame to the open session. sb-soup-session-frames.c: what an open
 * session says.
 */
#pragma once

#include "sb-soup-frame.h"
#include "sb-soup-session.h"

G_BEGIN_DECLS

typedef enum
{
  STATE_AWAITING, /* no connect frame yet */
  STATE_OPENING,  /* the password is verified, or the session has to wait */
  STATE_OPEN,
  STATE_CLOSING,
} SbSoupSessionState;

/* Why the socket is not read from. */
typedef enum
{
  PAUSE_LOGIN = 1 << 0,     /* frames wait until the user is known */
  PAUSE_CONGESTED = 1 << 1, /* the journal is full; frames wait for that */
  PAUSE_BACKLOG = 1 << 2,   /* the client does not read what it is sent */
  PAUSE_RATE = 1 << 3,      /* it sends more than it may; frames wait until it may again */
} SbSoupPause;

/* Frames that are read during these are held. */
#define PAUSE_HOLDING (PAUSE_LOGIN | PAUSE_CONGESTED | PAUSE_RATE)

struct _SbSoupSession
{
  GObject parent_instance;

  SbSoupTransport *transport;      /* (owned) */
  SoupWebsocketConnection *socket; /* (owned) (nullable): NULL once it is closed */
  SbConnection *connection;        /* (owned) */
  SbSession *session;              /* (owned) (nullable): what the bus knows it by */
  SbUser *user;                    /* (owned) (nullable) */
  SbConnectFrame *login;           /* (owned) (nullable): while the state is OPENING */
  GCancellable *cancellable;       /* (owned) (nullable): of the log-in */
  char *address;                   /* (owned) */
  GQueue held;                     /* (element-type GBytes) (owned) */
  GQueue publications;             /* of this session, in the order sent, if it wants to know */
  SbAllowance allowance;           /* once it is logged in */
  GList link;                      /* in the transport's list */
  GList throttle_link;             /* in the transport's list of those that are over a rate */
  gint64 since;                    /* of the state, monotonic µs */
  gint64 resumed;                  /* when reading went on last */
  gint64 next_ping;
  guint delay_source;
  guint state : 3;
  guint pauses : 4;
  guint wants_accepted : 1;
  guint is_throttled : 1; /* in that list */
  guint was_unready : 1;  /* the bus was told to wait */
  guint was_heard : 1;    /* a newer session took over: what it had said still counts */
};

void sb_soup_session_set_state (SbSoupSession *self, SbSoupSessionState state);
void sb_soup_session_send (SbSoupSession *self, GBytes *frame);
void sb_soup_session_send_take (SbSoupSession *self, GBytes *frame);
void sb_soup_session_pause (SbSoupSession *self, SbSoupPause reason);
void sb_soup_session_resume (SbSoupSession *self, SbSoupPause reason);
void sb_soup_session_throttle (SbSoupSession *self);
void sb_soup_session_close (SbSoupSession *self, gushort code, const char *reason);

/* sb-soup-session-login.c */
void sb_soup_session_log_in (SbSoupSession *self, const SbEnvelope *envelope);

/* sb-soup-session-frames.c */
void sb_soup_session_handle (SbSoupSession *self, GBytes *frame);
void sb_soup_session_forget_publications (SbSoupSession *self);

G_END_DECLS

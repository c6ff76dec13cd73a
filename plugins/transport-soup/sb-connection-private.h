/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-connection-private: what the files of sb-connection share.
 *
 * sb-connection.c: life, phases, getters. sb-connection-address.c: whose it is.
 * sb-connection-io.c: the socket, the two buffers and
 * their bounds. sb-connection-lend.c: output of somebody else. sb-connection-close.c: how it ends.
 * sb-connection-streams.c: the two streams and their sources, as GIO wants them.
 */
#pragma once

#include "sb-connection.h"
#include "sb-gather.h"
#include "sb-http-framing.h"

G_BEGIN_DECLS

/* How far an end has come. Reading and writing are over as soon as it is not OPEN. */
typedef enum
{
  SB_CONNECTION_OPEN,
  SB_CONNECTION_DRAINING,  /* writing what was gathered */
  SB_CONNECTION_FAREWELL,  /* TLS says good-bye, in a thread */
  SB_CONNECTION_LINGERING, /* our end is shut; discarding until the peer shuts its own */
  SB_CONNECTION_CLOSED,
} SbConnectionState;

struct _SbConnection
{
  GIOStream parent_instance;

  SbPollerWatch watch;
  GIOStream *base;                   /* (owned) (nullable): gone when closed */
  GSocket *socket;                   /* (owned) (nullable): likewise */
  GPollableInputStream *tls_input;   /* (unowned) (nullable): of @base, when it is TLS */
  GPollableOutputStream *tls_output; /* (unowned) (nullable) */
  GInputStream *input;               /* (owned) */
  GOutputStream *output;             /* (owned) */
  GSList *input_sources;             /* (element-type SbReadySource) (unowned) */
  GSList *output_sources;            /* (element-type SbReadySource) (unowned) */
  GSocketAddress *remote;            /* (owned) (nullable): made when asked for */
  GSocketAddress *local;             /* (owned) (nullable): likewise */
  char *remote_text;                 /* (owned) */
  gpointer tag;
  SbConnectionLimits limits;

  SbGather ahead;   /* read from the socket, not yet asked for */
  gsize budget;     /* bytes that may still be read in this turn */
  gsize unfinished; /* bytes handed up since the last complete message */
  gsize max_unfinished;
  gint64 last_input;     /* monotonic µs */
  SbHttpFraming framing; /* of what was handed up */

  SbGather gathered; /* written by libsoup, not yet by us */
  gsize tls_retry;   /* bytes that TLS wants to be offered again */
  guint64 written;
  gint64 output_since; /* monotonic µs: since when nothing of @gathered was taken */
  GSList *flushes;     /* (element-type GTask) (owned) */
  GSList *writers;     /* (element-type SbWriter) (unowned): threads that wait for room */
  SbConnectionFunc drained_func;
  gpointer drained_data;

  SbConnectionFunc lend_func; /* (nullable): somebody else writes */
  gpointer lend_data;
  int unacknowledged; /* bytes, when it was last looked at */

  GError *failure;        /* (owned) (nullable): what reading and writing fail with */
  GError *output_failure; /* (owned) (nullable): what writing fails with */
  GTask *closing;         /* (owned) (nullable): the asynchronous close */
  GCancellable *farewell; /* (owned) (nullable) */
  gsize discarded;
  SbConnectionFunc closed_func;
  gpointer closed_data;

  gint64 phase_since;
  gint64 first_byte; /* monotonic µs; 0: nothing was read in this phase */

  guint state : 3; /* SbConnectionState */
  guint phase : 3; /* SbConnectionPhase */
  guint readable : 1;
  guint writable : 1;
  guint hung_up : 1; /* the peer shut its end */
  guint paused : 1;
  guint blocked : 1; /* the writer was told to wait */
  guint above_mark : 1;
  guint awaiting : 1; /* the borrower wants to be called when there is room */
  guint drained : 1;  /* to be told from the loop */
  guint finished : 1; /* likewise: that it is closed */
  guint served : 1;   /* it is past its first request's headers */
  guint disposing : 1;
  guint is_tls : 1;
  guint kept : 1; /* holds a reference on itself while it closes */
};

/* sb-connection.c */
void sb_connection_queue_notify (SbConnection *self);

/* sb-connection-address.c */
char *sb_connection_describe_remote (GSocket *socket);
void sb_connection_forget_remote (SbConnection *self);

/* sb-connection-io.c */
gssize sb_connection_read (SbConnection *self, void *buffer, gsize count, GError **error);
gssize sb_connection_read_anyway (SbConnection *self, void *buffer, gsize count, GError **error);
gssize sb_connection_write (SbConnection *self, const void *buffer, gsize count, GError **error);
void sb_connection_flush (SbConnection *self);
gboolean sb_connection_can_read (SbConnection *self);
gboolean sb_connection_can_write (SbConnection *self);
void sb_connection_refill_budget (SbConnection *self);
gboolean sb_connection_set_would_block (GError **error);
gboolean sb_connection_set_failure (SbConnection *self, GError **error);
gboolean sb_connection_set_output_failure (SbConnection *self, GError **error);

/* sb-connection-lend.c */
void sb_connection_note_room (SbConnection *self);
void sb_connection_tell_borrower (SbConnection *self);
void sb_connection_note_progress (SbConnection *self, gint64 now);

/* sb-connection-close.c */
void sb_connection_begin_close (SbConnection *self);
void sb_connection_step_close (SbConnection *self);
void sb_connection_finish (SbConnection *self);

/* sb-connection-streams.c */
GInputStream *sb_connection_input_new (SbConnection *self);
GOutputStream *sb_connection_output_new (SbConnection *self);
void sb_connection_streams_detach (SbConnection *self);
void sb_connection_wake (GSList *sources);
void sb_connection_lull (GSList *sources);
void sb_connection_serve_writers (SbConnection *self);

G_END_DECLS

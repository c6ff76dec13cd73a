/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-socket-private: what the files of a socket share.
 *
 * sb-client-socket-dial.c: from the address to the end of the handshake. sb-client-socket.c: bytes
 * both ways, liveness, the end.
 */
#pragma once

#include "sb-client-socket.h"

G_BEGIN_DECLS

typedef enum
{
  SB_CLIENT_SOCKET_DIALLING, /* names, TCP, TLS */
  SB_CLIENT_SOCKET_SHAKING,  /* the request for the upgrade was sent */
  SB_CLIENT_SOCKET_OPEN,
  SB_CLIENT_SOCKET_CLOSING, /* we said good-bye */
  SB_CLIENT_SOCKET_CLOSED,
} SbClientSocketState;

struct _SbClientSocket
{
  grefcount ref_count;   /* of the owner, and of whatever is under way */
  SbClient *client;      /* (unowned) (nullable): gone when the owner is */
  GMainContext *context; /* (owned) */
  SbClientSocketFuncs funcs;
  gpointer user_data;
  SbClientSocketState state;

  char *url;                 /* (owned) */
  GUri *uri;                 /* (owned) */
  char *key;                 /* (owned): of the handshake */
  GCancellable *cancellable; /* (owned) */
  GTlsDatabase *database;    /* (owned) (nullable) */
  GProxyResolver *resolver;  /* (owned) (nullable) */

  GIOStream *stream;             /* (owned) (nullable) */
  GPollableInputStream *input;   /* (unowned) */
  GPollableOutputStream *output; /* (unowned) */
  GSource *reader;               /* (owned) (nullable) */
  GSource *writer;               /* (owned) (nullable): while the stream takes no more */
  GSource *turn;                 /* (owned) (nullable): writes, and goes on with frames */
  GSource *timer;                /* (owned) (nullable) */
  SbClientDecoder decoder;
  GByteArray *out; /* (owned) */
  gsize written;   /* of it */
  gsize offered;   /* bytes that the stream did not take, and that TLS wants to be offered again */
  GError *write_error; /* (owned) (nullable): to be told from the loop */

  gint64 deadline;   /* monotonic µs; 0: none */
  gint64 last_input; /* monotonic µs */
  gint64 next_ping;
  gint64 probe; /* when there must have been input again; 0: nobody asked */
  guint close_code;
  char *close_reason;  /* (owned) (nullable) */
  gboolean has_frames; /* some are left for the next turn */
  gboolean was_full;
};

SbClientSocket *sb_client_socket_ref (SbClientSocket *self);
void sb_client_socket_unref (SbClientSocket *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbClientSocket, sb_client_socket_unref)

/* sb-client-socket-dial.c */
gboolean sb_client_socket_dial (SbClientSocket *self, GError **error);
/* Looks at what came of the answer. Returns: %FALSE with an error when it is none of a WebSocket */
gboolean sb_client_socket_check_answer (SbClientSocket *self, gboolean *done, GError **error);
char *sb_client_socket_make_request (SbClientSocket *self);

/* sb-client-socket.c */
/* The stream is there: asks for the upgrade. */
void sb_client_socket_start (SbClientSocket *self, GIOStream *stream);
void sb_client_socket_fail (SbClientSocket *self, const GError *error);

G_END_DECLS

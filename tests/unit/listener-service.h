/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * listener-service: a SoupServer over a listener, and clients of it.
 *
 * `/` says hello, `/big` gives a lot, `/chunked` answers in chunks, `/echo` is a WebSocket on the
 * connection itself.
 */
#pragma once

#include "sb-listener.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

#define BIG_SIZE (3 * 1024 * 1024)

typedef struct
{
  SbListener *listener;
  SoupServer *server;
  SoupSession *session;
  guint16 port;
  int silent_fd;
  guint handed;                        /* connections handed over */
  SbConnection *last;                  /* (weak): the latest of them */
  SbConnection *held;                  /* (owned) (nullable): with @hold */
  gboolean hold;                       /* keep connections instead of serving them */
  GPtrArray *websockets;               /* (owned) */
  GTlsCertificate *server_certificate; /* (owned) (nullable): what a client saw last */
} SbService;

SbService *sb_service_new (const SbListenerOptions *options);
void sb_service_free (SbService *service);

GSocket *sb_service_connect (SbService *service);
void sb_service_send (GSocket *client, const char *text);
/* Reads all up to the end, or to a reset. */
char *sb_service_receive_all (GSocket *client);
/* Reads until @text has come. */
void sb_service_expect (GSocket *client, const char *text);
/* Fetches @path. Returns: the body; %NULL with an error. */
GBytes *sb_service_get (SbService *service, const char *scheme, const char *path, GError **error);
/* Waits for so many open connections. */
void sb_service_wait_open (SbService *service, guint open);
SbListenerStats sb_service_get_stats (SbService *service);
GTlsCertificate *sb_service_certificate (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbService, sb_service_free)

G_END_DECLS

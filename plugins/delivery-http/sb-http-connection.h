/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-connection: carries one message after the other to a recipient, over a connection that
 * is made when there is something to carry and kept for a while afterwards.
 */
#pragma once

#include "sb-http-client.h"
#include "sb-http-properties.h"

G_BEGIN_DECLS

typedef struct _SbHttpConnection SbHttpConnection;

/**
 * SbHttpOutcome:
 * @attempt: how it went; status 0: there was no answer, and the text says why
 * @retry_after: how long the recipient wants to be left alone, microseconds; 0: it did not say
 *
 * What became of a message.
 */
typedef struct
{
  SbAttempt attempt;
  gint64 retry_after;
} SbHttpOutcome;

/**
 * SbHttpConnectionFuncs:
 * @answered: a message has come to its end. @message: (transfer full)
 * @ready: the connection is free again, some time after it had told of an answer
 *
 * What a connection says, always from the main loop. Both may free it.
 */
typedef struct
{
  void (*answered) (SbHttpConnection *self, SbMessage *message, const SbHttpOutcome *outcome,
                    gpointer user_data);
  void (*ready) (SbHttpConnection *self, gpointer user_data);
} SbHttpConnectionFuncs;

SbHttpConnection *sb_http_connection_new (SbHttpClient *client, const SbHttpProperties *properties,
                                          const char *prefix, SbClock *clock,
                                          const SbHttpConnectionFuncs *funcs, gpointer user_data);
void sb_http_connection_free (SbHttpConnection *self);
void sb_http_connection_send (SbHttpConnection *self, SbMessage *message);
gboolean sb_http_connection_is_free (SbHttpConnection *self);
gboolean sb_http_connection_is_open (SbHttpConnection *self);

G_END_DECLS

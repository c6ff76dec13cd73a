/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-http: a request from its headers to its answer. The endpoints see an
 * SbRequest: who asks, the whole body, and one call that answers, now or later.
 */
#pragma once

#include "sb-soup-transport.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _SbEndpoint SbEndpoint;
typedef struct _SbRequest SbRequest;

/**
 * SbRequest:
 *
 * A request of an HTTP client. It may outlive its connection: answering one
 * whose client is gone does nothing.
 */
struct _SbRequest
{
  SbSoupTransport *transport; /* (owned) */
  SoupServerMessage *message; /* (unowned) (nullable): NULL when the client is gone or answered */
  SbConnection *connection;   /* (owned) (nullable) */
  const SbEndpoint *endpoint; /* (nullable) */
  SbUser *user;               /* (owned) (nullable): who asks */
  GBytes *body;               /* (owned) (nullable): once it is complete */
  GHashTable *query;          /* (owned) (nullable) */
  char *id;                   /* (owned) (nullable): user id that tries to log in */
  GInetAddress *address;      /* (owned) (nullable): of the client, proxies looked through */
  GCancellable *cancellable;  /* (owned): cancelled when the client is gone */
  GList link;                 /* in the transport's list */
  gsize received;
  gsize limit;
  guint refs;
  guint has_body : 1; /* it came with a body that was not read yet */
  guint upgrade : 1;
  guint paused : 1;
  guint answered : 1;
  guint waiting : 1; /* a long poll: pointless when the peer has hung up */
};

void sb_http_attach (SbSoupTransport *transport);
void sb_http_cancel_abandoned (SbSoupTransport *transport);
void sb_http_cancel_all (SbSoupTransport *transport);

SbRequest *sb_request_ref (SbRequest *self);
void sb_request_unref (SbRequest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbRequest, sb_request_unref)

const char *sb_request_get_header (SbRequest *self, const char *name);
void sb_request_set_header (SbRequest *self, const char *name, const char *value);
char *sb_request_dup_tail (SbRequest *self, const char *prefix);
GInetAddress *sb_request_get_address (SbRequest *self);
char *sb_request_dup_address (SbRequest *self);

void sb_request_answer (SbRequest *self, guint status, const char *type, GString *body);
void sb_request_answer_static (SbRequest *self, const char *type, GBytes *body);
void sb_request_answer_json (SbRequest *self, guint status, GString *json);
void sb_request_redirect (SbRequest *self, const char *location);
void sb_request_problem (SbRequest *self, guint status, const char *reason, const char *detail);
void sb_request_fail (SbRequest *self, const GError *error, const char *const *full);

G_END_DECLS

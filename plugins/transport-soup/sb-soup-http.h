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
 * SbBodyFuncs:
 * @begin: headers are there, and who asks is known; may answer
 * @chunk: bytes of the body; may answer, and is not called after that
 * @end: the body is complete; in place of the endpoint's handler
 * @gone: the client is gone or has its answer; called once in any case, also without @begin
 *
 * A reader takes a body as it comes. To make the client wait it pauses the
 * connection, not the request.
 */
typedef struct
{
  void (*begin) (SbRequest *request);
  void (*chunk) (SbRequest *request, GBytes *bytes);
  void (*end) (SbRequest *request);
  void (*gone) (SbRequest *request);
} SbBodyFuncs;

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
  const SbBodyFuncs *reader;  /* (nullable): takes the body instead */
  gpointer reader_data;       /* (nullable): the reader's own */
  GHashTable *query;          /* (owned) (nullable) */
  char *range;                /* (owned) (nullable): `Range`, which libsoup does not see */
  char *id;                   /* (owned) (nullable): user id that tries to log in */
  GInetAddress *address;      /* (owned) (nullable): of the client, proxies looked through */
  GCancellable *cancellable;  /* (owned): cancelled when the client is gone */
  GList link;                 /* in the transport's list */
  gint64 started;             /* monotonic: when its headers were there */
  gsize received;
  gsize limit;
  guint refs;
  guint has_body : 1; /* it came with a body that was not read yet */
  guint upgrade : 1;
  guint paused : 1;
  guint answered : 1;
  guint waiting : 1; /* a long poll: pointless when the peer has hung up */
};

void sb_request_count_problem (SbRequest *self, const char *reason);

void sb_http_attach (SbSoupTransport *transport);
void sb_http_cancel_abandoned (SbSoupTransport *transport);
void sb_http_cancel_all (SbSoupTransport *transport);

SbRequest *sb_request_ref (SbRequest *self);
void sb_request_unref (SbRequest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbRequest, sb_request_unref)

const char *sb_request_get_path (SbRequest *self);
const char *sb_request_get_header (SbRequest *self, const char *name);
void sb_request_set_header (SbRequest *self, const char *name, const char *value);
char *sb_request_dup_tail (SbRequest *self, const char *prefix);
GInetAddress *sb_request_get_address (SbRequest *self);
char *sb_request_dup_address (SbRequest *self);
char *sb_request_dup_base_url (SbRequest *self);
gboolean sb_request_is_secure (SbRequest *self);

/* sb-soup-answer.c */
gboolean sb_request_can_answer (SbRequest *self);
void sb_request_answer (SbRequest *self, guint status, const char *type, GString *body);
void sb_request_answer_static (SbRequest *self, const char *type, GBytes *body);
void sb_request_answer_json (SbRequest *self, guint status, GString *json);
void sb_request_redirect (SbRequest *self, const char *location);
void sb_request_problem (SbRequest *self, guint status, const char *reason, const char *detail);
GIOStream *sb_request_steal (SbRequest *self, guint status, char **head);
void sb_request_fail (SbRequest *self, const GError *error, const char *const *full);

G_END_DECLS

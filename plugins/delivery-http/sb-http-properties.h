/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-http-properties: what `connection_properties` say about a recipient that is an HTTP server. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define SB_HTTP_MAX_PARALLEL 64

/**
 * SbHttpProperties:
 * @is_tls: https
 * @host: ASCII; an IPv6 address without brackets
 * @port: never 0
 * @authority: host and port as they stand in the header Host
 * @path: of the requests, `/data` at its end, in ASCII
 * @authorization: (nullable): value of the header Authorization
 * @secret: (nullable): key of the signatures
 * @parallel: how many requests may be under way, 1 to %SB_HTTP_MAX_PARALLEL
 *
 * A recipient. All fields are read-only.
 */
typedef struct
{
  gboolean is_tls;
  char *host; /* (owned) */
  guint16 port;
  char *authority;     /* (owned) */
  char *path;          /* (owned) */
  char *authorization; /* (owned) (nullable) */
  GBytes *secret;      /* (owned) (nullable) */
  guint parallel;
} SbHttpProperties;

SbHttpProperties *sb_http_properties_parse (const char *json, GError **error);
void sb_http_properties_free (SbHttpProperties *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbHttpProperties, sb_http_properties_free)

G_END_DECLS

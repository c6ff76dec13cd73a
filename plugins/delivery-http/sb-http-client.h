/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-http-client: what all paths to HTTP recipients of one bus share. */
#pragma once

#include "sb-http-guard.h"
#include "sb-http-poller.h"
#include "simplebus.h"

G_BEGIN_DECLS

#define SB_HTTP_GROUP "delivery-http"
#define SB_HTTP_SCRATCH_SIZE (16 * 1024)

/**
 * SbHttpClient:
 * @poller: watches all sockets
 * @guard: which addresses are not called
 * @timeout: for an exchange, from the first step to the last, microseconds
 * @idle_timeout: after which a connection without a message is closed, microseconds
 * @scratch: that anybody may use until returning to the main loop
 *
 * All fields are read-only.
 */
typedef struct
{
  SbHttpPoller *poller; /* (owned) */
  SbHttpGuard *guard;   /* (owned) */
  gint64 timeout;
  gint64 idle_timeout;
  char scratch[SB_HTTP_SCRATCH_SIZE];

  /*< private >*/
  guint ref_count;
  SbConfig *config;          /* (owned) */
  GTlsDatabase *authorities; /* (owned) (nullable) of `ca-file` */
} SbHttpClient;

SbHttpClient *sb_http_client_get (SbConfig *config, GError **error);
SbHttpClient *sb_http_client_ref (SbHttpClient *self);
void sb_http_client_unref (SbHttpClient *self);
gboolean sb_http_client_load_authorities (SbHttpClient *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbHttpClient, sb_http_client_unref)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-http-guard: addresses that are never called, whatever a name resolves to. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The link-local networks, where clouds tell a machine its secrets, and the other addresses at
 * which they do: Alibaba, Azure, Oracle; AWS, Google, Oracle and Scaleway over IPv6. */
#define SB_HTTP_METADATA_ADDRESSES                            \
  "169.254.0.0/16;100.100.100.200;168.63.129.16;192.0.0.192;" \
  "fe80::/10;fd00:ec2::254;fd20:ce::254;fd00:c1::a9fe:a9fe;fd00:42::42"

typedef struct _SbHttpGuard SbHttpGuard;

SbHttpGuard *sb_http_guard_new (const char *const *denied, GError **error);
void sb_http_guard_free (SbHttpGuard *self);
gboolean sb_http_guard_check (SbHttpGuard *self, GInetAddress *address, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbHttpGuard, sb_http_guard_free)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-address: who is at the other end, seen through the reverse proxies
 * that the configuration trusts.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SbProxyList SbProxyList;

SbProxyList *sb_proxy_list_new (const char *const *words, GError **error);
void sb_proxy_list_free (SbProxyList *self);
gboolean sb_proxy_list_contains (SbProxyList *self, GInetAddress *address);
gboolean sb_proxy_list_trusts (SbProxyList *self, GInetAddress *peer);
GInetAddress *sb_proxy_list_resolve (SbProxyList *self, GInetAddress *peer, const char *forwarded,
                                     const char *x_forwarded_for);

gboolean sb_peer_is_private (GInetAddress *address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbProxyList, sb_proxy_list_free)

G_END_DECLS

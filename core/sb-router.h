/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-router: addresses → the set of recipients. Pure: it looks at the
 * directory and changes nothing.
 */
#pragma once

#include "sb-address.h"
#include "sb-directory.h"
#include "sb-operation.h"

G_BEGIN_DECLS

/**
 * SbRoute:
 * @targets: (element-type SbTarget): each recipient once
 * @unknown: (nullable) (element-type utf8): addresses that match nobody, as they were written
 *
 * Where a message goes.
 */
typedef struct
{
  GArray *targets;
  GPtrArray *unknown;
} SbRoute;

SbRoute *sb_router_resolve (SbDirectory *directory, const SbUser *sender, SbAddressList *to,
                            guint max_recipients, GError **error);
void sb_route_free (SbRoute *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbRoute, sb_route_free)

G_END_DECLS

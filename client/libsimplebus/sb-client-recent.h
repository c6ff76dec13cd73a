/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-recent: a bounded memory of ids; when it is full the oldest is forgotten. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbClientRecent SbClientRecent;

SbClientRecent *sb_client_recent_new (guint size);
void sb_client_recent_free (SbClientRecent *self);
void sb_client_recent_add (SbClientRecent *self, const char *id);
gboolean sb_client_recent_has (SbClientRecent *self, const char *id);

G_END_DECLS

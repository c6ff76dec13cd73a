/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-stream: a thread writes to a connection as if it were a file that may block, and the main
 * loop never does.
 */
#pragma once

#include "sb-connection.h"

#include "simplebus.h"

G_BEGIN_DECLS

typedef struct _SbStream SbStream;

SbStream *sb_stream_new (SbConnection *connection, GCancellable *cancellable);
void sb_stream_free (SbStream *self, const char *last);

gboolean sb_stream_write (SbStream *self, const void *data, gsize length, GError **error);

G_END_DECLS

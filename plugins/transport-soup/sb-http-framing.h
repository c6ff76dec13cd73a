/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-framing: where the requests on a connection begin and end.
 *
 * It is fed the bytes that libsoup gets and is stricter than libsoup 3.2, which takes a chunk
 * size that is no number, and an end in the middle of a chunked body, for the end of the body.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Of a header line; of those that matter, longer ones are not taken. */
#define SB_HTTP_FRAMING_LINE_MAX 64

/**
 * SbHttpFraming:
 *
 * The state. All zeros is a connection before its first request; nothing needs to be freed.
 */
typedef struct
{
  /*< private >*/
  guint64 left;      /* of the body or of the chunk's data */
  gsize line_length; /* of the line so far, without its line feed */
  guint8 state;
  guint8 digits;         /* of the chunk's size */
  guint8 has_length : 1; /* what the request's head says */
  guint8 is_chunked : 1;
  guint8 may_continue : 1; /* the line before was one of those that matter */
  guint8 has_trailer : 1;
  char line[SB_HTTP_FRAMING_LINE_MAX]; /* its beginning */
} SbHttpFraming;

gboolean sb_http_framing_feed (SbHttpFraming *self, const void *data, gsize length);
gboolean sb_http_framing_is_in_body (const SbHttpFraming *self);
gboolean sb_http_framing_is_idle (const SbHttpFraming *self);
void sb_http_framing_stop (SbHttpFraming *self);

G_END_DECLS

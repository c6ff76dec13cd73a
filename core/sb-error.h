/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-error: why something was refused, by meaning and not by library.
 *
 * Every layer reports in SB_ERROR; a transport maps the code to its own words
 * (an HTTP status, an ERROR frame) without looking at the message.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * SbError:
 * @SB_ERROR_FAILED: something the code has no better word for
 * @SB_ERROR_INVALID: the input is malformed; the message names place and cause
 * @SB_ERROR_UNAUTHORIZED: not logged in, or the wrong password
 * @SB_ERROR_FORBIDDEN: logged in, but not allowed
 * @SB_ERROR_NOT_FOUND: no such user, message or address
 * @SB_ERROR_CONFLICT: the name or `_id` belongs to somebody else
 * @SB_ERROR_TOO_LARGE: over a size or count that the configuration sets
 * @SB_ERROR_FULL: a recipient's queue is at its limit
 * @SB_ERROR_RATE: too often; come back later
 * @SB_ERROR_BUSY: an internal bound is reached (journal, workers); come back soon
 * @SB_ERROR_NO_SPACE: the disk is full or below its reserve
 * @SB_ERROR_TRANSIENT: the outside failed in a way that may pass
 * @SB_ERROR_CORRUPT: stored data is damaged
 * @SB_ERROR_UNSUPPORTED: a newer format, another ABI, a missing plugin
 * @SB_ERROR_CLOSED: the object is stopping or was closed
 *
 * Codes of %SB_ERROR.
 */
typedef enum
{
  SB_ERROR_FAILED,
  SB_ERROR_INVALID,
  SB_ERROR_UNAUTHORIZED,
  SB_ERROR_FORBIDDEN,
  SB_ERROR_NOT_FOUND,
  SB_ERROR_CONFLICT,
  SB_ERROR_TOO_LARGE,
  SB_ERROR_FULL,
  SB_ERROR_RATE,
  SB_ERROR_BUSY,
  SB_ERROR_NO_SPACE,
  SB_ERROR_TRANSIENT,
  SB_ERROR_CORRUPT,
  SB_ERROR_UNSUPPORTED,
  SB_ERROR_CLOSED,
} SbError;

#define SB_ERROR (sb_error_quark ())

GQuark sb_error_quark (void);
const char *sb_error_reason (const GError *error);
gboolean sb_error_is_transient (const GError *error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-error: why something did not work, by what the caller can do about it. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Everything that is not marked so stays inside of the library. */
#define SB_CLIENT_API __attribute__ ((visibility ("default"))) extern

/**
 * SbClientError:
 * @SB_CLIENT_ERROR_FAILED: nothing of the others
 * @SB_CLIENT_ERROR_INVALID: what was given is not what it should be; the same again fails again
 * @SB_CLIENT_ERROR_UNAUTHORIZED: wrong user or password
 * @SB_CLIENT_ERROR_FORBIDDEN: this user may not do it
 * @SB_CLIENT_ERROR_NOT_FOUND: there is no such thing, or nobody at that address
 * @SB_CLIENT_ERROR_CONFLICT: it is in no state for that, or the id is taken
 * @SB_CLIENT_ERROR_TOO_LARGE: over a limit of the bus
 * @SB_CLIENT_ERROR_BUSY: a rate, a full queue, or a bus that asks to come again later
 * @SB_CLIENT_ERROR_NO_SPACE: a disk or a quota is full, here or there
 * @SB_CLIENT_ERROR_OFFLINE: the bus cannot be reached, or the connection broke
 * @SB_CLIENT_ERROR_TIMED_OUT: it did not answer in time
 * @SB_CLIENT_ERROR_CORRUPT: what came is not what was announced, or a state file is damaged
 * @SB_CLIENT_ERROR_CLOSED: the client was closed, or another one took its session over
 * @SB_CLIENT_ERROR_PROTOCOL: what answers there does not speak as a bus does
 *
 * Errors of the client.
 */
typedef enum
{
  SB_CLIENT_ERROR_FAILED,
  SB_CLIENT_ERROR_INVALID,
  SB_CLIENT_ERROR_UNAUTHORIZED,
  SB_CLIENT_ERROR_FORBIDDEN,
  SB_CLIENT_ERROR_NOT_FOUND,
  SB_CLIENT_ERROR_CONFLICT,
  SB_CLIENT_ERROR_TOO_LARGE,
  SB_CLIENT_ERROR_BUSY,
  SB_CLIENT_ERROR_NO_SPACE,
  SB_CLIENT_ERROR_OFFLINE,
  SB_CLIENT_ERROR_TIMED_OUT,
  SB_CLIENT_ERROR_CORRUPT,
  SB_CLIENT_ERROR_CLOSED,
  SB_CLIENT_ERROR_PROTOCOL,
} SbClientError;

#define SB_CLIENT_ERROR (sb_client_error_quark ())

SB_CLIENT_API GQuark sb_client_error_quark (void);
SB_CLIENT_API gboolean sb_client_error_is_transient (const GError *error);

G_END_DECLS

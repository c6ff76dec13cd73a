/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-error: the error domain and the questions callers ask of an error. */

#include "sb-error.h"

#include <gio/gio.h>

G_DEFINE_QUARK (sb-error-quark, sb_error)

static const char *const reasons[] = {
  [SB_ERROR_FAILED] = "failed",
  [SB_ERROR_INVALID] = "invalid",
  [SB_ERROR_UNAUTHORIZED] = "unauthorized",
  [SB_ERROR_FORBIDDEN] = "forbidden",
  [SB_ERROR_NOT_FOUND] = "not-found",
  [SB_ERROR_CONFLICT] = "conflict",
  [SB_ERROR_TOO_LARGE] = "too-large",
  [SB_ERROR_FULL] = "full",
  [SB_ERROR_RATE] = "rate",
  [SB_ERROR_BUSY] = "busy",
  [SB_ERROR_NO_SPACE] = "no-space",
  [SB_ERROR_TRANSIENT] = "transient",
  [SB_ERROR_CORRUPT] = "corrupt",
  [SB_ERROR_UNSUPPORTED] = "unsupported",
  [SB_ERROR_CLOSED] = "closed",
};

/**
 * sb_error_reason:
 * @error: an error of any domain
 *
 * Returns: (transfer none): one lower-case word that programs can compare:
 *   the `reason` of a problem document, a metrics label
 */
const char *
sb_error_reason (const GError *error)
{
  g_return_val_if_fail (error != NULL, reasons[SB_ERROR_FAILED]);

  if (error->domain == SB_ERROR && (gsize) error->code < G_N_ELEMENTS (reasons))
    return reasons[error->code];
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    return reasons[SB_ERROR_NO_SPACE];
  if (sb_error_is_transient (error))
    return reasons[SB_ERROR_TRANSIENT];
  return reasons[SB_ERROR_FAILED];
}

/**
 * sb_error_is_transient:
 * @error: an error of any domain
 *
 * Returns: %TRUE when the same request may succeed later without a change
 */
gboolean
sb_error_is_transient (const GError *error)
{
  g_return_val_if_fail (error != NULL, FALSE);

  if (error->domain == SB_ERROR)
    return error->code == SB_ERROR_TRANSIENT || error->code == SB_ERROR_BUSY
           || error->code == SB_ERROR_RATE || error->code == SB_ERROR_FULL
           || error->code == SB_ERROR_NO_SPACE || error->code == SB_ERROR_CLOSED;
  if (error->domain != G_IO_ERROR)
    return FALSE;

  switch (error->code)
    {
    case G_IO_ERROR_BUSY:
    case G_IO_ERROR_TIMED_OUT:
    case G_IO_ERROR_NO_SPACE:
    case G_IO_ERROR_HOST_UNREACHABLE:
    case G_IO_ERROR_NETWORK_UNREACHABLE:
    case G_IO_ERROR_CONNECTION_REFUSED:
    case G_IO_ERROR_CONNECTION_CLOSED:
    case G_IO_ERROR_WOULD_BLOCK:
      return TRUE;
    default:
      return FALSE;
    }
}

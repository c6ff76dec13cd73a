/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-error: the error domain, and the one question that every caller has of an error. */

#include "sb-client-error.h"

G_DEFINE_QUARK (sb-client-error-quark, sb_client_error)

/**
 * sb_client_error_is_transient:
 * @error: (nullable): of any domain
 *
 * Whether the same may well work later, without anybody changing anything.
 *
 * Returns: %TRUE when it is worth another try
 */
gboolean
sb_client_error_is_transient (const GError *error)
{
  return g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE)
         || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_TIMED_OUT)
         || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY)
         || g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NO_SPACE);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-problem: the one table from SbError to HTTP status, and the document. */

#include "sb-soup-problem.h"

#include "simplebus.h"

#include <libsoup/soup.h>

static const struct
{
  guint status;
  guint retry_after; /* seconds; 0: no use in coming back */
} table[] = {
  [SB_ERROR_FAILED] = { 500, 0 },       [SB_ERROR_INVALID] = { 400, 0 },
  [SB_ERROR_UNAUTHORIZED] = { 401, 0 }, [SB_ERROR_FORBIDDEN] = { 403, 0 },
  [SB_ERROR_NOT_FOUND] = { 404, 0 },    [SB_ERROR_CONFLICT] = { 409, 0 },
  [SB_ERROR_TOO_LARGE] = { 413, 0 },    [SB_ERROR_FULL] = { 429, 30 },
  [SB_ERROR_RATE] = { 429, 5 },         [SB_ERROR_BUSY] = { 503, 1 },
  [SB_ERROR_NO_SPACE] = { 507, 60 },    [SB_ERROR_TRANSIENT] = { 503, 1 },
  [SB_ERROR_CORRUPT] = { 500, 0 },      [SB_ERROR_UNSUPPORTED] = { 501, 0 },
  [SB_ERROR_CLOSED] = { 503, 5 },
};

static int
get_code (const GError *error)
{
  if (error->domain == SB_ERROR && (gsize) error->code < G_N_ELEMENTS (table))
    return error->code;
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE))
    return SB_ERROR_NO_SPACE;
  return sb_error_is_transient (error) ? SB_ERROR_TRANSIENT : SB_ERROR_FAILED;
}

/**
 * sb_problem_status:
 * @error: an error of any domain
 *
 * Returns: the HTTP status that says the same
 */
guint
sb_problem_status (const GError *error)
{
  return table[get_code (error)].status;
}

/**
 * sb_problem_retry_after:
 * @error: an error of any domain
 *
 * Returns: seconds for `Retry-After` when nothing better is known; 0 when
 *   the answer has no such header
 */
guint
sb_problem_retry_after (const GError *error)
{
  return table[get_code (error)].retry_after;
}

/**
 * sb_problem_title:
 * @status: an HTTP status
 *
 * Returns: (transfer none): its phrase
 */
const char *
sb_problem_title (guint status)
{
  /* What libsoup does not know. */
  if (status == 429)
    return "Too Many Requests";
  if (status == 460)
    return "Checksum Mismatch";
  return soup_status_get_phrase (status);
}

/**
 * sb_problem_new:
 * @status: the HTTP status
 * @reason: one word that programs compare
 * @detail: (nullable): what is wrong with this request, for people
 * @full: (array zero-terminated=1) (nullable): recipients whose queue is full
 *
 * Returns: (transfer full): the document
 */
GString *
sb_problem_new (guint status, const char *reason, const char *detail, const char *const *full)
{
  GString *json = g_string_sized_new (256);

  g_string_append (json, "{\"title\":");
  sb_json_append_string (json, sb_problem_title (status));
  g_string_append_printf (json, ",\"status\":%u,\"detail\":", status);
  sb_json_append_string (json, detail != NULL ? detail : sb_problem_title (status));
  g_string_append (json, ",\"reason\":");
  sb_json_append_string (json, reason);
  for (gsize i = 0; full != NULL && full[i] != NULL; i++)
    {
      g_string_append (json, i == 0 ? ",\"full\":[" : ",");
      sb_json_append_string (json, full[i]);
      if (full[i + 1] == NULL)
        g_string_append_c (json, ']');
    }
  g_string_append_c (json, '}');
  return json;
}

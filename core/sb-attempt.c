/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-attempt: a log is text, a JSON object to a line, oldest first. So the
 * store keeps it without looking, and it is shown without being parsed.
 */

#include "sb-attempt.h"

#include "sb-json.h"

#include <string.h>

/* Returns: (transfer full): the beginning of @text as UTF-8. */
static char *
shorten (const char *text, gsize length)
{
  g_autofree char *valid = g_utf8_make_valid (text, (gssize) MIN (length, SB_ATTEMPT_TEXT_MAX));

  if (strlen (valid) <= SB_ATTEMPT_TEXT_MAX)
    return g_steal_pointer (&valid);
  /* Each byte that is none has become three. */
  return g_strndup (
      valid, (gsize) (g_utf8_find_prev_char (valid, valid + SB_ATTEMPT_TEXT_MAX + 1) - valid));
}

static void
append_time (GString *json, gint64 wall)
{
  g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (wall / G_USEC_PER_SEC);
  g_autofree char *text = seconds != NULL ? g_date_time_format (seconds, "%Y-%m-%dT%H:%M:%S")
                                          : NULL;

  g_string_append_printf (json, "\"%s.%03dZ\"", text != NULL ? text : "1970-01-01T00:00:00",
                          (int) (wall % G_USEC_PER_SEC / 1000));
}

/**
 * sb_attempt_to_json:
 * @self: an attempt
 *
 * Any thread.
 *
 * Returns: (transfer full): an object with `time` (RFC 3339), `status`, `latency_ms` and, if there
 *   is one, `text`, in one line
 */
char *
sb_attempt_to_json (const SbAttempt *self)
{
  g_autoptr (GString) json = g_string_new ("{\"time\":");

  append_time (json, self->started);
  g_string_append_printf (json, ",\"status\":%u,\"latency_ms\":%" G_GINT64_FORMAT, self->status,
                          MAX (self->latency, 0) / 1000);
  if (self->text != NULL && self->length > 0)
    {
      g_autofree char *text = shorten (self->text, self->length);

      g_string_append (json, ",\"text\":");
      sb_json_append_string (json, text);
    }
  g_string_append_c (json, '}');
  return g_string_free (g_steal_pointer (&json), FALSE);
}

static guint
count_lines (const char *log)
{
  guint n = 0;

  for (const char *p = log; (p = strchr (p, '\n')) != NULL; p++)
    n++;
  return n;
}

/**
 * sb_attempt_log_add:
 * @log: (nullable): a log; %NULL is an empty one
 * @attempt: one that failed
 *
 * Any thread.
 *
 * Returns: (transfer full): the log with @attempt behind it, without the oldest one when they are
 *   more than %SB_ATTEMPT_LOG_MAX
 */
char *
sb_attempt_log_add (const char *log, const SbAttempt *attempt)
{
  g_autofree char *line = sb_attempt_to_json (attempt);
  const char *rest = log != NULL ? log : "";

  for (guint n = count_lines (rest); n >= SB_ATTEMPT_LOG_MAX; n--)
    rest = strchr (rest, '\n') + 1;
  return g_strconcat (rest, line, "\n", NULL);
}

/**
 * sb_attempt_log_dup_last:
 * @log: (nullable): a log
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): its last attempt as an object; %NULL for an empty one
 */
char *
sb_attempt_log_dup_last (const char *log)
{
  gsize length = log != NULL ? strlen (log) : 0;
  const char *start;

  if (length == 0)
    return NULL;
  start = g_strrstr_len (log, (gssize) length - 1, "\n");
  start = start != NULL ? start + 1 : log;
  return g_strndup (start, length - (gsize) (start - log) - 1);
}

/**
 * sb_attempt_log_append_json:
 * @json: a document that is being written
 * @log: (nullable): a log
 *
 * Appends the log as an array.
 */
void
sb_attempt_log_append_json (GString *json, const char *log)
{
  g_string_append_c (json, '[');
  for (const char *p = log; p != NULL && *p != '\0';)
    {
      const char *end = strchrnul (p, '\n');

      if (p != log)
        g_string_append_c (json, ',');
      g_string_append_len (json, p, end - p);
      p = *end != '\0' ? end + 1 : end;
    }
  g_string_append_c (json, ']');
}

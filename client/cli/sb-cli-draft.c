/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-draft: what people type is taken strictly: whatever could be meant in two ways is asked
 * about, not sent.
 */

#include "sb-cli-draft.h"

#include "sb-json.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define MAX_DURATION (G_GINT64_CONSTANT (100) * 366 * DAY)

static gboolean fail_usage (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail_usage (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_propagate_error (error, g_error_new_valist (SB_CLI_ERROR, SB_CLI_USAGE, format, args));
  va_end (args);
  return FALSE;
}

/* --- Addresses --- */

/**
 * sb_cli_add_addresses:
 * @addresses: to which they are added
 * @text: addresses with commas or blanks between them
 * @error: return location
 *
 * Returns: whether there was one at least
 */
gboolean
sb_cli_add_addresses (GPtrArray *addresses, const char *text, GError **error)
{
  g_auto (GStrv) words = NULL;
  guint before = addresses->len;

  if (!g_utf8_validate (text, -1, NULL))
    return fail_usage (error, _ ("Addresses must be UTF-8"));
  words = g_strsplit_set (text, ", \t\n", -1);
  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      g_ptr_array_add (addresses, g_strdup (*word));
  if (addresses->len > before)
    return TRUE;
  return fail_usage (error, _ ("Nobody is addressed. A shell takes $all and #tag for something of "
                               "its own: put them in quotes, '$all', '#tag'"));
}

/* --- Payload --- */

static char *
quote (const char *text)
{
  GString *json = g_string_new (NULL);

  sb_json_append_string (json, text);
  return g_string_free (json, FALSE);
}

/* Somebody meant to write an object or an array. */
static gboolean
looks_like_json (const char *text)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  gsize length = strlen (trimmed);

  return length >= 2
         && ((*trimmed == '{' && trimmed[length - 1] == '}')
             || (*trimmed == '[' && trimmed[length - 1] == ']'));
}

static gboolean
check_text (const char *text, gsize length, GError **error)
{
  const char *end;

  if (g_utf8_validate (text, (gssize) length, &end))
    return TRUE;
  return fail_usage (error, _ ("The message is no UTF-8 text: byte %u"), (guint) (end - text));
}

/**
 * sb_cli_make_payload:
 * @text: what was typed or read
 * @length: of it, in bytes
 * @kind: what it is meant to be
 * @error: return location
 *
 * Makes the payload of a message. What looks like an object or an array, and is none, is a slip of
 * the pen rather than a text.
 *
 * Returns: (transfer full) (nullable): it, as JSON
 */
char *
sb_cli_make_payload (const char *text, gsize length, SbCliPayload kind, GError **error)
{
  g_autofree char *copy = NULL;
  g_autoptr (GError) fault = NULL;

  if (!check_text (text, length, error))
    return NULL;
  copy = g_strndup (text, length);
  if (kind == SB_CLI_PAYLOAD_TEXT)
    return quote (copy);
  if (sb_json_check (copy, length, &fault))
    return g_steal_pointer (&copy);
  if (kind == SB_CLI_PAYLOAD_GUESS && !looks_like_json (copy))
    return quote (copy);
  fail_usage (error, _ ("The message is not JSON: %s. A text is sent by --text"), fault->message);
  return NULL;
}

/**
 * sb_cli_read_input:
 * @fd: where from
 * @max: bytes that there may be
 * @error: return location
 *
 * Reads to the end.
 *
 * Returns: (transfer full) (nullable): what was read
 */
GBytes *
sb_cli_read_input (int fd, gsize max, GError **error)
{
  g_autoptr (GByteArray) input = g_byte_array_new ();

  while (TRUE)
    {
      guint8 buffer[64 * 1024];
      gssize n = read (fd, buffer, sizeof buffer);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("Standard input cannot be read: %s"),
                       g_strerror (errno));
          return NULL;
        }
      if (n == 0)
        return g_byte_array_free_to_bytes (g_steal_pointer (&input));
      g_byte_array_append (input, buffer, (guint) n);
      if (input->len > max)
        {
          g_autofree char *size = sb_cli_format_size ((gint64) max);

          fail_usage (error, _ ("A message has at most %s. Send it as a file: simplebus send-file"),
                      size);
          return NULL;
        }
    }
}

/* --- Times --- */

static gint64
get_unit (const char *text)
{
  static const struct
  {
    const char *name;
    gint64 seconds;
  } units[] = {
    { "", 1 }, { "s", 1 }, { "m", MINUTE }, { "h", HOUR }, { "d", DAY }, { "w", 7 * DAY },
  };

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (strcmp (text, units[i].name) == 0)
      return units[i].seconds;
  return 0;
}

/**
 * sb_cli_parse_duration:
 * @text: a number, alone or with s, m, h, d or w behind it
 * @seconds: (out): how many seconds that is
 * @error: return location
 *
 * Returns: whether it could be read
 */
gboolean
sb_cli_parse_duration (const char *text, gint64 *seconds, GError **error)
{
  gsize digits = strspn (text, "0123456789");
  g_autofree char *number = g_strndup (text, digits);
  gint64 unit = get_unit (text + digits);
  guint64 value;

  if (unit == 0
      || !g_ascii_string_to_unsigned (number, 10, 0, (guint64) (MAX_DURATION / unit), &value, NULL))
    return fail_usage (error, _ ("“%s” is no span of time; one is 90, 30s, 5m, 2h, 1d or 1w"),
                       text);
  *seconds = (gint64) value * unit;
  return TRUE;
}

/**
 * sb_cli_parse_moment:
 * @text: "2h" from now, a Unix time, or date and time by ISO 8601, in the zone that it names or
 *   here
 * @unix_time: (out): that moment
 * @error: return location
 *
 * Returns: whether it could be read
 */
gboolean
sb_cli_parse_moment (const char *text, gint64 *unix_time, GError **error)
{
  g_autoptr (GTimeZone) here = g_time_zone_new_local ();
  g_autoptr (GDateTime) moment = NULL;
  gint64 seconds;

  if (g_ascii_string_to_signed (text, 10, 1, G_MAXINT64 / 2, unix_time, NULL))
    return TRUE;
  if (sb_cli_parse_duration (*text == '+' ? text + 1 : text, &seconds, NULL))
    {
      *unix_time = g_get_real_time () / G_USEC_PER_SEC + seconds;
      return TRUE;
    }
  moment = g_date_time_new_from_iso8601 (text, here);
  if (moment == NULL)
    return fail_usage (
        error, _ ("“%s” is no moment; one is 2h, 2026-05-01T08:00:00 or a Unix time"), text);
  *unix_time = g_date_time_to_unix (moment);
  return TRUE;
}

/* --- Members --- */

/**
 * sb_cli_set_members:
 * @draft: a message
 * @members: (nullable): of the form NAME=JSON
 * @error: return location
 *
 * Adds what recipients see beside the payload. A value that is not JSON is an error: a text that
 * looks like a number would be one some day.
 *
 * Returns: whether all could be added
 */
gboolean
sb_cli_set_members (SbClientDraft *draft, char **members, GError **error)
{
  for (char **member = members; member != NULL && *member != NULL; member++)
    {
      const char *equals = strchr (*member, '=');
      g_autofree char *name = NULL;

      if (equals == NULL || equals == *member || !g_utf8_validate (*member, -1, NULL))
        return fail_usage (error, _ ("“%s” is not of the form NAME=JSON"), *member);
      name = g_strndup (*member, (gsize) (equals - *member));
      if (!sb_client_draft_set_member (draft, name, equals + 1, error))
        return FALSE;
    }
  return TRUE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-pages: asks for page after page; a list may be longer than the memory is large. */

#include "sb-cli-pages.h"

#include "sb-cli-json.h"

#include <glib/gi18n.h>
#include <string.h>

#define PAGE_SIZE 500

/**
 * sb_cli_add_parameter:
 * @path: a path, perhaps with parameters already
 * @name: of a parameter
 * @value: (nullable): its value
 *
 * Adds it, unless it has no value.
 */
void
sb_cli_add_parameter (GString *path, const char *name, const char *value)
{
  if (value == NULL)
    return;
  g_string_append_printf (path, "%c%s=", strchr (path->str, '?') != NULL ? '&' : '?', name);
  g_string_append_uri_escaped (path, value, NULL, FALSE);
}

static JsonNode *
fetch_page (SbCli *cli, const char *path, const char *after, gint64 left, GError **error)
{
  g_autoptr (GString) full = g_string_new (path);
  g_autofree char *limit = g_strdup_printf ("%d", (int) MIN (left, PAGE_SIZE));

  sb_cli_add_parameter (full, "limit", limit);
  sb_cli_add_parameter (full, "after", after);
  return sb_cli_call_object (cli, "GET", full->str, NULL, error);
}

/* Returns: how many rows there were; -1 when there is no more to be done, or an error */
static gint64
visit_rows (JsonObject *page, const char *member, gint64 left, SbCliRowFunc func, gpointer data,
            GError **error)
{
  JsonArray *rows = sb_cli_json_get_array (page, member);
  gint64 n = rows != NULL ? json_array_get_length (rows) : 0;

  if (rows == NULL)
    {
      g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
                   _ ("The answer has no list \"%s\""), member);
      return -1;
    }
  n = MIN (n, left);
  for (gint64 i = 0; i < n; i++)
    {
      JsonNode *row = json_array_get_element (rows, (guint) i);

      if (JSON_NODE_HOLDS_OBJECT (row) && !func (row, data, error))
        return -1;
    }
  return n;
}

/**
 * sb_cli_each_row:
 * @cli: the command line
 * @path: of the list, perhaps with parameters
 * @member: of each page, that has the rows
 * @limit: how many rows are wanted; 0: all
 * @func: (scope call): gets each row, which is an object
 * @user_data: for @func
 * @error: return location for an error
 *
 * Fetches as many pages as are needed.
 *
 * Returns: %FALSE when there was an error
 */
gboolean
sb_cli_each_row (SbCli *cli, const char *path, const char *member, gint64 limit, SbCliRowFunc func,
                 gpointer user_data, GError **error)
{
  gint64 left = limit > 0 ? limit : G_MAXINT64;
  g_autofree char *after = NULL;
  g_autoptr (GError) fault = NULL;

  while (left > 0)
    {
      g_autoptr (JsonNode) page = fetch_page (cli, path, after, left, error);
      const char *next;
      gint64 n;

      if (page == NULL)
        return FALSE;
      n = visit_rows (json_node_get_object (page), member, left, func, user_data, &fault);
      next = sb_cli_json_get_string (json_node_get_object (page), "next");
      if (n < 0 || next == NULL || g_strcmp0 (next, after) == 0)
        break;
      left -= n;
      g_free (after);
      after = g_strdup (next);
    }
  if (fault == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&fault));
  return FALSE;
}

/* --- Printing --- */

static gboolean
print_row (JsonNode *row, gpointer user_data, GError **error)
{
  SbCliList *self = user_data;

  if (self->cli->json)
    sb_cli_print_json (row);
  else
    self->add (self->table, json_node_get_object (row));
  return TRUE;
}

/**
 * sb_cli_print_rows:
 * @self: how
 * @path: of the list
 * @member: of each page, that has the rows
 * @limit: how many rows are wanted; 0: all
 *
 * Prints a list.
 *
 * Returns: the exit status
 */
SbCliStatus
sb_cli_print_rows (SbCliList *self, const char *path, const char *member, gint64 limit)
{
  g_autoptr (GError) error = NULL;
  gboolean is_good = sb_cli_each_row (self->cli, path, member, limit, print_row, self, &error);

  if (!self->cli->json)
    sb_cli_table_print (self->table);
  return is_good ? SB_CLI_OK : sb_cli_fail (self->cli, error);
}

/**
 * sb_cli_print_fields:
 * @cli: the command line
 * @names: (array zero-terminated=1): translated
 * @values: as many; an empty one, or %NULL, is left out
 *
 * Prints what there is to know of one thing, a line each.
 */
void
sb_cli_print_fields (SbCli *cli, const char *const *names, char *const *values)
{
  guint width = 0;
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; names[i] != NULL; i++)
    width = MAX (width, sb_cli_text_width (names[i]));
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *shown = sb_cli_printable (values[i] != NULL ? values[i] : "");

      if (*shown == '\0')
        continue;
      g_string_append_printf (text, "%s%s:%s", cli->colour ? "\033[1m" : "", names[i],
                              cli->colour ? "\033[0m" : "");
      for (guint n = sb_cli_text_width (names[i]); n < width + 2; n++)
        g_string_append_c (text, ' ');
      g_string_append_printf (text, "%s\n", shown);
    }
  g_print ("%s", text->str);
}

/**
 * sb_cli_format_time:
 * @time: (nullable): of the API
 *
 * Returns: (transfer full): the same in the time of this machine, to the second; what it is when it
 * is no time
 */
char *
sb_cli_format_time (const char *time)
{
  g_autoptr (GDateTime) moment = time != NULL ? g_date_time_new_from_iso8601 (time, NULL) : NULL;
  g_autoptr (GDateTime) local = moment != NULL ? g_date_time_to_local (moment) : NULL;

  if (local == NULL)
    return g_strdup (time != NULL ? time : "");
  return g_date_time_format (local, "%Y-%m-%d %H:%M:%S");
}

/**
 * sb_cli_format_since:
 * @time: (nullable): of the API
 *
 * Returns: (transfer full): how long ago that was
 */
char *
sb_cli_format_since (const char *time)
{
  g_autoptr (GDateTime) moment = time != NULL ? g_date_time_new_from_iso8601 (time, NULL) : NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();

  if (moment == NULL)
    return g_strdup ("");
  return sb_cli_format_age (g_date_time_difference (now, moment) / G_USEC_PER_SEC);
}

/**
 * sb_cli_format_count:
 * @n: a number
 *
 * Returns: (transfer full): the same; nothing for 0, so that what is there can be seen
 */
char *
sb_cli_format_count (gint64 n)
{
  return n != 0 ? g_strdup_printf ("%" G_GINT64_FORMAT, n) : g_strdup ("");
}

/**
 * sb_cli_check_words:
 * @cli: the command line
 * @argc: how many words
 * @argv: the words
 *
 * Returns: whether all of them are UTF-8, as ids are; otherwise that is said
 */
gboolean
sb_cli_check_words (SbCli *cli, int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (!g_utf8_validate (argv[i], -1, NULL))
      {
        sb_cli_usage (cli, _ ("\"%s\" is not UTF-8"), argv[i]);
        return FALSE;
      }
  return TRUE;
}

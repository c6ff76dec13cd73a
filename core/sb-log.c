/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-log: one writer function for the whole process. */

#include "sb-log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct
{
  const char *name;
  GLogLevelFlags level;
} levels[] = {
  { "error", G_LOG_LEVEL_CRITICAL },  { "warning", G_LOG_LEVEL_WARNING },
  { "message", G_LOG_LEVEL_MESSAGE }, { "info", G_LOG_LEVEL_INFO },
  { "debug", G_LOG_LEVEL_DEBUG },
};

/* Lower values are more important. Set at start and on reload; workers only read it. */
static int threshold = G_LOG_LEVEL_MESSAGE;

/* Whether journald gets what stderr gets. Set before there are threads. */
static gboolean copies_to_journal;

static const char *
find_field (const GLogField *fields, gsize n_fields, const char *name)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, name) == 0 && fields[i].length < 0)
      return fields[i].value;
  return NULL;
}

static void
write_text (GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%F %T");
  const char *message = find_field (fields, n_fields, "MESSAGE");
  const char *domain = find_field (fields, n_fields, "GLIB_DOMAIN");
  const char *name = "error";

  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    if (levels[i].level == level)
      name = levels[i].name;
  fprintf (stderr, "%s %s %s: %s\n", time, name, domain != NULL ? domain : "-",
           message != NULL ? message : "");
}

static GLogWriterOutput
write_line (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  static int to_journald = -1;

  if ((int) (level & G_LOG_LEVEL_MASK) > g_atomic_int_get (&threshold))
    return G_LOG_WRITER_HANDLED;
  if (to_journald < 0)
    to_journald = g_log_writer_is_journald (STDERR_FILENO);
  if (!to_journald && copies_to_journal)
    g_log_writer_journald (level, fields, n_fields, user_data);
  if (!to_journald
      || g_log_writer_journald (level, fields, n_fields, user_data) != G_LOG_WRITER_HANDLED)
    write_text (level & G_LOG_LEVEL_MASK, fields, n_fields);
  return G_LOG_WRITER_HANDLED;
}

/**
 * sb_log_init:
 *
 * Takes over all log lines of the process. Once, by main().
 */
void
sb_log_init (void)
{
  g_log_set_writer_func (write_line, NULL, NULL);
}

/**
 * sb_log_copy_to_journal:
 *
 * What goes to a terminal goes to journald as well, if there is one: who made whom an admin by
 * hand shall be found where all else is found. Before anything is logged.
 */
void
sb_log_copy_to_journal (void)
{
  copies_to_journal = TRUE;
}

/**
 * sb_log_set_level:
 * @level: error, warning, message, info or debug
 *
 * Sets the least important lines that are written. Any thread.
 */
void
sb_log_set_level (const char *level)
{
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    if (strcmp (levels[i].name, level) == 0)
      g_atomic_int_set (&threshold, levels[i].level);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-audit: the line, and its fields for those who filter the journal. */

#include "sb-audit.h"

#include "sb-names.h"

#define MAX_FIELDS 8

/* Who did it when nobody was logged in. */
#define NOBODY "the bus"

typedef struct
{
  GLogField fields[MAX_FIELDS];
  gsize n;
} Line;

static void
add_field (Line *self, const char *key, const char *value)
{
  if (value != NULL)
    self->fields[self->n++] = (GLogField) { key, value, -1 };
}

/**
 * sb_audit:
 * @actor: (nullable): who did it; %NULL: the bus itself
 * @subject: (nullable): id of the user that it is about
 * @message: (nullable): id of the message that it is about
 * @format: what was done, as in "removed %s"
 * @...: what @format names
 *
 * Writes a line of the journal with the MESSAGE_ID `SB_MESSAGE_ID_ADMIN`. Ids
 * have no control characters, so nobody can write lines of his own.
 */
void
sb_audit (const SbUser *actor, const char *subject, const char *message, const char *format, ...)
{
  g_autofree char *what = NULL;
  g_autofree char *text = NULL;
  Line line = { .n = 0 };
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  text = g_strdup_printf ("%s %s", actor != NULL ? actor->id : NOBODY, what);
  add_field (&line, "MESSAGE", text);
  add_field (&line, "MESSAGE_ID", SB_MESSAGE_ID_ADMIN);
  add_field (&line, "PRIORITY", "5");
  add_field (&line, "GLIB_DOMAIN", G_LOG_DOMAIN);
  add_field (&line, SB_LOG_FIELD_USER, actor != NULL ? actor->id : NULL);
  add_field (&line, SB_LOG_FIELD_SUBJECT, subject);
  add_field (&line, SB_LOG_FIELD_MESSAGE, message);
  g_log_structured_array (G_LOG_LEVEL_MESSAGE, line.fields, line.n);
}

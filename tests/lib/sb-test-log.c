/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-log: a log writer that swallows the warnings that were announced. */

#include "sb-test-log.h"

#include "sb-names.h"

#include <string.h>

static GQueue expected = G_QUEUE_INIT;
static GMutex lock;

static const char *kept_id;
static GString *kept;

static const char *
find_field (const GLogField *fields, gsize n_fields, const char *key)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, key) == 0)
      return fields[i].value;
  return "";
}

static const char *
find_message (const GLogField *fields, gsize n_fields)
{
  return find_field (fields, n_fields, "MESSAGE");
}

static gboolean
keep (const GLogField *fields, gsize n_fields)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  if (kept_id == NULL || strcmp (find_field (fields, n_fields, "MESSAGE_ID"), kept_id) != 0)
    return FALSE;
  g_string_append_printf (kept, "%s%s/%s: %s", kept->len > 0 ? "\n" : "",
                          find_field (fields, n_fields, SB_LOG_FIELD_USER),
                          find_field (fields, n_fields, SB_LOG_FIELD_MESSAGE),
                          find_message (fields, n_fields));
  return TRUE;
}

static gboolean
is_expected (const char *message)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);
  const char *part = g_queue_peek_head (&expected);

  if (part == NULL || strstr (message, part) == NULL)
    return FALSE;
  g_queue_pop_head (&expected);
  return TRUE;
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (level == G_LOG_LEVEL_WARNING && is_expected (find_message (fields, n_fields)))
    return G_LOG_WRITER_HANDLED;
  if (keep (fields, n_fields))
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, data);
}

void
sb_test_log_init (void)
{
  g_log_set_writer_func (write_log, NULL, NULL);
}

void
sb_test_log_expect (const char *part)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  g_queue_push_tail (&expected, (gpointer) part);
}

void
sb_test_log_assert_expected (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  g_assert_cmpstr (g_queue_peek_head (&expected), ==, NULL);
}

void
sb_test_log_keep (const char *message_id)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);

  kept_id = message_id;
  if (kept == NULL)
    kept = g_string_new (NULL);
  g_string_truncate (kept, 0);
}

char *
sb_test_log_take_kept (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);
  char *lines = g_strdup (kept->str);

  g_string_truncate (kept, 0);
  return lines;
}

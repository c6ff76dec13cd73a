/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-log: a log writer that swallows the warnings that were announced. */

#include "sb-test-log.h"

#include <string.h>

static GQueue expected = G_QUEUE_INIT;
static GMutex lock;

static const char *
find_message (const GLogField *fields, gsize n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      return fields[i].value;
  return "";
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

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test: temporary folders and a main loop with a deadline. */

#include "sb-test.h"

#include <glib/gstdio.h>
#include <locale.h>
#include <sys/resource.h>

/* Generous, because a machine under valgrind is slow; reached only by a test that fails. */
#define DEADLINE_SECONDS 60

/* Every peer of a test is a descriptor; the soft limit is often only 1,024. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;

  g_assert_no_errno (getrlimit (RLIMIT_NOFILE, &limit));
  limit.rlim_cur = limit.rlim_max;
  g_assert_no_errno (setrlimit (RLIMIT_NOFILE, &limit));
}

void
sb_test_init (int *argc, char ***argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  raise_descriptor_limit ();
  g_test_init (argc, argv, G_TEST_OPTION_ISOLATE_DIRS, NULL);
}

char *
sb_test_make_dir (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("sb-test-XXXXXX", &error);

  g_assert_no_error (error);
  return path;
}

static void
remove_tree (const char *path)
{
  g_autoptr (GDir) dir = NULL;

  if (!g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    dir = g_dir_open (path, 0, NULL);
  if (dir != NULL)
    for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
      {
        g_autofree char *child = g_build_filename (path, name, NULL);

        remove_tree (child);
      }
  g_assert_no_errno (g_remove (path));
}

void
sb_test_remove_dir (char *path)
{
  remove_tree (path);
  g_free (path);
}

static gboolean
on_deadline (gpointer what)
{
  g_error ("deadline of %d s passed while waiting for %s", DEADLINE_SECONDS, (const char *) what);
  return G_SOURCE_REMOVE;
}

void
sb_test_wait_flag (gboolean *flag, const char *what)
{
  guint deadline = g_timeout_add_seconds (DEADLINE_SECONDS, on_deadline, (gpointer) what);

  while (!*flag)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (deadline);
}

void
sb_test_wait_count (guint *counter, guint target, const char *what)
{
  guint deadline = g_timeout_add_seconds (DEADLINE_SECONDS, on_deadline, (gpointer) what);

  while (*counter < target)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (deadline);
}

void
sb_test_settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

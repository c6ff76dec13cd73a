/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * replay: main of a fuzz target that is built without a fuzzer.
 *
 * Gives every file of the folders named on the command line to the target, so
 * that what was found once stays found. An empty folder is a failure.
 */

#include <glib.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static gboolean
replay_file (const char *path, GError **error)
{
  g_autofree char *contents = NULL;
  g_autofree char *exact = NULL;
  gsize length;

  if (!g_file_get_contents (path, &contents, &length, error))
    return FALSE;
  /* Without the terminator that GLib adds: a read behind the end shall be one. */
  exact = g_memdup2 (contents, length);
  LLVMFuzzerTestOneInput ((const guint8 *) exact, length);
  return TRUE;
}

static guint
replay_folder (const char *path, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  guint count = 0;

  if (dir == NULL)
    return 0;
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
    {
      g_autofree char *file = g_build_filename (path, name, NULL);

      if (!replay_file (file, error))
        return 0;
      count++;
    }
  if (count == 0)
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOENT, "%s: no files to replay", path);
  return count;
}

int
main (int argc, char *argv[])
{
  for (int i = 1; i < argc; i++)
    {
      g_autoptr (GError) error = NULL;
      guint count = replay_folder (argv[i], &error);

      if (error != NULL)
        {
          g_printerr ("%s\n", error->message);
          return 1;
        }
      g_print ("%s: %u files\n", argv[i], count);
    }
  return argc > 1 ? 0 : 1;
}

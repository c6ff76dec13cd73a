/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-file: forms, downloads, and a look into the data folder. */

#include "sb-test-file.h"

#include <string.h>

#define BOUNDARY "0123456789-test-file"

char *
sb_test_make_bytes (gsize length, guint32 seed)
{
  char *bytes = g_malloc (length + 1);
  guint32 state = seed * 2654435761u + 1;

  for (gsize i = 0; i < length; i++)
    {
      state = state * 1664525u + 1013904223u;
      bytes[i] = (char) (state >> 24);
    }
  bytes[length] = '\0';
  return bytes;
}

static GString *
make_form (const char *json, const char *name, const char *data, gsize length)
{
  GString *form = g_string_sized_new (length + 1024);

  g_string_append_printf (form,
                          "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n"
                          "%s\r\n--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"%s\"; "
                          "filename=\"%s\"\r\n\r\n",
                          json, name, name);
  g_string_append_len (form, data, (gssize) length);
  g_string_append (form, "\r\n--" BOUNDARY "--\r\n");
  return form;
}

char *
sb_test_put_file (SbTestHttp *client, const char *json, const char *name, const char *data,
                  gsize length)
{
  static const char *const headers[] = { "Content-Type", "multipart/form-data; boundary=" BOUNDARY,
                                         NULL };
  GString *form = make_form (json, name, data, length);
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (client, "POST", "/put", headers, form->str,
                                                       (gssize) form->len);
  JsonArray *files;

  g_string_free (form, TRUE);
  sb_test_assert_status (answer, 200);
  files = json_object_get_array_member (sb_test_answer_object (answer), "files");
  g_assert_cmpuint (json_array_get_length (files), ==, 1);
  return g_strconcat ("/download/",
                      sb_test_json_string (json_array_get_object_element (files, 0), "filename"),
                      NULL);
}

SbTestAnswer *
sb_test_download (SbTestHttp *client, const char *path, const char *range)
{
  const char *const headers[] = { "Range", range, NULL };

  return sb_test_http_send (client, "GET", path, range != NULL ? headers : NULL, NULL, 0);
}

guint
sb_test_release (SbTestHttp *client, const char *path)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_send (client, "DELETE", path, NULL, NULL, 0);

  return answer->status;
}

/* --- Waiting --- */

static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
sb_test_poll_for (SbTestCheck check, gpointer user_data, const char *what)
{
  guint tick = g_timeout_add (10, on_tick, NULL);

  sb_test_wait_for (check, user_data, what);
  g_source_remove (tick);
}

static gboolean
has_no_downloads (gpointer user_data)
{
  return sb_test_get_metric (user_data, "simplebus_downloads") == 0;
}

void
sb_test_wait_no_downloads (SbTestHttp *admin)
{
  sb_test_poll_for (has_no_downloads, admin, "the end of all downloads");
}

/* --- The data folder --- */

static void
collect (const char *path, GPtrArray *found)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  if (dir == NULL)
    {
      g_ptr_array_add (found, g_strdup (path));
      return;
    }
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *inner = g_build_filename (path, name, NULL);

      collect (inner, found);
    }
}

static GPtrArray *
collect_files (SbTestDaemon *daemon)
{
  g_autofree char *path = g_build_filename (sb_test_daemon_get_data_dir (daemon), "files", NULL);
  GPtrArray *found = g_ptr_array_new_with_free_func (g_free);

  if (g_file_test (path, G_FILE_TEST_IS_DIR))
    collect (path, found);
  return found;
}

guint
sb_test_count_files (SbTestDaemon *daemon)
{
  g_autoptr (GPtrArray) found = collect_files (daemon);

  return found->len;
}

typedef struct
{
  SbTestDaemon *daemon;
  guint n;
} Count;

static gboolean
has_files (gpointer user_data)
{
  Count *count = user_data;

  return sb_test_count_files (count->daemon) == count->n;
}

void
sb_test_wait_files (SbTestDaemon *daemon, guint n)
{
  Count count = { daemon, n };

  sb_test_poll_for (has_files, &count, "files to come or go");
}

char *
sb_test_find_file (SbTestDaemon *daemon)
{
  g_autoptr (GPtrArray) found = collect_files (daemon);

  g_assert_cmpuint (found->len, ==, 1);
  return g_strdup (g_ptr_array_index (found, 0));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-tus: resumable uploads as a client sends them. */

#include "sb-test-tus.h"

#include <string.h>

char *
sb_test_tus_make_metadata (const char *json, const char *filename)
{
  g_autofree char *data = g_base64_encode ((const guint8 *) json, strlen (json));
  g_autofree char *name = g_base64_encode ((const guint8 *) filename, strlen (filename));

  return g_strdup_printf ("filename %s,data %s", name, data);
}

SbTestAnswer *
sb_test_tus_post (SbTestHttp *client, const char *length, const char *metadata)
{
  const char *headers[] = {
    "Tus-Resumable", "1.0.0", "Upload-Length", length, metadata != NULL ? "Upload-Metadata" : NULL,
    metadata,        NULL
  };

  return sb_test_http_send (client, "POST", "/files/", headers, NULL, 0);
}

char *
sb_test_tus_dup_path (SbTestAnswer *answer)
{
  const char *location = sb_test_answer_header (answer, "Location");

  g_assert_nonnull (location);
  g_assert_nonnull (strstr (location, "/files/"));
  return g_strdup (strstr (location, "/files/"));
}

char *
sb_test_tus_create (SbTestHttp *client, const char *json, const char *filename, guint64 length)
{
  g_autofree char *metadata = sb_test_tus_make_metadata (json, filename);
  g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, length);
  g_autoptr (SbTestAnswer) answer = sb_test_tus_post (client, size, metadata);

  sb_test_assert_status (answer, 201);
  return sb_test_tus_dup_path (answer);
}

SbTestAnswer *
sb_test_tus_patch (SbTestHttp *client, const char *path, guint64 offset, const char *checksum,
                   const char *data, gsize length)
{
  g_autofree char *at = g_strdup_printf ("%" G_GUINT64_FORMAT, offset);
  const char *headers[] = { "Tus-Resumable",
                            "1.0.0",
                            "Content-Type",
                            "application/offset+octet-stream",
                            "Upload-Offset",
                            at,
                            checksum != NULL ? "Upload-Checksum" : NULL,
                            checksum,
                            NULL };

  return sb_test_http_send (client, "PATCH", path, headers, data, (gssize) length);
}

SbTestAnswer *
sb_test_tus_ask (SbTestHttp *client, const char *method, const char *path)
{
  const char *headers[] = { "Tus-Resumable", "1.0.0", NULL };

  return sb_test_http_send (client, method, path, headers, NULL, 0);
}

guint64
sb_test_tus_get_offset (SbTestHttp *client, const char *path)
{
  g_autoptr (SbTestAnswer) answer = sb_test_tus_ask (client, "HEAD", path);
  const char *offset;

  sb_test_assert_status (answer, 200);
  offset = sb_test_answer_header (answer, "Upload-Offset");
  g_assert_nonnull (offset);
  return g_ascii_strtoull (offset, NULL, 10);
}

char *
sb_test_tus_checksum (GChecksumType type, const char *data, gsize length)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (type);
  guint8 digest[32];
  gsize size = sizeof digest;
  g_autofree char *text = NULL;

  g_checksum_update (checksum, (const guchar *) data, (gssize) length);
  g_checksum_get_digest (checksum, digest, &size);
  text = g_base64_encode (digest, size);
  return g_strconcat (type == G_CHECKSUM_SHA1 ? "sha1 " : "sha256 ", text, NULL);
}

void
sb_test_tus_assert_kept (SbTestDaemon *daemon, const char *path, const char *data, gsize length)
{
  const char *id = path + strlen ("/files/");
  g_autofree char *file = g_build_filename (sb_test_daemon_get_data_dir (daemon), "files", id + 30,
                                            id, NULL);
  g_autofree char *kept = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_file_get_contents (file, &kept, &size, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (kept, size, data, length);
}

static void
list_folder (const char *folder, const char *name, GPtrArray *list)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *entry;

  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, entry, NULL);
      g_autofree char *below = *name != '\0' ? g_build_filename (name, entry, NULL)
                                             : g_strdup (entry);

      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        list_folder (path, below, list);
      else
        g_ptr_array_add (list, g_steal_pointer (&below));
    }
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char *
sb_test_tus_list (SbTestDaemon *daemon)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = g_build_filename (sb_test_daemon_get_data_dir (daemon), "files", NULL);

  list_folder (folder, "", list);
  g_ptr_array_sort (list, compare);
  g_ptr_array_add (list, NULL);
  return g_strjoinv (" ", (char **) list->pdata);
}

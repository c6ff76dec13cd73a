/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* upload: see upload.h. */

#include "upload.h"

#include <string.h>

/* --- Forms --- */

Upload *
upload_new (void)
{
  return g_string_new (NULL);
}

static void
add_part (Upload *self, const char *name, const char *filename, const char *data, gsize length)
{
  g_string_append_printf (
      self, "--" UPLOAD_BOUNDARY "\r\nContent-Disposition: form-data; name=\"%s\"", name);
  if (filename != NULL)
    g_string_append_printf (self,
                            "; filename=\"%s\"\r\n"
                            "Content-Type: application/octet-stream",
                            filename);
  g_string_append (self, "\r\n\r\n");
  g_string_append_len (self, data, (gssize) length);
  g_string_append (self, "\r\n");
}

void
upload_add_field (Upload *self, const char *name, const char *value)
{
  add_part (self, name, NULL, value, strlen (value));
}

void
upload_add_file (Upload *self, const char *field, const char *filename, const char *data,
                 gssize length)
{
  add_part (self, field, filename, data, length >= 0 ? (gsize) length : strlen (data));
}

void
upload_end (Upload *self)
{
  g_string_append (self, "--" UPLOAD_BOUNDARY "--\r\n");
}

SbTestAnswer *
upload_send (Upload *self, SbTestHttp *client)
{
  const char *const headers[] = { "Content-Type", UPLOAD_TYPE, NULL };
  SbTestAnswer *answer;

  upload_end (self);
  answer = sb_test_http_send (client, "POST", "/put", headers, self->str, (gssize) self->len);
  g_string_free (self, TRUE);
  return answer;
}

char *
upload_put_file (SbTestHttp *client, const char *id, const char *data)
{
  g_autofree char *json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"@bob\",\"message\":1}", id);
  g_autoptr (SbTestAnswer) answer = NULL;
  Upload *form = upload_new ();

  upload_add_field (form, "data", json);
  upload_add_file (form, "a.bin", "a.bin", data, -1);
  answer = upload_send (form, client);
  sb_test_assert_status (answer, 200);
  return g_strdup (upload_get (answer, 0, "filename"));
}

void
upload_begin_raw (SbTestRaw *raw, guint64 length)
{
  g_autofree char *head = g_strdup_printf ("POST /put HTTP/1.1\r\nHost: x\r\n"
                                           "Authorization: Basic YWxpY2U6YWxpY2UtcHc=\r\n"
                                           "Content-Type: " UPLOAD_TYPE "\r\n"
                                           "Content-Length: %" G_GUINT64_FORMAT "\r\n\r\n",
                                           length);

  sb_test_raw_send (raw, head);
}

char *
upload_make_bytes (gsize length)
{
  static const char trick[] = "\r\n--" UPLOAD_BOUNDARY;
  char *bytes = g_malloc (length);

  for (gsize i = 0; i < length; i++)
    bytes[i] = (char) g_test_rand_int ();
  /* A boundary but for its last character. */
  for (gsize i = 1000; i + sizeof trick < length; i += 10007)
    {
      memcpy (bytes + i, trick, sizeof trick - 1);
      bytes[i + sizeof trick - 2] = 'x';
    }
  return bytes;
}

const char *
upload_get (SbTestAnswer *answer, guint index, const char *member)
{
  JsonArray *files = json_object_get_array_member (sb_test_answer_object (answer), "files");

  g_assert_cmpuint (index, <, json_array_get_length (files));
  return sb_test_json_string (json_array_get_object_element (files, index), member);
}

/* --- What the bus keeps --- */

/* Calls @func for every file until it says %TRUE. */
static gboolean
find_file (SbTestDaemon *daemon, gboolean (*func) (const char *path, gpointer user_data),
           gpointer user_data)
{
  g_autofree char *folder = g_build_filename (sb_test_daemon_get_data_dir (daemon), "files", NULL);
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name, *id;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *inner = g_build_filename (folder, name, NULL);
      g_autoptr (GDir) files = g_dir_open (inner, 0, NULL);

      while (files != NULL && (id = g_dir_read_name (files)) != NULL)
        {
          g_autofree char *path = g_build_filename (inner, id, NULL);

          if (func (path, user_data))
            return TRUE;
        }
    }
  return FALSE;
}

typedef struct
{
  SbTestDaemon *daemon;
  guint n;
  guint n_incomplete;
  guint wanted;
} Count;

static gboolean
count_one (const char *path, gpointer user_data)
{
  Count *count = user_data;

  count->n++;
  if (strstr (path, "/incoming/") != NULL)
    count->n_incomplete++;
  return FALSE;
}

guint
upload_count (SbTestDaemon *daemon)
{
  Count count = { .daemon = daemon };

  find_file (daemon, count_one, &count);
  return count.n;
}

static gboolean
is_count (gpointer user_data)
{
  Count *count = user_data;

  count->n = count->n_incomplete = 0;
  find_file (count->daemon, count_one, count);
  return count->n == count->wanted && count->n_incomplete == 0;
}

/* Lets the check look again. */
static gboolean
on_tick (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
upload_wait_count (SbTestDaemon *daemon, guint n)
{
  Count count = { .daemon = daemon, .wanted = n };
  guint tick = g_timeout_add (5, on_tick, NULL);

  sb_test_wait_for (is_count, &count, "files in the vault");
  g_source_remove (tick);
}

typedef struct
{
  const char *data;
  gsize length;
} Wanted;

static gboolean
is_same (const char *path, gpointer user_data)
{
  const Wanted *wanted = user_data;
  g_autofree char *content = NULL;
  gsize length;

  return g_file_get_contents (path, &content, &length, NULL) && length == wanted->length
         && memcmp (content, wanted->data, length) == 0;
}

gboolean
upload_has (SbTestDaemon *daemon, const char *data, gsize length)
{
  Wanted wanted = { data, length };

  return find_file (daemon, is_same, &wanted);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-console: gives browsers the files of the web console, which are in the module.
 *
 * They are few and small, so each is compressed and hashed once and kept. A browser asks for them
 * again each time, and hears that it has them already, so that none is ever of an older version.
 * The policy lets a page load from here and from nowhere else, and run no script that is not a file
 * of these.
 */

#include "sb-soup-console.h"

#include "sb-condition.h"
#include "sb-soup-endpoints.h"

#include <string.h>

#define RESOURCES "/org/simplebus/console/"
#define PATH "/console/"

/* Compressing saves nothing below. */
#define SMALL 512

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

typedef struct
{
  GBytes *plain;      /* (owned) */
  GBytes *compressed; /* (owned) (nullable): with gzip, when that is shorter */
  char *etag;         /* (owned) */
  const char *type;
} File;

static void
file_free (gpointer data)
{
  File *file = data;

  g_bytes_unref (file->plain);
  g_clear_pointer (&file->compressed, g_bytes_unref);
  g_free (file->etag);
  g_free (file);
}

/* --- Files --- */

static const char *
guess_type (const char *name)
{
  static const struct
  {
    const char *suffix, *type;
  } types[] = {
    { ".html", "text/html; charset=utf-8" },
    { ".css", "text/css; charset=utf-8" },
    { ".js", "text/javascript; charset=utf-8" },
    { ".svg", "image/svg+xml" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    if (g_str_has_suffix (name, types[i].suffix))
      return types[i].type;
  return "application/octet-stream";
}

/* Returns: (transfer full) (nullable): the same with gzip */
static GBytes *
compress (GBytes *plain)
{
  g_autoptr (GZlibCompressor) compressor = g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9);
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable ();
  g_autoptr (GOutputStream) stream = g_converter_output_stream_new (memory,
                                                                    G_CONVERTER (compressor));
  gsize length;
  const void *data = g_bytes_get_data (plain, &length);

  if (length < SMALL || !g_output_stream_write_all (stream, data, length, NULL, NULL, NULL)
      || !g_output_stream_close (stream, NULL, NULL))
    return NULL;
  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
}

static File *
load (const char *name)
{
  g_autofree char *path = g_strconcat (RESOURCES, name, NULL);
  g_autoptr (GBytes) plain = g_resources_lookup_data (path, G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
  g_autofree char *hash = NULL;
  File *file;

  if (plain == NULL)
    return NULL;
  hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, plain);
  file = g_new0 (File, 1);
  file->compressed = compress (plain);
  file->plain = g_steal_pointer (&plain);
  file->etag = g_strdup_printf ("\"%.32s\"", hash);
  file->type = guess_type (name);
  return file;
}

/* Resources are found with more slashes than they have, too. */
static gboolean
is_name (const char *name)
{
  return *name != '/' && !g_str_has_suffix (name, "/") && strstr (name, "//") == NULL;
}

/* Only names that are there are kept, so what is asked for does not fill memory. */
static const File *
find_file (SbSoupTransport *transport, const char *name)
{
  File *file;

  if (transport->console == NULL)
    transport->console = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, file_free);
  file = g_hash_table_lookup (transport->console, name);
  if (file == NULL)
    {
      file = load (name);
      if (file != NULL)
        g_hash_table_insert (transport->console, g_strdup (name), file);
    }
  return file;
}

/* --- Answers --- */

static gboolean
takes_gzip (SbRequest *request)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (request->message);
  const char *accepted = soup_message_headers_get_list (headers, "Accept-Encoding");
  GSList *codings = accepted != NULL ? soup_header_parse_quality_list (accepted, NULL) : NULL;
  gboolean found = g_slist_find_custom (codings, "gzip", (GCompareFunc) g_ascii_strcasecmp) != NULL;

  soup_header_free_list (codings);
  return found;
}

static void
set_headers (SbRequest *request, const File *file)
{
  sb_request_set_header (request, "Content-Security-Policy", policy);
  sb_request_set_header (request, "Referrer-Policy", "no-referrer");
  sb_request_set_header (request, "Cross-Origin-Opener-Policy", "same-origin");
  sb_request_set_header (request, "Cross-Origin-Resource-Policy", "same-origin");
  sb_request_set_header (request, "Cache-Control", "no-cache");
  sb_request_set_header (request, "Vary", "Accept-Encoding");
  sb_request_set_header (request, "ETag", file->etag);
}

static gboolean
is_known (SbRequest *request, const File *file)
{
  SbConditions conditions = { .if_none_match = sb_request_get_header (request, "If-None-Match"),
                              .if_range_date = SB_CONDITION_NO_DATE,
                              .if_modified_since = SB_CONDITION_NO_DATE,
                              .if_unmodified_since = SB_CONDITION_NO_DATE };

  return sb_conditions_check (&conditions, file->etag, 0) == SB_CONDITION_NOT_MODIFIED;
}

static void
answer_file (SbRequest *request, const File *file)
{
  GBytes *bytes = file->plain;
  gsize length;
  const char *data;

  set_headers (request, file);
  if (is_known (request, file))
    {
      sb_request_answer (request, 304, NULL, NULL);
      return;
    }
  if (file->compressed != NULL && takes_gzip (request))
    {
      bytes = file->compressed;
      sb_request_set_header (request, "Content-Encoding", "gzip");
    }
  data = g_bytes_get_data (bytes, &length);
  sb_request_answer (request, 200, file->type, g_string_new_len (data, (gssize) length));
}

/**
 * sb_endpoint_home:
 * @request: `GET /`
 *
 * Shows the console.
 */
void
sb_endpoint_home (SbRequest *request)
{
  const File *file = find_file (request->transport, "index.html");

  g_assert (file != NULL);
  answer_file (request, file);
}

/**
 * sb_endpoint_console:
 * @request: `GET /console/<name>`
 *
 * Gives a file of the console.
 */
void
sb_endpoint_console (SbRequest *request)
{
  g_autofree char *name = sb_request_dup_tail (request, PATH);
  const File *file = NULL;

  if (name != NULL && is_name (name))
    file = find_file (request->transport, name);
  if (file != NULL)
    answer_file (request, file);
  else
    sb_request_problem (request, 404, "not-found", "There is nothing at this path");
}

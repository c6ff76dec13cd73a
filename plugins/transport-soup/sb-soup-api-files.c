/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-api-files: `/api/v1/files`: files that wait, and who has yet to fetch them. */

#include "sb-soup-api.h"
#include "sb-soup-header.h"

#include <string.h>

/* Characters of a file's id, which is where a page ends. */
#define ID_LENGTH 32

typedef struct
{
  const char *name;
  guint n;
} Count;

static gboolean
count_download (const SbFileTransfer *transfer, gpointer user_data)
{
  Count *count = user_data;

  count->n += strcmp (transfer->label.name, count->name) == 0;
  return TRUE;
}

static gboolean
note_download (const SbFileTransfer *transfer, gpointer user_data)
{
  GHashTable *downloads = user_data;
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (downloads, transfer->label.name));

  g_hash_table_insert (downloads, g_strdup (transfer->label.name), GUINT_TO_POINTER (n + 1));
  return TRUE;
}

/**
 * sb_api_add_file:
 * @json: an object that is being written
 * @info: a file
 *
 * Adds what its recipients may know of it.
 */
void
sb_api_add_file (GString *json, const SbFileInfo *info)
{
  g_autofree char *hash = sb_file_dup_hash (info->file);

  sb_json_add_string (json, "filename", info->file->name);
  sb_json_add_string (json, "display_filename", info->file->display_name);
  sb_json_add_integer (json, "size", (gint64) info->file->size);
  sb_json_add_string (json, "sha256", hash);
  sb_json_add_string (json, "sender", info->sender);
  sb_json_add_string (json, "_id", info->message_id);
  sb_json_add_time (json, "accepted", info->accepted);
  sb_json_add_time (json, "expires", info->deadline);
}

static void
add_members (GString *json, const SbFileView *view, guint n_downloads)
{
  sb_api_add_file (json, view->info);
  sb_json_add_integer (json, "recipients", view->n_recipients);
  sb_json_add_integer (json, "waiting", view->n_waiting);
  sb_json_add_strings (json, "waiting_for", (const char *const *) view->waiting);
  sb_json_add_integer (json, "downloads", n_downloads);
}

/* --- GET /api/v1/files --- */

static void
listed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) files = NULL;
  g_autoptr (GHashTable) downloads = NULL;
  g_autofree char *next = NULL;
  GString *json;

  files = sb_bus_list_files_finish (SB_BUS (source), result, &next, &error);
  if (files == NULL || !sb_request_can_answer (request))
    {
      if (error != NULL)
        sb_request_fail (request, error, NULL);
      return;
    }
  downloads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  sb_file_sender_foreach (request->transport->sender, note_download, downloads);
  json = sb_api_begin_page ("files");
  for (guint i = 0; i < files->len; i++)
    {
      const SbFileView *view = g_ptr_array_index (files, i);

      sb_json_begin (json, NULL, '{');
      add_members (json, view,
                   GPOINTER_TO_UINT (g_hash_table_lookup (downloads, view->info->file->name)));
      sb_json_end (json, '}');
    }
  sb_api_answer_page (request, json, next);
}

/**
 * sb_api_check_file_place:
 * @request: a request; answered when @after is none
 * @after: (nullable): where a page begins
 *
 * Returns: whether to go on
 */
gboolean
sb_api_check_file_place (SbRequest *request, const char *after)
{
  if (after == NULL
      || (strlen (after) == ID_LENGTH && strspn (after, "0123456789abcdef") == ID_LENGTH))
    return TRUE;
  sb_request_problem (request, 400, "invalid", "after is the next of an earlier page");
  return FALSE;
}

/**
 * sb_api_list_files:
 * @request: `GET /api/v1/files`
 * @name: %NULL
 *
 * Lists files that wait.
 */
void
sb_api_list_files (SbRequest *request, const char *name)
{
  const char *after = sb_api_get_parameter (request, "after");
  SbFileFilter filter = { 0 };
  guint limit;

  if (sb_api_get_limit (request, &limit) && sb_api_check_file_place (request, after)
      && sb_api_get_user_key (request, "recipient", &filter.recipient)
      && sb_api_get_user_key (request, "sender", &filter.sender_key))
    sb_bus_list_files_async (request->transport->bus, &filter, after, limit, listed_cb,
                             sb_request_ref (request));
}

/* --- GET /api/v1/files/<stored name> --- */

typedef struct
{
  SbRequest *request; /* (owned) */
  gint64 after;       /* key of a recipient */
  guint limit;
} Look;

static void
look_free (Look *self)
{
  sb_request_unref (self->request);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Look, look_free)

static void
add_recipient (GString *json, const SbDeliveryStatus *delivery, const char *id)
{
  g_autofree char *name = sb_delivery_name_make (delivery->recipient_key, id);

  sb_json_begin (json, NULL, '{');
  sb_json_add_string (json, "recipient", delivery->recipient);
  sb_json_add_string (json, "delivery", name);
  sb_json_add_string (json, "state", sb_delivery_state_to_string (delivery->state));
  sb_json_add_string (json, "reason", sb_reason_to_string (delivery->reason));
  sb_json_add_integer (json, "attempts", delivery->attempts);
  sb_json_add_time (json, "since", delivery->since);
  sb_json_end (json, '}');
}

/* They come in order of their keys. */
static void
add_recipients (GString *json, const SbMessageStatus *status, gint64 after, guint limit)
{
  gint64 next = 0;
  guint n = 0;

  sb_json_begin (json, "deliveries", '[');
  for (guint i = 0; i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *delivery = g_ptr_array_index (status->deliveries, i);

      if (delivery->recipient_key <= after)
        continue;
      if (n++ == limit)
        {
          next = after;
          break;
        }
      add_recipient (json, delivery, status->id);
      after = delivery->recipient_key;
    }
  sb_json_end (json, ']');
  if (next > 0)
    {
      g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT, next);

      sb_json_add_string (json, "next", text);
    }
  else
    sb_json_add_string (json, "next", NULL);
}

static void
looked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Look) look = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) status = NULL;
  g_autoptr (SbFileView) view = NULL;
  Count count = { NULL, 0 };
  GString *json;

  view = sb_bus_look_at_file_finish (SB_BUS (source), result, &status, &error);
  if (view == NULL || !sb_request_can_answer (look->request))
    {
      if (error != NULL)
        sb_request_fail (look->request, error, NULL);
      return;
    }
  count.name = view->info->file->name;
  sb_file_sender_foreach (look->request->transport->sender, count_download, &count);
  json = g_string_new (NULL);
  sb_json_begin (json, NULL, '{');
  add_members (json, view, count.n);
  add_recipients (json, status, look->after, look->limit);
  sb_json_end (json, '}');
  sb_request_answer_json (look->request, 200, json);
}

/**
 * sb_api_show_file:
 * @request: `GET /api/v1/files/<stored name>`
 * @name: a stored name
 *
 * Shows one file, and how each of its recipients stands to it.
 */
void
sb_api_show_file (SbRequest *request, const char *name)
{
  g_autoptr (GError) error = NULL;
  gint64 after = 0;
  guint limit;
  Look *look;

  if (!sb_api_get_limit (request, &limit))
    return;
  if (!sb_query_get_integer (request->query, "after", 0, G_MAXINT64, &after, &error))
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  look = g_new (Look, 1);
  look->request = sb_request_ref (request);
  look->after = after;
  look->limit = limit;
  sb_bus_look_at_file_async (request->transport->bus, name, looked_cb, look);
}

/* --- DELETE /api/v1/files/<stored name> --- */

static void
dropped_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;

  if (sb_bus_drop_file_finish (SB_BUS (source), result, &error))
    sb_request_answer (request, 204, NULL, NULL);
  else
    sb_request_fail (request, error, NULL);
}

/**
 * sb_api_drop_file:
 * @request: `DELETE /api/v1/files/<stored name>`
 * @name: a stored name
 *
 * Drops a file for all that have yet to fetch it.
 */
void
sb_api_drop_file (SbRequest *request, const char *name)
{
  sb_bus_drop_file_async (request->transport->bus, request->user, name, dropped_cb,
                          sb_request_ref (request));
}

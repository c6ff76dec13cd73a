/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-api-import: `/api/v1/users/import`: many users from a list or a table, all or none. It is
 * read on a thread of its own: thousands of rows would hold up everybody else.
 */

#include "sb-soup-api.h"
#include "sb-soup-header.h"

#include <string.h>

#define MAX_BODY (4 * 1024 * 1024)

typedef struct
{
  SbRequest *request;   /* (owned) */
  SbUserImport *import; /* (owned) (nullable) once it was read */
  GPtrArray *made;      /* (owned) of ids */
  GPtrArray *changed;   /* (owned) likewise */
  GBytes *body;         /* (owned) */
  guint min_password_length;
  gboolean is_table;
  gboolean only_checks;
} Import;

static void
import_free (Import *self)
{
  sb_request_unref (self->request);
  g_clear_pointer (&self->import, sb_user_import_free);
  g_ptr_array_unref (self->made);
  g_ptr_array_unref (self->changed);
  g_bytes_unref (self->body);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Import, import_free)

static void
add_ids (GString *json, const char *member, GPtrArray *ids)
{
  sb_json_begin (json, member, '[');
  for (guint i = 0; i < ids->len; i++)
    sb_json_add_string (json, NULL, g_ptr_array_index (ids, i));
  sb_json_end (json, ']');
}

static void
answer (Import *self)
{
  GString *json = g_string_new (NULL);

  sb_json_begin (json, NULL, '{');
  add_ids (json, "made", self->made);
  add_ids (json, "changed", self->changed);
  sb_json_begin (json, "faults", '[');
  for (guint i = 0; i < self->import->faults->len; i++)
    {
      const SbUserFault *fault = g_ptr_array_index (self->import->faults, i);

      sb_json_begin (json, NULL, '{');
      sb_json_add_integer (json, "row", fault->row);
      sb_json_add_string (json, "detail", fault->detail);
      sb_json_end (json, '}');
    }
  sb_json_end (json, ']');
  sb_json_end (json, '}');
  sb_request_answer_json (self->request, 200, json);
}

static void
refuse (Import *self)
{
  const SbUserFault *first = g_ptr_array_index (self->import->faults, 0);
  g_autofree char *detail = NULL;

  detail = g_strdup_printf ("Row %u: %s; rows with faults: %u. Nothing was imported", first->row,
                            first->detail, self->import->n_faults);
  sb_request_problem (self->request, 400, "invalid", detail);
}

static void
put_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Import) self = user_data;
  g_autoptr (GError) error = NULL;

  if (sb_accounts_put_finish (SB_ACCOUNTS (source), result, &error))
    answer (self);
  else
    sb_request_fail (self->request, error, NULL);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Import) self = user_data;
  SbRequest *request = self->request;
  SbAccounts *accounts = request->transport->accounts;
  g_autoptr (GError) error = NULL;

  self->import = g_task_propagate_pointer (G_TASK (result), &error);
  if (self->import == NULL)
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  sb_accounts_plan_import (accounts, self->import, self->made, self->changed);
  if (self->only_checks)
    answer (self);
  else if (self->import->n_faults > 0)
    refuse (self);
  else
    {
      GPtrArray *changes = self->import->changes;

      sb_accounts_put_changes_async (accounts, request->user, changes, put_cb,
                                     g_steal_pointer (&self));
    }
}

/* A thread of its own. */
static void
read_body (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Import *self = task_data;
  gsize length;
  const char *data = g_bytes_get_data (self->body, &length);
  g_autofree char *text = g_malloc (length + 1);
  GError *error = NULL;
  SbUserImport *import;

  /* An empty body has no data at all. */
  if (length > 0)
    memcpy (text, data, length);
  text[length] = '\0';
  if (strlen (text) < length)
    import = NULL;
  else if (self->is_table)
    import = sb_user_import_parse_table (text, length, self->min_password_length, &error);
  else
    import = sb_user_import_parse_list (text, length, self->min_password_length, &error);
  if (import != NULL)
    g_task_return_pointer (task, import, (GDestroyNotify) sb_user_import_free);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_new_error (task, SB_ERROR, SB_ERROR_INVALID, "It has a NUL in it");
}

/* FALSE when it was answered. */
static gboolean
get_type (SbRequest *request, gboolean *is_table)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (request->message);
  const char *type = soup_message_headers_get_content_type (headers, NULL);

  *is_table = type != NULL && g_ascii_strcasecmp (type, "text/csv") == 0;
  if (*is_table || type == NULL || g_ascii_strcasecmp (type, "application/json") == 0)
    return TRUE;
  sb_request_problem (request, 415, "unsupported", "Users come as application/json or as text/csv");
  return FALSE;
}

/**
 * sb_api_import_users:
 * @request: `POST /api/v1/users/import`
 * @name: %NULL
 *
 * Makes and changes users, or only says what would become of it.
 */
void
sb_api_import_users (SbRequest *request, const char *name)
{
  g_autoptr (GError) error = NULL;
  gint64 check = 0;
  gboolean is_table;
  GTask *task;
  Import *self;

  if (!get_type (request, &is_table))
    return;
  if (!sb_query_get_integer (request->query, "check", 0, 1, &check, &error))
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  if (g_bytes_get_size (request->body) > MAX_BODY)
    {
      sb_request_problem (request, 413, "too-large", "Import at most 4 MiB at once");
      return;
    }
  self = g_new0 (Import, 1);
  self->request = sb_request_ref (request);
  self->made = g_ptr_array_new_with_free_func (g_free);
  self->changed = g_ptr_array_new_with_free_func (g_free);
  self->body = g_bytes_ref (request->body);
  self->min_password_length = sb_config_get_integer (sb_bus_get_config (request->transport->bus),
                                                     SB_CONFIG_GROUP_BUS, "min-password-length");
  self->is_table = is_table;
  self->only_checks = check == 1;
  task = g_task_new (NULL, NULL, read_cb, self);
  g_task_set_task_data (task, self, NULL);
  g_task_run_in_thread (task, read_body);
  g_object_unref (task);
}

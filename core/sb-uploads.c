/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-uploads: all uploads of a bus: found again at start, looked up by who may
 * see them, bounded, and removed when they expire.
 */

#include "sb-uploads-private.h"

#include "sb-bus-files.h"
#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-names.h"
#include "sb-vault-uploads.h"

#include <json-glib/json-glib.h>
#include <string.h>

/* Uploads of one user that are not complete. */
#define MAX_OPEN 256

/* Those that are done are remembered, so that a client can ask whether all went well. */
#define MAX_DONE 10000

#define TICK (10 * G_USEC_PER_SEC)

struct _SbUploads
{
  SbBus *bus;        /* (unowned) */
  GHashTable *by_id; /* (owned) of SbUpload (owned) */
  GQueue done;       /* of SbUpload (unowned), the longest done first */
  gint64 looked;     /* monotonic: when the last tick was */
};

/* All of them */

SbBus *
sb_uploads_get_bus (SbUploads *self)
{
  return self->bus;
}

/* Those that are not announced yet. */
guint
sb_uploads_count_open (SbUploads *self)
{
  return g_hash_table_size (self->by_id) - self->done.length;
}

SbUploads *
sb_uploads_new (SbBus *bus)
{
  SbUploads *self = g_new0 (SbUploads, 1);

  self->bus = bus;
  self->by_id = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                       (GDestroyNotify) sb_upload_unref);
  return self;
}

/* The bus stops. What is on the disk goes on after the next start. */
void
sb_uploads_free (SbUploads *self)
{
  GHashTableIter iter;
  gpointer upload;

  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &upload))
    sb_upload_close (upload);
  g_hash_table_unref (self->by_id);
  g_queue_clear (&self->done);
  g_free (self);
}

static void
add (SbUploads *self, SbUpload *upload)
{
  g_hash_table_insert (self->by_id, upload->id, sb_upload_ref (upload));
}

void
sb_uploads_forget (SbUploads *self, SbUpload *upload)
{
  g_queue_remove (&self->done, upload);
  g_hash_table_remove (self->by_id, upload->id);
}

void
sb_uploads_note_done (SbUploads *self, SbUpload *upload)
{
  g_queue_push_tail (&self->done, upload);
  if (self->done.length > MAX_DONE)
    sb_upload_remove_async (g_queue_peek_head (&self->done), NULL, NULL);
}

static gint64
get_ttl (SbBus *bus)
{
  return sb_config_get_duration_ms (bus->config, SB_CONFIG_GROUP_BUS, "upload-ttl") * 1000;
}

/**
 * sb_upload_get_expires:
 * @self: an upload
 *
 * Returns: until when something has to come, wall clock, microseconds; 0: it is gone
 */
gint64
sb_upload_get_expires (SbUpload *self)
{
  return self->all != NULL ? self->touched + get_ttl (self->all->bus) : 0;
}

/* On the disk */

/* Returns: (transfer full): all that is to be known of it */
GBytes *
sb_upload_print_info (SbUpload *self)
{
  GString *json = g_string_new ("{\"version\":1");

  g_string_append_printf (
      json, ",\"owner\":%" G_GINT64_FORMAT ",\"length\":%" G_GUINT64_FORMAT ",\"done\":%s,\"_id\":",
      self->owner, self->length, self->is_done ? "true" : "false");
  sb_json_append_string (json, self->message_id);
  g_string_append (json, ",\"name\":");
  sb_json_append_string (json, self->name);
  if (self->base_url != NULL)
    {
      g_string_append (json, ",\"base_url\":");
      sb_json_append_string (json, self->base_url);
    }
  if (self->json != NULL)
    {
      g_autofree char *message = g_strndup (g_bytes_get_data (self->json, NULL),
                                            g_bytes_get_size (self->json));

      g_string_append (json, ",\"message\":");
      sb_json_append_string (json, message);
    }
  g_string_append_c (json, '}');
  return g_string_free_to_bytes (json);
}

static gboolean
parse_info (SbUpload *self, GBytes *info)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  gsize length;
  const char *data = g_bytes_get_data (info, &length);
  JsonObject *object;
  const char *message;

  if (!sb_json_check_document (data, length, NULL)
      || !json_parser_load_from_data (parser, data, (gssize) length, NULL)
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return FALSE;
  object = json_node_get_object (json_parser_get_root (parser));
  self->owner = json_object_get_int_member_with_default (object, "owner", 0);
  self->length = (guint64) json_object_get_int_member_with_default (object, "length", 0);
  self->is_done = json_object_get_boolean_member_with_default (object, "done", FALSE);
  self->message_id = g_strdup (json_object_get_string_member_with_default (object, "_id", ""));
  self->name = g_strdup (json_object_get_string_member_with_default (object, "name", ""));
  self->base_url = g_strdup (json_object_get_string_member_with_default (object, "base_url", NULL));
  message = json_object_get_string_member_with_default (object, "message", NULL);
  if (message != NULL)
    self->json = g_bytes_new (message, strlen (message));
  return self->is_done || self->json != NULL;
}

static void
load_upload (SbUploads *self, const SbStoredUpload *stored)
{
  g_autoptr (SbUpload) upload = sb_upload_new (self, stored->id);

  if (!parse_info (upload, stored->info))
    {
      g_warning ("data-dir/files/uploads/%s.info cannot be understood: the upload is left as it is",
                 stored->id);
      return;
    }
  /* The clock may have been set back. */
  upload->touched = MIN (stored->touched, sb_clock_wall (self->bus->clock));
  upload->offset = stored->size;
  add (self, upload);
  if (!upload->is_done)
    {
      if (upload->offset >= upload->length)
        sb_upload_announce (upload);
      return;
    }
  g_queue_push_tail (&self->done, upload);
  /* The bus died between the two. */
  if (stored->size > 0)
    {
      g_autoptr (GBytes) info = sb_upload_print_info (upload);

      sb_vault_end_upload_async (self->bus->vault, upload->id, info, NULL, NULL);
    }
}

/* At start, when the vault was swept. Announces what is complete. Blocks. */
gboolean
sb_uploads_load (SbUploads *self, GError **error)
{
  g_autoptr (GPtrArray) stored = sb_vault_list_uploads (self->bus->vault, error);

  if (stored == NULL)
    return FALSE;
  for (guint i = 0; i < stored->len; i++)
    load_upload (self, g_ptr_array_index (stored, i));
  return TRUE;
}

/* Time */

static gboolean
is_idle (const SbUpload *upload)
{
  return upload->current == NULL && g_queue_is_empty ((GQueue *) &upload->waiting);
}

/* Removes what has expired, and tries again to announce what is complete. */
void
sb_uploads_tick (SbUploads *self, gint64 now)
{
  g_autoptr (GList) all = NULL;
  gint64 wall = sb_clock_wall (self->bus->clock);

  if (self->looked > 0 && now - self->looked < TICK)
    return;
  self->looked = now;
  /* What is done with one may change the table. */
  all = g_hash_table_get_values (self->by_id);
  for (GList *l = all; l != NULL; l = l->next)
    {
      SbUpload *upload = l->data;

      if (!is_idle (upload))
        continue;
      if (sb_upload_get_expires (upload) <= wall
          || sb_directory_lookup_key (self->bus->directory, upload->owner) == NULL)
        sb_upload_remove_async (upload, NULL, NULL);
      else if (!upload->is_done && !upload->is_begun && upload->offset == upload->length)
        sb_upload_announce (upload);
    }
}

/* Looking up */

/**
 * sb_bus_find_upload:
 * @self: a bus
 * @user: who asks
 * @id: of an upload
 * @error: SB_ERROR_NOT_FOUND, also when it is somebody else's
 *
 * Returns: (transfer full) (nullable): the upload, if @user created it or is an admin
 */
SbUpload *
sb_bus_find_upload (SbBus *self, SbUser *user, const char *id, GError **error)
{
  SbUpload *upload;

  g_return_val_if_fail (SB_IS_BUS (self), NULL);

  if (!sb_bus_check_running (self, error))
    return NULL;
  upload = self->uploads != NULL ? g_hash_table_lookup (self->uploads->by_id, id) : NULL;
  if (upload != NULL && (upload->owner == user->key || user->admin)
      && sb_upload_get_expires (upload) > sb_clock_wall (self->clock))
    return sb_upload_ref (upload);
  g_set_error_literal (error, SB_ERROR, SB_ERROR_NOT_FOUND, "there is no such upload");
  return NULL;
}

/* Creating */

/* What the user's other uploads will take. */
static gboolean
check_owner (SbUploads *self, SbUser *owner, guint64 length, GError **error)
{
  GHashTableIter iter;
  gpointer value;
  guint64 bytes = length;
  guint n_open = 0;

  g_hash_table_iter_init (&iter, self->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const SbUpload *upload = value;

      if (upload->owner != owner->key || upload->is_done)
        continue;
      n_open++;
      bytes += upload->length;
    }
  if (n_open < MAX_OPEN)
    return sb_bus_check_file_quota (self->bus, owner, bytes, error);
  g_set_error (error, SB_ERROR, SB_ERROR_FULL,
               "there are %u uploads of %s that are not complete: finish or delete one first",
               n_open, owner->id);
  return FALSE;
}

/* Makes the upload of a message that could be sent now. */
static SbUpload *
check_creation (SbBus *self, SbUser *owner, guint64 length, GBytes *json, GError **error)
{
  g_autoptr (SbMessage) message = NULL;
  SbEnvelope envelope;
  SbUpload *upload;
  char id[SB_ID_SIZE];
  gsize size;
  const char *data = g_bytes_get_data (json, &size);

  if (self->uploads == NULL)
    {
      if (sb_bus_check_running (self, error))
        g_set_error_literal (error, SB_ERROR, SB_ERROR_UNSUPPORTED, "this bus takes no files");
      return NULL;
    }
  if (!sb_envelope_scan (&envelope, data, size, error)
      || !sb_bus_check_message (self, owner, &envelope, error)
      || !sb_bus_check_file_size (self, owner, length, error)
      || !check_owner (self->uploads, owner, length, error))
    return NULL;
  message = sb_bus_make_message (self, owner, &envelope, error);
  if (message == NULL)
    return NULL;
  sb_id_make (&self->ids, sb_clock_wall (self->clock), id);
  upload = sb_upload_new (self->uploads, id);
  upload->owner = owner->key;
  upload->length = length;
  upload->message_id = g_strdup (message->id);
  upload->json = sb_envelope_splice (&envelope, message->id, owner->id);
  upload->touched = sb_clock_wall (self->clock);
  return upload;
}

static void
read_status (SbStore *store, GTask *task)
{
  const SbUpload *upload = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) status = sb_store_status (store, upload->message_id, &error);

  if (status != NULL)
    g_task_return_new_error (task, SB_ERROR, SB_ERROR_CONFLICT, "the _id \"%s\" is taken",
                             upload->message_id);
  else if (g_error_matches (error, SB_ERROR, SB_ERROR_NOT_FOUND))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = g_task_get_source_object (task);
  SbUpload *upload = g_task_get_task_data (task);
  GError *error = NULL;

  if (!sb_vault_upload_finish (SB_VAULT (source), result, &error) || self->uploads == NULL)
    {
      if (self->uploads != NULL)
        sb_uploads_forget (self->uploads, upload);
      upload->all = NULL;
      if (error == NULL)
        error = g_error_new_literal (SB_ERROR, SB_ERROR_CLOSED, "the bus is stopping");
      g_task_return_error (task, error);
      return;
    }
  g_task_return_pointer (task, sb_upload_ref (upload), (GDestroyNotify) sb_upload_unref);
}

static void
status_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = g_task_get_source_object (task);
  SbUpload *upload = g_task_get_task_data (task);
  g_autoptr (GBytes) info = NULL;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_task_return_error (task, error);
  else if (self->uploads == NULL)
    g_task_return_new_error (task, SB_ERROR, SB_ERROR_CLOSED, "the bus is stopping");
  else
    {
      /* Counted from here on; nobody knows the id before it is written. */
      add (self->uploads, upload);
      info = sb_upload_print_info (upload);
      sb_vault_write_upload_async (self->vault, upload->id, info, written_cb,
                                   g_steal_pointer (&task));
    }
}

/**
 * sb_bus_create_upload_async:
 * @self: a started bus
 * @owner: who sends, authenticated
 * @length: bytes that the file will have
 * @name: its display name, safe
 * @json: (transfer none): the message that will announce it
 * @base_url: (nullable): how the outside reaches the bus, without a slash at the end
 * @callback: for sb_bus_create_upload_finish()
 * @user_data: for @callback
 *
 * Begins an upload, which survives the bus.
 */
void
sb_bus_create_upload_async (SbBus *self, SbUser *owner, guint64 length, const char *name,
                            GBytes *json, const char *base_url, GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = g_task_new (self, NULL, callback, user_data);
  SbUpload *upload;
  GError *error = NULL;
  GTask *read;

  upload = check_creation (self, owner, length, json, &error);
  if (upload == NULL)
    {
      g_task_return_error (task, error);
      g_object_unref (task);
      return;
    }
  upload->name = g_strdup (name);
  upload->base_url = g_strdup (base_url);
  g_task_set_task_data (task, upload, (GDestroyNotify) sb_upload_unref);
  read = g_task_new (NULL, NULL, status_read_cb, task);
  g_task_set_task_data (read, upload, NULL);
  sb_journal_read_async (self->journal, read_status, read);
}

/**
 * sb_bus_create_upload_finish:
 * @self: a bus
 * @result: of sb_bus_create_upload_async()
 * @error: as of sb_bus_publish(), SB_ERROR_TOO_LARGE, SB_ERROR_NO_SPACE, SB_ERROR_FULL when
 *   there are too many, SB_ERROR_CONFLICT when the `_id` is taken
 *
 * Returns: (transfer full) (nullable): the upload
 */
SbUpload *
sb_bus_create_upload_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

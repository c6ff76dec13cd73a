/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-publish-files: from received files to committed messages that announce
 * them. The steps, each of which ends the whole when it fails:
 *
 *   check      what can be known before any disk is touched
 *   flush      each file, on the vault's threads
 *   name       a stored name that no other file has
 *   keep       the files get their place
 *   append     one operation: all messages, or none
 *
 * Whoever fails removes the files. After a crash before the commit the sweep
 * does; after it nothing is missing.
 */

#include "sb-bus-private.h"

#include "sb-bus-files.h"
#include "sb-error.h"
#include "sb-file-name.h"
#include "sb-notice.h"
#include "sb-router.h"
#include "sb-vault-uploads.h"

#include <string.h>

#define MAX_FILES 1000

typedef struct
{
  SbBus *bus;          /* (owned) */
  SbUser *sender;      /* (owned) */
  GBytes *json;        /* (owned) */
  GPtrArray *files;    /* (owned) of SbReceivedFile */
  char *base_url;      /* (owned) (nullable) */
  SbEnvelope envelope; /* points into json */
  SbRoute *route;      /* (owned) */
  SbMessage *plain;    /* (owned) the message as it would be without files */
  guint n_flushed;
  GPtrArray *kept;  /* (owned) of SbFile, in the order of the files */
  char **names;     /* (owned) stored names, not all of them free yet */
  guint64 bytes;    /* of all files */
  gboolean is_kept; /* the vault has them */
  gboolean is_counted;
  char **full;           /* (owned) (nullable) once it failed for them */
  gboolean is_upload;    /* one file, which stays an upload until it is announced */
  gboolean is_announced; /* that upload is announced already */
} Call;

/* Life */

/**
 * sb_received_file_new:
 * @incoming: (transfer none): received whole
 * @display_name: what it is called, safe
 *
 * Returns: (transfer full): the two together
 */
SbReceivedFile *
sb_received_file_new (SbIncoming *incoming, const char *display_name)
{
  SbReceivedFile *self = g_new0 (SbReceivedFile, 1);

  self->incoming = sb_incoming_ref (incoming);
  self->display_name = g_strdup (display_name);
  return self;
}

/**
 * sb_received_file_free:
 * @self: (transfer full): a received file; what is on the disk stays
 */
void
sb_received_file_free (SbReceivedFile *self)
{
  sb_incoming_unref (self->incoming);
  g_free (self->display_name);
  g_free (self);
}

/**
 * sb_published_files_free:
 * @self: (transfer full): a result
 */
void
sb_published_files_free (SbPublishedFiles *self)
{
  g_ptr_array_unref (self->messages);
  g_strfreev (self->unknown);
  g_strfreev (self->full);
  g_free (self);
}

static void
call_free (Call *self)
{
  g_clear_pointer (&self->plain, sb_message_unref);
  g_clear_pointer (&self->route, sb_route_free);
  g_ptr_array_unref (self->kept);
  g_ptr_array_unref (self->files);
  g_strfreev (self->names);
  g_strfreev (self->full);
  g_free (self->base_url);
  g_bytes_unref (self->json);
  sb_user_unref (self->sender);
  g_object_unref (self->bus);
  g_free (self);
}

/* From the check on, so that calls at the same time cannot go over the quota together. */
static void
count_files (Call *self)
{
  sb_bus_add_file_usage (self->bus, self->sender->key, (gint64) self->bytes);
  self->is_counted = TRUE;
}

/* Nothing of the files is needed. */
static void
drop_files (Call *self)
{
  if (self->is_counted)
    sb_bus_add_file_usage (self->bus, self->sender->key, -(gint64) self->bytes);
  if (self->is_upload)
    return;
  for (guint i = 0; i < self->files->len; i++)
    {
      SbReceivedFile *file = g_ptr_array_index (self->files, i);

      if (self->is_kept)
        sb_vault_remove (self->bus->vault, sb_incoming_get_id (file->incoming));
      else
        sb_incoming_abort (file->incoming);
    }
}

/* Ends the call with an error. */
static void
fail (GTask *task, GError *error)
{
  g_autoptr (GTask) call_task = task;
  const Call *call = g_task_get_task_data (task);

  drop_files (g_task_get_task_data (task));
  sb_bus_flow_refused (call->bus, call->sender, call->plain != NULL ? call->plain->id : NULL,
                       sb_error_reason (error));
  g_task_return_error (task, error);
}

/* Checks */

/**
 * sb_bus_check_message:
 * @self: a started bus
 * @sender: who sends, authenticated
 * @envelope: the scanned message
 * @error: as of sb_bus_publish()
 *
 * Says beforehand what sb_bus_publish_files_async() would refuse at once.
 *
 * Returns: whether the message could be sent now
 */
gboolean
sb_bus_check_message (SbBus *self, SbUser *sender, const SbEnvelope *envelope, GError **error)
{
  g_autoptr (SbAddressList) to = NULL;
  g_autoptr (SbRoute) route = NULL;
  g_autoptr (SbMessage) message = NULL;

  g_return_val_if_fail (SB_IS_BUS (self), FALSE);

  if (!sb_bus_check_members (self, envelope, error) || !sb_bus_check_resources (self, error))
    return FALSE;
  to = sb_address_list_parse (envelope->values[SB_MEMBER_TO], error);
  route = to != NULL ? sb_router_resolve (self->directory, sender, to, self->max_recipients, error)
                     : NULL;
  message = route != NULL ? sb_bus_make_message (self, sender, envelope, error) : NULL;
  return message != NULL;
}

/**
 * sb_bus_check_file_size:
 * @self: a started bus
 * @sender: whose file it is
 * @size: bytes of a file that is being received, so far or as announced
 * @error: SB_ERROR_TOO_LARGE for `max-file-size`, SB_ERROR_NO_SPACE for `file-quota`
 *
 * Returns: whether it may be so large
 */
gboolean
sb_bus_check_file_size (SbBus *self, SbUser *sender, guint64 size, GError **error)
{
  g_return_val_if_fail (SB_IS_BUS (self), FALSE);

  if (size > (guint64) self->max_file_size)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_TOO_LARGE,
                   "the file is larger than %" G_GINT64_FORMAT " bytes (max-file-size)",
                   self->max_file_size);
      return FALSE;
    }
  return sb_bus_check_file_quota (self, sender, size, error);
}

/**
 * sb_bus_check_file_quota:
 * @self: a started bus
 * @sender: whose files they are
 * @bytes: of all files that would be added
 * @error: SB_ERROR_NO_SPACE for `file-quota`
 *
 * Returns: whether @sender may have so much more in the vault
 */
gboolean
sb_bus_check_file_quota (SbBus *self, SbUser *sender, guint64 bytes, GError **error)
{
  guint64 used;

  g_return_val_if_fail (SB_IS_BUS (self), FALSE);

  used = sb_bus_get_file_usage (self, sender->key);
  if (self->file_quota == 0 || used + bytes <= (guint64) self->file_quota)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_NO_SPACE,
               "the files of %s that wait to be fetched would take more than %" G_GINT64_FORMAT
               " bytes (file-quota)",
               sender->id, self->file_quota);
  return FALSE;
}

/**
 * sb_bus_receive_file:
 * @self: a started bus
 * @sender: who sends it
 * @error: SB_ERROR_NO_SPACE, SB_ERROR_CLOSED, SB_ERROR_BUSY
 *
 * Begins to receive a file for sb_bus_publish_files_async(). The caller checks
 * its size as it grows.
 *
 * Returns: (transfer full) (nullable): where to write to; to be aborted if it is not published
 */
SbIncoming *
sb_bus_receive_file (SbBus *self, SbUser *sender, GError **error)
{
  char id[SB_ID_SIZE];

  g_return_val_if_fail (SB_IS_BUS (self), NULL);

  if (!sb_bus_check_resources (self, error) || !sb_bus_check_file_size (self, sender, 0, error))
    return NULL;
  sb_id_make (&self->ids, sb_clock_wall (self->clock), id);
  return sb_vault_receive (self->vault, id);
}

/* The end: committed, or not */

static char **
list_names (SbBus *self, const SbOperation *operation)
{
  g_autoptr (GStrvBuilder) full = NULL;

  for (guint i = 0; i < operation->append.n_targets; i++)
    {
      const SbTarget *target = &operation->append.targets[i];
      const SbUser *user = target->full
                               ? sb_directory_lookup_key (self->directory, target->recipient)
                               : NULL;

      if (user == NULL)
        continue;
      if (full == NULL)
        full = g_strv_builder_new ();
      g_strv_builder_add (full, user->id);
    }
  return full != NULL ? g_strv_builder_end (full) : NULL;
}

static void
wake_recipients (SbBus *self, const SbOperation *operation)
{
  const SbMessage *message = operation->append.message;
  guint n_messages = 1 + operation->append.n_more;

  sb_counter_add (self->deliveries, (guint64) n_messages * operation->append.n_targets);
  for (guint i = 0; i < operation->append.n_targets; i++)
    {
      const SbTarget *target = &operation->append.targets[i];
      SbQueue *queue = g_hash_table_lookup (self->queues, &target->recipient);

      sb_bus_count_target (self, target, n_messages);
      if (queue != NULL && target->state == SB_DELIVERY_PENDING)
        sb_queue_note_stored (queue);
    }
  if (self->sweeper != NULL && message->not_before > message->accepted)
    sb_sweeper_note_time (self->sweeper, message->not_before);
  if (self->sweeper != NULL && message->deadline > 0)
    sb_sweeper_note_time (self->sweeper, message->deadline);
}

static SbPublishedFiles *
make_result (Call *call, const SbOperation *operation)
{
  SbPublishedFiles *result = g_new0 (SbPublishedFiles, 1);
  GPtrArray *unknown = call->route->unknown;

  result->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_message_unref);
  g_ptr_array_add (result->messages, sb_message_ref (operation->append.message));
  for (guint i = 0; i < operation->append.n_more; i++)
    g_ptr_array_add (result->messages, sb_message_ref (operation->append.more[i]));
  result->n_recipients = operation->append.n_recipients;
  result->duplicate = operation->outcome == SB_OUTCOME_DUPLICATE;
  if (unknown != NULL)
    {
      g_ptr_array_add (unknown, NULL);
      result->unknown = g_strdupv ((char **) unknown->pdata);
    }
  result->full = list_names (call->bus, operation);
  return result;
}

static GError *
find_refusal (const SbOperation *operation)
{
  const SbMessage *message = operation->append.faulty == 0
                                 ? operation->append.message
                                 : operation->append.more[operation->append.faulty - 1];

  if (operation->outcome == SB_OUTCOME_CONFLICT)
    return g_error_new (SB_ERROR, SB_ERROR_CONFLICT, "%s \"%s\" is taken",
                        operation->append.name_taken ? "the stored name" : "the _id",
                        operation->append.name_taken ? message->file->name : message->id);
  /* The others of a duplicate must be duplicates, too, or the sender mixes things up. */
  if (operation->outcome == SB_OUTCOME_DUPLICATE && operation->append.faulty > 0)
    return g_error_new (SB_ERROR, SB_ERROR_CONFLICT, "the _id \"%s\" is taken", message->id);
  if (operation->outcome == SB_OUTCOME_FULL)
    return g_error_new_literal (SB_ERROR, SB_ERROR_FULL,
                                "the queue of a recipient is full; nothing was accepted");
  return NULL;
}

static void
tell_accepted (SbBus *self, const SbOperation *operation)
{
  sb_bus_flow_accepted (self, operation->append.message, operation);
  for (guint i = 0; i < operation->append.n_more; i++)
    sb_bus_flow_accepted (self, operation->append.more[i], operation);
}

static void
appended_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Call *call = g_task_get_task_data (task);
  GError *refusal = error != NULL ? g_error_copy (error) : find_refusal (operation);
  SbPublishedFiles *result;

  if (refusal != NULL)
    {
      if (error == NULL && operation->outcome == SB_OUTCOME_FULL)
        call->full = list_names (call->bus, operation);
      fail (g_steal_pointer (&task), refusal);
      return;
    }
  result = make_result (call, operation);
  sb_counter_add (result->duplicate ? call->bus->duplicates : call->bus->accepted,
                  result->messages->len);
  if (result->duplicate || operation->append.released)
    drop_files (call);
  if (!result->duplicate)
    {
      tell_accepted (call->bus, operation);
      wake_recipients (call->bus, operation);
    }
  g_task_return_pointer (task, result, (GDestroyNotify) sb_published_files_free);
}

/* Append */

/* Returns: (transfer full): the message of the file with that index. */
static SbMessage *
make_announcement (Call *call, guint index)
{
  SbFile *file = g_ptr_array_index (call->kept, index);
  const SbMessage *plain = call->plain;
  g_autofree char *id = index == 0 ? g_strdup (plain->id)
                                   : g_strdup_printf ("%s.%u", plain->id, index + 1);
  g_autofree char *url = call->base_url != NULL
                             ? g_strconcat (call->base_url, "/download/", file->name, NULL)
                             : NULL;
  g_autoptr (GBytes) body = sb_envelope_splice (&call->envelope, id, call->sender->id);
  gint64 last = MAX (plain->accepted, plain->not_before) + call->bus->file_ttl;
  gint64 deadline = plain->deadline > 0 ? MIN (plain->deadline, last) : last;

  return sb_message_new_with_file (id, call->sender->id, call->sender->key,
                                   sb_notice_make (body, file, url), plain->accepted,
                                   plain->not_before, deadline, file);
}

static void
append (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  SbOperation *operation = sb_operation_new (SB_OPERATION_APPEND, appended_cb, task);
  gsize n_targets;

  operation->append.message = make_announcement (call, 0);
  operation->append.n_more = call->files->len - 1;
  operation->append.more = g_new0 (SbMessage *, operation->append.n_more);
  for (guint i = 0; i < operation->append.n_more; i++)
    operation->append.more[i] = make_announcement (call, i + 1);
  operation->append.targets = (SbTarget *) g_array_steal (call->route->targets, &n_targets);
  operation->append.n_targets = n_targets;
  sb_journal_submit (call->bus->journal, operation);
}

/* Keep */

static void
kept_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;

  call->is_kept = TRUE;
  if (call->is_upload ? !sb_vault_upload_finish (SB_VAULT (source), result, &error)
                      : !sb_vault_keep_finish (SB_VAULT (source), result, &error))
    fail (g_steal_pointer (&task), error);
  else if (!sb_journal_is_open (call->bus->journal))
    fail (g_steal_pointer (&task),
          g_error_new_literal (SB_ERROR, SB_ERROR_CLOSED, "the bus is stopping"));
  else
    append (g_steal_pointer (&task));
}

static void
keep (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  g_autoptr (GStrvBuilder) ids = g_strv_builder_new ();
  g_auto (GStrv) list = NULL;

  if (call->is_upload)
    {
      const SbFile *file = g_ptr_array_index (call->kept, 0);

      sb_vault_link_upload_async (call->bus->vault, file->id, kept_cb, task);
      return;
    }
  for (guint i = 0; i < call->kept->len; i++)
    g_strv_builder_add (ids, ((SbFile *) g_ptr_array_index (call->kept, i))->id);
  list = g_strv_builder_end (ids);
  sb_vault_keep_async (call->bus->vault, (const char *const *) list, kept_cb, task);
}

/* Names */

/* The same message, sent again: it is no reason for another name. */
static gboolean
is_sent_before (const Call *call, const SbFileInfo *other, guint index)
{
  g_autofree char *id = index == 0 ? g_strdup (call->plain->id)
                                   : g_strdup_printf ("%s.%u", call->plain->id, index + 1);

  return other->sender_key == call->sender->key && strcmp (other->message_id, id) == 0;
}

/* On the reader's thread: whether a message names the file with that id. */
gboolean
sb_bus_is_file_known (SbStore *store, const char *id, gboolean *known, GError **error)
{
  g_autofree char *before = g_strdup (id);
  g_autoptr (GPtrArray) files = NULL;
  gsize at = strlen (before);

  /* The id just before it. */
  while (at > 0 && before[at - 1] == '0')
    before[--at] = 'f';
  if (at > 0)
    before[at - 1] = before[at - 1] == 'a' ? '9' : (char) (before[at - 1] - 1);
  files = sb_store_files (store, at > 0 ? before : "", 1, error);
  if (files == NULL)
    return FALSE;
  *known = files->len > 0 && strcmp (((SbFileInfo *) files->pdata[0])->file->id, id) == 0;
  return TRUE;
}

/* On the reader's thread: names that other files have are varied by the file's own id. */
static void
vary_names (SbStore *store, GTask *task)
{
  Call *call = g_task_get_task_data (g_task_get_task_data (task));
  GError *failure = NULL;

  if (call->is_upload
      && !sb_bus_is_file_known (store, ((SbFile *) call->kept->pdata[0])->id, &call->is_announced,
                                &failure))
    {
      g_task_return_error (task, failure);
      return;
    }
  for (guint i = 0; i < call->files->len; i++)
    {
      const SbReceivedFile *file = g_ptr_array_index (call->files, i);
      const char *id = sb_incoming_get_id (file->incoming);
      g_autoptr (GError) error = NULL;
      g_autoptr (SbFileInfo) other = sb_store_file (store, call->names[i], &error);
      g_autofree char *prefix = g_strndup (id + 16, 8);
      char *varied;

      if (other == NULL && g_error_matches (error, SB_ERROR, SB_ERROR_NOT_FOUND))
        continue;
      if (other != NULL && is_sent_before (call, other, i))
        continue;
      varied = g_strconcat (prefix, "_", call->names[i], NULL);
      g_free (call->names[i]);
      call->names[i] = varied;
    }
  g_task_return_boolean (task, TRUE);
}

/* An earlier run of the bus has announced it, and could not say so any more. */
static void
answer_announced (GTask *task)
{
  g_autoptr (GTask) call_task = task;
  Call *call = g_task_get_task_data (task);
  SbPublishedFiles *result = g_new0 (SbPublishedFiles, 1);

  drop_files (call);
  result->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_message_unref);
  g_ptr_array_add (result->messages, sb_message_ref (call->plain));
  result->duplicate = TRUE;
  g_task_return_pointer (task, result, (GDestroyNotify) sb_published_files_free);
}

static void
named_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      fail (g_steal_pointer (&task), error);
      return;
    }
  if (call->is_announced)
    {
      answer_announced (g_steal_pointer (&task));
      return;
    }
  for (guint i = 0; i < call->kept->len; i++)
    {
      const SbFile *flushed = g_ptr_array_index (call->kept, i);
      SbFile *named = sb_file_new (flushed->id, call->names[i], flushed->display_name,
                                   flushed->size, flushed->digest);

      sb_file_unref (call->kept->pdata[i]);
      call->kept->pdata[i] = named;
    }
  keep (g_steal_pointer (&task));
}

static void
make_names (GTask *task)
{
  Call *call = g_task_get_task_data (task);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  GTask *read;

  for (guint i = 0; i < call->files->len; i++)
    {
      const SbReceivedFile *file = g_ptr_array_index (call->files, i);
      g_autofree char *id = i == 0 ? g_strdup (call->plain->id)
                                   : g_strdup_printf ("%s.%u", call->plain->id, i + 1);
      g_autofree char *name = sb_file_name_make_stored (id, file->display_name);

      g_strv_builder_add (names, name);
    }
  call->names = g_strv_builder_end (names);
  read = g_task_new (NULL, NULL, named_cb, task);
  g_task_set_task_data (read, task, NULL);
  sb_journal_read_async (call->bus->journal, vary_names, read);
}

/* Flush */

static void flush_next (GTask *task);

static void
flushed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Call *call = g_task_get_task_data (task);
  SbReceivedFile *file = g_ptr_array_index (call->files, call->n_flushed);
  GError *error = NULL;

  file->is_finished = sb_incoming_finish_finish (file->incoming, result, &file->size, file->digest,
                                                 &error);
  if (file->is_finished)
    flush_next (g_steal_pointer (&task));
  else
    fail (g_steal_pointer (&task), error);
}

/* Takes the files that are on the disk already. */
static void
take_finished (Call *call)
{
  while (call->n_flushed < call->files->len)
    {
      const SbReceivedFile *file = g_ptr_array_index (call->files, call->n_flushed);

      if (!file->is_finished)
        break;
      g_ptr_array_add (call->kept, sb_file_new (sb_incoming_get_id (file->incoming), "",
                                                file->display_name, file->size, file->digest));
      call->n_flushed++;
    }
}

static void
flush_next (GTask *task)
{
  Call *call = g_task_get_task_data (task);

  take_finished (call);
  if (call->n_flushed < call->files->len)
    {
      const SbReceivedFile *file = g_ptr_array_index (call->files, call->n_flushed);

      sb_incoming_finish_async (file->incoming, flushed_cb, task);
    }
  else
    make_names (task);
}

/* Check */

static gboolean
check (Call *self, GError **error)
{
  g_autoptr (SbAddressList) to = NULL;
  gsize length;
  const char *data = g_bytes_get_data (self->json, &length);
  g_autofree char *last_id = NULL;

  if (self->files->len == 0 || self->files->len > MAX_FILES)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "a message has 1 to %u files, not %u",
                   MAX_FILES, self->files->len);
      return FALSE;
    }
  if (!sb_envelope_scan (&self->envelope, data, length, error)
      || !sb_bus_check_members (self->bus, &self->envelope, error)
      || !sb_bus_check_resources (self->bus, error))
    return FALSE;
  to = sb_address_list_parse (self->envelope.values[SB_MEMBER_TO], error);
  if (to == NULL)
    return FALSE;
  self->route = sb_router_resolve (self->bus->directory, self->sender, to,
                                   self->bus->max_recipients, error);
  if (self->route == NULL)
    return FALSE;
  self->plain = sb_bus_make_message (self->bus, self->sender, &self->envelope, error);
  if (self->plain == NULL)
    return FALSE;
  last_id = g_strdup_printf ("%s.%u", self->plain->id, self->files->len);
  if (self->files->len > 1 && !sb_message_check_id (last_id, error))
    return FALSE;
  for (guint i = 0; i < self->files->len; i++)
    self->bytes += sb_incoming_get_size (((SbReceivedFile *) self->files->pdata[i])->incoming);
  return sb_bus_check_file_quota (self->bus, self->sender, self->bytes, error);
}

static void
publish (SbBus *self, SbUser *sender, GBytes *json, GPtrArray *files, const char *base_url,
         gboolean is_upload, GTask *task)
{
  Call *call = g_new0 (Call, 1);
  GError *error = NULL;

  call->bus = g_object_ref (self);
  call->sender = sb_user_ref (sender);
  call->json = g_bytes_ref (json);
  call->files = files;
  call->base_url = g_strdup (base_url);
  call->is_upload = is_upload;
  call->kept = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_file_unref);
  g_task_set_task_data (task, call, (GDestroyNotify) call_free);
  if (!check (call, &error))
    {
      fail (task, error);
      return;
    }
  count_files (call);
  flush_next (task);
}

/**
 * sb_bus_publish_files_async:
 * @self: a started bus
 * @sender: who sends, authenticated
 * @json: (transfer none): the message
 * @files: (transfer full) (element-type SbReceivedFile): its files, received whole
 * @base_url: (nullable): how the outside reaches the bus, without a slash at the end
 * @callback: for sb_bus_publish_files_finish()
 * @user_data: for @callback
 *
 * Sends a guaranteed message for each file. When it fails nothing is left of
 * them.
 */
void
sb_bus_publish_files_async (SbBus *self, SbUser *sender, GBytes *json, GPtrArray *files,
                            const char *base_url, GAsyncReadyCallback callback, gpointer user_data)
{
  publish (self, sender, json, files, base_url, FALSE,
           g_task_new (self, NULL, callback, user_data));
}

/*
 * Sends the message of an upload, for sb_bus_publish_files_finish(). Whatever
 * comes of it, the upload stays on the disk: it is the caller's to end. An
 * upload that was announced before is reported as a duplicate.
 *
 * @incoming: complete, made by sb_vault_resume()
 */
void
sb_bus_publish_upload_async (SbBus *self, SbUser *sender, GBytes *json, SbIncoming *incoming,
                             const char *display_name, const char *base_url,
                             GAsyncReadyCallback callback, gpointer user_data)
{
  GPtrArray *files = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_received_file_free);

  g_ptr_array_add (files, sb_received_file_new (incoming, display_name));
  publish (self, sender, json, files, base_url, TRUE, g_task_new (self, NULL, callback, user_data));
}

/**
 * sb_bus_publish_files_finish:
 * @self: a bus
 * @result: of sb_bus_publish_files_async()
 * @error: as of sb_bus_publish(), or why a file could not be kept
 *
 * Returns: (transfer full) (nullable): what was sent, once it is durable for every recipient
 */
SbPublishedFiles *
sb_bus_publish_files_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * sb_bus_publish_files_get_full:
 * @self: a bus
 * @result: of sb_bus_publish_files_async(), which failed
 *
 * Returns: (transfer none) (nullable) (array zero-terminated=1): ids of recipients whose queue is
 *   full, when that is why; valid as long as @result
 */
const char *const *
sb_bus_publish_files_get_full (SbBus *self, GAsyncResult *result)
{
  const Call *call = g_task_get_task_data (G_TASK (result));

  return (const char *const *) call->full;
}

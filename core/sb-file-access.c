/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-file-access: who may fetch a file, and how it goes.
 *
 * Recipients may as long as their delivery has not ended, the sender and
 * admins as long as the file is there. A recipient that releases it ends its
 * delivery; with the last delivery the file goes, after the commit.
 */

#include "sb-bus-private.h"

#include "sb-bus-files.h"
#include "sb-error.h"
#include "sb-names.h"

typedef struct
{
  SbUser *user;     /* (owned) who asks */
  char *name;       /* (owned) stored name */
  SbFileInfo *info; /* (owned) (nullable) once it was read */
} Call;

static void
call_free (Call *self)
{
  sb_user_unref (self->user);
  g_free (self->name);
  sb_file_info_free (self->info);
  g_free (self);
}

/* How the user stands to the file, if it is one of its recipients. */
static const SbFileRight *
find_right (const SbFileInfo *info, const SbUser *user)
{
  for (guint i = 0; info->rights != NULL && i < info->rights->len; i++)
    {
      const SbFileRight *right = &g_array_index (info->rights, SbFileRight, i);

      if (right->recipient == user->key)
        return right;
    }
  return NULL;
}

static gboolean
is_open_for (const SbFileInfo *info, const SbUser *user)
{
  const SbFileRight *right = find_right (info, user);

  return right != NULL && !sb_delivery_state_has_ended (right->state);
}

/* What one may not see does not exist. */
static GError *
no_such_file (const char *name)
{
  return g_error_new (SB_ERROR, SB_ERROR_NOT_FOUND, "there is no file \"%s\" for you", name);
}

/* On the reader's thread. */
static void
read_info (SbStore *store, GTask *task)
{
  const char *name = g_task_get_task_data (task);
  GError *error = NULL;
  SbFileInfo *info = sb_store_file (store, name, &error);

  if (info != NULL)
    g_task_return_pointer (task, info, (GDestroyNotify) sb_file_info_free);
  else
    g_task_return_error (task, error);
}

/* Returns: (transfer full): a task for the caller's answer; reads the file's record for it. */
static void
begin (SbBus *self, SbUser *user, const char *name, GTask *task, GAsyncReadyCallback read_cb)
{
  Call *call = g_new0 (Call, 1);
  GTask *read;

  call->user = sb_user_ref (user);
  call->name = g_strdup (name);
  g_task_set_task_data (task, call, (GDestroyNotify) call_free);
  read = g_task_new (NULL, NULL, read_cb, task);
  g_task_set_task_data (read, g_strdup (name), g_free);
  sb_journal_read_async (self->journal, read_info, read);
}

/* Takes what was read. Returns whether there is such a file. */
static gboolean
take_info (Call *call, GAsyncResult *result, GError **error)
{
  GError *inner = NULL;

  call->info = g_task_propagate_pointer (G_TASK (result), &inner);
  if (call->info != NULL)
    return TRUE;
  if (g_error_matches (inner, SB_ERROR, SB_ERROR_NOT_FOUND))
    {
      g_clear_error (&inner);
      inner = no_such_file (call->name);
    }
  g_propagate_error (error, inner);
  return FALSE;
}

/* Opening */

static void
fail_damaged (GTask *task, const char *name, GError *error)
{
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_FILE_DAMAGED,
                    SB_LOG_FIELD_FILE, name, "MESSAGE", "the file \"%s\" cannot be served: %s",
                    name, error->message);
  g_task_return_error (task, error);
}

/* It was not on the disk. Is it still wanted? */
static void
looked_again_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Call *call = g_task_get_task_data (task);
  g_autoptr (SbFileInfo) info = g_task_propagate_pointer (G_TASK (result), NULL);

  if (info == NULL)
    g_task_return_error (task, no_such_file (call->name));
  else
    fail_damaged (task, call->name,
                  g_error_new (SB_ERROR, SB_ERROR_CORRUPT, "the file \"%s\" is missing on the disk",
                               call->name));
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = g_task_get_source_object (task);
  const Call *call = g_task_get_task_data (task);
  GError *error = NULL;
  int fd = sb_vault_open_file_finish (SB_VAULT (source), result, &error);

  if (fd >= 0)
    g_task_return_int (task, fd);
  else if (g_error_matches (error, SB_ERROR, SB_ERROR_NOT_FOUND)
           && sb_journal_is_open (self->journal))
    {
      GTask *read = g_task_new (NULL, NULL, looked_again_cb, g_object_ref (task));

      g_task_set_task_data (read, g_strdup (call->name), g_free);
      sb_journal_read_async (self->journal, read_info, read);
      g_error_free (error);
    }
  else
    fail_damaged (task, call->name, error);
}

static void
open_info_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;

  if (!take_info (call, result, &error))
    g_task_return_error (task, error);
  else if (!call->user->admin && call->info->sender_key != call->user->key
           && !is_open_for (call->info, call->user))
    g_task_return_error (task, no_such_file (call->name));
  else
    sb_vault_open_file_async (self->vault, call->info->file, opened_cb, g_object_ref (task));
}

/**
 * sb_bus_open_file_async:
 * @self: a started bus
 * @user: who asks
 * @name: a stored name
 * @callback: for sb_bus_open_file_finish()
 * @user_data: for @callback
 */
void
sb_bus_open_file_async (SbBus *self, SbUser *user, const char *name, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_return_if_fail (SB_IS_BUS (self));

  begin (self, user, name, g_task_new (self, NULL, callback, user_data), open_info_read_cb);
}

/**
 * sb_bus_open_file_finish:
 * @self: a bus
 * @result: of sb_bus_open_file_async()
 * @file: (out) (transfer full): what it is
 * @accepted: (out): when it was sent, wall clock, microseconds
 * @error: SB_ERROR_NOT_FOUND, also when it is not for that user; SB_ERROR_CORRUPT when it is
 *   damaged
 *
 * Returns: a descriptor for reading, which is the caller's; -1 with @error
 */
int
sb_bus_open_file_finish (SbBus *self, GAsyncResult *result, SbFile **file, gint64 *accepted,
                         GError **error)
{
  const Call *call = g_task_get_task_data (G_TASK (result));
  int fd = (int) g_task_propagate_int (G_TASK (result), error);

  if (fd >= 0)
    {
      *file = sb_file_ref (call->info->file);
      *accepted = call->info->accepted;
    }
  return fd;
}

/* Releasing */

static void
released_cb (SbOutcome outcome, const GError *error, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Call *call = g_task_get_task_data (task);

  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else if (outcome == SB_OUTCOME_DONE)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, no_such_file (call->name));
}

static void
release_info_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbBus *self = g_task_get_source_object (task);
  Call *call = g_task_get_task_data (task);
  GError *error = NULL;

  if (!take_info (call, result, &error))
    g_task_return_error (task, error);
  else if (!is_open_for (call->info, call->user))
    g_task_return_error (task, no_such_file (call->name));
  else if (sb_bus_check_running (self, &error))
    sb_queue_release (sb_bus_ensure_queue (self, call->user->key), call->info->message_id,
                      released_cb, g_object_ref (task));
  else
    g_task_return_error (task, error);
}

/**
 * sb_bus_release_file_async:
 * @self: a started bus
 * @user: a recipient
 * @name: a stored name
 * @callback: for sb_bus_release_file_finish()
 * @user_data: for @callback
 *
 * The recipient has the file and needs it no more: its delivery ends as
 * confirmed.
 */
void
sb_bus_release_file_async (SbBus *self, SbUser *user, const char *name,
                           GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (SB_IS_BUS (self));

  begin (self, user, name, g_task_new (self, NULL, callback, user_data), release_info_read_cb);
}

/**
 * sb_bus_release_file_finish:
 * @self: a bus
 * @result: of sb_bus_release_file_async()
 * @error: SB_ERROR_NOT_FOUND, also when it is not, or no longer, for that user
 *
 * Returns: whether it is released, and that is durable
 */
gboolean
sb_bus_release_file_finish (SbBus *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

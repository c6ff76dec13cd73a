/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-calls: what a program may ask of a client. Each call goes to one of its parts. */

#include "sb-client-downloads.h"
#include "sb-client-outbox.h"
#include "sb-client-parts.h"
#include "sb-client-session.h"
#include "sb-client-uploads.h"

#include <string.h>

/* --- The session --- */

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbClient *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;

  if (sb_client_session_connect_finish (sb_client_get_session (self), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * sb_client_connect_async:
 * @self: a client
 * @cancellable: (nullable): to stop waiting, and trying
 * @callback: (scope async): called when the session is open for the first time
 * @user_data: for @callback
 *
 * Opens the session and keeps it open: a bus that cannot be reached is tried again until it can.
 * What an earlier run left in the state folder goes on.
 */
void
sb_client_connect_async (SbClient *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (SB_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_client_connect_async);
  if (!sb_client_parts_prepare (sb_client_get_parts (self), &error))
    g_task_return_error (task, g_steal_pointer (&error));
  else
    sb_client_session_connect_async (sb_client_get_session (self), cancellable, connected_cb,
                                     g_object_ref (task));
}

/**
 * sb_client_connect_finish:
 * @self: a client
 * @result: as given to the callback
 * @error: return location
 *
 * Ends sb_client_connect_async().
 *
 * Returns: %TRUE; %FALSE with %SB_CLIENT_ERROR_UNAUTHORIZED when the bus does not know user and
 * password, %SB_CLIENT_ERROR_BUSY when another client has the state folder,
 * %SB_CLIENT_ERROR_INVALID when an address is none
 */
gboolean
sb_client_connect_finish (SbClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/**
 * sb_client_confirm:
 * @self: a client
 * @id: of a message that came
 *
 * Tells the bus that the message, or the file, was dealt with and need not come again. Without a
 * session it is told with the next one.
 */
void
sb_client_confirm (SbClient *self, const char *id)
{
  SbClientDownloads *downloads;

  g_return_if_fail (SB_IS_CLIENT (self));
  g_return_if_fail (id != NULL);

  downloads = sb_client_parts_peek_downloads (sb_client_get_parts (self));
  if (downloads == NULL || !sb_client_downloads_confirm (downloads, id))
    sb_client_session_confirm (sb_client_get_session (self), id);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;

  if (sb_client_parts_close_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * sb_client_close_async:
 * @self: a client
 * @cancellable: (nullable): only seen before it begins
 * @callback: (scope async): called when nothing is under way any more
 * @user_data: for @callback
 *
 * Closes the session, stops transfers where they are, and lets go of the state folder. What was not
 * accepted stays in the outbox for the next run. The client may be connected again.
 */
void
sb_client_close_async (SbClient *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (SB_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_client_close_async);
  if (!g_task_return_error_if_cancelled (task))
    sb_client_parts_close_async (sb_client_get_parts (self), closed_cb, g_object_ref (task));
}

/**
 * sb_client_close_finish:
 * @self: a client
 * @result: as given to the callback
 * @error: return location
 *
 * Ends sb_client_close_async().
 *
 * Returns: %TRUE; %FALSE when something could not be written. It is closed all the same.
 */
gboolean
sb_client_close_finish (SbClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Messages --- */

static void
appended_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbClient *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  SbClientOutbox *outbox = sb_client_parts_peek_outbox (sb_client_get_parts (self));
  char *id = sb_client_outbox_append_finish (outbox, result, &error);

  if (id != NULL)
    g_task_return_pointer (task, id, g_free);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/* A direct message is for those who are there now; keeping it would make it another one. */
static void
send_direct (SbClient *self, SbClientDraft *draft, GTask *task)
{
  SbClientSession *session = sb_client_get_session (self);
  g_autoptr (SbClientDraft) message = NULL;
  g_autofree char *json = NULL;

  if (!sb_client_session_is_open (session))
    {
      g_task_return_new_error (task, SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE,
                               "Without a session no direct message can be sent");
      return;
    }
  if (!sb_client_session_can_send (session))
    {
      g_task_return_new_error (task, SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY,
                               "The bus does not take what was sent before; try again later");
      return;
    }
  message = sb_client_draft_with_id (draft);
  json = sb_client_draft_to_json (message);
  sb_client_session_send (session, json, strlen (json));
  g_task_return_pointer (task, g_strdup (sb_client_draft_get_id (message)), g_free);
}

/**
 * sb_client_send_async:
 * @self: a client
 * @draft: what to send
 * @cancellable: (nullable): to stop waiting; the message may be sent all the same
 * @callback: (scope async): called when the message is in the outbox, on disk
 * @user_data: for @callback
 *
 * Sends a message. It is in the outbox when this ends, goes to the bus in the order of the calls as
 * soon as there is a session, and counts once there, also after crashes on either side, as long as
 * the bus remembers its `_id`. [signal@SimpleBus.Client::accepted] says when the bus has it,
 * [signal@SimpleBus.Client::error] that it was refused. A direct message is written to the session
 * at once, or fails.
 */
void
sb_client_send_async (SbClient *self, SbClientDraft *draft, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  SbClientOutbox *outbox;

  g_return_if_fail (SB_IS_CLIENT (self));
  g_return_if_fail (SB_IS_CLIENT_DRAFT (draft));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_client_send_async);
  if (sb_client_draft_get_direct (draft))
    {
      send_direct (self, draft, task);
      return;
    }
  outbox = sb_client_get_outbox (self, &error);
  if (outbox != NULL)
    sb_client_outbox_append_async (outbox, draft, cancellable, appended_cb, g_object_ref (task));
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * sb_client_send_finish:
 * @self: a client
 * @result: as given to the callback
 * @error: return location
 *
 * Ends sb_client_send_async().
 *
 * Returns: (transfer full) (nullable): the message's `_id`; %NULL with an error, and then it is not
 * sent: %SB_CLIENT_ERROR_NO_SPACE, %SB_CLIENT_ERROR_BUSY when the outbox is full,
 * %SB_CLIENT_ERROR_OFFLINE for a direct one
 */
char *
sb_client_send_finish (SbClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
flushed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  SbClient *self = g_task_get_source_object (task);
  g_autoptr (GError) error = NULL;
  SbClientOutbox *outbox = sb_client_parts_peek_outbox (sb_client_get_parts (self));

  if (sb_client_outbox_flush_finish (outbox, result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * sb_client_flush_async:
 * @self: a client
 * @cancellable: (nullable): to stop waiting
 * @callback: (scope async): called when the outbox is empty
 * @user_data: for @callback
 *
 * Waits until the bus has accepted, or refused, all that was sent before this call.
 */
void
sb_client_flush_async (SbClient *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (GError) error = NULL;
  SbClientOutbox *outbox;

  g_return_if_fail (SB_IS_CLIENT (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, sb_client_flush_async);
  outbox = sb_client_get_outbox (self, &error);
  if (outbox != NULL)
    sb_client_outbox_flush_async (outbox, cancellable, flushed_cb, g_object_ref (task));
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

/**
 * sb_client_flush_finish:
 * @self: a client
 * @result: as given to the callback
 * @error: return location
 *
 * Ends sb_client_flush_async().
 *
 * Returns: %TRUE when nothing is left; %FALSE when it was cancelled or the client closed before
 */
gboolean
sb_client_flush_finish (SbClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* --- Files --- */

/**
 * sb_client_send_file:
 * @self: a client
 * @draft: the message that the file goes with
 * @path: of the file, which must stay as it is until it was sent
 * @display_name: (nullable): for the recipients; %NULL: the last part of @path
 * @error: return location
 *
 * Sends a file. It goes on after a cut, and in the next run after a crash.
 *
 * Returns: (transfer full) (nullable): its transfer; %NULL when the file cannot be read, or there
 * is no state folder
 */
SbClientTransfer *
sb_client_send_file (SbClient *self, SbClientDraft *draft, const char *path,
                     const char *display_name, GError **error)
{
  g_autoptr (SbClientDraft) message = NULL;
  SbClientUploads *uploads;

  g_return_val_if_fail (SB_IS_CLIENT (self), NULL);
  g_return_val_if_fail (SB_IS_CLIENT_DRAFT (draft), NULL);
  g_return_val_if_fail (path != NULL, NULL);

  uploads = sb_client_get_uploads (self, error);
  if (uploads == NULL)
    return NULL;
  message = sb_client_draft_with_id (draft);
  return sb_client_uploads_add (uploads, message, path, display_name, error);
}

/**
 * sb_client_list_transfers:
 * @self: a client
 *
 * Returns: (transfer full) (element-type SbClientTransfer): transfers that have not ended
 */
GPtrArray *
sb_client_list_transfers (SbClient *self)
{
  GPtrArray *transfers = g_ptr_array_new_with_free_func (g_object_unref);
  SbClientUploads *uploads;
  SbClientDownloads *downloads;

  g_return_val_if_fail (SB_IS_CLIENT (self), transfers);

  uploads = sb_client_parts_peek_uploads (sb_client_get_parts (self));
  downloads = sb_client_parts_peek_downloads (sb_client_get_parts (self));
  if (uploads != NULL)
    sb_client_uploads_list (uploads, transfers);
  if (downloads != NULL)
    sb_client_downloads_list (downloads, transfers);
  return transfers;
}

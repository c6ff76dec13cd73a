/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-upload: one upload. What is to be done with it is done one thing after
 * the other:
 *
 *   claim      takes it over from an older request, and looks how far it is
 *   end        the body of a request is over: flush it, verify it
 *   announce   for one that was found complete
 *   remove     by its owner, or because it expired
 *
 * Each of the first three announces it when it is complete, and is over only
 * after that: nobody hears that all is there before the message is committed.
 */

#include "sb-bus-private.h"

#include "sb-bus-files.h"
#include "sb-error.h"
#include "sb-uploads-private.h"
#include "sb-vault-uploads.h"

typedef enum
{
  STEP_CLAIM,
  STEP_END,
  STEP_ANNOUNCE,
  STEP_REMOVE,
} Step;

typedef struct
{
  SbUpload *upload; /* (owned) */
  SbBus *bus;       /* (owned) */
  Step step;
  guint claim;
  gboolean is_whole;
  gboolean is_retry; /* what an older request left did not work, the disk says how it is */
  GError *error;     /* (owned) (nullable) to be told when the upload is removed */
} Call;

static void run_next (SbUpload *self);

static void
call_free (Call *self)
{
  g_clear_error (&self->error);
  sb_upload_unref (self->upload);
  g_object_unref (self->bus);
  g_free (self);
}

/* Life */

SbUpload *
sb_upload_new (SbUploads *all, const char *id)
{
  SbUpload *self = g_new0 (SbUpload, 1);

  self->refs = 1;
  self->all = all;
  self->id = g_strdup (id);
  return self;
}

/**
 * sb_upload_ref:
 * @self: an upload
 *
 * Returns: (transfer full): @self
 */
SbUpload *
sb_upload_ref (SbUpload *self)
{
  self->refs++;
  return self;
}

/* Another one goes on from what is on the disk. */
static void
drop_incoming (SbUpload *self)
{
  if (self->incoming == NULL)
    return;
  sb_incoming_abort (self->incoming);
  g_clear_pointer (&self->incoming, sb_incoming_unref);
}

/**
 * sb_upload_unref:
 * @self: (transfer full): an upload
 */
void
sb_upload_unref (SbUpload *self)
{
  if (--self->refs > 0)
    return;
  drop_incoming (self);
  g_clear_pointer (&self->json, g_bytes_unref);
  g_free (self->base_url);
  g_free (self->name);
  g_free (self->message_id);
  g_free (self->id);
  g_free (self);
}

/* Something came: it expires later. */
static void
touch (SbUpload *self)
{
  if (self->all != NULL)
    self->touched = sb_clock_wall (sb_bus_get_clock (sb_uploads_get_bus (self->all)));
}

static void
revoke_claim (SbUpload *self)
{
  self->claim++;
  self->is_begun = FALSE;
  self->overflows = FALSE;
  self->func = NULL;
}

/* The bus stops, or the upload is gone: nothing more is taken. */
void
sb_upload_close (SbUpload *self)
{
  revoke_claim (self);
  self->all = NULL;
  if (self->incoming != NULL)
    sb_incoming_abort (self->incoming);
}

/**
 * sb_upload_get_id:
 * @self: an upload
 *
 * Returns: (transfer none): 32 hexadecimal digits
 */
const char *
sb_upload_get_id (SbUpload *self)
{
  return self->id;
}

/**
 * sb_upload_get_message_id:
 * @self: an upload
 *
 * Returns: (transfer none): the `_id` of the message that announces it
 */
const char *
sb_upload_get_message_id (SbUpload *self)
{
  return self->message_id;
}

/**
 * sb_upload_get_name:
 * @self: an upload
 *
 * Returns: (transfer none): its display name
 */
const char *
sb_upload_get_name (SbUpload *self)
{
  return self->name;
}

/**
 * sb_upload_get_length:
 * @self: an upload
 *
 * Returns: bytes that it will have
 */
guint64
sb_upload_get_length (SbUpload *self)
{
  return self->length;
}

/* One thing after the other */

/* Why nothing can be done with it any more. */
static GError *
no_such_upload (const SbUpload *self)
{
  return self->is_removed
             ? g_error_new_literal (SB_ERROR, SB_ERROR_NOT_FOUND, "there is no such upload")
             : g_error_new_literal (SB_ERROR, SB_ERROR_CLOSED, "the bus is stopping");
}

static GError *
superseded (void)
{
  return g_error_new_literal (SB_ERROR, SB_ERROR_CONFLICT,
                              "another request goes on with this upload");
}

/* What is under way is over. @error: (transfer full) (nullable) */
static void
end_current (SbUpload *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->current);
  g_autoptr (SbUpload) alive = sb_upload_ref (self);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  run_next (self);
}

/* Removing */

static void
removed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbUpload *self = user_data;
  Call *call = g_task_get_task_data (self->current);
  GError *error = NULL;

  sb_vault_upload_finish (SB_VAULT (source), result, &error);
  if (call->error != NULL)
    {
      g_clear_error (&error);
      error = g_steal_pointer (&call->error);
    }
  end_current (self, error);
}

static void
remove_files (SbUpload *self)
{
  const Call *call = g_task_get_task_data (self->current);

  sb_vault_remove_upload_async (call->bus->vault, self->id, removed_cb, self);
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  /* The message is committed: the next start learns that from the store. */
  if (!sb_vault_upload_finish (SB_VAULT (source), result, &error))
    g_warning ("an upload that is announced cannot be marked so: %s", error->message);
  end_current (user_data, NULL);
}

static void
mark_done (SbUpload *self)
{
  const Call *call = g_task_get_task_data (self->current);
  g_autoptr (GBytes) info = NULL;

  self->is_done = TRUE;
  touch (self);
  g_clear_pointer (&self->json, g_bytes_unref);
  drop_incoming (self);
  info = sb_upload_print_info (self);
  if (self->all != NULL)
    sb_uploads_note_done (self->all, self);
  sb_vault_end_upload_async (call->bus->vault, self->id, info, done_cb, self);
}

/* The place in the vault is what the store says it is: behind it comes the end of the upload. */
static void
go_on_unlinked (SbUpload *self)
{
  const Call *call = g_task_get_task_data (self->current);

  self->is_linked = FALSE;
  if (call->step == STEP_REMOVE || call->error != NULL)
    remove_files (self);
  else
    mark_done (self);
}

static void
unlinked_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!sb_vault_upload_finish (SB_VAULT (source), result, &error))
    g_warning ("%s", error->message);
  go_on_unlinked (user_data);
}

static void
read_known (SbStore *store, GTask *task)
{
  gboolean known = FALSE;
  GError *error = NULL;

  if (sb_bus_is_file_known (store, g_task_get_task_data (task), &known, &error))
    g_task_return_boolean (task, known);
  else
    g_task_return_error (task, error);
}

static void
known_read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbUpload *self = user_data;
  const Call *call = g_task_get_task_data (self->current);
  g_autoptr (GError) error = NULL;
  gboolean known = g_task_propagate_boolean (G_TASK (result), &error);

  /* When nobody can say, the sweep at the next start does it. */
  if (known || error != NULL)
    go_on_unlinked (self);
  else
    sb_vault_unlink_upload_async (call->bus->vault, self->id, unlinked_cb, self);
}

/* Gives up the place in the vault unless a message names it, and goes on. */
static void
unlink_if_unknown (SbUpload *self)
{
  const Call *call = g_task_get_task_data (self->current);
  GTask *read;

  if (!self->is_linked || !sb_journal_is_open (call->bus->journal))
    {
      go_on_unlinked (self);
      return;
    }
  read = g_task_new (NULL, NULL, known_read_cb, self);
  g_task_set_task_data (read, g_strdup (self->id), g_free);
  sb_journal_read_async (call->bus->journal, read_known, read);
}

static void
remove_upload (SbUpload *self)
{
  drop_incoming (self);
  if (self->all != NULL)
    sb_uploads_forget (self->all, self);
  self->is_removed = TRUE;
  self->all = NULL;
  unlink_if_unknown (self);
}

/* Announcing */

/* Whether sending it again is of no use. */
static gboolean
is_final (const GError *error)
{
  return error->domain == SB_ERROR
         && (error->code == SB_ERROR_INVALID || error->code == SB_ERROR_NOT_FOUND
             || error->code == SB_ERROR_CONFLICT || error->code == SB_ERROR_FORBIDDEN
             || error->code == SB_ERROR_TOO_LARGE);
}

/* @error: (transfer full) */
static void
end_unannounced (SbUpload *self, GError *error)
{
  Call *call = g_task_get_task_data (self->current);

  if (!is_final (error))
    {
      /* It was aborted if the bus stops, and read wrong if the disk is bad. */
      drop_incoming (self);
      end_current (self, error);
      return;
    }
  g_message ("the upload %s is complete, but cannot be announced: %s", self->id, error->message);
  call->error = error;
  revoke_claim (self);
  remove_upload (self);
}

static void
announced_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbUpload *self = user_data;
  GError *error = NULL;
  g_autoptr (SbPublishedFiles) published = sb_bus_publish_files_finish (SB_BUS (source), result,
                                                                        &error);

  if (published != NULL)
    unlink_if_unknown (self);
  else
    end_unannounced (self, error);
}

static void
announce (SbUpload *self)
{
  const Call *call = g_task_get_task_data (self->current);
  SbUser *owner = sb_directory_lookup_key (call->bus->directory, self->owner);

  if (owner == NULL)
    {
      end_unannounced (self,
                       g_error_new_literal (SB_ERROR, SB_ERROR_NOT_FOUND, "its sender is gone"));
      return;
    }
  self->is_linked = TRUE;
  sb_bus_publish_upload_async (call->bus, owner, self->json, self->incoming, self->name,
                               self->base_url, announced_cb, self);
}

/* Settling */

static void settle (SbUpload *self);

/* @error: (transfer full) */
static void
end_unsettled (SbUpload *self, GError *error)
{
  Call *call = g_task_get_task_data (self->current);

  if (g_error_matches (error, SB_ERROR, SB_ERROR_CORRUPT))
    {
      self->offset = self->start;
      end_current (self, error);
      return;
    }
  drop_incoming (self);
  if (call->step == STEP_END || call->is_retry || self->all == NULL)
    {
      end_current (self, error);
      return;
    }
  g_error_free (error);
  call->is_retry = TRUE;
  settle (self);
}

static void
settled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  SbUpload *self = user_data;
  GError *error = NULL;
  guint64 size = 0;

  if (!sb_incoming_settle_finish (self->incoming, result, &size, &error))
    {
      end_unsettled (self, error);
      return;
    }
  self->offset = size;
  if (self->all == NULL)
    end_current (self, no_such_upload (self));
  else if (size == self->length)
    announce (self);
  else
    end_current (self, NULL);
}

static void
settle (SbUpload *self)
{
  const Call *call = g_task_get_task_data (self->current);

  if (self->incoming == NULL)
    self->incoming = sb_vault_resume (call->bus->vault, self->id);
  self->is_begun = FALSE;
  sb_incoming_settle_async (self->incoming, call->step == STEP_END && call->is_whole, settled_cb,
                            self);
}

/* The queue */

static void
run (SbUpload *self)
{
  const Call *call = g_task_get_task_data (self->current);

  if (self->all == NULL)
    end_current (self, no_such_upload (self));
  else if (call->step == STEP_REMOVE)
    remove_upload (self);
  else if (call->step == STEP_END && call->claim != self->claim)
    end_current (self, superseded ());
  else if (self->is_done)
    end_current (self, NULL);
  else
    settle (self);
}

static void
run_next (SbUpload *self)
{
  if (self->current != NULL || g_queue_is_empty (&self->waiting))
    return;
  self->current = g_queue_pop_head (&self->waiting);
  run (self);
}

/* Does something as soon as all that was asked for before is done. */
static void
push (SbUpload *self, Step step, guint claim, gboolean is_whole, GAsyncReadyCallback callback,
      gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  Call *call;

  if (self->all == NULL)
    {
      g_task_return_error (task, no_such_upload (self));
      g_object_unref (task);
      return;
    }
  call = g_new0 (Call, 1);
  call->upload = sb_upload_ref (self);
  call->bus = g_object_ref (sb_uploads_get_bus (self->all));
  call->step = step;
  call->claim = claim;
  call->is_whole = is_whole;
  g_task_set_task_data (task, call, (GDestroyNotify) call_free);
  g_queue_push_tail (&self->waiting, task);
  run_next (self);
}

/* Announces what was found complete. */
void
sb_upload_announce (SbUpload *self)
{
  push (self, STEP_ANNOUNCE, self->claim, FALSE, NULL, NULL);
}

/* For requests */

/**
 * sb_upload_claim_async:
 * @self: an upload
 * @callback: for sb_upload_claim_finish()
 * @user_data: for @callback
 *
 * Takes the upload over: who had the claim before can write no more. If all
 * of it is there, it is over when the message is committed.
 */
void
sb_upload_claim_async (SbUpload *self, GAsyncReadyCallback callback, gpointer user_data)
{
  revoke_claim (self);
  push (self, STEP_CLAIM, self->claim, FALSE, callback, user_data);
}

/**
 * sb_upload_claim_finish:
 * @self: an upload
 * @result: of sb_upload_claim_async()
 * @claim: (out): for the other functions
 * @offset: (out): how far it has come, bytes
 * @error: SB_ERROR_NOT_FOUND, or why the message could not be sent
 *
 * Returns: whether the upload is the caller's, until somebody else claims it
 */
gboolean
sb_upload_claim_finish (SbUpload *self, GAsyncResult *result, guint *claim, guint64 *offset,
                        GError **error)
{
  const Call *call = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  *claim = call->claim;
  *offset = self->is_done ? self->length : self->offset;
  return TRUE;
}

static void
room_cb (SbIncoming *incoming, gpointer user_data)
{
  SbUpload *self = user_data;

  if (self->func != NULL)
    self->func (self, self->user_data);
}

static gboolean
check_begin (SbUpload *self, guint claim, guint64 offset, GError **error)
{
  guint64 at = self->is_done ? self->length : self->offset;

  if (self->all == NULL)
    g_propagate_error (error, no_such_upload (self));
  else if (claim != self->claim)
    g_propagate_error (error, superseded ());
  else if (offset != at)
    g_set_error (error, SB_ERROR, SB_ERROR_CONFLICT,
                 "the upload is at %" G_GUINT64_FORMAT ", not at %" G_GUINT64_FORMAT, at, offset);
  else if (self->current != NULL)
    g_set_error_literal (error, SB_ERROR, SB_ERROR_BUSY, "the upload is being looked at");
  else
    {
      SbBus *bus = sb_uploads_get_bus (self->all);
      SbUser *owner = sb_directory_lookup_key (bus->directory, self->owner);

      if (self->is_done)
        return TRUE;
      if (owner != NULL)
        return sb_bus_check_resources (bus, error)
               && sb_bus_check_file_size (bus, owner, self->length, error);
      g_propagate_error (error, no_such_upload (self));
    }
  return FALSE;
}

/**
 * sb_upload_begin:
 * @self: an upload
 * @claim: of the caller
 * @offset: where the caller thinks that it is
 * @kind: how what comes is to be verified
 * @digest: (nullable): with which result
 * @func: called when there is room after sb_upload_is_full(), and when it has failed
 * @user_data: for @func
 * @error: SB_ERROR_CONFLICT for another offset or a claim that was lost, SB_ERROR_TOO_LARGE,
 *   SB_ERROR_NO_SPACE, SB_ERROR_BUSY
 *
 * Begins to write a piece, for sb_upload_end_async().
 *
 * Returns: whether sb_upload_write() may follow
 */
gboolean
sb_upload_begin (SbUpload *self, guint claim, guint64 offset, SbChecksum kind, const guint8 *digest,
                 SbUploadFunc func, gpointer user_data, GError **error)
{
  if (!check_begin (self, claim, offset, error))
    return FALSE;
  self->is_begun = TRUE;
  self->start = offset;
  self->func = func;
  self->user_data = user_data;
  touch (self);
  if (self->is_done)
    return TRUE;
  sb_incoming_expect (self->incoming, kind, digest);
  sb_incoming_set_func (self->incoming, room_cb, self);
  return TRUE;
}

/**
 * sb_upload_write:
 * @self: an upload that is begun
 * @claim: of the caller
 * @bytes: (transfer none): what comes next; ignored when somebody else has the claim
 *
 * Returns: whether the caller may go on at once
 */
gboolean
sb_upload_write (SbUpload *self, guint claim, GBytes *bytes)
{
  gsize size = g_bytes_get_size (bytes);

  if (claim != self->claim || !self->is_begun || size == 0)
    return TRUE;
  if (self->is_done || size > self->length - self->offset)
    {
      self->overflows = TRUE;
      return TRUE;
    }
  if (self->overflows)
    return TRUE;
  self->offset += size;
  touch (self);
  return sb_incoming_write (self->incoming, bytes);
}

/**
 * sb_upload_is_full:
 * @self: an upload
 * @claim: of the caller
 *
 * Returns: whether so much waits for the disk that the caller should wait, too
 */
gboolean
sb_upload_is_full (SbUpload *self, guint claim)
{
  return claim == self->claim && self->is_begun && self->incoming != NULL
         && sb_incoming_get_error (self->incoming) == NULL && sb_incoming_is_full (self->incoming);
}

/**
 * sb_upload_has_failed:
 * @self: an upload
 * @claim: of the caller
 *
 * Returns: whether what else the caller has to write is of no use: end it, and hear why
 */
gboolean
sb_upload_has_failed (SbUpload *self, guint claim)
{
  return claim != self->claim || !self->is_begun || self->overflows
         || (self->incoming != NULL && sb_incoming_get_error (self->incoming) != NULL);
}

/**
 * sb_upload_end_async:
 * @self: an upload
 * @claim: of the caller
 * @is_whole: whether all came that was to come
 * @callback: (nullable): for sb_upload_end_finish()
 * @user_data: for @callback
 *
 * Ends a piece. The last one is over when the message is committed.
 */
void
sb_upload_end_async (SbUpload *self, guint claim, gboolean is_whole, GAsyncReadyCallback callback,
                     gpointer user_data)
{
  gboolean overflows = claim == self->claim && self->overflows;

  if (claim == self->claim)
    {
      self->func = NULL;
      self->overflows = FALSE;
    }
  if (overflows && callback != NULL)
    {
      GTask *task = g_task_new (NULL, NULL, callback, user_data);

      /* What came before it, if anything, is settled by the next claim. */
      g_task_return_new_error (
          task, SB_ERROR, SB_ERROR_TOO_LARGE,
          "the upload has %" G_GUINT64_FORMAT " bytes, and more than that came", self->length);
      g_object_unref (task);
      callback = NULL;
      is_whole = FALSE;
    }
  push (self, STEP_END, claim, is_whole, callback, user_data);
}

/**
 * sb_upload_end_finish:
 * @self: an upload
 * @result: of sb_upload_end_async()
 * @offset: (out): how far it has come, bytes
 * @error: SB_ERROR_CORRUPT for another checksum, SB_ERROR_CONFLICT when somebody else has the
 *   claim, SB_ERROR_NO_SPACE, or why the message could not be sent
 *
 * Returns: whether what came is on the disk
 */
gboolean
sb_upload_end_finish (SbUpload *self, GAsyncResult *result, guint64 *offset, GError **error)
{
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  *offset = self->is_done ? self->length : self->offset;
  return TRUE;
}

/**
 * sb_upload_remove_async:
 * @self: an upload
 * @callback: (nullable): for sb_upload_remove_finish()
 * @user_data: for @callback
 *
 * Forgets it. What was announced stays so.
 */
void
sb_upload_remove_async (SbUpload *self, GAsyncReadyCallback callback, gpointer user_data)
{
  revoke_claim (self);
  push (self, STEP_REMOVE, self->claim, FALSE, callback, user_data);
}

/**
 * sb_upload_remove_finish:
 * @self: an upload
 * @result: of sb_upload_remove_async()
 * @error: SB_ERROR_NOT_FOUND when somebody was faster, SB_ERROR_FAILED
 *
 * Returns: whether it is gone
 */
gboolean
sb_upload_remove_finish (SbUpload *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

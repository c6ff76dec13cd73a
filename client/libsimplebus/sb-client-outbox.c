/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-outbox: what programs give, and what the database says of it.
 *
 *   append → database ─→ ready → in flight ─→ accepted, refused → database
 *               └─ read ahead ─↗    ↖─ aside ←─┘
 *
 * A message has its place in the order from the moment it was given. What was committed last goes
 * on from memory while the memory has room; what is behind is read a page at a time, so that any
 * number of messages costs disk and not memory.
 *
 * The bus takes an `_id` once as long as it remembers it, an hour unless its operator chose
 * otherwise. A message whose `accepted` was lost with the connection is delivered a second time if
 * the connection, or the program, is away for longer than that.
 */

#include "sb-client-outbox-private.h"

#include "sb-client-fault.h"
#include "sb-json.h"

#include <string.h>

#define MAX_LENGTH 1000000
#define MAX_BYTES (G_GINT64_CONSTANT (1) << 30)
/* Without a disk. */
#define MAX_BYTES_IN_MEMORY (128 * 1024 * 1024)
/* Of one message; more than any bus takes. */
#define MAX_MESSAGE (64 * 1024 * 1024)

/* --- Those who wait --- */

static void
flush_free (gpointer data)
{
  SbClientFlush *self = data;

  g_clear_object (&self->task);
  g_free (self);
}

/* One of the messages, or of those on their way to the database, has gone. */
static void
note_gone (SbClientOutbox *self, gint64 seq)
{
  for (guint i = 0; i < self->flushes->len; i++)
    {
      SbClientFlush *flush = g_ptr_array_index (self->flushes, i);
      SbClientStoreOp *op;

      if (seq > flush->seq || --flush->left > 0)
        continue;
      /* It ends when the database knows that they have gone. */
      op = sb_client_store_op_new (SB_CLIENT_STORE_BARRIER, 0);
      op->task = g_steal_pointer (&flush->task);
      sb_client_store_submit (self->store, op);
      g_ptr_array_remove_index (self->flushes, i--);
    }
}

static void
return_closed (GTask *owned_task)
{
  g_autoptr (GTask) task = owned_task;

  g_task_return_new_error (task, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED, "The client was closed");
}

static void
abandon_flushes (SbClientOutbox *self)
{
  while (self->flushes->len > 0)
    {
      SbClientFlush *flush = g_ptr_array_steal_index (self->flushes, self->flushes->len - 1);

      return_closed (g_steal_pointer (&flush->task));
      flush_free (flush);
    }
}

/* --- What the database says --- */

/* Returns: whether it is in the outbox now */
static gboolean
take_appended (SbClientOutbox *self, SbClientStoreOp *op)
{
  gint64 seq = op->row->seq;
  gboolean is_next = self->loaded == self->last_seq && !self->is_reading;

  self->appending--;
  self->appending_bytes -= (gint64) op->row->length;
  if (op->error != NULL || op->is_duplicate)
    {
      note_gone (self, seq);
      return FALSE;
    }
  self->length++;
  self->bytes += (gint64) op->row->length;
  self->last_seq = seq;
  if (!is_next || !sb_client_outbox_has_room (self))
    return TRUE;
  self->loaded = seq;
  sb_client_outbox_load (self, g_steal_pointer (&op->row));
  return TRUE;
}

static void
take_rows (SbClientOutbox *self, SbClientStoreOp *op)
{
  self->is_reading = FALSE;
  if (op->error != NULL)
    {
      sb_client_emit_error (self->client, NULL, op->error);
      sb_client_outbox_pause (self);
      return;
    }
  for (guint i = 0; i < op->rows->len; i++)
    {
      SbClientRow *row = g_ptr_array_index (op->rows, i);

      self->loaded = row->seq;
      sb_client_outbox_load (self, row);
    }
  g_ptr_array_set_free_func (op->rows, NULL);
  if (!op->has_more)
    self->loaded = self->last_seq;
}

static void
return_op (SbClientStoreOp *op, char *owned_id)
{
  g_autoptr (GTask) task = g_steal_pointer (&op->task);

  if (task == NULL)
    g_free (owned_id);
  else if (op->error != NULL)
    {
      g_free (owned_id);
      g_task_return_error (task, g_error_copy (op->error));
    }
  else if (owned_id != NULL)
    g_task_return_pointer (task, owned_id, g_free);
  else
    g_task_return_boolean (task, TRUE);
}

static void
take_append_result (SbClientOutbox *self, SbClientStoreOp *op)
{
  g_autofree char *id = g_strdup (op->row->id);

  if (take_appended (self, op))
    sb_client_outbox_changed (self->client);
  sb_client_fault_point ("outbox-appended");
  return_op (op, g_steal_pointer (&id));
}

/* The client must be held meanwhile; a close is the last of all, and frees the outbox. */
static void
store_cb (GPtrArray *ops, gpointer user_data)
{
  SbClientOutbox *self = user_data;
  g_autoptr (SbClient) alive = g_object_ref (self->client);

  for (guint i = 0; i < ops->len; i++)
    {
      SbClientStoreOp *op = g_ptr_array_index (ops, i);

      if (op->kind == SB_CLIENT_STORE_APPEND)
        take_append_result (self, op);
      else if (op->kind == SB_CLIENT_STORE_READ)
        take_rows (self, op);
      else if (op->kind == SB_CLIENT_STORE_BARRIER)
        return_op (op, NULL);
      else if (op->kind == SB_CLIENT_STORE_CLOSE)
        {
          return_op (op, NULL);
          return;
        }
    }
  sb_client_outbox_pump (self);
}

void
sb_client_outbox_read_more (SbClientOutbox *self)
{
  if (self->is_reading || self->is_closed || self->loaded == self->last_seq
      || self->paused_until > g_get_monotonic_time () || !sb_client_outbox_has_room (self))
    return;
  self->is_reading = TRUE;
  sb_client_store_submit (self->store, sb_client_store_op_new (SB_CLIENT_STORE_READ, self->loaded));
}

void
sb_client_outbox_end (SbClientOutbox *self, SbClientEntry *owned_entry, const GError *error)
{
  SbClientStoreOp *op = sb_client_store_op_new (
      error != NULL ? SB_CLIENT_STORE_REFUSE : SB_CLIENT_STORE_REMOVE, owned_entry->row->seq);

  op->length = owned_entry->row->length;
  if (error != NULL)
    {
      op->code = error->code;
      op->words = g_strdup (error->message);
    }
  self->length--;
  self->bytes -= (gint64) op->length;
  if (self->is_closed)
    sb_client_store_op_free (op);
  else
    sb_client_store_submit (self->store, op);
  note_gone (self, owned_entry->row->seq);
  sb_client_entry_free (owned_entry);
  sb_client_outbox_changed (self->client);
}

/* --- Life --- */

SbClientOutbox *
sb_client_outbox_new (SbClient *client, const char *path, GError **error)
{
  SbClientOutbox *self = g_new0 (SbClientOutbox, 1);
  SbClientStoreTotals totals = { 0 };

  self->store = sb_client_store_open (path, &totals, store_cb, self, error);
  if (self->store == NULL)
    {
      g_free (self);
      return NULL;
    }
  self->client = client;
  self->context = g_main_context_ref_thread_default ();
  self->flushes = g_ptr_array_new_with_free_func (flush_free);
  self->known = g_hash_table_new (g_str_hash, g_str_equal);
  self->length = (guint) totals.count;
  self->bytes = totals.bytes;
  self->last_seq = totals.last_seq;
  self->next_seq = totals.last_seq + 1;
  self->window = 1;
  return self;
}

static void
free_entry (gpointer data)
{
  sb_client_entry_free (data);
}

/* The entries are links of their queues. */
static void
clear_entries (GQueue *queue)
{
  GList *link;

  while ((link = g_queue_pop_head_link (queue)) != NULL)
    free_entry (link->data);
}

void
sb_client_outbox_free (SbClientOutbox *self)
{
  sb_client_outbox_clear_timer (self);
  g_clear_pointer (&self->store, sb_client_store_free);
  abandon_flushes (self);
  g_ptr_array_unref (self->flushes);
  g_clear_object (&self->closing);
  g_hash_table_unref (self->known);
  clear_entries (&self->ready);
  clear_entries (&self->flight);
  clear_entries (&self->aside);
  g_main_context_unref (self->context);
  g_free (self);
}

void
sb_client_outbox_close_async (SbClientOutbox *self, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  SbClientStoreOp *op = sb_client_store_op_new (SB_CLIENT_STORE_CLOSE, 0);

  g_return_if_fail (!self->is_closed);

  sb_client_outbox_clear_timer (self);
  abandon_flushes (self);
  op->task = g_task_new (self->client, NULL, callback, user_data);
  g_task_set_source_tag (op->task, sb_client_outbox_close_async);
  sb_client_store_submit (self->store, op);
  self->is_closed = TRUE;
}

gboolean
sb_client_outbox_close_finish (SbClientOutbox *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

guint
sb_client_outbox_get_length (SbClientOutbox *self)
{
  return self->length;
}

/* --- Appending --- */

static gboolean
check_room (SbClientOutbox *self, gsize length, GError **error)
{
  gint64 max = sb_client_get_settings (self->client)->state_dir != NULL ? MAX_BYTES
                                                                        : MAX_BYTES_IN_MEMORY;

  if (self->is_closed)
    g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED, "The client was closed");
  else if (length > MAX_MESSAGE)
    g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_TOO_LARGE,
                 "A message of more than %d MiB cannot be sent; send a file instead",
                 MAX_MESSAGE / 1024 / 1024);
  else if (self->length + self->appending >= sb_client_fault_get_ms ("outbox-length", MAX_LENGTH)
           || self->bytes + self->appending_bytes + (gint64) length > max)
    g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_BUSY,
                 "The outbox is full: %u messages wait for the bus", self->length);
  else
    return TRUE;
  return FALSE;
}

/* Of chance, so that nobody can take it first. A draft may be sent again, and is another message
 * then: it does not get the id. */
static char *
make_id (void)
{
  g_autofree char *uuid = g_uuid_string_random ();
  GString *id = g_string_new (uuid);

  g_string_replace (id, "-", "", 0);
  return g_string_free (id, FALSE);
}

static SbClientRow *
make_row (SbClientDraft *draft)
{
  SbClientRow *row = g_new0 (SbClientRow, 1);
  g_autofree char *json = sb_client_draft_to_json (draft);

  row->id = g_strdup (sb_client_draft_get_id (draft));
  if (row->id != NULL)
    row->json = g_steal_pointer (&json);
  else
    {
      row->id = make_id ();
      row->json = g_strconcat ("{\"_id\":\"", row->id, "\",", json + 1, NULL);
    }
  row->length = strlen (row->json);
  return row;
}

/**
 * sb_client_outbox_append_async:
 * @self: an outbox
 * @draft: what to send; it is not changed
 * @cancellable: (nullable): it is not looked at once this was called
 * @callback: called when the message is on disk
 * @user_data: for @callback
 *
 * Takes a message in. One whose `_id` is in the outbox is that one: nothing is changed, and the
 * answer is the same.
 */
void
sb_client_outbox_append_async (SbClientOutbox *self, SbClientDraft *draft,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self->client, cancellable, callback, user_data);
  g_autoptr (SbClientRow) row = make_row (draft);
  GError *error = NULL;
  SbClientStoreOp *op;

  g_task_set_source_tag (task, sb_client_outbox_append_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!check_room (self, row->length, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  row->seq = self->next_seq++;
  self->appending++;
  self->appending_bytes += (gint64) row->length;
  op = sb_client_store_op_new (SB_CLIENT_STORE_APPEND, 0);
  op->row = g_steal_pointer (&row);
  op->task = g_steal_pointer (&task);
  sb_client_store_submit (self->store, op);
}

char *
sb_client_outbox_append_finish (SbClientOutbox *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/**
 * sb_client_outbox_flush_async:
 * @self: an outbox
 * @cancellable: (nullable): to stop waiting
 * @callback: called when all that is in it now has gone
 * @user_data: for @callback
 *
 * Waits for the bus's word on each of them.
 */
void
sb_client_outbox_flush_async (SbClientOutbox *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (self->client, cancellable, callback, user_data);
  SbClientFlush *flush;

  g_task_set_source_tag (task, sb_client_outbox_flush_async);
  if (self->is_closed)
    {
      return_closed (g_steal_pointer (&task));
      return;
    }
  if (self->length + self->appending == 0)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  flush = g_new0 (SbClientFlush, 1);
  flush->task = g_steal_pointer (&task);
  flush->seq = self->next_seq - 1;
  flush->left = self->length + self->appending;
  g_ptr_array_add (self->flushes, flush);
}

gboolean
sb_client_outbox_flush_finish (SbClientOutbox *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

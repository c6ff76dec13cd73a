/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-memory-store: the interface's side of the memory store. One lock stands
 * between the journal's thread and the reader's: it is held for a batch or for
 * a page, so that a reader sees whole batches only.
 */

#include "sb-memory-store.h"

#include "sb-memory-apply.h"
#include "sb-memory-list.h"

typedef struct
{
  GMutex lock;
  MemoryState *state; /* (owned) (nullable) while it is open */
} SbMemoryStorePrivate;

static void sb_memory_store_iface_init (SbStoreInterface *iface);

G_DEFINE_TYPE_WITH_CODE (SbMemoryStore, sb_memory_store, G_TYPE_OBJECT,
                         G_ADD_PRIVATE (SbMemoryStore)
                             G_IMPLEMENT_INTERFACE (SB_TYPE_STORE, sb_memory_store_iface_init))

static SbMemoryStorePrivate *
get_private (SbStore *store)
{
  return sb_memory_store_get_instance_private (SB_MEMORY_STORE (store));
}

static void
sb_memory_store_finalize (GObject *object)
{
  SbMemoryStorePrivate *priv = get_private (SB_STORE (object));

  g_clear_pointer (&priv->state, memory_state_free);
  g_mutex_clear (&priv->lock);
  G_OBJECT_CLASS (sb_memory_store_parent_class)->finalize (object);
}

static void
sb_memory_store_class_init (SbMemoryStoreClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_memory_store_finalize;
}

static void
sb_memory_store_init (SbMemoryStore *self)
{
  g_mutex_init (&get_private (SB_STORE (self))->lock);
}

static gboolean
memory_store_open (SbStore *store, const SbStoreOptions *options, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  priv->state = memory_state_new (options);
  return TRUE;
}

static void
memory_store_close (SbStore *store)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  g_clear_pointer (&priv->state, memory_state_free);
}

static gboolean
memory_store_apply (SbStore *store, SbOperation *const *operations, guint n_operations,
                    GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  for (guint i = 0; i < n_operations; i++)
    memory_apply (priv->state, operations[i]);
  return TRUE;
}

static SbStoredDelivery *
copy_delivery (const MemoryDelivery *delivery)
{
  return sb_stored_delivery_new (delivery->message->message, delivery->position,
                                 delivery->message->handle, 0, delivery->attempts);
}

static SbStoredDelivery *
copy_parked (const MemoryDelivery *delivery)
{
  SbStoredDelivery *copy = copy_delivery (delivery);

  copy->due = delivery->due;
  copy->log = g_strdup (delivery->log);
  return copy;
}

static int
compare_positions (gconstpointer a, gconstpointer b, gpointer user_data)
{
  gint64 one = ((const MemoryDelivery *) a)->position;
  gint64 other = ((const MemoryDelivery *) b)->position;

  return (one > other) - (one < other);
}

static GPtrArray *
memory_store_pending (SbStore *store, gint64 recipient, gint64 after, guint limit, gsize max_bytes,
                      GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_stored_delivery_free);
  MemoryAccount *account = memory_state_find_user (priv->state, recipient);
  MemoryDelivery wanted = { .position = after };
  GSequenceIter *next;
  gsize bytes = 0;

  if (account == NULL)
    return rows;
  next = g_sequence_search (account->pending, &wanted, compare_positions, NULL);
  while (!g_sequence_iter_is_end (next) && rows->len < limit
         && (rows->len == 0 || bytes < max_bytes))
    {
      const MemoryDelivery *delivery = g_sequence_get (next);

      g_ptr_array_add (rows, copy_delivery (delivery));
      bytes += delivery->message->size;
      next = g_sequence_iter_next (next);
    }
  return rows;
}

static GPtrArray *
memory_store_parked (SbStore *store, gint64 recipient, gint64 until, guint limit, gint64 *next_due,
                     GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_stored_delivery_free);
  MemoryAccount *account = memory_state_find_user (priv->state, recipient);
  GSequenceIter *next;

  *next_due = 0;
  if (account == NULL)
    return rows;
  for (next = g_sequence_get_begin_iter (account->parked); !g_sequence_iter_is_end (next);
       next = g_sequence_iter_next (next))
    {
      const MemoryDelivery *delivery = g_sequence_get (next);

      if (rows->len == limit || delivery->due > until)
        {
          *next_due = delivery->due;
          break;
        }
      g_ptr_array_add (rows, copy_parked (delivery));
    }
  return rows;
}

static gboolean
memory_store_backlog (SbStore *store, gint64 recipient, SbBacklog *backlog, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);
  const MemoryAccount *account = memory_state_find_account (priv->state, recipient);

  if (account != NULL)
    *backlog = memory_list_backlog (account);
  return TRUE;
}

static GPtrArray *
memory_store_queues (SbStore *store, gint64 after, guint limit, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  return memory_list_queues (priv->state, after, limit);
}

static GPtrArray *
memory_store_deliveries (SbStore *store, const SbDeliveryFilter *filter, const char *after,
                         guint limit, char **next, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  return memory_list_deliveries (priv->state, filter, after, limit, next, error);
}

static SbMessage *
memory_store_message (SbStore *store, const char *id, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);
  const MemoryMessage *message = g_hash_table_lookup (priv->state->messages, id);

  if (message != NULL && message->message != NULL)
    return sb_message_ref (message->message);
  g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND,
               message == NULL ? "There is no message “%s”" : "Message “%s” has ended", id);
  return NULL;
}

static SbMessageStatus *
memory_store_status (SbStore *store, const char *id, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);
  MemoryMessage *message = g_hash_table_lookup (priv->state->messages, id);

  if (message != NULL)
    return memory_list_status (message);
  g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "There is no message “%s”", id);
  return NULL;
}

static SbFileInfo *
memory_store_file (SbStore *store, const char *name, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);
  MemoryMessage *message = g_hash_table_lookup (priv->state->names, name);

  if (message != NULL)
    return memory_list_file (message);
  g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "There is no file “%s”", name);
  return NULL;
}

static GPtrArray *
memory_store_files (SbStore *store, const char *after, guint limit, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  return memory_list_files (priv->state, after, limit);
}

static int
compare_users (gconstpointer a, gconstpointer b)
{
  gint64 one = (*(const SbUser *const *) a)->key;
  gint64 other = (*(const SbUser *const *) b)->key;

  return (one > other) - (one < other);
}

static GPtrArray *
memory_store_users (SbStore *store, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);
  GPtrArray *users = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_user_unref);
  GHashTableIter iter;
  MemoryAccount *account;

  g_hash_table_iter_init (&iter, priv->state->users);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &account))
    g_ptr_array_add (users, sb_user_ref (account->user));
  g_ptr_array_sort (users, compare_users);
  return users;
}

static GPtrArray *
memory_store_receipts (SbStore *store, gint64 sender_key, guint limit, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_stored_receipt_free);
  const MemoryAccount *sender = memory_state_find_user (priv->state, sender_key);
  const GList *next = sender == NULL ? NULL : sender->receipts.head;

  for (; next != NULL && rows->len < limit; next = next->next)
    {
      const MemoryReceipt *receipt = next->data;

      g_ptr_array_add (rows,
                       sb_stored_receipt_new (receipt->number, receipt->id, receipt->recipient));
    }
  return rows;
}

static gboolean
memory_store_stats (SbStore *store, SbStoreStats *stats, GError **error)
{
  SbMemoryStorePrivate *priv = get_private (store);
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&priv->lock);

  *stats = priv->state->stats;
  return TRUE;
}

static void
sb_memory_store_iface_init (SbStoreInterface *iface)
{
  iface->open = memory_store_open;
  iface->close = memory_store_close;
  iface->apply = memory_store_apply;
  iface->pending = memory_store_pending;
  iface->parked = memory_store_parked;
  iface->backlog = memory_store_backlog;
  iface->queues = memory_store_queues;
  iface->deliveries = memory_store_deliveries;
  iface->message = memory_store_message;
  iface->status = memory_store_status;
  iface->file = memory_store_file;
  iface->files = memory_store_files;
  iface->users = memory_store_users;
  iface->receipts = memory_store_receipts;
  iface->stats = memory_store_stats;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-memory-list: what is told of queues, deliveries, messages and files.
 *
 * Deliveries are listed by their recipients' keys and their messages' handles,
 * which never change. A page goes on behind the last one that was looked at,
 * whether it is still there or not.
 */

#include "sb-memory-list.h"

/* Deliveries and recipients that a page looks at: a lock is held as long as it does. */
#define MAX_STEPS 2000

/* Behind this delivery. */
typedef struct
{
  gint64 recipient;
  gint64 handle;
} Cursor;

typedef struct
{
  const SbDeliveryFilter *filter;
  Cursor cursor;
  guint limit;
  guint steps;
  GPtrArray *rows; /* (owned) */
} Page;

SbBacklog
memory_list_backlog (const MemoryAccount *account)
{
  SbBacklog backlog = account->backlog;
  GSequenceIter *first;

  if (account->pending == NULL)
    return backlog;
  first = g_sequence_get_begin_iter (account->pending);
  if (!g_sequence_iter_is_end (first))
    backlog.oldest = ((const MemoryDelivery *) g_sequence_get (first))->message->accepted;
  return backlog;
}

GPtrArray *
memory_list_queues (MemoryState *state, gint64 after, guint limit)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_queue_info_free);

  /* Keys begin at 1. */
  for (gint64 i = MAX (after, 0); i < (gint64) state->accounts->len && rows->len < limit; i++)
    {
      const MemoryAccount *account = g_ptr_array_index (state->accounts, i);
      SbBacklog backlog = memory_list_backlog (account);

      if (backlog.waiting > 0 || backlog.dead > 0)
        g_ptr_array_add (rows, sb_queue_info_new (account->key, account->id, &backlog));
    }
  return rows;
}

static char *
format_cursor (const Cursor *cursor)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT, cursor->recipient,
                          cursor->handle);
}

static gboolean
parse_number (const char *text, gint64 *number)
{
  guint64 value = 0;
  gboolean is_number = g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &value, NULL);

  *number = (gint64) value;
  return is_number;
}

static gboolean
parse_cursor (const char *text, Cursor *cursor, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text, ".", 3);

  if (g_strv_length (parts) == 2 && parse_number (parts[0], &cursor->recipient)
      && parse_number (parts[1], &cursor->handle))
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                       "No list of deliveries goes on there: the place is none that a page gave");
  return FALSE;
}

static gboolean
matches (const SbDeliveryFilter *filter, const MemoryDelivery *delivery)
{
  return (filter->states & (1u << delivery->state)) != 0
         && (filter->sender_key == 0 || filter->sender_key == delivery->message->sender_key);
}

static SbDeliveryInfo *
describe (const MemoryDelivery *delivery)
{
  const MemoryMessage *message = delivery->message;
  SbDeliveryInfo *info = g_new0 (SbDeliveryInfo, 1);

  info->id = g_strdup (message->id);
  info->sender = g_strdup (message->message->sender);
  info->recipient_id = g_strdup (delivery->recipient->id);
  info->recipient = delivery->recipient->key;
  info->position = delivery->position;
  info->state = delivery->state;
  info->reason = delivery->reason;
  info->attempts = delivery->attempts;
  info->size = message->size;
  info->accepted = message->accepted;
  info->since = delivery->state == SB_DELIVERY_PENDING ? message->accepted : delivery->since;
  info->due = memory_delivery_get_due (delivery);
  return info;
}

/* Returns whether it came to the account's end. */
static gboolean
list_account (Page *page, MemoryAccount *account)
{
  GSequenceIter *next = memory_account_find_open (account, page->cursor.handle);

  for (; !g_sequence_iter_is_end (next); next = g_sequence_iter_next (next))
    {
      const MemoryDelivery *delivery = g_sequence_get (next);

      if (page->rows->len == page->limit || page->steps == 0)
        return FALSE;
      page->steps--;
      page->cursor.handle = delivery->message->handle;
      if (matches (page->filter, delivery))
        g_ptr_array_add (page->rows, describe (delivery));
    }
  return TRUE;
}

/* Returns whether it came to the end of the list. */
static gboolean
list_accounts (MemoryState *state, Page *page)
{
  gint64 only = page->filter->recipient;
  gint64 first = only != 0 ? only : 1;
  gint64 last = only != 0 ? MIN (only, state->accounts->len) : state->accounts->len;

  if (page->cursor.recipient < first)
    page->cursor = (Cursor) { .recipient = first };
  while (page->cursor.recipient <= last)
    {
      MemoryAccount *account = memory_state_find_account (state, page->cursor.recipient);

      if (page->steps == 0 || (account != NULL && !list_account (page, account)))
        return FALSE;
      page->steps -= page->steps > 0;
      page->cursor = (Cursor) { .recipient = page->cursor.recipient + 1 };
    }
  return TRUE;
}

GPtrArray *
memory_list_deliveries (MemoryState *state, const SbDeliveryFilter *filter, const char *after,
                        guint limit, char **next, GError **error)
{
  Page page = { .filter = filter, .limit = limit, .steps = MAX_STEPS };

  if (after != NULL && !parse_cursor (after, &page.cursor, error))
    return NULL;
  page.rows = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_delivery_info_free);
  if (!list_accounts (state, &page))
    *next = format_cursor (&page.cursor);
  return page.rows;
}

static int
compare_recipients (gconstpointer a, gconstpointer b)
{
  gint64 one = (*(const SbDeliveryStatus *const *) a)->recipient_key;
  gint64 other = (*(const SbDeliveryStatus *const *) b)->recipient_key;

  return (one > other) - (one < other);
}

SbMessageStatus *
memory_list_status (MemoryMessage *message)
{
  const char *sender = message->message != NULL ? message->message->sender : message->sender;
  SbMessageStatus *status = sb_message_status_new (message->id, sender, message->sender_key,
                                                   message->accepted);

  status->not_before = message->not_before;
  status->deadline = message->deadline;
  for (guint i = 0; i < memory_message_get_n_deliveries (message); i++)
    {
      const MemoryDelivery *delivery = memory_message_get_delivery (message, i);
      SbDeliveryStatus *row = sb_message_status_add (
          status, delivery->recipient->key, delivery->recipient->id, delivery->state,
          delivery->reason, delivery->attempts, delivery->since);

      row->due = memory_delivery_get_due (delivery);
      row->log = g_strdup (delivery->log);
    }
  if (message->moved != NULL)
    g_ptr_array_sort (status->deliveries, compare_recipients);
  return status;
}

static SbFileInfo *
describe_file (const MemoryMessage *message)
{
  return sb_file_info_new (message->message->file, message->id, message->message->sender,
                           message->sender_key, message->accepted, message->deadline);
}

/* Of a message with a live file. */
SbFileInfo *
memory_list_file (MemoryMessage *message)
{
  SbFileInfo *info = describe_file (message);
  guint n = memory_message_get_n_deliveries (message);

  info->rights = g_array_sized_new (FALSE, FALSE, sizeof (SbFileRight), n);
  for (guint i = 0; i < n; i++)
    {
      const MemoryDelivery *delivery = memory_message_get_delivery (message, i);
      SbFileRight right = { delivery->recipient->key, delivery->state };

      g_array_append_val (info->rights, right);
    }
  return info;
}

GPtrArray *
memory_list_files (MemoryState *state, const char *after, guint limit)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_file_info_free);
  GSequenceIter *next = memory_state_find_file (state, after);

  for (; !g_sequence_iter_is_end (next) && rows->len < limit; next = g_sequence_iter_next (next))
    g_ptr_array_add (rows, describe_file (g_sequence_get (next)));
  return rows;
}

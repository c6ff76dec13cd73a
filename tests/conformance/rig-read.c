/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rig-read: reads the store under test back, and says what is expected of it. */

#include "rig.h"

/* Pages that nothing here needs: a list that goes on behind them never ends. */
#define MAX_PAGES 20000

GPtrArray *
rig_read_pending (Rig *self, gint64 recipient, gint64 after)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *rows = sb_store_pending (self->store, recipient, after, G_MAXINT, G_MAXINT32, &error);

  g_assert_no_error (error);
  g_assert_nonnull (rows);
  return rows;
}

static char *
join_ids (const GPtrArray *rows)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, i);

      g_string_append_printf (text, "%s%s", i == 0 ? "" : " ", row->message->id);
    }
  return g_string_free (text, FALSE);
}

void
expect_pending (Rig *self, gint64 recipient, const char *ids)
{
  g_autoptr (GPtrArray) rows = rig_read_pending (self, recipient, 0);
  g_autofree char *text = join_ids (rows);

  g_assert_cmpstr (text, ==, ids);
}

void
expect_parked (Rig *self, gint64 recipient, gint64 until, const char *ids, gint64 next_due)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  gint64 next = -1;
  g_autoptr (GPtrArray) rows = sb_store_parked (self->store, recipient, until, 100, &next, &error);

  g_assert_no_error (error);
  g_assert_nonnull (rows);
  text = join_ids (rows);
  g_assert_cmpstr (text, ==, ids);
  g_assert_cmpint (next, ==, next_due);
}

static char *
describe_status (const SbMessageStatus *status)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *row = g_ptr_array_index (status->deliveries, i);
      const char *reason = sb_reason_to_string (row->reason);

      g_string_append_printf (text, "%s%s %s %s %u", i == 0 ? "" : ", ", row->recipient,
                              sb_delivery_state_to_string (row->state),
                              reason == NULL ? "-" : reason, row->attempts);
    }
  return g_string_free (text, FALSE);
}

void
expect_status (Rig *self, const char *id, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) status = sb_store_status (self->store, id, &error);
  g_autofree char *got = NULL;

  if (text == NULL)
    {
      g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
      return;
    }
  g_assert_no_error (error);
  g_assert_nonnull (status);
  got = describe_status (status);
  g_assert_cmpstr (got, ==, text);
}

void
expect_backlog (Rig *self, gint64 recipient, guint count)
{
  g_autoptr (GError) error = NULL;
  SbBacklog got;

  sb_store_backlog (self->store, recipient, &got, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (got.waiting, ==, count);
  g_assert_cmpuint (got.bytes, ==, (guint64) count * BODY_SIZE);
}

void
expect_receipts (Rig *self, gint64 sender, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) got = g_string_new (NULL);
  g_autoptr (GPtrArray) rows = sb_store_receipts (self->store, sender, 1000, &error);
  gint64 last = 0;

  g_assert_no_error (error);
  g_assert_nonnull (rows);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredReceipt *row = g_ptr_array_index (rows, i);

      g_assert_cmpint (row->number, >, last);
      last = row->number;
      g_string_append_printf (got, "%s%s/%s", i == 0 ? "" : " ", row->id, row->recipient);
    }
  g_assert_cmpstr (got->str, ==, text);
}

SbBacklog
rig_backlog (Rig *self, gint64 recipient)
{
  g_autoptr (GError) error = NULL;
  SbBacklog backlog;

  sb_store_backlog (self->store, recipient, &backlog, &error);
  g_assert_no_error (error);
  return backlog;
}

void
assert_backlog_equal (const SbBacklog *a, const SbBacklog *b)
{
  g_assert_cmpuint (a->waiting, ==, b->waiting);
  g_assert_cmpuint (a->scheduled, ==, b->scheduled);
  g_assert_cmpuint (a->parked, ==, b->parked);
  g_assert_cmpuint (a->bytes, ==, b->bytes);
  g_assert_cmpuint (a->dead, ==, b->dead);
  g_assert_cmpint (a->oldest, ==, b->oldest);
}

SbMessageStatus *
rig_status (Rig *self, const char *id)
{
  g_autoptr (GError) error = NULL;
  SbMessageStatus *status = sb_store_status (self->store, id, &error);

  g_assert_no_error (error);
  g_assert_nonnull (status);
  return status;
}

/* The row of a recipient that has one. */
const SbDeliveryStatus *
find_status (const SbMessageStatus *status, gint64 recipient)
{
  const SbDeliveryStatus *found = NULL;

  for (guint i = 0; i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *row = g_ptr_array_index (status->deliveries, i);

      if (row->recipient_key == recipient)
        found = row;
    }
  g_assert_nonnull (found);
  return found;
}

void
expect_log (Rig *self, gint64 recipient, const char *id, const char *log)
{
  g_autoptr (SbMessageStatus) status = rig_status (self, id);

  g_assert_cmpstr (find_status (status, recipient)->log, ==, log);
}

static void
append_page (GPtrArray *all, GPtrArray *page)
{
  for (guint i = 0; i < page->len; i++)
    g_ptr_array_add (all, g_steal_pointer (&page->pdata[i]));
}

static void
assert_cursor (const char *cursor)
{
  g_assert_cmpstr (cursor, !=, "");
  for (const char *c = cursor; *c != '\0'; c++)
    g_assert_false (g_ascii_isspace (*c));
}

/* One page; *cursor says where it begins, and then where to go on. */
GPtrArray *
rig_list_page (Rig *self, const SbDeliveryFilter *filter, guint limit, char **cursor)
{
  g_autoptr (GError) error = NULL;
  char *next = NULL;
  GPtrArray *page = sb_store_deliveries (self->store, filter, *cursor, limit, &next, &error);

  g_assert_no_error (error);
  g_assert_nonnull (page);
  g_assert_cmpuint (page->len, <=, limit);
  g_free (*cursor);
  *cursor = next;
  if (next != NULL)
    assert_cursor (next);
  return page;
}

/* All pages. */
GPtrArray *
rig_list (Rig *self, const SbDeliveryFilter *filter, guint limit)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_delivery_info_free);
  char *cursor = NULL;
  guint n_pages = 0;

  do
    {
      g_autoptr (GPtrArray) page = rig_list_page (self, filter, limit, &cursor);

      append_page (all, page);
      g_assert_cmpuint (++n_pages, <=, MAX_PAGES);
    }
  while (cursor != NULL);
  return all;
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

void
expect_deliveries (Rig *self, const SbDeliveryFilter *filter, const char *text)
{
  g_autoptr (GPtrArray) rows = rig_list (self, filter, 100);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *joined = NULL;

  for (guint i = 0; i < rows->len; i++)
    {
      const SbDeliveryInfo *row = g_ptr_array_index (rows, i);

      g_ptr_array_add (texts, g_strdup_printf ("%s/%s/%s", row->id, row->recipient_id,
                                               sb_delivery_state_to_string (row->state)));
    }
  g_ptr_array_sort (texts, compare_texts);
  g_ptr_array_add (texts, NULL);
  joined = g_strjoinv (" ", (char **) texts->pdata);
  g_assert_cmpstr (joined, ==, text);
}

SbStoreStats
rig_stats (Rig *self)
{
  g_autoptr (GError) error = NULL;
  SbStoreStats stats;

  sb_store_stats (self->store, &stats, &error);
  g_assert_no_error (error);
  return stats;
}

void
assert_message_equal (const SbMessage *a, const SbMessage *b)
{
  g_assert_cmpstr (a->id, ==, b->id);
  g_assert_cmpstr (a->sender, ==, b->sender);
  g_assert_cmpint (a->sender_key, ==, b->sender_key);
  g_assert_true (g_bytes_equal (a->body, b->body));
  g_assert_cmpint (a->accepted, ==, b->accepted);
  g_assert_cmpint (a->not_before, ==, b->not_before);
  g_assert_cmpint (a->deadline, ==, b->deadline);
}

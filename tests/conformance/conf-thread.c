/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-thread: one thread writes while another reads. */

#include "rig.h"

#define N_BATCHES 300
#define BATCH_SIZE 8

typedef struct
{
  Rig *rig;
  gboolean is_done;  /* (atomic) */
  GArray *positions; /* (owned) (element-type gint64) as the reader saw them appear */
} Reader;

static void
check_page (Reader *reader, const GPtrArray *rows, gint64 *after)
{
  /* Nothing ends here, so whole batches have come if and only if it divides. */
  g_assert_cmpuint (rows->len % BATCH_SIZE, ==, 0);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, i);
      g_autofree char *id = g_strdup_printf ("m%u", reader->positions->len);

      g_assert_cmpint (row->position, >, *after);
      g_assert_cmpstr (row->message->id, ==, id);
      *after = row->position;
      g_array_append_val (reader->positions, *after);
    }
}

static gpointer
read_while_it_writes (gpointer data)
{
  Reader *reader = data;
  gint64 after = 0;
  gboolean is_last;

  do
    {
      g_autoptr (GPtrArray) rows = NULL;
      SbBacklog backlog;

      is_last = g_atomic_int_get (&reader->is_done);
      rows = rig_read_pending (reader->rig, reader->rig->a, after);
      check_page (reader, rows, &after);
      sb_store_backlog (reader->rig->store, reader->rig->b, &backlog, NULL);
      g_assert_cmpuint (backlog.waiting % BATCH_SIZE, ==, 0);
      g_assert_cmpuint (backlog.bytes, ==, backlog.waiting * BODY_SIZE);
    }
  while (!is_last);
  return NULL;
}

static void
write_batch (Rig *rig, guint batch)
{
  const gint64 both[] = { rig->b, rig->a };
  SbOperation *operations[BATCH_SIZE];

  for (guint i = 0; i < BATCH_SIZE; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", batch * BATCH_SIZE + i);

      operations[i] = make_append (make_message (rig, id, rig->s, 0, 0), 2, both);
    }
  rig_apply_batch (rig, operations, BATCH_SIZE);
  for (guint i = 0; i < BATCH_SIZE; i++)
    sb_operation_free (operations[i]);
}

static void
a_reader_sees_whole_batches_in_order (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GArray) positions = g_array_new (FALSE, FALSE, sizeof (gint64));
  Reader reader = { .rig = rig, .positions = positions };
  GThread *thread = g_thread_new ("reader", read_while_it_writes, &reader);
  g_autoptr (GPtrArray) rows = NULL;

  for (guint batch = 0; batch < N_BATCHES; batch++)
    write_batch (rig, batch);
  g_atomic_int_set (&reader.is_done, TRUE);
  g_thread_join (thread);

  /* What it saw appear is all there is: nothing came to light below where it had read. */
  rows = rig_read_pending (rig, rig->a, 0);
  g_assert_cmpuint (rows->len, ==, N_BATCHES * BATCH_SIZE);
  g_assert_cmpuint (positions->len, ==, rows->len);
  for (guint i = 0; i < rows->len; i++)
    g_assert_cmpint (((SbStoredDelivery *) g_ptr_array_index (rows, i))->position, ==,
                     g_array_index (positions, gint64, i));
}

/* A page is of one moment; the one behind it may be of a later one. */
static void
read_lists (Rig *rig)
{
  const SbDeliveryFilter filter = { .recipient = rig->a, .states = ALL_STATES };
  g_autoptr (GPtrArray) queues = sb_store_queues (rig->store, 0, 10, NULL);
  g_autofree char *cursor = NULL;
  g_autoptr (GPtrArray) rows = rig_list_page (rig, &filter, 100, &cursor);
  g_autoptr (GPtrArray) files = sb_store_files (rig->store, "", 100, NULL);
  g_autoptr (SbFileInfo) file = sb_store_file (rig->store, "m0", NULL);

  g_assert_nonnull (queues);
  g_assert_cmpuint (queues->len, ==, 1);
  g_assert_cmpuint (((SbQueueInfo *) g_ptr_array_index (queues, 0))->backlog.waiting, ==, 4);
  g_assert_nonnull (files);
  g_assert_cmpuint (files->len, ==, 4);
  if (file != NULL)
    g_assert_cmpuint (file->rights->len, ==, 1);
  g_assert_cmpuint (rows->len, <=, 4);
  if (cursor == NULL)
    g_assert_cmpuint (rows->len, ==, 4);
}

static gpointer
read_everything (gpointer data)
{
  Reader *reader = data;
  Rig *rig = reader->rig;

  while (!g_atomic_int_get (&reader->is_done))
    {
      g_autoptr (GPtrArray) pending = rig_read_pending (rig, rig->a, 0);
      g_autoptr (GPtrArray) parked = sb_store_parked (rig->store, rig->a, G_MAXINT64, 100, NULL,
                                                      NULL);
      g_autoptr (GPtrArray) users = sb_store_users (rig->store, NULL);
      g_autoptr (GPtrArray) receipts = sb_store_receipts (rig->store, rig->s, 100, NULL);
      g_autoptr (SbMessageStatus) status = sb_store_status (rig->store, "m0", NULL);
      g_autoptr (SbMessage) message = sb_store_message (rig->store, "m0", NULL);
      SbBacklog backlog = rig_backlog (rig, rig->a);

      read_lists (rig);
      g_assert_nonnull (parked);
      g_assert_cmpuint (backlog.waiting, ==, 4);
      g_assert_cmpuint (backlog.bytes, ==, 4 * BODY_SIZE);
      g_assert_cmpint (backlog.oldest, ==, START);
      g_assert_cmpuint (users->len, ==, 3);
      g_assert_nonnull (receipts);
      /* A batch appends four and ends four, so four is all that one ever sees. */
      g_assert_cmpuint (pending->len, ==, 4);
      g_assert_cmpuint (rig_stats (rig).waiting, ==, 4);
      g_assert_cmpuint (rig_stats (rig).files, ==, 4);
    }
  return NULL;
}

/* Replaces the four messages of the batch before, each of which has a file. */
static void
turn_over (Rig *rig, guint batch)
{
  SbOperation *operations[9];

  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *new_id = g_strdup_printf ("m%u", batch * 4 + i);
      g_autofree char *old_id = g_strdup_printf ("m%u", (batch - 1) * 4 + i);

      operations[i] = make_append (make_announcement (rig, new_id, new_id, 0, 0), 1, &rig->a);
      operations[4 + i] = make_release (rig->a, old_id, START + batch * SECOND);
      operations[4 + i]->end.store_receipt = TRUE;
    }
  operations[8] = make_sweep (START + batch * SECOND, 100);
  rig_apply_batch (rig, operations, 9);
  for (guint i = 0; i < 9; i++)
    sb_operation_free (operations[i]);
}

static void
all_reads_run_beside_the_writer (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  Reader reader = { .rig = rig };
  GThread *thread;

  rig->options.limits.remember = 20 * SECOND;
  rig_start (rig);
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      rig_announce (rig, id, id, 1, &rig->a);
    }
  thread = g_thread_new ("reader", read_everything, &reader);
  for (guint batch = 1; batch <= N_BATCHES; batch++)
    turn_over (rig, batch);
  g_atomic_int_set (&reader.is_done, TRUE);
  g_thread_join (thread);
  g_assert_cmpuint (rig_stats (rig).remembered, <=, 4 * 21);
}

void
add_thread_tests (void)
{
  static const RigTest tests[] = {
    { "a-reader-sees-whole-batches-in-order", a_reader_sees_whole_batches_in_order },
    { "all-reads-run-beside-the-writer", all_reads_run_beside_the_writer },
  };

  rig_add_tests ("thread", tests, G_N_ELEMENTS (tests));
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-sqlite-files: messages with files in the tables, in batches that fail, with
 * handles of all kinds, and very many of them.
 */

#include "fault-vfs.h"
#include "sb-test.h"
#include "sqlite-rig.h"

#define HOUR (3600 * SECOND)

/* Its digest begins with the length of the name. */
static SbFile *
make_file (const char *name, guint64 size)
{
  g_autofree char *id = g_compute_checksum_for_string (G_CHECKSUM_MD5, name, -1);
  g_autofree char *display_name = g_strconcat ("отчёт ", name, NULL);
  guint8 digest[SB_FILE_DIGEST_SIZE] = { (guint8) strlen (name) };

  return sb_file_new (id, name, display_name, size, digest);
}

static SbMessage *
make_message (SqliteRig *rig, const char *id)
{
  g_autoptr (SbFile) file = make_file (id, 1000);

  return sb_message_new_with_file (id, "user", rig->user, g_bytes_new (id, strlen (id)), START, 0,
                                   START + HOUR, file);
}

/* A message with a file that is called like it, of 1,000 bytes. */
static SbOperation *
make_append (SqliteRig *rig, const char *id, guint n_targets, const gint64 *targets)
{
  SbOperation *operation = sqlite_rig_make_append (rig, id, n_targets, targets);

  sb_message_unref (operation->append.message);
  operation->append.message = make_message (rig, id);
  return operation;
}

static void
send_file (SqliteRig *rig, const char *id, guint n_targets, const gint64 *targets)
{
  g_autoptr (SbOperation) append = make_append (rig, id, n_targets, targets);

  g_assert_cmpint (sqlite_rig_apply (rig, append), ==, SB_OUTCOME_DONE);
}

static SbOperation *
make_release (gint64 recipient, const char *id)
{
  SbOperation *operation = sqlite_rig_make_end (recipient, id, SB_DELIVERY_CONFIRMED);

  operation->end.release = TRUE;
  return operation;
}

static void
assert_released (const char *released, guint64 size, const char *name)
{
  g_autoptr (SbFile) file = make_file (name, 1000);

  g_assert_cmpstr (released, ==, file->id);
  g_assert_cmpuint (size, ==, 1000);
}

/* @released: (nullable): the name of the file that goes with it */
static void
release (SqliteRig *rig, gint64 recipient, const char *id, const char *released)
{
  g_autoptr (SbOperation) operation = make_release (recipient, id);

  g_assert_cmpint (sqlite_rig_apply (rig, operation), ==, SB_OUTCOME_DONE);
  if (released != NULL)
    assert_released (operation->end.released, operation->end.released_size, released);
  else
    g_assert_null (operation->end.released);
}

static void
notify (SqliteRig *rig, gint64 recipient, const char *id)
{
  g_autoptr (SbOperation) operation = sqlite_rig_make_end (recipient, id, SB_DELIVERY_CONFIRMED);

  g_assert_cmpint (sqlite_rig_apply (rig, operation), ==, SB_OUTCOME_DONE);
  g_assert_true (operation->end.notified);
}

static void
assert_stats (SqliteRig *rig, guint files, guint64 bytes)
{
  SbStoreStats stats;

  g_assert_true (sb_store_stats (rig->store, &stats, NULL));
  g_assert_cmpuint (stats.files, ==, files);
  g_assert_cmpuint (stats.file_bytes, ==, bytes);
}

static void
assert_rows (SqliteRig *rig, const char *table, guint expected)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s", table);

  g_assert_cmpint (sqlite_rig_get_number (rig, sql), ==, expected);
}

static void
assert_file (const SbMessage *message, const char *name)
{
  g_autoptr (SbFile) file = make_file (name, 1000);

  g_assert_nonnull (message->file);
  g_assert_cmpstr (message->file->id, ==, file->id);
  g_assert_cmpstr (message->file->name, ==, name);
  g_assert_cmpstr (message->file->display_name, ==, file->display_name);
  g_assert_cmpuint (message->file->size, ==, 1000);
  g_assert_cmpmem (message->file->digest, SB_FILE_DIGEST_SIZE, file->digest, SB_FILE_DIGEST_SIZE);
}

/* What is read */

static void
messages_are_read_with_their_files (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (GPtrArray) pending = NULL;
  g_autoptr (GPtrArray) parked = NULL;
  g_autoptr (SbMessage) message = NULL;
  const SbStoredDelivery *row;
  gint64 next_due = 0;

  send_file (rig, "m1", 1, &rig->user);
  sqlite_rig_send (rig, "m2");
  pending = sb_store_pending (rig->store, rig->user, 0, 10, G_MAXUINT32, NULL);
  g_assert_cmpuint (pending->len, ==, 2);
  row = g_ptr_array_index (pending, 0);
  assert_file (row->message, "m1");
  g_assert_null (((SbStoredDelivery *) g_ptr_array_index (pending, 1))->message->file);
  message = sb_store_message (rig->store, "m1", NULL);
  assert_file (message, "m1");

  {
    g_autoptr (SbOperation) park = sqlite_rig_make_park (rig->user, row->position, "log");

    park->park.handle = row->handle;
    g_assert_cmpint (sqlite_rig_apply (rig, park), ==, SB_OUTCOME_DONE);
  }
  parked = sb_store_parked (rig->store, rig->user, G_MAXINT64, 10, &next_due, NULL);
  g_assert_cmpuint (parked->len, ==, 1);
  row = g_ptr_array_index (parked, 0);
  assert_file (row->message, "m1");
  g_assert_cmpstr (row->log, ==, "log");
}

/* Handles */

/* As the queue confirms one that it has read: whatever it knows of the file, the store knows. */
static void
a_confirmation_with_a_handle_releases_nothing (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (SbOperation) append = make_append (rig, "m1", 1, &rig->user);
  g_autoptr (SbOperation) end = sqlite_rig_make_end (rig->user, NULL, SB_DELIVERY_CONFIRMED);

  g_assert_cmpint (sqlite_rig_apply (rig, append), ==, SB_OUTCOME_DONE);
  end->end.position = append->append.targets[0].position;
  end->end.handle = append->append.handle;
  end->end.message = sb_message_new ("m1", "user", rig->user, g_bytes_new ("m1", 2), START, 0,
                                     START + HOUR);
  g_assert_cmpint (sqlite_rig_apply (rig, end), ==, SB_OUTCOME_DONE);
  g_assert_true (end->end.notified);
  g_assert_null (end->end.released);
  sqlite_rig_assert_status (rig, "m1", "notified user");
}

/* Each of the two ends is in one batch with the other, in which the counter of open deliveries is
 * otherwise written at the end. */
static void
of_two_ends_in_one_batch_the_second_releases (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  const gint64 users[] = { rig->user, sqlite_rig_add_user (rig, "b") };
  g_autoptr (SbOperation) append = make_append (rig, "m1", 2, users);
  g_autoptr (SbOperation) first = make_release (users[1], "m1");
  g_autoptr (SbOperation) second = make_release (users[0], "m1");
  SbOperation *const batch[] = { append, first, second };

  sqlite_rig_apply_all (rig, batch, G_N_ELEMENTS (batch));
  g_assert_null (first->end.released);
  assert_released (second->end.released, second->end.released_size, "m1");
  assert_stats (rig, 0, 0);
  assert_rows (rig, "file", 0);
  assert_rows (rig, "fanout", 0);
  assert_rows (rig, "deadline", 0);
  assert_rows (rig, "body", 0);
}

static void
a_file_that_was_moved_is_released_by_the_last (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  gint64 b = sqlite_rig_add_user (rig, "b");
  g_autoptr (SbOperation) move = sqlite_rig_make_move (rig->user, b, "m1");

  send_file (rig, "m1", 1, &rig->user);
  notify (rig, rig->user, "m1");
  g_assert_cmpint (sqlite_rig_apply (rig, move), ==, SB_OUTCOME_DONE);
  assert_stats (rig, 1, 1000);
  sqlite_rig_assert_status (rig, "m1", "dropped user, pending b");
  release (rig, b, "m1", "m1");
  assert_rows (rig, "file", 0);
  assert_rows (rig, "fanout", 0);
}

/* Time */

static void
sweep_expires (SqliteRig *rig, const char *id, guint n, guint limit)
{
  guint n_seen = 0;
  gboolean more = TRUE;

  while (more)
    {
      g_autoptr (SbOperation) sweep = sqlite_rig_make_sweep (START + HOUR, limit);

      g_assert_cmpint (sqlite_rig_apply (rig, sweep), ==, SB_OUTCOME_DONE);
      for (guint i = 0; i < sweep->sweep.moved->len; i++)
        {
          const SbDue *due = &g_array_index (sweep->sweep.moved, SbDue, i);

          if (++n_seen == n)
            assert_released (due->released, due->released_size, id);
          else
            g_assert_null (due->released);
        }
      more = sweep->sweep.more;
    }
  g_assert_cmpuint (n_seen, ==, n);
}

static void
kill_delivery (SqliteRig *rig, gint64 recipient, const char *id)
{
  g_autoptr (SbOperation) end = sqlite_rig_make_end (recipient, id, SB_DELIVERY_DEAD);

  g_assert_cmpint (sqlite_rig_apply (rig, end), ==, SB_OUTCOME_DONE);
}

/* The deadline stays when nothing waits any more. */
static void
the_dead_of_a_file_expire (gconstpointer limit)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  const gint64 users[] = { rig->user, sqlite_rig_add_user (rig, "b"),
                           sqlite_rig_add_user (rig, "c") };

  send_file (rig, "m1", 3, users);
  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    kill_delivery (rig, users[i], "m1");
  notify (rig, users[1], "m1");
  sweep_expires (rig, "m1", 3, GPOINTER_TO_UINT (limit));
  sqlite_rig_assert_status (rig, "m1", "expired user, expired b, expired c");
  assert_rows (rig, "deadline", 0);
  assert_rows (rig, "file", 0);
  assert_stats (rig, 0, 0);
}

static void
a_dead_one_of_a_file_expires (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();

  send_file (rig, "m1", 1, &rig->user);
  kill_delivery (rig, rig->user, "m1");
  sweep_expires (rig, "m1", 1, 100);
  assert_rows (rig, "deadline", 0);
  assert_rows (rig, "body", 0);
}

/* Batches and restarts */

static void
a_batch_that_fails_keeps_the_file (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (SbOperation) first = make_release (rig->user, "m1");
  g_autoptr (SbOperation) other = make_append (rig, "m2", 1, &rig->user);
  SbOperation *const batch[] = { first, other };

  send_file (rig, "m1", 1, &rig->user);
  fault_vfs.log_syncs_fail = TRUE;
  g_assert_false (sb_store_apply (rig->store, batch, G_N_ELEMENTS (batch), NULL));
  fault_vfs = (FaultVfs) { 0 };
  assert_stats (rig, 1, 1000);
  sqlite_rig_send (rig, "m3");
  sqlite_rig_confirm (rig, "m3");
  release (rig, rig->user, "m1", "m1");
  assert_stats (rig, 0, 0);
}

static void
files_are_counted_when_the_store_opens (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  SbStoreStats stats;
  SbBacklog backlog;

  send_file (rig, "m1", 1, &rig->user);
  send_file (rig, "m2", 1, &rig->user);
  send_file (rig, "m3", 1, &rig->user);
  notify (rig, rig->user, "m2");
  release (rig, rig->user, "m3", "m3");
  sqlite_rig_close (rig);
  sqlite_rig_open (rig);
  assert_stats (rig, 2, 2000);
  g_assert_true (sb_store_stats (rig->store, &stats, NULL));
  g_assert_cmpuint (stats.messages, ==, 2);
  g_assert_cmpuint (stats.bytes, ==, 4);
  g_assert_cmpuint (stats.waiting, ==, 1);
  g_assert_true (sb_store_backlog (rig->store, rig->user, &backlog, NULL));
  g_assert_cmpuint (backlog.waiting, ==, 1);
  g_assert_cmpuint (backlog.dead, ==, 0);
}

/* Ids of files are random, so their messages lie anywhere. */
static void
very_many_files_are_listed_soon (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  const guint n_batches = g_test_slow () ? 100 : 10;
  g_autofree char *after = g_strdup ("");
  guint n_seen = 0;
  gint64 began;

  for (guint i = 0; i < n_batches; i++)
    {
      g_autoptr (GPtrArray) batch = g_ptr_array_new_with_free_func (
          (GDestroyNotify) sb_operation_free);

      for (guint j = 0; j < 1000; j++)
        {
          g_autofree char *id = g_strdup_printf ("m%u.%u", i, j);

          g_ptr_array_add (batch, make_append (rig, id, 1, &rig->user));
        }
      sqlite_rig_apply_all (rig, (SbOperation *const *) batch->pdata, batch->len);
    }
  sqlite_rig_close (rig);
  sqlite_rig_open (rig);
  began = g_get_monotonic_time ();
  for (guint n = 1000; n == 1000; n_seen += n)
    {
      g_autoptr (GPtrArray) page = sb_store_files (rig->store, after, 1000, NULL);

      n = page->len;
      for (guint i = 0; i < n; i++)
        {
          const SbFileInfo *info = g_ptr_array_index (page, i);

          g_assert_cmpstr (info->file->id, >, after);
          g_free (after);
          after = g_strdup (info->file->id);
        }
    }
  g_test_message ("%u files in %" G_GINT64_FORMAT " ms", n_seen,
                  (g_get_monotonic_time () - began) / 1000);
  g_assert_cmpuint (n_seen, ==, n_batches * 1000);
}

int
main (int argc, char *argv[])
{
  sqlite_rig_init (&argc, &argv);
  fault_vfs_install ();
#define ADD(name, function) g_test_add_func ("/sqlite/files/" name, function)
  ADD ("messages-are-read-with-their-files", messages_are_read_with_their_files);
  ADD ("a-confirmation-with-a-handle-releases-nothing",
       a_confirmation_with_a_handle_releases_nothing);
  ADD ("of-two-ends-in-one-batch-the-second-releases",
       of_two_ends_in_one_batch_the_second_releases);
  ADD ("a-file-that-was-moved-is-released-by-the-last",
       a_file_that_was_moved_is_released_by_the_last);
  ADD ("a-dead-one-of-a-file-expires", a_dead_one_of_a_file_expires);
  ADD ("a-batch-that-fails-keeps-the-file", a_batch_that_fails_keeps_the_file);
  ADD ("files-are-counted-when-the-store-opens", files_are_counted_when_the_store_opens);
  ADD ("very-many-files-are-listed-soon", very_many_files_are_listed_soon);
#undef ADD
  g_test_add_data_func ("/sqlite/files/the-dead-of-a-file-expire", GUINT_TO_POINTER (100),
                        the_dead_of_a_file_expire);
  g_test_add_data_func ("/sqlite/files/the-dead-of-a-file-expire-in-slices", GUINT_TO_POINTER (1),
                        the_dead_of_a_file_expire);
  return g_test_run ();
}

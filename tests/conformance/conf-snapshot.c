/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf-snapshot: a copy that is taken beside the work holds everything that was
 * acknowledged before, of each batch all or nothing, and is a store again when
 * it is put back. A store may have no snapshots; then it says so.
 */

#include "rig.h"

#include "sb-test.h"

#define N_FILES 5
#define N_SNAPSHOTS 10
#define BATCH_SIZE 8

static gboolean
has_snapshots (Rig *rig)
{
  if (SB_STORE_GET_IFACE (rig->store)->snapshot != NULL)
    return TRUE;
  g_test_skip ("the store has no snapshots");
  return FALSE;
}

static void
note_file (const SbFile *file, gpointer user_data)
{
  g_ptr_array_add (user_data, sb_file_ref ((SbFile *) file));
}

static GPtrArray *
new_file_list (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) sb_file_unref);
}

/* Returns: (transfer full): the files that the store told of. */
static GPtrArray *
take (Rig *rig, const char *folder)
{
  GPtrArray *files = new_file_list ();
  g_autoptr (GError) error = NULL;
  gboolean taken = sb_store_snapshot (rig->store, folder, note_file, files, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (taken);
  return files;
}

/* Another store, which knows the same users. */
static Rig *
put_back (Rig *rig, const char *folder)
{
  Rig *copy = rig_prepare ();
  g_autoptr (SbStore) carrier = g_object_new (rig_subject.type, NULL);
  g_autoptr (GError) error = NULL;
  gboolean restored = sb_store_restore (carrier, &copy->options, folder, &error);
  GHashTableIter iter;
  gpointer key, id;

  g_assert_no_error (error);
  g_assert_true (restored);
  rig_open (copy);
  copy->s = rig->s;
  copy->a = rig->a;
  copy->b = rig->b;
  g_hash_table_iter_init (&iter, rig->names);
  while (g_hash_table_iter_next (&iter, &key, &id))
    rig_note_name (copy, *(gint64 *) key, id);
  return copy;
}

static Rig *
copy_rig (Rig *rig)
{
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();

  g_ptr_array_unref (take (rig, folder));
  return put_back (rig, folder);
}

/* What is in it */

static void
it_holds_what_the_store_holds (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  g_autoptr (Rig) copy = NULL;
  SbStoreStats stats;

  if (!has_snapshots (rig))
    return;
  rig_apply (rig, make_append (make_message (rig, "m1", rig->s, 0, 0), 2, both));
  rig_apply (rig, make_append (make_message (rig, "later", rig->s, START + HOUR, 0), 1, &rig->a));
  rig_apply (rig, make_park (rig->a, rig_send (rig, "parked", rig->s, rig->a), START, START));
  rig_send (rig, "dead", rig->s, rig->a);
  rig_end (rig, rig->a, "dead", SB_DELIVERY_DEAD, START);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_apply (rig, make_add_receipt (rig->s, rig->a, "m1", START));
  stats = rig_stats (rig);

  copy = copy_rig (rig);
  expect_pending (copy, rig->a, "");
  expect_pending (copy, rig->b, "m1");
  expect_parked (copy, rig->a, START, "parked", 0);
  expect_status (copy, "m1", "a confirmed - 0, b pending - 0");
  expect_status (copy, "later", "a scheduled - 0");
  expect_status (copy, "dead", "a dead refused 0");
  expect_backlog (copy, rig->a, 2);
  expect_receipts (copy, rig->s, "m1/a");
  g_assert_cmpuint (rig_stats (copy).messages, ==, stats.messages);
  g_assert_cmpuint (rig_stats (copy).waiting, ==, stats.waiting);
  g_assert_cmpint (rig_stats (copy).last_time, ==, stats.last_time);
}

static void
its_messages_are_the_same_byte_for_byte (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (Rig) copy = NULL;
  SbOperation *operation;
  const SbStoredDelivery *row;

  if (!has_snapshots (rig))
    return;
  operation = rig_apply (
      rig, make_append (make_message (rig, "m1", rig->s, 0, START + HOUR), 1, &rig->a));
  copy = copy_rig (rig);
  rows = rig_read_pending (copy, rig->a, 0);
  g_assert_cmpuint (rows->len, ==, 1);
  row = g_ptr_array_index (rows, 0);
  assert_message_equal (row->message, operation->append.message);
  g_assert_cmpint (row->position, ==, operation->append.targets[0].position);
  g_assert_cmpint (row->handle, ==, operation->append.handle);
}

static void
it_goes_on_where_the_store_was (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (Rig) copy = NULL;
  gint64 position;

  if (!has_snapshots (rig))
    return;
  position = rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  copy = copy_rig (rig);
  g_assert_cmpint (
      rig_apply (copy, make_append (make_message (copy, "m1", rig->s, 0, 0), 1, &rig->a))->outcome,
      ==, SB_OUTCOME_DUPLICATE);
  g_assert_cmpint (rig_send (copy, "m2", rig->s, rig->a), >, position);
  g_assert_cmpint (rig_add_user (copy, "c"), >, rig->b);
}

static void
the_store_goes_on_without_it (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (Rig) copy = NULL;

  if (!has_snapshots (rig))
    return;
  rig_send (rig, "m1", rig->s, rig->a);
  copy = copy_rig (rig);
  rig_send (rig, "m2", rig->s, rig->a);
  rig_send (copy, "m3", rig->s, rig->a);
  rig_reopen (rig);
  rig_reopen (copy);
  expect_pending (rig, rig->a, "m1 m2");
  expect_pending (copy, rig->a, "m1 m3");
}

static void
it_tells_of_its_files_in_order (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();
  g_autoptr (GPtrArray) told = NULL;
  g_autoptr (GPtrArray) listed = NULL;

  if (!has_snapshots (rig))
    return;
  for (guint i = 0; i < N_FILES; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      rig_announce (rig, id, id, 1, &rig->a);
    }
  rig_release (rig, rig->a, "m2");
  told = take (rig, folder);
  listed = rig_list_files (rig, 100);
  g_assert_cmpuint (told->len, ==, N_FILES - 1);
  g_assert_cmpuint (listed->len, ==, told->len);
  for (guint i = 0; i < told->len; i++)
    assert_file_equal (told->pdata[i], ((SbFileInfo *) listed->pdata[i])->file);
}

static void
its_files_have_plain_names (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();
  g_autoptr (GDir) dir = NULL;
  const char *name;
  guint n = 0;

  if (!has_snapshots (rig))
    return;
  g_ptr_array_unref (take (rig, folder));
  dir = g_dir_open (folder, 0, NULL);
  for (; (name = g_dir_read_name (dir)) != NULL; n++)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_assert_true (g_regex_match_simple ("^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$", name, 0, 0));
      g_assert_true (g_file_test (path, G_FILE_TEST_IS_REGULAR));
    }
  g_assert_cmpuint (n, >, 0);
}

/* Beside the work */

typedef struct
{
  Rig *rig;
  guint n_acknowledged; /* (atomic) batches */
  gboolean is_over;     /* (atomic) */
} Writer;

static void
write_batch (Rig *rig, guint batch)
{
  const gint64 both[] = { rig->b, rig->a };
  SbOperation *operations[BATCH_SIZE];

  for (guint i = 0; i < BATCH_SIZE; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", batch * BATCH_SIZE + i);
      SbMessage *message = i == 0 ? make_announcement (rig, id, id, 0, 0)
                                  : make_message (rig, id, rig->s, 0, 0);

      operations[i] = make_append (message, 2, both);
    }
  rig_apply_batch (rig, operations, BATCH_SIZE);
  for (guint i = 0; i < BATCH_SIZE; i++)
    sb_operation_free (operations[i]);
}

static gpointer
write_until_over (gpointer data)
{
  Writer *writer = data;

  /* The limit of a queue is far away. */
  for (guint batch = 0; !g_atomic_int_get (&writer->is_over) && batch < 1000; batch++)
    {
      write_batch (writer->rig, batch);
      g_atomic_int_inc (&writer->n_acknowledged);
    }
  return NULL;
}

static void
check_copy (Rig *copy, guint n_files, guint n_acknowledged)
{
  SbStoreStats stats = rig_stats (copy);

  g_assert_cmpuint (stats.messages % BATCH_SIZE, ==, 0);
  g_assert_cmpuint (stats.messages, >=, n_acknowledged * BATCH_SIZE);
  g_assert_cmpuint (stats.waiting, ==, 2 * stats.messages);
  g_assert_cmpuint (stats.files, ==, stats.messages / BATCH_SIZE);
  g_assert_cmpuint (n_files, ==, stats.files);
  expect_backlog (copy, copy->a, (guint) stats.messages);
}

static void
it_is_of_one_moment_beside_a_writer (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Writer writer = { .rig = rig };
  GThread *thread;

  if (!has_snapshots (rig))
    return;
  thread = g_thread_new ("writer", write_until_over, &writer);
  for (guint i = 0; i < N_SNAPSHOTS; i++)
    {
      g_autoptr (SbTestDir) folder = sb_test_make_dir ();
      guint before = (guint) g_atomic_int_get (&writer.n_acknowledged);
      g_autoptr (GPtrArray) files = take (rig, folder);
      g_autoptr (Rig) copy = put_back (rig, folder);

      check_copy (copy, files->len, before);
    }
  g_atomic_int_set (&writer.is_over, TRUE);
  g_thread_join (thread);
  rig_reopen (rig);
  g_assert_cmpuint (rig_stats (rig).messages, ==, writer.n_acknowledged * BATCH_SIZE);
}

/* Refusals */

static void
a_cancelled_one_fails (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();
  g_autoptr (GPtrArray) files = new_file_list ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  if (!has_snapshots (rig))
    return;
  g_cancellable_cancel (cancellable);
  g_assert_false (sb_store_snapshot (rig->store, folder, note_file, files, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  rig_send (rig, "m1", rig->s, rig->a);
}

static void
a_store_that_is_there_is_not_replaced (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();
  g_autoptr (SbStore) carrier = g_object_new (rig_subject.type, NULL);
  g_autoptr (GError) error = NULL;

  if (!has_snapshots (rig))
    return;
  g_ptr_array_unref (take (rig, folder));
  rig_send (rig, "m1", rig->s, rig->a);
  rig_close (rig);
  g_assert_false (sb_store_restore (carrier, &rig->options, folder, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_CONFLICT);
  rig_open (rig);
  expect_pending (rig, rig->a, "m1");
}

static void
an_empty_folder_is_no_snapshot (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (Rig) other = rig_prepare ();
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();
  g_autoptr (SbStore) carrier = g_object_new (rig_subject.type, NULL);
  g_autoptr (GError) error = NULL;

  if (!has_snapshots (rig))
    return;
  g_assert_false (sb_store_restore (carrier, &other->options, folder, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
}

static void
a_store_has_both_functions_or_says_that_it_has_none (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbStoreInterface *iface = SB_STORE_GET_IFACE (rig->store);
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();
  g_autoptr (GPtrArray) files = new_file_list ();
  g_autoptr (GError) error = NULL;

  g_assert_true ((iface->snapshot != NULL) == (iface->restore != NULL));
  if (iface->snapshot != NULL)
    return;
  g_assert_false (sb_store_snapshot (rig->store, folder, note_file, files, NULL, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED);
}

void
add_snapshot_tests (void)
{
  static const RigTest tests[] = {
    { "it-holds-what-the-store-holds", it_holds_what_the_store_holds },
    { "its-messages-are-the-same-byte-for-byte", its_messages_are_the_same_byte_for_byte },
    { "it-goes-on-where-the-store-was", it_goes_on_where_the_store_was },
    { "the-store-goes-on-without-it", the_store_goes_on_without_it },
    { "it-tells-of-its-files-in-order", it_tells_of_its_files_in_order },
    { "its-files-have-plain-names", its_files_have_plain_names },
    { "it-is-of-one-moment-beside-a-writer", it_is_of_one_moment_beside_a_writer },
    { "a-cancelled-one-fails", a_cancelled_one_fails },
    { "a-store-that-is-there-is-not-replaced", a_store_that_is_there_is_not_replaced },
    { "an-empty-folder-is-no-snapshot", an_empty_folder_is_no_snapshot },
    { "a-store-has-both-functions-or-says-that-it-has-none",
      a_store_has_both_functions_or_says_that_it_has_none },
  };

  rig_add_tests ("snapshot", tests, G_N_ELEMENTS (tests));
}

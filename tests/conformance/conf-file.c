/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-file: messages with files are appended, several at once or none, and files are found. */

#include "rig.h"

#include <string.h>

static SbOperation *
announce_in_vain (Rig *rig, const char *id, const char *name)
{
  return rig_apply (rig, make_append (make_announcement (rig, id, name, 0, 0), 1, &rig->a));
}

/* "m1" and "m1.2", with the files "f1" and "f2". */
static SbOperation *
make_two (Rig *rig, guint n, const gint64 *recipients)
{
  return with_more (make_append (make_announcement (rig, "m1", "f1", 0, 0), n, recipients),
                    make_announcement (rig, "m1.2", "f2", 0, 0));
}

static void
a_file_comes_back_as_it_was_appended (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->b, rig->a };
  SbMessage *message = make_announcement (rig, "m1", "f1", 0, START + HOUR);
  g_autoptr (SbFileInfo) info = NULL;

  rig_apply (rig, make_append (message, 2, both));
  expect_file (rig, "f1", "a pending, b pending");
  info = rig_file (rig, "f1");
  g_assert_cmpstr (info->message_id, ==, "m1");
  g_assert_cmpint (info->sender_key, ==, rig->s);
  g_assert_cmpint (info->accepted, ==, START);
  g_assert_cmpint (info->deadline, ==, START + HOUR);
}

static void
a_listed_file_is_described_but_for_its_rights (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbFile) file = make_file ("f1");
  SbMessage *message = make_announcement (rig, "m1", "f1", 0, START + HOUR);
  g_autoptr (GPtrArray) rows = NULL;
  const SbFileInfo *info;

  rig_apply (rig, make_append (message, 1, &rig->a));
  rows = rig_list_files (rig, 10);
  g_assert_cmpuint (rows->len, ==, 1);
  info = g_ptr_array_index (rows, 0);
  assert_file_equal (info->file, file);
  g_assert_cmpstr (info->message_id, ==, "m1");
  g_assert_cmpint (info->sender_key, ==, rig->s);
  g_assert_cmpint (info->accepted, ==, START);
  g_assert_cmpint (info->deadline, ==, START + HOUR);
}

static void
a_message_without_a_file_has_none (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  expect_files (rig, "");
  expect_file (rig, "m1", NULL);
  expect_file (rig, "", NULL);
}

static void
a_file_is_found_by_its_whole_name (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_announce (rig, "m1", "m1_Invoice-1.pdf", 1, &rig->a);
  expect_file (rig, "m1_Invoice-1.pdf", "a pending");
  expect_file (rig, "m1_Invoice-1.pd", NULL);
  expect_file (rig, "m1_Invoice-1.pdf ", NULL);
  expect_file (rig, "m1_invoice-1.pdf", NULL);
  expect_file (rig, "m1_Invoice_1.pdf", NULL);
  expect_file (rig, "m1%", NULL);
  expect_file (rig, "m1", NULL);
}

static void
an_empty_file_is_a_file (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const guint8 digest[SB_FILE_DIGEST_SIZE] = { 0 };
  g_autoptr (SbFile) file = sb_file_new ("00000000000000000000000000000000", "f", "f", 0, digest);
  g_autoptr (SbFileInfo) info = NULL;
  SbOperation *end;

  rig_apply (rig, make_append (sb_message_new_with_file ("m1", "s", rig->s, make_body ("m1", 10),
                                                         START, 0, 0, file),
                               1, &rig->a));
  info = rig_file (rig, "f");
  g_assert_nonnull (info);
  assert_file_equal (info->file, file);
  g_assert_cmpuint (rig_stats (rig).files, ==, 1);
  g_assert_cmpuint (rig_stats (rig).file_bytes, ==, 0);
  end = rig_release (rig, rig->a, "m1");
  g_assert_cmpstr (end->end.released, ==, file->id);
  g_assert_cmpuint (end->end.released_size, ==, 0);
}

/* Ids are in order of their bytes, whatever else they may look like. */
static void
files_are_listed_in_order_of_their_ids (void)
{
  static const char *const ids[] = {
    "00000000000000000000000000000009", "0000000000000000000000000000000a",
    "00000000000000000000000000000010", "1e400000000000000000000000000000",
    "90000000000000000000000000000000", "f0000000000000000000000000000000",
  };
  static const guint order[] = { 3, 0, 5, 1, 4, 2 };
  g_autoptr (Rig) rig = rig_new ();
  const guint8 digest[SB_FILE_DIGEST_SIZE] = { 1 };

  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    {
      const char *id = ids[order[i]];
      g_autofree char *name = g_strconcat ("f", id, NULL);
      g_autoptr (SbFile) file = sb_file_new (id, name, "f", 1, digest);

      rig_apply (rig, make_append (sb_message_new_with_file (id, "s", rig->s, make_body ("m", 10),
                                                             START, 0, 0, file),
                                   1, &rig->a));
    }
  for (guint limit = 1; limit <= G_N_ELEMENTS (ids) + 1; limit++)
    {
      g_autoptr (GPtrArray) rows = rig_list_files (rig, limit);

      g_assert_cmpuint (rows->len, ==, G_N_ELEMENTS (ids));
      for (guint i = 0; i < rows->len; i++)
        g_assert_cmpstr (((SbFileInfo *) rows->pdata[i])->file->id, ==, ids[i]);
    }
}

static void
a_page_of_files_goes_on_behind_one_that_is_gone (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbFile) file = make_file ("f1");
  g_autoptr (SbFile) other = make_file ("f2");
  g_autoptr (GPtrArray) rows = NULL;

  rig_announce (rig, "m1", "f1", 1, &rig->a);
  rig_announce (rig, "m2", "f2", 1, &rig->a);
  rig_release (rig, rig->a, "m1");
  rows = sb_store_files (rig->store, file->id, 10, NULL);
  g_assert_nonnull (rows);
  g_assert_cmpuint (rows->len, ==, strcmp (other->id, file->id) > 0 ? 1 : 0);
}

static void
messages_that_come_together_are_all_there (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->b, rig->a };
  SbOperation *operation = make_two (rig, 2, both);
  g_autoptr (GPtrArray) rows = NULL;

  with_more (operation, make_message (rig, "m1.3", rig->s, 0, 0));
  rig_apply (rig, operation);
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpuint (operation->append.n_recipients, ==, 2);
  g_assert_false (operation->append.released);
  g_assert_false (operation->append.name_taken);
  expect_pending (rig, rig->a, "m1 m1.2 m1.3");
  expect_pending (rig, rig->b, "m1 m1.2 m1.3");
  expect_files (rig, "f1 f2");
  expect_backlog (rig, rig->a, 3);
  rows = rig_read_pending (rig, rig->a, 0);
  g_assert_cmpint (((SbStoredDelivery *) rows->pdata[0])->position, ==,
                   operation->append.targets[1].position);
  for (guint i = 0; i < rows->len; i++)
    assert_message_equal (((SbStoredDelivery *) rows->pdata[i])->message,
                          i == 0 ? operation->append.message : operation->append.more[i - 1]);
}

static void
messages_that_come_together_go_their_own_ways (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_apply (rig, make_two (rig, 1, &rig->a));
  expect_released (rig_release (rig, rig->a, "m1.2"), "f2");
  expect_files (rig, "f1");
  expect_status (rig, "m1", "a pending - 0");
  expect_status (rig, "m1.2", "a confirmed - 0");
  expect_released (rig_release (rig, rig->a, "m1"), "f1");
}

static void
messages_that_come_together_are_scheduled_together (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation = make_append (make_announcement (rig, "m1", "f1", START + HOUR, 0), 1,
                                        &rig->a);

  with_more (operation, make_announcement (rig, "m1.2", "f2", START + HOUR, 0));
  rig_apply (rig, operation);
  g_assert_cmpint (operation->append.targets[0].state, ==, SB_DELIVERY_SCHEDULED);
  g_assert_cmpint (operation->append.targets[0].position, ==, 0);
  expect_pending (rig, rig->a, "");
  rig_sweep (rig, START + HOUR);
  expect_pending (rig, rig->a, "m1 m1.2");
  expect_files (rig, "f1 f2");
}

/* @faulty: which one; @name_taken: by its file's name */
static void
assert_refused (Rig *rig, SbOperation *operation, SbOutcome outcome, guint faulty,
                gboolean name_taken)
{
  SbStoreStats before = rig_stats (rig);
  SbStoreStats after;

  rig_apply (rig, operation);
  after = rig_stats (rig);
  g_assert_cmpint (operation->outcome, ==, outcome);
  if (outcome != SB_OUTCOME_FULL)
    g_assert_cmpuint (operation->append.faulty, ==, faulty);
  g_assert_cmpint (operation->append.name_taken, ==, name_taken);
  g_assert_false (operation->append.released);
  g_assert_cmpuint (after.messages, ==, before.messages);
  g_assert_cmpuint (after.waiting, ==, before.waiting);
  g_assert_cmpuint (after.files, ==, before.files);
  g_assert_cmpuint (after.file_bytes, ==, before.file_bytes);
}

static void
a_known_id_among_them_refuses_all (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1.2", rig->s, rig->b);
  assert_refused (rig, make_two (rig, 1, &rig->a), SB_OUTCOME_DUPLICATE, 1, FALSE);
  expect_status (rig, "m1", NULL);
  expect_file (rig, "f1", NULL);
  expect_file (rig, "f2", NULL);
}

static void
an_id_of_another_sender_among_them_is_a_conflict (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1.2", rig->b, rig->a);
  assert_refused (rig, make_two (rig, 1, &rig->a), SB_OUTCOME_CONFLICT, 1, FALSE);
  expect_status (rig, "m1", NULL);
}

/* What comes again has the same names, and is no conflict. */
static void
the_same_again_is_a_duplicate (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };
  SbOperation *again = make_two (rig, 1, &rig->a);

  rig_apply (rig, make_two (rig, 2, both));
  assert_refused (rig, again, SB_OUTCOME_DUPLICATE, 0, FALSE);
  g_assert_cmpuint (again->append.n_recipients, ==, 2);
  expect_file (rig, "f1", "a pending, b pending");
  expect_pending (rig, rig->a, "m1 m1.2");
}

static void
the_same_again_is_a_duplicate_when_the_files_are_gone (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_apply (rig, make_two (rig, 1, &rig->a));
  rig_release (rig, rig->a, "m1");
  rig_release (rig, rig->a, "m1.2");
  assert_refused (rig, make_two (rig, 1, &rig->a), SB_OUTCOME_DUPLICATE, 0, FALSE);
  expect_files (rig, "");
}

static void
a_name_that_a_live_file_has_is_a_conflict (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation = make_append (make_announcement (rig, "m2", "f1", 0, 0), 1, &rig->b);

  rig_announce (rig, "m1", "f1", 1, &rig->a);
  assert_refused (rig, operation, SB_OUTCOME_CONFLICT, 0, TRUE);
  expect_status (rig, "m2", NULL);
  expect_file (rig, "f1", "a pending");
}

static void
a_taken_name_among_them_refuses_all (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_announce (rig, "other", "f2", 1, &rig->a);
  assert_refused (rig, make_two (rig, 1, &rig->a), SB_OUTCOME_CONFLICT, 1, TRUE);
  expect_status (rig, "m1", NULL);
  expect_files (rig, "f2");
}

static void
a_name_is_taken_once_in_an_operation (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const guint8 digest[SB_FILE_DIGEST_SIZE] = { 0 };
  g_autoptr (SbFile) other = sb_file_new ("00000000000000000000000000000000", "f2", "f", 1, digest);
  SbOperation *operation = make_two (rig, 1, &rig->a);

  with_more (operation,
             sb_message_new_with_file ("m1.3", "s", rig->s, make_body ("m1.3", BODY_SIZE), START, 0,
                                       0, other));
  assert_refused (rig, operation, SB_OUTCOME_CONFLICT, 2, TRUE);
  expect_files (rig, "");
}

static void
the_first_that_is_not_done_decides (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *operation = make_two (rig, 1, &rig->a);

  rig_send (rig, "m1.2", rig->s, rig->a);
  rig_announce (rig, "other", "f1", 1, &rig->a);
  assert_refused (rig, operation, SB_OUTCOME_CONFLICT, 0, TRUE);
}

static void
the_id_comes_before_the_name (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1.2", rig->s, rig->a);
  rig_announce (rig, "other", "f2", 1, &rig->a);
  assert_refused (rig, make_two (rig, 1, &rig->a), SB_OUTCOME_DUPLICATE, 1, FALSE);
}

static void
names_come_before_queues (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.max_queue = 1;
  rig_start (rig);
  rig_announce (rig, "other", "f2", 1, &rig->a);
  assert_refused (rig, make_two (rig, 1, &rig->a), SB_OUTCOME_CONFLICT, 1, TRUE);
}

static void
a_name_is_free_when_its_message_has_ended (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_announce (rig, "m1", "f1", 1, &rig->a);
  rig_notify (rig, rig->a, "m1");
  g_assert_cmpint (announce_in_vain (rig, "m2", "f1")->outcome, ==, SB_OUTCOME_CONFLICT);
  rig_release (rig, rig->a, "m1");
  rig_announce (rig, "m3", "f1", 1, &rig->b);
  expect_file (rig, "f1", "b pending");
  rig_release (rig, rig->b, "m3");
  rig_announce (rig, "m4", "f1", 1, &rig->a);
  expect_files (rig, "f1");
}

static void
a_name_is_free_for_the_next_operation_of_a_batch (void)
{
  g_autoptr (Rig) rig = rig_new ();
  SbOperation *batch[3] = {
    make_release (rig->a, "m1", START),
    make_append (make_announcement (rig, "m2", "f1", 0, 0), 1, &rig->b),
    make_append (make_announcement (rig, "m3", "f1", 0, 0), 1, &rig->b),
  };

  rig_announce (rig, "m1", "f1", 1, &rig->a);
  rig_apply_batch (rig, batch, G_N_ELEMENTS (batch));
  g_assert_cmpint (batch[0]->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (batch[1]->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (batch[2]->outcome, ==, SB_OUTCOME_CONFLICT);
  g_assert_true (batch[2]->append.name_taken);
  expect_file (rig, "f1", "b pending");
  for (guint i = 0; i < G_N_ELEMENTS (batch); i++)
    sb_operation_free (batch[i]);
}

static void
a_refused_message_takes_no_name (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.max_queue = 0;
  rig_start (rig);
  g_assert_cmpint (announce_in_vain (rig, "m1", "f1")->outcome, ==, SB_OUTCOME_FULL);
  expect_file (rig, "f1", NULL);
  expect_files (rig, "");
  rig->options.limits.max_queue = 10;
  rig_apply (rig, make_limits (&rig->options.limits));
  rig_announce (rig, "m2", "f1", 1, &rig->a);
}

static void
queues_need_room_for_all (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  SbOperation *operation;

  rig->options.limits.max_queue = 2;
  rig_start (rig);
  rig_send (rig, "m0", rig->s, rig->a);
  operation = make_two (rig, 1, &rig->a);
  assert_refused (rig, operation, SB_OUTCOME_FULL, 0, FALSE);
  g_assert_true (operation->append.targets[0].full);
  expect_pending (rig, rig->a, "m0");
  rig_end (rig, rig->a, "m0", SB_DELIVERY_CONFIRMED, START);
  g_assert_cmpint (rig_apply (rig, make_two (rig, 1, &rig->a))->outcome, ==, SB_OUTCOME_DONE);
  expect_backlog (rig, rig->a, 2);
}

static void
queues_need_bytes_for_all (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.max_queue_bytes = 2 * BODY_SIZE - 1;
  rig_start (rig);
  assert_refused (rig, make_two (rig, 1, &rig->a), SB_OUTCOME_FULL, 0, FALSE);
  rig->options.limits.max_queue_bytes++;
  rig_apply (rig, make_limits (&rig->options.limits));
  g_assert_cmpint (rig_apply (rig, make_two (rig, 1, &rig->a))->outcome, ==, SB_OUTCOME_DONE);
}

/* A file's own size is no matter of queues. */
static void
queues_do_not_count_the_bytes_of_files (void)
{
  g_autoptr (Rig) rig = rig_prepare ();

  rig->options.limits.max_queue_bytes = BODY_SIZE;
  rig_start (rig);
  rig_announce (rig, "m1", "f1", 1, &rig->a);
  expect_backlog (rig, rig->a, 1);
}

/* To a, which is not named and has room for one, and to b, which is empty. */
static SbOperation *
send_two_to_a_full_one (Rig *rig)
{
  const gint64 both[] = { rig->a, rig->b };
  SbOperation *operation = make_two (rig, 2, both);

  operation->append.targets[0].named = FALSE;
  rig_send (rig, "m0", rig->s, rig->a);
  return rig_apply (rig, operation);
}

static void
a_full_one_that_is_not_named_gets_all_of_them_dead (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  SbOperation *operation;

  rig->options.limits.max_queue = 2;
  rig->options.limits.max_dead = 2;
  rig_start (rig);
  operation = send_two_to_a_full_one (rig);
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_true (operation->append.targets[0].full);
  g_assert_cmpint (operation->append.targets[0].state, ==, SB_DELIVERY_DEAD);
  g_assert_cmpint (operation->append.targets[1].state, ==, SB_DELIVERY_PENDING);
  expect_status (rig, "m1", "a dead queue-full 0, b pending - 0");
  expect_status (rig, "m1.2", "a dead queue-full 0, b pending - 0");
  expect_pending (rig, rig->a, "m0");
  expect_file (rig, "f2", "a dead, b pending");
}

static void
a_full_one_with_too_many_dead_has_all_of_them_dropped (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  SbOperation *operation;

  rig->options.limits.max_queue = 2;
  rig->options.limits.max_dead = 1;
  rig_start (rig);
  operation = send_two_to_a_full_one (rig);
  g_assert_cmpint (operation->append.targets[0].state, ==, SB_DELIVERY_DROPPED);
  g_assert_false (operation->append.released);
  expect_status (rig, "m1", "a dropped queue-full 0, b pending - 0");
  expect_status (rig, "m1.2", "a dropped queue-full 0, b pending - 0");
  expect_file (rig, "f1", "a dropped, b pending");
  expect_files (rig, "f1 f2");
}

static void
files_of_messages_that_nobody_gets_can_go (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  SbOperation *operation;

  rig->options.limits.max_queue = 0;
  rig->options.limits.max_dead = 1;
  rig_start (rig);
  operation = make_two (rig, 1, &rig->a);
  operation->append.targets[0].named = FALSE;
  rig_apply (rig, operation);
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_true (operation->append.released);
  expect_status (rig, "m1", "a dropped queue-full 0");
  expect_status (rig, "m1.2", "a dropped queue-full 0");
  expect_file (rig, "f1", NULL);
  expect_files (rig, "");
}

static void
a_dead_delivery_keeps_the_file (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  SbOperation *operation;

  rig->options.limits.max_queue = 0;
  rig_start (rig);
  operation = make_two (rig, 1, &rig->a);
  operation->append.targets[0].named = FALSE;
  rig_apply (rig, operation);
  g_assert_false (operation->append.released);
  expect_file (rig, "f1", "a dead");
  expect_files (rig, "f1 f2");
}

static void
a_file_for_a_user_that_is_gone_is_live (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_remove_user (rig, rig->a, START);
  rig_announce (rig, "m1", "f1", 1, &rig->a);
  expect_status (rig, "m1", "a dead recipient-deleted 0");
  expect_file (rig, "f1", "a dead");
}

static void
the_last_of_them_tells_whether_the_queue_is_near_its_limit (void)
{
  g_autoptr (Rig) rig = rig_prepare ();
  SbOperation *operation;

  rig->options.limits.max_queue = 10;
  rig_start (rig);
  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *id = g_strdup_printf ("w%u", i);

      rig_send (rig, id, rig->s, rig->a);
    }
  operation = rig_apply (rig, make_two (rig, 1, &rig->a));
  g_assert_true (operation->append.targets[0].near);
}

static void
files_are_there_after_a_reopen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  const gint64 both[] = { rig->a, rig->b };

  rig_apply (rig, make_two (rig, 2, both));
  rig_notify (rig, rig->a, "m1");
  rig_release (rig, rig->b, "m1");
  rig_reopen (rig);
  expect_files (rig, "f1 f2");
  expect_file (rig, "f1", "a notified, b confirmed");
  expect_file (rig, "f2", "a pending, b pending");
  expect_pending (rig, rig->a, "m1.2");
  g_assert_cmpint (announce_in_vain (rig, "m2", "f1")->outcome, ==, SB_OUTCOME_CONFLICT);
  expect_released (rig_release (rig, rig->a, "m1"), "f1");
}

void
add_file_tests (void)
{
  static const RigTest tests[] = {
    { "a-file-comes-back-as-it-was-appended", a_file_comes_back_as_it_was_appended },
    { "a-listed-file-is-described-but-for-its-rights",
      a_listed_file_is_described_but_for_its_rights },
    { "a-message-without-a-file-has-none", a_message_without_a_file_has_none },
    { "a-file-is-found-by-its-whole-name", a_file_is_found_by_its_whole_name },
    { "an-empty-file-is-a-file", an_empty_file_is_a_file },
    { "files-are-listed-in-order-of-their-ids", files_are_listed_in_order_of_their_ids },
    { "a-page-of-files-goes-on-behind-one-that-is-gone",
      a_page_of_files_goes_on_behind_one_that_is_gone },
    { "messages-that-come-together-are-all-there", messages_that_come_together_are_all_there },
    { "messages-that-come-together-go-their-own-ways",
      messages_that_come_together_go_their_own_ways },
    { "messages-that-come-together-are-scheduled-together",
      messages_that_come_together_are_scheduled_together },
    { "a-known-id-among-them-refuses-all", a_known_id_among_them_refuses_all },
    { "an-id-of-another-sender-among-them-is-a-conflict",
      an_id_of_another_sender_among_them_is_a_conflict },
    { "the-same-again-is-a-duplicate", the_same_again_is_a_duplicate },
    { "the-same-again-is-a-duplicate-when-the-files-are-gone",
      the_same_again_is_a_duplicate_when_the_files_are_gone },
    { "a-name-that-a-live-file-has-is-a-conflict", a_name_that_a_live_file_has_is_a_conflict },
    { "a-taken-name-among-them-refuses-all", a_taken_name_among_them_refuses_all },
    { "a-name-is-taken-once-in-an-operation", a_name_is_taken_once_in_an_operation },
    { "the-first-that-is-not-done-decides", the_first_that_is_not_done_decides },
    { "the-id-comes-before-the-name", the_id_comes_before_the_name },
    { "names-come-before-queues", names_come_before_queues },
    { "a-name-is-free-when-its-message-has-ended", a_name_is_free_when_its_message_has_ended },
    { "a-name-is-free-for-the-next-operation-of-a-batch",
      a_name_is_free_for_the_next_operation_of_a_batch },
    { "a-refused-message-takes-no-name", a_refused_message_takes_no_name },
    { "queues-need-room-for-all", queues_need_room_for_all },
    { "queues-need-bytes-for-all", queues_need_bytes_for_all },
    { "queues-do-not-count-the-bytes-of-files", queues_do_not_count_the_bytes_of_files },
    { "a-full-one-that-is-not-named-gets-all-of-them-dead",
      a_full_one_that_is_not_named_gets_all_of_them_dead },
    { "a-full-one-with-too-many-dead-has-all-of-them-dropped",
      a_full_one_with_too_many_dead_has_all_of_them_dropped },
    { "files-of-messages-that-nobody-gets-can-go", files_of_messages_that_nobody_gets_can_go },
    { "a-dead-delivery-keeps-the-file", a_dead_delivery_keeps_the_file },
    { "a-file-for-a-user-that-is-gone-is-live", a_file_for_a_user_that_is_gone_is_live },
    { "the-last-of-them-tells-whether-the-queue-is-near-its-limit",
      the_last_of_them_tells_whether_the_queue_is_near_its_limit },
  };

  static const RigTest durable_tests[] = {
    { "files-are-there-after-a-reopen", files_are_there_after_a_reopen },
  };

  rig_add_tests ("file", tests, G_N_ELEMENTS (tests));
  if (!rig_subject.is_volatile)
    rig_add_tests ("file", durable_tests, G_N_ELEMENTS (durable_tests));
}

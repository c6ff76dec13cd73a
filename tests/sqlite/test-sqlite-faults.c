/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sqlite-faults: the disk is full, a flush fails, the process is killed. */

#include "fault-vfs.h"
#include "sb-test.h"
#include "sqlite-rig.h"

#include <glib/gstdio.h>
#include <unistd.h>

static void
heal (void)
{
  fault_vfs = (FaultVfs) { 0 };
}

static void
a_full_disk_fails_the_whole_batch (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();

  sqlite_rig_send (rig, "m1");
  /* Wherever in the batch it happens. */
  for (int after = 0; after < 4; after++)
    {
      g_autoptr (GError) error = NULL;

      fault_vfs = (FaultVfs) { .writes_are_full = TRUE, .full_after = after };
      g_assert_false (sqlite_rig_try_send_many (rig, "x", 20, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_NO_SPACE);
      g_assert_cmpuint (fault_vfs.n_failed, >, 0);
      heal ();
      sqlite_rig_assert_pending (rig, "m1");
      sqlite_rig_assert_count (rig, 1);
    }
}

static void
limits_of_a_failed_batch_do_not_hold (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (SbOperation) limits = sb_operation_new (SB_OPERATION_LIMITS, NULL, NULL);
  g_autoptr (SbOperation) append = sqlite_rig_make_append (rig, "x", 1, &rig->user);
  SbOperation *const batch[] = { limits, append };

  /* Nothing is allowed. */
  fault_vfs.log_syncs_fail = TRUE;
  g_assert_false (sb_store_apply (rig->store, batch, G_N_ELEMENTS (batch), NULL));
  heal ();
  sqlite_rig_send (rig, "m1");
  sqlite_rig_assert_pending (rig, "m1");
}

static void
the_same_batch_succeeds_when_there_is_space_again (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (GError) error = NULL;

  fault_vfs.writes_are_full = TRUE;
  g_assert_false (sqlite_rig_try_send_many (rig, "m", 2, NULL));
  heal ();
  sqlite_rig_try_send_many (rig, "m", 2, &error);
  g_assert_no_error (error);
  sqlite_rig_close (rig);
  sqlite_rig_open (rig);
  sqlite_rig_assert_pending (rig, "m1 m2");
}

static void
a_failed_flush_fails_the_batch (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (GError) error = NULL;

  sqlite_rig_send (rig, "m1");
  fault_vfs.log_syncs_fail = TRUE;
  g_assert_false (sqlite_rig_try_send (rig, "x", NULL, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_TRANSIENT);
  heal ();
  sqlite_rig_assert_pending (rig, "m1");
  sqlite_rig_assert_count (rig, 1);
}

static void
what_follows_a_failed_flush_replaces_it_in_the_log (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (SqliteRig) killed = NULL;

  sqlite_rig_send (rig, "m1");
  fault_vfs.log_syncs_fail = TRUE;
  g_assert_false (sqlite_rig_try_send_many (rig, "x", 200, NULL));
  heal ();
  sqlite_rig_send (rig, "m2");
  killed = sqlite_rig_copy (rig);
  sqlite_rig_open (killed);
  sqlite_rig_assert_pending (killed, "m1 m2");
  sqlite_rig_assert_count (killed, 2);
}

static void
a_checkpoint_that_fails_loses_nothing (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (SqliteRig) killed = NULL;
  g_autoptr (GError) error = NULL;
  guint n_sent = 0;

  /* Enough to reach the length at which the log is written back. */
  fault_vfs.db_syncs_fail = TRUE;
  for (guint i = 0; i < 30 && fault_vfs.n_failed == 0; i++)
    {
      g_autofree char *prefix = g_strdup_printf ("b%u-", i);

      sqlite_rig_try_send_many (rig, prefix, 5000, &error);
      g_assert_no_error (error);
      n_sent += 5000;
    }
  g_assert_cmpuint (fault_vfs.n_failed, >, 0);
  heal ();
  sqlite_rig_send (rig, "last");
  killed = sqlite_rig_copy (rig);
  sqlite_rig_open (killed);
  sqlite_rig_assert_count (killed, n_sent + 1);
}

static void
what_was_acknowledged_survives_a_kill (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (SqliteRig) killed = NULL;
  gint64 position;

  sqlite_rig_send (rig, "m1");
  sqlite_rig_send (rig, "m2");
  sqlite_rig_confirm (rig, "m1");
  position = sqlite_rig_send (rig, "m3");
  killed = sqlite_rig_copy (rig);
  sqlite_rig_open (killed);
  sqlite_rig_assert_pending (killed, "m2 m3");
  sqlite_rig_assert_count (killed, 2);
  g_assert_cmpint (sqlite_rig_send (killed, "m4"), >, position);
}

static void
a_batch_that_was_half_written_is_not_there (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (SqliteRig) killed = NULL;
  g_autofree char *log = NULL;
  GStatBuf before;

  sqlite_rig_send (rig, "m1");
  log = g_strconcat (rig->path, "-wal", NULL);
  g_assert_no_errno (g_stat (log, &before));
  g_assert_true (sqlite_rig_try_send_many (rig, "x", 200, NULL));
  killed = sqlite_rig_copy (rig);
  g_free (log);
  log = g_strconcat (killed->path, "-wal", NULL);
  g_assert_no_errno (truncate (log, before.st_size + 3 * 4096));
  sqlite_rig_open (killed);
  sqlite_rig_assert_pending (killed, "m1");
  sqlite_rig_assert_count (killed, 1);
}

int
main (int argc, char *argv[])
{
  sqlite_rig_init (&argc, &argv);
  fault_vfs_install ();
#define ADD(name, function) g_test_add_func ("/sqlite/faults/" name, function)
  ADD ("a-full-disk-fails-the-whole-batch", a_full_disk_fails_the_whole_batch);
  ADD ("limits-of-a-failed-batch-do-not-hold", limits_of_a_failed_batch_do_not_hold);
  ADD ("the-same-batch-succeeds-when-there-is-space-again",
       the_same_batch_succeeds_when_there_is_space_again);
  ADD ("a-failed-flush-fails-the-batch", a_failed_flush_fails_the_batch);
  ADD ("what-follows-a-failed-flush-replaces-it-in-the-log",
       what_follows_a_failed_flush_replaces_it_in_the_log);
  ADD ("a-checkpoint-that-fails-loses-nothing", a_checkpoint_that_fails_loses_nothing);
  ADD ("what-was-acknowledged-survives-a-kill", what_was_acknowledged_survives_a_kill);
  ADD ("a-batch-that-was-half-written-is-not-there", a_batch_that_was_half_written_is_not_there);
#undef ADD
  return g_test_run ();
}

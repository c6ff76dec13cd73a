/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-scrubber: damaged files are found in passing, at a bounded rate. */

#include "sb-bus-private.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

#include <glib/gstdio.h>
#include <string.h>

#define SECOND SB_TEST_SECOND
#define HOUR (60 * SB_TEST_MINUTE)

typedef struct
{
  SbTestBus *t;         /* (owned) */
  char *dir;            /* (owned) */
  SbVault *vault;       /* (owned) */
  SbScrubber *scrubber; /* (owned) */
  guint n_files;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->t = sb_test_bus_new_with_accounts ("");
  sb_test_bus_add_user (f->t, "s", "", FALSE);
  sb_test_bus_add_user (f->t, "r", "", FALSE);
  f->dir = sb_test_make_dir ();
  f->vault = sb_vault_new (f->dir, 0, f->t->metrics);
  sb_vault_open (f->vault, &error);
  g_assert_no_error (error);
  f->scrubber = sb_scrubber_new (f->t->journal, f->vault, f->t->clock, f->t->metrics);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sb_scrubber_free (f->scrubber);
  sb_test_bus_settle (f->t);
  sb_vault_close (f->vault);
  sb_test_settle ();
  g_assert_finalize_object (f->vault);
  sb_test_bus_free (f->t);
  sb_test_remove_dir (f->dir);
  sb_test_log_assert_expected ();
}

static char *
get_path (Fixture *f, const SbFile *file)
{
  return g_build_filename (f->dir, "files", file->id + 30, file->id, NULL);
}

/* A file of so many bytes that a message announces. */
static SbFile *
add_file (Fixture *f, gsize size)
{
  g_autofree char *id = g_strdup_printf ("%032x", ++f->n_files);
  g_autofree char *name = g_strdup_printf ("name-%u", f->n_files);
  g_autofree char *content = g_strnfill (size, 'x');
  g_autoptr (GChecksum) hash = g_checksum_new (G_CHECKSUM_SHA256);
  SbOperation *operation = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);
  guint8 digest[SB_FILE_DIGEST_SIZE];
  gsize length = sizeof digest;
  g_autofree char *path = NULL;
  SbFile *file;

  g_checksum_update (hash, (const guchar *) content, (gssize) size);
  g_checksum_get_digest (hash, digest, &length);
  file = sb_file_new (id, name, "shown", size, digest);
  path = get_path (f, file);
  g_assert_true (g_file_set_contents (path, content, (gssize) size, NULL));
  operation->append.message = sb_message_new_with_file (
      name, "s", sb_test_bus_find (f->t, "s")->key, g_bytes_new_static ("{}", 2),
      sb_clock_wall (f->t->clock), 0, 0, file);
  operation->append.targets = g_new0 (SbTarget, 1);
  operation->append.targets[0].recipient = sb_test_bus_find (f->t, "r")->key;
  operation->append.n_targets = 1;
  g_assert_cmpint (sb_test_bus_apply (f->t, operation), ==, SB_OUTCOME_DONE);
  return file;
}

static double
get_metric (Fixture *f, const char *name)
{
  g_autofree char *text = sb_metrics_render (f->t->metrics);
  g_autofree char *line = g_strconcat ("\n", name, " ", NULL);
  const char *found = strstr (text, line);

  g_assert_nonnull (found);
  return g_ascii_strtod (found + strlen (line), NULL);
}

static void
pass (Fixture *f, guint seconds)
{
  for (guint i = 0; i < seconds; i++)
    {
      double before = get_metric (f, "simplebus_files_checked_total");

      sb_clock_advance (f->t->clock, SECOND);
      sb_scrubber_tick (f->scrubber);
      sb_test_bus_settle (f->t);
      /* The vault's thread is not waited for by settling. */
      while (before == get_metric (f, "simplebus_files_checked_total")
             && g_main_context_iteration (NULL, FALSE))
        ;
    }
}

/* Ticks until so many files were read in all. */
static void
pass_until_checked (Fixture *f, guint n)
{
  gint64 deadline = g_get_monotonic_time () + 60 * SECOND;

  while (get_metric (f, "simplebus_files_checked_total") < n)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      pass (f, 1);
    }
}

static void
damage (Fixture *f, const SbFile *file)
{
  g_autofree char *path = get_path (f, file);

  g_assert_true (g_file_set_contents (path, "something else", -1, NULL));
}

static void
files_that_are_whole_are_read_in_silence (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) one = add_file (f, 1000);
  g_autoptr (SbFile) other = add_file (f, 0);

  sb_scrubber_set_rate (f->scrubber, 1000000);
  pass_until_checked (f, 2);
  g_assert_cmpfloat (get_metric (f, "simplebus_files_damaged_total"), ==, 0);
}

static void
a_damaged_file_is_reported (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) one = add_file (f, 1000);
  g_autoptr (SbFile) other = add_file (f, 1000);

  damage (f, other);
  sb_test_log_expect ("name-2");
  sb_scrubber_set_rate (f->scrubber, 1000000);
  pass_until_checked (f, 2);
  sb_test_bus_settle (f->t);
  g_assert_cmpfloat (get_metric (f, "simplebus_files_damaged_total"), ==, 1);
}

static void
a_missing_file_is_reported (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = add_file (f, 1000);
  g_autofree char *path = get_path (f, file);

  g_unlink (path);
  sb_test_log_expect ("is missing");
  sb_scrubber_set_rate (f->scrubber, 1000000);
  pass_until_checked (f, 1);
  sb_test_bus_settle (f->t);
  g_assert_cmpfloat (get_metric (f, "simplebus_files_damaged_total"), ==, 1);
}

static void
no_more_is_read_than_the_rate_allows (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = add_file (f, 100000);

  sb_scrubber_set_rate (f->scrubber, 1000);
  pass (f, 50);
  g_assert_cmpfloat (get_metric (f, "simplebus_files_checked_total"), ==, 0);
  pass_until_checked (f, 1);
}

static void
without_a_rate_nothing_is_read (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = add_file (f, 1000);

  damage (f, file);
  pass (f, 20);
  g_assert_cmpfloat (get_metric (f, "simplebus_files_checked_total"), ==, 0);
}

static void
a_pass_begins_a_day_after_the_last_one (Fixture *f, gconstpointer data)
{
  g_autoptr (SbFile) file = add_file (f, 1000);

  sb_scrubber_set_rate (f->scrubber, 1000000);
  pass_until_checked (f, 1);
  pass (f, 20);
  g_assert_cmpfloat (get_metric (f, "simplebus_files_checked_total"), ==, 1);
  sb_clock_advance (f->t->clock, 24 * HOUR);
  pass_until_checked (f, 2);
}

#define ADD(name, func) g_test_add ("/scrubber/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
  ADD ("files-that-are-whole-are-read-in-silence", files_that_are_whole_are_read_in_silence);
  ADD ("a-damaged-file-is-reported", a_damaged_file_is_reported);
  ADD ("a-missing-file-is-reported", a_missing_file_is_reported);
  ADD ("no-more-is-read-than-the-rate-allows", no_more_is_read_than_the_rate_allows);
  ADD ("without-a-rate-nothing-is-read", without_a_rate_nothing_is_read);
  ADD ("a-pass-begins-a-day-after-the-last-one", a_pass_begins_a_day_after_the_last_one);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-watch: who waits for confirmations is answered once, with the truth. */

#include "sb-test.h"
#include "sb-watch.h"

typedef struct
{
  SbWatchTable *table;
  GString *answers; /* "yes" or "no" */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->table = sb_watch_table_new ();
  f->answers = g_string_new (NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->table, sb_watch_table_free);
  g_string_free (f->answers, TRUE);
}

static void
on_answer (gboolean all_confirmed, gpointer user_data)
{
  Fixture *f = user_data;

  g_string_append_printf (f->answers, "%s%s", f->answers->len > 0 ? " " : "",
                          all_confirmed ? "yes" : "no");
}

static void
add (Fixture *f, const char *id, guint n_recipients, gint64 deadline)
{
  sb_watch_table_add (f->table, id, n_recipients, deadline, on_answer, f);
}

#define assert_answers(f, wanted)                    \
  G_STMT_START                                       \
  {                                                  \
    g_assert_cmpstr ((f)->answers->str, ==, wanted); \
    g_string_truncate ((f)->answers, 0);             \
  }                                                  \
  G_STMT_END

static void
the_last_confirmation_answers (Fixture *f, gconstpointer data)
{
  add (f, "a", 2, 100);
  sb_watch_table_note (f->table, "a", TRUE);
  sb_watch_table_note (f->table, "b", TRUE);
  assert_answers (f, "");
  sb_watch_table_note (f->table, "a", TRUE);
  assert_answers (f, "yes");
  sb_watch_table_note (f->table, "a", TRUE);
  assert_answers (f, "");
}

static void
the_deadline_answers (Fixture *f, gconstpointer data)
{
  add (f, "a", 1, 100);
  add (f, "b", 1, 101);
  sb_watch_table_check (f->table, 99);
  assert_answers (f, "");
  sb_watch_table_check (f->table, 100);
  assert_answers (f, "no");
  sb_watch_table_note (f->table, "b", TRUE);
  assert_answers (f, "yes");
}

static void
another_end_answers_at_once (Fixture *f, gconstpointer data)
{
  add (f, "a", 3, 100);
  sb_watch_table_note (f->table, "a", TRUE);
  sb_watch_table_note (f->table, "a", FALSE);
  assert_answers (f, "no");
}

static void
several_may_wait_for_one_message (Fixture *f, gconstpointer data)
{
  add (f, "a", 2, 100);
  sb_watch_table_note (f->table, "a", TRUE);
  add (f, "a", 1, 50);
  add (f, "a", 1, 200);
  sb_watch_table_check (f->table, 50);
  assert_answers (f, "no");
  sb_watch_table_note (f->table, "a", TRUE);
  assert_answers (f, "yes yes");
}

static void
the_end_answers_everybody (Fixture *f, gconstpointer data)
{
  add (f, "a", 1, 100);
  add (f, "a", 1, 200);
  add (f, "b", 1, 100);
  g_clear_pointer (&f->table, sb_watch_table_free);
  assert_answers (f, "no no no");
}

static void
on_answer_check (gboolean all_confirmed, gpointer user_data)
{
  Fixture *f = user_data;

  on_answer (all_confirmed, f);
  sb_watch_table_note (f->table, "a", FALSE);
  sb_watch_table_check (f->table, G_MAXINT64);
}

static void
who_is_answered_may_use_the_table (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      sb_watch_table_add (f->table, "a", 1, 100, on_answer_check, f);
      sb_watch_table_add (f->table, "b", 1, 100, on_answer_check, f);
    }
  sb_watch_table_check (f->table, 100);
  assert_answers (f, "no no no no no no");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add ("/watch/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("the-last-confirmation-answers", the_last_confirmation_answers);
  ADD ("the-deadline-answers", the_deadline_answers);
  ADD ("another-end-answers-at-once", another_end_answers_at_once);
  ADD ("several-may-wait-for-one-message", several_may_wait_for_one_message);
  ADD ("the-end-answers-everybody", the_end_answers_everybody);
  ADD ("who-is-answered-may-use-the-table", who_is_answered_may_use_the_table);
#undef ADD
  return g_test_run ();
}

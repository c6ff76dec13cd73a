/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-receipts: the sender hears of each confirmation once, now or when it is back. */

#include "sb-test-bus.h"
#include "sb-test-log.h"

typedef struct
{
  SbTestBus *t;
  SbTestPath *path; /* of the sender s */
  SbSession *session;
  SbTestPath *recipient_path; /* of anna */
  SbSession *recipient;
} Fixture;

static void
open_sender (Fixture *f, SbSessionFlags flags)
{
  f->path = sb_test_path_new ();
  f->session = sb_test_bus_open (f->t, "s", f->path, flags);
}

static void
close_sender (Fixture *f)
{
  g_clear_pointer (&f->session, sb_session_close);
  g_clear_object (&f->path);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->t = sb_test_bus_new_started ("");
  sb_test_bus_add_user (f->t, "s", "", FALSE);
  sb_test_bus_add_user (f->t, "anna", "both", FALSE);
  sb_test_bus_add_user (f->t, "bert", "both", FALSE);
  f->recipient_path = sb_test_path_new ();
  f->recipient = sb_test_bus_open (f->t, "anna", f->recipient_path, SB_SESSION_RECEIPTS);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close_sender (f);
  g_clear_pointer (&f->recipient, sb_session_close);
  sb_test_bus_free (f->t);
  g_assert_finalize_object (f->recipient_path);
  sb_test_log_assert_expected ();
}

static void
send (Fixture *f, const char *id)
{
  sb_test_bus_send (f->t, "s", id, "@anna");
}

static void
confirm (Fixture *f, const char *id)
{
  sb_session_confirm (f->recipient, id);
  sb_test_bus_settle (f->t);
}

static void
confirm_over_http (Fixture *f, const char *user, const char *id)
{
  const char *const ids[] = { id, NULL };

  sb_bus_confirm_async (f->t->bus, sb_test_bus_find (f->t, user), ids, NULL, NULL);
  sb_test_bus_settle (f->t);
}

/* How many wait in the store. */
static guint
count_stored (Fixture *f)
{
  g_autoptr (GPtrArray) receipts = sb_store_receipts (
      SB_STORE (f->t->store), sb_test_bus_find (f->t, "s")->key, 10000, NULL);

  return receipts->len;
}

static void
a_sender_that_is_there_gets_it_after_the_commit (Fixture *f, gconstpointer data)
{
  open_sender (f, SB_SESSION_RECEIPTS);
  send (f, "a");
  sb_test_store_hold_applies (f->t->store, TRUE);
  sb_session_confirm (f->recipient, "a");
  sb_test_store_wait_held (f->t->store);
  sb_test_settle ();
  sb_test_path_assert_receipts (f->path, "");
  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->path, "a<anna");
  g_assert_cmpuint (count_stored (f), ==, 0);
}

static void
each_recipient_has_its_own (Fixture *f, gconstpointer data)
{
  open_sender (f, SB_SESSION_RECEIPTS);
  sb_test_bus_send (f->t, "s", "a", "#both");
  confirm (f, "a");
  confirm_over_http (f, "bert", "a");
  sb_test_path_assert_receipts (f->path, "a<anna a<bert");
}

static void
confirming_again_gives_no_second_one (Fixture *f, gconstpointer data)
{
  open_sender (f, SB_SESSION_RECEIPTS);
  send (f, "a");
  confirm (f, "a");
  confirm (f, "a");
  confirm_over_http (f, "anna", "a");
  confirm_over_http (f, "bert", "a");
  sb_test_path_assert_receipts (f->path, "a<anna");
}

static void
a_confirmation_that_could_not_be_stored_gives_none (Fixture *f, gconstpointer data)
{
  open_sender (f, SB_SESSION_RECEIPTS);
  send (f, "a");
  sb_test_store_fail_applies (f->t->store, 1);
  confirm (f, "a");
  sb_test_path_assert_receipts (f->path, "");
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  confirm (f, "a");
  sb_test_path_assert_receipts (f->path, "a<anna");
}

static void
who_sends_to_itself_gets_one (Fixture *f, gconstpointer data)
{
  sb_test_bus_send (f->t, "anna", "a", "@anna");
  confirm (f, "a");
  sb_test_path_assert_receipts (f->recipient_path, "a<anna");
}

static void
a_sender_that_is_away_gets_it_when_it_is_back (Fixture *f, gconstpointer data)
{
  send (f, "a");
  send (f, "b");
  confirm (f, "a");
  confirm (f, "b");
  g_assert_cmpuint (count_stored (f), ==, 2);
  open_sender (f, SB_SESSION_RECEIPTS);
  sb_test_path_assert_receipts (f->path, "a<anna b<anna");
  g_assert_cmpuint (count_stored (f), ==, 0);
  close_sender (f);
  open_sender (f, SB_SESSION_RECEIPTS);
  sb_test_path_assert_receipts (f->path, "");
}

static void
many_that_waited_come_in_order (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) wanted = g_string_new (NULL);

  for (guint i = 0; i < 250; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);

      send (f, id);
      sb_session_confirm (f->recipient, id);
      g_string_append_printf (wanted, "%s%s<anna", i > 0 ? " " : "", id);
    }
  sb_test_bus_settle (f->t);
  open_sender (f, SB_SESSION_RECEIPTS);
  sb_test_path_assert_receipts (f->path, wanted->str);
  g_assert_cmpuint (count_stored (f), ==, 0);
}

static void
a_sender_that_does_not_want_them_gets_none (Fixture *f, gconstpointer data)
{
  open_sender (f, SB_SESSION_NONE);
  send (f, "a");
  confirm (f, "a");
  sb_test_path_assert_receipts (f->path, "");
  g_assert_cmpuint (count_stored (f), ==, 0);
}

static void
a_sender_that_leaves_before_the_commit_gets_it_later (Fixture *f, gconstpointer data)
{
  open_sender (f, SB_SESSION_RECEIPTS);
  send (f, "a");
  sb_test_store_hold_applies (f->t->store, TRUE);
  sb_session_confirm (f->recipient, "a");
  sb_test_store_wait_held (f->t->store);
  close_sender (f);
  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_test_bus_settle (f->t);
  g_assert_cmpuint (count_stored (f), ==, 1);
  open_sender (f, SB_SESSION_RECEIPTS);
  sb_test_path_assert_receipts (f->path, "a<anna");
}

static void
a_sender_that_comes_before_the_commit_gets_it_then (Fixture *f, gconstpointer data)
{
  send (f, "a");
  sb_test_store_hold_applies (f->t->store, TRUE);
  sb_session_confirm (f->recipient, "a");
  sb_test_store_wait_held (f->t->store);
  f->path = sb_test_path_new ();
  f->session = sb_bus_open_session (f->t->bus, sb_test_bus_find (f->t, "s"), SB_DELIVERY (f->path),
                                    SB_SESSION_RECEIPTS, NULL);
  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->path, "a<anna");
  g_assert_cmpuint (count_stored (f), ==, 0);
}

/* It is stored while the store is just being read and found empty. */
static void
one_that_comes_while_stored_ones_are_read_is_not_left (Fixture *f, gconstpointer data)
{
  const char *const ids[] = { "a", NULL };

  sb_test_bus_send (f->t, "s", "a", "@bert");
  sb_test_store_hold_reads (f->t->store, TRUE);
  f->path = sb_test_path_new ();
  f->session = sb_bus_open_session (f->t->bus, sb_test_bus_find (f->t, "s"), SB_DELIVERY (f->path),
                                    SB_SESSION_RECEIPTS, NULL);
  sb_test_store_wait_held (f->t->store);
  sb_bus_confirm_async (f->t->bus, sb_test_bus_find (f->t, "bert"), ids, NULL, NULL);
  sb_test_bus_apply (f->t, sb_operation_new (SB_OPERATION_DROP_RECEIPTS, NULL, NULL));
  sb_test_store_hold_reads (f->t->store, FALSE);
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->path, "a<bert");
}

static void
a_sender_that_is_not_ready_gets_it_when_it_is (Fixture *f, gconstpointer data)
{
  open_sender (f, SB_SESSION_RECEIPTS);
  send (f, "a");
  sb_test_path_set_ready (f->path, FALSE);
  confirm (f, "a");
  sb_test_path_assert_receipts (f->path, "");
  g_assert_cmpuint (count_stored (f), ==, 1);
  sb_test_path_set_ready (f->path, TRUE);
  sb_session_ready (f->session);
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->path, "a<anna");
}

static void
a_sender_that_takes_a_few_gets_the_rest_later (Fixture *f, gconstpointer data)
{
  for (const char *id = "abcde"; *id != '\0'; id++)
    {
      const char text[] = { *id, '\0' };

      send (f, text);
      confirm (f, text);
    }
  f->path = sb_test_path_new ();
  sb_test_path_set_room (f->path, 2);
  f->session = sb_test_bus_open (f->t, "s", f->path, SB_SESSION_RECEIPTS);
  sb_test_path_assert_receipts (f->path, "a<anna b<anna");
  g_assert_cmpuint (count_stored (f), ==, 3);
  sb_test_path_set_ready (f->path, TRUE);
  sb_session_ready (f->session);
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->path, "c<anna d<anna e<anna");
}

static void
one_that_could_not_be_dropped_is_not_written_twice (Fixture *f, gconstpointer data)
{
  send (f, "a");
  confirm (f, "a");
  sb_test_store_hold_applies (f->t->store, TRUE);
  sb_test_store_fail_applies (f->t->store, 1);
  f->path = sb_test_path_new ();
  f->session = sb_bus_open_session (f->t->bus, sb_test_bus_find (f->t, "s"), SB_DELIVERY (f->path),
                                    SB_SESSION_RECEIPTS, NULL);
  while (sb_test_store_get_n_held (f->t->store) == 0)
    g_main_context_iteration (NULL, FALSE);
  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_test_bus_settle (f->t);
  g_assert_cmpuint (count_stored (f), ==, 1);
  sb_session_ready (f->session);
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->path, "a<anna");
  g_assert_cmpuint (count_stored (f), ==, 0);
}

/* The older session's are written and not yet dropped when the newer one reads. */
static void
a_take_over_writes_none_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (SbTestPath) newer = sb_test_path_new ();
  SbSession *session;
  guint n_calls;

  send (f, "a");
  confirm (f, "a");
  sb_test_store_hold_applies (f->t->store, TRUE);
  f->path = sb_test_path_new ();
  f->session = sb_bus_open_session (f->t->bus, sb_test_bus_find (f->t, "s"), SB_DELIVERY (f->path),
                                    SB_SESSION_RECEIPTS, NULL);
  while (sb_test_store_get_n_held (f->t->store) == 0)
    g_main_context_iteration (NULL, FALSE);
  n_calls = sb_test_store_get_n_calls (f->t->store);
  session = sb_bus_open_session (f->t->bus, sb_test_bus_find (f->t, "s"), SB_DELIVERY (newer),
                                 SB_SESSION_RECEIPTS, NULL);
  /* It has read them. */
  while (sb_test_store_get_n_calls (f->t->store) < n_calls + 1)
    g_main_context_iteration (NULL, FALSE);
  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->path, "a<anna");
  sb_test_path_assert_receipts (newer, "");
  sb_session_close (session);
}

static void
stored_ones_that_could_not_be_read_come_later (Fixture *f, gconstpointer data)
{
  send (f, "a");
  confirm (f, "a");
  sb_test_path_set_ready (f->recipient_path, FALSE);
  f->path = sb_test_path_new ();
  sb_test_store_hold_reads (f->t->store, TRUE);
  f->session = sb_bus_open_session (f->t->bus, sb_test_bus_find (f->t, "s"), SB_DELIVERY (f->path),
                                    SB_SESSION_RECEIPTS, NULL);
  sb_test_store_fail_reads (f->t->store, 3);
  sb_test_log_expect ("cannot read the queue");
  sb_test_log_expect ("cannot read the queue");
  sb_test_log_expect ("cannot read the receipts");
  sb_test_store_hold_reads (f->t->store, FALSE);
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->path, "");
  sb_session_ready (f->session);
  sb_test_bus_settle (f->t);
  sb_test_path_assert_receipts (f->path, "a<anna");
}

static void
what_is_confirmed_by_id_alone_gives_one (Fixture *f, gconstpointer data)
{
  open_sender (f, SB_SESSION_RECEIPTS);
  sb_test_bus_send (f->t, "s", "a", "@bert");
  confirm_over_http (f, "bert", "a");
  sb_test_path_assert_receipts (f->path, "a<bert");
  g_assert_cmpuint (count_stored (f), ==, 0);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, func) g_test_add ("/receipts/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("a-sender-that-is-there-gets-it-after-the-commit",
       a_sender_that_is_there_gets_it_after_the_commit);
  ADD ("each-recipient-has-its-own", each_recipient_has_its_own);
  ADD ("confirming-again-gives-no-second-one", confirming_again_gives_no_second_one);
  ADD ("a-confirmation-that-could-not-be-stored-gives-none",
       a_confirmation_that_could_not_be_stored_gives_none);
  ADD ("who-sends-to-itself-gets-one", who_sends_to_itself_gets_one);
  ADD ("a-sender-that-is-away-gets-it-when-it-is-back",
       a_sender_that_is_away_gets_it_when_it_is_back);
  ADD ("many-that-waited-come-in-order", many_that_waited_come_in_order);
  ADD ("a-sender-that-does-not-want-them-gets-none", a_sender_that_does_not_want_them_gets_none);
  ADD ("a-sender-that-leaves-before-the-commit-gets-it-later",
       a_sender_that_leaves_before_the_commit_gets_it_later);
  ADD ("a-sender-that-comes-before-the-commit-gets-it-then",
       a_sender_that_comes_before_the_commit_gets_it_then);
  ADD ("one-that-comes-while-stored-ones-are-read-is-not-left",
       one_that_comes_while_stored_ones_are_read_is_not_left);
  ADD ("a-sender-that-is-not-ready-gets-it-when-it-is",
       a_sender_that_is_not_ready_gets_it_when_it_is);
  ADD ("a-sender-that-takes-a-few-gets-the-rest-later",
       a_sender_that_takes_a_few_gets_the_rest_later);
  ADD ("one-that-could-not-be-dropped-is-not-written-twice",
       one_that_could_not_be_dropped_is_not_written_twice);
  ADD ("a-take-over-writes-none-twice", a_take_over_writes_none_twice);
  ADD ("stored-ones-that-could-not-be-read-come-later",
       stored_ones_that_could_not_be_read_come_later);
  ADD ("what-is-confirmed-by-id-alone-gives-one", what_is_confirmed_by_id_alone_gives_one);
#undef ADD
  return g_test_run ();
}

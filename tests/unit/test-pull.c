/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-pull: what users ask of the bus, who waits for whom, and the answers when it stops. */

#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"

#include <string.h>

#define TIMEOUT (10 * SB_TEST_SECOND)

typedef struct
{
  SbTestBus *t;
  GString *answers;
  SbTestPath *path; /* of anna */
  SbSession *session;
} Fixture;

static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_started (config != NULL ? config : "");
  f->answers = g_string_new (NULL);
  f->path = sb_test_path_new ();
  sb_test_bus_add_user (f->t, "s", "all", FALSE);
  sb_test_bus_add_user (f->t, "anna", "all both", FALSE);
  sb_test_bus_add_user (f->t, "bert", "all both", FALSE);
  sb_test_bus_add_user (f->t, "root", "", TRUE);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  g_clear_pointer (&f->session, sb_session_close);
  g_clear_pointer (&f->t, sb_test_bus_free);
  g_assert_finalize_object (f->path);
  g_string_free (f->answers, TRUE);
  sb_test_log_assert_expected ();
}

static void
open_anna (Fixture *f)
{
  f->session = sb_test_bus_open (f->t, "anna", f->path, SB_SESSION_NONE);
}

static void
send (Fixture *f, const char *id, const char *to)
{
  sb_test_bus_send (f->t, "s", id, to);
}

#define assert_answers(f, wanted)                    \
  G_STMT_START                                       \
  {                                                  \
    sb_test_bus_settle ((f)->t);                     \
    g_assert_cmpstr ((f)->answers->str, ==, wanted); \
    g_string_truncate ((f)->answers, 0);             \
  }                                                  \
  G_STMT_END

static void
publish (Fixture *f, const char *json)
{
  sb_test_bus_publish (f->t, "s", json, 0, f->answers);
}

/* "pending", or "confirmed expired": in order of the recipients. */
static char *
get_states (Fixture *f, const char *id)
{
  g_autoptr (SbMessageStatus) status = sb_store_status (SB_STORE (f->t->store), id, NULL);
  GString *text = g_string_new (NULL);

  for (guint i = 0; status != NULL && i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *delivery = g_ptr_array_index (status->deliveries, i);

      g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                              sb_delivery_state_to_string (delivery->state));
    }
  return g_string_free (text, FALSE);
}

#define assert_states(f, id, wanted)                  \
  G_STMT_START                                        \
  {                                                   \
    g_autofree char *got_states = get_states (f, id); \
    g_assert_cmpstr (got_states, ==, wanted);         \
  }                                                   \
  G_STMT_END

/* Waiting for confirmations */

static void
confirm_as (Fixture *f, const char *user, const char *id)
{
  const char *const ids[] = { id, NULL };

  sb_bus_confirm_async (f->t->bus, sb_test_bus_find (f->t, user), ids, NULL, NULL);
}

static void
waiting_ends_when_all_have_confirmed (Fixture *f, gconstpointer data)
{
  open_anna (f);
  sb_test_bus_publish (f->t, "s", "{\"to\":\"#both\",\"message\":1,\"_id\":\"a\"}", 30, f->answers);
  assert_answers (f, "");
  sb_session_confirm (f->session, "a");
  assert_answers (f, "");
  confirm_as (f, "bert", "a");
  assert_answers (f, "a:2:confirmed");
}

static void
waiting_ends_with_its_time (Fixture *f, gconstpointer data)
{
  sb_test_bus_publish (f->t, "s", "{\"to\":[\"@anna\",\"@x\"],\"message\":1,\"_id\":\"a\"}", 30,
                       f->answers);
  sb_test_bus_settle (f->t);
  sb_test_bus_pass (f->t, 30 * SB_TEST_SECOND - 1);
  assert_answers (f, "");
  sb_test_bus_pass (f->t, 1);
  assert_answers (f, "a:1:@x:unconfirmed");
}

static void
waiting_ends_when_a_delivery_expires (Fixture *f, gconstpointer data)
{
  sb_test_bus_publish (f->t, "s", "{\"to\":\"#both\",\"message\":1,\"_id\":\"a\",\"ttl\":5}", 30,
                       f->answers);
  sb_test_bus_settle (f->t);
  sb_test_bus_pass (f->t, 5 * SB_TEST_SECOND);
  assert_answers (f, "a:2:unconfirmed");
}

static void
waiting_ends_with_the_bus (Fixture *f, gconstpointer data)
{
  sb_test_bus_publish (f->t, "s", "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}", 30, f->answers);
  assert_answers (f, "");
  sb_bus_stop (f->t->bus);
  assert_answers (f, "a:1:unconfirmed");
}

static void
a_bus_that_stopped_before_the_commit_does_not_wait (Fixture *f, gconstpointer data)
{
  sb_test_bus_publish (f->t, "s", "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}", 30, f->answers);
  sb_bus_stop (f->t->bus);
  assert_answers (f, "a:1:unconfirmed");
}

static void
waiting_for_a_duplicate_ends_with_the_originals_confirmations (Fixture *f, gconstpointer data)
{
  const char *json = "{\"to\":\"#both\",\"message\":1,\"_id\":\"a\"}";

  open_anna (f);
  publish (f, json);
  assert_answers (f, "a:2");
  sb_session_confirm (f->session, "a");
  sb_test_bus_publish (f->t, "s", json, 30, f->answers);
  assert_answers (f, "");
  confirm_as (f, "bert", "a");
  assert_answers (f, "a:2:duplicate:confirmed");
  sb_test_bus_publish (f->t, "s", json, 30, f->answers);
  assert_answers (f, "a:2:duplicate:confirmed");
}

/* The store is asked who has confirmed already; until it answers, the bus has stopped. */
static void
waiting_for_a_duplicate_ends_with_the_bus (Fixture *f, gconstpointer data)
{
  const char *json = "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}";

  publish (f, json);
  assert_answers (f, "a:1");
  sb_test_store_hold_applies (f->t->store, TRUE);
  sb_test_bus_publish (f->t, "s", json, 30, f->answers);
  sb_test_bus_publish (f->t, "s", "{\"to\":\"@anna\",\"message\":1,\"_id\":\"b\"}", 0, f->answers);
  sb_test_store_wait_held (f->t->store);
  sb_test_store_hold_applies (f->t->store, FALSE);
  while (f->answers->len == 0)
    g_main_context_iteration (NULL, TRUE);
  sb_bus_stop (f->t->bus);
  sb_test_bus_settle (f->t);
  g_assert_nonnull (strstr (f->answers->str, "a:1:duplicate:unconfirmed"));
}

/* Pull */

typedef struct
{
  char *got; /* ids or the error */
} Fetched;

static void
fetched_clear (Fetched *self)
{
  g_free (self->got);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fetched, fetched_clear)

static void
on_fetched (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fetched *fetched = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) messages = sb_bus_fetch_finish (SB_BUS (source), result, &error);
  g_autoptr (GString) ids = g_string_new (NULL);

  g_assert_null (fetched->got);
  for (guint i = 0; messages != NULL && i < messages->len; i++)
    g_string_append_printf (ids, "%s%s", i > 0 ? " " : "",
                            ((SbMessage *) g_ptr_array_index (messages, i))->id);
  fetched->got = g_strdup (messages != NULL ? ids->str
                           : g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                               ? "cancelled"
                               : sb_error_reason (error));
}

static void
fetch (Fixture *f, guint wait, GCancellable *cancellable, Fetched *fetched)
{
  g_clear_pointer (&fetched->got, g_free);
  sb_bus_fetch_async (f->t->bus, sb_test_bus_find (f->t, "anna"), 10, wait * SB_TEST_SECOND, 0,
                      cancellable, on_fetched, fetched);
  sb_test_bus_settle (f->t);
}

static void
a_fetch_gets_what_waits_or_waits_itself (Fixture *f, gconstpointer data)
{
  g_auto (Fetched) fetched = { 0 };

  send (f, "a", "@anna");
  fetch (f, 30, NULL, &fetched);
  g_assert_cmpstr (fetched.got, ==, "a");
  fetch (f, 30, NULL, &fetched);
  g_assert_null (fetched.got);
  send (f, "b", "@anna");
  g_assert_cmpstr (fetched.got, ==, "b");
}

static void
without_a_visibility_it_is_the_confirm_timeout (Fixture *f, gconstpointer data)
{
  g_auto (Fetched) fetched = { 0 };

  send (f, "a", "@anna");
  fetch (f, 0, NULL, &fetched);
  sb_test_bus_pass (f->t, TIMEOUT);
  fetch (f, 0, NULL, &fetched);
  g_assert_cmpstr (fetched.got, ==, "a");
}

static void
a_fetch_can_be_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Fetched) fetched = { 0 };
  g_auto (Fetched) next = { 0 };

  fetch (f, 30, cancellable, &fetched);
  g_cancellable_cancel (cancellable);
  sb_test_bus_settle (f->t);
  g_assert_cmpstr (fetched.got, ==, "cancelled");
  send (f, "a", "@anna");
  fetch (f, 0, NULL, &next);
  g_assert_cmpstr (next.got, ==, "a");
}

static void
a_fetch_that_was_cancelled_before_takes_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Fetched) fetched = { 0 };

  g_cancellable_cancel (cancellable);
  fetch (f, 30, cancellable, &fetched);
  g_assert_cmpstr (fetched.got, ==, "cancelled");
}

static void
on_confirmed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GString *answers = user_data;
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) confirmed = NULL;
  g_auto (GStrv) unknown = NULL;
  g_autofree char *known = NULL;
  g_autofree char *others = NULL;

  if (!sb_bus_confirm_finish (SB_BUS (source), result, &confirmed, &unknown, &error))
    {
      g_string_append (answers, sb_error_reason (error));
      return;
    }
  known = g_strjoinv (" ", confirmed);
  others = g_strjoinv (" ", unknown);
  g_string_append_printf (answers, "%s/%s", known, others);
}

static void
confirm (Fixture *f, const char *ids)
{
  g_auto (GStrv) list = *ids != '\0' ? g_strsplit (ids, " ", -1) : g_new0 (char *, 1);

  sb_bus_confirm_async (f->t->bus, sb_test_bus_find (f->t, "anna"), (const char *const *) list,
                        on_confirmed, f->answers);
}

static void
confirming_tells_what_was_known (Fixture *f, gconstpointer data)
{
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  send (f, "c", "@bert");
  confirm (f, "a x b a c");
  assert_answers (f, "a b a/x c");
  confirm (f, "a");
  assert_answers (f, "a/");
  confirm (f, "");
  assert_answers (f, "/");
  assert_states (f, "a", "confirmed");
  assert_states (f, "c", "pending");
}

static void
what_expired_can_not_be_confirmed (Fixture *f, gconstpointer data)
{
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\",\"ttl\":5}");
  assert_answers (f, "a:1");
  sb_test_bus_pass (f->t, 5 * SB_TEST_SECOND);
  confirm (f, "a");
  assert_answers (f, "/a");
}

static void
a_confirmation_that_could_not_be_stored_is_an_error (Fixture *f, gconstpointer data)
{
  send (f, "a", "@anna");
  sb_test_store_fail_applies (f->t->store, 1);
  confirm (f, "a");
  assert_answers (f, "no-space");
  assert_states (f, "a", "pending");
}

static void
on_status (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GString *answers = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) status = sb_bus_status_finish (SB_BUS (source), result, &error);

  g_string_append (answers, status != NULL ? status->sender : sb_error_reason (error));
}

static void
the_state_is_for_sender_and_admins (Fixture *f, gconstpointer data)
{
  static const char *const cases[][2] = {
    { "s", "s" }, { "root", "s" }, { "anna", "not-found" }, { "bert", "not-found" }
  };

  send (f, "a", "@anna");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      sb_bus_status_async (f->t->bus, sb_test_bus_find (f->t, cases[i][0]), "a", on_status,
                           f->answers);
      assert_answers (f, cases[i][1]);
    }
}

static void
on_backlog (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GString *answers = user_data;
  g_autoptr (GError) error = NULL;
  guint64 count;

  sb_bus_backlog_finish (SB_BUS (source), result, &count, &error);
  g_assert_no_error (error);
  g_string_append_printf (answers, "%" G_GUINT64_FORMAT, count);
}

static void
the_backlog_counts_what_has_not_ended (Fixture *f, gconstpointer data)
{
  open_anna (f);
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  sb_session_confirm (f->session, "a");
  sb_test_bus_settle (f->t);
  sb_bus_backlog_async (f->t->bus, sb_test_bus_find (f->t, "anna"), on_backlog, f->answers);
  assert_answers (f, "1");
}

/* The end */

static void
a_restart_goes_on_where_it_was (Fixture *f, gconstpointer data)
{
  send (f, "a", "@anna");
  send (f, "b", "@anna");
  sb_test_bus_restart (f->t);
  open_anna (f);
  sb_test_path_assert (f->path, "a b");
}

static void
what_was_taken_is_committed_and_answered_after_the_stop (Fixture *f, gconstpointer data)
{
  g_auto (Fetched) fetched = { 0 };

  fetch (f, 30, NULL, &fetched);
  open_anna (f);
  sb_test_store_hold_applies (f->t->store, TRUE);
  publish (f, "{\"to\":\"@anna\",\"message\":1,\"_id\":\"a\"}");
  publish (f, "{\"to\":\"@bert\",\"message\":1,\"_id\":\"b\"}");
  confirm (f, "x");
  sb_bus_stop (f->t->bus);
  g_assert_cmpint (sb_test_path_get_close_reason (f->path), ==, SB_CLOSE_STOPPING);
  sb_test_store_hold_applies (f->t->store, FALSE);
  sb_journal_close (f->t->journal);
  sb_test_settle ();
  g_assert_cmpstr (fetched.got, ==, "closed");
  assert_answers (f, "a:1 b:1/x");
}

static void
a_stopped_bus_takes_nothing (Fixture *f, gconstpointer data)
{
  g_auto (Fetched) fetched = { 0 };
  g_autoptr (GError) error = NULL;

  sb_bus_stop (f->t->bus);
  publish (f, "{\"to\":\"@anna\",\"message\":1}");
  assert_answers (f, "closed");
  confirm (f, "a");
  assert_answers (f, "closed");
  fetch (f, 30, NULL, &fetched);
  g_assert_cmpstr (fetched.got, ==, "closed");
  g_assert_null (sb_bus_open_session (f->t->bus, sb_test_bus_find (f->t, "anna"),
                                      SB_DELIVERY (f->path), SB_SESSION_NONE, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_CLOSED);
}

static void
on_fetched_stop (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GPtrArray) messages = sb_bus_fetch_finish (SB_BUS (source), result, NULL);

  sb_bus_stop (SB_BUS (source));
}

static void
the_bus_may_be_stopped_by_whom_it_answers (Fixture *f, gconstpointer data)
{
  g_auto (Fetched) fetched = { 0 };

  sb_bus_fetch_async (f->t->bus, sb_test_bus_find (f->t, "bert"), 1, SB_TEST_SECOND, 0, NULL,
                      on_fetched_stop, NULL);
  fetch (f, 2, NULL, &fetched);
  sb_test_bus_pass (f->t, SB_TEST_SECOND);
  g_assert_cmpstr (fetched.got, ==, "closed");
}

static void
a_session_may_outlive_the_bus (Fixture *f, gconstpointer data)
{
  open_anna (f);
  send (f, "a", "@anna");
  sb_bus_stop (f->t->bus);
  g_assert_finalize_object (g_steal_pointer (&f->t->bus));
  sb_session_confirm (f->session, "a");
  sb_session_ready (f->session);
  sb_session_close (g_steal_pointer (&f->session));
}

static void
what_it_measures_goes_with_it (Fixture *f, gconstpointer data)
{
  g_autofree char *with = sb_metrics_render (f->t->metrics);
  g_autofree char *without = NULL;

  sb_bus_stop (f->t->bus);
  g_assert_finalize_object (g_steal_pointer (&f->t->bus));
  without = sb_metrics_render (f->t->metrics);
  g_assert_nonnull (strstr (with, "simplebus_sessions"));
  g_assert_null (strstr (without, "simplebus_sessions 0"));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, config, func) g_test_add ("/pull/" name, Fixture, config, set_up, func, tear_down)
  ADD ("waiting-ends-when-all-have-confirmed", NULL, waiting_ends_when_all_have_confirmed);
  ADD ("waiting-ends-with-its-time", NULL, waiting_ends_with_its_time);
  ADD ("waiting-ends-when-a-delivery-expires", NULL, waiting_ends_when_a_delivery_expires);
  ADD ("waiting-ends-with-the-bus", NULL, waiting_ends_with_the_bus);
  ADD ("a-bus-that-stopped-before-the-commit-does-not-wait", NULL,
       a_bus_that_stopped_before_the_commit_does_not_wait);
  ADD ("waiting-for-a-duplicate-ends-with-the-originals-confirmations", NULL,
       waiting_for_a_duplicate_ends_with_the_originals_confirmations);
  ADD ("waiting-for-a-duplicate-ends-with-the-bus", NULL,
       waiting_for_a_duplicate_ends_with_the_bus);
  ADD ("a-fetch-gets-what-waits-or-waits-itself", NULL, a_fetch_gets_what_waits_or_waits_itself);
  ADD ("without-a-visibility-it-is-the-confirm-timeout", NULL,
       without_a_visibility_it_is_the_confirm_timeout);
  ADD ("a-fetch-can-be-cancelled", NULL, a_fetch_can_be_cancelled);
  ADD ("a-fetch-that-was-cancelled-before-takes-nothing", NULL,
       a_fetch_that_was_cancelled_before_takes_nothing);
  ADD ("confirming-tells-what-was-known", NULL, confirming_tells_what_was_known);
  ADD ("what-expired-can-not-be-confirmed", NULL, what_expired_can_not_be_confirmed);
  ADD ("a-confirmation-that-could-not-be-stored-is-an-error", NULL,
       a_confirmation_that_could_not_be_stored_is_an_error);
  ADD ("the-state-is-for-sender-and-admins", NULL, the_state_is_for_sender_and_admins);
  ADD ("the-backlog-counts-what-has-not-ended", NULL, the_backlog_counts_what_has_not_ended);
  ADD ("a-restart-goes-on-where-it-was", NULL, a_restart_goes_on_where_it_was);
  ADD ("what-was-taken-is-committed-and-answered-after-the-stop", NULL,
       what_was_taken_is_committed_and_answered_after_the_stop);
  ADD ("a-stopped-bus-takes-nothing", NULL, a_stopped_bus_takes_nothing);
  ADD ("the-bus-may-be-stopped-by-whom-it-answers", NULL,
       the_bus_may_be_stopped_by_whom_it_answers);
  ADD ("a-session-may-outlive-the-bus", NULL, a_session_may_outlive_the_bus);
  ADD ("what-it-measures-goes-with-it", NULL, what_it_measures_goes_with_it);
#undef ADD
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-operator-view: what an admin sees of queues, deliveries and addresses. */

#include "sb-attempt.h"
#include "sb-error.h"
#include "sb-names.h"
#include "sb-operator.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"
#include "sb-test-recipient.h"

#include <string.h>

typedef struct
{
  SbTestBus *t;
  SbTestPath *path; /* of anna */
  SbSession *session;
} Fixture;

static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_calling (config != NULL ? config : "");
  f->path = sb_test_path_new ();
  sb_test_bus_add_user (f->t, "root", "", TRUE);
  sb_test_bus_add_user (f->t, "s", "all", FALSE);
  sb_test_bus_add_user (f->t, "anna", "all", FALSE);
  sb_test_bus_add_user (f->t, "bert", "all", FALSE);
  sb_test_bus_put_users (f->t, "[{\"_id\":\"erp\",\"password\":\"x\","
                               "\"connection_properties\":{\"type\":\"test\"}}]");
  sb_test_log_keep (SB_MESSAGE_ID_ADMIN);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  g_clear_pointer (&f->session, sb_session_close);
  g_clear_pointer (&f->t, sb_test_bus_free);
  g_assert_finalize_object (f->path);
  sb_test_log_assert_expected ();
}

static void
send (Fixture *f, const char *id, const char *to)
{
  sb_test_bus_send (f->t, "s", id, to);
}

static void
open_anna (Fixture *f)
{
  f->session = sb_test_bus_open (f->t, "anna", f->path, SB_SESSION_NONE);
}

static gint64
key_of (Fixture *f, const char *user)
{
  return sb_test_bus_find (f->t, user)->key;
}

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

#define wait_for(f, result)      \
  G_STMT_START                   \
  {                              \
    sb_test_bus_settle ((f)->t); \
    g_assert_nonnull (result);   \
  }                              \
  G_STMT_END

/* Queues */

static GPtrArray *
list_queues (Fixture *f, gint64 after, guint limit, gint64 *next)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  GPtrArray *queues;

  sb_bus_list_queues_async (f->t->bus, after, limit, done_cb, &result);
  wait_for (f, result);
  queues = sb_bus_list_queues_finish (f->t->bus, result, next, &error);
  g_assert_no_error (error);
  return queues;
}

static SbRecipientInfo *
look_at_queue (Fixture *f, const char *user)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  SbRecipientInfo *queue;

  sb_bus_look_at_queue_async (f->t->bus, sb_test_bus_find (f->t, user), done_cb, &result);
  wait_for (f, result);
  queue = sb_bus_look_at_queue_finish (f->t->bus, result, &error);
  g_assert_no_error (error);
  return queue;
}

static void
a_queue_shows_what_store_and_bus_know (Fixture *f, gconstpointer data)
{
  g_autoptr (SbRecipientInfo) empty = look_at_queue (f, "anna");
  g_autoptr (SbRecipientInfo) queue = NULL;

  g_assert_cmpuint (empty->backlog.waiting, ==, 0);
  g_assert_false (empty->online || empty->paused || empty->gone);
  g_assert_null (empty->outbound);

  open_anna (f);
  for (guint i = 0; i < 3; i++)
    send (f, (const char *const[]) { "a", "b", "c" }[i], "@anna");
  queue = look_at_queue (f, "anna");
  g_assert_cmpstr (queue->id, ==, "anna");
  g_assert_cmpint (queue->key, ==, key_of (f, "anna"));
  g_assert_cmpuint (queue->backlog.waiting, ==, 3);
  g_assert_cmpuint (queue->in_flight, ==, 2);
  g_assert_cmpuint (queue->backlog.bytes, >, 0);
  g_assert_true (queue->online);
  g_assert_true (sb_bus_is_online (f->t->bus, sb_test_bus_find (f->t, "anna")));
}

static void
queues_are_listed_page_by_page_also_of_who_is_gone (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  g_autoptr (GPtrArray) third = NULL;
  gint64 next;

  send (f, "a", "@anna");
  send (f, "b", "@bert");
  sb_accounts_remove_async (f->t->accounts, NULL, "anna", NULL, NULL);
  sb_test_bus_settle (f->t);

  first = list_queues (f, 0, 1, &next);
  g_assert_cmpuint (first->len, ==, 1);
  g_assert_cmpstr (((SbRecipientInfo *) g_ptr_array_index (first, 0))->id, ==, "anna");
  g_assert_true (((SbRecipientInfo *) g_ptr_array_index (first, 0))->gone);
  g_assert_cmpuint (((SbRecipientInfo *) g_ptr_array_index (first, 0))->backlog.dead, ==, 1);
  second = list_queues (f, next, 1, &next);
  g_assert_cmpstr (((SbRecipientInfo *) g_ptr_array_index (second, 0))->id, ==, "bert");
  third = list_queues (f, next, 1, &next);
  g_assert_cmpuint (third->len, ==, 0);
  g_assert_cmpint (next, ==, 0);
}

/* Users that are called */

static void
assert_outbound (Fixture *f, const char *state, gint64 retry_in, guint64 confirmed, guint64 failed)
{
  g_autoptr (SbRecipientInfo) queue = look_at_queue (f, "erp");

  g_assert_nonnull (queue->outbound);
  g_assert_cmpstr (queue->outbound->type, ==, "test");
  g_assert_cmpstr (queue->outbound->state, ==, state);
  g_assert_cmpint (queue->outbound->retry_in, <=, retry_in);
  g_assert_cmpint (queue->outbound->retry_in > 0, ==, retry_in > 0);
  g_assert_cmpuint (queue->outbound->n_confirmed, ==, confirmed);
  g_assert_cmpuint (queue->outbound->n_failed, ==, failed);
  g_assert_true ((queue->outbound->failures != NULL) == (failed > 0));
  g_assert_null (queue->outbound->fault);
}

static void
fail (Fixture *f, const char *id, SbFailure failure, guint status)
{
  sb_test_recipient_fail (sb_test_recipient_find ("erp"), id, failure, 0, status);
  sb_test_bus_settle (f->t);
}

static void
who_is_called_shows_how_that_goes (Fixture *f, gconstpointer data)
{
  assert_outbound (f, "ok", 0, 0, 0);
  send (f, "a", "@erp");
  sb_test_recipient_confirm (sb_test_recipient_find ("erp"), "a");
  sb_test_bus_settle (f->t);
  assert_outbound (f, "ok", 0, 1, 0);
  send (f, "b", "@erp");
  fail (f, "b", SB_FAILURE_RECIPIENT, 503);
  assert_outbound (f, "waiting", 2, 1, 1);
  for (guint i = 0; i < 2; i++)
    {
      while (sb_test_recipient_get_n_open (sb_test_recipient_find ("erp")) == 0)
        sb_test_bus_pass (f->t, SB_TEST_SECOND);
      fail (f, "b", SB_FAILURE_RECIPIENT, 503);
    }
  assert_outbound (f, "unreachable", 300, 1, 3);
}

static void
a_path_that_could_not_be_made_says_why (Fixture *f, gconstpointer data)
{
  g_autoptr (SbRecipientInfo) queue = NULL;

  sb_test_bus_put_users (f->t, "[{\"_id\":\"erp\",\"connection_properties\":{\"type\":\"fax\"}}]");
  queue = look_at_queue (f, "erp");
  g_assert_cmpstr (queue->outbound->type, ==, "fax");
  g_assert_cmpstr (queue->outbound->state, ==, "faulty");
  g_assert_nonnull (queue->outbound->fault);
}

/* Lists of deliveries */

static char *
list_page (Fixture *f, const SbDeliveryFilter *filter, guint limit, char **after)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) rows = NULL;
  g_autofree char *from = g_steal_pointer (after);
  GString *text = g_string_new (NULL);

  sb_bus_list_deliveries_async (f->t->bus, filter, from, limit, done_cb, &result);
  wait_for (f, result);
  rows = sb_bus_list_deliveries_finish (f->t->bus, result, after, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbDeliveryInfo *row = g_ptr_array_index (rows, i);

      g_string_append_printf (text, "%s%s@%s %s %u", i > 0 ? ", " : "", row->id, row->recipient_id,
                              sb_delivery_state_to_string (row->state), row->attempts);
    }
  return g_string_free (text, FALSE);
}

static void
assert_page (Fixture *f, const SbDeliveryFilter *filter, const char *wanted)
{
  g_autofree char *after = NULL;
  g_autofree char *page = list_page (f, filter, 100, &after);

  g_assert_cmpstr (page, ==, wanted);
}

#define ALL_STATES                                                                    \
  (1u << SB_DELIVERY_PENDING | 1u << SB_DELIVERY_SCHEDULED | 1u << SB_DELIVERY_PARKED \
   | 1u << SB_DELIVERY_DEAD)

static void
what_is_in_flight_is_listed_as_sent (Fixture *f, gconstpointer data)
{
  SbDeliveryFilter filter = { 0, 0, ALL_STATES };

  open_anna (f);
  for (guint i = 0; i < 3; i++)
    send (f, (const char *const[]) { "a", "b", "c" }[i], "@anna");
  assert_page (f, &filter, "a@anna sent 1, b@anna sent 1, c@anna pending 0");
  sb_test_bus_pass (f->t, 10 * SB_TEST_SECOND);
  assert_page (f, &filter, "a@anna sent 2, b@anna sent 2, c@anna pending 0");
}

static void
deliveries_are_filtered_and_listed_page_by_page (Fixture *f, gconstpointer data)
{
  SbDeliveryFilter filter = { 0, 0, ALL_STATES };
  g_autofree char *after = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  send (f, "a", "@anna");
  send (f, "b", "@bert");
  sb_test_bus_send (f->t, "anna", "c", "@bert");
  first = list_page (f, &filter, 2, &after);
  g_assert_cmpstr (first, ==, "a@anna pending 0, b@bert pending 0");
  g_assert_nonnull (after);
  second = list_page (f, &filter, 2, &after);
  g_assert_cmpstr (second, ==, "c@bert pending 0");
  g_assert_null (after);
  filter.recipient = key_of (f, "bert");
  assert_page (f, &filter, "b@bert pending 0, c@bert pending 0");
  filter.sender_key = key_of (f, "anna");
  assert_page (f, &filter, "c@bert pending 0");
  filter.states = 1u << SB_DELIVERY_DEAD;
  assert_page (f, &filter, "");
}

/* One delivery */

static SbDeliveryDetails *
look_at (Fixture *f, const char *user, const char *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  sb_bus_look_at_delivery_async (f->t->bus, key_of (f, user), id, done_cb, &result);
  wait_for (f, result);
  return sb_bus_look_at_delivery_finish (f->t->bus, result, error);
}

static void
a_delivery_shows_the_log_that_is_not_stored_yet (Fixture *f, gconstpointer data)
{
  g_autoptr (SbDeliveryDetails) details = NULL;
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  send (f, "a", "@erp");
  fail (f, "a", SB_FAILURE_MESSAGE, 500);
  details = look_at (f, "erp", "a", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (details->message->deliveries->len, ==, 1);
  g_assert_cmpstr (details->delivery->recipient, ==, "erp");
  g_assert_cmpint (details->delivery->state, ==, SB_DELIVERY_PENDING);
  g_assert_cmpuint (details->delivery->attempts, ==, 1);
  g_assert_cmpint (details->size, >, 0);
  sb_attempt_log_append_json (log, details->delivery->log);
  g_assert_nonnull (strstr (log->str, "\"status\":500"));
}

static void
a_message_of_many_shows_the_one_that_was_asked_for (Fixture *f, gconstpointer data)
{
  g_autoptr (SbDeliveryDetails) details = NULL;
  g_autoptr (GString) answers = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  open_anna (f);
  sb_test_bus_publish (f->t, "s", "{\"to\":\"$all\",\"message\":1,\"_id\":\"a\"}", 0, answers);
  sb_test_bus_settle (f->t);
  details = look_at (f, "anna", "a", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (details->message->deliveries->len, ==, 1);
  g_assert_cmpstr (details->delivery->recipient, ==, "anna");
  g_assert_cmpint (details->delivery->state, ==, SB_DELIVERY_SENT);
}

static void
one_that_has_ended_has_no_size (Fixture *f, gconstpointer data)
{
  g_autoptr (SbDeliveryDetails) details = NULL;
  g_autoptr (GError) error = NULL;

  open_anna (f);
  send (f, "a", "@anna");
  sb_session_confirm (f->session, "a");
  sb_test_bus_settle (f->t);
  details = look_at (f, "anna", "a", &error);
  g_assert_no_error (error);
  g_assert_cmpint (details->delivery->state, ==, SB_DELIVERY_CONFIRMED);
  g_assert_cmpint (details->size, ==, -1);
}

static void
what_is_not_there_is_not_found (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) other_user = NULL;
  g_autoptr (GError) other_id = NULL;

  send (f, "a", "@anna");
  g_assert_null (look_at (f, "bert", "a", &other_user));
  g_assert_error (other_user, SB_ERROR, SB_ERROR_NOT_FOUND);
  g_assert_null (look_at (f, "anna", "b", &other_id));
  g_assert_error (other_id, SB_ERROR, SB_ERROR_NOT_FOUND);
}

static SbMessage *
read_message (Fixture *f, const char *user, const char *id, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  sb_bus_read_message_async (f->t->bus, sb_test_bus_find (f->t, "root"), key_of (f, user), id,
                             done_cb, &result);
  wait_for (f, result);
  return sb_bus_read_message_finish (f->t->bus, result, error);
}

static void
a_message_is_read_byte_for_byte_and_that_is_logged (Fixture *f, gconstpointer data)
{
  g_autoptr (SbMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) no_delivery = NULL;
  g_autoptr (GString) answers = g_string_new (NULL);
  g_autofree char *lines = NULL;

  sb_test_bus_publish (f->t, "s",
                       "{\"to\":\"@anna\",\"message\":[1.10,12345678901234567890],\"_id\":\"a\"}",
                       0, answers);
  sb_test_bus_settle (f->t);
  g_assert_null (read_message (f, "bert", "a", &no_delivery));
  g_assert_error (no_delivery, SB_ERROR, SB_ERROR_NOT_FOUND);
  message = read_message (f, "anna", "a", &error);
  g_assert_no_error (error);
  g_assert_nonnull (g_strstr_len (g_bytes_get_data (message->body, NULL),
                                  (gssize) g_bytes_get_size (message->body),
                                  "[1.10,12345678901234567890]"));
  lines = sb_test_log_take_kept ();
  g_assert_cmpstr (lines, ==, "root/a: root read the message a of s");
}

/* Names of deliveries */

static void
names_go_both_ways (void)
{
  g_autofree char *name = sb_delivery_name_make (17, "a:b");
  g_autoptr (GError) error = NULL;
  gint64 key;
  const char *id;

  g_assert_cmpstr (name, ==, "17:a:b");
  g_assert_true (sb_delivery_name_parse (name, &key, &id, &error));
  g_assert_no_error (error);
  g_assert_cmpint (key, ==, 17);
  g_assert_cmpstr (id, ==, "a:b");
}

static void
other_texts_are_no_names (void)
{
  static const char *const texts[] = {
    "",     "17",   ":a",   "17:",   "a:17",  "0:a",  "-1:a",  "+1:a",
    " 1:a", "1 :a", "1:\n", "1:a/b", "0x1:a", "1:\\", "1.0:a", "99999999999999999999:a"
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      gint64 key;
      const char *id;

      g_test_message ("%s", texts[i]);
      g_assert_false (sb_delivery_name_parse (texts[i], &key, &id, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
    }
}

/* Preview */

/* "2: anna bert; #x" */
static char *
preview (Fixture *f, const char *sender, const char *to, guint limit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbPreview) seen = sb_bus_preview (f->t->bus, sb_test_bus_find (f->t, sender),
                                               (SbSlice) { to, strlen (to) }, limit, &error);
  GString *text = g_string_new (NULL);

  if (seen == NULL)
    {
      g_string_append (text, sb_error_reason (error));
      return g_string_free (text, FALSE);
    }
  g_string_append_printf (text, "%u:", seen->n_recipients);
  for (guint i = 0; i < seen->ids->len; i++)
    g_string_append_printf (text, " %s", (const char *) g_ptr_array_index (seen->ids, i));
  g_string_append_c (text, ';');
  for (guint i = 0; i < seen->unknown->len; i++)
    g_string_append_printf (text, " %s", (const char *) g_ptr_array_index (seen->unknown, i));
  return g_string_free (text, FALSE);
}

static void
a_preview_tells_whom_an_address_reaches (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *sender;
    const char *to;
    const char *wanted;
  } cases[] = {
    { "root", "\"#all\"", "3: anna bert s;" },
    { "s", "\"all\"", "2: anna bert;" },
    { "s", "[\"@anna\",\"@bert\",\"#all\",\"@x\",\"#y\"]", "2: anna bert; @x #y" },
    { "s", "[\"@x\",\"#y\"]", "0:; @x #y" },
    { "s", "[]", "invalid" },
    { "s", "17", "invalid" },
    { "s", "[\"$x\"]", "invalid" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *seen = preview (f, cases[i].sender, cases[i].to, 100);

      g_test_message ("%s", cases[i].to);
      g_assert_cmpstr (seen, ==, cases[i].wanted);
    }
}

static void
a_preview_names_so_many_and_counts_all (Fixture *f, gconstpointer data)
{
  g_autofree char *seen = preview (f, "root", "[\"@anna\",\"$all\"]", 1);

  g_assert_cmpstr (seen, ==, "6: anna;");
}

static void
a_preview_refuses_what_a_message_is_refused (Fixture *f, gconstpointer data)
{
  g_autofree char *seen = preview (f, "root", "\"$all\"", 100);

  g_assert_cmpstr (seen, ==, "too-large");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, config, func) \
  g_test_add ("/operator-view/" name, Fixture, config, set_up, func, tear_down)
  ADD ("a-queue-shows-what-store-and-bus-know", "window=2", a_queue_shows_what_store_and_bus_know);
  ADD ("queues-are-listed-page-by-page-also-of-who-is-gone", NULL,
       queues_are_listed_page_by_page_also_of_who_is_gone);
  ADD ("who-is-called-shows-how-that-goes", NULL, who_is_called_shows_how_that_goes);
  ADD ("a-path-that-could-not-be-made-says-why", NULL, a_path_that_could_not_be_made_says_why);
  ADD ("what-is-in-flight-is-listed-as-sent", "window=2", what_is_in_flight_is_listed_as_sent);
  ADD ("deliveries-are-filtered-and-listed-page-by-page", NULL,
       deliveries_are_filtered_and_listed_page_by_page);
  ADD ("a-delivery-shows-the-log-that-is-not-stored-yet", NULL,
       a_delivery_shows_the_log_that_is_not_stored_yet);
  ADD ("a-message-of-many-shows-the-one-that-was-asked-for", NULL,
       a_message_of_many_shows_the_one_that_was_asked_for);
  ADD ("one-that-has-ended-has-no-size", NULL, one_that_has_ended_has_no_size);
  ADD ("what-is-not-there-is-not-found", NULL, what_is_not_there_is_not_found);
  ADD ("a-message-is-read-byte-for-byte-and-that-is-logged", NULL,
       a_message_is_read_byte_for_byte_and_that_is_logged);
  g_test_add_func ("/operator-view/names-go-both-ways", names_go_both_ways);
  g_test_add_func ("/operator-view/other-texts-are-no-names", other_texts_are_no_names);
  ADD ("a-preview-tells-whom-an-address-reaches", NULL, a_preview_tells_whom_an_address_reaches);
  ADD ("a-preview-names-so-many-and-counts-all", NULL, a_preview_names_so_many_and_counts_all);
  ADD ("a-preview-refuses-what-a-message-is-refused", "max-recipients=5",
       a_preview_refuses_what_a_message_is_refused);
#undef ADD
  return g_test_run ();
}

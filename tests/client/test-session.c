/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-session: a client's session with the real bus: log-in, messages, what is said of them. */

#include "sb-test-client.h"
#include "sb-test-proxy.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static guint16
get_port (SbTestSite *site)
{
  return sb_test_daemon_get_http_port (site->daemon);
}

/* Sends a message of alice to bob. Returns its id. */
static char *
put (SbTestSite *site, const char *payload)
{
  g_autofree char *json = g_strdup_printf ("{\"to\":\"@bob\",\"message\":%s}", payload);

  return sb_test_put (site->alice, json);
}

/* --- Log-in --- */

static void
test_logs_in (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = NULL;
  g_autofree char *id = put (site, "1");

  bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_assert_cmpint (sb_client_get_pending (bob->client), ==, -1);
  sb_test_client_connect (bob);
  g_assert_cmpint (sb_client_get_state (bob->client), ==, SB_CLIENT_STATE_CONNECTED);
  g_assert_cmpint (sb_client_get_pending (bob->client), ==, 1);
  sb_test_client_close (bob);
  g_assert_cmpstr (sb_test_client_get (bob->states, 0), ==, "connecting");
  g_assert_cmpstr (sb_test_client_get (bob->states, 1), ==, "connected");
  g_assert_cmpstr (sb_test_client_get (bob->states, 2), ==, "closed");
  g_assert_cmpuint (bob->states->len, ==, 3);
}

static void
test_connects_again_after_it_was_closed (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autofree char *id = NULL;

  sb_test_client_connect (bob);
  sb_test_client_close (bob);
  sb_test_client_connect (bob);
  sb_test_client_connect (bob);
  id = put (site, "1");
  sb_test_client_wait (bob, bob->messages, 1);
}

static void
test_is_refused_with_a_wrong_password (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", "password", "wrong",
                                                     NULL);
  g_autoptr (GError) error = sb_test_client_connect_refused (bob);

  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_UNAUTHORIZED);
  g_assert_cmpint (sb_client_get_state (bob->client), ==, SB_CLIENT_STATE_CLOSED);
}

static void
test_names_an_address_that_is_none (void)
{
  static const char *const addresses[] = { "", "nonsense", "http://127.0.0.1:1", "ws://",
                                           "ws://[::1" };

  for (guint i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr (SbTestClient) bob = sb_test_client_new (1, "bob", "websocket-url", addresses[i],
                                                         NULL);
      g_autoptr (GError) error = sb_test_client_connect_refused (bob);

      g_test_message ("%s: %s", addresses[i], error->message);
      g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
    }
}

static void
test_says_that_there_is_no_bus (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autofree char *url = g_strdup_printf ("ws://127.0.0.1:%u/elsewhere", get_port (site));
  g_autoptr (SbTestClient) bob = sb_test_client_new (1, "bob", "websocket-url", url, NULL);
  g_autoptr (GError) error = sb_test_client_connect_refused (bob);

  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL);
}

static void
cancelled_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sb_client_connect_finish (SB_CLIENT (source), result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  *(gboolean *) user_data = TRUE;
}

static void
test_stops_trying_when_it_is_cancelled (void)
{
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (1);
  g_autoptr (SbTestClient) bob = sb_test_client_new (sb_test_proxy_get_port (proxy), "bob", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  gboolean is_done = FALSE;

  sb_client_connect_async (bob->client, cancellable, cancelled_cb, &is_done);
  sb_test_client_wait_state (bob, SB_CLIENT_STATE_WAITING);
  g_cancellable_cancel (cancellable);
  sb_test_wait_flag (&is_done, "the cancellation");
  g_assert_cmpint (sb_client_get_state (bob->client), ==, SB_CLIENT_STATE_CLOSED);
}

/* --- Messages --- */

static void
test_takes_messages_in_order_and_confirms_them (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autofree char *last = NULL;

  sb_test_client_connect (bob);
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *payload = g_strdup_printf ("%u", i);

      g_free (last);
      last = put (site, payload);
    }
  sb_test_client_wait (bob, bob->messages, 200);
  for (guint i = 0; i < 200; i++)
    {
      g_autofree char *payload = sb_test_client_dup_payload (bob, i);
      g_autofree char *expected = g_strdup_printf ("%u", i);

      g_assert_cmpstr (payload, ==, expected);
    }
  sb_test_wait_state (site->alice, last, "bob", "confirmed");
  g_assert_cmpuint (bob->messages->len, ==, 200);
}

static void
test_takes_a_large_message (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autofree char *word = g_strnfill (7 * 1024 * 1024, 'x');
  g_autofree char *payload = g_strdup_printf ("\"%s\"", word);
  g_autofree char *got = NULL;
  g_autofree char *id = NULL;

  sb_test_client_connect (bob);
  id = put (site, payload);
  sb_test_client_wait (bob, bob->messages, 1);
  got = sb_test_client_dup_payload (bob, 0);
  g_assert_true (strcmp (got, payload) == 0);
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
}

static void
test_waits_for_the_program_to_confirm (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", "auto-confirm", FALSE,
                                                     NULL);
  g_autofree char *id = NULL;
  g_autofree char *state = NULL;

  sb_test_client_connect (bob);
  id = put (site, "1");
  sb_test_client_wait (bob, bob->messages, 1);
  state = sb_test_get_state (site->alice, id, "bob");
  g_assert_cmpstr (state, !=, "confirmed");
  sb_client_confirm (bob->client, id);
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
}

static void
test_confirms_what_was_handled_before_it_closes (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autofree char *id = NULL;

  sb_test_client_connect (bob);
  id = put (site, "1");
  sb_test_client_wait (bob, bob->messages, 1);
  sb_test_client_close (bob);
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
}

static void
test_confirms_later_what_was_confirmed_without_a_session (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (get_port (site));
  g_autoptr (SbTestClient) bob = sb_test_client_new (sb_test_proxy_get_port (proxy), "bob",
                                                     "auto-confirm", FALSE, NULL);
  g_autofree char *id = put (site, "1");

  sb_test_client_connect (bob);
  sb_test_client_wait (bob, bob->messages, 1);
  sb_test_proxy_set_accepting (proxy, FALSE);
  sb_test_proxy_drop (proxy);
  sb_test_client_wait_state (bob, SB_CLIENT_STATE_WAITING);
  sb_client_confirm (bob->client, id);
  sb_test_proxy_set_accepting (proxy, TRUE);
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
  g_assert_cmpuint (bob->messages->len, ==, 1);
}

static void
test_shows_a_message_once_whose_confirmation_was_lost (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (get_port (site));
  g_autoptr (SbTestClient) bob = sb_test_client_new (sb_test_proxy_get_port (proxy), "bob", NULL);
  g_autofree char *id = NULL;
  g_autofree char *next = NULL;

  sb_test_client_connect (bob);
  sb_test_proxy_stall (proxy, SB_TEST_WAY_UP);
  id = put (site, "1");
  sb_test_client_wait (bob, bob->messages, 1);
  sb_test_proxy_drop (proxy);
  sb_test_proxy_unstall (proxy, SB_TEST_WAY_UP);
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
  next = put (site, "2");
  sb_test_client_wait (bob, bob->messages, 2);
  g_assert_cmpstr (sb_test_client_get (bob->ids, 1), ==, next);
}

static void
test_shows_a_message_again_that_was_not_confirmed (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestProxy) proxy = sb_test_proxy_new (get_port (site));
  g_autoptr (SbTestClient) bob = sb_test_client_new (sb_test_proxy_get_port (proxy), "bob",
                                                     "auto-confirm", FALSE, NULL);
  g_autofree char *id = put (site, "1");

  sb_test_client_connect (bob);
  sb_test_client_wait (bob, bob->messages, 1);
  sb_test_proxy_drop (proxy);
  sb_test_client_wait (bob, bob->messages, 2);
  g_assert_cmpstr (sb_test_client_get (bob->ids, 1), ==, id);
}

static void
test_takes_unknown_types_as_they_are_meant (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autofree char *id = NULL;

  sb_test_client_connect (bob);
  id = sb_test_put (site->alice, "{\"to\":\"@bob\",\"type\":\"invoice\",\"message\":1}");
  sb_test_client_wait (bob, bob->messages, 1);
  g_assert_cmpstr (sb_test_client_get (bob->ids, 0), ==, id);
  g_assert_cmpuint (bob->errors->len, ==, 0);
}

/* --- What the bus says of what was sent --- */

static void
test_hears_of_acceptance_and_confirmation (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) alice = sb_test_client_new (get_port (site), "alice", NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autofree char *id = NULL;
  g_autofree char *expected = NULL;

  sb_test_client_connect (alice);
  sb_test_client_connect (bob);
  id = sb_test_client_send (alice, "@bob", "{\"n\":1.10}");
  sb_test_client_wait (alice, alice->accepted, 1);
  g_assert_cmpstr (sb_test_client_get (alice->accepted, 0), ==, id);
  sb_test_client_wait (alice, alice->confirmations, 1);
  expected = g_strconcat (id, " bob", NULL);
  g_assert_cmpstr (sb_test_client_get (alice->confirmations, 0), ==, expected);
  sb_test_client_wait (bob, bob->messages, 1);
  g_assert_cmpstr (sb_test_client_get (bob->ids, 0), ==, id);
}

static void
test_wants_no_receipts (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) alice = sb_test_client_new (get_port (site), "alice", "receipts", FALSE,
                                                       NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autofree char *id = NULL;
  g_autofree char *other = NULL;

  sb_test_client_connect (alice);
  sb_test_client_connect (bob);
  id = sb_test_client_send (alice, "@bob", "1");
  sb_test_wait_state (site->alice, id, "bob", "confirmed");
  other = sb_test_client_send (alice, "@bob", "2");
  sb_test_client_wait (alice, alice->accepted, 2);
  g_assert_cmpuint (alice->confirmations->len, ==, 0);
}

static void
test_hears_of_what_ended_without_a_confirmation (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) alice = sb_test_client_new (get_port (site), "alice", NULL);
  g_autoptr (SbClientDraft) draft = sb_test_draft ("@bob", "1");
  g_autofree char *id = NULL;
  g_autofree char *start = NULL;

  sb_test_client_connect (alice);
  sb_client_draft_set_ttl (draft, 1);
  id = sb_test_client_send_draft (alice, draft);
  sb_test_client_wait (alice, alice->expired, 1);
  start = g_strconcat (id, " bob ", NULL);
  g_assert_true (g_str_has_prefix (sb_test_client_get (alice->expired, 0), start));
}

static void
test_sends_direct_messages_over_the_session (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) alice = sb_test_client_new (get_port (site), "alice", NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autoptr (SbClientDraft) draft = sb_test_draft ("@bob", "1");
  g_autoptr (SbClientDraft) nobody = sb_test_draft ("@carol", "1");
  g_autoptr (GError) offline = NULL;
  g_autofree char *id = NULL;
  g_autofree char *lost = NULL;

  sb_client_draft_set_direct (draft, TRUE);
  sb_client_draft_set_direct (nobody, TRUE);
  offline = sb_test_client_send_refused (alice, draft);
  g_assert_error (offline, SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE);
  sb_test_client_connect (alice);
  sb_test_client_connect (bob);
  id = sb_test_client_send_draft (alice, draft);
  sb_test_client_wait (bob, bob->messages, 1);
  g_assert_cmpstr (sb_test_client_get (bob->ids, 0), ==, id);
  sb_test_client_wait (alice, alice->confirmations, 1);
  lost = sb_test_client_send_draft (alice, nobody);
  sb_test_client_wait (alice, alice->errors, 1);
  g_assert_cmpstr (sb_test_client_get (alice->error_ids, 0), ==, lost);
}

/* --- Handlers that do much --- */

static void
close_in_handler_cb (SbClient *client, SbClientMessage *message, gpointer user_data)
{
  sb_client_close_async (client, NULL, NULL, NULL);
}

static void
test_may_be_closed_in_a_handler (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autofree char *first = put (site, "1");
  g_autofree char *second = put (site, "2");

  g_signal_connect (bob->client, "message", G_CALLBACK (close_in_handler_cb), NULL);
  sb_test_client_begin (bob);
  sb_test_client_wait_states (bob, "closed", 1);
  g_assert_cmpuint (bob->messages->len, ==, 1);
}

static void
let_go_cb (SbClient *client, SbClientMessage *message, gpointer user_data)
{
  g_object_unref (client);
  *(gboolean *) user_data = TRUE;
}

static void
test_may_be_let_go_in_a_handler (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u", get_port (site));
  SbClient *client = sb_client_new (url, "bob", "bob-pw");
  g_autofree char *id = put (site, "1");
  gboolean is_done = FALSE;

  g_object_add_weak_pointer (G_OBJECT (client), (gpointer *) &client);
  g_signal_connect (client, "message", G_CALLBACK (let_go_cb), &is_done);
  sb_client_connect_async (client, NULL, NULL, NULL);
  sb_test_wait_flag (&is_done, "a message");
  sb_test_settle ();
  g_assert_null (client);
}

static void
nested_cb (SbClient *client, SbClientMessage *message, gpointer user_data)
{
  for (guint i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
}

static void
test_may_run_the_main_loop_in_a_handler (void)
{
  g_autoptr (SbTestSite) site = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestClient) bob = sb_test_client_new (get_port (site), "bob", NULL);
  g_autofree char *last = NULL;

  g_signal_connect (bob->client, "message", G_CALLBACK (nested_cb), NULL);
  for (guint i = 0; i < 20; i++)
    {
      g_free (last);
      last = put (site, "1");
    }
  sb_test_client_connect (bob);
  sb_test_client_wait (bob, bob->messages, 20);
  sb_test_wait_state (site->alice, last, "bob", "confirmed");
  g_assert_cmpuint (bob->messages->len, ==, 20);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*func) (void);
  } tests[] = {
    { "logs-in", test_logs_in },
    { "connects-again-after-it-was-closed", test_connects_again_after_it_was_closed },
    { "is-refused-with-a-wrong-password", test_is_refused_with_a_wrong_password },
    { "names-an-address-that-is-none", test_names_an_address_that_is_none },
    { "says-that-there-is-no-bus", test_says_that_there_is_no_bus },
    { "stops-trying-when-it-is-cancelled", test_stops_trying_when_it_is_cancelled },
    { "takes-messages-in-order-and-confirms-them", test_takes_messages_in_order_and_confirms_them },
    { "takes-a-large-message", test_takes_a_large_message },
    { "waits-for-the-program-to-confirm", test_waits_for_the_program_to_confirm },
    { "confirms-what-was-handled-before-it-closes",
      test_confirms_what_was_handled_before_it_closes },
    { "confirms-later-what-was-confirmed-without-a-session",
      test_confirms_later_what_was_confirmed_without_a_session },
    { "shows-a-message-once-whose-confirmation-was-lost",
      test_shows_a_message_once_whose_confirmation_was_lost },
    { "shows-a-message-again-that-was-not-confirmed",
      test_shows_a_message_again_that_was_not_confirmed },
    { "takes-unknown-types-as-they-are-meant", test_takes_unknown_types_as_they_are_meant },
    { "hears-of-acceptance-and-confirmation", test_hears_of_acceptance_and_confirmation },
    { "wants-no-receipts", test_wants_no_receipts },
    { "hears-of-what-ended-without-a-confirmation",
      test_hears_of_what_ended_without_a_confirmation },
    { "sends-direct-messages-over-the-session", test_sends_direct_messages_over_the_session },
    { "may-be-closed-in-a-handler", test_may_be_closed_in_a_handler },
    { "may-be-let-go-in-a-handler", test_may_be_let_go_in_a_handler },
    { "may-run-the-main-loop-in-a-handler", test_may_run_the_main_loop_in_a_handler },
  };

  g_setenv ("SIMPLEBUS_CLIENT_TIMES", "pause-percent=5", TRUE);
  sb_test_init (&argc, &argv);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/client/session/", tests[i].path, NULL);

      g_test_add_func (path, tests[i].func);
    }
  return g_test_run ();
}

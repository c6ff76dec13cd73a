/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-outbound-faults: recipients that reset, cut, trickle or talk garbage, and forbidden ones. */

#include "sb-test-recipient.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define RECIPIENT_FAILURES "simplebus_outbound_attempts_total{outcome=\"recipient\"}"

static void
put (SbTestHttp *client, const char *to, const char *id)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
      client, "/put", "{\"_id\":\"%s\",\"to\":\"@%s\",\"message\":1}", id, to);

  sb_test_assert_status (answer, 200);
}

static gint64
get_attempts (SbTestHttp *client, const char *id, const char *recipient)
{
  g_autofree char *path = g_strdup_printf ("/status/%s", id);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);
  JsonObject *recipients = sb_test_json_member (sb_test_answer_object (answer), "recipients");

  return sb_test_json_int (sb_test_json_member (recipients, recipient), "attempts");
}

typedef struct
{
  const char *text;
  SbTestThen then;
} Fault;

/* One recipient for each fault, all of one bus, so that their pauses pass together. */
typedef struct
{
  SbTestSite *bus;       /* (owned) */
  GPtrArray *recipients; /* (owned) */
} Rows;

static Rows
make_rows (const Fault *faults, gsize n)
{
  Rows self = { .recipients = g_ptr_array_new_with_free_func (
                    (GDestroyNotify) sb_test_recipient_free) };

  self.bus = sb_test_site_new ("bus.deliveries=http", "delivery-http.timeout=0.5", NULL);
  for (gsize i = 0; i < n; i++)
    {
      SbTestRecipient *recipient = sb_test_recipient_new ();
      g_autofree char *id = g_strdup_printf ("u%zu", i);
      g_autofree char *message = g_strdup_printf ("m%zu", i);

      g_ptr_array_add (self.recipients, recipient);
      sb_test_recipient_make_user (recipient, self.bus->admin, id, "");
      sb_test_recipient_script (recipient, faults[i].text, faults[i].then);
      put (self.bus->alice, id, message);
    }
  return self;
}

static void
clear_rows (Rows *self)
{
  sb_test_site_free (self->bus);
  g_ptr_array_unref (self->recipients);
}

/* Waits until row @i was confirmed, after so many requests, none of which counted but the last. */
static void
check_row (Rows *self, gsize i, guint n_requests)
{
  g_autofree char *id = g_strdup_printf ("u%zu", i);
  g_autofree char *message = g_strdup_printf ("m%zu", i);

  g_test_message ("row %zu", i);
  sb_test_wait_state (self->bus->alice, message, id, "confirmed");
  g_assert_cmpuint (sb_test_recipient_get_n (g_ptr_array_index (self->recipients, i)), ==,
                    n_requests);
  g_assert_cmpint (get_attempts (self->bus->alice, message, id), ==, 1);
}

static void
test_tries_again_what_was_not_answered (void)
{
  static const Fault faults[] = {
    { "", SB_TEST_THEN_RESET },
    { "", SB_TEST_THEN_CLOSE },
    { "", SB_TEST_THEN_HOLD },
    { "HTTP/1.1 200 OK\r\nContent-Le", SB_TEST_THEN_CLOSE },
    { "HTTP/1.1 200 OK\r\nContent-Le", SB_TEST_THEN_RESET },
    { "HTTP/1.1 200 OK\r\nContent-Le", SB_TEST_THEN_HOLD },
    { "HTTP/1.1 200 OK\r\nX: trickling\r\n", SB_TEST_THEN_TRICKLE },
    { "HTTP/1.1 100 Continue\r\n\r\n", SB_TEST_THEN_HOLD },
    { "SSH-2.0-OpenSSH_9.2\r\n", SB_TEST_THEN_HOLD },
    { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 1\r\n\r\n", SB_TEST_THEN_KEEP },
    { "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      SB_TEST_THEN_KEEP },
    { "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", SB_TEST_THEN_HOLD },
    { "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n", SB_TEST_THEN_KEEP },
    { "HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwhy\r\n0\r\n\r\n",
      SB_TEST_THEN_KEEP },
    { "HTTP/1.1 502 No\r\n\r\nuntil it closes", SB_TEST_THEN_CLOSE },
    { "HTTP/1.1 503 No\r\nContent-Length: 10\r\n\r\ncut", SB_TEST_THEN_CLOSE },
    { "HTTP/1.1 504 No\r\nContent-Length: 10\r\n\r\nheld", SB_TEST_THEN_HOLD },
    { "HTTP/1.0 503 No\r\nContent-Length: 0\r\n\r\n", SB_TEST_THEN_HOLD },
  };
  Rows rows = make_rows (faults, G_N_ELEMENTS (faults));

  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++)
    check_row (&rows, i, 2);
  clear_rows (&rows);
}

static void
test_takes_the_head_of_a_confirmation_for_all_of_it (void)
{
  static const Fault answers[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut", SB_TEST_THEN_CLOSE },
    { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut", SB_TEST_THEN_RESET },
    { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nheld", SB_TEST_THEN_HOLD },
    { "HTTP/1.1 202 OK\r\nContent-Length: 100000000\r\n\r\n", SB_TEST_THEN_HOLD },
    { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", SB_TEST_THEN_HOLD },
    { "HTTP/1.1 201 OK\r\n\r\nuntil it closes", SB_TEST_THEN_CLOSE },
    { "HTTP/1.1 204 OK\r\n\r\n", SB_TEST_THEN_HOLD },
    { "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      SB_TEST_THEN_KEEP },
    { "HTTP/1.0 200 OK\r\n\r\n", SB_TEST_THEN_CLOSE },
    { "HTTP/1.1 200 OK\nContent-Length: 0\n\n", SB_TEST_THEN_KEEP },
  };
  Rows rows = make_rows (answers, G_N_ELEMENTS (answers));

  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    check_row (&rows, i, 1);
  clear_rows (&rows);
}

/* The queue behind an answer whose body does not end. */
static void
test_goes_on_behind_an_endless_body (void)
{
  static const Fault answers[] = {
    { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nheld", SB_TEST_THEN_HOLD },
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi too much", SB_TEST_THEN_KEEP },
    { "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", SB_TEST_THEN_HOLD },
  };
  Rows rows = make_rows (answers, G_N_ELEMENTS (answers));

  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      SbTestRecipient *recipient = g_ptr_array_index (rows.recipients, i);
      g_autofree char *id = g_strdup_printf ("u%zu", i);
      g_autofree char *next = g_strdup_printf ("n%zu", i);

      put (rows.bus->alice, id, next);
      sb_test_wait_state (rows.bus->alice, next, id, "confirmed");
      g_assert_cmpuint (sb_test_recipient_get_n (recipient), ==, 2);
      g_assert_cmpuint (sb_test_recipient_get_n_opened (recipient), ==, 2);
    }
  clear_rows (&rows);
}

static void
test_sends_again_what_met_a_closing_connection (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autofree char *ids = NULL;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_script (erp, SB_TEST_OK, SB_TEST_THEN_KEEP);
  sb_test_recipient_script (erp, "", SB_TEST_THEN_CLOSE);
  sb_test_recipient_script (erp, SB_TEST_OK, SB_TEST_THEN_KEEP);
  sb_test_recipient_script (erp, "", SB_TEST_THEN_RESET);
  put (bus->alice, "erp", "m0");
  put (bus->alice, "erp", "m1");
  put (bus->alice, "erp", "m2");
  sb_test_wait_state (bus->alice, "m2", "erp", "confirmed");
  ids = sb_test_recipient_dup_ids (erp);
  g_assert_cmpstr (ids, ==, "m0 m1 m1 m2 m2");
  g_assert_cmpuint (sb_test_recipient_get_n_opened (erp), ==, 3);
  /* Nobody was told. */
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, RECIPIENT_FAILURES), ==, 0);
}

static void
test_tells_of_a_new_connection_that_closes (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_script (erp, "", SB_TEST_THEN_CLOSE);
  put (bus->alice, "erp", "m0");
  sb_test_wait_state (bus->alice, "m0", "erp", "confirmed");
  g_assert_cmpuint (sb_test_recipient_get_n (erp), ==, 2);
  g_assert_cmpfloat (sb_test_get_metric (bus->admin, RECIPIENT_FAILURES), ==, 1);
}

/* Waits until @n attempts have failed over their recipients. */
static void
wait_failures (SbTestHttp *admin, guint n)
{
  while (sb_test_get_metric (admin, RECIPIENT_FAILURES) < n)
    continue;
}

static void
test_delivers_in_order_to_who_is_back (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autofree char *ids = NULL;

  sb_test_recipient_make_user (erp, bus->admin, "erp", "");
  sb_test_recipient_stop (erp);
  put (bus->alice, "erp", "m0");
  put (bus->alice, "erp", "m1");
  put (bus->alice, "erp", "m2");
  wait_failures (bus->admin, 2);
  sb_test_recipient_start (erp);
  sb_test_recipient_wait (erp, 3);
  ids = sb_test_recipient_dup_ids (erp);
  g_assert_cmpstr (ids, ==, "m0 m1 m2");
  sb_test_wait_state (bus->alice, "m2", "erp", "confirmed");
  g_assert_cmpint (get_attempts (bus->alice, "m0", "erp"), ==, 1);
}

static void
test_does_not_call_what_is_denied (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (
      "bus.deliveries=http", "delivery-http.deny-addresses=10.0.0.0/8;127.0.0.1", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  static const char *const hosts[] = { "127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]",
                                       "2130706433" };

  for (gsize i = 0; i < G_N_ELEMENTS (hosts); i++)
    {
      g_autofree char *json = g_strdup_printf (
          "[{\"_id\":\"u%zu\",\"password\":\"p\",\"connection_properties\":"
          "{\"url\":\"http://%s:%u\"}}]",
          i, hosts[i], sb_test_recipient_get_port (erp));
      g_autofree char *id = g_strdup_printf ("u%zu", i);

      sb_test_put_users (bus->admin, json);
      put (bus->alice, id, id);
    }
  wait_failures (bus->admin, G_N_ELEMENTS (hosts));
  sb_test_settle ();
  g_assert_cmpuint (sb_test_recipient_get_n_opened (erp), ==, 0);
}

static void
test_calls_what_is_not_denied (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.deliveries=http",
                                                 "delivery-http.deny-addresses=127.0.0.2/32", NULL);
  g_autoptr (SbTestRecipient) erp = sb_test_recipient_new ();
  g_autofree char *json = g_strdup_printf (
      "[{\"_id\":\"u0\",\"password\":\"p\",\"connection_properties\":"
      "{\"url\":\"http://localhost:%u\"}}]",
      sb_test_recipient_get_port (erp));

  sb_test_put_users (bus->admin, json);
  put (bus->alice, "u0", "m0");
  sb_test_recipient_wait (erp, 1);
  g_assert_cmpstr (sb_test_recipient_get_line (erp, 0), ==, "POST /data HTTP/1.1");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/outbound-faults/tries-again-what-was-not-answered",
                   test_tries_again_what_was_not_answered);
  g_test_add_func ("/outbound-faults/takes-the-head-of-a-confirmation-for-all-of-it",
                   test_takes_the_head_of_a_confirmation_for_all_of_it);
  g_test_add_func ("/outbound-faults/goes-on-behind-an-endless-body",
                   test_goes_on_behind_an_endless_body);
  g_test_add_func ("/outbound-faults/sends-again-what-met-a-closing-connection",
                   test_sends_again_what_met_a_closing_connection);
  g_test_add_func ("/outbound-faults/tells-of-a-new-connection-that-closes",
                   test_tells_of_a_new_connection_that_closes);
  g_test_add_func ("/outbound-faults/delivers-in-order-to-who-is-back",
                   test_delivers_in_order_to_who_is_back);
  g_test_add_func ("/outbound-faults/does-not-call-what-is-denied",
                   test_does_not_call_what_is_denied);
  g_test_add_func ("/outbound-faults/calls-what-is-not-denied", test_calls_what_is_not_denied);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-api-mine: what users who are no admins see of their own messages and files, and that they
 * see nothing else. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define FORM_TYPE "multipart/form-data; boundary=x"
#define FORM                                                              \
  "--x\r\nContent-Disposition: form-data; name=\"data\"\r\n\r\n"          \
  "{\"_id\":\"f\",\"to\":[\"@bob\",\"@carol\"],\"message\":1}\r\n--x\r\n" \
  "Content-Disposition: form-data; name=\"f.txt\"; filename=\"f\"\r\n\r\nhello\r\n--x--\r\n"

/* Ids of the messages of a list, in its order. */
static char *
list (SbTestHttp *client, const char *query)
{
  g_autofree char *path = g_strconcat ("/api/v1/me/deliveries", query, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);
  GString *ids = g_string_new (NULL);
  JsonArray *rows;

  sb_test_assert_status (answer, 200);
  rows = json_object_get_array_member (sb_test_answer_object (answer), "deliveries");
  for (guint i = 0; i < json_array_get_length (rows); i++)
    g_string_append_printf (ids, "%s%s", i > 0 ? " " : "",
                            sb_test_json_string (json_array_get_object_element (rows, i), "_id"));
  return g_string_free (ids, FALSE);
}

static void
put (SbTestHttp *client, const char *json)
{
  g_autofree char *id = sb_test_put (client, json);
}

static void
everybody_sees_what_waits_for_it_and_what_it_has_sent (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *in = NULL;
  g_autofree char *out = NULL;
  g_autofree char *none = NULL;

  put (bus->alice, "{\"_id\":\"a\",\"to\":\"@bob\",\"message\":1}");
  put (bus->alice, "{\"_id\":\"b\",\"to\":\"@carol\",\"message\":1}");
  put (bus->carol, "{\"_id\":\"c\",\"to\":\"@bob\",\"message\":1}");
  in = list (bus->bob, "?direction=in");
  out = list (bus->alice, "?direction=out");
  none = list (bus->alice, "");
  g_assert_cmpstr (in, ==, "a c");
  g_assert_cmpstr (out, ==, "a b");
  g_assert_cmpstr (none, ==, "");
}

static void
what_is_scheduled_is_only_the_senders (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *in = NULL;
  g_autofree char *out = NULL;

  put (bus->alice, "{\"_id\":\"a\",\"to\":\"@bob\",\"message\":1,\"not_before\":4000000000}");
  in = list (bus->bob, "");
  out = list (bus->alice, "?direction=out");
  g_assert_cmpstr (in, ==, "");
  g_assert_cmpstr (out, ==, "a");
}

static void
what_has_ended_is_not_listed (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) confirmed = NULL;
  g_autofree char *in = NULL;
  g_autofree char *out = NULL;

  put (bus->alice, "{\"_id\":\"a\",\"to\":\"@bob\",\"message\":1}");
  confirmed = sb_test_http_post (bus->bob, "/confirm", "[\"a\"]");
  sb_test_assert_status (confirmed, 200);
  in = list (bus->bob, "");
  out = list (bus->alice, "?direction=out");
  g_assert_cmpstr (in, ==, "");
  g_assert_cmpstr (out, ==, "");
}

/* Path of the message of the first delivery that an admin finds. */
static char *
find_message (SbTestSite *bus, const char *recipient)
{
  g_autofree char *path = g_strconcat ("/api/v1/deliveries?recipient=", recipient, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (bus->admin, path);
  JsonArray *rows = json_object_get_array_member (sb_test_answer_object (answer), "deliveries");

  g_assert_cmpuint (json_array_get_length (rows), >, 0);
  return g_strdup_printf (
      "/api/v1/me/deliveries/%s/message",
      sb_test_json_string (json_array_get_object_element (rows, 0), "delivery"));
}

static guint
get_status (SbTestHttp *client, const char *path)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);

  return answer->status;
}

static void
sender_and_recipient_read_a_message_and_nobody_else (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);
  g_autoptr (SbTestAnswer) answer = NULL;
  g_autofree char *path = NULL;
  g_autofree char *log = NULL;

  put (bus->alice, "{\"_id\":\"a\",\"to\":\"@bob\",\"message\":{\"b\": 1}}");
  path = find_message (bus, "bob");
  answer = sb_test_http_get (bus->bob, path);
  sb_test_assert_status (answer, 200);
  g_assert_nonnull (strstr (answer->body, "{\"b\": 1}"));
  g_assert_cmpuint (get_status (bus->alice, path), ==, 200);
  g_assert_cmpuint (get_status (bus->carol, path), ==, 404);
  g_assert_cmpuint (get_status (stranger, path), ==, 401);
  /* An admin reads those of others where it is logged. */
  g_assert_cmpuint (get_status (bus->admin, path), ==, 404);
  log = sb_test_daemon_dup_log (bus->daemon);
  g_assert_null (strstr (log, "read the message"));
}

static void
deliveries_that_are_not_there_are_not_found (void)
{
  static const char *const names[] = { "x", "1:x", "0:a", "99999:a", ":a", "1:", "-1:a" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);

  put (bus->alice, "{\"_id\":\"a\",\"to\":\"@bob\",\"message\":1}");
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strdup_printf ("/api/v1/me/deliveries/%s/message", names[i]);

      g_assert_cmpuint (get_status (bus->alice, path), ==, 404);
    }
}

static void
what_is_scheduled_is_not_read_before_its_time (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *path = NULL;

  put (bus->alice, "{\"_id\":\"a\",\"to\":\"@bob\",\"message\":1,\"not_before\":4000000000}");
  path = find_message (bus, "bob");
  g_assert_cmpuint (get_status (bus->bob, path), ==, 404);
  g_assert_cmpuint (get_status (bus->alice, path), ==, 200);
}

/* The message lives on with carol. */
static void
what_was_moved_away_is_not_read (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) moved = NULL;
  g_autofree char *path = NULL;
  g_autofree char *name = NULL;
  g_autofree char *move = NULL;

  put (bus->alice, "{\"_id\":\"a\",\"to\":\"@bob\",\"message\":1}");
  path = find_message (bus, "bob");
  name = g_strndup (path + strlen ("/api/v1/me/deliveries/"),
                    strlen (path) - strlen ("/api/v1/me/deliveries//message"));
  move = g_strdup_printf ("/api/v1/deliveries/%s/move", name);
  moved = sb_test_http_post (bus->admin, move, "{\"to\":\"carol\"}");
  sb_test_assert_status (moved, 200);
  g_assert_cmpuint (get_status (bus->bob, path), ==, 404);
}

static void
files_that_wait_are_listed_without_the_others (void)
{
  static const char *const headers[] = { "Content-Type", FORM_TYPE, NULL };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autoptr (SbTestAnswer) sent = sb_test_http_send (bus->alice, "POST", "/put", headers, FORM, -1);
  g_autoptr (SbTestAnswer) mine = sb_test_http_get (bus->bob, "/api/v1/me/files");
  g_autoptr (SbTestAnswer) none = sb_test_http_get (bus->alice, "/api/v1/me/files");
  JsonArray *files;
  JsonObject *file;

  sb_test_assert_status (sent, 200);
  sb_test_assert_status (mine, 200);
  files = json_object_get_array_member (sb_test_answer_object (mine), "files");
  g_assert_cmpuint (json_array_get_length (files), ==, 1);
  file = json_array_get_object_element (files, 0);
  g_assert_cmpstr (sb_test_json_string (file, "sender"), ==, "alice");
  g_assert_cmpint (sb_test_json_int (file, "size"), ==, 5);
  g_assert_null (strstr (mine->body, "carol"));
  files = json_object_get_array_member (sb_test_answer_object (none), "files");
  g_assert_cmpuint (json_array_get_length (files), ==, 0);
}

static void
pages_follow_each_other (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL, NULL);
  g_autofree char *next = g_strdup ("");
  guint n = 0;

  for (guint i = 0; i < 25; i++)
    put (bus->alice, "{\"to\":\"@bob\",\"message\":1}");
  while (next != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/api/v1/me/deliveries?limit=10%s%s",
                                               *next != '\0' ? "&after=" : "", next);
      g_autoptr (SbTestAnswer) page = sb_test_http_get (bus->bob, path);
      JsonObject *object = sb_test_answer_object (page);

      sb_test_assert_status (page, 200);
      n += json_array_get_length (json_object_get_array_member (object, "deliveries"));
      g_free (next);
      next = g_strdup (sb_test_json_string (object, "next"));
    }
  g_assert_cmpuint (n, ==, 25);
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add_func ("/mine/" name, func)
  ADD ("everybody-sees-what-waits-for-it-and-what-it-has-sent",
       everybody_sees_what_waits_for_it_and_what_it_has_sent);
  ADD ("what-is-scheduled-is-only-the-senders", what_is_scheduled_is_only_the_senders);
  ADD ("what-has-ended-is-not-listed", what_has_ended_is_not_listed);
  ADD ("sender-and-recipient-read-a-message-and-nobody-else",
       sender_and_recipient_read_a_message_and_nobody_else);
  ADD ("deliveries-that-are-not-there-are-not-found", deliveries_that_are_not_there_are_not_found);
  ADD ("what-is-scheduled-is-not-read-before-its-time",
       what_is_scheduled_is_not_read_before_its_time);
  ADD ("what-was-moved-away-is-not-read", what_was_moved_away_is_not_read);
  ADD ("files-that-wait-are-listed-without-the-others",
       files_that_wait_are_listed_without_the_others);
  ADD ("pages-follow-each-other", pages_follow_each_other);
#undef ADD
  return g_test_run ();
}

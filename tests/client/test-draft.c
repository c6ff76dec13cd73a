/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-draft: what is sent and what was received, as bytes. */

#include "sb-test.h"

#include <simplebus-client.h>
#include <string.h>

static SbClientDraft *
make_draft (const char *to, const char *payload)
{
  const char *addresses[] = { to, NULL };
  g_autoptr (GError) error = NULL;
  SbClientDraft *draft = sb_client_draft_new (addresses, payload, &error);

  g_assert_no_error (error);
  return draft;
}

static void
assert_json (SbClientDraft *draft, const char *expected)
{
  g_autofree char *json = sb_client_draft_to_json (draft);

  g_assert_cmpstr (json, ==, expected);
}

static void
a_payload_keeps_its_bytes (void)
{
  g_autoptr (SbClientDraft) draft = make_draft (
      "@erp", "{ \"sum\":1.10,\"n\":12345678901234567890,\"\\u0041\":1}");

  assert_json (draft, "{\"to\":[\"@erp\"],\"message\":{ \"sum\":1.10,\"n\":12345678901234567890,"
                      "\"\\u0041\":1}}");
}

static void
all_that_is_set_is_in_it (void)
{
  g_autoptr (SbClientDraft) draft = make_draft ("#orders", "null");
  g_autoptr (GError) error = NULL;
  const char *uids[] = { "cfg-1", "cfg-2", NULL };

  g_assert_true (sb_client_draft_set_id (draft, "order-1", &error));
  sb_client_draft_set_uids (draft, uids);
  sb_client_draft_set_ttl (draft, 60);
  sb_client_draft_set_not_before (draft, 1900000000);
  g_assert_true (sb_client_draft_set_member (draft, "recipient", "\"feed\"", &error));
  g_assert_true (sb_client_draft_set_member (draft, "recipient", "\"shop\"", &error));
  g_assert_no_error (error);
  assert_json (draft,
               "{\"to\":[\"#orders\"],\"_id\":\"order-1\",\"uid\":[\"cfg-1\",\"cfg-2\"],"
               "\"ttl\":60,\"not_before\":1900000000,\"recipient\":\"shop\",\"message\":null}");
}

static void
what_is_no_draft_is_refused (void)
{
  static const struct
  {
    const char *to;
    const char *payload;
  } bad[] = {
    { "@a", "" },         { "@a", "{'a':1}" }, { "@a", "1 2" },     { "@a", "[1,]" },
    { "@a", "\"\xff\"" }, { "@a", "// 1" },    { "", "1" },         { "@", "1" },
    { "#", "1" },         { "$some", "1" },    { "\xff\xfe", "1" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      const char *addresses[] = { bad[i].to, NULL };
      g_autoptr (GError) error = NULL;

      g_assert_null (sb_client_draft_new (addresses, bad[i].payload, &error));
      g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
    }
}

static char *
nest (guint depth)
{
  GString *json = g_string_new (NULL);

  for (guint i = 0; i < depth; i++)
    g_string_append_c (json, '[');
  for (guint i = 0; i < depth; i++)
    g_string_append_c (json, ']');
  return g_string_free (json, FALSE);
}

/* The bus counts from the message's own braces. */
static void
a_payload_may_nest_as_deep_as_the_bus_takes_it (void)
{
  g_autofree char *deepest = nest (63);
  g_autofree char *deeper = nest (64);
  const char *addresses[] = { "@a", NULL };
  g_autoptr (SbClientDraft) draft = make_draft ("@a", deepest);
  g_autoptr (GError) error = NULL;

  g_assert_null (sb_client_draft_new (addresses, deeper, &error));
  g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
}

static void
members_of_the_envelope_are_not_set_as_members (void)
{
  static const char *const names[] = { "_id", "sender", "to",  "message",
                                       "uid", "direct", "ttl", "not_before" };
  g_autoptr (SbClientDraft) draft = make_draft ("@a", "1");

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (sb_client_draft_set_member (draft, names[i], "1", &error));
      g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
    }
}

static void
ids_are_what_the_bus_takes (void)
{
  g_autofree char *longest = g_strnfill (128, 'x');
  g_autofree char *longer = g_strnfill (129, 'x');
  const char *const good[] = { "a", "ü-1", "a b", longest };
  const char *const bad[] = { "", "a/b", "a\\b", "a\nb", "\x7f", "\xff", longer };
  g_autoptr (SbClientDraft) draft = make_draft ("@a", "1");

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (sb_client_draft_set_id (draft, good[i], NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (sb_client_draft_set_id (draft, bad[i], &error));
      g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
    }
  g_assert_cmpstr (sb_client_draft_get_id (draft), ==, longest);
}

static void
a_whole_message_is_taken_apart_and_put_together (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClientDraft) draft = sb_client_draft_new_from_json (
      " { \"x\\u0031\" : [1.0 , {}] , \"sender\":\"me\", \"to\":\"@a\" , \"ttl\": 5,\n"
      "\"direct\":false,\"_id\":\"\\u0069d\",\"type\":\"order\",\"message\" : { \"a\": 1.10 } } ",
      &error);

  g_assert_no_error (error);
  g_assert_cmpstr (sb_client_draft_get_id (draft), ==, "id");
  assert_json (draft,
               "{\"to\":\"@a\",\"_id\":\"id\",\"ttl\":5,\"x1\":[1.0 , {}],\"type\":\"order\","
               "\"message\":{ \"a\": 1.10 }}");
}

static void
what_is_no_whole_message_is_refused (void)
{
  static const char *const bad[] = {
    "",
    "[]",
    "{}",
    "{\"to\":\"@a\"}",
    "{\"message\":1}",
    "{\"to\":\"@a\",\"message\":1,\"_id\":1}",
    "{\"to\":\"@a\",\"message\":1,\"_id\":\"a/b\"}",
    "{\"to\":\"@a\",\"message\":1,\"ttl\":\"x\"}",
    "{\"to\":\"@a\",\"message\":1,\"direct\":1}",
    "{\"to\":\"@a\",\"message\":1,\"to\":\"@b\"}",
    "{\"to\":\"@a\",\"message\":1} x",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (sb_client_draft_new_from_json (bad[i], &error));
      g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
    }
}

/* A draft may be sent with one file after the other. */
static void
each_sending_is_a_message_of_its_own (void)
{
  g_autoptr (SbTestDir) folder = sb_test_make_dir ();
  g_autofree char *path = g_build_filename (folder, "a.txt", NULL);
  g_autofree char *state = g_build_filename (folder, "state", NULL);
  g_autoptr (SbClientDraft) draft = make_draft ("@a", "1");
  g_autoptr (SbClient) client = g_object_new (SB_TYPE_CLIENT, "url", "http://127.0.0.1:9", "user",
                                              "me", "state-dir", state, NULL);
  g_autoptr (SbClientTransfer) first = NULL;
  g_autoptr (SbClientTransfer) second = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "a", 1, NULL));
  first = sb_client_send_file (client, draft, path, NULL, &error);
  g_assert_no_error (error);
  second = sb_client_send_file (client, draft, path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (sb_client_transfer_get_id (first), !=, sb_client_transfer_get_id (second));
  g_assert_null (sb_client_draft_get_id (draft));
}

/* --- What was received --- */

static SbClientMessage *
read_message (const char *json, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (json, strlen (json));

  return sb_client_message_new (bytes, error);
}

static void
a_message_tells_what_is_in_it (void)
{
  const char *json =
      "{\"_id\":\"a\\u00fc\",\"sender\":\"shop\",\"message\":{\"sum\":1.10},\"x\":1}";
  g_autoptr (SbClientMessage) message = read_message (json, NULL);
  g_autofree char *payload = sb_client_message_dup_payload (message);

  g_assert_cmpstr (sb_client_message_get_id (message), ==, "aü");
  g_assert_cmpstr (sb_client_message_get_sender (message), ==, "shop");
  g_assert_cmpstr (sb_client_message_get_json (message), ==, json);
  g_assert_cmpstr (payload, ==, "{\"sum\":1.10}");
  g_assert_false (sb_client_message_is_file (message));
}

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
a_notice_tells_of_its_file (void)
{
  g_autoptr (SbClientMessage) message = read_message (
      "{\"type\":\"file\",\"_id\":\"a\",\"sender\":\"s\",\"filename\":\"a_b.pdf\","
      "\"display_filename\":\"Счёт.pdf\",\"size\":5000000000,\"sha256\":\"" SHA "\"}",
      NULL);

  g_assert_true (sb_client_message_is_file (message));
  g_assert_cmpstr (sb_client_message_get_file_name (message), ==, "a_b.pdf");
  g_assert_cmpstr (sb_client_message_get_display_name (message), ==, "Счёт.pdf");
  g_assert_cmpint (sb_client_message_get_file_size (message), ==, G_GINT64_CONSTANT (5000000000));
  g_assert_cmpstr (sb_client_message_get_sha256 (message), ==, SHA);
  g_assert_null (sb_client_message_dup_payload (message));
}

/* Members of other kinds than they should have are none. */
static void
a_strange_notice_does_no_harm (void)
{
  static const char *const notices[] = {
    "{\"type\":\"file\",\"_id\":\"a\"}",
    "{\"type\":\"file\",\"_id\":\"a\",\"filename\":17,\"size\":\"x\"}",
    "{\"type\":\"file\",\"_id\":\"a\",\"filename\":{\"a\":1},\"sha256\":[]}",
    "{\"type\":\"file\",\"_id\":\"a\",\"filename\":\"\"}",
    "{\"type\":\"file\",\"_id\":\"a\",\"filename\":null}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (notices); i++)
    {
      g_autoptr (SbClientMessage) message = read_message (notices[i], NULL);

      g_assert_nonnull (message);
      g_assert_false (sb_client_message_is_file (message));
      g_assert_null (sb_client_message_get_sha256 (message));
    }
}

static void
what_is_no_message_is_refused (void)
{
  static const char *const bad[] = {
    "", "[]", "{}", "{\"_id\":1}", "{\"_id\":\"a\"", "{\"_id\":\"a\"} x", "{'_id':'a'}"
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (read_message (bad[i], &error));
      g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL);
    }
}

static void
settings_of_a_device_make_a_client (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClient) client = sb_client_new_from_settings (
      "{\"BusURL\":\"ws://bus:8000\",\"BusURLHttp\":\"http://bus:2555/\",\"BusID\":\"user1\","
      "\"BusPassword\":\"pw\"}",
      &error);

  g_assert_no_error (error);
  g_assert_cmpstr (sb_client_get_url (client), ==, "http://bus:2555");
  g_assert_cmpstr (sb_client_get_websocket_url (client), ==, "ws://bus:8000");
  g_assert_cmpstr (sb_client_get_user (client), ==, "user1");
}

static void
one_address_is_enough (void)
{
  g_autoptr (SbClient) client = sb_client_new ("https://bus.example/", "user1", NULL);

  g_assert_cmpstr (sb_client_get_websocket_url (client), ==, "wss://bus.example/ws");
}

static void
strange_settings_are_refused (void)
{
  static const char *const bad[] = {
    "", "[]", "{}", "{\"BusURLHttp\":\"http://b\"}", "{\"BusURLHttp\":1,\"BusID\":2}", "{'a':1}"
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (sb_client_new_from_settings (bad[i], &error));
      g_assert_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);

  g_test_add_func ("/draft/a-payload-keeps-its-bytes", a_payload_keeps_its_bytes);
  g_test_add_func ("/draft/all-that-is-set-is-in-it", all_that_is_set_is_in_it);
  g_test_add_func ("/draft/what-is-no-draft-is-refused", what_is_no_draft_is_refused);
  g_test_add_func ("/draft/a-payload-may-nest-as-deep-as-the-bus-takes-it",
                   a_payload_may_nest_as_deep_as_the_bus_takes_it);
  g_test_add_func ("/draft/members-of-the-envelope-are-not-set-as-members",
                   members_of_the_envelope_are_not_set_as_members);
  g_test_add_func ("/draft/ids-are-what-the-bus-takes", ids_are_what_the_bus_takes);
  g_test_add_func ("/draft/a-whole-message-is-taken-apart-and-put-together",
                   a_whole_message_is_taken_apart_and_put_together);
  g_test_add_func ("/draft/what-is-no-whole-message-is-refused",
                   what_is_no_whole_message_is_refused);
  g_test_add_func ("/draft/each-sending-is-a-message-of-its-own",
                   each_sending_is_a_message_of_its_own);
  g_test_add_func ("/message/tells-what-is-in-it", a_message_tells_what_is_in_it);
  g_test_add_func ("/message/a-notice-tells-of-its-file", a_notice_tells_of_its_file);
  g_test_add_func ("/message/a-strange-notice-does-no-harm", a_strange_notice_does_no_harm);
  g_test_add_func ("/message/what-is-no-message-is-refused", what_is_no_message_is_refused);
  g_test_add_func ("/settings/of-a-device-make-a-client", settings_of_a_device_make_a_client);
  g_test_add_func ("/settings/one-address-is-enough", one_address_is_enough);
  g_test_add_func ("/settings/strange-ones-are-refused", strange_settings_are_refused);

  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-put: POST /put of guaranteed messages: what is taken, what is refused, what is answered. */

#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

static SbTestAnswer *
put_with (SbTestHttp *client, const char *header, const char *value, const char *body)
{
  const char *const headers[] = { header, value, NULL };

  return sb_test_http_send (client, "POST", "/put", headers, body, -1);
}

/* --- What is answered --- */

static void
test_answers_id_and_recipients (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (
      bus->alice, "/put", "{\"_id\":\"m-1\",\"to\":[\"@bob\",\"@carol\"],\"message\":{\"a\":1}}");

  sb_test_assert_status (answer, 200);
  g_assert_cmpstr (sb_test_answer_header (answer, "Content-Type"), ==, "application/json");
  g_assert_cmpstr (answer->body, ==, "{\"_id\":\"m-1\",\"recipients\":2}");
}

static void
test_makes_ids_that_grow (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *previous = g_strdup ("");

  for (guint i = 0; i < 20; i++)
    {
      char *id = sb_test_put (bus->alice, "{\"to\":\"@bob\",\"message\":null}");

      g_assert_cmpuint (strlen (id), ==, 32);
      g_assert_cmpuint (strspn (id, "0123456789abcdef"), ==, 32);
      g_assert_cmpstr (id, >, previous);
      g_free (previous);
      previous = id;
    }
}

static void
test_sets_the_sender_itself (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *id = sb_test_put (bus->alice,
                                     "{\"to\":\"@bob\",\"sender\":\"carol\",\"message\":1}");
  g_autoptr (SbTestAnswer) got = sb_test_http_get (bus->bob, "/get");
  JsonArray *messages = json_node_get_array (got->json);

  g_assert_cmpuint (json_array_get_length (messages), ==, 1);
  g_assert_cmpstr (
      json_object_get_string_member (json_array_get_object_element (messages, 0), "sender"), ==,
      "alice");
  g_assert_null (strstr (got->body, "carol"));
}

/* --- Whom a message goes to --- */

static const struct
{
  const char *to;
  guint n;
  const char *recipients; /* sorted */
  const char *unknown;
} routes[] = {
  { "\"@bob\"", 1, "bob", NULL },
  { "[\"@bob\"]", 1, "bob", NULL },
  { "[\"@alice\"]", 1, "alice", NULL },
  { "[\"@bob\",\"@carol\"]", 2, "bob,carol", NULL },
  { "[\"@bob\",\"@bob\"]", 1, "bob", NULL },
  { "[\"#orders\"]", 2, "bob,carol", NULL },
  { "[\"orders\"]", 2, "bob,carol", NULL },
  { "\"orders\"", 2, "bob,carol", NULL },
  { "[\"#orders\",\"@bob\",\"#news\"]", 2, "bob,carol", NULL },
  { "[\"$all\"]", 4, "admin,alice,bob,carol", NULL },
  { "\"$all\"", 4, "admin,alice,bob,carol", NULL },
  { "[\"$all\",\"@bob\",\"#news\"]", 4, "admin,alice,bob,carol", NULL },
  { "[\"#sales\",\"@bob\"]", 1, "bob", "#sales" },
  { "[\"#sales\",\"@alice\"]", 1, "alice", "#sales" },
  { "[\"@nobody\",\"@bob\"]", 1, "bob", "@nobody" },
  { "[\"#nothing\",\"@bob\",\"@BOB\"]", 1, "bob", "#nothing,@BOB" },
  { "[\"\\u0040bob\"]", 1, "bob", NULL },
};

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (a, b);
}

static char *
get_recipients (SbTestHttp *client, const char *id)
{
  g_autofree char *path = g_strconcat ("/status/", id, NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, path);
  JsonObject *recipients = sb_test_json_member (sb_test_answer_object (answer), "recipients");
  g_autoptr (GList) names = g_list_sort (json_object_get_members (recipients), compare_names);
  g_autoptr (GString) text = g_string_new (NULL);

  for (GList *l = names; l != NULL; l = l->next)
    g_string_append_printf (text, "%s%s", l != names ? "," : "", (const char *) l->data);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_routes_by_user_tag_and_all (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (routes); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
          bus->alice, "/put", "{\"to\":%s,\"message\":1}", routes[i].to);
      g_autofree char *recipients = NULL;
      g_autofree char *unknown = NULL;

      g_test_message ("%s", routes[i].to);
      sb_test_assert_status (answer, 200);
      g_assert_cmpint (sb_test_json_int (sb_test_answer_object (answer), "recipients"), ==,
                       routes[i].n);
      recipients = get_recipients (bus->alice, sb_test_answer_string (answer, "_id"));
      g_assert_cmpstr (recipients, ==, routes[i].recipients);
      unknown = sb_test_json_strings (sb_test_answer_object (answer), "unknown");
      g_assert_cmpstr (unknown, ==, routes[i].unknown);
    }
}

static void
test_refuses_a_message_for_nobody (void)
{
  static const char *const addresses[] = { "\"@nobody\"", "[\"#nothing\"]", "[\"#sales\"]",
                                           "[\"bob\"]" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_postf (
          bus->alice, "/put", "{\"to\":%s,\"message\":1}", addresses[i]);

      g_test_message ("%s", addresses[i]);
      sb_test_assert_problem (answer, 404, "not-found");
    }
}

/* --- What is refused --- */

static const char *const malformed[] = {
  /* Addresses */
  "{\"message\":1}",
  "{\"to\":[],\"message\":1}",
  "{\"to\":\"\",\"message\":1}",
  "{\"to\":[\"\"],\"message\":1}",
  "{\"to\":\"@\",\"message\":1}",
  "{\"to\":[\"@bob\",\"#\"],\"message\":1}",
  "{\"to\":[\"@bob\",1],\"message\":1}",
  "{\"to\":[[\"@bob\"]],\"message\":1}",
  "{\"to\":1,\"message\":1}",
  "{\"to\":null,\"message\":1}",
  "{\"to\":{\"@bob\":1},\"message\":1}",
  "{\"to\":[\"$\"],\"message\":1}",
  "{\"to\":[\"$everybody\"],\"message\":1}",
  "{\"to\":[\"$ALL\"],\"message\":1}",
  "{\"to\":[\"@\\u0000bob\"],\"message\":1}",
  /* Members */
  "{\"to\":\"@bob\"}",
  "{\"to\":\"@bob\",\"message\":1,\"_id\":\"\"}",
  "{\"to\":\"@bob\",\"message\":1,\"_id\":5}",
  "{\"to\":\"@bob\",\"message\":1,\"_id\":null}",
  "{\"to\":\"@bob\",\"message\":1,\"_id\":\"a/b\"}",
  "{\"to\":\"@bob\",\"message\":1,\"_id\":\"a\\\\b\"}",
  "{\"to\":\"@bob\",\"message\":1,\"_id\":\"a\\nb\"}",
  "{\"to\":\"@bob\",\"message\":1,\"_id\":\"a\\u0000b\"}",
  "{\"to\":\"@bob\",\"message\":1,\"_id\":\"a\\u007fb\"}",
  "{\"to\":\"@bob\",\"message\":1,\"direct\":\"yes\"}",
  "{\"to\":\"@bob\",\"message\":1,\"direct\":1}",
  "{\"to\":\"@bob\",\"message\":1,\"ttl\":-1}",
  "{\"to\":\"@bob\",\"message\":1,\"ttl\":1.5}",
  "{\"to\":\"@bob\",\"message\":1,\"ttl\":\"10\"}",
  "{\"to\":\"@bob\",\"message\":1,\"ttl\":1e3}",
  "{\"to\":\"@bob\",\"message\":1,\"ttl\":99999999999999999999}",
  "{\"to\":\"@bob\",\"message\":1,\"not_before\":-1}",
  "{\"to\":\"@bob\",\"message\":1,\"not_before\":\"now\"}",
  "{\"to\":\"@bob\",\"message\":1,\"not_before\":99999999999999999999}",
  /* The bus's own types */
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"connect\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"confirmation\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"ping\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"pong\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"ERROR\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"file\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"connected\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"accepted\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"expired\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"\\u0070ing\"}",
  /* One envelope key twice */
  "{\"to\":\"@bob\",\"to\":\"@bob\",\"message\":1}",
  "{\"to\":\"@bob\",\"message\":1,\"message\":2}",
  "{\"to\":\"@bob\",\"message\":1,\"_id\":\"a\",\"_id\":\"a\"}",
  "{\"to\":\"@bob\",\"message\":1,\"t\\u006f\":\"@carol\"}",
  "{\"to\":\"@bob\",\"message\":1,\"sender\":\"a\",\"sender\":\"b\"}",
  "{\"to\":\"@bob\",\"message\":1,\"type\":\"a\",\"type\":\"b\"}",
  /* No object */
  "[]",
  "[{\"to\":\"@bob\",\"message\":1}]",
  "\"to\"",
  "1",
  "null",
};

static void
test_refuses_what_is_no_message (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) got = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (malformed); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->alice, "/put", malformed[i]);

      g_test_message ("%s", malformed[i]);
      sb_test_assert_problem (answer, 400, "invalid");
    }
  got = sb_test_http_get (bus->bob, "/get");
  g_assert_cmpstr (got->body, ==, "[]");
}

/* [text, the offset that the error must name] */
static const struct
{
  const char *text;
  gssize length; /* -1: a string */
  gsize offset;
} faulty_json[] = {
  { "{", -1, 1 },
  { "{\"to\":\"@bob\",\"message\":1", -1, 24 },
  { "{\"to\":\"@bob\",\"message\":1}x", -1, 25 },
  { "{\"to\":\"@bob\",\"message\":1,}", -1, 25 },
  { "{\"to\":\"@bob\",\"message\":[1,]}", -1, 26 },
  { "{\"to\":\"@bob\",\"message\":NaN}", -1, 23 },
  { "{\"to\":\"@bob\",\"message\":01}", -1, 23 },
  { "{\"to\":\"@bob\",\"message\":1.}", -1, 25 },
  { "{\"to\":\"@bob\",\"message\":+1}", -1, 23 },
  { "{\"to\":\"@bob\",\"message\":'a'}", -1, 23 },
  { "{\"to\":\"@bob\",/**/\"message\":1}", -1, 13 },
  { "{to:\"@bob\",\"message\":1}", -1, 1 },
  { "\xef\xbb\xbf{\"to\":\"@bob\",\"message\":1}", -1, 0 },
  { "{\"to\":\"@bob\",\"message\":\"\xff\"}", -1, 24 },
  { "{\"to\":\"@bob\",\"message\":\"\xc0\x80\"}", -1, 24 },
  { "{\"to\":\"@bob\",\"message\":\"\xed\xa0\x80\"}", -1, 24 },
  { "{\"to\":\"@bob\",\"message\":\"a\nb\"}", -1, 25 },
  { "{\"to\":\"@bob\",\"message\":\"\\x\"}", -1, 24 },
  { "{\"to\":\"@bob\",\"message\":1}\0", 26, 25 },
};

static void
test_names_the_offset_of_a_fault (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (faulty_json); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_send (
          bus->alice, "POST", "/put", NULL, faulty_json[i].text, faulty_json[i].length);
      g_autofree char *place = g_strdup_printf ("at byte %" G_GSIZE_FORMAT, faulty_json[i].offset);

      g_test_message ("%s", faulty_json[i].text);
      sb_test_assert_problem (answer, 400, "invalid");
      if (!g_str_has_suffix (sb_test_answer_string (answer, "detail"), place))
        g_error ("%s: not %s", sb_test_answer_string (answer, "detail"), place);
    }
}

static void
test_refuses_an_empty_body (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->alice, "/put", "");

  sb_test_assert_problem (answer, 400, "invalid");
}

static char *
nest (guint depth)
{
  GString *text = g_string_new ("{\"to\":\"@bob\",\"message\":");

  /* The object itself is the first level. */
  for (guint i = 1; i < depth; i++)
    g_string_append_c (text, '[');
  for (guint i = 1; i < depth; i++)
    g_string_append_c (text, ']');
  g_string_append_c (text, '}');
  return g_string_free (text, FALSE);
}

static void
test_takes_64_levels_and_no_more (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *deepest = nest (64);
  g_autofree char *deeper = nest (65);
  g_autoptr (SbTestAnswer) good = sb_test_http_post (bus->alice, "/put", deepest);
  g_autoptr (SbTestAnswer) bad = sb_test_http_post (bus->alice, "/put", deeper);

  sb_test_assert_status (good, 200);
  sb_test_assert_problem (bad, 400, "invalid");
}

static void
test_takes_ids_of_up_to_128_characters (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (GString) id = g_string_new (NULL);
  g_autoptr (SbTestAnswer) good = NULL;
  g_autoptr (SbTestAnswer) bad = NULL;

  for (guint i = 0; i < 128; i++)
    g_string_append (id, "ж");
  good = sb_test_http_postf (bus->alice, "/put", "{\"to\":\"@bob\",\"message\":1,\"_id\":\"%s\"}",
                             id->str);
  sb_test_assert_status (good, 200);
  g_assert_cmpstr (sb_test_answer_string (good, "_id"), ==, id->str);
  bad = sb_test_http_postf (bus->alice, "/put", "{\"to\":\"@bob\",\"message\":1,\"_id\":\"%sx\"}",
                            id->str);
  sb_test_assert_problem (bad, 400, "invalid");
}

static void
test_takes_every_other_member_and_type (void)
{
  static const char *const bodies[] = {
    "{\"to\":\"@bob\",\"message\":null}",
    "{\"to\":\"@bob\",\"message\":\"\",\"uid\":\"cfg-1\",\"recipient\":\"feed\"}",
    "{\"to\":\"@bob\",\"message\":{},\"uid\":[\"cfg-1\",\"cfg-2\"],\"type\":\"order\"}",
    "{\"to\":\"@bob\",\"message\":[],\"type\":\"Ping\",\"x\":1,\"x\":2}",
    "{\"to\":\"@bob\",\"message\":false,\"type\":7,\"direct\":false}",
    " \t\r\n{ \"to\" : [ \"@bob\" ] , \"message\" : 1 } \n",
    "{\"to\":\"@bob\",\"message\":1,\"data\":{\"_id\":\"inner\",\"to\":[]}}",
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (bodies); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (bus->alice, "/put", bodies[i]);

      g_test_message ("%s", bodies[i]);
      sb_test_assert_status (answer, 200);
    }
}

static void
test_demands_uid_when_told_to (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.require-uid=true", NULL);
  g_autoptr (SbTestAnswer) bad = sb_test_http_post (bus->alice, "/put",
                                                    "{\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) good = sb_test_http_post (
      bus->alice, "/put", "{\"to\":\"@bob\",\"message\":1,\"uid\":[\"c\"]}");

  sb_test_assert_problem (bad, 400, "invalid");
  g_assert_nonnull (strstr (sb_test_answer_string (bad, "detail"), "uid"));
  sb_test_assert_status (good, 200);
}

/* --- The header Message-Type --- */

static void
test_knows_the_message_types (void)
{
  static const struct
  {
    const char *type;
    const char *more;
    guint status;
  } rows[] = {
    { "", "", 200 },
    { " ", "", 200 },
    { "queue", "", 200 },
    { " Queue ", "", 200 },
    { "queue", ",\"direct\":false", 200 },
    { "", ",\"direct\":false", 200 },
    { "bogus", "", 400 },
    { "queue, direct", "", 400 },
    { "queue", ",\"direct\":true", 400 },
    { "direct", ",\"direct\":false", 400 },
  };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *body = g_strdup_printf ("{\"to\":\"@bob\",\"message\":1%s}", rows[i].more);
      g_autoptr (SbTestAnswer) answer = put_with (bus->alice, "Message-Type", rows[i].type, body);

      g_test_message ("'%s' %s", rows[i].type, rows[i].more);
      sb_test_assert_status (answer, rows[i].status);
    }
}

/* --- Who may send --- */

static void
test_refuses_strangers (void)
{
  static const char *const pairs[][2] = { { "alice", "wrong" },    { "nobody", "alice-pw" },
                                          { "Alice", "alice-pw" }, { "", "" },
                                          { "alice", "" },         { NULL, NULL } };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autoptr (SbTestHttp) client = sb_test_http_for (bus->daemon, pairs[i][0], pairs[i][1]);
      g_autoptr (SbTestAnswer) answer = sb_test_http_post (client, "/put",
                                                           "{\"to\":\"@bob\",\"message\":1}");

      sb_test_assert_problem (answer, 401, "unauthorized");
      g_assert_nonnull (sb_test_answer_header (answer, "WWW-Authenticate"));
      g_assert_true (
          g_str_has_prefix (sb_test_answer_header (answer, "WWW-Authenticate"), "Basic realm="));
    }
}

static void
test_refuses_other_authorization (void)
{
  static const char *const values[] = { "Bearer abc",     "Basic",    "Basic !!!",
                                        "Basic YWxpY2U=", "Digest x", "basic" };
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestHttp) stranger = sb_test_http_for (bus->daemon, NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    {
      g_autoptr (SbTestAnswer) answer = put_with (stranger, "Authorization", values[i],
                                                  "{\"to\":\"@bob\",\"message\":1}");

      g_test_message ("%s", values[i]);
      sb_test_assert_status (answer, 401);
    }
}

/* --- The same again --- */

static void
test_takes_an_id_of_a_sender_once (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autoptr (SbTestAnswer) first = sb_test_http_post (
      bus->alice, "/put", "{\"_id\":\"x\",\"to\":\"#orders\",\"message\":\"first\"}");
  g_autoptr (SbTestAnswer) again = sb_test_http_post (
      bus->alice, "/put", "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":\"second\"}");
  g_autoptr (SbTestAnswer) got = NULL;

  sb_test_assert_status (first, 200);
  g_assert_false (json_object_has_member (sb_test_answer_object (first), "duplicate"));
  sb_test_assert_status (again, 200);
  g_assert_true (sb_test_json_bool (sb_test_answer_object (again), "duplicate"));
  g_assert_cmpstr (sb_test_answer_string (again, "_id"), ==, "x");
  got = sb_test_http_get (bus->bob, "/get");
  g_assert_cmpuint (json_array_get_length (json_node_get_array (got->json)), ==, 1);
  g_assert_nonnull (strstr (got->body, "first"));
}

static void
test_refuses_the_id_of_another_sender (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new (NULL);
  g_autofree char *id = sb_test_put (bus->alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (
      bus->carol, "/put", "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":2}");

  sb_test_assert_problem (answer, 409, "conflict");
}

static void
test_answers_both_of_two_at_once (void)
{
  static const char body[] = "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}";
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  SbTestExchange *exchanges[8];
  guint n_first = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (exchanges); i++)
    exchanges[i] = sb_test_http_begin (bus->alice, "POST", "/put", NULL, body, -1);
  for (gsize i = 0; i < G_N_ELEMENTS (exchanges); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_end (exchanges[i]);

      sb_test_assert_status (answer, 200);
      if (!json_object_has_member (sb_test_answer_object (answer), "duplicate"))
        n_first++;
    }
  g_assert_cmpuint (n_first, ==, 1);
}

static void
test_knows_a_duplicate_after_the_end (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.store=sqlite", NULL);
  g_autofree char *id = sb_test_put (bus->alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) confirmed = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");
  g_autoptr (SbTestAnswer) again = NULL;

  sb_test_assert_status (confirmed, 200);
  sb_test_site_restart (bus);
  again = sb_test_http_post (bus->alice, "/put", "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  sb_test_assert_status (again, 200);
  g_assert_true (sb_test_json_bool (sb_test_answer_object (again), "duplicate"));
}

static gboolean
is_new_again (gpointer user_data)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_post (
      user_data, "/put", "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");

  sb_test_assert_status (answer, 200);
  return !json_object_has_member (sb_test_answer_object (answer), "duplicate");
}

static void
test_forgets_an_id_in_time (void)
{
  g_autoptr (SbTestSite) bus = sb_test_site_new ("bus.remember=1", NULL);
  g_autofree char *id = sb_test_put (bus->alice, "{\"_id\":\"x\",\"to\":\"@bob\",\"message\":1}");
  g_autoptr (SbTestAnswer) confirmed = sb_test_http_post (bus->bob, "/confirm", "[\"x\"]");

  sb_test_wait_for (is_new_again, bus->alice, "an id that is forgotten");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/put/answers-id-and-recipients", test_answers_id_and_recipients);
  g_test_add_func ("/put/makes-ids-that-grow", test_makes_ids_that_grow);
  g_test_add_func ("/put/sets-the-sender-itself", test_sets_the_sender_itself);
  g_test_add_func ("/put/routes-by-user-tag-and-all", test_routes_by_user_tag_and_all);
  g_test_add_func ("/put/refuses-a-message-for-nobody", test_refuses_a_message_for_nobody);
  g_test_add_func ("/put/refuses-what-is-no-message", test_refuses_what_is_no_message);
  g_test_add_func ("/put/names-the-offset-of-a-fault", test_names_the_offset_of_a_fault);
  g_test_add_func ("/put/refuses-an-empty-body", test_refuses_an_empty_body);
  g_test_add_func ("/put/takes-64-levels-and-no-more", test_takes_64_levels_and_no_more);
  g_test_add_func ("/put/takes-ids-of-up-to-128-characters",
                   test_takes_ids_of_up_to_128_characters);
  g_test_add_func ("/put/takes-every-other-member-and-type",
                   test_takes_every_other_member_and_type);
  g_test_add_func ("/put/demands-uid-when-told-to", test_demands_uid_when_told_to);
  g_test_add_func ("/put/knows-the-message-types", test_knows_the_message_types);
  g_test_add_func ("/put/refuses-strangers", test_refuses_strangers);
  g_test_add_func ("/put/refuses-other-authorization", test_refuses_other_authorization);
  g_test_add_func ("/put/takes-an-id-of-a-sender-once", test_takes_an_id_of_a_sender_once);
  g_test_add_func ("/put/refuses-the-id-of-another-sender", test_refuses_the_id_of_another_sender);
  g_test_add_func ("/put/answers-both-of-two-at-once", test_answers_both_of_two_at_once);
  g_test_add_func ("/put/knows-a-duplicate-after-the-end", test_knows_a_duplicate_after_the_end);
  g_test_add_func ("/put/forgets-an-id-in-time", test_forgets_an_id_in_time);
  return g_test_run ();
}

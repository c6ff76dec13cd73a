/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-message: a message's life, and what its `_id` and `type` may be. */

#include "sb-error.h"
#include "sb-message.h"
#include "sb-test.h"

#include <string.h>

static SbMessage *
make (char *id, char *sender, const char *body)
{
  return sb_message_new (id, sender, 7, g_bytes_new (body, strlen (body)), 1000, 2000, 3000);
}

static void
carries_what_it_was_made_of (void)
{
  g_autofree char *id = g_strdup ("an id");
  g_autofree char *sender = g_strdup ("a sender");
  g_autoptr (SbMessage) message = make (id, sender, "the body");

  memset (id, 'x', strlen (id));
  memset (sender, 'x', strlen (sender));
  g_assert_cmpstr (message->id, ==, "an id");
  g_assert_cmpstr (message->sender, ==, "a sender");
  g_assert_cmpint (message->sender_key, ==, 7);
  g_assert_cmpint (message->accepted, ==, 1000);
  g_assert_cmpint (message->not_before, ==, 2000);
  g_assert_cmpint (message->deadline, ==, 3000);
  g_assert_cmpuint (sb_message_get_size (message), ==, 8);
  g_assert_cmpmem (g_bytes_get_data (message->body, NULL), 8, "the body", 8);
}

static void
is_the_same_one_when_boxed (void)
{
  g_autoptr (SbMessage) message = make ((char *) "id", (char *) "sender", "");
  SbMessage *copy = g_boxed_copy (SB_TYPE_MESSAGE, message);

  g_assert_true (copy == message);
  g_boxed_free (SB_TYPE_MESSAGE, copy);
  g_assert_cmpstr (message->id, ==, "id");
}

static void
carries_a_file_when_it_announces_one (void)
{
  const guint8 digest[SB_FILE_DIGEST_SIZE] = { 1 };
  SbFile *file = sb_file_new ("0123456789abcdef0123456789abcdef", "stored", "shown", 9, digest);
  g_autoptr (SbMessage) plain = make ((char *) "id", (char *) "sender", "");
  g_autoptr (SbMessage) message = sb_message_new_with_file (
      "id", "sender", 7, g_bytes_new_static ("notice", 6), 1000, 2000, 3000, file);

  g_assert_null (plain->file);
  g_assert_true (message->file == file);
  /* It has a reference of its own. */
  sb_file_unref (file);
  g_assert_cmpstr (message->file->name, ==, "stored");
  g_assert_cmpstr (message->id, ==, "id");
  g_assert_cmpstr (message->sender, ==, "sender");
  g_assert_cmpint (message->sender_key, ==, 7);
  g_assert_cmpint (message->accepted, ==, 1000);
  g_assert_cmpint (message->not_before, ==, 2000);
  g_assert_cmpint (message->deadline, ==, 3000);
  g_assert_cmpuint (sb_message_get_size (message), ==, 6);
}

static void
note_end_cb (gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

static gpointer
drop_many (gpointer data)
{
  SbMessage *message = data;

  for (guint i = 0; i < 10000; i++)
    sb_message_unref (sb_message_ref (message));
  sb_message_unref (message);
  return NULL;
}

static void
ends_with_its_last_reference_in_any_thread (void)
{
  gboolean ended = FALSE;
  GBytes *body = g_bytes_new_with_free_func ("x", 1, note_end_cb, &ended);
  SbMessage *message = sb_message_new ("id", "sender", 1, body, 0, 0, 0);
  GThread *threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("drop", drop_many, sb_message_ref (message));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_false (ended);
  sb_message_unref (message);
  g_assert_true (ended);
}

static void
takes_ids_of_1_to_128_characters (void)
{
  g_autofree char *latin = g_strnfill (SB_MESSAGE_MAX_ID + 1, 'x');
  g_autoptr (GString) cyrillic = g_string_new (NULL);

  g_assert_false (sb_message_check_id (latin, NULL));
  g_assert_true (sb_message_check_id (latin + 1, NULL));
  for (guint i = 0; i < SB_MESSAGE_MAX_ID; i++)
    g_string_append (cyrillic, "\xd0\xb0");
  g_assert_true (sb_message_check_id (cyrillic->str, NULL));
  g_string_append_c (cyrillic, 'x');
  g_assert_false (sb_message_check_id (cyrillic->str, NULL));
}

static void
refuses_ids_that_make_trouble (void)
{
  static const char *const ids[] = {
    "",     "a/b",      "/",        "a\\b",  "a\nb", "\x01",
    "\x7f", "\xc2\x80", "\xc2\x9f", "a\xff", "\xd0", "\xed\xa0\x80"
  };
  static const char *const fine[] = {
    "a", "\"", " ", "order.2", "$", "\xc2\xa0", "\xf0\x9f\x98\x80"
  };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (sb_message_check_id (ids[i], &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
  for (guint i = 0; i < G_N_ELEMENTS (fine); i++)
    g_assert_true (sb_message_check_id (fine[i], NULL));
}

static gboolean
is_type_refused (const char *type)
{
  g_autofree char *json = g_strdup_printf ("{\"type\":%s}", type);
  g_autoptr (GError) error = NULL;
  SbEnvelope envelope;
  gboolean accepted;

  g_assert_true (sb_envelope_scan (&envelope, json, strlen (json), NULL));
  accepted = sb_message_check_type (&envelope, &error);
  if (!accepted)
    g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
  return !accepted;
}

static void
refuses_types_that_pose_as_the_bus (void)
{
  static const char *const types[] = {
    "\"connect\"",
    "\"confirmation\"",
    "\"ping\"",
    "\"pong\"",
    "\"ERROR\"",
    "\"file\"",
    "\"connected\"",
    "\"accepted\"",
    "\"expired\"",
    "\"p\\u0069ng\"",
    "\"\\u0045\\u0052\\u0052\\u004f\\u0052\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    g_assert_true (is_type_refused (types[i]));
}

static void
passes_every_other_type (void)
{
  static const char *const types[] = { "\"task\"",     "\"Ping\"", "\"error\"",   "\"ping \"",
                                       "\"\"",         "null",     "17",          "[\"ping\"]",
                                       "{\"ping\":1}", "\"pin\"",  "\"connecte\"" };
  SbEnvelope envelope;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    g_assert_false (is_type_refused (types[i]));
  g_assert_true (sb_envelope_scan (&envelope, "{}", 2, NULL));
  g_assert_true (sb_message_check_type (&envelope, NULL));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(path, test) g_test_add_func ("/message/" path, test)
  ADD ("carries-what-it-was-made-of", carries_what_it_was_made_of);
  ADD ("carries-a-file-when-it-announces-one", carries_a_file_when_it_announces_one);
  ADD ("is-the-same-one-when-boxed", is_the_same_one_when_boxed);
  ADD ("ends-with-its-last-reference-in-any-thread", ends_with_its_last_reference_in_any_thread);
  ADD ("takes-ids-of-1-to-128-characters", takes_ids_of_1_to_128_characters);
  ADD ("refuses-ids-that-make-trouble", refuses_ids_that_make_trouble);
  ADD ("refuses-types-that-pose-as-the-bus", refuses_types_that_pose_as_the_bus);
  ADD ("passes-every-other-type", passes_every_other_type);
#undef ADD
  return g_test_run ();
}

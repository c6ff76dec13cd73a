/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-file: the description of a file. */

#include "sb-file.h"
#include "sb-test.h"

#include <string.h>

#define ID "0123456789abcdef0123456789abcdef"

static const guint8 digest[SB_FILE_DIGEST_SIZE] = { 0x00, 0x01, 0x0f, 0x10, 0x7f, 0x80, 0xff };

static void
carries_what_it_was_made_of (void)
{
  g_autofree char *id = g_strdup (ID);
  g_autofree char *name = g_strdup ("m1_photo.jpg");
  g_autofree char *display_name = g_strdup ("Фото 1.jpg");
  guint8 bytes[SB_FILE_DIGEST_SIZE];
  g_autoptr (SbFile) file = NULL;

  memcpy (bytes, digest, sizeof bytes);
  file = sb_file_new (id, name, display_name, G_MAXUINT64, bytes);
  memset (id, 'x', strlen (id));
  memset (name, 'x', strlen (name));
  memset (display_name, 'x', strlen (display_name));
  memset (bytes, 'x', sizeof bytes);
  g_assert_cmpstr (file->id, ==, ID);
  g_assert_cmpstr (file->name, ==, "m1_photo.jpg");
  g_assert_cmpstr (file->display_name, ==, "Фото 1.jpg");
  g_assert_cmpuint (file->size, ==, G_MAXUINT64);
  g_assert_cmpmem (file->digest, sizeof file->digest, digest, sizeof digest);
}

static void
is_the_same_one_when_boxed (void)
{
  g_autoptr (SbFile) file = sb_file_new (ID, "", "", 0, digest);
  SbFile *copy = g_boxed_copy (SB_TYPE_FILE, file);

  g_assert_true (copy == file);
  g_boxed_free (SB_TYPE_FILE, copy);
  g_assert_cmpstr (file->id, ==, ID);
}

static void
writes_its_hash_in_64_small_digits (void)
{
  g_autoptr (SbFile) file = sb_file_new (ID, "n", "n", 0, digest);
  g_autofree char *hash = sb_file_dup_hash (file);

  g_assert_cmpstr (hash, ==, "00010f107f80ff00000000000000000000000000000000000000000000000000");
}

static gpointer
drop_many (gpointer data)
{
  SbFile *file = data;

  for (guint i = 0; i < 10000; i++)
    sb_file_unref (sb_file_ref (file));
  sb_file_unref (file);
  return NULL;
}

static void
is_shared_by_threads (void)
{
  SbFile *file = sb_file_new (ID, "name", "n", 5, digest);
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("drop", drop_many, sb_file_ref (file));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpstr (file->name, ==, "name");
  sb_file_unref (file);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(path, test) g_test_add_func ("/file/" path, test)
  ADD ("carries-what-it-was-made-of", carries_what_it_was_made_of);
  ADD ("is-the-same-one-when-boxed", is_the_same_one_when_boxed);
  ADD ("writes-its-hash-in-64-small-digits", writes_its_hash_in_64_small_digits);
  ADD ("is-shared-by-threads", is_shared_by_threads);
#undef ADD
  return g_test_run ();
}

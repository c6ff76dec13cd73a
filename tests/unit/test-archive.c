/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-archive: backups as they are written and read, and as they arrive damaged. */

#include "archive-bytes.h"
#include "sb-error.h"
#include "sb-test.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <unistd.h>

#define ID "0123456789abcdef0123456789abcd01"
#define FILE_NAME "files/01/" ID
#define TAR_BLOCK 512
#define CREATED (G_GINT64_CONSTANT (1700000000123000))

/* Reading */

typedef struct
{
  GString *log;  /* (owned) (nullable) what came */
  GString *data; /* (owned) (nullable) of all members */
} Sink;

static gboolean
note_begin (const SbManifestMember *member, gpointer user_data, GError **error)
{
  g_string_append_printf (((Sink *) user_data)->log, "%s ", member->name);
  return TRUE;
}

static gboolean
note_data (const void *data, gsize length, gpointer user_data, GError **error)
{
  g_string_append_len (((Sink *) user_data)->data, data, (gssize) length);
  return TRUE;
}

static gboolean
note_end (const SbManifestMember *member, gboolean is_whole, gpointer user_data, GError **error)
{
  g_string_append (((Sink *) user_data)->log, is_whole ? "ok " : "bad ");
  return TRUE;
}

/* Writing */

static gboolean
append_bytes (const void *data, gsize length, gpointer user_data, GError **error)
{
  g_byte_array_append (user_data, data, (guint) length);
  return TRUE;
}

static SbManifest *
new_manifest (void)
{
  SbManifest *manifest = sb_manifest_new ("0.1.0", "sqlite", CREATED);

  archive_add_text (manifest, FILE_NAME, "the content of a file");
  archive_add_text (manifest, "token.key", "secret");
  archive_add_text (manifest, "store/simplebus.db", "a database");
  return manifest;
}

/* Returns: (transfer full): an archive with these contents, of a file, the secret and the store. */
static GByteArray *
write_archive (const SbManifest *manifest, const char *file)
{
  const char *const contents[] = { file, "secret", "a database" };
  GByteArray *bytes = g_byte_array_new ();
  g_autoptr (SbArchiveWriter) writer = sb_archive_writer_new (manifest, append_bytes, bytes);
  g_autoptr (GError) error = NULL;

  g_assert_true (sb_archive_writer_begin (writer, &error));
  for (guint i = 0; i < G_N_ELEMENTS (contents); i++)
    {
      int fd = contents[i] != NULL ? archive_make_fd (contents[i], strlen (contents[i])) : -1;

      g_assert_true (sb_archive_writer_add (
          writer, &g_array_index (manifest->members, SbManifestMember, i), fd, NULL, &error));
      if (fd >= 0)
        close (fd);
    }
  g_assert_true (sb_archive_writer_end (writer, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (sb_archive_writer_get_written (writer), ==, bytes->len);
  return bytes;
}

static void
what_was_written_is_read (void)
{
  static const SbArchiveFuncs funcs = { NULL, note_begin, note_data, note_end };
  g_autoptr (SbManifest) manifest = new_manifest ();
  g_autoptr (GByteArray) bytes = write_archive (manifest, "the content of a file");
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GString) data = g_string_new (NULL);
  g_autoptr (GHashTable) damaged = NULL;
  g_autoptr (GError) error = NULL;
  Sink sink = { log, data };
  int fd = archive_make_fd (bytes->data, bytes->len);
  g_autoptr (SbManifest) read_back = sb_archive_read (fd, &funcs, &sink, &damaged, &error);

  close (fd);
  g_assert_no_error (error);
  g_assert_cmpstr (log->str, ==, FILE_NAME " ok token.key ok store/simplebus.db ok ");
  g_assert_cmpstr (data->str, ==, "the content of a filesecreta database");
  g_assert_cmpuint (g_hash_table_size (damaged), ==, 0);
  g_assert_cmpstr (read_back->version, ==, "0.1.0");
  g_assert_cmpstr (read_back->store, ==, "sqlite");
  g_assert_cmpint (read_back->created, ==, CREATED);
  g_assert_cmpuint (read_back->bytes, ==, manifest->bytes);
  g_assert_cmpuint (sb_manifest_count_files (read_back), ==, 1);
}

/* A shorter one, another one, and one that cannot be opened. */
static void
a_damaged_file_is_named_and_does_not_end_it (gconstpointer content)
{
  g_autoptr (SbManifest) manifest = new_manifest ();
  g_autoptr (GByteArray) bytes = write_archive (manifest, content);
  g_autoptr (GHashTable) damaged = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbManifest) read_back = archive_read_bytes (bytes->data, bytes->len, &damaged, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (damaged), ==, 1);
  g_assert_true (g_hash_table_contains (damaged, FILE_NAME));
}

static void
what_is_missing_is_named (void)
{
  guint8 digest[SB_FILE_DIGEST_SIZE] = { 0 };
  g_autoptr (SbFile) file = sb_file_new (ID, "m1_a.txt", "a.txt", 5, digest);
  g_autoptr (SbManifest) manifest = new_manifest ();
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (SbManifest) read_back = NULL;

  sb_manifest_add_missing (manifest, file);
  bytes = write_archive (manifest, "the content of a file");
  read_back = archive_read_bytes (bytes->data, bytes->len, NULL, NULL);
  g_assert_nonnull (read_back);
  g_assert_cmpuint (read_back->missing->len, ==, 1);
  g_assert_cmpstr (read_back->missing->pdata[0], ==, FILE_NAME);
}

static gboolean
refuse_bytes (const void *data, gsize length, gpointer user_data, GError **error)
{
  g_set_error_literal (error, SB_ERROR, SB_ERROR_CLOSED, "gone");
  return FALSE;
}

/* A file that is larger than a block, so that something is written before the end. */
static void
whoever_takes_it_can_end_it (void)
{
  g_autoptr (SbManifest) manifest = sb_manifest_new ("0.1.0", "sqlite", CREATED);
  g_autofree char *text = g_strnfill (3 * SB_ARCHIVE_BLOCK, 'x');
  g_autoptr (SbArchiveWriter) writer = NULL;
  g_autoptr (GError) error = NULL;
  int fd = archive_make_fd (text, strlen (text));

  archive_add_text (manifest, "store/a", text);
  writer = sb_archive_writer_new (manifest, refuse_bytes, NULL);
  g_assert_true (sb_archive_writer_begin (writer, &error));
  g_assert_false (sb_archive_writer_add (
      writer, &g_array_index (manifest->members, SbManifestMember, 0), fd, NULL, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_CLOSED);
  close (fd);
}

static gboolean
take_one_block (const void *data, gsize length, gpointer user_data, GError **error)
{
  GByteArray *bytes = user_data;

  if (bytes->len > 0)
    return refuse_bytes (data, length, NULL, error);
  g_byte_array_append (bytes, data, (guint) length);
  return TRUE;
}

/* Returns: what libarchive takes the size of the second member for. */
static gint64
read_second_size (const GByteArray *bytes)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry = NULL;
  gint64 size;

  archive_read_support_format_tar (archive);
  g_assert_cmpint (archive_read_open_memory (archive, bytes->data, bytes->len), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_read_next_header (archive, &entry), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_read_next_header (archive, &entry), ==, ARCHIVE_OK);
  g_assert_cmpstr (archive_entry_pathname (entry), ==, "store/a");
  size = archive_entry_size (entry);
  archive_read_free (archive);
  return size;
}

/* Around what a header has room for. */
static void
members_may_be_large (void)
{
  static const guint64 sizes[] = { G_GUINT64_CONSTANT (8589934591), G_GUINT64_CONSTANT (8589934592),
                                   G_GUINT64_CONSTANT (123456789012345) };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (SbManifest) manifest = sb_manifest_new ("0.1.0", "sqlite", CREATED);
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      guint8 digest[SB_FILE_DIGEST_SIZE] = { 0 };
      g_autoptr (SbArchiveWriter) writer = NULL;

      sb_manifest_add (manifest, "store/a", sizes[i], digest);
      writer = sb_archive_writer_new (manifest, take_one_block, bytes);
      g_assert_true (sb_archive_writer_begin (writer, NULL));
      g_assert_false (sb_archive_writer_add (
          writer, &g_array_index (manifest->members, SbManifestMember, 0), -1, NULL, NULL));
      g_assert_cmpint (read_second_size (bytes), ==, (gint64) sizes[i]);
    }
}

static void
a_cancelled_one_has_no_end (void)
{
  g_autoptr (SbManifest) manifest = new_manifest ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  SbArchiveWriter *writer = sb_archive_writer_new (manifest, append_bytes, bytes);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_true (sb_archive_writer_begin (writer, &error));
  g_assert_false (sb_archive_writer_add (
      writer, &g_array_index (manifest->members, SbManifestMember, 0), -1, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  sb_archive_writer_free (writer);
  g_assert_null (archive_read_bytes (bytes->data, bytes->len, NULL, NULL));
}

/* Damage on the way */

static void
one_that_was_cut_off_anywhere_is_refused (void)
{
  g_autoptr (SbManifest) manifest = new_manifest ();
  g_autoptr (GByteArray) bytes = write_archive (manifest, "the content of a file");

  for (gsize length = 0; length < bytes->len; length += length + 70 < bytes->len ? 13 : 1)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SbManifest) read_back = archive_read_bytes (bytes->data, length, NULL, &error);

      if (read_back != NULL)
        g_error ("%" G_GSIZE_FORMAT " of %u bytes are taken for a backup", length, bytes->len);
      g_assert_true (g_error_matches (error, SB_ERROR, SB_ERROR_CORRUPT)
                     || g_error_matches (error, SB_ERROR, SB_ERROR_INVALID));
    }
}

/* Bytes that stand for something: of each member the header, but for what is behind its own
 * checksum there, and the content. */
static guint8 *
find_meaning (const GByteArray *bytes)
{
  guint8 *meaning = g_malloc0 (bytes->len);

  for (gsize place = 0; bytes->data[place] != 0;)
    {
      gsize size = g_ascii_strtoull ((const char *) bytes->data + place + 124, NULL, 8);

      memset (meaning + place, 1, TAR_BLOCK + size);
      memset (meaning + place + 148, 0, 8);
      place += TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    }
  return meaning;
}

static void
a_flipped_bit_is_seen (void)
{
  g_autoptr (SbManifest) manifest = new_manifest ();
  g_autoptr (GByteArray) bytes = write_archive (manifest, "the content of a file");
  g_autofree guint8 *meaning = find_meaning (bytes);
  guint n = 0;

  for (gsize i = 0; i < bytes->len; i++)
    {
      g_autoptr (SbManifest) read_back = NULL;
      guint8 bit = (guint8) (1 << i % 8);

      if (meaning[i] == 0)
        continue;
      bytes->data[i] ^= bit;
      read_back = archive_read_bytes (bytes->data, bytes->len, NULL, NULL);
      bytes->data[i] ^= bit;
      if (read_back != NULL)
        g_error ("a bit of byte %" G_GSIZE_FORMAT " can flip", i);
      n++;
    }
  g_assert_cmpuint (n, >, 2000);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/archive/what-was-written-is-read", what_was_written_is_read);
  g_test_add_data_func ("/archive/a-damaged-file-is-named-and-does-not-end-it/other",
                        "THE CONTENT OF A FILE", a_damaged_file_is_named_and_does_not_end_it);
  g_test_add_data_func ("/archive/a-damaged-file-is-named-and-does-not-end-it/shorter", "the",
                        a_damaged_file_is_named_and_does_not_end_it);
  g_test_add_data_func ("/archive/a-damaged-file-is-named-and-does-not-end-it/gone", NULL,
                        a_damaged_file_is_named_and_does_not_end_it);
  g_test_add_func ("/archive/what-is-missing-is-named", what_is_missing_is_named);
  g_test_add_func ("/archive/whoever-takes-it-can-end-it", whoever_takes_it_can_end_it);
  g_test_add_func ("/archive/members-may-be-large", members_may_be_large);
  g_test_add_func ("/archive/a-cancelled-one-has-no-end", a_cancelled_one_has_no_end);
  g_test_add_func ("/archive/one-that-was-cut-off-anywhere-is-refused",
                   one_that_was_cut_off_anywhere_is_refused);
  g_test_add_func ("/archive/a-flipped-bit-is-seen", a_flipped_bit_is_seen);
  return g_test_run ();
}

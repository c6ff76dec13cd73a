/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-archive-hostile: archives that somebody else has made, and that only look like a backup. */

#include "archive-bytes.h"
#include "sb-error.h"
#include "sb-test.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#define ID "0123456789abcdef0123456789abcd01"
#define FILE_NAME "files/01/" ID
#define CREATED (G_GINT64_CONSTANT (1700000000123000))

typedef struct
{
  const char *name;
  char *text; /* (owned) */
  mode_t type;
  const char *link; /* (nullable) a hard link to it */
} Entry;

/* The manifest, the store, the end: a sound one, until a case changes it. */
typedef struct
{
  Entry entries[5];
  guint n;
  gboolean is_sealed; /* the end is made when all else is there */
  gboolean is_sparse;
} Plan;

typedef struct
{
  const char *name;
  void (*change) (Plan *plan);
  SbError code;
} Case;

static void
set_text (Plan *plan, guint i, const char *text)
{
  g_free (plan->entries[i].text);
  plan->entries[i].text = g_strdup (text);
}

/* Replaces a part of the manifest. */
static void
edit (Plan *plan, const char *from, const char *to)
{
  g_autoptr (GString) text = g_string_new (plan->entries[0].text);

  g_assert_cmpuint (g_string_replace (text, from, to, 1), ==, 1);
  set_text (plan, 0, text->str);
}

static void
insert (Plan *plan, guint i, const char *name, const char *text)
{
  for (guint k = plan->n++; k > i; k--)
    plan->entries[k] = plan->entries[k - 1];
  plan->entries[i] = (Entry) { name, g_strdup (text), AE_IFREG, NULL };
}

static void
drop (Plan *plan, guint i)
{
  g_free (plan->entries[i].text);
  for (plan->n--; i < plan->n; i++)
    plan->entries[i] = plan->entries[i + 1];
  plan->entries[plan->n].text = NULL;
}

static void
plan_init (Plan *plan)
{
  g_autoptr (SbManifest) manifest = sb_manifest_new ("0.1.0", "sqlite", CREATED);
  g_autoptr (GString) text = NULL;

  *plan = (Plan) { .is_sealed = TRUE };
  archive_add_text (manifest, "store/a.db", "a database");
  text = sb_manifest_format (manifest);
  insert (plan, 0, "manifest.json", text->str);
  insert (plan, 1, "store/a.db", "a database");
  insert (plan, 2, "end.json", "");
}

static void
seal (Plan *plan, const char *damaged)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  guint8 digest[SB_FILE_DIGEST_SIZE];
  g_autoptr (GString) text = NULL;

  if (damaged != NULL)
    g_ptr_array_add (names, (gpointer) damaged);
  archive_hash (plan->entries[0].text, strlen (plan->entries[0].text), digest);
  text = sb_seal_format (digest, names);
  for (guint i = 0; i < plan->n; i++)
    if (strcmp (plan->entries[i].name, "end.json") == 0)
      set_text (plan, i, text->str);
}

static void
add_entry (struct archive *archive, const Entry *entry, gboolean is_sparse)
{
  struct archive_entry *header = archive_entry_new ();

  archive_entry_set_pathname (header, entry->name);
  archive_entry_set_filetype (header, entry->type);
  archive_entry_set_perm (header, 0600);
  if (entry->type == AE_IFLNK)
    archive_entry_set_symlink (header, entry->text);
  else if (entry->link != NULL)
    archive_entry_set_hardlink (header, entry->link);
  else
    archive_entry_set_size (header, (la_int64_t) strlen (entry->text));
  if (is_sparse)
    archive_entry_sparse_add_entry (header, 0, 2);
  g_assert_cmpint (archive_write_header (archive, header), ==, ARCHIVE_OK);
  if (entry->type == AE_IFREG && entry->link == NULL)
    archive_write_data (archive, entry->text, strlen (entry->text));
  archive_entry_free (header);
}

static GByteArray *
carry_out (Plan *plan)
{
  GByteArray *bytes = g_byte_array_new ();
  struct archive *archive = archive_write_new ();
  gsize room = 1024 * 1024;
  size_t used = 0;

  if (plan->is_sealed)
    seal (plan, NULL);
  g_byte_array_set_size (bytes, (guint) room);
  archive_write_set_format_pax (archive);
  archive_write_open_memory (archive, bytes->data, room, &used);
  for (guint i = 0; i < plan->n; i++)
    {
      add_entry (archive, &plan->entries[i], plan->is_sparse && i == 1);
      g_free (plan->entries[i].text);
    }
  g_assert_cmpint (archive_write_close (archive), ==, ARCHIVE_OK);
  archive_write_free (archive);
  g_byte_array_set_size (bytes, (guint) used);
  return bytes;
}

/* What they change */

static void
nothing (Plan *plan)
{
}

static void
no_entries (Plan *plan)
{
  while (plan->n > 0)
    drop (plan, 0);
  plan->is_sealed = FALSE;
}

static void
no_manifest (Plan *plan)
{
  drop (plan, 0);
  plan->is_sealed = FALSE;
}

static void
no_store (Plan *plan)
{
  drop (plan, 1);
}

static void
no_end (Plan *plan)
{
  drop (plan, 2);
}

static void
a_second_manifest (Plan *plan)
{
  insert (plan, 1, "manifest.json", plan->entries[0].text);
}

static void
an_unknown_member (Plan *plan)
{
  insert (plan, 2, "store/b.db", "another");
}

static void
a_member_twice (Plan *plan)
{
  insert (plan, 2, "store/a.db", "a database");
}

static void
something_behind_the_end (Plan *plan)
{
  insert (plan, 3, "store/b.db", "another");
}

static void
an_absolute_path (Plan *plan)
{
  edit (plan, "store/a.db", "/etc/passwd");
  plan->entries[1].name = "/etc/passwd";
}

static void
a_path_upwards (Plan *plan)
{
  edit (plan, "store/a.db", "store/../../a.db");
  plan->entries[1].name = "store/../../a.db";
}

static void
a_dot_name (Plan *plan)
{
  edit (plan, "store/a.db", "store/..");
  plan->entries[1].name = "store/..";
}

static void
a_path_that_the_manifest_does_not_have (Plan *plan)
{
  plan->entries[1].name = "../../a.db";
}

static void
a_folder_below_the_store (Plan *plan)
{
  edit (plan, "store/a.db", "store/x/a.db");
  plan->entries[1].name = "store/x/a.db";
}

static void
a_file_in_the_wrong_folder (Plan *plan)
{
  edit (plan, "store/a.db", "files/02/" ID);
  plan->entries[1].name = "files/02/" ID;
}

static void
a_manifest_without_a_store (Plan *plan)
{
  edit (plan, "store/a.db", FILE_NAME);
  plan->entries[1].name = FILE_NAME;
}

static void
a_name_of_control_characters (Plan *plan)
{
  edit (plan, "store/a.db", "store/a\\u001b[2J");
  plan->entries[1].name = "store/a\033[2J";
}

static void
a_version_of_control_characters (Plan *plan)
{
  edit (plan, "0.1.0", "\\u001b[2J");
}

static void
a_symbolic_link (Plan *plan)
{
  plan->entries[1].type = AE_IFLNK;
  set_text (plan, 1, "/etc/passwd");
}

static void
a_hard_link (Plan *plan)
{
  plan->entries[1].link = "manifest.json";
}

static void
a_folder (Plan *plan)
{
  plan->entries[1].type = AE_IFDIR;
}

static void
a_sparse_file (Plan *plan)
{
  plan->is_sparse = TRUE;
}

static void
another_size (Plan *plan)
{
  set_text (plan, 1, "a longer database");
}

static void
another_content (Plan *plan)
{
  set_text (plan, 1, "A database");
}

static void
a_size_below_zero (Plan *plan)
{
  edit (plan, "\"size\":10", "\"size\":-10");
}

static void
more_than_there_can_be (Plan *plan)
{
  edit (plan, "\"members\":[",
        "\"members\":[{\"name\":\"" FILE_NAME "\",\"size\":9223372036854775807,\"sha256\":\""
        "0000000000000000000000000000000000000000000000000000000000000000\"},");
}

static void
a_name_twice (Plan *plan)
{
  edit (plan, "\"members\":[",
        "\"members\":[{\"name\":\"store/a.db\",\"size\":1,\"sha256\":\""
        "0000000000000000000000000000000000000000000000000000000000000000\"},");
}

static void
a_checksum_that_is_none (Plan *plan)
{
  edit (plan, "\"sha256\":\"", "\"sha256\":\"xyz");
}

static void
a_newer_format (Plan *plan)
{
  edit (plan, "\"format\":1", "\"format\":2");
}

static void
no_format (Plan *plan)
{
  edit (plan, "\"format\":1,", "");
}

static void
a_manifest_that_is_no_json (Plan *plan)
{
  set_text (plan, 0, "{'format':1}");
}

static void
a_manifest_that_is_an_array (Plan *plan)
{
  set_text (plan, 0, "[1,2,3]");
}

static void
a_manifest_that_is_nested (Plan *plan)
{
  g_autofree char *deep = g_strnfill (100000, '[');

  set_text (plan, 0, deep);
}

static void
members_that_are_none (Plan *plan)
{
  edit (plan, "\"members\":[", "\"members\":[1,\"x\",null,[],");
}

static void
an_end_of_another_one (Plan *plan)
{
  plan->is_sealed = FALSE;
  seal (plan, NULL);
  edit (plan, "0.1.0", "0.1.1");
}

static void
an_end_that_excuses_the_store (Plan *plan)
{
  plan->is_sealed = FALSE;
  set_text (plan, 1, "A database");
  seal (plan, "store/a.db");
}

static void
an_end_that_names_what_is_whole (Plan *plan)
{
  plan->is_sealed = FALSE;
  seal (plan, FILE_NAME);
}

static const Case cases[] = {
  { "nothing-at-all", no_entries, SB_ERROR_INVALID },
  { "no-manifest", no_manifest, SB_ERROR_INVALID },
  { "no-store", no_store, SB_ERROR_INVALID },
  { "no-end", no_end, SB_ERROR_CORRUPT },
  { "a-second-manifest", a_second_manifest, SB_ERROR_INVALID },
  { "an-unknown-member", an_unknown_member, SB_ERROR_INVALID },
  { "a-member-twice", a_member_twice, SB_ERROR_INVALID },
  { "something-behind-the-end", something_behind_the_end, SB_ERROR_INVALID },
  { "an-absolute-path", an_absolute_path, SB_ERROR_INVALID },
  { "a-path-upwards", a_path_upwards, SB_ERROR_INVALID },
  { "a-dot-name", a_dot_name, SB_ERROR_INVALID },
  { "a-path-that-the-manifest-does-not-have", a_path_that_the_manifest_does_not_have,
    SB_ERROR_INVALID },
  { "a-folder-below-the-store", a_folder_below_the_store, SB_ERROR_INVALID },
  { "a-file-in-the-wrong-folder", a_file_in_the_wrong_folder, SB_ERROR_INVALID },
  { "a-manifest-without-a-store", a_manifest_without_a_store, SB_ERROR_INVALID },
  { "a-name-of-control-characters", a_name_of_control_characters, SB_ERROR_INVALID },
  { "a-version-of-control-characters", a_version_of_control_characters, SB_ERROR_INVALID },
  { "a-symbolic-link", a_symbolic_link, SB_ERROR_INVALID },
  { "a-hard-link", a_hard_link, SB_ERROR_INVALID },
  { "a-folder", a_folder, SB_ERROR_INVALID },
  { "a-sparse-file", a_sparse_file, SB_ERROR_INVALID },
  { "another-size", another_size, SB_ERROR_CORRUPT },
  { "another-content", another_content, SB_ERROR_CORRUPT },
  { "a-size-below-zero", a_size_below_zero, SB_ERROR_INVALID },
  { "more-than-there-can-be", more_than_there_can_be, SB_ERROR_TOO_LARGE },
  { "a-name-twice", a_name_twice, SB_ERROR_INVALID },
  { "a-checksum-that-is-none", a_checksum_that_is_none, SB_ERROR_INVALID },
  { "a-newer-format", a_newer_format, SB_ERROR_UNSUPPORTED },
  { "no-format", no_format, SB_ERROR_INVALID },
  { "a-manifest-that-is-no-json", a_manifest_that_is_no_json, SB_ERROR_INVALID },
  { "a-manifest-that-is-an-array", a_manifest_that_is_an_array, SB_ERROR_INVALID },
  { "a-manifest-that-is-nested", a_manifest_that_is_nested, SB_ERROR_INVALID },
  { "members-that-are-none", members_that_are_none, SB_ERROR_INVALID },
  { "an-end-of-another-one", an_end_of_another_one, SB_ERROR_CORRUPT },
  { "an-end-that-excuses-the-store", an_end_that_excuses_the_store, SB_ERROR_CORRUPT },
  { "an-end-that-names-what-is-whole", an_end_that_names_what_is_whole, SB_ERROR_CORRUPT },
};

static GByteArray *
make_case (void (*change) (Plan *plan))
{
  Plan plan;

  plan_init (&plan);
  change (&plan);
  return carry_out (&plan);
}

static void
one_that_nothing_is_wrong_with_is_taken (void)
{
  g_autoptr (GByteArray) bytes = make_case (nothing);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbManifest) manifest = archive_read_bytes (bytes->data, bytes->len, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (manifest);
}

static void
it_is_refused (gconstpointer data)
{
  const Case *wrong = data;
  g_autoptr (GByteArray) bytes = make_case (wrong->change);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbManifest) manifest = archive_read_bytes (bytes->data, bytes->len, NULL, &error);

  g_assert_null (manifest);
  g_assert_error (error, SB_ERROR, (int) wrong->code);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_null (strchr (error->message, '\033'));
}

static void
what_is_no_archive_is_refused (gconstpointer text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbManifest) manifest = archive_read_bytes (text, strlen (text), NULL, &error);

  g_assert_null (manifest);
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
}

static void
add_cases (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/archive-hostile/refuses/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], it_is_refused);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/archive-hostile/one-that-nothing-is-wrong-with-is-taken",
                   one_that_nothing_is_wrong_with_is_taken);
  add_cases ();
  g_test_add_data_func ("/archive-hostile/refuses/an-empty-file", "",
                        what_is_no_archive_is_refused);
  g_test_add_data_func ("/archive-hostile/refuses/a-text", "this is a text, and nothing else",
                        what_is_no_archive_is_refused);
  g_test_add_data_func ("/archive-hostile/refuses/what-is-compressed",
                        "\x1f\x8b\x08\x01\x01\x01\x01\x01", what_is_no_archive_is_refused);
  return g_test_run ();
}

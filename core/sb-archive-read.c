/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-archive-read: the archive as it comes back, from a disk or a pipe, whole or
 * not, and perhaps from somebody who means ill.
 *
 * Nothing is believed that the manifest does not say, and the manifest is
 * believed only in what it may say: the members have to come in its order, each
 * once, as plain files of the size that it names. So a path of an archive is
 * never used; those of the manifest are. An archive that ends early, wherever,
 * is not whole: the two blocks of zeros behind the seal have to be there.
 */

#include "sb-archive.h"

#include "sb-error.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>

#define TAR_BLOCK 512

typedef struct
{
  const SbArchiveFuncs *funcs; /* (borrowed) */
  gpointer user_data;
  int fd;
  struct archive *archive; /* (owned) */
  guint8 *buffer;          /* (owned) */
  guint64 received;        /* bytes of the archive */
  SbManifest *manifest;    /* (owned) (nullable) */
  guint8 manifest_digest[SHA256_DIGEST_SIZE];
  GPtrArray *unsound; /* (owned) (element-type utf8) members that are not what they should be */
} Reader;

/* Errors */

static gboolean refuse (GError **error, SbError code, const char *format, ...) G_GNUC_PRINTF (3, 4);

static gboolean
refuse (GError **error, SbError code, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SB_ERROR, code, "The backup cannot be used: %s", what);
  return FALSE;
}

/* libarchive has no codes for what went wrong, only for how badly. */
static gboolean
refuse_broken (Reader *self, GError **error)
{
  const char *text = archive_error_string (self->archive);

  if (self->manifest == NULL)
    return refuse (error, SB_ERROR_INVALID,
                   "it is no archive of a backup (%s); one that was compressed has to be "
                   "uncompressed first, as in: zstd -dc FILE | simplebusd --restore -",
                   text != NULL ? text : "nothing in it");
  return refuse (error, SB_ERROR_CORRUPT, "it is damaged or was cut off (%s)",
                 text != NULL ? text : "it ends too early");
}

/* Bytes */

static la_ssize_t
read_cb (struct archive *archive, void *user_data, const void **data)
{
  Reader *self = user_data;
  gssize n;

  do
    n = read (self->fd, self->buffer, SB_ARCHIVE_BLOCK);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    archive_set_error (archive, errno, "%s", g_strerror (errno));
  else
    self->received += (guint64) n;
  *data = self->buffer;
  return n;
}

/* Members */

static const char *
get_expected_name (Reader *self, guint index)
{
  if (index == 0)
    return SB_MANIFEST_NAME;
  if (index <= self->manifest->members->len)
    return g_array_index (self->manifest->members, SbManifestMember, index - 1).name;
  return SB_MANIFEST_SEAL;
}

/* A plain file of that name; what an odd archive has instead is not shown, it might be anything. */
static gboolean
check_entry (struct archive_entry *entry, const char *name, GError **error)
{
  if (g_strcmp0 (archive_entry_pathname (entry), name) != 0)
    return refuse (error, SB_ERROR_INVALID, "something else is where %s has to be", name);
  if (archive_entry_filetype (entry) != AE_IFREG || archive_entry_hardlink (entry) != NULL
      || archive_entry_symlink (entry) != NULL || archive_entry_sparse_count (entry) > 0
      || !archive_entry_size_is_set (entry) || archive_entry_size (entry) < 0)
    return refuse (error, SB_ERROR_INVALID, "%s is not a plain file", name);
  return TRUE;
}

static gboolean
next_entry (Reader *self, guint index, struct archive_entry **entry, GError **error)
{
  int code = archive_read_next_header (self->archive, entry);

  if (code != ARCHIVE_OK)
    return refuse_broken (self, error);
  return check_entry (*entry, get_expected_name (self, index), error);
}

/* Returns: (transfer full) (nullable): what a member holds that is kept in memory. */
static GString *
read_text (Reader *self, struct archive_entry *entry, GError **error)
{
  gint64 size = archive_entry_size (entry);
  g_autoptr (GString) text = NULL;

  if (size > SB_MANIFEST_MAX)
    {
      refuse (error, SB_ERROR_TOO_LARGE, "its manifest is too long");
      return NULL;
    }
  text = g_string_new (NULL);
  while ((gint64) text->len < size)
    {
      gsize wanted = MIN ((gsize) size - text->len, SB_ARCHIVE_BLOCK);
      gsize before = text->len;
      la_ssize_t n;

      g_string_set_size (text, before + wanted);
      n = archive_read_data (self->archive, text->str + before, wanted);
      g_string_set_size (text, before + (gsize) MAX (n, 0));
      if (n <= 0)
        {
          refuse_broken (self, error);
          return NULL;
        }
    }
  return g_steal_pointer (&text);
}

static gboolean
read_manifest (Reader *self, GError **error)
{
  g_autoptr (GString) text = NULL;
  struct archive_entry *entry;
  struct sha256_ctx hash;

  if (!next_entry (self, 0, &entry, error))
    return FALSE;
  text = read_text (self, entry, error);
  if (text == NULL)
    return FALSE;
  sha256_init (&hash);
  sha256_update (&hash, text->len, (const guint8 *) text->str);
  sha256_digest (&hash, sizeof self->manifest_digest, self->manifest_digest);
  self->manifest = sb_manifest_parse (text->str, text->len, error);
  return self->manifest != NULL
         && (self->funcs->manifest == NULL
             || self->funcs->manifest (self->manifest, self->user_data, error));
}

/* What a block of the archive holds of the member, at its place. */
static gboolean
take_data (Reader *self, struct sha256_ctx *hash, guint64 *done, const SbManifestMember *member,
           gboolean *is_over, GError **error)
{
  const void *data;
  size_t length;
  la_int64_t offset;
  int code = archive_read_data_block (self->archive, &data, &length, &offset);

  *is_over = code == ARCHIVE_EOF;
  if (*is_over)
    return *done == member->size || refuse_broken (self, error);
  if (code != ARCHIVE_OK)
    return refuse_broken (self, error);
  if ((guint64) offset != *done || length > member->size - *done)
    return refuse (error, SB_ERROR_INVALID, "%s is not a plain file", member->name);
  sha256_update (hash, length, data);
  *done += length;
  return self->funcs->data == NULL || self->funcs->data (data, length, self->user_data, error);
}

static gboolean
read_member (Reader *self, guint index, GError **error)
{
  const SbManifestMember *member = &g_array_index (self->manifest->members, SbManifestMember,
                                                   index - 1);
  guint8 digest[SHA256_DIGEST_SIZE];
  struct archive_entry *entry;
  struct sha256_ctx hash;
  guint64 done = 0;
  gboolean is_over = FALSE;
  gboolean is_whole;

  if (!next_entry (self, index, &entry, error))
    return FALSE;
  if ((guint64) archive_entry_size (entry) != member->size)
    return refuse (error, SB_ERROR_CORRUPT, "%s has another size than its manifest says",
                   member->name);
  if (self->funcs->begin != NULL && !self->funcs->begin (member, self->user_data, error))
    return FALSE;
  sha256_init (&hash);
  while (!is_over)
    if (!take_data (self, &hash, &done, member, &is_over, error))
      return FALSE;
  sha256_digest (&hash, sizeof digest, digest);
  is_whole = memcmp (digest, member->digest, sizeof digest) == 0;
  if (!is_whole)
    g_ptr_array_add (self->unsound, g_strdup (member->name));
  return self->funcs->end == NULL || self->funcs->end (member, is_whole, self->user_data, error);
}

/* The end */

/* Only what was damaged before the backup was made may be so, and only files. */
static gboolean
check_unsound (Reader *self, GHashTable *damaged, GError **error)
{
  for (guint i = 0; i < self->unsound->len; i++)
    {
      const char *name = self->unsound->pdata[i];

      if (!g_str_has_prefix (name, SB_MANIFEST_FILES) || !g_hash_table_remove (damaged, name))
        return refuse (error, SB_ERROR_CORRUPT, "%s is damaged: its checksum is another one", name);
    }
  if (g_hash_table_size (damaged) > 0)
    return refuse (error, SB_ERROR_CORRUPT, "its end does not fit to what is before it");
  for (guint i = 0; i < self->unsound->len; i++)
    g_hash_table_add (damaged, g_strdup (self->unsound->pdata[i]));
  return TRUE;
}

/* Returns: (transfer full) (nullable): the names that the seal has. */
static GHashTable *
read_seal (Reader *self, GError **error)
{
  g_autoptr (GHashTable) damaged = NULL;
  g_autoptr (GString) text = NULL;
  struct archive_entry *entry;
  guint64 end;

  if (!next_entry (self, self->manifest->members->len + 1, &entry, error))
    return NULL;
  text = read_text (self, entry, error);
  if (text == NULL)
    return NULL;
  damaged = sb_seal_parse (text->str, text->len, self->manifest_digest, error);
  if (damaged == NULL || !check_unsound (self, damaged, error))
    return NULL;
  end = (guint64) archive_read_header_position (self->archive) + TAR_BLOCK
        + (text->len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
  if (archive_read_next_header (self->archive, &entry) == ARCHIVE_OK)
    {
      refuse (error, SB_ERROR_INVALID, "there is something behind its end");
      return NULL;
    }
  if (self->received < end + 2 * TAR_BLOCK)
    {
      refuse_broken (self, error);
      return NULL;
    }
  return g_steal_pointer (&damaged);
}

static void
reader_clear (Reader *self)
{
  archive_read_free (self->archive);
  g_clear_pointer (&self->manifest, sb_manifest_free);
  g_ptr_array_unref (self->unsound);
  g_free (self->buffer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Reader, reader_clear)

/**
 * sb_archive_read: (skip)
 * @fd: where the archive comes from; stays the caller's
 * @funcs: what becomes of it
 * @user_data: for @funcs
 * @damaged: (out) (optional) (transfer full) (element-type utf8 utf8): a set of the files that were
 *   damaged on the disk of the bus when the backup was made; in the archive they are no better
 * @error: SB_ERROR_INVALID when it is something else, SB_ERROR_CORRUPT when it is damaged or not
 *   whole, SB_ERROR_UNSUPPORTED when a newer program made it, SB_ERROR_TOO_LARGE, or that of @funcs
 *
 * Reads an archive and checks all of it. Only when it returns is anything of it to be believed.
 *
 * Returns: (transfer full) (nullable): what is in it
 */
SbManifest *
sb_archive_read (int fd, const SbArchiveFuncs *funcs, gpointer user_data, GHashTable **damaged,
                 GError **error)
{
  g_auto (Reader) self = { .funcs = funcs, .user_data = user_data, .fd = fd };
  g_autoptr (GHashTable) found = NULL;

  self.buffer = g_malloc (SB_ARCHIVE_BLOCK);
  self.unsound = g_ptr_array_new_with_free_func (g_free);
  self.archive = archive_read_new ();
  archive_read_support_format_tar (self.archive);
  if (archive_read_open (self.archive, &self, NULL, read_cb, NULL) != ARCHIVE_OK)
    {
      refuse_broken (&self, error);
      return NULL;
    }
  if (!read_manifest (&self, error))
    return NULL;
  for (guint i = 1; i <= self.manifest->members->len; i++)
    if (!read_member (&self, i, error))
      return NULL;
  found = read_seal (&self, error);
  if (found == NULL)
    return NULL;
  if (damaged != NULL)
    *damaged = g_steal_pointer (&found);
  return g_steal_pointer (&self.manifest);
}

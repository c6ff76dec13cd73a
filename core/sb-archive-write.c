/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-archive-write: the archive as it is made.
 *
 * The manifest comes first, so it promises what was not read yet. A file that
 * turns out to be damaged on the disk does not end the backup, which would leave
 * the bus without any as long as it has such a file: it is brought to the length
 * that was promised, and the seal names it.
 */

#include "sb-archive.h"

#include "sb-error.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>

struct _SbArchiveWriter
{
  const SbManifest *manifest; /* (borrowed) */
  SbArchiveFunc func;
  gpointer user_data;
  struct archive *archive; /* (owned) */
  guint8 *buffer;          /* (owned) */
  guint8 manifest_digest[SHA256_DIGEST_SIZE];
  GPtrArray *damaged; /* (owned) (element-type utf8) */
  guint64 written;
  GError *failure; /* (owned) (nullable) what the function said */
};

static la_ssize_t
write_cb (struct archive *archive, void *user_data, const void *data, size_t length)
{
  SbArchiveWriter *self = user_data;

  if (self->failure != NULL || !self->func (data, length, self->user_data, &self->failure))
    {
      archive_set_error (archive, EPIPE, "not wanted");
      return -1;
    }
  self->written += length;
  return (la_ssize_t) length;
}

static gboolean
fail (SbArchiveWriter *self, GError **error)
{
  if (self->failure != NULL)
    g_propagate_error (error, g_steal_pointer (&self->failure));
  else
    g_set_error (error, SB_ERROR, SB_ERROR_FAILED, "The archive cannot be made: %s",
                 archive_error_string (self->archive));
  archive_write_fail (self->archive);
  return FALSE;
}

/* Life */

/* @manifest: is complete, and outlives the writer */
SbArchiveWriter *
sb_archive_writer_new (const SbManifest *manifest, SbArchiveFunc func, gpointer user_data)
{
  SbArchiveWriter *self = g_new0 (SbArchiveWriter, 1);

  self->manifest = manifest;
  self->func = func;
  self->user_data = user_data;
  self->buffer = g_malloc (SB_ARCHIVE_BLOCK);
  self->damaged = g_ptr_array_new_with_free_func (g_free);
  self->archive = archive_write_new ();
  archive_write_set_format_pax_restricted (self->archive);
  archive_write_set_bytes_per_block (self->archive, SB_ARCHIVE_BLOCK);
  archive_write_set_bytes_in_last_block (self->archive, 1);
  return self;
}

/* What was not brought to its end stays without one. */
void
sb_archive_writer_free (SbArchiveWriter *self)
{
  archive_write_fail (self->archive);
  archive_write_free (self->archive);
  g_ptr_array_unref (self->damaged);
  g_clear_error (&self->failure);
  g_free (self->buffer);
  g_free (self);
}

/* Members */

static gboolean
begin_member (SbArchiveWriter *self, const char *name, guint64 size, GError **error)
{
  struct archive_entry *entry = archive_entry_new ();
  int code;

  archive_entry_set_pathname (entry, name);
  archive_entry_set_size (entry, (la_int64_t) size);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0600);
  archive_entry_set_mtime (entry, (time_t) (self->manifest->created / G_USEC_PER_SEC), 0);
  code = archive_write_header (self->archive, entry);
  archive_entry_free (entry);
  return code == ARCHIVE_OK || fail (self, error);
}

static gboolean
append (SbArchiveWriter *self, const void *data, gsize length, GError **error)
{
  return archive_write_data (self->archive, data, length) == (la_ssize_t) length
         || fail (self, error);
}

static gboolean
add_text (SbArchiveWriter *self, const char *name, const GString *text, GError **error)
{
  return begin_member (self, name, text->len, error) && append (self, text->str, text->len, error);
}

/* Reads up to a block; what a file lacks, or the disk does not give, is zeros. */
static gsize
read_block (SbArchiveWriter *self, int fd, guint64 left)
{
  gsize wanted = (gsize) MIN (left, SB_ARCHIVE_BLOCK);
  gsize length = 0;

  while (fd >= 0 && length < wanted)
    {
      gssize n = read (fd, self->buffer + length, wanted - length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        break;
      length += (gsize) n;
    }
  memset (self->buffer + length, 0, wanted - length);
  return wanted;
}

/* @fd: the content, from where it is on; -1 when it cannot be opened */
gboolean
sb_archive_writer_add (SbArchiveWriter *self, const SbManifestMember *member, int fd,
                       GCancellable *cancellable, GError **error)
{
  guint8 digest[SHA256_DIGEST_SIZE];
  struct sha256_ctx hash;

  sha256_init (&hash);
  if (!begin_member (self, member->name, member->size, error))
    return FALSE;
  for (guint64 left = member->size; left > 0;)
    {
      gsize length = read_block (self, fd, left);

      if (g_cancellable_set_error_if_cancelled (cancellable, error)
          || !append (self, self->buffer, length, error))
        return FALSE;
      sha256_update (&hash, length, self->buffer);
      left -= length;
    }
  sha256_digest (&hash, sizeof digest, digest);
  if (memcmp (digest, member->digest, sizeof digest) != 0)
    g_ptr_array_add (self->damaged, g_strdup (member->name));
  return TRUE;
}

/* Begin and end */

static int
open_cb (struct archive *archive, void *user_data)
{
  return ARCHIVE_OK;
}

gboolean
sb_archive_writer_begin (SbArchiveWriter *self, GError **error)
{
  g_autoptr (GString) text = sb_manifest_format (self->manifest);
  struct sha256_ctx hash;

  if (text->len > SB_MANIFEST_MAX)
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_TOO_LARGE,
                           "There are more files than a backup can name");
      return FALSE;
    }
  sha256_init (&hash);
  sha256_update (&hash, text->len, (const guint8 *) text->str);
  sha256_digest (&hash, sizeof self->manifest_digest, self->manifest_digest);
  if (archive_write_open (self->archive, self, open_cb, write_cb, NULL) != ARCHIVE_OK)
    return fail (self, error);
  return add_text (self, SB_MANIFEST_NAME, text, error);
}

/* All members were added. */
gboolean
sb_archive_writer_end (SbArchiveWriter *self, GError **error)
{
  g_autoptr (GString) text = sb_seal_format (self->manifest_digest, self->damaged);

  if (!add_text (self, SB_MANIFEST_SEAL, text, error))
    return FALSE;
  return archive_write_close (self->archive) == ARCHIVE_OK || fail (self, error);
}

const GPtrArray *
sb_archive_writer_get_damaged (SbArchiveWriter *self)
{
  return self->damaged;
}

/* Bytes that the function took. */
guint64
sb_archive_writer_get_written (SbArchiveWriter *self)
{
  return self->written;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-archive-write: the archive as it is made.
 *
 * The manifest comes first, so it promises what was not read yet. A file that
 * turns out to be damaged on the disk does not end the backup, which would leave
 * the bus without any as long as it has such a file: it is brought to the length
 * that was promised, and the seal names it.
 *
 * The few lines of a tar archive are written here and not by libarchive, which
 * cannot drop an archive half-way: it would fill up the member first.
 */

#include "sb-archive.h"

#include "sb-error.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <string.h>
#include <unistd.h>

#define TAR_BLOCK 512

/* What a header has room for, in eleven octal digits: 8 GiB. */
#define SIZE_MAX_OCTAL G_GUINT64_CONSTANT (077777777777)

#define TYPE_FILE '0'
#define TYPE_EXTENSION 'x'

/* Numbers are octal digits with a NUL behind. */
typedef struct
{
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char owner[32];
  char group[32];
  char device_major[8];
  char device_minor[8];
  char prefix[155];
  char padding[12];
} TarHeader;

G_STATIC_ASSERT (sizeof (TarHeader) == TAR_BLOCK);

struct _SbArchiveWriter
{
  const SbManifest *manifest; /* (borrowed) */
  SbArchiveFunc func;
  gpointer user_data;
  guint8 *block;  /* (owned) what is gathered */
  guint8 *buffer; /* (owned) what is read */
  gsize gathered;
  guint8 manifest_digest[SHA256_DIGEST_SIZE];
  GPtrArray *damaged; /* (owned) (element-type utf8) */
  guint64 written;
};

/* Life */

/* @manifest: is complete, and outlives the writer */
SbArchiveWriter *
sb_archive_writer_new (const SbManifest *manifest, SbArchiveFunc func, gpointer user_data)
{
  SbArchiveWriter *self = g_new0 (SbArchiveWriter, 1);

  self->manifest = manifest;
  self->func = func;
  self->user_data = user_data;
  self->block = g_malloc (SB_ARCHIVE_BLOCK);
  self->buffer = g_malloc (SB_ARCHIVE_BLOCK);
  self->damaged = g_ptr_array_new_with_free_func (g_free);
  return self;
}

/* What was not brought to its end stays without one. */
void
sb_archive_writer_free (SbArchiveWriter *self)
{
  g_ptr_array_unref (self->damaged);
  g_free (self->buffer);
  g_free (self->block);
  g_free (self);
}

/* Bytes */

static gboolean
flush (SbArchiveWriter *self, GError **error)
{
  gsize length = self->gathered;

  self->gathered = 0;
  if (length > 0 && !self->func (self->block, length, self->user_data, error))
    return FALSE;
  self->written += length;
  return TRUE;
}

static gboolean
append (SbArchiveWriter *self, const void *data, gsize length, GError **error)
{
  const guint8 *bytes = data;

  while (length > 0)
    {
      gsize n = MIN (length, SB_ARCHIVE_BLOCK - self->gathered);

      memcpy (self->block + self->gathered, bytes, n);
      self->gathered += n;
      bytes += n;
      length -= n;
      if (self->gathered == SB_ARCHIVE_BLOCK && !flush (self, error))
        return FALSE;
    }
  return TRUE;
}

/* Up to the next block of the archive. */
static gboolean
pad (SbArchiveWriter *self, guint64 size, GError **error)
{
  static const guint8 zeros[TAR_BLOCK];

  return append (self, zeros, (gsize) ((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK), error);
}

/* Members */

/* The checksum counts itself as blanks. */
static void
seal_header (TarHeader *header)
{
  const guint8 *bytes = (const guint8 *) header;
  guint sum = 0;

  memset (header->checksum, ' ', sizeof header->checksum);
  for (gsize i = 0; i < sizeof *header; i++)
    sum += bytes[i];
  g_snprintf (header->checksum, sizeof header->checksum, "%06o", sum);
}

static gboolean
write_header (SbArchiveWriter *self, char type, const char *name, guint64 size, GError **error)
{
  TarHeader header = { .type = type, .mode = "0000600", .uid = "0000000", .gid = "0000000" };
  guint64 mtime = (guint64) (self->manifest->created / G_USEC_PER_SEC);

  g_strlcpy (header.name, name, sizeof header.name);
  g_snprintf (header.size, sizeof header.size, "%011" G_GINT64_MODIFIER "o",
              MIN (size, SIZE_MAX_OCTAL));
  g_snprintf (header.mtime, sizeof header.mtime, "%011" G_GINT64_MODIFIER "o",
              MIN (mtime, SIZE_MAX_OCTAL));
  memcpy (header.magic, "ustar", sizeof header.magic);
  memcpy (header.version, "00", sizeof header.version);
  seal_header (&header);
  return append (self, &header, sizeof header, error);
}

/* An extension in front of the header says the size; its record begins with its own length. */
static gboolean
write_large_size (SbArchiveWriter *self, guint64 size, GError **error)
{
  g_autofree char *rest = g_strdup_printf (" size=%" G_GUINT64_FORMAT "\n", size);
  g_autofree char *record = g_strdup_printf ("%" G_GSIZE_FORMAT "%s", strlen (rest) + 2, rest);
  gsize length = strlen (record);

  return write_header (self, TYPE_EXTENSION, "PaxHeader", length, error)
         && append (self, record, length, error) && pad (self, length, error);
}

static gboolean
begin_member (SbArchiveWriter *self, const char *name, guint64 size, GError **error)
{
  return (size <= SIZE_MAX_OCTAL || write_large_size (self, size, error))
         && write_header (self, TYPE_FILE, name, size, error);
}

static gboolean
add_text (SbArchiveWriter *self, const char *name, const GString *text, GError **error)
{
  return begin_member (self, name, text->len, error) && append (self, text->str, text->len, error)
         && pad (self, text->len, error);
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
  return pad (self, member->size, error);
}

/* Begin and end */

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
  return add_text (self, SB_MANIFEST_NAME, text, error);
}

/* All members were added. */
gboolean
sb_archive_writer_end (SbArchiveWriter *self, GError **error)
{
  static const guint8 zeros[2 * TAR_BLOCK];
  g_autoptr (GString) text = sb_seal_format (self->manifest_digest, self->damaged);

  return add_text (self, SB_MANIFEST_SEAL, text, error) && append (self, zeros, sizeof zeros, error)
         && flush (self, error);
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

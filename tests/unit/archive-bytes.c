/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* archive-bytes: archives in memory. */

#include "archive-bytes.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void
archive_hash (const void *data, gsize length, guint8 *digest)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gsize size = SB_FILE_DIGEST_SIZE;

  g_checksum_update (checksum, data, (gssize) length);
  g_checksum_get_digest (checksum, digest, &size);
}

int
archive_make_fd (const void *data, gsize length)
{
  int fd = memfd_create ("archive", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, data, length), ==, (gssize) length);
  g_assert_cmpint (lseek (fd, 0, SEEK_SET), ==, 0);
  return fd;
}

SbManifest *
archive_read_bytes (const void *data, gsize length, GHashTable **damaged, GError **error)
{
  static const SbArchiveFuncs funcs = { 0 };
  int fd = archive_make_fd (data, length);
  SbManifest *manifest = sb_archive_read (fd, &funcs, NULL, damaged, error);

  close (fd);
  return manifest;
}

void
archive_add_text (SbManifest *manifest, const char *name, const char *text)
{
  guint8 digest[SB_FILE_DIGEST_SIZE];

  archive_hash (text, strlen (text), digest);
  sb_manifest_add (manifest, name, strlen (text), digest);
}

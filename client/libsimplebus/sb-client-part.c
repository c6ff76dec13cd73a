/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-part: appends, hashes, and asks the disk to begin early, so that the flush is short. */

#include "sb-client-part.h"

#include "sb-client-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK (256 * 1024)

/* So much is written before the disk is asked to begin with it. */
#define WRITE_BACK (8 * 1024 * 1024)

void
sb_client_part_init (SbClientPart *self, char *path)
{
  *self = (SbClientPart) { .path = path, .fd = -1 };
  sha256_init (&self->hash);
}

void
sb_client_part_close (SbClientPart *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

void
sb_client_part_clear (SbClientPart *self)
{
  sb_client_part_close (self);
  g_clear_pointer (&self->path, g_free);
}

static void
forget (SbClientPart *self)
{
  self->length = 0;
  self->written_back = 0;
  sha256_init (&self->hash);
}

/* Hashes up to @end of what there is, or to its end. Returns: the bytes; -1 on error */
static gint64
hash_fd (int fd, gint64 end, struct sha256_ctx *hash, const char *path, GCancellable *cancellable,
         GError **error)
{
  g_autofree guint8 *block = g_malloc (BLOCK);
  gint64 at = 0;

  posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  while (at < end)
    {
      ssize_t n = pread (fd, block, (gsize) MIN (BLOCK, end - at), at);

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return -1;
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          sb_client_disk_fail ("This file cannot be read:", path, error);
          return -1;
        }
      if (n == 0)
        break;
      sha256_update (hash, (gsize) n, block);
      at += n;
    }
  return at;
}

/* --- Opening --- */

/* Without following a link; what is in the way is no file of ours and stays. */
static gboolean
open_fd (SbClientPart *self, int flags, GError **error)
{
  self->fd = open (self->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0666);
  return self->fd >= 0
         || sb_client_disk_fail ("The file that is being received cannot be opened:", self->path,
                                 error);
}

/* A new file, not one of no length: the old one may have got its name in the folder already. */
gboolean
sb_client_part_restart (SbClientPart *self, GError **error)
{
  forget (self);
  sb_client_part_close (self);
  if (unlink (self->path) != 0 && errno != ENOENT)
    return sb_client_disk_fail ("This file cannot be removed:", self->path, error);
  return open_fd (self, O_EXCL, error);
}

/* What another process left. */
static gboolean
take_over (SbClientPart *self, const struct stat *info, gint64 expected, gint64 trusted,
           GCancellable *cancellable, GError **error)
{
  gint64 good = trusted >= 0 ? MIN (info->st_size, trusted) : info->st_size;

  if (expected >= 0 && good > expected)
    good = 0;
  if (info->st_nlink > 1 && good != info->st_size)
    return sb_client_part_restart (self, error);
  forget (self);
  self->length = hash_fd (self->fd, good, &self->hash, self->path, cancellable, error);
  if (self->length < 0)
    {
      forget (self);
      return FALSE;
    }
  self->written_back = self->length;
  if (self->length == info->st_size || ftruncate (self->fd, self->length) == 0)
    return TRUE;
  return sb_client_disk_fail ("This file cannot be made shorter:", self->path, error);
}

gboolean
sb_client_part_open (SbClientPart *self, gint64 expected, gint64 trusted, GCancellable *cancellable,
                     GError **error)
{
  struct stat info;

  if (self->fd < 0 && !open_fd (self, 0, error))
    return FALSE;
  if (fstat (self->fd, &info) != 0)
    return sb_client_disk_fail ("This file cannot be looked at:", self->path, error);
  if (!S_ISREG (info.st_mode))
    {
      g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_FAILED,
                   "%s is no file; it has to be out of the way", self->path);
      return FALSE;
    }
  if (info.st_nlink == 1 && info.st_size == self->length)
    return TRUE;
  /* Of what this process has written itself it knows how much is good. */
  if (info.st_nlink == 1 && self->length > 0 && info.st_size > self->length
      && ftruncate (self->fd, self->length) == 0)
    return TRUE;
  return take_over (self, &info, expected, trusted, cancellable, error);
}

/* --- Writing --- */

static gboolean
fail_for_room (SbClientPart *self, gint64 missing, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->path);
  g_autofree char *text = g_format_size ((guint64) missing);

  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NO_SPACE,
               "The folder %s has no room for the file: %" G_GINT64_FORMAT " bytes (%s) more "
               "are needed; it goes on when they are free",
               folder, missing, text);
  return FALSE;
}

/* Bytes of the disk that are there for the file already. */
static gint64
get_allocated (SbClientPart *self)
{
  struct stat info;

  return fstat (self->fd, &info) == 0 ? (gint64) info.st_blocks * 512 : self->length;
}

/* The size stays what it is: it says how much was received. */
gboolean
sb_client_part_reserve (SbClientPart *self, gint64 expected, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->path);
  gint64 missing = expected - MAX (self->length, get_allocated (self));
  gint64 room = sb_client_disk_get_free (folder);

  if (missing <= 0)
    return TRUE;
  if (room >= 0 && room < missing)
    return fail_for_room (self, missing - room, error);
  /* Not all file systems can do it. */
  if (fallocate (self->fd, FALLOC_FL_KEEP_SIZE, self->length, expected - self->length) == 0
      || !sb_client_disk_is_full (errno))
    return TRUE;
  return fail_for_room (self, missing, error);
}

static gboolean
fail_to_write (SbClientPart *self, GError **error)
{
  int fault = errno;
  g_autofree char *folder = g_path_get_dirname (self->path);

  if (!sb_client_disk_is_full (fault))
    return sb_client_disk_fail ("This file cannot be written:", self->path, error);
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NO_SPACE,
               "The folder %s has no room for the rest of the file: %s", folder,
               g_strerror (fault));
  return FALSE;
}

/* What cannot be written whole is not there: what is behind the length does not count. */
gboolean
sb_client_part_append (SbClientPart *self, const guint8 *data, gsize length, GError **error)
{
  gsize done = 0;

  while (done < length)
    {
      ssize_t n = pwrite (self->fd, data + done, length - done, self->length + (gint64) done);

      if (n < 0 && errno != EINTR)
        return fail_to_write (self, error);
      done += n > 0 ? (gsize) n : 0;
    }
  sha256_update (&self->hash, length, data);
  self->length += (gint64) length;
  if (self->length - self->written_back < WRITE_BACK)
    return TRUE;
  sync_file_range (self->fd, self->written_back, self->length - self->written_back,
                   SYNC_FILE_RANGE_WRITE);
  self->written_back = self->length;
  return TRUE;
}

gboolean
sb_client_part_flush (SbClientPart *self, GError **error)
{
  if (fdatasync (self->fd) == 0)
    return TRUE;
  return fail_to_write (self, error);
}

static char *
print_checksum (const struct sha256_ctx *hash)
{
  struct sha256_ctx copy = *hash;
  guint8 digest[SHA256_DIGEST_SIZE];
  char *text = g_malloc (2 * sizeof digest + 1);

  sha256_digest (&copy, sizeof digest, digest);
  for (gsize i = 0; i < sizeof digest; i++)
    g_snprintf (text + 2 * i, 3, "%02x", digest[i]);
  return text;
}

char *
sb_client_part_get_checksum (SbClientPart *self)
{
  return print_checksum (&self->hash);
}

void
sb_client_part_remove (SbClientPart *self)
{
  sb_client_part_close (self);
  forget (self);
  if (self->path != NULL)
    unlink (self->path);
}

char *
sb_client_part_hash_file (const char *path, GCancellable *cancellable, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  struct sha256_ctx hash;
  gint64 length;

  if (fd < 0)
    {
      sb_client_disk_fail ("This file cannot be opened:", path, error);
      return NULL;
    }
  sha256_init (&hash);
  length = hash_fd (fd, G_MAXINT64, &hash, path, cancellable, error);
  close (fd);
  return length >= 0 ? print_checksum (&hash) : NULL;
}

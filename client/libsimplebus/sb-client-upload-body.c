/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-upload-body: reads a file, tells how far it is, and looks at the file once more before
 * the last bytes. */

#include "sb-client-upload-body.h"

#include "sb-client-disk.h"
#include "sb-client-fault.h"

#include <errno.h>
#include <unistd.h>

struct _SbClientUploadBody
{
  GInputStream parent;
  int fd;     /* (unowned) */
  char *path; /* (owned) */
  SbClientFileMark mark;
  gint64 at;
  SbClientTransfer *transfer; /* (owned) */
  GError *error;              /* (owned) (nullable) */
};

G_DEFINE_FINAL_TYPE (SbClientUploadBody, sb_client_upload_body, G_TYPE_INPUT_STREAM)

SbClientFileMark
sb_client_file_mark (const struct stat *info)
{
  return (SbClientFileMark) {
    .size = info->st_size,
    .changed = (gint64) info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec,
    .inode = info->st_ino,
  };
}

gboolean
sb_client_file_check (int fd, const char *path, const SbClientFileMark *mark, GError **error)
{
  struct stat info;
  SbClientFileMark now;

  if (fstat (fd, &info) != 0)
    return sb_client_disk_fail ("This file cannot be looked at:", path, error);
  now = sb_client_file_mark (&info);
  if (now.size == mark->size && now.changed == mark->changed && now.inode == mark->inode)
    return TRUE;
  g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
               "%s was changed while it was being sent, so it was not sent; send it again", path);
  return FALSE;
}

/* Returns: bytes; -1 on error */
static gssize
read_some (SbClientUploadBody *self, void *buffer, gsize length)
{
  ssize_t n;

  do
    n = pread (self->fd, buffer, length, self->at);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    sb_client_disk_fail ("This file cannot be read:", self->path, &self->error);
  else if (n == 0 && self->at < self->mark.size)
    {
      sb_client_file_check (self->fd, self->path, &self->mark, &self->error);
      n = -1;
    }
  return n;
}

static gssize
sb_client_upload_body_read (GInputStream *stream, void *buffer, gsize count,
                            GCancellable *cancellable, GError **error)
{
  SbClientUploadBody *self = SB_CLIENT_UPLOAD_BODY (stream);
  gsize length = (gsize) MIN ((gint64) count, self->mark.size - self->at);
  gssize n;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  if (length == 0)
    return 0;
  g_clear_error (&self->error);
  n = read_some (self, buffer, length);
  if (n > 0 && self->at + n == self->mark.size
      && !sb_client_file_check (self->fd, self->path, &self->mark, &self->error))
    n = -1;
  if (n < 0)
    {
      if (self->error == NULL)
        self->error = g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_INVALID,
                                   "%s ended before it should", self->path);
      g_propagate_error (error, g_error_copy (self->error));
      return -1;
    }
  self->at += n;
  sb_client_transfer_report (self->transfer, self->at);
  sb_client_fault_point ("upload-block");
  return n;
}

static void
sb_client_upload_body_finalize (GObject *object)
{
  SbClientUploadBody *self = SB_CLIENT_UPLOAD_BODY (object);

  g_clear_object (&self->transfer);
  g_clear_error (&self->error);
  g_free (self->path);
  G_OBJECT_CLASS (sb_client_upload_body_parent_class)->finalize (object);
}

static void
sb_client_upload_body_class_init (SbClientUploadBodyClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_client_upload_body_finalize;
  G_INPUT_STREAM_CLASS (klass)->read_fn = sb_client_upload_body_read;
}

static void
sb_client_upload_body_init (SbClientUploadBody *self)
{
}

GInputStream *
sb_client_upload_body_new (int fd, const char *path, const SbClientFileMark *mark, gint64 offset,
                           SbClientTransfer *transfer)
{
  SbClientUploadBody *self = g_object_new (SB_TYPE_CLIENT_UPLOAD_BODY, NULL);

  self->fd = fd;
  self->path = g_strdup (path);
  self->mark = *mark;
  self->at = offset;
  self->transfer = g_object_ref (transfer);
  sb_client_transfer_begin_at (transfer, offset);
  return G_INPUT_STREAM (self);
}

const GError *
sb_client_upload_body_get_error (GInputStream *body)
{
  return SB_CLIENT_UPLOAD_BODY (body)->error;
}

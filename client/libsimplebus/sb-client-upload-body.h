/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-upload-body: the bytes of a file from some place to its end, as the body of a request.
 *
 * The last of them are given only when the file is still the one that was to be sent: what was
 * changed meanwhile never becomes whole at the bus.
 */
#pragma once

#include "sb-client-transfer-private.h"

#include <sys/stat.h>

G_BEGIN_DECLS

#define SB_TYPE_CLIENT_UPLOAD_BODY (sb_client_upload_body_get_type ())
G_DECLARE_FINAL_TYPE (SbClientUploadBody, sb_client_upload_body, SB, CLIENT_UPLOAD_BODY,
                      GInputStream)

/* What a file is known by. */
typedef struct
{
  gint64 size;
  gint64 changed; /* ns since 1970 */
  guint64 inode;
} SbClientFileMark;

SbClientFileMark sb_client_file_mark (const struct stat *info);
/* Whether the file behind @fd is still that one. */
gboolean sb_client_file_check (int fd, const char *path, const SbClientFileMark *mark,
                               GError **error);

/* @fd: the caller's, open as long as the body is in use. Progress goes to @transfer. */
GInputStream *sb_client_upload_body_new (int fd, const char *path, const SbClientFileMark *mark,
                                         gint64 offset, SbClientTransfer *transfer);
/* Why it could not be read, which is not the connection's fault. Returns: (nullable) */
const GError *sb_client_upload_body_get_error (GInputStream *body);

G_END_DECLS

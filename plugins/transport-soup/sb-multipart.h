/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-multipart: reads a body of multipart/form-data as it comes, in pieces of
 * any size. What a part holds is handed on from where it lies; nothing is
 * gathered but a part's headers and, across pieces, what may turn out to be a
 * boundary.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbMultipart SbMultipart;

/**
 * SbMultipartPart:
 * @name: of the form's field, UTF-8
 * @filename: (nullable): what the client calls the file, UTF-8, not to be trusted
 *
 * What the headers of a part say. Valid during the call.
 */
typedef struct
{
  const char *name;
  const char *filename;
} SbMultipartPart;

/**
 * SbMultipartFuncs:
 * @begin: a part begins
 * @data: bytes of that part, at least one
 * @end: and ends
 *
 * Called in this order while a body is read. One that returns %FALSE with an
 * error ends the reading.
 */
typedef struct
{
  gboolean (*begin) (const SbMultipartPart *part, gpointer user_data, GError **error);
  gboolean (*data) (const char *data, gsize length, gpointer user_data, GError **error);
  gboolean (*end) (gpointer user_data, GError **error);
} SbMultipartFuncs;

char *sb_multipart_dup_boundary (const char *content_type, GError **error);
SbMultipart *sb_multipart_new (const char *boundary, guint max_parts, const SbMultipartFuncs *funcs,
                               gpointer user_data);
void sb_multipart_free (SbMultipart *self);
gboolean sb_multipart_feed (SbMultipart *self, const char *data, gsize length, GError **error);
gboolean sb_multipart_finish (SbMultipart *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbMultipart, sb_multipart_free)

G_END_DECLS

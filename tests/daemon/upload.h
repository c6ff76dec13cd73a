/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* upload: forms with files, as clients write them, and a look at what the bus keeps of them. */
#pragma once

#include "sb-test-http.h"
#include "sb-test-raw.h"

G_BEGIN_DECLS

#define UPLOAD_BOUNDARY "--=_x42"
#define UPLOAD_TYPE "multipart/form-data; boundary=\"" UPLOAD_BOUNDARY "\""

/* A form that grows; sending it ends it. */
typedef GString Upload;

Upload *upload_new (void);
/* A field with a value, such as "data". */
void upload_add_field (Upload *self, const char *name, const char *value);
/* A file. @filename: (nullable): the part has none then. @length: -1 for a string. */
void upload_add_file (Upload *self, const char *field, const char *filename, const char *data,
                      gssize length);
void upload_end (Upload *self);
/* Returns: the answer. @self: (transfer full) */
SbTestAnswer *upload_send (Upload *self, SbTestHttp *client);
/* One file for @bob, taken. Returns: its stored name */
char *upload_put_file (SbTestHttp *client, const char *id, const char *data);

/* The beginning of a request of alice with a form of @length bytes. */
void upload_begin_raw (SbTestRaw *raw, guint64 length);

/* Random bytes, with what is nearly a boundary here and there. */
char *upload_make_bytes (gsize length);
/* The member of the file with that index in an answer. */
const char *upload_get (SbTestAnswer *answer, guint index, const char *member);

/* Files that are there, of any kind. */
guint upload_count (SbTestDaemon *daemon);
/* Waits until there are as many, none of them incomplete. */
void upload_wait_count (SbTestDaemon *daemon, guint n);
/* Whether one of them has exactly these bytes. */
gboolean upload_has (SbTestDaemon *daemon, const char *data, gsize length);

G_END_DECLS

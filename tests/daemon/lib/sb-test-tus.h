/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-tus: requests of resumable uploads, and a look at what the bus keeps of them. */
#pragma once

#include "sb-test-http.h"

G_BEGIN_DECLS

/* Begins an upload of @length bytes. @json: the message. Returns its path, "/files/ID". */
char *sb_test_tus_create (SbTestHttp *client, const char *json, const char *filename,
                          guint64 length);
/* The same without looking at the answer. @metadata: (nullable): as it is to be sent. */
SbTestAnswer *sb_test_tus_post (SbTestHttp *client, const char *length, const char *metadata);
char *sb_test_tus_make_metadata (const char *json, const char *filename);
/* Sends a piece. @checksum: (nullable): "sha1 BASE64" */
SbTestAnswer *sb_test_tus_patch (SbTestHttp *client, const char *path, guint64 offset,
                                 const char *checksum, const char *data, gsize length);
/* HEAD, DELETE or another one without a body. */
SbTestAnswer *sb_test_tus_ask (SbTestHttp *client, const char *method, const char *path);
/* How far an upload is, as HEAD says. */
guint64 sb_test_tus_get_offset (SbTestHttp *client, const char *path);
/* The path in a Location. */
char *sb_test_tus_dup_path (SbTestAnswer *answer);
/* "sha1 BASE64" or "sha256 BASE64". */
char *sb_test_tus_checksum (GChecksumType type, const char *data, gsize length);
/* The announced file of an upload is there, with these bytes. */
void sb_test_tus_assert_kept (SbTestDaemon *daemon, const char *path, const char *data,
                              gsize length);
/* Files below data-dir/files, each with its folder, sorted, with a space between. */
char *sb_test_tus_list (SbTestDaemon *daemon);

G_END_DECLS

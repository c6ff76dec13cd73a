/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-file: files that are sent through the bus, and what the bus keeps of them. */
#pragma once

#include "sb-test-http.h"

G_BEGIN_DECLS

/* Bytes that are the same for the same @seed, and look like nothing else. */
char *sb_test_make_bytes (gsize length, guint32 seed);
/* Sends a file with the message @json, which must be taken. Returns the path of its download. */
char *sb_test_put_file (SbTestHttp *client, const char *json, const char *name, const char *data,
                        gsize length);
/* Asks for a file, or for a part of it. @range: (nullable): "bytes=…" */
SbTestAnswer *sb_test_download (SbTestHttp *client, const char *path, const char *range);
/* Ends the delivery of the client's user. Returns the status. */
guint sb_test_release (SbTestHttp *client, const char *path);
/* As sb_test_wait_for(), for what no event announces. */
void sb_test_poll_for (SbTestCheck check, gpointer user_data, const char *what);
void sb_test_wait_no_downloads (SbTestHttp *admin);
/* How many files there are below the data folder's "files". */
guint sb_test_count_files (SbTestDaemon *daemon);
/* Waits until there are that many. */
void sb_test_wait_files (SbTestDaemon *daemon, guint n);
/* Where the only file of the bus is on the disk. */
char *sb_test_find_file (SbTestDaemon *daemon);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-raw: a socket for what no well-behaved client sends. It blocks, with a
 * deadline after which the test fails.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SbTestRaw SbTestRaw;

SbTestRaw *sb_test_raw_new (guint16 port);
/* One whose kernel takes in as little as possible before somebody reads. */
SbTestRaw *sb_test_raw_new_narrow (guint16 port);
/* NULL when the bus does not let it in. */
SbTestRaw *sb_test_raw_try (guint16 port);
void sb_test_raw_free (SbTestRaw *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestRaw, sb_test_raw_free)

/* Sends all of it. */
void sb_test_raw_send (SbTestRaw *self, const char *text);
void sb_test_raw_send_data (SbTestRaw *self, gconstpointer data, gsize length);
/* Sends what goes; FALSE when the bus has closed the connection. */
gboolean sb_test_raw_try_send (SbTestRaw *self, gconstpointer data, gsize length);
/* Sends what goes without blocking. Returns the number of bytes. */
gsize sb_test_raw_push (SbTestRaw *self, gconstpointer data, gsize length);
/* Says that nothing more comes. */
void sb_test_raw_finish (SbTestRaw *self);
/* A line without its end; NULL when the bus closed the connection before one was complete. */
char *sb_test_raw_read_line (SbTestRaw *self);
/* All that comes until the bus closes the connection; a reset counts as that. */
char *sb_test_raw_read_all (SbTestRaw *self);
/* One HTTP answer with its body, by its Content-Length; NULL when there is none any more. */
char *sb_test_raw_read_answer (SbTestRaw *self);

/* The handshake of a WebSocket, which must work. */
void sb_test_raw_upgrade (SbTestRaw *self, const char *path);
/* A frame of a client, masked. @opcode may have 0x80 (the last one) and reserved bits set. */
void sb_test_raw_send_frame (SbTestRaw *self, guint8 first_byte, gconstpointer data, gsize length);
gboolean sb_test_raw_try_send_frame (SbTestRaw *self, guint8 first_byte, gconstpointer data,
                                     gsize length);
#define SB_TEST_FINAL 0x80
#define SB_TEST_CONTINUATION 0x00
#define SB_TEST_TEXT 0x01
#define SB_TEST_BINARY 0x02
#define SB_TEST_CLOSE 0x08
#define SB_TEST_PING 0x09
#define SB_TEST_PONG 0x0a
/* The next frame; NULL when the bus has closed the connection. Its payload ends with a NUL. */
char *sb_test_raw_read_frame (SbTestRaw *self, guint8 *opcode, gsize *length);
/* Takes in what is there without blocking. Returns whether the bus has closed the connection. */
gboolean sb_test_raw_is_closed (SbTestRaw *self);
/* The next frame of that opcode; NULL when the bus closed the connection before. */
char *sb_test_raw_wait_frame (SbTestRaw *self, guint8 opcode, gsize *length);
/* The next text frame that has @part in it; NULL when the bus closed the connection before. */
char *sb_test_raw_wait_text (SbTestRaw *self, const char *part);

G_END_DECLS

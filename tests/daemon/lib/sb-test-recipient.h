/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-recipient: an HTTP server that the bus calls, and that says exactly the bytes that a
 * test wants, well-formed or not. It answers 200 to what no script says anything about.
 */
#pragma once

#include "sb-test-http.h"

G_BEGIN_DECLS

/**
 * SbTestThen:
 * @SB_TEST_THEN_KEEP: goes on with the next request
 * @SB_TEST_THEN_CLOSE: closes the connection
 * @SB_TEST_THEN_RESET: resets it
 * @SB_TEST_THEN_HOLD: says nothing more until sb_test_recipient_release()
 * @SB_TEST_THEN_TRICKLE: repeats what was said, a byte at a time, for ever
 *
 * What follows what was said.
 */
typedef enum
{
  SB_TEST_THEN_KEEP,
  SB_TEST_THEN_CLOSE,
  SB_TEST_THEN_RESET,
  SB_TEST_THEN_HOLD,
  SB_TEST_THEN_TRICKLE,
} SbTestThen;

#define SB_TEST_OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

typedef struct _SbTestRecipient SbTestRecipient;

SbTestRecipient *sb_test_recipient_new (void);
void sb_test_recipient_free (SbTestRecipient *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestRecipient, sb_test_recipient_free)

/* What is said to the next request that nothing was scripted for. */
void sb_test_recipient_script (SbTestRecipient *self, const char *text, SbTestThen then);
/* An answer with a status and @fields, each with its line end. */
void sb_test_recipient_script_status (SbTestRecipient *self, guint status, const char *fields);
/* Says @text on all connections that are held. */
void sb_test_recipient_release (SbTestRecipient *self, const char *text);
/* Closes all connections and listens no more, but keeps the port. */
void sb_test_recipient_stop (SbTestRecipient *self);
void sb_test_recipient_start (SbTestRecipient *self);

guint16 sb_test_recipient_get_port (SbTestRecipient *self);
/* Requests so far. */
void sb_test_recipient_wait (SbTestRecipient *self, guint n);
guint sb_test_recipient_get_n (SbTestRecipient *self);
/* Connections so far, and how many of them have ended. */
guint sb_test_recipient_get_n_opened (SbTestRecipient *self);
void sb_test_recipient_wait_closed (SbTestRecipient *self, guint n);
/* Their `_id`s in order, with a space between. */
char *sb_test_recipient_dup_ids (SbTestRecipient *self);
/* The parts of one: the request line, the body, a header (nullable). */
const char *sb_test_recipient_get_line (SbTestRecipient *self, guint index);
const char *sb_test_recipient_get_body (SbTestRecipient *self, guint index);
char *sb_test_recipient_dup_header (SbTestRecipient *self, guint index, const char *name);
/* Monotonic, microseconds. */
gint64 sb_test_recipient_get_time (SbTestRecipient *self, guint index);

/* Makes the user @id, whose url is http://127.0.0.1:PORT/hs. @extra: more members, ",\"x\":1" */
void sb_test_recipient_make_user (SbTestRecipient *self, SbTestHttp *admin, const char *id,
                                  const char *extra);

G_END_DECLS

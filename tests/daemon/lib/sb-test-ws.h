/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-ws: a WebSocket client that looks synchronous. It iterates the default
 * main context while it waits, with a deadline. Frames that come are collected
 * in a queue, but for the pings that the bus sends every second.
 */
#pragma once

#include "sb-test-daemon.h"
#include "sb-test-json.h"

G_BEGIN_DECLS

typedef struct
{
  char *text; /* (owned) the bytes as they came, ended by a NUL */
  gsize length;
  JsonObject *json; /* (owned) */
} SbTestFrame;

void sb_test_frame_free (SbTestFrame *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestFrame, sb_test_frame_free)
/* A member; NULL when it is not there, or no string. */
const char *sb_test_frame_get (SbTestFrame *self, const char *member);

typedef struct _SbTestWs SbTestWs;

/* A socket that is open, but not logged in. */
SbTestWs *sb_test_ws_open (guint16 port, const char *path);
SbTestWs *sb_test_ws_open_tls (guint16 port, const char *path);
/* A session on the WebSocket port of @daemon, logged in: it asked for "hello", and got it. */
SbTestWs *sb_test_ws_log_in (SbTestDaemon *daemon, const char *user, const char *password);
/* The same of a user of sb_test_make_users(). @extra: (nullable): members, `"accepted":true` */
SbTestWs *sb_test_ws_log_in_as (SbTestDaemon *daemon, const char *user, const char *extra);
/* The same, but the sender of the connect frame waits for nothing and does not ask for "hello". */
SbTestWs *sb_test_ws_begin_as (SbTestDaemon *daemon, const char *user, const char *extra);
void sb_test_ws_free (SbTestWs *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestWs, sb_test_ws_free)

/* What "connected" said; the token is (nullable) before. */
const char *sb_test_ws_get_token (SbTestWs *self);
gint64 sb_test_ws_get_pending (SbTestWs *self);
/* Confirms every delivery as it comes. */
void sb_test_ws_set_auto_confirm (SbTestWs *self, gboolean auto_confirm);

void sb_test_ws_send (SbTestWs *self, const char *text);
void sb_test_ws_sendf (SbTestWs *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
void sb_test_ws_send_data (SbTestWs *self, const char *data, gsize length);
void sb_test_ws_confirm (SbTestWs *self, const char *id);

/* The next frame, waited for. */
SbTestFrame *sb_test_ws_take (SbTestWs *self);
/* The next frame of that type (NULL: one without); others stay in the queue. */
SbTestFrame *sb_test_ws_take_type (SbTestWs *self, const char *type);
/* The next delivery with that _id; others stay in the queue. */
SbTestFrame *sb_test_ws_take_id (SbTestWs *self, const char *id);
/* Takes the next delivery and confirms it. Returns its _id. */
char *sb_test_ws_take_and_confirm (SbTestWs *self);
/* Waits for that many frames in the queue. */
void sb_test_ws_wait_frames (SbTestWs *self, guint n);
/* Sends a ping and waits for its pong: what the bus had for this session has come. */
void sb_test_ws_sync (SbTestWs *self);
/* Syncs; then the queue must be empty. */
void sb_test_ws_assert_nothing (SbTestWs *self);
guint sb_test_ws_get_n_frames (SbTestWs *self);
/* JSON pings that have come so far. */
guint sb_test_ws_get_n_pings (SbTestWs *self);
void sb_test_ws_wait_pings (SbTestWs *self, guint n);

gboolean sb_test_ws_is_open (SbTestWs *self);
/* Waits until the bus has closed it. Returns the close code; 1006 when it said none. */
gushort sb_test_ws_wait_closed (SbTestWs *self);
/* After that. Returns: (transfer none) (nullable) */
const char *sb_test_ws_get_close_reason (SbTestWs *self);
/* Closes it, and waits until it is closed. */
void sb_test_ws_close (SbTestWs *self);
/* Cuts it off without a word. */
void sb_test_ws_cut (SbTestWs *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hostile: a bus under attack, and what it must keep: it lives, its memory is bounded, and the
 * others are served.
 */
#pragma once

#include "peer.h"
#include "sb-test-http.h"
#include "sb-test-raw.h"
#include "sb-test-ws.h"
#include "sb-test.h"

G_BEGIN_DECLS

/* One row of a table has failed; the others are looked at all the same. */
#define hostile_fail(...) (g_test_message (__VA_ARGS__), g_test_fail ())

typedef struct
{
  SbTestDaemon *daemon; /* (owned) */
  SbTestHttp *admin;    /* (owned) */
  SbTestHttp *other;    /* (owned) user1, whom the attack must not touch */
  guint16 http_port;
  guint16 ws_port;
  guint64 memory; /* resident, before the attack */
} Hostile;

/* A bus with the users user1 to user4. @settings: (nullable): GROUP.KEY=VALUE, blanks between. */
Hostile *hostile_new (const char *settings);
void hostile_free (Hostile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Hostile, hostile_free)

/* user1 sends itself a message over HTTP, fetches and confirms it. Fails when a step takes long. */
void hostile_serve_others (Hostile *self);
/* What the slowest step of these took so far, in milliseconds. */
double hostile_get_slowest (void);
/* The bus has not grown by more than so many MiB; says nothing in an instrumented bus. */
void hostile_assert_memory (Hostile *self, guint megabytes);

/* @n peers, or as many as this process and the bus may have descriptors for at once. */
guint hostile_limit_crowd (guint n);
/* A peer that is connected, and upgraded if that is what it is. */
SbPeer *hostile_open (SbPeerMode mode, guint16 port, const SbPeerFuncs *funcs, gpointer user_data);
void hostile_wait_closed (SbPeer *peer);
/* Lets everybody go on for so long: for what shows by not happening. */
void hostile_let_pass (guint milliseconds);

G_END_DECLS

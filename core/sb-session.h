/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-session: an authenticated user on an open path. A transport opens it on
 * the bus, tells it what the user says, and closes it when the path is gone.
 * A user has one session: a newer one takes over.
 */
#pragma once

#include "sb-delivery.h"
#include "sb-user.h"

G_BEGIN_DECLS

typedef struct _SbSession SbSession;

/**
 * SbSessionFlags:
 * @SB_SESSION_RECEIPTS: the user wants receipts for its messages
 * @SB_SESSION_EXPIRED: and wants to hear of deliveries that ended without confirmation
 */
typedef enum
{
  SB_SESSION_NONE = 0,
  SB_SESSION_RECEIPTS = 1 << 0,
  SB_SESSION_EXPIRED = 1 << 1,
} SbSessionFlags;

SbUser *sb_session_get_user (SbSession *self);
void sb_session_set_origin (SbSession *self, const char *transport, const char *address);
void sb_session_ready (SbSession *self);
void sb_session_confirm (SbSession *self, const char *id);
void sb_session_close (SbSession *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-session-private: what the bus keeps of a session. */
#pragma once

#include "sb-bus.h"
#include "sb-mirror.h"
#include "sb-queue.h"

G_BEGIN_DECLS

struct _SbSession
{
  guint ref_count;
  SbBus *bus;       /* (borrowed) (nullable) %NULL once the bus has let go of it */
  SbUser *user;     /* (owned) as it was when the session was opened */
  SbDelivery *path; /* (owned) (nullable) %NULL once it was closed */
  SbQueue *queue;   /* (owned) */
  SbSessionFlags flags;
  gint64 since;              /* wall clock, microseconds */
  const char *transport;     /* (nullable) static */
  char *address;             /* (owned) (nullable) */
  gboolean has_receipts;     /* some may wait in the store */
  gboolean reading_receipts; /* and are being read or dropped */
  SbMirror *mirror;          /* (owned) (nullable) once it was sent a direct message */
  gint64 last_receipt;       /* number of the last stored one that was written to the path */
};

SbSession *sb_session_new (SbBus *bus, SbUser *user, SbDelivery *path, SbQueue *queue,
                           SbSessionFlags flags);
SbSession *sb_session_ref (SbSession *self);
void sb_session_unref (SbSession *self);
gboolean sb_session_is_ready (SbSession *self);

/* Of the bus, for sessions only. */
void sb_bus_forget_session (SbBus *self, SbSession *session);
void sb_bus_send_receipts (SbBus *self, SbSession *session);
gboolean sb_bus_confirm_direct (SbBus *self, SbSession *session, const char *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbSession, sb_session_unref)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-outbound-private: the way to a called user as the bus sees it. */
#pragma once

#include "sb-backoff.h"
#include "sb-metrics.h"
#include "sb-outbound.h"
#include "sb-queue.h"

G_BEGIN_DECLS

/**
 * SbOutboundShared:
 *
 * What all outbound paths count together; lives as long as the bus.
 */
typedef struct
{
  SbCounter *confirmed;
  SbCounter *recipient_failures;
  SbCounter *message_failures;
  SbCounter *refusals;
  guint n_open_circuits;
  guint in_flight;              /* messages that no path has answered yet */
  void (*idle_func) (gpointer); /* (nullable) called when the last of them was answered */
  gpointer idle_data;
} SbOutboundShared;

struct _SbOutbound
{
  GObject parent_instance;

  SbUser *user;             /* (owned) as it was when the path was made */
  SbQueue *queue;           /* (owned) */
  SbClock *clock;           /* (owned) */
  char *type;               /* (owned) (nullable) `connection_properties.type` */
  SbOutboundShared *shared; /* (borrowed) */

  SbDelivery *path; /* (owned) (nullable) of the plugin; %NULL: unreachable, or closed */
  char *fault;      /* (owned) (nullable) why it is unreachable */
  gboolean ordered;
  gboolean draining; /* nothing new goes out */
  guint in_flight;   /* messages that the path has not answered */

  SbBackoff backoff;
  gint64 resume_at;    /* monotonic: the first message in order waits until then */
  guint64 n_confirmed; /* since the path was made */
  guint64 n_failed;
  char *failures; /* (owned) (nullable) the last attempts that failed, as in sb-attempt */
};

SbOutbound *sb_outbound_new (SbUser *user, SbQueue *queue, SbClock *clock,
                             SbOutboundShared *shared);
void sb_outbound_open (SbOutbound *self, GType type, SbConfig *config);
void sb_outbound_set_fault (SbOutbound *self, const char *fault);
void sb_outbound_drain (SbOutbound *self);
void sb_outbound_close (SbOutbound *self, SbCloseReason reason);
gint64 sb_outbound_get_pause (SbOutbound *self);

G_END_DECLS

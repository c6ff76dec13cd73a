/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bus: publish → route → journal → queues → confirm → receipts. The only
 * file that knows the whole way of a message.
 *
 * The main context owns it; nothing here blocks.
 */
#pragma once

#include <gio/gio.h>

#include "sb-accounts.h"
#include "sb-clock.h"
#include "sb-config.h"
#include "sb-envelope.h"
#include "sb-journal.h"
#include "sb-limits.h"
#include "sb-metrics.h"
#include "sb-registry.h"
#include "sb-session.h"

G_BEGIN_DECLS

#define SB_TYPE_BUS (sb_bus_get_type ())
G_DECLARE_FINAL_TYPE (SbBus, sb_bus, SB, BUS, GObject)

/**
 * SbPublishResult:
 * @id: the message's id, given or made
 * @n_recipients: of the message; of the original when @duplicate
 * @duplicate: the sender had sent this id before; nothing was delivered again
 * @unknown: (array zero-terminated=1) (nullable): addresses that matched nobody
 * @full: (array zero-terminated=1) (nullable): ids of recipients whose queue was full
 * @waited: it was asked to wait for confirmations
 * @confirmed: all recipients confirmed while it waited
 *
 * What became of a message. Valid during the call.
 */
typedef struct
{
  const char *id;
  guint n_recipients;
  gboolean duplicate;
  const char *const *unknown;
  const char *const *full;
  gboolean waited;
  gboolean confirmed;
} SbPublishResult;

/**
 * SbPublishFunc:
 * @result: (nullable): the outcome, once it is durable
 * @error: (nullable): why nothing was accepted; @result then still names @full for SB_ERROR_FULL
 * @user_data: given with the message
 */
typedef void (*SbPublishFunc) (const SbPublishResult *result, const GError *error,
                               gpointer user_data);

/**
 * SbDirectResult:
 * @id: the message's id, given or made
 * @n_delivered: how many sessions it was written to
 * @offline: (array zero-terminated=1): `@id` of recipients without a session
 * @dropped: (array zero-terminated=1): `@id` of recipients that do not keep up
 * @unknown: (array zero-terminated=1): addresses that matched nobody
 * @waited: it was asked to wait for confirmations
 * @confirmed: all that were online confirmed while it waited; none was dropped
 *
 * What became of a direct message. Valid during the call.
 */
typedef struct
{
  const char *id;
  guint n_delivered;
  const char *const *offline;
  const char *const *dropped;
  const char *const *unknown;
  gboolean waited;
  gboolean confirmed;
} SbDirectResult;

/**
 * SbDirectFunc:
 * @result: what became of it
 * @user_data: given with the message
 */
typedef void (*SbDirectFunc) (const SbDirectResult *result, gpointer user_data);

SbBus *sb_bus_new (SbConfig *config, SbJournal *journal, SbAccounts *accounts, SbClock *clock,
                   SbMetrics *metrics);
void sb_bus_set_registry (SbBus *self, SbRegistry *registry);
gboolean sb_bus_start (SbBus *self, GError **error);
void sb_bus_stop (SbBus *self);
void sb_bus_drain_async (SbBus *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
gboolean sb_bus_drain_finish (SbBus *self, GAsyncResult *result);

SbConfig *sb_bus_get_config (SbBus *self);
SbAccounts *sb_bus_get_accounts (SbBus *self);
SbMetrics *sb_bus_get_metrics (SbBus *self);
SbClock *sb_bus_get_clock (SbBus *self);
SbLimits *sb_bus_get_limits (SbBus *self);
void sb_bus_note_throttled (SbBus *self, SbUser *user);

gboolean sb_bus_publish (SbBus *self, SbUser *sender, const SbEnvelope *envelope, gint64 wait,
                         SbPublishFunc func, gpointer user_data, GError **error);

gboolean sb_bus_send_direct (SbBus *self, SbUser *sender, const SbEnvelope *envelope, gint64 wait,
                             SbDirectFunc func, gpointer user_data, GError **error);

gint64 sb_bus_get_session_delay (SbBus *self, SbUser *user);
SbSession *sb_bus_open_session (SbBus *self, SbUser *user, SbDelivery *path, SbSessionFlags flags,
                                GError **error);
void sb_bus_backlog_async (SbBus *self, SbUser *user, GAsyncReadyCallback callback,
                           gpointer user_data);
gboolean sb_bus_backlog_finish (SbBus *self, GAsyncResult *result, guint64 *count, GError **error);

void sb_bus_fetch_async (SbBus *self, SbUser *user, guint limit, gint64 wait, gint64 visibility,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
GPtrArray *sb_bus_fetch_finish (SbBus *self, GAsyncResult *result, GError **error);

void sb_bus_confirm_async (SbBus *self, SbUser *user, const char *const *ids,
                           GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_bus_confirm_finish (SbBus *self, GAsyncResult *result, char ***confirmed,
                                char ***unknown, GError **error);

void sb_bus_status_async (SbBus *self, SbUser *user, const char *id, GAsyncReadyCallback callback,
                          gpointer user_data);
SbMessageStatus *sb_bus_status_finish (SbBus *self, GAsyncResult *result, GError **error);

void sb_bus_refresh_async (SbBus *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_bus_refresh_finish (SbBus *self, GAsyncResult *result, GError **error);

gboolean sb_bus_is_congested (SbBus *self);
gboolean sb_bus_check_ready (SbBus *self, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-operator: what an admin sees of queues and deliveries, and does by hand.
 *
 * A delivery is named by its recipient's key and its message's id, as text
 * "17:order-4711", so that those of users that are gone have a name too. Who may
 * do all this is checked by the caller; what was changed, and whose messages were
 * read, is in the log.
 */
#pragma once

#include "sb-bus.h"
#include "sb-plugin.h"

G_BEGIN_DECLS

/**
 * SbOutboundInfo:
 * @type: (nullable): of the path; %NULL: the properties do not say
 * @state: `ok`; `waiting`, for the next attempt; `unreachable` after many attempts; `faulty`: no
 *   path could be made, @fault says why
 * @retry_in: when it is tried again, seconds; 0: at once
 * @n_confirmed: since the path was made
 * @n_failed: likewise
 * @failures: (nullable): the last attempts that failed, for sb_attempt_log_append_json()
 * @fault: (nullable): why it is faulty
 *
 * How it stands with a recipient that the bus calls.
 */
typedef struct
{
  char *type; /* (owned) */
  const char *state;
  gint64 retry_in;
  guint64 n_confirmed;
  guint64 n_failed;
  char *failures; /* (owned) */
  char *fault;    /* (owned) */
} SbOutboundInfo;

/**
 * SbRecipientInfo:
 * @key: of the user
 * @id: its id, also of a user that is gone
 * @backlog: what the store has for it
 * @in_flight: deliveries that were sent and are not confirmed
 * @gone: there is no such user any more
 * @online: it has a session
 * @paused: what it is sent waits
 * @outbound: (nullable): %NULL: the bus does not call it
 *
 * A queue, as the store and the bus know it.
 */
typedef struct
{
  gint64 key;
  char *id; /* (owned) */
  SbBacklog backlog;
  guint in_flight;
  gboolean gone;
  gboolean online;
  gboolean paused;
  SbOutboundInfo *outbound; /* (owned) */
} SbRecipientInfo;

/**
 * SbDeliveryDetails:
 * @message: its message, with this delivery only
 * @delivery: (transfer none): the delivery
 * @size: of the message's body, bytes; -1: it is gone
 *
 * All about one delivery but the body.
 */
typedef struct
{
  SbMessageStatus *message; /* (owned) */
  SbDeliveryStatus *delivery;
  gint64 size;
} SbDeliveryDetails;

/**
 * SbPreview:
 * @n_recipients: how many the addresses reach
 * @ids: (element-type utf8): of some of them, sorted
 * @unknown: (element-type utf8): addresses that match nobody, as they were written
 *
 * Whom a message would go to.
 */
typedef struct
{
  guint n_recipients;
  GPtrArray *ids;     /* (owned) */
  GPtrArray *unknown; /* (owned) */
} SbPreview;

/**
 * SbSessionInfo:
 * @id: the user's id
 * @address: (nullable): where the user is
 * @transport: (nullable): name of the transport
 * @since: when it was opened, wall clock, microseconds
 * @in_flight: deliveries that were sent and are not confirmed
 * @is_ready: it takes more now
 *
 * An open session.
 */
typedef struct
{
  char *id;      /* (owned) */
  char *address; /* (owned) */
  const char *transport;
  gint64 since;
  guint in_flight;
  gboolean is_ready;
} SbSessionInfo;

/**
 * SbFileView:
 * @info: the file, with its rights
 * @n_recipients: in all
 * @n_waiting: those of them that have yet to fetch it
 * @waiting: (array zero-terminated=1): ids of some of these
 *
 * A file that waits.
 */
typedef struct
{
  SbFileInfo *info; /* (owned) */
  guint n_recipients;
  guint n_waiting;
  char **waiting; /* (owned) */
} SbFileView;

/**
 * SbFileFilter:
 * @recipient: key of one that has yet to fetch the file, 0 for all
 * @sender_key: key of the sender, 0 for all
 *
 * Which files to list.
 */
typedef struct
{
  gint64 recipient;
  gint64 sender_key;
} SbFileFilter;

void sb_session_info_free (SbSessionInfo *self);
void sb_file_view_free (SbFileView *self);
void sb_recipient_info_free (SbRecipientInfo *self);
void sb_delivery_details_free (SbDeliveryDetails *self);
void sb_preview_free (SbPreview *self);

gboolean sb_delivery_name_parse (const char *name, gint64 *recipient, const char **id,
                                 GError **error);
char *sb_delivery_name_make (gint64 recipient, const char *id);

void sb_bus_list_queues_async (SbBus *self, gint64 after, guint limit, GAsyncReadyCallback callback,
                               gpointer user_data);
void sb_bus_list_largest_queues_async (SbBus *self, guint limit, GAsyncReadyCallback callback,
                                       gpointer user_data);
GPtrArray *sb_bus_list_queues_finish (SbBus *self, GAsyncResult *result, gint64 *next,
                                      GError **error);
void sb_bus_look_at_queue_async (SbBus *self, SbUser *user, GAsyncReadyCallback callback,
                                 gpointer user_data);
SbRecipientInfo *sb_bus_look_at_queue_finish (SbBus *self, GAsyncResult *result, GError **error);
void sb_bus_look_at_queues_async (SbBus *self, GPtrArray *users, GAsyncReadyCallback callback,
                                  gpointer user_data);
GPtrArray *sb_bus_look_at_queues_finish (SbBus *self, GAsyncResult *result, GError **error);
gboolean sb_bus_is_online (SbBus *self, const SbUser *user);

void sb_bus_list_deliveries_async (SbBus *self, const SbDeliveryFilter *filter, const char *after,
                                   guint limit, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *sb_bus_list_deliveries_finish (SbBus *self, GAsyncResult *result, char **next,
                                          GError **error);
void sb_bus_look_at_delivery_async (SbBus *self, gint64 recipient, const char *id,
                                    GAsyncReadyCallback callback, gpointer user_data);
SbDeliveryDetails *sb_bus_look_at_delivery_finish (SbBus *self, GAsyncResult *result,
                                                   GError **error);
void sb_bus_read_message_async (SbBus *self, SbUser *actor, gint64 recipient, const char *id,
                                GAsyncReadyCallback callback, gpointer user_data);
SbMessage *sb_bus_read_message_finish (SbBus *self, GAsyncResult *result, GError **error);

void sb_bus_read_own_message_async (SbBus *self, const SbUser *user, gint64 recipient,
                                    const char *id, GAsyncReadyCallback callback,
                                    gpointer user_data);
SbMessage *sb_bus_read_own_message_finish (SbBus *self, GAsyncResult *result, GError **error);

void sb_bus_requeue_async (SbBus *self, SbUser *actor, gint64 recipient, const char *id,
                           GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_bus_requeue_finish (SbBus *self, GAsyncResult *result, GError **error);
void sb_bus_drop_async (SbBus *self, SbUser *actor, gint64 recipient, const char *id,
                        GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_bus_drop_finish (SbBus *self, GAsyncResult *result, GError **error);
void sb_bus_move_async (SbBus *self, SbUser *actor, gint64 recipient, const char *id,
                        const char *to, GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_bus_move_finish (SbBus *self, GAsyncResult *result, gint64 *recipient, GError **error);

void sb_bus_list_files_async (SbBus *self, const SbFileFilter *filter, const char *after,
                              guint limit, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *sb_bus_list_files_finish (SbBus *self, GAsyncResult *result, char **next,
                                     GError **error);
void sb_bus_look_at_file_async (SbBus *self, const char *name, GAsyncReadyCallback callback,
                                gpointer user_data);
SbFileView *sb_bus_look_at_file_finish (SbBus *self, GAsyncResult *result, SbMessageStatus **status,
                                        GError **error);
void sb_bus_drop_file_async (SbBus *self, SbUser *actor, const char *name,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_bus_drop_file_finish (SbBus *self, GAsyncResult *result, GError **error);

GPtrArray *sb_bus_list_sessions (SbBus *self, const char *after, guint limit);
SbSessionInfo *sb_bus_find_session (SbBus *self, const SbUser *user);
gboolean sb_bus_close_session (SbBus *self, SbUser *actor, SbUser *user, GError **error);
void sb_bus_note_seen (SbBus *self, const SbUser *user);
gint64 sb_bus_get_last_seen (SbBus *self, const SbUser *user);

void sb_bus_set_plugins (SbBus *self, GPtrArray *found, GPtrArray *loaded);
GPtrArray *sb_bus_get_plugins (SbBus *self);
gboolean sb_bus_is_plugin_loaded (SbBus *self, const char *path);

SbPreview *sb_bus_preview (SbBus *self, const SbUser *sender, SbSlice to, guint limit,
                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbFileView, sb_file_view_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbSessionInfo, sb_session_info_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbRecipientInfo, sb_recipient_info_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbDeliveryDetails, sb_delivery_details_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbPreview, sb_preview_free)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-api: what the functions of `/api/v1/` share. One function per route;
 * the table in sb-soup-api.c says which.
 */
#pragma once

#include "sb-soup-endpoints.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Rows of a page, when `limit` does not say, and at most. */
#define SB_API_LIMIT 100
#define SB_API_MAX_LIMIT 1000

/* What stands for the variable segment of a path is in @name, unescaped. */
typedef void (*SbApiFunc) (SbRequest *request, const char *name);

/* sb-soup-api-mine.c */
void sb_api_list_my_deliveries (SbRequest *request, const char *name);
void sb_api_show_my_message (SbRequest *request, const char *name);
void sb_api_list_my_files (SbRequest *request, const char *name);

/* sb-soup-api-overview.c */
void sb_api_show_overview (SbRequest *request, const char *name);
GString *sb_api_print_overview (SbSoupTransport *transport);

/* sb-soup-events.c */
void sb_api_stream_events (SbRequest *request, const char *name);

/* sb-soup-follow.c */
void sb_api_follow_message (SbRequest *request, const char *name);

/* sb-soup-live.c */
void sb_api_stream_flow (SbRequest *request, const char *name);

/* sb-soup-api-health.c */
void sb_api_show_health (SbRequest *request, const char *name);

/* sb-soup-api-configuration.c */
void sb_api_show_configuration (SbRequest *request, const char *name);
void sb_api_list_plugins (SbRequest *request, const char *name);
void sb_api_show_openapi (SbRequest *request, const char *name);

/* sb-soup-api-device.c */
void sb_api_draw_qr (SbRequest *request, const char *name);
void sb_api_make_settings (SbRequest *request, const char *name);

/* sb-soup-api-sessions.c */
void sb_api_list_sessions (SbRequest *request, const char *name);
void sb_api_close_session (SbRequest *request, const char *name);

/* sb-soup-api-transfers.c */
void sb_api_list_transfers (SbRequest *request, const char *name);
void sb_api_add_transfers (SbSoupTransport *transport, GString *json, guint limit);
guint sb_api_count_uploads (SbSoupTransport *transport);

/* sb-soup-api-files.c */
gboolean sb_api_check_file_place (SbRequest *request, const char *after);
void sb_api_add_file (GString *json, const SbFileInfo *info);
void sb_api_list_files (SbRequest *request, const char *name);
void sb_api_show_file (SbRequest *request, const char *name);
void sb_api_drop_file (SbRequest *request, const char *name);

/* sb-soup-api-queues.c */
void sb_api_add_backlog (GString *json, const SbBacklog *backlog);
void sb_api_list_queues (SbRequest *request, const char *name);
void sb_api_show_queue (SbRequest *request, const char *name);
void sb_api_pause (SbRequest *request, const char *name);
void sb_api_resume (SbRequest *request, const char *name);

/* sb-soup-api-deliveries.c */
void sb_api_answer_deliveries (SbRequest *request, GPtrArray *deliveries, const char *next);
void sb_api_list_deliveries (SbRequest *request, const char *name);
void sb_api_show_delivery (SbRequest *request, const char *name);
void sb_api_show_message (SbRequest *request, const char *name);
void sb_api_requeue (SbRequest *request, const char *name);
void sb_api_drop (SbRequest *request, const char *name);
void sb_api_move (SbRequest *request, const char *name);

/* sb-soup-api-bulk.c */
void sb_api_requeue_many (SbRequest *request, const char *name);
void sb_api_drop_many (SbRequest *request, const char *name);
void sb_api_move_many (SbRequest *request, const char *name);

/* sb-soup-api-users.c */
void sb_api_list_users (SbRequest *request, const char *name);
void sb_api_show_user (SbRequest *request, const char *name);
void sb_api_remove_user (SbRequest *request, const char *name);
void sb_api_show_me (SbRequest *request, const char *name);
void sb_api_preview (SbRequest *request, const char *name);

/* sb-soup-api-import.c */
void sb_api_import_users (SbRequest *request, const char *name);

/* sb-soup-api-backup.c */
void sb_api_backup (SbRequest *request, const char *name);

SbUser *sb_api_find_user (SbRequest *request, const char *id);
SbUser *sb_api_get_current_user (SbRequest *request);
gboolean sb_api_get_user_key (SbRequest *request, const char *parameter, gint64 *key);
gboolean sb_api_is_admin (SbRequest *request);
const char *sb_api_get_parameter (SbRequest *request, const char *name);
gboolean sb_api_get_limit (SbRequest *request, guint *limit);
JsonNode *sb_api_parse_body (SbRequest *request, const char *const *members);
const char *sb_api_get_string (JsonNode *body, const char *member);

GString *sb_api_begin_page (const char *member);
void sb_api_answer_page (SbRequest *request, GString *json, const char *next);
void sb_api_append_text (GString *json, const char *text);
void sb_api_append_time (GString *json, gint64 wall);

G_END_DECLS

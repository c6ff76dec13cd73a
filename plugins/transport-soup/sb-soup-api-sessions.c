/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-api-sessions: `/api/v1/sessions`: who is connected, and closing that. */

#include "sb-soup-api.h"

static void
add_session (GString *json, const SbSessionInfo *session)
{
  sb_json_begin (json, NULL, '{');
  sb_json_add_string (json, "user", session->id);
  sb_json_add_string (json, "address", session->address);
  sb_json_add_string (json, "transport", session->transport);
  sb_json_add_time (json, "since", session->since);
  sb_json_add_integer (json, "in_flight", session->in_flight);
  sb_json_add_boolean (json, "ready", session->is_ready);
  sb_json_end (json, '}');
}

/**
 * sb_api_list_sessions:
 * @request: `GET /api/v1/sessions`
 * @name: %NULL
 *
 * Lists open sessions by their users' ids.
 */
void
sb_api_list_sessions (SbRequest *request, const char *name)
{
  g_autoptr (GPtrArray) sessions = NULL;
  const char *next = NULL;
  GString *json;
  guint limit;

  if (!sb_api_get_limit (request, &limit))
    return;
  sessions = sb_bus_list_sessions (request->transport->bus, sb_api_get_parameter (request, "after"),
                                   limit);
  json = sb_api_begin_page ("sessions");
  for (guint i = 0; i < sessions->len; i++)
    {
      const SbSessionInfo *session = g_ptr_array_index (sessions, i);

      add_session (json, session);
      if (sessions->len == limit)
        next = session->id;
    }
  sb_api_answer_page (request, json, next);
}

/**
 * sb_api_close_session:
 * @request: `DELETE /api/v1/sessions/<user>`
 * @name: the user's id
 *
 * Closes a session; the user may come again.
 */
void
sb_api_close_session (SbRequest *request, const char *name)
{
  SbUser *user = sb_api_find_user (request, name);
  g_autoptr (GError) error = NULL;

  if (user == NULL)
    return;
  if (sb_bus_close_session (request->transport->bus, request->user, user, &error))
    sb_request_answer (request, 204, NULL, NULL);
  else
    sb_request_fail (request, error, NULL);
}

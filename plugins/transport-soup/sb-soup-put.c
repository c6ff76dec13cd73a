/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-put: `POST /put`, answered when the message is durable, or mirrored if it is a direct
 * one. The hot path: no JSON tree.
 */

#include "sb-soup-endpoints.h"
#include "sb-soup-header.h"
#include "sb-soup-upload.h"

#include <string.h>

/**
 * sb_request_append_strings:
 * @json: an object that is being written, with a member
 * @name: of the member to add
 * @strings: (array zero-terminated=1) (nullable): its value; %NULL: nothing is added
 */
void
sb_request_append_strings (GString *json, const char *name, const char *const *strings)
{
  if (strings == NULL)
    return;
  g_string_append_printf (json, ",\"%s\":[", name);
  for (gsize i = 0; strings[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append_c (json, ',');
      sb_json_append_string (json, strings[i]);
    }
  g_string_append_c (json, ']');
}

static GString *
print_result (const SbPublishResult *result)
{
  GString *json = g_string_sized_new (128);

  g_string_append (json, "{\"_id\":");
  sb_json_append_string (json, result->id);
  g_string_append_printf (json, ",\"recipients\":%u", result->n_recipients);
  sb_request_append_strings (json, "unknown", result->unknown);
  sb_request_append_strings (json, "full", result->full);
  if (result->duplicate)
    g_string_append (json, ",\"duplicate\":true");
  g_string_append_c (json, '}');
  return json;
}

static void
status_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (SbMessageStatus) state = sb_bus_status_finish (SB_BUS (source), result, &error);

  if (state != NULL)
    sb_request_answer_status (request, 202, state);
  else
    sb_request_fail (request, error, NULL);
}

static void
published_cb (const SbPublishResult *result, const GError *error, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;

  if (error != NULL)
    sb_request_fail (request, error, result != NULL ? result->full : NULL);
  else if (!result->waited || result->confirmed)
    sb_request_answer_json (request, 200, print_result (result));
  else
    sb_bus_status_async (request->transport->bus, request->user, result->id, status_cb,
                         sb_request_ref (request));
}

static void
mirrored_cb (const SbDirectResult *result, gpointer user_data)
{
  g_autoptr (SbRequest) request = user_data;
  GString *json = g_string_sized_new (128);

  g_string_append (json, "{\"_id\":");
  sb_json_append_string (json, result->id);
  g_string_append_printf (json, ",\"delivered\":%u", result->n_delivered);
  sb_request_append_strings (json, "offline", result->offline);
  sb_request_append_strings (json, "unknown", result->unknown);
  if (result->dropped[0] != NULL)
    sb_request_append_strings (json, "dropped", result->dropped);
  g_string_append_c (json, '}');
  sb_request_answer_json (request, !result->waited || result->confirmed ? 200 : 202, json);
}

/* Reads the mode from the header and the body, which have to agree. FALSE when it was answered. */
static gboolean
get_mode (SbRequest *request, const SbEnvelope *envelope, gboolean *direct)
{
  g_autofree char *type = g_strdup (sb_request_get_header (request, "Message-Type"));
  gboolean has_member = sb_envelope_has (envelope, SB_MEMBER_DIRECT);
  g_autoptr (GError) error = NULL;
  gboolean member = FALSE;

  if (has_member && !sb_envelope_get_boolean (envelope, SB_MEMBER_DIRECT, &member, &error))
    {
      sb_request_fail (request, error, NULL);
      return FALSE;
    }
  *direct = member;
  if (type == NULL || *g_strstrip (type) == '\0')
    return TRUE;
  *direct = g_ascii_strcasecmp (type, "direct") == 0;
  if (!*direct && g_ascii_strcasecmp (type, "queue") != 0)
    {
      sb_request_problem (request, 400, "invalid", "Message-Type is one of queue, direct and file");
      return FALSE;
    }
  if (!has_member || member == *direct)
    return TRUE;
  sb_request_problem (request, 400, "invalid",
                      "The header Message-Type and the member direct disagree");
  return FALSE;
}

/* Files come in forms, which have a reader of their own: what comes here is none. FALSE when it was
 * answered. */
static gboolean
check_no_file (SbRequest *request)
{
  const char *type = sb_request_get_header (request, "Message-Type");
  g_autofree char *mode = g_strdup (type != NULL ? type : "");

  if (g_ascii_strcasecmp (g_strstrip (mode), "file") != 0 && !sb_upload_is_form (request))
    return TRUE;
  sb_request_problem (request, 400, "invalid",
                      "A file is sent in a body of multipart/form-data with the field data");
  return FALSE;
}

/**
 * sb_request_check_rate:
 * @request: that sends a message
 *
 * Returns: whether the sender may send now; %FALSE when it was answered
 */
gboolean
sb_request_check_rate (SbRequest *request)
{
  SbBus *bus = request->transport->bus;
  gint64 wait = sb_limits_take (sb_bus_get_limits (bus), request->user->key,
                                sb_request_get_address (request),
                                sb_clock_monotonic (sb_bus_get_clock (bus)));
  g_autofree char *seconds = NULL;

  if (wait == 0)
    return TRUE;
  sb_bus_note_throttled (bus, request->user);
  seconds = g_strdup_printf ("%" G_GINT64_FORMAT, (wait + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
  sb_request_set_header (request, "Retry-After", seconds);
  sb_request_problem (request, 429, "rate-limit",
                      "This user, or its address, sends more messages than it may");
  return FALSE;
}

static gint64
get_wait (SbRequest *request)
{
  guint seconds = 0;

  if (!sb_prefer_parse (sb_request_get_header (request, "Prefer"), &seconds) || seconds == 0)
    return 0;
  sb_request_set_header (request, "Preference-Applied", "wait");
  return (gint64) seconds * G_USEC_PER_SEC;
}

static void
send_direct (SbRequest *request, const SbEnvelope *envelope)
{
  g_autoptr (GError) error = NULL;

  if (sb_bus_send_direct (request->transport->bus, request->user, envelope, get_wait (request),
                          mirrored_cb, sb_request_ref (request), &error))
    return;
  sb_request_fail (request, error, NULL);
  sb_request_unref (request);
}

static void
send_guaranteed (SbRequest *request, const SbEnvelope *envelope)
{
  g_autoptr (GError) error = NULL;

  if (sb_bus_publish (request->transport->bus, request->user, envelope, get_wait (request),
                      published_cb, sb_request_ref (request), &error))
    return;
  sb_request_fail (request, error, NULL);
  sb_request_unref (request);
}

/**
 * sb_endpoint_put:
 * @request: `POST /put`
 *
 * Sends a message.
 */
void
sb_endpoint_put (SbRequest *request)
{
  SbEnvelope envelope;
  gsize length;
  const char *data = g_bytes_get_data (request->body, &length);
  g_autoptr (GError) error = NULL;
  gboolean direct;

  if (!sb_request_check_rate (request) || !check_no_file (request))
    return;
  if (!sb_envelope_scan (&envelope, data, length, &error))
    {
      sb_request_fail (request, error, NULL);
      return;
    }
  if (!get_mode (request, &envelope, &direct))
    return;
  if (direct)
    send_direct (request, &envelope);
  else
    send_guaranteed (request, &envelope);
}

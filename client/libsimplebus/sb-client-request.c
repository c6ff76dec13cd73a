/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-request: libsoup, used synchronously. */

#include "sb-client-request.h"

#define STALL_MS 30000

/* Of an answer that is no file. */
#define MAX_ANSWER (1024 * 1024)

void
sb_client_requests_init (SbClientRequests *self, const SbClientSettings *settings,
                         GCancellable *cancellable)
{
  *self = (SbClientRequests) { .settings = settings, .cancellable = cancellable };
  self->session = sb_client_http_new_session (settings);
  soup_session_set_timeout (self->session, sb_client_fault_get_ms ("stall", STALL_MS) / 1000);
}

void
sb_client_requests_clear (SbClientRequests *self)
{
  if (self->session != NULL)
    soup_session_abort (self->session);
  g_clear_object (&self->session);
}

SoupMessage *
sb_client_requests_new (SbClientRequests *self, const char *method, const char *path,
                        GError **error)
{
  SoupMessage *message = sb_client_http_new_message (self->settings, method, path, error);

  if (message == NULL)
    return NULL;
  /* What lies on the disk has to be what the bus has. */
  soup_message_disable_feature (message, SOUP_TYPE_CONTENT_DECODER);
  soup_message_headers_replace (soup_message_get_request_headers (message), "Accept-Encoding",
                                "identity");
  return message;
}

GError *
sb_client_requests_wrap (SbClientRequests *self, const GError *error)
{
  if (error != NULL)
    return sb_client_http_wrap_error (error, self->settings->url);
  return g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_OFFLINE, "%s: the connection broke",
                      self->settings->url);
}

static GBytes *
read_answer (SbClientRequests *self, GInputStream *stream, GError **error)
{
  g_autoptr (GByteArray) answer = g_byte_array_new ();
  g_autoptr (GError) fault = NULL;
  gssize n;

  g_byte_array_set_size (answer, MAX_ANSWER);
  if (g_input_stream_read_all (stream, answer->data, MAX_ANSWER, (gsize *) &n, self->cancellable,
                               &fault))
    {
      g_byte_array_set_size (answer, (guint) n);
      return g_byte_array_free_to_bytes (g_steal_pointer (&answer));
    }
  g_propagate_error (error, sb_client_requests_wrap (self, fault));
  return NULL;
}

static GInputStream *
begin (SbClientRequests *self, SoupMessage *message, GError **error)
{
  g_autoptr (GError) fault = NULL;
  GInputStream *stream = soup_session_send (self->session, message, self->cancellable, &fault);

  self->status = 0;
  self->retry_after = 0;
  if (stream == NULL)
    {
      g_propagate_error (error, sb_client_requests_wrap (self, fault));
      return NULL;
    }
  self->status = soup_message_get_status (message);
  self->retry_after = sb_client_http_get_retry_after (soup_message_get_response_headers (message));
  return stream;
}

GBytes *
sb_client_requests_send (SbClientRequests *self, SoupMessage *message, GError **error)
{
  g_autoptr (GInputStream) stream = begin (self, message, error);
  g_autoptr (GBytes) answer = stream != NULL ? read_answer (self, stream, error) : NULL;

  if (answer == NULL || SOUP_STATUS_IS_SUCCESSFUL (self->status))
    return g_steal_pointer (&answer);
  g_propagate_error (error, sb_client_http_error (self->status, answer,
                                                  soup_message_get_response_headers (message)));
  return NULL;
}

GInputStream *
sb_client_requests_open (SbClientRequests *self, SoupMessage *message, GError **error)
{
  g_autoptr (GInputStream) stream = begin (self, message, error);
  g_autoptr (GBytes) answer = NULL;

  if (stream == NULL || SOUP_STATUS_IS_SUCCESSFUL (self->status))
    return g_steal_pointer (&stream);
  answer = read_answer (self, stream, NULL);
  g_propagate_error (error, sb_client_http_error (self->status, answer,
                                                  soup_message_get_response_headers (message)));
  return NULL;
}

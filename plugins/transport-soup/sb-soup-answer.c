/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-answer: how a request is answered.
 *
 * libsoup reads a body to its end before it answers. Whoever is refused with a
 * large body ahead is therefore answered past libsoup, on the stolen
 * connection, which is then closed.
 */

#include "sb-soup-http.h"

#include "sb-soup-problem.h"
#include "sb-soup-signin.h"

/* A refused body up to this size is read and dropped, so that the connection can go on. */
#define DISCARD_MAX (64 * 1024)

static void
append_headers (GString *out, SoupMessageHeaders *headers)
{
  SoupMessageHeadersIter iter;
  const char *name, *value;

  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &value))
    g_string_append_printf (out, "%s: %s\r\n", name, value);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_io_stream_close_finish (G_IO_STREAM (source), result, NULL);
}

/* Status line and headers of the last answer on a connection. */
static void
append_head (GString *out, SoupServerMessage *message)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);

  soup_message_headers_replace (headers, "Connection", "close");
  g_string_append_printf (out, "HTTP/1.1 %u %s\r\n", soup_server_message_get_status (message),
                          soup_server_message_get_reason_phrase (message));
  append_headers (out, headers);
  g_string_append (out, "\r\n");
}

/* Writes the answer that @message has, past libsoup, and ends the connection. */
static void
answer_on_stolen_connection (SoupServerMessage *message)
{
  g_autoptr (GString) out = g_string_sized_new (1024);
  SoupMessageBody *body = soup_server_message_get_response_body (message);
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (message);
  g_autoptr (GBytes) content = soup_message_body_flatten (body);
  g_autoptr (GIOStream) stream = NULL;

  soup_message_headers_set_content_length (headers, (goffset) g_bytes_get_size (content));
  append_head (out, message);
  g_string_append_len (out, g_bytes_get_data (content, NULL), (gssize) g_bytes_get_size (content));

  stream = soup_server_message_steal_connection (message);
  if (stream == NULL)
    return;
  /* The connection gathers far more than this without blocking. */
  g_pollable_output_stream_write_nonblocking (
      G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (stream)), out->str, out->len, NULL,
      NULL);
  g_io_stream_close_async (stream, G_PRIORITY_DEFAULT, NULL, closed_cb, NULL);
}

static gboolean
is_expecting_continue (SoupMessageHeaders *headers)
{
  return (soup_message_headers_get_expectations (headers) & SOUP_EXPECTATION_CONTINUE) != 0;
}

/* Whether the client still sends more than can be dropped in passing. */
static gboolean
has_much_ahead (SbRequest *self)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (self->message);

  if (!self->has_body || (is_expecting_continue (headers) && self->received == 0))
    return FALSE;
  return soup_message_headers_get_encoding (headers) != SOUP_ENCODING_CONTENT_LENGTH
         || soup_message_headers_get_content_length (headers) > DISCARD_MAX
         || (self->reader != NULL && self->transport->is_stopping);
}

/* The answer is in the message: lets libsoup send it, or sends it without libsoup. */
static void
send_answer (SbRequest *self)
{
  SoupServerMessage *message = self->message;

  self->answered = TRUE;
  sb_request_set_header (self, "X-Content-Type-Options", "nosniff");
  if (self->transport->is_stopping)
    sb_request_set_header (self, "Connection", "close");
  if (has_much_ahead (self))
    {
      answer_on_stolen_connection (message);
      return;
    }
  if (self->has_body)
    {
      soup_message_body_set_accumulate (soup_server_message_get_request_body (message), FALSE);
      if (is_expecting_continue (soup_server_message_get_request_headers (message)))
        sb_request_set_header (self, "Connection", "close");
    }
  if (self->paused)
    {
      self->paused = FALSE;
      soup_server_message_unpause (message);
    }
}

/**
 * sb_request_can_answer:
 * @self: a request
 *
 * Returns: whether the client is there, and has no answer
 */
gboolean
sb_request_can_answer (SbRequest *self)
{
  return self->message != NULL && !self->answered;
}

/* Without it libsoup takes the end of the connection for that of the answer. What HEAD says of a
 * body that it does not send stays. */
static void
set_length_of_nothing (SbRequest *self, guint status, const GString *body)
{
  SoupMessageHeaders *headers = soup_server_message_get_response_headers (self->message);

  if (status == 204)
    soup_message_headers_set_encoding (headers, SOUP_ENCODING_NONE);
  else if (body == NULL && soup_message_headers_get_one (headers, "Content-Length") == NULL)
    soup_message_headers_set_content_length (headers, 0);
}

/**
 * sb_request_answer:
 * @self: a request
 * @status: HTTP status
 * @type: (nullable): content type of @body
 * @body: (transfer full) (nullable): the answer's body
 *
 * Answers. Does nothing when the client is gone or was answered.
 */
void
sb_request_answer (SbRequest *self, guint status, const char *type, GString *body)
{
  gsize length = body != NULL ? body->len : 0;

  if (!sb_request_can_answer (self))
    {
      if (body != NULL)
        g_string_free (body, TRUE);
      return;
    }
  soup_server_message_set_status (self->message, status, sb_problem_title (status));
  set_length_of_nothing (self, status, body);
  if (body != NULL)
    soup_server_message_set_response (self->message, type, SOUP_MEMORY_TAKE,
                                      g_string_free (body, FALSE), length);
  if (soup_message_headers_get_one (soup_server_message_get_response_headers (self->message),
                                    "Cache-Control")
      == NULL)
    sb_request_set_header (self, "Cache-Control", "no-store");
  send_answer (self);
}

/**
 * sb_request_steal:
 * @self: a request that is complete
 * @status: HTTP status
 * @head: (out) (transfer full): status line and headers of the answer, which says that the
 *   connection ends with it
 *
 * Has the caller answer past libsoup.
 *
 * Returns: (transfer full) (nullable): the connection; %NULL when the client is gone or was
 *   answered
 */
GIOStream *
sb_request_steal (SbRequest *self, guint status, char **head)
{
  GString *out;

  if (!sb_request_can_answer (self))
    return NULL;
  self->answered = TRUE;
  sb_request_set_header (self, "X-Content-Type-Options", "nosniff");
  soup_server_message_set_status (self->message, status, sb_problem_title (status));
  out = g_string_sized_new (1024);
  append_head (out, self->message);
  *head = g_string_free (out, FALSE);
  return soup_server_message_steal_connection (self->message);
}

/**
 * sb_request_answer_static:
 * @self: a request
 * @type: content type
 * @body: bytes that are there for as long as the program runs
 *
 * Answers 200 with a page.
 */
void
sb_request_answer_static (SbRequest *self, const char *type, GBytes *body)
{
  gsize length;
  const char *data = g_bytes_get_data (body, &length);

  sb_request_answer (self, 200, type, g_string_new_len (data, (gssize) length));
}

/**
 * sb_request_answer_json:
 * @self: a request
 * @status: HTTP status
 * @json: (transfer full): the document
 */
void
sb_request_answer_json (SbRequest *self, guint status, GString *json)
{
  sb_request_answer (self, status, "application/json", json);
}

/**
 * sb_request_redirect:
 * @self: a request
 * @location: a path
 *
 * Answers 302. The place stays relative: which host and scheme the client used
 * is known to the proxies before us at best.
 */
void
sb_request_redirect (SbRequest *self, const char *location)
{
  sb_request_set_header (self, "Location", location);
  sb_request_answer (self, 302, NULL, NULL);
}

/**
 * sb_request_problem:
 * @self: a request
 * @status: HTTP status
 * @reason: a word for programs
 * @detail: (nullable): a sentence for people
 *
 * Answers with a problem document.
 */
void
sb_request_problem (SbRequest *self, guint status, const char *reason, const char *detail)
{
  if (!sb_request_can_answer (self))
    return;
  sb_request_count_problem (self, reason);
  sb_request_answer (self, status, SB_PROBLEM_TYPE, sb_problem_new (status, reason, detail, NULL));
}

static void
set_retry_after (SbRequest *self, const GError *error)
{
  guint seconds = sb_problem_retry_after (error);
  g_autofree char *address = NULL;
  g_autofree char *text = NULL;

  if (g_error_matches (error, SB_ERROR, SB_ERROR_RATE) && self->user == NULL && self->id != NULL)
    {
      address = sb_request_dup_address (self);
      seconds = MAX (1, sb_accounts_get_retry_after (self->transport->accounts, self->id, address));
    }
  if (seconds == 0)
    return;
  text = g_strdup_printf ("%u", seconds);
  sb_request_set_header (self, "Retry-After", text);
}

/**
 * sb_request_fail:
 * @self: a request
 * @error: why it failed
 * @full: (array zero-terminated=1) (nullable): recipients whose queue is full
 *
 * Answers with the status and the problem document that say the same.
 */
void
sb_request_fail (SbRequest *self, const GError *error, const char *const *full)
{
  guint status = sb_problem_status (error);
  const char *detail = error->message;

  if (!sb_request_can_answer (self))
    return;
  if (status == 401 && !sb_request_is_of_console (self))
    sb_request_set_header (self, "WWW-Authenticate",
                           "Basic realm=\"SimpleBus\", charset=\"UTF-8\"");
  if (status == 500)
    {
      g_warning ("%s: %s", sb_request_get_path (self), error->message);
      detail = "The bus could not do it; its log says why";
    }
  set_retry_after (self, error);
  sb_request_count_problem (self, sb_error_reason (error));
  sb_request_answer (self, status, SB_PROBLEM_TYPE,
                     sb_problem_new (status, sb_error_reason (error), detail, full));
}

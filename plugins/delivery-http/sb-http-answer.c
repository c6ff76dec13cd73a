/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-answer: strict where two readers could see two different answers, for then the next one
 * on the connection would belong to nobody knows what: folded lines, spaces before a colon, stray
 * control characters, a length that is said twice or in two ways. A line may end in a bare LF, as
 * RFC 9112 allows.
 *
 * Lines are taken from where they lie; only one that is cut by the end of the data is copied.
 */

#include "sb-http-answer.h"

#include <string.h>

/* Makes ready for an answer; @self is zeroed or was used before. */
void
sb_http_answer_reset (SbHttpAnswer *self)
{
  GString *line = g_steal_pointer (&self->line);

  if (line != NULL)
    g_string_truncate (line, 0);
  /* All but the text, which its length covers. */
  self->state = SB_HTTP_ANSWER_HEAD;
  self->fault = NULL;
  self->status = 0;
  self->retry_after[0] = '\0';
  self->text_length = 0;
  self->is_reusable = FALSE;
  self->part = SB_HTTP_PART_STATUS;
  self->line = line;
  self->head_length = self->body_length = 0;
  self->left = self->content_length = 0;
  self->has_content_length = self->is_chunked = FALSE;
  self->is_1_0 = self->says_close = self->says_keep_alive = FALSE;
}

void
sb_http_answer_clear (SbHttpAnswer *self)
{
  if (self->line != NULL)
    g_string_free (g_steal_pointer (&self->line), TRUE);
}

static void
refuse (SbHttpAnswer *self, const char *fault)
{
  self->fault = fault;
  self->state = SB_HTTP_ANSWER_GARBAGE;
}

/* The body does not end where it should: what the head said counts all the same. */
static void
break_off (SbHttpAnswer *self)
{
  self->is_reusable = FALSE;
  self->state = SB_HTTP_ANSWER_DONE;
}

static void
finish (SbHttpAnswer *self)
{
  self->is_reusable = !self->says_close && (!self->is_1_0 || self->says_keep_alive);
  self->state = SB_HTTP_ANSWER_DONE;
}

/* The head */

static void
take_status_line (SbHttpAnswer *self, const char *line, gsize length)
{
  const char *digits = line + strlen ("HTTP/1.1 ");

  if (length < strlen ("HTTP/1.1 200") || memcmp (line, "HTTP/1.", 7) != 0
      || !g_ascii_isdigit (line[7]) || line[8] != ' ' || !g_ascii_isdigit (digits[0])
      || !g_ascii_isdigit (digits[1]) || !g_ascii_isdigit (digits[2])
      || (length > strlen ("HTTP/1.1 200") && digits[3] != ' '))
    {
      refuse (self, "what came is no HTTP/1.x answer");
      return;
    }
  self->is_1_0 = line[7] == '0';
  self->status = (guint) ((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
  if (self->status < 100 || self->status > 599 || self->status == 101)
    refuse (self, "the answer has a status that HTTP does not have here");
  self->part = SB_HTTP_PART_FIELD;
}

static gboolean
is_name (const char *text, gsize length, const char *name)
{
  return length == strlen (name) && g_ascii_strncasecmp (text, name, length) == 0;
}

static gboolean
is_token_byte (char c)
{
  return g_ascii_isalnum (c) || (c != '\0' && strchr ("!#$%&'*+-.^_`|~", c) != NULL);
}

static gboolean
is_valid_name (const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (!is_token_byte (text[i]))
      return FALSE;
  return length > 0;
}

static void
take_content_length (SbHttpAnswer *self, const char *value, gsize length)
{
  if (self->has_content_length || length == 0 || length > 18)
    {
      refuse (self, "the answer has a Content-Length that is doubtful");
      return;
    }
  self->has_content_length = TRUE;
  for (gsize i = 0; i < length; i++)
    {
      if (!g_ascii_isdigit (value[i]))
        {
          refuse (self, "the answer has a Content-Length that is no number");
          return;
        }
      self->content_length = self->content_length * 10 + (guint64) (value[i] - '0');
    }
}

static void
take_transfer_encoding (SbHttpAnswer *self, const char *value, gsize length)
{
  if (self->is_chunked || self->is_1_0 || !is_name (value, length, "chunked"))
    refuse (self, "the answer has a Transfer-Encoding other than chunked");
  self->is_chunked = TRUE;
}

/* A list: "close", "keep-alive, Upgrade" */
static void
take_connection (SbHttpAnswer *self, const char *value, gsize length)
{
  const char *end = value + length;

  for (const char *p = value; p < end;)
    {
      const char *comma = memchr (p, ',', (gsize) (end - p));
      const char *stop = comma != NULL ? comma : end;
      const char *next = comma != NULL ? comma + 1 : end;

      while (p < stop && (*p == ' ' || *p == '\t'))
        p++;
      while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t'))
        stop--;
      if (is_name (p, (gsize) (stop - p), "close"))
        self->says_close = TRUE;
      else if (is_name (p, (gsize) (stop - p), "keep-alive"))
        self->says_keep_alive = TRUE;
      p = next;
    }
}

static void
take_field (SbHttpAnswer *self, const char *line, gsize length)
{
  const char *colon = memchr (line, ':', length);
  const char *value = colon != NULL ? colon + 1 : NULL;
  const char *end = line + length;
  gsize n;

  if (colon == NULL || !is_valid_name (line, (gsize) (colon - line)))
    {
      refuse (self, "the answer has a header that is malformed");
      return;
    }
  while (value < end && (*value == ' ' || *value == '\t'))
    value++;
  while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  n = (gsize) (end - value);
  length = (gsize) (colon - line);
  if (is_name (line, length, "Content-Length"))
    take_content_length (self, value, n);
  else if (is_name (line, length, "Transfer-Encoding"))
    take_transfer_encoding (self, value, n);
  else if (is_name (line, length, "Connection"))
    take_connection (self, value, n);
  else if (is_name (line, length, "Retry-After") && n < SB_HTTP_MAX_RETRY_AFTER)
    {
      memcpy (self->retry_after, value, n);
      self->retry_after[n] = '\0';
    }
}

/* One that goes before the answer proper. */
static void
drop_interim (SbHttpAnswer *self)
{
  self->part = SB_HTTP_PART_STATUS;
  self->status = 0;
  self->retry_after[0] = '\0';
  self->content_length = 0;
  self->has_content_length = self->is_chunked = FALSE;
  self->says_close = self->says_keep_alive = FALSE;
}

static void
end_head (SbHttpAnswer *self)
{
  if (self->has_content_length && self->is_chunked)
    {
      refuse (self, "the answer has both Content-Length and Transfer-Encoding");
      return;
    }
  if (self->status == 100 || self->status == 103)
    {
      drop_interim (self);
      return;
    }
  self->state = SB_HTTP_ANSWER_BODY;
  self->left = self->content_length;
  if (self->status < 200)
    break_off (self);
  else if (self->status == 204 || self->status == 304
           || (self->has_content_length && self->left == 0))
    finish (self);
  else if (self->is_chunked)
    self->part = SB_HTTP_PART_CHUNK_SIZE;
  else
    self->part = self->has_content_length ? SB_HTTP_PART_LENGTH : SB_HTTP_PART_CLOSE;
}

/* The body */

static void
take_chunk_size (SbHttpAnswer *self, const char *line, gsize length)
{
  gsize n = 0;

  self->left = 0;
  while (n < length && g_ascii_isxdigit (line[n]))
    {
      if (n == 15)
        {
          break_off (self);
          return;
        }
      self->left = self->left * 16 + (guint64) g_ascii_xdigit_value (line[n++]);
    }
  if (n == 0 || (n < length && strchr ("; \t", line[n]) == NULL))
    break_off (self);
  else
    self->part = self->left > 0 ? SB_HTTP_PART_CHUNK : SB_HTTP_PART_TRAILER;
}

static void
take_line (SbHttpAnswer *self, const char *line, gsize length)
{
  switch (self->part)
    {
    case SB_HTTP_PART_STATUS:
      take_status_line (self, line, length);
      break;
    case SB_HTTP_PART_FIELD:
      if (length == 0)
        end_head (self);
      else
        take_field (self, line, length);
      break;
    case SB_HTTP_PART_CHUNK_SIZE:
      take_chunk_size (self, line, length);
      break;
    case SB_HTTP_PART_CHUNK_END:
      self->part = SB_HTTP_PART_CHUNK_SIZE;
      if (length > 0)
        break_off (self);
      break;
    case SB_HTTP_PART_TRAILER:
      if (length == 0)
        finish (self);
      break;
    case SB_HTTP_PART_LENGTH:
    case SB_HTTP_PART_CLOSE:
    case SB_HTTP_PART_CHUNK:
      g_assert_not_reached ();
    }
}

static void
keep_text (SbHttpAnswer *self, const char *data, gsize length)
{
  gsize n = MIN (length, SB_HTTP_MAX_TEXT - self->text_length);

  memcpy (self->text + self->text_length, data, n);
  self->text_length += n;
}

/* Returns how many bytes belong to the body. */
static gsize
take_body (SbHttpAnswer *self, const char *data, gsize length)
{
  if (self->part == SB_HTTP_PART_CLOSE)
    {
      keep_text (self, data, length);
      return length;
    }
  length = (gsize) MIN (length, self->left);
  keep_text (self, data, length);
  self->left -= length;
  if (self->left == 0 && self->part == SB_HTTP_PART_LENGTH)
    finish (self);
  else if (self->left == 0)
    self->part = SB_HTTP_PART_CHUNK_END;
  return length;
}

/* Reading */

static gboolean
is_line_part (SbHttpPart part)
{
  return part != SB_HTTP_PART_LENGTH && part != SB_HTTP_PART_CLOSE && part != SB_HTTP_PART_CHUNK;
}

/* Nothing but printable characters, bytes of other characters, and tabs. */
static gboolean
is_clean (const char *line, gsize length)
{
  for (gsize i = 0; i < length; i++)
    if (((guint8) line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
      return FALSE;
  return TRUE;
}

/* @line: up to its LF, without it */
static void
end_line (SbHttpAnswer *self, const char *line, gsize length)
{
  if (length > 0 && line[length - 1] == '\r')
    length--;
  if (is_clean (line, length))
    take_line (self, line, length);
  else if (self->state == SB_HTTP_ANSWER_HEAD)
    refuse (self, "the answer has a control character in its head");
  else
    break_off (self);
}

/* Counts what was read against the bounds. Returns how much of it may be looked at. */
static gsize
count (SbHttpAnswer *self, gsize length)
{
  gboolean is_head = self->state == SB_HTTP_ANSWER_HEAD;
  gsize *total = is_head ? &self->head_length : &self->body_length;
  gsize max = is_head ? SB_HTTP_MAX_HEAD : SB_HTTP_MAX_BODY;

  if (*total + length <= max)
    {
      *total += length;
      return length;
    }
  if (is_head)
    refuse (self, "the head of the answer is too large");
  else
    break_off (self);
  return 0;
}

/* Returns how many bytes belong to the line. */
static gsize
feed_line (SbHttpAnswer *self, const char *data, gsize length)
{
  const char *lf = memchr (data, '\n', length);
  gsize n = lf != NULL ? (gsize) (lf - data) + 1 : length;
  gboolean has_beginning = self->line != NULL && self->line->len > 0;

  if (count (self, n) == 0)
    return n;
  if (lf != NULL && !has_beginning)
    {
      end_line (self, data, n - 1);
      return n;
    }
  if (self->line == NULL)
    self->line = g_string_sized_new (256);
  g_string_append_len (self->line, data, (gssize) n);
  if (lf != NULL)
    {
      end_line (self, self->line->str, self->line->len - 1);
      g_string_truncate (self->line, 0);
    }
  return n;
}

/* Returns how many bytes belong to the body. */
static gsize
feed_body (SbHttpAnswer *self, const char *data, gsize length)
{
  gsize room = SB_HTTP_MAX_BODY - self->body_length;
  gsize n = take_body (self, data, MIN (length, room));

  self->body_length += n;
  if (self->state == SB_HTTP_ANSWER_BODY && n == room)
    break_off (self);
  return n;
}

static gboolean
is_under_way (const SbHttpAnswer *self)
{
  return self->state == SB_HTTP_ANSWER_HEAD || self->state == SB_HTTP_ANSWER_BODY;
}

/**
 * sb_http_answer_feed:
 * @self: an answer that is under way
 * @data: what came
 * @length: in bytes
 *
 * Bytes behind the answer are dropped, and the connection is not reusable then: nothing was asked
 * that they could answer.
 *
 * Returns: how far the answer has come
 */
SbHttpAnswerState
sb_http_answer_feed (SbHttpAnswer *self, const char *data, gsize length)
{
  while (length > 0 && is_under_way (self))
    {
      gsize n = is_line_part (self->part) ? feed_line (self, data, length)
                                          : feed_body (self, data, length);

      data += n;
      length -= n;
    }
  if (length > 0)
    self->is_reusable = FALSE;
  return self->state;
}

/**
 * sb_http_answer_end:
 * @self: an answer that is under way
 *
 * The peer has closed the connection.
 *
 * Returns: how far the answer has come: it is under way no more
 */
SbHttpAnswerState
sb_http_answer_end (SbHttpAnswer *self)
{
  if (self->state == SB_HTTP_ANSWER_HEAD)
    refuse (self, "the answer was cut short");
  else if (self->state == SB_HTTP_ANSWER_BODY)
    break_off (self);
  return self->state;
}

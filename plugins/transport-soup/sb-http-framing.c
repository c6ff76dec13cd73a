/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-framing: the state machine.
 *
 *     IDLE → HEAD → IDLE                                        no body
 *                 → BODY → IDLE                                 Content-Length
 *                 → SIZE → EXTENSION → SIZE_LF → DATA → DATA_CR → DATA_LF → SIZE …
 *                                              → TRAILER → IDLE chunked
 *
 * A head is read as libsoup reads it, so that both see the same body. What libsoup refuses by
 * itself is let pass; broken is a head whose length two readers may understand in two ways.
 */

#include "sb-http-framing.h"

#include <string.h>

#define DIGITS_MAX 15
#define EXTENSION_MAX 1024
#define TRAILER_MAX 1024
/* Below 2^63. */
#define LENGTH_DIGITS_MAX 18

typedef enum
{
  IDLE, /* before a request; empty lines are skipped */
  HEAD,
  BODY,
  SIZE,
  EXTENSION,
  SIZE_LF,
  DATA,
  DATA_CR,
  DATA_LF,
  TRAILER,
  BROKEN,
  OFF,
} State;

/* --- Lines ---------------------------------------------------------------------------------- */

/* Keeps the beginning of the line. Returns: how many bytes of @data belong to it, with the line
 * feed when @is_complete */
static gsize
gather_line (SbHttpFraming *self, const char *data, gsize length, gboolean *is_complete)
{
  const char *feed = memchr (data, '\n', length);
  gsize n = feed != NULL ? (gsize) (feed - data) : length;

  if (self->line_length < SB_HTTP_FRAMING_LINE_MAX)
    memcpy (self->line + self->line_length, data,
            MIN (n, SB_HTTP_FRAMING_LINE_MAX - self->line_length));
  self->line_length += n;
  *is_complete = feed != NULL;
  return *is_complete ? n + 1 : n;
}

static gboolean
is_empty_line (const SbHttpFraming *self)
{
  return self->line_length == 0 || (self->line_length == 1 && self->line[0] == '\r');
}

/* Returns: (nullable): where the value of the header @name begins, when the line is one */
static const char *
find_value (const SbHttpFraming *self, const char *name)
{
  gsize length = strlen (name);

  if (self->line_length <= length || self->line[length] != ':'
      || g_ascii_strncasecmp (self->line, name, length) != 0)
    return NULL;
  return self->line + length + 1;
}

/* Strips blanks. Returns: %FALSE when the line was too long to be kept */
static gboolean
trim_value (const SbHttpFraming *self, const char **value, gsize *length)
{
  const char *begin = *value;
  const char *end = self->line + self->line_length;

  if (self->line_length > SB_HTTP_FRAMING_LINE_MAX)
    return FALSE;
  while (begin < end && (*begin == ' ' || *begin == '\t'))
    begin++;
  while (begin < end && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
    end--;
  *value = begin;
  *length = (gsize) (end - begin);
  return TRUE;
}

/* --- The head ------------------------------------------------------------------------------- */

static gboolean
take_length (SbHttpFraming *self, const char *value)
{
  gsize length;

  if (self->has_length || self->is_chunked || !trim_value (self, &value, &length))
    return FALSE;
  if (length == 0 || length > LENGTH_DIGITS_MAX)
    return FALSE;
  self->has_length = TRUE;
  self->left = 0;
  for (gsize i = 0; i < length; i++)
    {
      if (!g_ascii_isdigit (value[i]))
        return FALSE;
      self->left = self->left * 10 + (guint64) g_ascii_digit_value (value[i]);
    }
  return TRUE;
}

static gboolean
take_coding (SbHttpFraming *self, const char *value)
{
  gsize length;

  if (self->has_length || self->is_chunked || !trim_value (self, &value, &length))
    return FALSE;
  self->is_chunked = TRUE;
  return length == strlen ("chunked") && g_ascii_strncasecmp (value, "chunked", length) == 0;
}

/* Returns: %FALSE when it makes the length of the body doubtful */
static gboolean
take_header (SbHttpFraming *self)
{
  gboolean may_continue = self->may_continue;
  const char *value;

  self->may_continue = FALSE;
  switch (self->line[0])
    {
    case ' ':
    case '\t':
      self->may_continue = may_continue;
      return !may_continue;
    case 'c':
    case 'C':
      value = find_value (self, "content-length");
      self->may_continue = value != NULL;
      return value == NULL || take_length (self, value);
    case 't':
    case 'T':
      value = find_value (self, "transfer-encoding");
      self->may_continue = value != NULL;
      return value == NULL || take_coding (self, value);
    default:
      return TRUE;
    }
}

static State
end_head (SbHttpFraming *self)
{
  if (self->is_chunked)
    return SIZE;
  return self->has_length && self->left > 0 ? BODY : IDLE;
}

static void
begin_head (SbHttpFraming *self)
{
  self->left = 0;
  self->digits = 0;
  self->has_length = FALSE;
  self->is_chunked = FALSE;
  self->may_continue = FALSE;
  self->has_trailer = FALSE;
  self->state = HEAD;
}

static gsize
step_head (SbHttpFraming *self, const char *data, gsize length)
{
  gboolean is_complete;
  gsize n = gather_line (self, data, length, &is_complete);

  if (!is_complete)
    return n;
  if (is_empty_line (self))
    self->state = self->state == HEAD ? end_head (self) : IDLE;
  else if (self->state == IDLE)
    begin_head (self); /* it was the request line */
  else if (!take_header (self))
    self->state = BROKEN;
  self->line_length = 0;
  return n;
}

/* --- The body ------------------------------------------------------------------------------- */

static gsize
skip_data (SbHttpFraming *self, gsize length, State next)
{
  gsize n = (gsize) MIN (self->left, length);

  self->left -= n;
  if (self->left == 0)
    self->state = next;
  return n;
}

static State
take_size (SbHttpFraming *self, char c)
{
  if (g_ascii_isxdigit (c) && self->digits < DIGITS_MAX)
    {
      self->left = self->left * 16 + (guint64) g_ascii_xdigit_value (c);
      self->digits++;
      return SIZE;
    }
  if (self->digits == 0)
    return BROKEN;
  self->digits = 0;
  self->line_length = 0;
  if (c == '\r')
    return SIZE_LF;
  return c == ';' || c == ' ' || c == '\t' ? EXTENSION : BROKEN;
}

static State
take_extension (SbHttpFraming *self, char c)
{
  if (c == '\r')
    return SIZE_LF;
  return c != '\n' && c != '\0' && ++self->line_length < EXTENSION_MAX ? EXTENSION : BROKEN;
}

static State
end_size (SbHttpFraming *self, char c)
{
  self->line_length = 0;
  if (c != '\n')
    return BROKEN;
  return self->left > 0 ? DATA : TRAILER;
}

/* One trailer only: libsoup takes a second for the next request. */
static gsize
step_trailer (SbHttpFraming *self, const char *data, gsize length)
{
  gboolean is_complete;
  gsize n = gather_line (self, data, length, &is_complete);

  if (self->line_length > TRAILER_MAX)
    self->state = BROKEN;
  if (!is_complete || self->state == BROKEN)
    return n;
  if (is_empty_line (self))
    self->state = self->line_length == 1 ? IDLE : BROKEN;
  else if (self->has_trailer)
    self->state = BROKEN;
  self->has_trailer = TRUE;
  self->line_length = 0;
  return n;
}

/* --- All of it ------------------------------------------------------------------------------ */

/* Returns: how many bytes of @data it took, at least one */
static gsize
step (SbHttpFraming *self, const char *data, gsize length)
{
  switch ((State) self->state)
    {
    case IDLE:
    case HEAD:
      return step_head (self, data, length);
    case BODY:
      return skip_data (self, length, IDLE);
    case DATA:
      return skip_data (self, length, DATA_CR);
    case TRAILER:
      return step_trailer (self, data, length);
    case SIZE:
      self->state = take_size (self, *data);
      break;
    case EXTENSION:
      self->state = take_extension (self, *data);
      break;
    case SIZE_LF:
      self->state = end_size (self, *data);
      break;
    case DATA_CR:
      self->state = *data == '\r' ? DATA_LF : BROKEN;
      break;
    case DATA_LF:
      self->state = *data == '\n' ? SIZE : BROKEN;
      break;
    case BROKEN:
    case OFF:
      return length;
    }
  return 1;
}

/**
 * sb_http_framing_feed:
 * @self: the state
 * @data: the next bytes of the connection
 * @length: how many
 *
 * Returns: %FALSE when they cannot be divided into requests beyond doubt; from then on always
 */
gboolean
sb_http_framing_feed (SbHttpFraming *self, const void *data, gsize length)
{
  const char *bytes = data;

  if (self->state == OFF)
    return TRUE;
  while (length > 0 && self->state != BROKEN)
    {
      gsize n = step (self, bytes, length);

      bytes += n;
      length -= n;
    }
  return self->state != BROKEN;
}

/**
 * sb_http_framing_is_in_body:
 * @self: the state
 *
 * Returns: whether more of a request's body must come, its last chunk and its trailers included
 */
gboolean
sb_http_framing_is_in_body (const SbHttpFraming *self)
{
  return self->state >= BODY && self->state <= TRAILER;
}

/**
 * sb_http_framing_is_idle:
 * @self: the state
 *
 * Returns: whether nothing of a request has come since the end of the last one
 */
gboolean
sb_http_framing_is_idle (const SbHttpFraming *self)
{
  return self->state == IDLE && self->line_length == 0;
}

/**
 * sb_http_framing_stop:
 * @self: the state
 *
 * Says that no HTTP is spoken from now on: whatever comes is right.
 */
void
sb_http_framing_stop (SbHttpFraming *self)
{
  self->state = OFF;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-multipart: a state for what comes next, and a search for the delimiter,
 * CR LF -- boundary. The body is read as if a line end stood before it, so that
 * the first delimiter is one like all others.
 *
 *   preamble ─delimiter→ tail ─line end→ head ─empty line→ data ─delimiter→ tail …
 *                          └─ -- → epilogue
 *
 * A delimiter that is cut by the end of a piece is kept in `carry` until the
 * next piece says what it is.
 */

#include "sb-multipart.h"

#include "sb-multipart-head.h"

#include <simplebus.h>
#include <string.h>

#define MAX_BOUNDARY 70
#define MAX_HEAD (16 * 1024)
/* Before the first part, behind the last one, and behind a boundary. */
#define MAX_PREAMBLE (64 * 1024)
#define MAX_EPILOGUE (64 * 1024)
#define MAX_PADDING 128

typedef enum
{
  STATE_PREAMBLE,
  STATE_TAIL,
  STATE_HEAD,
  STATE_DATA,
  STATE_EPILOGUE,
} State;

struct _SbMultipart
{
  const SbMultipartFuncs *funcs;
  gpointer user_data;
  guint max_parts;
  guint n_parts;
  State state;
  char *delimiter; /* (owned) with the line end before it */
  gsize delimiter_length;
  GString *carry; /* (owned) the beginning of what may be a delimiter */
  GString *line;  /* (owned) the tail of a delimiter, or the head of a part */
  gsize passed;   /* of the preamble or epilogue */
};

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "the form %s", what);
  return FALSE;
}

/**
 * sb_multipart_dup_boundary:
 * @content_type: value of the header of a request
 * @error: SB_ERROR_INVALID
 *
 * Returns: (transfer full) (nullable): what separates the parts
 */
char *
sb_multipart_dup_boundary (const char *content_type, GError **error)
{
  static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "'()+_,-./:=? ";
  const char *parameters = strchr (content_type, ';');
  g_autofree char *boundary = parameters != NULL
                                  ? sb_multipart_find_parameter (parameters, "boundary")
                                  : NULL;
  gsize length = boundary != NULL ? strlen (boundary) : 0;

  if (length == 0 || length > MAX_BOUNDARY || strspn (boundary, allowed) != length
      || boundary[length - 1] == ' ')
    {
      fail (error, "has no boundary of 1 to 70 plain characters in its Content-Type");
      return NULL;
    }
  return g_steal_pointer (&boundary);
}

/**
 * sb_multipart_new:
 * @boundary: as of sb_multipart_dup_boundary()
 * @max_parts: more parts are an error
 * @funcs: (transfer none): static; told of what is read
 * @user_data: for @funcs
 *
 * Returns: (transfer full): a reader at the beginning of a body
 */
SbMultipart *
sb_multipart_new (const char *boundary, guint max_parts, const SbMultipartFuncs *funcs,
                  gpointer user_data)
{
  SbMultipart *self = g_new0 (SbMultipart, 1);

  self->funcs = funcs;
  self->user_data = user_data;
  self->max_parts = max_parts;
  self->delimiter = g_strconcat ("\r\n--", boundary, NULL);
  self->delimiter_length = strlen (self->delimiter);
  self->carry = g_string_new ("\r\n");
  self->line = g_string_new (NULL);
  return self;
}

/**
 * sb_multipart_free:
 * @self: (transfer full): a reader
 */
void
sb_multipart_free (SbMultipart *self)
{
  g_string_free (self->carry, TRUE);
  g_string_free (self->line, TRUE);
  g_free (self->delimiter);
  g_free (self);
}

/* Bytes that are no delimiter. */
static gboolean
take_content (SbMultipart *self, const char *data, gsize length, GError **error)
{
  if (length == 0)
    return TRUE;
  if (self->state == STATE_DATA)
    return self->funcs->data (data, length, self->user_data, error);
  self->passed += length;
  return self->passed <= MAX_PREAMBLE || fail (error, "does not begin with its boundary");
}

static gboolean
take_delimiter (SbMultipart *self, GError **error)
{
  gboolean goes_on = self->state != STATE_DATA || self->funcs->end (self->user_data, error);

  self->state = STATE_TAIL;
  self->passed = 0;
  return goes_on;
}

/* Returns how many of the last bytes may be the beginning of a delimiter. */
static gsize
find_partial (const SbMultipart *self, const char *data, gsize length)
{
  gsize longest = MIN (length, self->delimiter_length - 1);
  const char *p = data + length - longest;
  const char *end = data + length;

  while ((p = memchr (p, '\r', (gsize) (end - p))) != NULL)
    {
      if (memcmp (p, self->delimiter, (gsize) (end - p)) == 0)
        return (gsize) (end - p);
      p++;
    }
  return 0;
}

/* What was kept of the last piece, together with the beginning of this one. */
static gboolean
resolve_carry (SbMultipart *self, const char *data, gsize length, gsize *used, GError **error)
{
  gsize carried = self->carry->len;
  gsize added = MIN (length, self->delimiter_length - 1);
  g_autoptr (GString) joined = g_string_new_len (self->carry->str, (gssize) carried);
  const char *found;
  gsize kept;

  g_string_append_len (joined, data, (gssize) added);
  g_string_truncate (self->carry, 0);
  found = memmem (joined->str, joined->len, self->delimiter, self->delimiter_length);
  if (found != NULL && found < joined->str + carried)
    {
      gsize before = (gsize) (found - joined->str);

      *used = before + self->delimiter_length - carried;
      return take_content (self, joined->str, before, error) && take_delimiter (self, error);
    }
  *used = 0;
  if (added == self->delimiter_length - 1)
    return take_content (self, joined->str, carried, error);
  /* The piece is so short that all of it may belong to the delimiter. */
  kept = find_partial (self, joined->str, joined->len);
  *used = length;
  g_string_append_len (self->carry, joined->str + joined->len - kept, (gssize) kept);
  return take_content (self, joined->str, joined->len - kept, error);
}

/* Of the preamble or of a part. Returns by @used how much was taken. */
static gboolean
feed_content (SbMultipart *self, const char *data, gsize length, gsize *used, GError **error)
{
  const char *found;
  gsize kept;

  if (self->carry->len > 0)
    return resolve_carry (self, data, length, used, error);
  found = memmem (data, length, self->delimiter, self->delimiter_length);
  if (found != NULL)
    {
      *used = (gsize) (found - data) + self->delimiter_length;
      return take_content (self, data, (gsize) (found - data), error)
             && take_delimiter (self, error);
    }
  kept = find_partial (self, data, length);
  *used = length;
  g_string_append_len (self->carry, data + length - kept, (gssize) kept);
  return take_content (self, data, length - kept, error);
}

/* Behind a delimiter: two dashes, or padding and a line end. */
static gboolean
feed_tail (SbMultipart *self, const char *data, gsize length, gsize *used, GError **error)
{
  const GString *line = self->line;

  g_string_append_c (self->line, *data);
  *used = 1;
  if (line->len == 2 && strcmp (line->str, "--") == 0)
    {
      self->state = STATE_EPILOGUE;
      return TRUE;
    }
  if (line->len >= 2 && strcmp (line->str + line->len - 2, "\r\n") == 0)
    {
      if (strspn (line->str, " \t") != line->len - 2)
        return fail (error, "has something behind a boundary that does not belong there");
      g_string_truncate (self->line, 0);
      self->state = STATE_HEAD;
      return TRUE;
    }
  return line->len <= MAX_PADDING || fail (error, "has no line end behind a boundary");
}

static gboolean
begin_part (SbMultipart *self, GError **error)
{
  g_autofree char *name = NULL;
  g_autofree char *filename = NULL;
  SbMultipartPart part;

  if (memchr (self->line->str, '\0', self->line->len) != NULL)
    return fail (error, "has a zero byte in the headers of a part");
  if (++self->n_parts > self->max_parts)
    return fail (error, "has too many parts");
  if (!sb_multipart_parse_head (self->line->str, &name, &filename, error))
    return FALSE;
  part.name = name;
  part.filename = filename;
  g_string_truncate (self->line, 0);
  self->state = STATE_DATA;
  return self->funcs->begin (&part, self->user_data, error);
}

static gboolean
feed_head (SbMultipart *self, const char *data, gsize length, gsize *used, GError **error)
{
  const char *end = memchr (data, '\n', length);
  const GString *line = self->line;

  *used = end != NULL ? (gsize) (end - data) + 1 : length;
  g_string_append_len (self->line, data, (gssize) *used);
  if (line->len > MAX_HEAD)
    return fail (error, "has a part with headers above 16 KiB");
  if ((line->len >= 4 && memcmp (line->str + line->len - 4, "\r\n\r\n", 4) == 0)
      || (line->len == 2 && memcmp (line->str, "\r\n", 2) == 0))
    return begin_part (self, error);
  return TRUE;
}

static gboolean
feed_epilogue (SbMultipart *self, gsize length, gsize *used, GError **error)
{
  *used = length;
  self->passed += length;
  return self->passed <= MAX_EPILOGUE || fail (error, "goes on behind its last boundary");
}

/**
 * sb_multipart_feed:
 * @self: a reader
 * @data: what comes next of the body
 * @length: bytes
 * @error: SB_ERROR_INVALID, or what a function of the caller's says
 *
 * Returns: whether to go on; after %FALSE the reader is of no use
 */
gboolean
sb_multipart_feed (SbMultipart *self, const char *data, gsize length, GError **error)
{
  gboolean goes_on = TRUE;

  while (goes_on && length > 0)
    {
      gsize used = 0;

      switch (self->state)
        {
        case STATE_PREAMBLE:
        case STATE_DATA:
          goes_on = feed_content (self, data, length, &used, error);
          break;
        case STATE_TAIL:
          goes_on = feed_tail (self, data, length, &used, error);
          break;
        case STATE_HEAD:
          goes_on = feed_head (self, data, length, &used, error);
          break;
        case STATE_EPILOGUE:
          goes_on = feed_epilogue (self, length, &used, error);
          break;
        }
      data += used;
      length -= used;
    }
  return goes_on;
}

/**
 * sb_multipart_finish:
 * @self: a reader that has read the whole body
 * @error: SB_ERROR_INVALID
 *
 * Returns: whether the body was complete
 */
gboolean
sb_multipart_finish (SbMultipart *self, GError **error)
{
  if (self->state != STATE_EPILOGUE)
    return fail (error, "ends without its last boundary: the upload was cut off");
  return self->n_parts > 0 || fail (error, "has no parts");
}

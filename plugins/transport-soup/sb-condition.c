/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-condition: entity tags and dates, in the order of precedence of RFC 9110. Pure functions. */

#include "sb-condition.h"

#include <string.h>

typedef struct
{
  const char *text; /* with its quotes, not ended */
  gsize length;
  gboolean weak;
} Tag;

static gboolean
is_tag_char (char c)
{
  return (guchar) c > ' ' && c != '"' && c != 0x7f;
}

/* Reads an entity tag at *p and goes behind it. */
static gboolean
read_tag (const char **p, Tag *tag)
{
  const char *end;

  tag->weak = strncmp (*p, "W/", 2) == 0;
  if (tag->weak)
    *p += 2;
  if (**p != '"')
    return FALSE;
  for (end = *p + 1; is_tag_char (*end); end++)
    ;
  if (*end != '"')
    return FALSE;
  tag->text = *p;
  tag->length = (gsize) (end + 1 - *p);
  *p = end + 1;
  return TRUE;
}

static gboolean
matches_tag (const Tag *tag, const char *etag)
{
  return strlen (etag) == tag->length && memcmp (tag->text, etag, tag->length) == 0;
}

/* Whether @etag, which is strong, is in the list. What is malformed ends the list. */
static gboolean
matches_list (const char *list, const char *etag, gboolean weak_matches)
{
  const char *p = list + strspn (list, " \t,");
  Tag tag;

  if (*p == '*')
    return p[1 + strspn (p + 1, " \t")] == '\0';
  while (*p != '\0')
    {
      if (!read_tag (&p, &tag))
        return FALSE;
      p += strspn (p, " \t");
      if (*p != ',' && *p != '\0')
        return FALSE;
      if (matches_tag (&tag, etag) && (weak_matches || !tag.weak))
        return TRUE;
      p += strspn (p, " \t,");
    }
  return FALSE;
}

/**
 * sb_conditions_check:
 * @self: of a GET or HEAD
 * @etag: a strong entity tag, with its quotes
 * @modified: Unix time in seconds
 *
 * Compares what the client has with what there is. Entity tags win over dates.
 *
 * Returns: what to answer with
 */
SbConditionAnswer
sb_conditions_check (const SbConditions *self, const char *etag, gint64 modified)
{
  if (self->if_match != NULL)
    {
      if (!matches_list (self->if_match, etag, FALSE))
        return SB_CONDITION_FAILED;
    }
  else if (self->if_unmodified_since != SB_CONDITION_NO_DATE
           && modified > self->if_unmodified_since)
    return SB_CONDITION_FAILED;

  if (self->if_none_match != NULL)
    return matches_list (self->if_none_match, etag, TRUE) ? SB_CONDITION_NOT_MODIFIED
                                                          : SB_CONDITION_HOLDS;
  if (self->if_modified_since != SB_CONDITION_NO_DATE && modified <= self->if_modified_since)
    return SB_CONDITION_NOT_MODIFIED;
  return SB_CONDITION_HOLDS;
}

/**
 * sb_conditions_allow_range:
 * @self: of a GET with a `Range`
 * @etag: a strong entity tag, with its quotes
 * @modified: Unix time in seconds
 *
 * Returns: whether the parts still belong to what the client has; else it gets the whole
 */
gboolean
sb_conditions_allow_range (const SbConditions *self, const char *etag, gint64 modified)
{
  const char *p = self->if_range;
  Tag tag;

  if (p == NULL)
    return TRUE;
  p += strspn (p, " \t");
  if (*p != '"' && strncmp (p, "W/", 2) != 0)
    return self->if_range_date != SB_CONDITION_NO_DATE && self->if_range_date == modified;
  return read_tag (&p, &tag) && p[strspn (p, " \t")] == '\0' && !tag.weak
         && matches_tag (&tag, etag);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-condition: requests that hang on what the client has already (RFC 9110, section 13). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A date that is not there, or is none. */
#define SB_CONDITION_NO_DATE G_MININT64

/**
 * SbConditions:
 * @if_match: (nullable): value of the header
 * @if_none_match: (nullable): value of the header
 * @if_range: (nullable): value of the header
 * @if_range_date: the same as a date
 * @if_modified_since: Unix time in seconds
 * @if_unmodified_since: Unix time in seconds
 *
 * What a request asks for. Dates may be %SB_CONDITION_NO_DATE.
 */
typedef struct
{
  const char *if_match;
  const char *if_none_match;
  const char *if_range;
  gint64 if_range_date;
  gint64 if_modified_since;
  gint64 if_unmodified_since;
} SbConditions;

/**
 * SbConditionAnswer:
 * @SB_CONDITION_HOLDS: do what is asked
 * @SB_CONDITION_NOT_MODIFIED: the client has it already: 304
 * @SB_CONDITION_FAILED: it is not what the client takes it for: 412
 *
 * What the conditions come to.
 */
typedef enum
{
  SB_CONDITION_HOLDS,
  SB_CONDITION_NOT_MODIFIED,
  SB_CONDITION_FAILED,
} SbConditionAnswer;

SbConditionAnswer sb_conditions_check (const SbConditions *self, const char *etag, gint64 modified);
gboolean sb_conditions_allow_range (const SbConditions *self, const char *etag, gint64 modified);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-envelope: what the bus has to know of a frame, and the frame that it sends on.
 *
 * One pass over the sender's bytes checks them and notes where the members of
 * the envelope are. Splicing puts the bus's `_id` and `sender` in and takes the
 * client's out; every other byte stays the sender's own.
 */
#pragma once

#include "sb-json.h"

G_BEGIN_DECLS

/**
 * SbMember:
 * @SB_MEMBER_ID: `_id`
 * @SB_MEMBER_SENDER: `sender`
 * @SB_MEMBER_TO: `to`
 * @SB_MEMBER_MESSAGE: `message`
 * @SB_MEMBER_UID: `uid`
 * @SB_MEMBER_DIRECT: `direct`
 * @SB_MEMBER_TTL: `ttl`
 * @SB_MEMBER_NOT_BEFORE: `not_before`
 * @SB_MEMBER_TYPE: `type`
 * @SB_MEMBER_DATA: `data`, which belongs to the envelope of control frames only
 * @SB_N_MEMBERS: how many there are
 *
 * The members of the outermost object that the bus looks at.
 */
typedef enum
{
  SB_MEMBER_ID,
  SB_MEMBER_SENDER,
  SB_MEMBER_TO,
  SB_MEMBER_MESSAGE,
  SB_MEMBER_UID,
  SB_MEMBER_DIRECT,
  SB_MEMBER_TTL,
  SB_MEMBER_NOT_BEFORE,
  SB_MEMBER_TYPE,
  SB_MEMBER_DATA,
  SB_N_MEMBERS,
} SbMember;

/**
 * SbEnvelope:
 * @data: the frame
 * @length: of the frame in bytes
 * @values: the values as they stand in the frame, in JSON; absent ones are %NULL
 * @data_repeated: whether `data` comes more than once; the first is in @values
 *
 * A scanned frame. It is placed on the stack, points into the frame and owns
 * nothing: the frame must stay as it is while the envelope is in use.
 */
typedef struct
{
  const char *data;
  gsize length;
  SbSlice values[SB_N_MEMBERS];
  gboolean data_repeated;

  /*< private >*/
  SbSlice cuts[2]; /* `_id` and `sender` with the space around them, as they come */
  guint n_cuts;
  guint n_members;
  const char *open;  /* behind the opening brace */
  const char *close; /* the closing brace */
} SbEnvelope;

gboolean sb_envelope_scan (SbEnvelope *self, const char *data, gsize length, GError **error);

const char *sb_member_get_name (SbMember member);
gboolean sb_envelope_has (const SbEnvelope *self, SbMember member);
gboolean sb_envelope_equals (const SbEnvelope *self, SbMember member, const char *string);
char *sb_envelope_dup_string (const SbEnvelope *self, SbMember member, GError **error);
gboolean sb_envelope_get_boolean (const SbEnvelope *self, SbMember member, gboolean *value,
                                  GError **error);
gboolean sb_envelope_get_integer (const SbEnvelope *self, SbMember member, gint64 *value,
                                  GError **error);

GBytes *sb_envelope_splice (const SbEnvelope *self, const char *id, const char *sender);

G_END_DECLS

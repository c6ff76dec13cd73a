/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-send-plan: what to send, in order: pieces of text and ranges of a file. Its length is known
 * before anything is sent.
 */
#pragma once

#include "sb-range.h"

G_BEGIN_DECLS

typedef struct _SbSendPlan SbSendPlan;

/**
 * SbSendPiece:
 * @text: (nullable): what to send; %NULL for a piece of the file
 * @offset: where it begins in the file
 * @length: bytes; 0 at the end of the plan
 *
 * What comes next.
 */
typedef struct
{
  const char *text;
  guint64 offset;
  guint64 length;
} SbSendPiece;

SbSendPlan *sb_send_plan_new (void);
void sb_send_plan_free (SbSendPlan *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbSendPlan, sb_send_plan_free)

void sb_send_plan_add_text (SbSendPlan *self, char *text);
void sb_send_plan_add_range (SbSendPlan *self, const SbRange *range);
void sb_send_plan_add_parts (SbSendPlan *self, const SbRangeSet *set, guint64 size,
                             const char *type, const char *boundary);
void sb_send_plan_prepend_text (SbSendPlan *self, char *text);

guint64 sb_send_plan_get_length (const SbSendPlan *self);
guint64 sb_send_plan_get_file_length (const SbSendPlan *self);
SbSendPiece sb_send_plan_next (const SbSendPlan *self);
void sb_send_plan_advance (SbSendPlan *self, guint64 n);

G_END_DECLS

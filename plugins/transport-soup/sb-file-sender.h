/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-file-sender: sends files over connections, many at once, without ever keeping the main loop
 * from its work.
 */
#pragma once

#include "sb-connection.h"
#include "sb-send-plan.h"

#include "simplebus.h"

G_BEGIN_DECLS

typedef struct _SbFileSender SbFileSender;

SbFileSender *sb_file_sender_new (SbMetrics *metrics, GError **error);
void sb_file_sender_free (SbFileSender *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbFileSender, sb_file_sender_free)

void sb_file_sender_start (SbFileSender *self, SbConnection *connection, SbSendPlan *plan, int fd,
                           const char *name);
guint sb_file_sender_get_length (SbFileSender *self);

G_END_DECLS

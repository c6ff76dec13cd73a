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

/**
 * SbFileLabel:
 * @name: of the file, for the log too
 * @user: (nullable): who gets it
 * @address: (nullable): where that is
 *
 * What a transfer is shown as.
 */
typedef struct
{
  const char *name;
  const char *user;
  const char *address;
} SbFileLabel;

/**
 * SbFileTransfer:
 * @label: what it is
 * @sent: bytes of the file that the socket took
 * @length: that there are to send
 * @started: monotonic, microseconds
 *
 * A transfer under way.
 */
typedef struct
{
  SbFileLabel label;
  guint64 sent;
  guint64 length;
  gint64 started;
} SbFileTransfer;

/**
 * SbFileTransferFunc:
 * @transfer: a transfer; valid during the call
 * @user_data: what was given with the function
 *
 * Returns: whether to go on
 */
typedef gboolean (*SbFileTransferFunc) (const SbFileTransfer *transfer, gpointer user_data);

SbFileSender *sb_file_sender_new (SbMetrics *metrics, GError **error);
void sb_file_sender_free (SbFileSender *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbFileSender, sb_file_sender_free)

void sb_file_sender_start (SbFileSender *self, SbConnection *connection, SbSendPlan *plan, int fd,
                           const SbFileLabel *label);
void sb_file_sender_foreach (SbFileSender *self, SbFileTransferFunc func, gpointer user_data);
guint sb_file_sender_get_length (SbFileSender *self);

G_END_DECLS

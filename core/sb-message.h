/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-message: an accepted message, the same one for all recipients, the store
 * and the sockets.
 *
 * It never changes, and its references are counted atomically, so the store's
 * worker reads and drops it while the main thread sends it.
 */
#pragma once

#include "sb-envelope.h"
#include "sb-file.h"

#include <glib-object.h>

G_BEGIN_DECLS

#define SB_MESSAGE_MAX_ID 128 /* characters */

typedef struct _SbMessage SbMessage;

/**
 * SbMessage:
 * @id: the `_id`
 * @sender: the id of the user who sent it
 * @sender_key: the store's number of that user
 * @body: the exact bytes that recipients get
 * @accepted: when the bus took it, in µs of wall-clock time
 * @not_before: not to be delivered before, in µs of wall-clock time; 0: at once
 * @deadline: of no use after, in µs of wall-clock time; 0: never
 * @file: (nullable): what it announces; its body is the notice then
 *
 * A message, to be read only.
 */
struct _SbMessage
{
  /*< private >*/
  gatomicrefcount ref_count;

  /*< public >*/
  const char *id;     /* in the same block of memory */
  const char *sender; /* likewise */
  gint64 sender_key;
  GBytes *body; /* (owned) */
  gint64 accepted;
  gint64 not_before;
  gint64 deadline;
  SbFile *file; /* (owned) (nullable) */
};

#define SB_TYPE_MESSAGE (sb_message_get_type ())

GType sb_message_get_type (void);
SbMessage *sb_message_new (const char *id, const char *sender, gint64 sender_key, GBytes *body,
                           gint64 accepted, gint64 not_before, gint64 deadline);
SbMessage *sb_message_new_with_file (const char *id, const char *sender, gint64 sender_key,
                                     GBytes *body, gint64 accepted, gint64 not_before,
                                     gint64 deadline, SbFile *file);
SbMessage *sb_message_ref (SbMessage *self);
void sb_message_unref (SbMessage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbMessage, sb_message_unref)

gsize sb_message_get_size (const SbMessage *self);

gboolean sb_message_check_id (const char *id, GError **error);
gboolean sb_message_check_type (const SbEnvelope *envelope, GError **error);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bus-files: messages that announce files: sending them, fetching them,
 * letting them go.
 */
#pragma once

#include "sb-bus.h"
#include "sb-vault.h"

G_BEGIN_DECLS

/**
 * SbReceivedFile:
 *
 * A file that came with a message.
 */
typedef struct
{
  SbIncoming *incoming; /* (owned) received whole */
  char *display_name;   /* (owned) safe, UTF-8 */
  gboolean is_finished; /* by sb_incoming_finish_async(); otherwise publishing it does that */
  guint64 size;         /* if it is */
  guint8 digest[SB_FILE_DIGEST_SIZE]; /* likewise */
} SbReceivedFile;

SbReceivedFile *sb_received_file_new (SbIncoming *incoming, const char *display_name);
void sb_received_file_free (SbReceivedFile *self);

/**
 * SbPublishedFiles:
 *
 * What became of a message with files: one message for each of them.
 */
typedef struct
{
  GPtrArray *messages; /* (owned) (element-type SbMessage) in the order of the files */
  guint n_recipients;
  gboolean duplicate; /* the sender had sent them before; nothing was taken this time */
  char **unknown;     /* (owned) (nullable) addresses that matched nobody */
  char **full;        /* (owned) (nullable) ids of recipients whose queue was full */
} SbPublishedFiles;

void sb_published_files_free (SbPublishedFiles *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbPublishedFiles, sb_published_files_free)

void sb_bus_set_vault (SbBus *self, SbVault *vault);

/* In. */
gboolean sb_bus_check_message (SbBus *self, SbUser *sender, const SbEnvelope *envelope,
                               GError **error);
gboolean sb_bus_check_file_size (SbBus *self, SbUser *sender, guint64 size, GError **error);
gboolean sb_bus_check_file_quota (SbBus *self, SbUser *sender, guint64 bytes, GError **error);
SbIncoming *sb_bus_receive_file (SbBus *self, SbUser *sender, GError **error);
void sb_bus_publish_files_async (SbBus *self, SbUser *sender, GBytes *json, GPtrArray *files,
                                 const char *base_url, GAsyncReadyCallback callback,
                                 gpointer user_data);
SbPublishedFiles *sb_bus_publish_files_finish (SbBus *self, GAsyncResult *result, GError **error);
const char *const *sb_bus_publish_files_get_full (SbBus *self, GAsyncResult *result);

/**
 * SbCheckFunc:
 * @file: a file that a message names
 * @fault: (nullable): what is wrong with it
 * @user_data: given to sb_check_files()
 */
typedef void (*SbCheckFunc) (const SbFile *file, const GError *fault, gpointer user_data);

gboolean sb_check_files (SbJournal *journal, SbVault *vault, SbCheckFunc func, gpointer user_data,
                         GError **error);

/* Out. */
void sb_bus_open_file_async (SbBus *self, SbUser *user, const char *name,
                             GAsyncReadyCallback callback, gpointer user_data);
int sb_bus_open_file_finish (SbBus *self, GAsyncResult *result, SbFile **file, gint64 *accepted,
                             GError **error);
void sb_bus_release_file_async (SbBus *self, SbUser *user, const char *name,
                                GAsyncReadyCallback callback, gpointer user_data);
gboolean sb_bus_release_file_finish (SbBus *self, GAsyncResult *result, GError **error);

G_END_DECLS

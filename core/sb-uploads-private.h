/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-uploads-private: sb-uploads.c has all uploads of a bus, sb-upload.c takes
 * one of them from its creation to its end.
 */
#pragma once

#include "sb-uploads.h"
#include "sb-vault.h"

G_BEGIN_DECLS

typedef struct _SbUploads SbUploads;

struct _SbUpload
{
  guint refs;
  SbUploads *all; /* (unowned) (nullable) NULL: it is removed, or the bus stops */

  char *id;         /* (owned) also that of the file in the vault */
  gint64 owner;     /* key */
  char *message_id; /* (owned) */
  char *name;       /* (owned) safe, UTF-8 */
  char *base_url;   /* (owned) (nullable) */
  GBytes *json;     /* (owned) the message, with its _id */
  guint64 length;
  gint64 touched; /* wall clock, microseconds: when something last came */

  guint64 offset;       /* handed over for writing */
  guint64 start;        /* of what the claimant writes */
  SbIncoming *incoming; /* (owned) (nullable) */
  guint claim;          /* the youngest: only who has it may write */
  gboolean overflows;   /* it was given more than its length */
  gboolean is_begun;    /* the claimant may write */
  gboolean is_done;     /* announced */
  gboolean is_removed;
  gboolean is_linked; /* it may have its place in the vault */
  SbUploadFunc func;
  gpointer user_data;

  GTask *current; /* (owned) (nullable) of what is being done */
  GQueue waiting; /* of GTask (owned): what is to be done behind it */
};

SbUploads *sb_uploads_new (SbBus *bus);
void sb_uploads_free (SbUploads *self);
gboolean sb_uploads_load (SbUploads *self, GError **error);
void sb_uploads_tick (SbUploads *self, gint64 now);
guint sb_uploads_count_open (SbUploads *self);
SbBus *sb_uploads_get_bus (SbUploads *self);
void sb_uploads_forget (SbUploads *self, SbUpload *upload);
void sb_uploads_note_done (SbUploads *self, SbUpload *upload);
GBytes *sb_upload_print_info (SbUpload *self);

SbUpload *sb_upload_new (SbUploads *all, const char *id);
void sb_upload_close (SbUpload *self);
void sb_upload_announce (SbUpload *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-upload: one file that is being sent: its state on disk, and the run that brings it to
 * the bus by tus 1.0.
 */
#pragma once

#include "sb-client-queue.h"
#include "sb-client-upload-body.h"

G_BEGIN_DECLS

typedef enum
{
  SB_CLIENT_UPLOAD_DONE,
  SB_CLIENT_UPLOAD_AGAIN,  /* another attempt may help */
  SB_CLIENT_UPLOAD_FAILED, /* none will */
  SB_CLIENT_UPLOAD_CANCELLED,
} SbClientUploadVerdict;

typedef struct
{
  SbClientItem item;
  gpointer uploads;      /* (unowned): whose it is; the main context's */
  char *state_path;      /* (owned) */
  char *id;              /* (owned) of the message */
  char *json;            /* (owned): the message */
  char *path;            /* (owned): absolute */
  char *display_name;    /* (owned) */
  SbClientFileMark mark; /* what the file was when it was to be sent */
  char *resource;        /* (owned) (nullable): "/files/…", when the bus has made it */
  const SbClientSettings *settings;
  SbClientUploadVerdict verdict;
  gint64 furthest;  /* how much of it the bus has had */
  int is_cancelled; /* atomic */
  gboolean is_leaving;
} SbClientUpload;

/* Looks at the file. @state_path: (transfer full). Returns: (transfer full) (nullable) */
SbClientUpload *sb_client_upload_new (const SbClientSettings *settings, SbClientDraft *draft,
                                      const char *path, const char *display_name, char *state_path,
                                      guint64 order, GError **error);
SbClientUpload *sb_client_upload_load (const SbClientSettings *settings, GKeyFile *state,
                                       const char *state_path, GError **error);
void sb_client_upload_free (SbClientUpload *self);
/* Writes the state file. */
gboolean sb_client_upload_keep (SbClientUpload *self, GError **error);

/* In a thread: one attempt. */
void sb_client_upload_run (SbClientUpload *self);
/* In a thread: the bus is asked to forget what it has, and so does the disk. */
void sb_client_upload_remove (SbClientUpload *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-download: one file that is being received: its state on disk, and the run that fetches
 * it, verifies it and puts it into its place.
 *
 *   recording ─→ fetching ─→ (placing) ─→ placed ─→ confirming ─→ gone
 *
 * Each arrow is a write of the state file that was flushed; a crash before it repeats what leads to
 * it, and finds what was done already.
 */
#pragma once

#include "sb-client-part.h"
#include "sb-client-queue.h"

G_BEGIN_DECLS

typedef enum
{
  SB_CLIENT_PHASE_RECORDING,  /* not on disk yet */
  SB_CLIENT_PHASE_FETCHING,   /* the bus has to be asked for bytes, perhaps */
  SB_CLIENT_PHASE_PLACING,    /* it is being renamed to its path */
  SB_CLIENT_PHASE_PLACED,     /* it is there; the program has not confirmed it */
  SB_CLIENT_PHASE_CONFIRMING, /* the bus has to hear of it */
} SbClientPhase;

typedef enum
{
  SB_CLIENT_VERDICT_GOOD,
  SB_CLIENT_VERDICT_AGAIN,   /* another attempt may help */
  SB_CLIENT_VERDICT_GONE,    /* the bus does not have it, or not for us */
  SB_CLIENT_VERDICT_CORRUPT, /* what the bus gives is not what it announced, again and again */
} SbClientVerdict;

typedef struct
{
  SbClientItem item;
  gpointer downloads;      /* (unowned) (nullable): whose it is; the main context's */
  SbClientMessage *notice; /* (owned) */
  char *state_path;        /* (owned) */
  char *folder;            /* (owned): where the file goes */
  char *path;              /* (owned) (nullable): where it is, or is going to be */
  SbClientPhase phase;     /* of the thread while it runs */
  gint64 flushed;          /* bytes of the part that outlast a power cut */
  char *boot;              /* (owned): the machine's run in which they were written */
  guint n_corrupt;         /* times that all bytes came and were wrong */
  SbClientPart part;
  const SbClientSettings *settings;
  SbClientVerdict verdict;

  gboolean is_resumed;   /* bytes of the part came by more than one answer */
  gboolean is_forgiven;  /* such a part was wrong once */
  gboolean is_emitted;   /* the program has heard of it, from this process */
  gboolean is_wanted;    /* it is to be confirmed */
  gboolean is_under_way; /* something of it is with the keeper, or the bus */
  gboolean is_cancelled;
  GKeyFile *record;     /* (owned) (nullable): for the keeper */
  GError *record_error; /* (owned) (nullable) */
} SbClientDownload;

/* @state_path: (transfer full) */
SbClientDownload *sb_client_download_new (const SbClientSettings *settings, SbClientMessage *notice,
                                          char *state_path, guint64 order);
/* From a state file. Returns: (transfer full) (nullable) */
SbClientDownload *sb_client_download_load (const SbClientSettings *settings, GKeyFile *state,
                                           const char *state_path, GError **error);
void sb_client_download_free (SbClientDownload *self);

GKeyFile *sb_client_download_print (SbClientDownload *self);
/* What the bus calls its file. Returns: (transfer full): "/download/…" */
char *sb_client_download_get_resource (SbClientDownload *self);
/* In a thread: until it is placed, or cannot go on. */
void sb_client_download_run (SbClientDownload *self);
/* In a thread: puts the verified part into its place. */
gboolean sb_client_download_place (SbClientDownload *self, GError **error);
/* In a thread: whether an earlier process did that. */
gboolean sb_client_download_is_in_place (SbClientDownload *self, GError **error);

G_END_DECLS

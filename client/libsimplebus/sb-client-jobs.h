/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-jobs: work in threads, so many at once, in order; each comes back to the main context.
 *
 * Not those of GTask: a transfer may take hours, and others wait there.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SbClientJobs SbClientJobs;
typedef void (*SbClientJobFunc) (gpointer data);

/* What is done comes back in the context that is the thread's default now. */
SbClientJobs *sb_client_jobs_new (guint n_threads);
/* Waits for the threads, and calls back for all that they did. */
void sb_client_jobs_free (SbClientJobs *self);

/* @run: in a thread. @done: (nullable): in the main context afterwards, once, whatever happens */
void sb_client_jobs_push (SbClientJobs *self, SbClientJobFunc run, SbClientJobFunc done,
                          gpointer data);
/* Those that have not come back yet. */
guint sb_client_jobs_get_pending (SbClientJobs *self);
GMainContext *sb_client_jobs_get_context (SbClientJobs *self);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-mover: a client that sends and receives files, with folders of its own, and notes what it
 * is told.
 */
#pragma once

#include "sb-test-daemon.h"

#include <simplebus-client.h>

G_BEGIN_DECLS

typedef struct
{
  SbClient *client;      /* (owned) (nullable): while it is open */
  char *dir;             /* (owned): for what follows */
  char *state_dir;       /* (owned) */
  char *download_dir;    /* (owned) */
  char *user;            /* (owned) */
  gboolean auto_confirm; /* TRUE; of clients that are opened from now on */
  char *url;             /* (owned) */
  char *websocket_url;   /* (owned) (nullable) */

  GPtrArray *received;  /* (owned) of char: paths, as they were announced */
  GPtrArray *ids;       /* (owned) of char: their messages */
  GPtrArray *transfers; /* (owned) of SbClientTransfer */
  GPtrArray *errors;    /* (owned) of GError */
} SbTestMover;

/* Of a user whose password is its id with "-pw" behind. It is not open yet. */
SbTestMover *sb_test_mover_new (guint16 port, const char *user);
/* Closes it and removes its folders. */
void sb_test_mover_free (SbTestMover *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestMover, sb_test_mover_free)

/* Goes to other ports from the next opening on; 0: the same for both. */
void sb_test_mover_set_ports (SbTestMover *self, guint16 http, guint16 websocket);
/* A client on the folders, without a session. */
void sb_test_mover_open (SbTestMover *self);
/* The same with one. */
void sb_test_mover_connect (SbTestMover *self);
/* Closes the client, which must be gone then. */
void sb_test_mover_close (SbTestMover *self);

void sb_test_mover_wait_received (SbTestMover *self, guint n);
void sb_test_mover_wait_transfers (SbTestMover *self, guint n);
void sb_test_mover_wait_errors (SbTestMover *self, guint n);
/* Waits until it is in that state, or in one that never changes. */
void sb_test_mover_wait_state (SbClientTransfer *transfer, SbClientTransferState state);
/* Waits until it is done. */
void sb_test_mover_wait_done (SbClientTransfer *transfer);
/* Waits until it has failed. Returns: (transfer full) */
GError *sb_test_mover_wait_failed (SbClientTransfer *transfer);
/* Nothing is left of any transfer: neither state files nor parts. */
void sb_test_mover_assert_clean (SbTestMover *self);
/* Waits until that is so. */
void sb_test_mover_wait_clean (SbTestMover *self);
/* Files in the download folder, sorted, with a "|" between. */
char *sb_test_mover_list (SbTestMover *self);
/* The file has these bytes. */
void sb_test_mover_assert_file (const char *path, const char *data, gsize length);

/* A new file in the mover's folder. Returns: (transfer full): its path */
char *sb_test_mover_write (SbTestMover *self, const char *name, const char *data, gsize length);
/* Sends a file to somebody. @id: (nullable). Returns: (transfer full) */
SbClientTransfer *sb_test_mover_send (SbTestMover *self, const char *to, const char *id,
                                      const char *path);

G_END_DECLS

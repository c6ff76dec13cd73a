/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-client: a client of the library that looks synchronous, and a record of all that it says.
 * It iterates the default main context while it waits, with a deadline.
 */
#pragma once

#include "sb-test-daemon.h"

#include <simplebus-client.h>

G_BEGIN_DECLS

typedef struct
{
  SbClient *client;         /* (owned) */
  GPtrArray *messages;      /* (owned) of SbClientMessage */
  GPtrArray *ids;           /* (owned) of theirs */
  GPtrArray *accepted;      /* (owned) of ids */
  GPtrArray *confirmations; /* (owned) of "ID RECIPIENT" */
  GPtrArray *expired;       /* (owned) of "ID RECIPIENT REASON" */
  GPtrArray *errors;        /* (owned) of GError */
  GPtrArray *error_ids;     /* (owned) of ids, or "" */
  GPtrArray *states;        /* (owned) of words */
  GPtrArray *reasons;       /* (owned) of GError or NULL, of the states */
} SbTestClient;

/* @port: of either kind. The password is @user with "-pw" behind. Then names and values of
 * properties, ended by a NULL. */
SbTestClient *sb_test_client_new (guint16 port, const char *user, ...) G_GNUC_NULL_TERMINATED;
/* Closes it unless it is closed; it must be gone then. */
void sb_test_client_free (SbTestClient *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestClient, sb_test_client_free)

/* Must be connected in the end. */
void sb_test_client_connect (SbTestClient *self);
/* Begins, and does not wait. */
void sb_test_client_begin (SbTestClient *self);
/* Must fail. */
GError *sb_test_client_connect_refused (SbTestClient *self);
void sb_test_client_close (SbTestClient *self);

/* Sends {"to":TO,"message":PAYLOAD}. Returns its id. */
char *sb_test_client_send (SbTestClient *self, const char *to, const char *payload);
/* The same of a draft. */
char *sb_test_client_send_draft (SbTestClient *self, SbClientDraft *draft);
/* Must fail. */
GError *sb_test_client_send_refused (SbTestClient *self, SbClientDraft *draft);
/* Does not wait; failing is no fault. Counts in @n_done what is done, if that is not NULL. */
void sb_test_client_send_later (SbTestClient *self, SbClientDraft *draft, guint *n_done);
/* Waits until the outbox is empty. */
void sb_test_client_flush (SbTestClient *self);
SbClientDraft *sb_test_draft (const char *to, const char *payload);

/* For so many in one of the records. */
void sb_test_client_wait (SbTestClient *self, GPtrArray *record, guint n);
void sb_test_client_wait_state (SbTestClient *self, SbClientState state);
/* For that state @n times in all. */
void sb_test_client_wait_states (SbTestClient *self, const char *state, guint n);
void sb_test_client_wait_length (SbTestClient *self, guint length);

/* The payload of a message. Returns: (transfer full) */
char *sb_test_client_dup_payload (SbTestClient *self, guint index);
/* An item of a record of texts. */
const char *sb_test_client_get (GPtrArray *record, guint index);
/* Its code. */
int sb_test_client_get_error (SbTestClient *self, guint index);

G_END_DECLS

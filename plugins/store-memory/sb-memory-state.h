/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-memory-state: what the memory store holds, and how a delivery moves in it.
 *
 * Messages are found by id, accounts by key. A message has its deliveries in
 * one piece with it, by recipient; those that it was moved to later, beside.
 * What has not ended stands in a sequence of its recipient by the messages'
 * handles, and what waits in another one as well: pending and parked ones in
 * their recipient's, scheduled ones and deadlines in the store's. No locks here:
 * the store takes its own.
 */
#pragma once

#include "simplebus.h"

G_BEGIN_DECLS

typedef struct _MemoryMessage MemoryMessage;

/* A user, and what is left of one that is gone: the status of a message still names it. */
typedef struct
{
  gint64 key;
  char *id;     /* (owned) */
  SbUser *user; /* (owned) (nullable) NULL when it is gone */
  gint64 last_position;
  SbBacklog backlog;  /* kept up to date but for its oldest */
  GSequence *open;    /* (owned) (element-type MemoryDelivery) that have not ended, by handle */
  GSequence *pending; /* (owned) (nullable) (element-type MemoryDelivery) by position */
  GSequence *parked;  /* (owned) (nullable) (element-type MemoryDelivery) by due time, position */
  GQueue receipts;    /* (element-type MemoryReceipt) that wait for this user, oldest first */
} MemoryAccount;

typedef struct
{
  MemoryMessage *message;
  MemoryAccount *recipient;
  gint64 position; /* 0 before it has one */
  gint64 since;
  gint64 due;              /* parked */
  GSequenceIter *place;    /* (nullable) among the pending, parked or scheduled */
  GSequenceIter *open;     /* (nullable) among all of its recipient's that have not ended */
  GSequenceIter *deadline; /* (nullable) */
  char *log;               /* (owned) (nullable) */
  guint attempts;
  guint8 state;
  guint8 reason;
} MemoryDelivery;

struct _MemoryMessage
{
  SbMessage *message; /* (owned) (nullable) NULL when it is only remembered */
  char *id;           /* (owned) */
  char *sender;       /* (owned) (nullable) when it is only remembered */
  gint64 sender_key;
  gint64 accepted;
  gint64 not_before;
  gint64 deadline;
  gint64 handle;
  gint64 ended;        /* when the last delivery ended */
  gsize size;          /* of the body */
  GList remembered;    /* link of MemoryState.remembered */
  GSequenceIter *file; /* (nullable) among the live files */
  GPtrArray *moved;    /* (owned) (nullable) (element-type MemoryDelivery) it was moved to later */
  guint n_live;        /* deliveries that have not ended, dead ones too */
  guint n_deliveries;
  MemoryDelivery deliveries[]; /* by the recipients' keys */
};

typedef struct
{
  gint64 number;
  gint64 time;
  char *id;        /* (owned) of the message */
  char *recipient; /* (owned) */
  MemoryAccount *sender;
  GList link;        /* of MemoryAccount.receipts */
  GList link_by_age; /* of MemoryState.receipts */
} MemoryReceipt;

typedef struct
{
  SbStoreLimits limits;
  GPtrArray *accounts;  /* (owned) (element-type MemoryAccount) the one with key 1 first */
  GHashTable *users;    /* (owned) id → MemoryAccount, those that are not gone */
  GHashTable *messages; /* (owned) id → (owned) MemoryMessage */
  GHashTable *places;   /* (owned) set of MemoryDelivery by recipient and position */
  GSequence *scheduled; /* (owned) (element-type MemoryDelivery) by not_before */
  GSequence *deadlines; /* (owned) (element-type MemoryDelivery) by deadline */
  GSequence *files;     /* (owned) (element-type MemoryMessage) of live files, by their ids */
  GHashTable *names;    /* (owned) stored name → MemoryMessage, of live files */
  GQueue remembered;    /* (element-type MemoryMessage) in the order in which they ended */
  GQueue receipts;      /* (element-type MemoryReceipt) oldest first */
  gint64 last_handle;
  gint64 last_receipt;
  SbStoreStats stats;
} MemoryState;

MemoryState *memory_state_new (const SbStoreOptions *options);
void memory_state_free (MemoryState *self);

MemoryAccount *memory_state_add_account (MemoryState *self, const char *id);
void memory_state_set_user (MemoryState *self, MemoryAccount *account, SbUser *user);
void memory_state_remove_user (MemoryState *self, MemoryAccount *account);
MemoryAccount *memory_state_find_account (MemoryState *self, gint64 key);
MemoryAccount *memory_state_find_user (MemoryState *self, gint64 key);
GSequenceIter *memory_account_find_open (MemoryAccount *self, gint64 after);

MemoryMessage *memory_message_new (SbMessage *message, guint n_deliveries);
void memory_message_free (MemoryMessage *self);
guint memory_message_get_n_deliveries (const MemoryMessage *self);
MemoryDelivery *memory_message_get_delivery (MemoryMessage *self, guint i);
MemoryDelivery *memory_message_find (MemoryMessage *self, gint64 recipient);
void memory_state_add_message (MemoryState *self, MemoryMessage *message);
void memory_state_forget (MemoryState *self, MemoryMessage *message);
GSequenceIter *memory_state_find_file (MemoryState *self, const char *after);

MemoryDelivery *memory_state_find_by_position (MemoryState *self, gint64 recipient,
                                               gint64 position);
MemoryDelivery *memory_state_find_by_id (MemoryState *self, gint64 recipient, const char *id);
gint64 memory_delivery_get_due (const MemoryDelivery *self);
void memory_state_change (MemoryState *self, MemoryDelivery *delivery, SbDeliveryState state,
                          SbReason reason, gint64 now);
MemoryDelivery *memory_state_add_delivery (MemoryState *self, MemoryMessage *message,
                                           MemoryAccount *recipient, gint64 now);

void memory_state_add_receipt (MemoryState *self, MemoryAccount *sender, const char *id,
                               const char *recipient, gint64 now);
void memory_state_drop_receipt (MemoryState *self, MemoryReceipt *receipt);
void memory_state_see_time (MemoryState *self, gint64 time);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MemoryState, memory_state_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MemoryMessage, memory_message_free)

G_END_DECLS

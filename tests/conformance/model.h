/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * model: what a store should hold, kept in the simplest way there is: lists
 * that are searched from end to end. It follows a store operation by operation
 * and says at once where the store went another way.
 *
 * Positions are the store's to choose: the model takes them from the outcomes
 * and checks that they grow. Of messages that come with another one it has to
 * ask for them.
 */
#pragma once

#include "rig.h"

G_BEGIN_DECLS

typedef struct
{
  gint64 key;
  char *id; /* (owned) */
  gint64 ttl;
  gboolean paused;
  gboolean is_gone;
  gint64 last_position;
} ModelUser;

typedef struct
{
  ModelUser *recipient;
  SbDeliveryState state;
  SbReason reason;
  gint64 position; /* below 0: not known yet, but larger than this one without its sign */
  gint64 since;
  gint64 due;
  guint attempts;
  char *log; /* (owned) (nullable) */
} ModelDelivery;

typedef struct
{
  SbMessage *message; /* (owned) */
  GArray *deliveries; /* (owned) (element-type ModelDelivery) by the recipients' keys */
  gint64 handle;
  gint64 ended;       /* 0 as long as it has not */
  gboolean was_moved; /* the store may number it anew */
} ModelMessage;

typedef struct
{
  ModelUser *sender;
  ModelUser *recipient;
  char *id; /* (owned) */
  gint64 time;
} ModelReceipt;

typedef struct
{
  SbStoreLimits limits; /* in force */
  GPtrArray *users;     /* (owned) (element-type ModelUser) */
  GPtrArray *messages;  /* (owned) (element-type ModelMessage) */
  GPtrArray *receipts;  /* (owned) (element-type ModelReceipt) oldest first */
} Model;

Model *model_new (const SbStoreLimits *limits);
void model_free (Model *self);
ModelUser *model_find_user (Model *self, gint64 key);
/* For one that the maker of an operation took from the model. */
ModelUser *model_get_user (Model *self, gint64 key);
gboolean model_is_waiting (const ModelDelivery *delivery);
gboolean model_has_file (const ModelMessage *message);
/* The message with the live file of that name, or NULL. */
ModelMessage *model_find_file (Model *self, const char *name);
/* In lists that are searched, so it counts. */
SbBacklog model_get_backlog (Model *self, const ModelUser *user);
void model_change (ModelMessage *message, ModelDelivery *delivery, SbDeliveryState state,
                   SbReason reason, gint64 now);
void model_follow_append (Model *self, SbOperation *operation);
void model_follow_sweep (Model *self, SbOperation *operation);
void model_sort_deliveries (ModelMessage *message);
void model_note_end (ModelMessage *message, gint64 now);
void model_take_position (ModelDelivery *delivery, gint64 position);
ModelMessage *model_find_message (Model *self, const char *id);
/* Before anything that was appended is named by its position. */
void model_learn_positions (Model *self, Rig *rig);

/* After the store applied it: follows it, and compares outcomes. */
void model_follow (Model *self, SbOperation *operation);
/* Compares all that can be read. */
void model_compare (Model *self, Rig *rig);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Model, model_free)

G_END_DECLS

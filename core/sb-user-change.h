/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-user-change: what a client wants of one user, read from JSON and checked
 * in itself. Who may do it is the business of sb-accounts.
 */
#pragma once

#include "sb-user.h"

G_BEGIN_DECLS

/**
 * SbUserChange:
 *
 * An element of `/put_users`. What is not given keeps its value.
 */
typedef struct
{
  char *id;                    /* (owned) */
  char *password;              /* (owned) (nullable) %NULL: not given */
  char *password_hash;         /* (owned) (nullable) %NULL: not given; never beside @password */
  char **tags;                 /* (owned) (nullable) %NULL: not given */
  char *connection_properties; /* (owned) (nullable) JSON text */
  gboolean has_connection_properties;
  gboolean has_admin;
  gboolean admin;
  gboolean has_ttl;
  gint64 ttl;          /* as SbUser.ttl */
  gboolean has_paused; /* never from a list of users */
  gboolean paused;
} SbUserChange;

/**
 * SbUserChangeFlags:
 * @SB_USER_CHANGE_NONE: users of `/put_users`
 * @SB_USER_CHANGE_HASHES: an import: `password_hash` may stand in place of `password`
 *
 * What a list may hold.
 */
typedef enum
{
  SB_USER_CHANGE_NONE = 0,
  SB_USER_CHANGE_HASHES = 1 << 0,
} SbUserChangeFlags;

GPtrArray *sb_user_changes_parse (const char *json, gsize length, guint min_password_length,
                                  SbUserChangeFlags flags, GError **error);
struct _JsonNode;

SbUserChange *sb_user_change_parse (struct _JsonNode *node, guint min_password_length,
                                    SbUserChangeFlags flags, GError **error);
SbUserChange *sb_user_change_new (const char *id, const char *password, gboolean admin);
void sb_user_change_free (SbUserChange *self);
gboolean sb_user_change_check (const SbUserChange *self, guint min_password_length, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbUserChange, sb_user_change_free)

G_END_DECLS

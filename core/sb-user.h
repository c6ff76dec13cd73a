/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-user: a participant, as the store knows it. Immutable and shared: a
 * change makes a new SbUser with the same key.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

#define SB_TYPE_USER (sb_user_get_type ())

/**
 * SbUser:
 * @key: the store's number of the user, above 0 and never given again, so
 *   that a user made later with the same id inherits nothing
 * @id: 1 to 64 characters, as the client wrote them
 * @password_hash: crypt(3) text, or a hash of the original bus: see sb_password_verify()
 * @tags: (array zero-terminated=1): without `#`, no tag twice
 * @connection_properties: (nullable): JSON text, for recipients that the bus calls
 * @admin: may manage everybody
 * @created: wall clock, microseconds
 * @ttl: of its messages that do not say, seconds; 0: none; below 0: the bus's `ttl` holds
 * @paused: nothing is delivered to it, what it is sent waits
 *
 * All fields are read-only.
 */
typedef struct
{
  gint64 key;
  const char *id;
  const char *password_hash;
  const char *const *tags;
  const char *connection_properties;
  gboolean admin;
  gint64 created;
  gint64 ttl;
  gboolean paused;
} SbUser;

#define SB_USER_NO_TTL (-1)

GType sb_user_get_type (void);

SbUser *sb_user_new (gint64 key, const char *id, const char *password_hash, const char *const *tags,
                     const char *connection_properties, gboolean admin, gint64 created);
SbUser *sb_user_with_key (const SbUser *self, gint64 key);
SbUser *sb_user_with_ttl (const SbUser *self, gint64 ttl);
SbUser *sb_user_with_paused (const SbUser *self, gboolean paused);
SbUser *sb_user_ref (SbUser *self);
void sb_user_unref (SbUser *self);
gboolean sb_user_has_tag (const SbUser *self, const char *tag);
gboolean sb_user_check_id (const char *id, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbUser, sb_user_unref)

G_END_DECLS

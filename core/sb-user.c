/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-user: an immutable participant, shared between the directory and the store. */

#include "sb-user.h"

#include "sb-error.h"

#include <string.h>

#define MAX_ID_CHARACTERS 64

G_DEFINE_BOXED_TYPE (SbUser, sb_user, sb_user_ref, sb_user_unref)

static const char *const *
copy_tags (const char *const *tags)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *copy = g_ptr_array_new ();

  for (; tags != NULL && *tags != NULL; tags++)
    if (g_hash_table_add (seen, (gpointer) *tags))
      g_ptr_array_add (copy, g_strdup (*tags));
  g_ptr_array_add (copy, NULL);
  return (const char *const *) g_ptr_array_free (copy, FALSE);
}

/**
 * sb_user_new:
 * @key: the store's number of the user, 0 when the store has not seen it yet
 * @id: an id that sb_user_check_id() accepts
 * @password_hash: crypt(3) text, or a hash of the original bus: see sb_password_verify()
 * @tags: (nullable) (array zero-terminated=1): without `#`; repeated ones are left out
 * @connection_properties: (nullable): JSON text
 * @admin: whether the user may manage everybody
 * @created: wall clock, microseconds
 *
 * Copies everything. It has no ttl of its own and is not paused. Any thread.
 *
 * Returns: (transfer full): a new user
 */
SbUser *
sb_user_new (gint64 key, const char *id, const char *password_hash, const char *const *tags,
             const char *connection_properties, gboolean admin, gint64 created)
{
  SbUser *self;

  g_return_val_if_fail (key >= 0, NULL);
  g_return_val_if_fail (id != NULL, NULL);
  g_return_val_if_fail (password_hash != NULL, NULL);

  self = g_atomic_rc_box_new0 (SbUser);
  self->key = key;
  self->id = g_strdup (id);
  self->password_hash = g_strdup (password_hash);
  self->tags = copy_tags (tags);
  self->connection_properties = g_strdup (connection_properties);
  self->admin = !!admin;
  self->created = created;
  self->ttl = SB_USER_NO_TTL;
  return self;
}

static SbUser *
copy_user (const SbUser *self)
{
  SbUser *copy = sb_user_new (self->key, self->id, self->password_hash, self->tags,
                              self->connection_properties, self->admin, self->created);

  copy->ttl = self->ttl;
  copy->paused = self->paused;
  return copy;
}

/**
 * sb_user_with_key:
 * @self: a user
 * @key: the number that the store gave it
 *
 * Any thread.
 *
 * Returns: (transfer full): the same user with that key; @self itself is not changed
 */
SbUser *
sb_user_with_key (const SbUser *self, gint64 key)
{
  SbUser *copy;

  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (key >= 0, NULL);

  copy = copy_user (self);
  copy->key = key;
  return copy;
}

/**
 * sb_user_with_ttl:
 * @self: a user
 * @ttl: of its messages that do not say, seconds; 0: none; %SB_USER_NO_TTL: the bus's `ttl` holds
 *
 * Any thread.
 *
 * Returns: (transfer full): the same user with that ttl; @self itself is not changed
 */
SbUser *
sb_user_with_ttl (const SbUser *self, gint64 ttl)
{
  SbUser *copy;

  g_return_val_if_fail (self != NULL, NULL);

  copy = copy_user (self);
  copy->ttl = MAX (ttl, SB_USER_NO_TTL);
  return copy;
}

/**
 * sb_user_with_paused:
 * @self: a user
 * @paused: whether deliveries to it wait
 *
 * Any thread.
 *
 * Returns: (transfer full): the same user, paused or not; @self itself is not changed
 */
SbUser *
sb_user_with_paused (const SbUser *self, gboolean paused)
{
  SbUser *copy;

  g_return_val_if_fail (self != NULL, NULL);

  copy = copy_user (self);
  copy->paused = !!paused;
  return copy;
}

/**
 * sb_user_ref:
 * @self: a user
 *
 * Any thread.
 *
 * Returns: (transfer full): @self
 */
SbUser *
sb_user_ref (SbUser *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

static void
clear_user (gpointer data)
{
  SbUser *self = data;

  g_free ((gpointer) self->id);
  g_free ((gpointer) self->password_hash);
  g_strfreev ((char **) self->tags);
  g_free ((gpointer) self->connection_properties);
}

/**
 * sb_user_unref:
 * @self: (transfer full): a user
 *
 * Any thread.
 */
void
sb_user_unref (SbUser *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, clear_user);
}

/**
 * sb_user_has_tag:
 * @self: a user
 * @tag: a tag without `#`; upper and lower case differ
 *
 * Any thread.
 *
 * Returns: %TRUE when the user carries the tag
 */
gboolean
sb_user_has_tag (const SbUser *self, const char *tag)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (tag != NULL, FALSE);

  return g_strv_contains (self->tags, tag);
}

static gboolean
has_control_character (const char *text)
{
  for (; *text != '\0'; text = g_utf8_next_char (text))
    if (g_unichar_iscntrl (g_utf8_get_char (text)))
      return TRUE;
  return FALSE;
}

/**
 * sb_user_check_id:
 * @id: what somebody wants to be called
 * @error: SB_ERROR_INVALID, says what is wrong with it
 *
 * An id has 1 to 64 characters of UTF-8 and no control characters. It has no
 * `:`, which Basic authentication cannot carry, and does not begin with one of
 * `@ # $`, which begin an address. Any thread.
 *
 * Returns: %TRUE when @id is fit for a user
 */
gboolean
sb_user_check_id (const char *id, GError **error)
{
  const char *fault = NULL;

  g_return_val_if_fail (id != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (*id == '\0')
    fault = "is empty";
  else if (!g_utf8_validate (id, -1, NULL))
    fault = "is not UTF-8";
  else if (g_utf8_strlen (id, -1) > MAX_ID_CHARACTERS)
    fault = "has more than 64 characters";
  else if (has_control_character (id))
    fault = "has a control character";
  else if (strchr (id, ':') != NULL)
    fault = "has a colon";
  else if (strchr ("@#$", *id) != NULL)
    fault = "begins with @, # or $";

  if (fault != NULL)
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "The user id %s", fault);
  return fault == NULL;
}

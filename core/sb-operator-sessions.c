/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-operator-sessions: who is connected, who was seen when, and which plugins there are. */

#include "sb-operator.h"

#include "sb-audit.h"
#include "sb-bus-private.h"
#include "sb-error.h"

#include <string.h>

typedef struct
{
  gint64 user;
  gint64 time; /* wall clock, microseconds */
} Seen;

/* Sessions */

/**
 * sb_session_info_free:
 * @self: (transfer full): what is known of a session
 */
void
sb_session_info_free (SbSessionInfo *self)
{
  g_free (self->id);
  g_free (self->address);
  g_free (self);
}

static SbSessionInfo *
describe (const SbSession *session)
{
  SbSessionInfo *info = g_new0 (SbSessionInfo, 1);

  info->id = g_strdup (session->user->id);
  info->address = g_strdup (session->address);
  info->transport = session->transport;
  info->since = session->since;
  info->in_flight = sb_queue_get_in_flight (session->queue);
  info->is_ready = session->path != NULL && sb_delivery_is_ready (session->path);
  return info;
}

static int
compare_sessions (gconstpointer a, gconstpointer b)
{
  const SbSession *one = *(const SbSession *const *) a;
  const SbSession *other = *(const SbSession *const *) b;

  return strcmp (one->user->id, other->user->id);
}

static void
cut (GPtrArray *sessions, guint limit)
{
  g_ptr_array_sort (sessions, compare_sessions);
  if (sessions->len > limit)
    g_ptr_array_set_size (sessions, (int) limit);
}

/* Returns: (transfer container): the first ones behind @after, in order */
static GPtrArray *
find_sessions (SbBus *self, const char *after, guint limit)
{
  GPtrArray *found = g_ptr_array_new ();
  const char *bar = NULL; /* so many end there already */
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      const char *id = ((const SbSession *) value)->user->id;

      if ((after != NULL && strcmp (id, after) <= 0) || (bar != NULL && strcmp (id, bar) > 0))
        continue;
      g_ptr_array_add (found, value);
      if (found->len < 2 * limit)
        continue;
      cut (found, limit);
      bar = ((const SbSession *) g_ptr_array_index (found, limit - 1))->user->id;
    }
  cut (found, limit);
  return found;
}

/**
 * sb_bus_list_sessions:
 * @self: a bus
 * @after: (nullable): an id, of a user or not; %NULL begins
 * @limit: at most so many, 1 or more
 *
 * Returns: (transfer full) (element-type SbSessionInfo): sessions of users whose ids are above
 *   @after, in order of the bytes of their ids; fewer than @limit mean that there are no more
 */
GPtrArray *
sb_bus_list_sessions (SbBus *self, const char *after, guint limit)
{
  GPtrArray *page = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_session_info_free);
  g_autoptr (GPtrArray) sessions = find_sessions (self, after, limit);

  for (guint i = 0; i < sessions->len; i++)
    g_ptr_array_add (page, describe (g_ptr_array_index (sessions, i)));
  return page;
}

/**
 * sb_bus_find_session:
 * @self: a bus
 * @user: a user
 *
 * Returns: (transfer full) (nullable): its session; %NULL when it has none
 */
SbSessionInfo *
sb_bus_find_session (SbBus *self, const SbUser *user)
{
  const SbSession *session = sb_bus_lookup_session (self, user->key);

  return session != NULL ? describe (session) : NULL;
}

/**
 * sb_bus_close_session:
 * @self: a bus
 * @actor: the admin
 * @user: whose session it is
 * @error: SB_ERROR_NOT_FOUND: there is none
 *
 * Closes a session. The user may open another one at once.
 *
 * Returns: whether there was one
 */
gboolean
sb_bus_close_session (SbBus *self, SbUser *actor, SbUser *user, GError **error)
{
  SbSession *session = sb_bus_lookup_session (self, user->key);

  if (session == NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "%s has no session", user->id);
      return FALSE;
    }
  sb_audit (actor, user->id, NULL, "closed the session of %s", user->id);
  sb_bus_drop_session (self, session, SB_CLOSE_OPERATOR);
  return TRUE;
}

/* Last seen */

/**
 * sb_bus_note_seen:
 * @self: a bus
 * @user: who has just proved to be itself
 *
 * To be called by a transport for what is no session; sessions are seen by themselves.
 */
void
sb_bus_note_seen (SbBus *self, const SbUser *user)
{
  Seen *seen = g_hash_table_lookup (self->seen, &user->key);

  if (seen == NULL)
    {
      if (sb_directory_lookup_key (self->directory, user->key) == NULL)
        return;
      seen = g_new (Seen, 1);
      seen->user = user->key;
      g_hash_table_insert (self->seen, &seen->user, seen);
    }
  seen->time = sb_clock_wall (self->clock);
}

/**
 * sb_bus_get_last_seen:
 * @self: a bus
 * @user: a user
 *
 * Returns: when it last had a session or asked for something, wall clock, microseconds; 0: not
 *   since the bus started
 */
gint64
sb_bus_get_last_seen (SbBus *self, const SbUser *user)
{
  const Seen *seen = g_hash_table_lookup (self->seen, &user->key);

  if (sb_bus_is_online (self, user))
    return sb_clock_wall (self->clock);
  return seen != NULL ? seen->time : 0;
}

/* Plugins */

/**
 * sb_bus_set_plugins:
 * @self: a new bus
 * @found: (transfer none) (element-type SbPluginInfo): all that are there
 * @loaded: (transfer none) (element-type SbPlugin): those that are in use
 *
 * Tells the bus what it is made of, for sb_bus_get_plugins().
 */
void
sb_bus_set_plugins (SbBus *self, GPtrArray *found, GPtrArray *loaded)
{
  g_return_if_fail (SB_IS_BUS (self));

  g_clear_pointer (&self->plugins, g_ptr_array_unref);
  g_clear_pointer (&self->loaded, g_ptr_array_unref);
  self->plugins = g_ptr_array_ref (found);
  self->loaded = g_ptr_array_ref (loaded);
}

/**
 * sb_bus_get_plugins:
 * @self: a bus
 *
 * Returns: (transfer none) (nullable) (element-type SbPluginInfo): plugins that are there
 */
GPtrArray *
sb_bus_get_plugins (SbBus *self)
{
  return self->plugins;
}

/**
 * sb_bus_is_plugin_loaded:
 * @self: a bus
 * @path: (type filename): of the plugin's file
 *
 * Returns: whether it is in use
 */
gboolean
sb_bus_is_plugin_loaded (SbBus *self, const char *path)
{
  for (guint i = 0; self->loaded != NULL && i < self->loaded->len; i++)
    if (g_strcmp0 (sb_plugin_get_path (g_ptr_array_index (self->loaded, i)), path) == 0)
      return TRUE;
  return FALSE;
}

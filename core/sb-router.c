/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-router: addresses → recipients, each once. */

#include "sb-router.h"

#include "sb-error.h"

/* What one resolution carries from address to address. */
typedef struct
{
  SbDirectory *directory; /* (borrowed) */
  const SbUser *sender;   /* (borrowed) */
  SbRoute *route;         /* (borrowed) */
  /* Only when there are several addresses: */
  GHashTable *seen;   /* (borrowed) (nullable) key → index into the targets */
  GHashTable *groups; /* (borrowed) (nullable) set of GPtrArray of the directory: those added */
} Resolution;

static SbRoute *
sb_route_new (void)
{
  SbRoute *self = g_new0 (SbRoute, 1);

  self->targets = g_array_new (FALSE, TRUE, sizeof (SbTarget));
  return self;
}

/**
 * sb_route_free:
 * @self: (transfer full): a route
 */
void
sb_route_free (SbRoute *self)
{
  g_array_unref (self->targets);
  g_clear_pointer (&self->unknown, g_ptr_array_unref);
  g_free (self);
}

static void
add_target (Resolution *r, const SbUser *user, gboolean named)
{
  SbTarget target = { .recipient = user->key, .named = named };

  if (r->seen != NULL)
    {
      gpointer index;

      if (g_hash_table_lookup_extended (r->seen, &user->key, NULL, &index))
        {
          g_array_index (r->route->targets, SbTarget, GPOINTER_TO_UINT (index)).named |= named;
          return;
        }
      g_hash_table_insert (r->seen, (gpointer) &user->key,
                           GUINT_TO_POINTER (r->route->targets->len));
    }
  g_array_append_val (r->route->targets, target);
}

/* A group that comes again is not walked again, or ten thousand times `$all` would keep the bus
 * busy for many seconds. */
static gboolean
is_new_group (Resolution *r, GPtrArray *users)
{
  return r->groups == NULL || g_hash_table_add (r->groups, users);
}

/* Returns whether the address matched anybody. */
static gboolean
add_tagged (Resolution *r, const char *tag)
{
  GPtrArray *users = sb_directory_get_tagged (r->directory, tag);

  if (users == NULL)
    return FALSE;
  if (is_new_group (r, users))
    for (guint i = 0; i < users->len; i++)
      {
        const SbUser *user = g_ptr_array_index (users, i);

        if (user->key != r->sender->key)
          add_target (r, user, FALSE);
      }
  return users->len > 1 || ((const SbUser *) g_ptr_array_index (users, 0))->key != r->sender->key;
}

static gboolean
add_all (Resolution *r)
{
  GPtrArray *users = sb_directory_get_all (r->directory);

  if (is_new_group (r, users))
    for (guint i = 0; i < users->len; i++)
      add_target (r, g_ptr_array_index (users, i), FALSE);
  return users->len > 0;
}

static gboolean
add_address (Resolution *r, const SbAddress *address)
{
  const SbUser *user;

  switch (address->kind)
    {
    case SB_ADDRESS_ALL:
      return add_all (r);
    case SB_ADDRESS_TAG:
      return add_tagged (r, address->name);
    case SB_ADDRESS_USER:
      user = sb_directory_lookup (r->directory, address->name);
      if (user != NULL)
        add_target (r, user, TRUE);
      return user != NULL;
    default:
      g_assert_not_reached ();
    }
}

static void
note_unknown (SbRoute *route, const SbAddress *address)
{
  if (route->unknown == NULL)
    route->unknown = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (route->unknown, sb_address_to_string (address));
}

static gboolean
check_route (const SbRoute *route, guint max_recipients, GError **error)
{
  if (route->targets->len == 0)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_NOT_FOUND, "nobody matches %s%s",
                   (const char *) g_ptr_array_index (route->unknown, 0),
                   route->unknown->len > 1 ? " or the other addresses" : "");
      return FALSE;
    }
  if (route->targets->len > max_recipients)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_TOO_LARGE, "%u recipients, max-recipients is %u",
                   route->targets->len, max_recipients);
      return FALSE;
    }
  return TRUE;
}

/**
 * sb_router_resolve:
 * @directory: the users
 * @sender: who sends; left out by tags, but not by `@id` and `$all`
 * @to: at least one address
 * @max_recipients: more than this is refused
 * @error: SB_ERROR_NOT_FOUND when no address matches anybody, SB_ERROR_TOO_LARGE
 *
 * A user that several addresses match is one target, a named one if any of
 * them names it.
 *
 * Returns: (transfer full) (nullable): the recipients
 */
SbRoute *
sb_router_resolve (SbDirectory *directory, const SbUser *sender, SbAddressList *to,
                   guint max_recipients, GError **error)
{
  g_autoptr (SbRoute) route = sb_route_new ();
  g_autoptr (GHashTable) seen = NULL;
  g_autoptr (GHashTable) groups = NULL;
  Resolution r = { directory, sender, route, NULL, NULL };

  if (to->length > 1)
    {
      r.seen = seen = g_hash_table_new (g_int64_hash, g_int64_equal);
      r.groups = groups = g_hash_table_new (NULL, NULL);
    }

  for (guint i = 0; i < to->length; i++)
    {
      const SbAddress *address = &to->items[i];

      if (!add_address (&r, address))
        note_unknown (route, address);
    }
  if (!check_route (route, max_recipients, error))
    return NULL;
  return g_steal_pointer (&route);
}

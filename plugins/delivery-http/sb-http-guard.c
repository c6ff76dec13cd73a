/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-guard: a list of networks. It is asked about the very address that is about to be
 * connected to, so that a name cannot resolve to one address for the check and to another for the
 * connection.
 *
 * An IPv6 address may be another way to write an IPv4 one; then both are looked at. The address
 * of "any" leads to this machine, and is looked at as the loopback address that it stands for.
 */

#include "sb-http-guard.h"

#include "simplebus.h"

#include <string.h>

struct _SbHttpGuard
{
  GPtrArray *masks; /* (owned) of GInetAddressMask */
};

/* IPv6 networks whose addresses hold an IPv4 one. */
static const struct
{
  guint8 prefix[12];
  guint length; /* of the prefix, bytes; */
  guint at;     /* where the IPv4 address begins */
} embeddings[] = {
  { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 12, 12 },    /* mapped */
  { { 0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0 }, 12, 12 }, /* NAT64 */
  { { 0x20, 0x02 }, 2, 2 },                                    /* 6to4 */
};

/* Returns: (transfer full) (nullable): the IPv4 address that @address holds */
static GInetAddress *
look_through (GInetAddress *address)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (embeddings); i++)
    if (memcmp (bytes, embeddings[i].prefix, embeddings[i].length) == 0)
      return g_inet_address_new_from_bytes (bytes + embeddings[i].at, G_SOCKET_FAMILY_IPV4);
  return NULL;
}

static gboolean
is_denied (SbHttpGuard *self, GInetAddress *address)
{
  g_autoptr (GInetAddress) loopback = NULL;
  g_autoptr (GInetAddress) inner = look_through (address);

  for (guint i = 0; i < self->masks->len; i++)
    if (g_inet_address_mask_matches (g_ptr_array_index (self->masks, i), address))
      return TRUE;
  if (g_inet_address_get_is_any (address))
    {
      loopback = g_inet_address_new_loopback (g_inet_address_get_family (address));
      if (is_denied (self, loopback))
        return TRUE;
    }
  return inner != NULL && is_denied (self, inner);
}

/* Returns: (transfer full) (nullable): the network that @text names */
static GInetAddressMask *
parse_mask (const char *text)
{
  const char *slash = strchr (text, '/');
  guint64 max = strchr (text, ':') != NULL ? 128 : 32;

  /* GIO warns of a length that it does not know. */
  if (slash != NULL && !g_ascii_string_to_unsigned (slash + 1, 10, 0, max, NULL, NULL))
    return NULL;
  return g_inet_address_mask_new_from_string (text, NULL);
}

/**
 * sb_http_guard_new:
 * @denied: (array zero-terminated=1): addresses and networks
 * @error: SB_ERROR_INVALID: names the one that is none
 *
 * Returns: (transfer full): a guard
 */
SbHttpGuard *
sb_http_guard_new (const char *const *denied, GError **error)
{
  g_autoptr (SbHttpGuard) self = g_new0 (SbHttpGuard, 1);

  self->masks = g_ptr_array_new_with_free_func (g_object_unref);
  for (; *denied != NULL; denied++)
    {
      GInetAddressMask *mask = parse_mask (*denied);

      if (mask == NULL)
        {
          g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                       "delivery-http.deny-addresses: '%s' is neither an address nor a network",
                       *denied);
          return NULL;
        }
      g_ptr_array_add (self->masks, mask);
    }
  return g_steal_pointer (&self);
}

/**
 * sb_http_guard_free:
 * @self: (transfer full): a guard
 */
void
sb_http_guard_free (SbHttpGuard *self)
{
  g_ptr_array_unref (self->masks);
  g_free (self);
}

/**
 * sb_http_guard_check:
 * @self: a guard
 * @address: that is about to be connected to
 * @error: SB_ERROR_FORBIDDEN: names the address
 *
 * Returns: whether it may be connected to
 */
gboolean
sb_http_guard_check (SbHttpGuard *self, GInetAddress *address, GError **error)
{
  g_autofree char *text = NULL;

  if (!is_denied (self, address))
    return TRUE;
  text = g_inet_address_to_string (address);
  g_set_error (error, SB_ERROR, SB_ERROR_FORBIDDEN, "the address %s is denied by deny-addresses",
               text);
  return FALSE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-address: `Forwarded` and `X-Forwarded-For`, read from the right.
 *
 * Each proxy appends the address that it was called from, so only the hops that
 * trusted proxies wrote can be believed. The walk starts at the socket's own
 * peer and goes on to the left while the address it stands on is trusted.
 */

#include "sb-soup-address.h"

#include "simplebus.h"

#include <string.h>

struct _SbProxyList
{
  GPtrArray *masks; /* (owned) (element-type GInetAddressMask) */
};

static const char *const private_masks[] = {
  "10.0.0.0/8",
  "172.16.0.0/12",
  "192.168.0.0/16",
  "fc00::/7",
};

/* An IPv4 address that arrived on an IPv6 socket is an IPv4 address. */
static GInetAddress *
unmap (GInetAddress *address)
{
  static const guint8 prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6
      && memcmp (bytes, prefix, sizeof prefix) == 0)
    return g_inet_address_new_from_bytes (bytes + sizeof prefix, G_SOCKET_FAMILY_IPV4);
  return g_object_ref (address);
}

/**
 * sb_proxy_list_new:
 * @words: (array zero-terminated=1): addresses and networks, `10.0.0.1` or `10.0.0.0/8`
 * @error: return location for an error
 *
 * Returns: (transfer full): the list; %NULL and %SB_ERROR_INVALID that names the bad word
 */
SbProxyList *
sb_proxy_list_new (const char *const *words, GError **error)
{
  g_autoptr (SbProxyList) self = g_new0 (SbProxyList, 1);

  self->masks = g_ptr_array_new_with_free_func (g_object_unref);
  for (gsize i = 0; words != NULL && words[i] != NULL; i++)
    {
      g_autoptr (GError) cause = NULL;
      GInetAddressMask *mask = g_inet_address_mask_new_from_string (words[i], &cause);

      if (mask == NULL)
        {
          g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                       "trusted-proxies: %s is no address or network: %s", words[i],
                       cause->message);
          return NULL;
        }
      g_ptr_array_add (self->masks, mask);
    }
  return g_steal_pointer (&self);
}

void
sb_proxy_list_free (SbProxyList *self)
{
  g_clear_pointer (&self->masks, g_ptr_array_unref);
  g_free (self);
}

/**
 * sb_proxy_list_contains:
 * @self: the list
 * @address: an address
 *
 * Returns: whether what @address forwards can be believed
 */
gboolean
sb_proxy_list_contains (SbProxyList *self, GInetAddress *address)
{
  for (guint i = 0; i < self->masks->len; i++)
    {
      if (g_inet_address_mask_matches (g_ptr_array_index (self->masks, i), address))
        return TRUE;
    }
  return FALSE;
}

/**
 * sb_proxy_list_trusts:
 * @self: the list
 * @peer: the address of a socket
 *
 * Returns: whether it is a trusted proxy's
 */
gboolean
sb_proxy_list_trusts (SbProxyList *self, GInetAddress *peer)
{
  g_autoptr (GInetAddress) plain = unmap (peer);

  return sb_proxy_list_contains (self, plain);
}

/* Cuts the port and the brackets off: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`. */
static GInetAddress *
parse_node (const char *text, gsize length)
{
  g_autofree char *node = g_strndup (text, length);
  g_autoptr (GInetAddress) address = NULL;
  char *host = g_strstrip (node);
  char *colon = strchr (host, ':');

  if (*host == '[')
    {
      char *bracket = strchr (++host, ']');

      if (bracket == NULL)
        return NULL;
      *bracket = '\0';
    }
  else if (colon != NULL && strchr (colon + 1, ':') == NULL)
    *colon = '\0';

  address = g_inet_address_new_from_string (host);
  return address != NULL ? unmap (address) : NULL;
}

/* The end of the word at @p: @delimiter outside of quotes, or the end of all. */
static const char *
find_delimiter (const char *p, const char *end, char delimiter)
{
  gboolean quoted = FALSE;

  for (; p < end; p++)
    {
      if (*p == '\\' && quoted && p + 1 < end)
        p++;
      else if (*p == '"')
        quoted = !quoted;
      else if (*p == delimiter && !quoted)
        break;
    }
  return p;
}

/* The node of one element of `Forwarded`; NULL when it has none that is an address. */
static GInetAddress *
parse_forwarded (const char *p, const char *end)
{
  while (p < end)
    {
      const char *next = find_delimiter (p, end, ';');

      while (p < next && g_ascii_isspace (*p))
        p++;
      if (next - p > 4 && g_ascii_strncasecmp (p, "for=", 4) == 0)
        {
          gsize length = (gsize) (next - p) - 4;

          p += 4;
          while (length > 0 && g_ascii_isspace (p[length - 1]))
            length--;
          if (length >= 2 && p[0] == '"' && p[length - 1] == '"')
            return parse_node (p + 1, length - 2);
          return parse_node (p, length);
        }
      p = next + 1;
    }
  return NULL;
}

/* The last element before @end; @end moves to its beginning. FALSE when there is none. */
static gboolean
take_last (const char *list, const char **end, const char **element)
{
  const char *p = list;

  if (*end <= list)
    return FALSE;
  for (;;)
    {
      const char *comma = find_delimiter (p, *end, ',');

      if (comma >= *end)
        break;
      p = comma + 1;
    }
  *element = p;
  *end = p;
  return TRUE;
}

/**
 * sb_proxy_list_resolve:
 * @self: the list
 * @peer: the address of the socket
 * @forwarded: (nullable): the header `Forwarded`, all of its lines
 * @x_forwarded_for: (nullable): likewise; not looked at when there is a `Forwarded`
 *
 * Returns: (transfer full) (nullable): the nearest address that is not a trusted proxy's,
 *   or the farthest one that a trusted proxy named; %NULL when that names no address
 */
GInetAddress *
sb_proxy_list_resolve (SbProxyList *self, GInetAddress *peer, const char *forwarded,
                       const char *x_forwarded_for)
{
  const char *list = forwarded != NULL ? forwarded : x_forwarded_for;
  const char *end = list != NULL ? list + strlen (list) : NULL;
  g_autoptr (GInetAddress) at = unmap (peer);
  const char *element;

  while (list != NULL && sb_proxy_list_contains (self, at))
    {
      const char *stop = end;
      g_autoptr (GInetAddress) next = NULL;

      if (!take_last (list, &end, &element))
        break;
      next = forwarded != NULL ? parse_forwarded (element, stop)
                               : parse_node (element, (gsize) (stop - element));
      if (next == NULL)
        return NULL;
      g_set_object (&at, next);
      if (end > list)
        end--; /* the comma before the element */
    }
  return g_steal_pointer (&at);
}

/**
 * sb_peer_is_private:
 * @address: an address
 *
 * Returns: whether it is of this machine or of a private network
 */
gboolean
sb_peer_is_private (GInetAddress *address)
{
  g_autoptr (GInetAddress) plain = unmap (address);

  if (g_inet_address_get_is_loopback (plain) || g_inet_address_get_is_link_local (plain))
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (private_masks); i++)
    {
      g_autoptr (GInetAddressMask) mask = NULL;

      mask = g_inet_address_mask_new_from_string (private_masks[i], NULL);
      if (g_inet_address_mask_matches (mask, plain))
        return TRUE;
    }
  return FALSE;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-form: nothing that is read here is trusted; what does not look right is left out. */

#include "sb-soup-form.h"

#include "simplebus.h"

#include <string.h>

/* A host name, with its port. */
#define MAX_HOST 261

/* What programs call the field of a form when nobody gave it a name. */
static const char *const generic_fields[] = { "file", "files", "files[]", "upload" };

static gboolean
is_generic (const char *field)
{
  for (gsize i = 0; i < G_N_ELEMENTS (generic_fields); i++)
    if (strcmp (field, generic_fields[i]) == 0)
      return TRUE;
  return FALSE;
}

/**
 * sb_form_make_display_name:
 * @field: name of a field of a form, UTF-8
 * @filename: what the client calls the file, UTF-8
 *
 * Returns: (transfer full): what people see: the field's name, unless it says nothing
 */
char *
sb_form_make_display_name (const char *field, const char *filename)
{
  return sb_file_name_make_display (*field == '\0' || is_generic (field) ? filename : field);
}

/* The last element of a list, which the nearest proxy wrote. Returns: (transfer full) (nullable) */
static char *
dup_last (const char *list)
{
  const char *comma = list != NULL ? strrchr (list, ',') : NULL;
  g_autofree char *last = g_strdup (comma != NULL ? comma + 1 : list);

  return last != NULL && *g_strstrip (last) != '\0' ? g_steal_pointer (&last) : NULL;
}

static gboolean
is_port (const char *text)
{
  gsize length = strlen (text);

  return length >= 1 && length <= 5 && strspn (text, "0123456789") == length;
}

/* A name or an address with or without a port, and nothing that could lead elsewhere. */
static gboolean
is_host (const char *host)
{
  gsize length;

  if (strlen (host) > MAX_HOST)
    return FALSE;
  if (*host == '[')
    {
      length = 1 + strspn (host + 1, "0123456789abcdefABCDEF:.");
      if (length < 3 || host[length++] != ']')
        return FALSE;
    }
  else
    length = strspn (host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
  return length > 0
         && (host[length] == '\0' || (host[length] == ':' && is_port (host + length + 1)));
}

/**
 * sb_form_make_base_url:
 * @is_tls: whether the connection is encrypted
 * @host: (nullable): the header `Host`
 * @forwarded_proto: (nullable): `X-Forwarded-Proto` of a proxy that is trusted
 * @forwarded_host: (nullable): `X-Forwarded-Host`, likewise
 *
 * Returns: (transfer full) (nullable): how the client reached the bus, without a slash at the
 *   end; %NULL when it does not say, or nonsense
 */
char *
sb_form_make_base_url (gboolean is_tls, const char *host, const char *forwarded_proto,
                       const char *forwarded_host)
{
  g_autofree char *proxy_proto = dup_last (forwarded_proto);
  g_autofree char *proxy_host = dup_last (forwarded_host);
  const char *scheme = is_tls ? "https" : "http";

  if (proxy_proto != NULL && g_ascii_strcasecmp (proxy_proto, "https") == 0)
    scheme = "https";
  else if (proxy_proto != NULL && g_ascii_strcasecmp (proxy_proto, "http") == 0)
    scheme = "http";
  if (proxy_host != NULL)
    host = proxy_host;
  if (host == NULL || !is_host (host))
    return NULL;
  return g_strconcat (scheme, "://", host, NULL);
}

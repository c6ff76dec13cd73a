/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-http-client: the first path makes it and the last one takes it along. It hangs on the
 * configuration that it was made of, where the next path finds it.
 */

#include "sb-http-client.h"

static GQuark
client_quark (void)
{
  return g_quark_from_static_string ("sb-http-client");
}

static gint64
get_duration (SbConfig *config, const char *key)
{
  return sb_config_get_duration_ms (config, SB_HTTP_GROUP, key) * 1000;
}

/**
 * sb_http_client_get:
 * @config: the configuration
 * @error: names the key that is wrong, or the kernel's
 *
 * Returns: (transfer full): the client of that configuration
 */
SbHttpClient *
sb_http_client_get (SbConfig *config, GError **error)
{
  SbHttpClient *self = g_object_get_qdata (G_OBJECT (config), client_quark ());
  g_autoptr (SbHttpGuard) guard = NULL;
  g_autoptr (SbHttpPoller) poller = NULL;

  if (self != NULL)
    return sb_http_client_ref (self);
  guard = sb_http_guard_new (sb_config_get_list (config, SB_HTTP_GROUP, "deny-addresses"), error);
  if (guard == NULL)
    return NULL;
  poller = sb_http_poller_new (error);
  if (poller == NULL)
    return NULL;
  self = g_new0 (SbHttpClient, 1);
  self->ref_count = 1;
  self->config = g_object_ref (config);
  self->guard = g_steal_pointer (&guard);
  self->poller = g_steal_pointer (&poller);
  self->timeout = get_duration (config, "timeout");
  self->idle_timeout = get_duration (config, "idle-timeout");
  g_object_set_qdata (G_OBJECT (config), client_quark (), self);
  return self;
}

SbHttpClient *
sb_http_client_ref (SbHttpClient *self)
{
  self->ref_count++;
  return self;
}

void
sb_http_client_unref (SbHttpClient *self)
{
  if (--self->ref_count > 0)
    return;
  g_object_set_qdata (G_OBJECT (self->config), client_quark (), NULL);
  g_clear_object (&self->authorities);
  sb_http_guard_free (self->guard);
  sb_http_poller_unref (self->poller);
  g_object_unref (self->config);
  g_free (self);
}

/**
 * sb_http_client_load_authorities:
 * @self: the client
 * @error: SB_ERROR_INVALID: what is wrong with `ca-file`
 *
 * Reads `ca-file` if there is one and it was not read yet.
 *
 * Returns: whether certificates can be verified as the configuration says
 */
gboolean
sb_http_client_load_authorities (SbHttpClient *self, GError **error)
{
  const char *path = sb_config_get_string (self->config, SB_HTTP_GROUP, "ca-file");
  g_autoptr (GError) inner = NULL;

  if (*path == '\0' || self->authorities != NULL)
    return TRUE;
  self->authorities = g_tls_file_database_new (path, &inner);
  if (self->authorities != NULL)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "delivery-http.ca-file: %s: %s", path,
               inner->message);
  return FALSE;
}

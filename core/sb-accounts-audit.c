/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-accounts-audit: what the log says of a user that was made or changed: which members. */

#include "sb-accounts-private.h"
#include "sb-audit.h"

#include <string.h>

/* Returns: (transfer full): what differs, `password, tags`; empty when nothing does */
static char *
list_changes (const SbUser *old, const SbUser *user)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  if (strcmp (old->password_hash, user->password_hash) != 0)
    g_ptr_array_add (words, (gpointer) "password");
  if (!g_strv_equal (old->tags, user->tags))
    g_ptr_array_add (words, (gpointer) "tags");
  if (g_strcmp0 (old->connection_properties, user->connection_properties) != 0)
    g_ptr_array_add (words, (gpointer) "connection_properties");
  if (old->ttl != user->ttl)
    g_ptr_array_add (words, (gpointer) "ttl");
  if (old->admin != user->admin)
    g_ptr_array_add (words, (gpointer) (user->admin ? "now an admin" : "no admin any more"));
  if (old->paused != user->paused)
    g_ptr_array_add (words, (gpointer) (user->paused ? "paused" : "resumed"));
  g_ptr_array_add (words, NULL);
  return g_strjoinv (", ", (char **) words->pdata);
}

/* Logs what became of a user. @old: (nullable): as it was. */
void
sb_accounts_audit_put (const SbAccountsPut *put, const SbUser *old, const SbUser *user)
{
  const char *kind = user->admin ? "the admin" : "the user";
  g_autofree char *changes = NULL;

  if (old == NULL && put->kind == SB_PUT_SIGN_UP)
    sb_audit (user, user->id, NULL, "signed up as %s", user->admin ? "an admin" : "a user");
  else if (old == NULL)
    sb_audit (put->actor, user->id, NULL, "made %s %s", kind, user->id);
  else if (put->kind == SB_PUT_RENEWAL)
    sb_audit (NULL, user->id, NULL, "hashed the imported password of %s anew", user->id);
  else
    {
      changes = list_changes (old, user);
      /* Back ends send the same list again and again. */
      if (*changes != '\0')
        sb_audit (put->actor, user->id, NULL, "changed the user %s: %s", user->id, changes);
    }
}

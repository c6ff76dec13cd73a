/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-logins: a bounded table in the order of use, so that the end to drop is at hand. */

#include "sb-soup-logins.h"

#include <string.h>
#include <unistd.h>

#define COOKIE_NAME "simplebus"
#define SECURE_COOKIE_NAME "__Host-simplebus"
#define SECRET_BYTES 32
#define SECRET_LENGTH (2 * SECRET_BYTES)

typedef struct
{
  char *hash; /* (owned): of the secret; the key in the table */
  gint64 user_key;
  gint64 begun; /* µs */
  gint64 used;  /* µs */
  GList link;   /* in order of use, the latest first */
} Login;

struct _SbLogins
{
  SbAccounts *accounts;
  GHashTable *by_hash; /* (owned) of Login */
  GQueue by_use;
  gulong handlers[2];
};

static void
login_free (gpointer data)
{
  Login *login = data;

  g_free (login->hash);
  g_free (login);
}

/* What is in memory, or in a core dump, logs nobody in. */
static char *
hash_secret (const char *secret)
{
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, secret, -1);
}

static void
drop (SbLogins *self, Login *login)
{
  g_queue_unlink (&self->by_use, &login->link);
  g_hash_table_remove (self->by_hash, login->hash);
}

static void
drop_user (SbLogins *self, gint64 key)
{
  for (GList *l = self->by_use.head; l != NULL;)
    {
      Login *login = l->data;

      l = l->next;
      if (login->user_key == key)
        drop (self, login);
    }
}

static void
user_changed_cb (SbAccounts *accounts, SbUser *user, gboolean credentials, gpointer user_data)
{
  if (credentials)
    drop_user (user_data, user->key);
}

static void
user_removed_cb (SbAccounts *accounts, SbUser *user, gpointer user_data)
{
  drop_user (user_data, user->key);
}

/**
 * sb_logins_new:
 * @accounts: (transfer none): whose users sign in; it must live longer
 *
 * Returns: (transfer full): an empty table
 */
SbLogins *
sb_logins_new (SbAccounts *accounts)
{
  SbLogins *self = g_new0 (SbLogins, 1);

  self->accounts = accounts;
  self->by_hash = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, login_free);
  g_queue_init (&self->by_use);
  self->handlers[0] = g_signal_connect (accounts, "user-changed", G_CALLBACK (user_changed_cb),
                                        self);
  self->handlers[1] = g_signal_connect (accounts, "user-removed", G_CALLBACK (user_removed_cb),
                                        self);
  return self;
}

/**
 * sb_logins_free:
 * @self: (transfer full): a table
 *
 * Ends all log-ins.
 */
void
sb_logins_free (SbLogins *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (self->handlers); i++)
    g_signal_handler_disconnect (self->accounts, self->handlers[i]);
  g_hash_table_unref (self->by_hash);
  g_free (self);
}

static char *
make_secret (void)
{
  guint8 bytes[SECRET_BYTES];
  GString *text = g_string_sized_new (SECRET_LENGTH + 1);

  /* It fails for more than 256 bytes only. */
  g_assert (getentropy (bytes, sizeof bytes) == 0);
  for (gsize i = 0; i < sizeof bytes; i++)
    g_string_append_printf (text, "%02x", bytes[i]);
  return g_string_free (text, FALSE);
}

static void
make_room (SbLogins *self, gint64 user_key)
{
  guint n = 0;
  Login *oldest = NULL;

  for (GList *l = self->by_use.head; l != NULL; l = l->next)
    if (((Login *) l->data)->user_key == user_key)
      {
        oldest = l->data;
        n++;
      }
  if (n >= SB_LOGINS_MAX_PER_USER)
    drop (self, oldest);
  else if (self->by_use.length >= SB_LOGINS_MAX)
    drop (self, self->by_use.tail->data);
}

/**
 * sb_logins_begin:
 * @self: a table
 * @user: who gave the right password
 * @now: monotonic time, µs
 *
 * Signs a user in. The secret is new each time, so that nobody can have planted it.
 *
 * Returns: (transfer full): the secret for the cookie
 */
char *
sb_logins_begin (SbLogins *self, SbUser *user, gint64 now)
{
  g_autofree char *secret = make_secret ();
  Login *login = g_new0 (Login, 1);

  make_room (self, user->key);
  login->hash = hash_secret (secret);
  login->user_key = user->key;
  login->begun = now;
  login->used = now;
  login->link.data = login;
  g_hash_table_insert (self->by_hash, login->hash, login);
  g_queue_push_head_link (&self->by_use, &login->link);
  return g_steal_pointer (&secret);
}

static Login *
lookup (SbLogins *self, const char *secret)
{
  g_autofree char *hash = hash_secret (secret);

  return g_hash_table_lookup (self->by_hash, hash);
}

/**
 * sb_logins_find:
 * @self: a table
 * @secret: that a cookie had
 * @now: monotonic time, µs
 *
 * Finds who is signed in, and notes the use.
 *
 * Returns: (transfer none) (nullable): the user as it is now; %NULL when the log-in has ended
 */
SbUser *
sb_logins_find (SbLogins *self, const char *secret, gint64 now)
{
  Login *login = lookup (self, secret);
  SbUser *user;

  if (login == NULL)
    return NULL;
  user = sb_directory_lookup_key (sb_accounts_get_directory (self->accounts), login->user_key);
  if (user == NULL || now - login->used > SB_LOGIN_IDLE || now - login->begun > SB_LOGIN_LIFETIME)
    {
      drop (self, login);
      return NULL;
    }
  login->used = now;
  g_queue_unlink (&self->by_use, &login->link);
  g_queue_push_head_link (&self->by_use, &login->link);
  return user;
}

/**
 * sb_logins_is_alive:
 * @self: a table
 * @secret: that a cookie had
 * @now: monotonic time, µs
 *
 * Looks without a use: what goes on by itself does not keep a log-in from ending.
 *
 * Returns: whether somebody is signed in with it
 */
gboolean
sb_logins_is_alive (SbLogins *self, const char *secret, gint64 now)
{
  const Login *login = lookup (self, secret);

  return login != NULL && now - login->used <= SB_LOGIN_IDLE
         && now - login->begun <= SB_LOGIN_LIFETIME;
}

/**
 * sb_logins_end:
 * @self: a table
 * @secret: that a cookie had
 *
 * Signs out.
 */
void
sb_logins_end (SbLogins *self, const char *secret)
{
  Login *login = lookup (self, secret);

  if (login != NULL)
    drop (self, login);
}

/**
 * sb_logins_get_size:
 * @self: a table
 *
 * Returns: how many log-ins there are
 */
guint
sb_logins_get_size (SbLogins *self)
{
  return self->by_use.length;
}

/* --- The cookie --- */

/**
 * sb_login_cookie_make:
 * @secret: (nullable): of a log-in; %NULL: the browser is to forget it
 * @is_secure: whether the browser came over TLS
 *
 * Returns: (transfer full): a value for `Set-Cookie`
 */
char *
sb_login_cookie_make (const char *secret, gboolean is_secure)
{
  return g_strdup_printf ("%s=%s; Path=/; HttpOnly; SameSite=Strict%s; Max-Age=%" G_GINT64_FORMAT,
                          is_secure ? SECURE_COOKIE_NAME : COOKIE_NAME,
                          secret != NULL ? secret : "", is_secure ? "; Secure" : "",
                          secret != NULL ? (gint64) (SB_LOGIN_LIFETIME / G_TIME_SPAN_SECOND) : 0);
}

static gboolean
is_secret (const char *text)
{
  return strlen (text) == SECRET_LENGTH && strspn (text, "0123456789abcdef") == SECRET_LENGTH;
}

/**
 * sb_login_cookie_parse:
 * @header: (nullable): `Cookie` of a request
 * @is_secure: whether the browser came over TLS
 *
 * Returns: (transfer full) (nullable): the secret in it, when there is exactly one
 */
char *
sb_login_cookie_parse (const char *header, gboolean is_secure)
{
  const char *name = is_secure ? SECURE_COOKIE_NAME "=" : COOKIE_NAME "=";
  g_auto (GStrv) cookies = g_strsplit_set (header != NULL ? header : "", ";,", -1);
  const char *found = NULL;

  for (char **cookie = cookies; *cookie != NULL; cookie++)
    {
      const char *text = g_strstrip (*cookie);

      if (!g_str_has_prefix (text, name))
        continue;
      if (found != NULL)
        return NULL;
      found = text + strlen (name);
    }
  return found != NULL && is_secret (found) ? g_strdup (found) : NULL;
}

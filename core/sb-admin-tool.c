/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-admin-tool: with the lock of the data folder, through accounts, journal and store as the bus
 * does it, so that a kill at any moment leaves all of it or nothing.
 */

#include "sb-admin-tool.h"

#include "sb-error.h"
#include "sb-log.h"
#include "sb-names.h"
#include "sb-prompt.h"
#include "sb-secret.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Half a million users. */
#define MAX_IMPORT_BYTES (64 * 1024 * 1024)
#define READ_BYTES (64 * 1024)

static int
fail (const GError *error)
{
  g_printerr ("simplebusd: %s\n", error->message);
  if (!g_error_matches (error, SB_ERROR, SB_ERROR_BUSY))
    return EXIT_FAILURE;
  g_printerr ("%s\n", _ ("While it runs, its users are made through it: as an admin, with "
                         "\"simplebus users add\" or POST /put_users."));
  return SB_EXIT_BUSY;
}

static const char *
get_data_dir (SbDaemon *daemon)
{
  return sb_config_get_string (sb_daemon_get_config (daemon), SB_CONFIG_GROUP_BUS, "data-dir");
}

/* Waiting */

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **place = user_data;

  *place = g_object_ref (result);
}

static void
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* A store may be one that keeps nothing: better said now than found out at the first log-in. */
static gboolean
has_users (SbAccounts *accounts, gpointer user_data, GError **error)
{
  if (sb_accounts_has_users (accounts))
    return TRUE;
  g_set_error_literal (error, SB_ERROR, SB_ERROR_UNSUPPORTED,
                       "the store has forgotten it at once: with this \"store\" in the "
                       "configuration nothing outlives the bus");
  return FALSE;
}

/* --add-admin */

/* @user_data: the name */
static gboolean
add_admin (SbAccounts *accounts, gpointer user_data, GError **error)
{
  const char *name = user_data;
  g_autoptr (SbSecret) password = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  if (!sb_user_check_id (name, error))
    return FALSE;
  if (sb_directory_lookup (sb_accounts_get_directory (accounts), name) != NULL)
    {
      g_set_error (error, SB_ERROR, SB_ERROR_CONFLICT, "there is a user %s already", name);
      return FALSE;
    }
  password = sb_prompt_new_password (name, error);
  if (password == NULL)
    return FALSE;
  sb_accounts_add_admin_async (accounts, name, password, done_cb, &result);
  wait_for (&result);
  return sb_accounts_add_admin_finish (accounts, result, error);
}

/* What there was is not touched: the name may be a device's, or an admin's who knows nothing. */
static int
fail_taken (const GError *error)
{
  g_printerr ("simplebusd: %s\n", error->message);
  g_printerr ("%s\n", _ ("Take another name; or, to make that user an admin with a new password, "
                         "bring it with --import-users: "
                         "[{\"_id\": \"…\", \"password\": \"…\", \"admin\": true}]"));
  return SB_EXIT_TAKEN;
}

/**
 * sb_admin_tool_add_admin:
 * @daemon: one that was loaded
 * @name: of a new user
 *
 * Makes an admin. The password comes from the terminal or from standard input.
 *
 * Returns: the exit status
 */
int
sb_admin_tool_add_admin (SbDaemon *daemon, const char *name)
{
  g_autoptr (GError) error = NULL;

  sb_log_copy_to_journal ();
  if (!sb_daemon_use_accounts (daemon, add_admin, (gpointer) name, &error))
    return g_error_matches (error, SB_ERROR, SB_ERROR_CONFLICT) ? fail_taken (error) : fail (error);
  if (!sb_daemon_use_accounts (daemon, has_users, NULL, &error))
    return fail (error);
  g_print (_ ("The admin %s is made, in %s.\n"), name, get_data_dir (daemon));
  return EXIT_SUCCESS;
}

/* --import-users */

typedef struct
{
  GByteArray *json; /* (owned) wiped: there may be passwords in it */
  guint n_stored;
  guint n_new;
} Import;

static void
import_clear (Import *self)
{
  if (self->json != NULL)
    explicit_bzero (self->json->data, self->json->len);
  g_clear_pointer (&self->json, g_byte_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Import, import_clear)

static gboolean
refuse_file (GError **error, const char *path, const char *why)
{
  g_set_error (error, SB_ERROR, SB_ERROR_FAILED, "%s: %s", path, why);
  return FALSE;
}

/* All in one place, so that no copies are left behind by a buffer that grows. */
static gboolean
read_all (int fd, const char *path, GByteArray *contents, GError **error)
{
  for (;;)
    {
      guint length = contents->len;
      ssize_t n;

      if (length > MAX_IMPORT_BYTES)
        return refuse_file (error, path, "is larger than 64 MiB; import it in parts");
      g_byte_array_set_size (contents, length + READ_BYTES);
      n = read (fd, contents->data + length, READ_BYTES);
      g_byte_array_set_size (contents, length + (n > 0 ? (guint) n : 0));
      if (n < 0 && errno != EINTR)
        return refuse_file (error, path, g_strerror (errno));
      if (n == 0)
        return TRUE;
    }
}

static gboolean
read_import (Import *self, const char *path, GError **error)
{
  int fd = strcmp (path, "-") == 0 ? STDIN_FILENO : g_open (path, O_RDONLY | O_CLOEXEC, 0);
  gboolean is_read;

  if (fd < 0)
    return refuse_file (error, path, g_strerror (errno));
  self->json = g_byte_array_sized_new (MAX_IMPORT_BYTES + 2 * READ_BYTES);
  is_read = read_all (fd, path, self->json, error);
  if (fd != STDIN_FILENO)
    close (fd);
  return is_read;
}

static void
on_user_changed (SbAccounts *accounts, SbUser *user, gboolean credentials, gpointer user_data)
{
  Import *self = user_data;

  self->n_stored++;
}

static guint
count_users (SbAccounts *accounts)
{
  return sb_directory_get_all (sb_accounts_get_directory (accounts))->len;
}

/* @user_data: an Import */
static gboolean
import_users (SbAccounts *accounts, gpointer user_data, GError **error)
{
  Import *self = user_data;
  guint n_before = count_users (accounts);
  g_autoptr (GAsyncResult) result = NULL;

  g_signal_connect (accounts, "user-changed", G_CALLBACK (on_user_changed), self);
  sb_accounts_import_async (accounts, (const char *) self->json->data, self->json->len, done_cb,
                            &result);
  wait_for (&result);
  self->n_new = count_users (accounts) - n_before;
  return sb_accounts_import_finish (accounts, result, error);
}

static int
fail_without_admin (const GError *error)
{
  g_printerr ("simplebusd: %s\n", error->message);
  g_printerr ("%s\n", _ ("Give one of the users \"admin\": true, or make an admin with --add-admin "
                         "first."));
  return EXIT_FAILURE;
}

/**
 * sb_admin_tool_import_users:
 * @daemon: one that was loaded
 * @path: (type filename): a JSON array of users; `-`: standard input
 *
 * Makes and changes users, all or none.
 *
 * Returns: the exit status
 */
int
sb_admin_tool_import_users (SbDaemon *daemon, const char *path)
{
  g_auto (Import) import = { NULL, 0, 0 };
  g_autoptr (GError) error = NULL;

  sb_log_copy_to_journal ();
  if (!read_import (&import, path, &error))
    return fail (error);
  if (!sb_daemon_use_accounts (daemon, import_users, &import, &error))
    return g_error_matches (error, SB_ERROR, SB_ERROR_CONFLICT) ? fail_without_admin (error)
                                                                : fail (error);
  if (!sb_daemon_use_accounts (daemon, has_users, NULL, &error))
    return fail (error);
  g_print (_ ("Users stored: %u, of them new: %u; in %s.\n"), import.n_stored, import.n_new,
           get_data_dir (daemon));
  return EXIT_SUCCESS;
}

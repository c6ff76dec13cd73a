/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-password: from a file, made up, or asked for twice; never a word of the command line. */

#include "sb-cli-password.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

/* 80 bits; no letters that are taken for digits, or for others. */
#define N_LETTERS 16
static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";
G_STATIC_ASSERT (sizeof letters - 1 == 32);

static char *
generate (GError **error)
{
  guint8 random[N_LETTERS];
  g_autoptr (GString) password = g_string_new (NULL);

  if (getentropy (random, sizeof random) != 0)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("There are no random bytes: %s"),
                   g_strerror (errno));
      return NULL;
    }
  for (guint i = 0; i < N_LETTERS; i++)
    {
      if (i > 0 && i % 4 == 0)
        g_string_append_c (password, '-');
      g_string_append_c (password, letters[random[i] % 32]);
    }
  explicit_bzero (random, sizeof random);
  return g_string_free (g_steal_pointer (&password), FALSE);
}

static char *
ask_twice (const char *user, GError **error)
{
  g_autofree char *shown = sb_cli_printable (user);
  g_autofree char *question = g_strdup_printf (_ ("New password of %s: "), shown);
  g_autoptr (SbCliSecret) first = NULL;
  g_autoptr (SbCliSecret) second = NULL;

  if (!sb_cli_can_ask ())
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_USAGE,
                   _ ("There is no terminal to ask for a password on. Use --password-file FILE, "
                      "--password-file - for the standard input, or --generate"));
      return NULL;
    }
  first = sb_cli_ask_password (question, error);
  if (first == NULL)
    return NULL;
  second = sb_cli_ask_password (_ ("The same again: "), error);
  if (second == NULL)
    return NULL;
  if (strcmp (first, second) == 0 && *first != '\0')
    return g_steal_pointer (&first);
  g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_FAILED,
                       *first == '\0' ? _ ("A password is not empty")
                                      : _ ("The two are not the same; nothing was changed"));
  return NULL;
}

/**
 * sb_cli_take_password:
 * @self: where from
 * @user: whose
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): the password, in UTF-8, to be wiped
 */
SbCliSecret *
sb_cli_take_password (const SbCliPasswordSource *self, const char *user, GError **error)
{
  g_autoptr (SbCliSecret) password = NULL;

  if (self->file != NULL && self->generate)
    {
      g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_USAGE,
                           _ ("Either --password-file or --generate"));
      return NULL;
    }
  if (self->generate)
    return generate (error);
  password = self->file != NULL ? sb_cli_read_password (self->file, error)
                                : ask_twice (user, error);
  if (password == NULL || g_utf8_validate (password, -1, NULL))
    return g_steal_pointer (&password);
  g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_USAGE, _ ("The password is not UTF-8"));
  return NULL;
}

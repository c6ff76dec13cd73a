/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-verbs: the table of all verbs, and which of them was meant. */

#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>

#define MAX_WORD 32

static const SbCliVerb *const messages[] = {
  &sb_cli_verb_send,   &sb_cli_verb_send_file, &sb_cli_verb_receive,
  &sb_cli_verb_listen, &sb_cli_verb_agent,     NULL,
};

static const SbCliVerb *const management[] = {
  &sb_cli_verb_top,
  &sb_cli_verb_users_list,
  &sb_cli_verb_users_show,
  &sb_cli_verb_users_add,
  &sb_cli_verb_users_set,
  &sb_cli_verb_users_tag,
  &sb_cli_verb_users_untag,
  &sb_cli_verb_users_passwd,
  &sb_cli_verb_users_remove,
  &sb_cli_verb_queues,
  &sb_cli_verb_queues_pause,
  &sb_cli_verb_queues_resume,
  &sb_cli_verb_status,
  &sb_cli_verb_dead_list,
  &sb_cli_verb_dead_requeue,
  &sb_cli_verb_dead_drop,
  &sb_cli_verb_files,
  &sb_cli_verb_files_drop,
  NULL,
};

static const SbCliVerb *const about_itself[] = {
  &sb_cli_verb_help,
  NULL,
};

static const SbCliVerb *const upkeep[] = {
  &sb_cli_verb_login,
  &sb_cli_verb_doctor,
  &sb_cli_verb_qr,
  &sb_cli_verb_bench,
  &sb_cli_verb_backup,
  &sb_cli_verb_restore,
  NULL,
};

const SbCliGroup sb_cli_groups[] = {
  { N_ ("Messages and files"), messages },
  { N_ ("Users, queues and what is in them"), management },
  { N_ ("Setting up and keeping well"), upkeep },
  { N_ ("About itself"), about_itself },
  { NULL, NULL },
};

/* Returns: whether @name is of two words of which the first is @first. @second: (out): the other */
static gboolean
split (const char *name, const char *first, const char **second)
{
  gsize length = strlen (first);

  *second = name + length + 1;
  return strncmp (name, first, length) == 0 && name[length] == ' ';
}

static const SbCliVerb *
find_exactly (const char *name)
{
  for (const SbCliGroup *group = sb_cli_groups; group->title != NULL; group++)
    for (const SbCliVerb *const *verb = group->verbs; *verb != NULL; verb++)
      if (strcmp ((*verb)->name, name) == 0)
        return *verb;
  return NULL;
}

/**
 * sb_cli_find_verb:
 * @first: a word
 * @second: (nullable): the next one
 * @n_words: (out): how many of them are the verb's
 *
 * Returns: (nullable): the verb; one of two words wins
 */
const SbCliVerb *
sb_cli_find_verb (const char *first, const char *second, guint *n_words)
{
  g_autofree char *both = second != NULL ? g_strconcat (first, " ", second, NULL) : NULL;
  const SbCliVerb *verb = both != NULL ? find_exactly (both) : NULL;

  *n_words = verb != NULL ? 2 : 1;
  if (verb == NULL && strchr (first, ' ') == NULL)
    verb = find_exactly (first);
  return verb;
}

/**
 * sb_cli_is_family:
 * @first: a word
 *
 * Returns: whether there are verbs of two words that begin with it
 */
gboolean
sb_cli_is_family (const char *first)
{
  const char *second;

  for (const SbCliGroup *group = sb_cli_groups; group->title != NULL; group++)
    for (const SbCliVerb *const *verb = group->verbs; *verb != NULL; verb++)
      if (split ((*verb)->name, first, &second))
        return TRUE;
  return FALSE;
}

/* How many letters have to be put in, left out, changed or swapped to make @b of @a. */
static guint
get_distance (const char *a, const char *b)
{
  guint rows[3][MAX_WORD + 1];
  gsize n = strlen (a);
  gsize m = strlen (b);

  if (n > MAX_WORD || m > MAX_WORD)
    return MAX_WORD;
  for (gsize i = 0; i <= n; i++)
    for (gsize j = 0; j <= m; j++)
      {
        guint *at = &rows[i % 3][j];

        if (i == 0 || j == 0)
          {
            *at = (guint) (i + j);
            continue;
          }
        *at = rows[(i - 1) % 3][j - 1] + (a[i - 1] != b[j - 1]);
        *at = MIN (*at, MIN (rows[(i - 1) % 3][j], rows[i % 3][j - 1]) + 1);
        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
          *at = MIN (*at, rows[(i - 2) % 3][j - 2] + 1);
      }
  return rows[n % 3][m];
}

/* The words that the verbs' own are compared with: in a family the second, else the first. */
static char *
dup_candidate (const SbCliVerb *verb, const char *family)
{
  const char *second;

  if (family == NULL)
    return g_strndup (verb->name, strcspn (verb->name, " "));
  return split (verb->name, family, &second) ? g_strdup (second) : NULL;
}

/**
 * sb_cli_suggest_verb:
 * @first: a word that is no verb
 * @second: (nullable): the next one
 *
 * Returns: (transfer full) (nullable): the words that were meant, perhaps
 */
char *
sb_cli_suggest_verb (const char *first, const char *second)
{
  const char *family = second != NULL && sb_cli_is_family (first) ? first : NULL;
  const char *word = family != NULL ? second : first;
  guint best = MIN ((guint) strlen (word) / 2, 3) + 1;
  g_autofree char *found = NULL;

  for (const SbCliGroup *group = sb_cli_groups; group->title != NULL; group++)
    for (const SbCliVerb *const *verb = group->verbs; *verb != NULL; verb++)
      {
        g_autofree char *candidate = dup_candidate (*verb, family);
        guint distance = candidate != NULL ? get_distance (word, candidate) : MAX_WORD;

        if (distance >= best)
          continue;
        best = distance;
        g_free (found);
        found = g_steal_pointer (&candidate);
      }
  if (found == NULL || family == NULL)
    return g_steal_pointer (&found);
  return g_strconcat (family, " ", found, NULL);
}

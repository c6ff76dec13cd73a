/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-directory: users by id, by key and by tag, always one consistent picture. */

#include "sb-directory.h"

#include <string.h>

struct _SbDirectory
{
  GObject parent_instance;

  GHashTable *by_key; /* (owned) gint64 in the user → SbUser (owned) */
  GHashTable *by_id;  /* (owned) id in the user → SbUser (borrowed from by_key) */
  GHashTable *by_tag; /* (owned) tag (owned) → GPtrArray of SbUser (borrowed from by_key) */
  GPtrArray *all;     /* (owned) SbUser (borrowed from by_key), in no order */
  guint generation;
};

G_DEFINE_FINAL_TYPE (SbDirectory, sb_directory, G_TYPE_OBJECT)

static void
sb_directory_finalize (GObject *object)
{
  SbDirectory *self = SB_DIRECTORY (object);

  g_ptr_array_unref (self->all);
  g_hash_table_unref (self->by_tag);
  g_hash_table_unref (self->by_id);
  g_hash_table_unref (self->by_key);
  G_OBJECT_CLASS (sb_directory_parent_class)->finalize (object);
}

static void
sb_directory_class_init (SbDirectoryClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_directory_finalize;
}

static void
sb_directory_init (SbDirectory *self)
{
  self->by_key = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
                                        (GDestroyNotify) sb_user_unref);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->by_tag = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                        (GDestroyNotify) g_ptr_array_unref);
  self->all = g_ptr_array_new ();
}

static void
link_tags (SbDirectory *self, SbUser *user)
{
  for (const char *const *tag = user->tags; *tag != NULL; tag++)
    {
      GPtrArray *users = g_hash_table_lookup (self->by_tag, *tag);

      if (users == NULL)
        {
          users = g_ptr_array_new ();
          g_hash_table_insert (self->by_tag, g_strdup (*tag), users);
        }
      g_ptr_array_add (users, user);
    }
}

static void
unlink_tags (SbDirectory *self, SbUser *user)
{
  for (const char *const *tag = user->tags; *tag != NULL; tag++)
    {
      GPtrArray *users = g_hash_table_lookup (self->by_tag, *tag);

      g_ptr_array_remove_fast (users, user);
      if (users->len == 0)
        g_hash_table_remove (self->by_tag, *tag);
    }
}

static void
unlink_user (SbDirectory *self, SbUser *user)
{
  unlink_tags (self, user);
  /* A newer user may have the id already. */
  if (g_hash_table_lookup (self->by_id, user->id) == user)
    g_hash_table_remove (self->by_id, user->id);
  g_ptr_array_remove_fast (self->all, user);
  g_hash_table_remove (self->by_key, &user->key);
}

/**
 * sb_directory_new:
 *
 * Returns: (transfer full): an empty directory
 */
SbDirectory *
sb_directory_new (void)
{
  return g_object_new (SB_TYPE_DIRECTORY, NULL);
}

/**
 * sb_directory_put:
 * @self: a directory
 * @user: (transfer none): a user with a key; replaces the one with the same key
 */
void
sb_directory_put (SbDirectory *self, SbUser *user)
{
  SbUser *old;

  g_return_if_fail (SB_IS_DIRECTORY (self));
  g_return_if_fail (user->key > 0);

  old = g_hash_table_lookup (self->by_key, &user->key);
  if (old != NULL)
    unlink_user (self, old);

  sb_user_ref (user);
  g_hash_table_insert (self->by_key, &user->key, user);
  g_hash_table_replace (self->by_id, (gpointer) user->id, user);
  g_ptr_array_add (self->all, user);
  link_tags (self, user);
  self->generation++;
}

/**
 * sb_directory_remove:
 * @self: a directory
 * @key: key of a user; one that is not there is ignored
 */
void
sb_directory_remove (SbDirectory *self, gint64 key)
{
  SbUser *user;

  g_return_if_fail (SB_IS_DIRECTORY (self));

  user = g_hash_table_lookup (self->by_key, &key);
  if (user == NULL)
    return;
  unlink_user (self, user);
  self->generation++;
}

/**
 * sb_directory_lookup:
 * @self: a directory
 * @id: a user's id
 *
 * Returns: (transfer none) (nullable): the user
 */
SbUser *
sb_directory_lookup (SbDirectory *self, const char *id)
{
  g_return_val_if_fail (SB_IS_DIRECTORY (self), NULL);

  return g_hash_table_lookup (self->by_id, id);
}

/**
 * sb_directory_lookup_key:
 * @self: a directory
 * @key: a user's key
 *
 * Returns: (transfer none) (nullable): the user
 */
SbUser *
sb_directory_lookup_key (SbDirectory *self, gint64 key)
{
  g_return_val_if_fail (SB_IS_DIRECTORY (self), NULL);

  return g_hash_table_lookup (self->by_key, &key);
}

/**
 * sb_directory_get_tagged:
 * @self: a directory
 * @tag: a tag without `#`
 *
 * Returns: (transfer none) (nullable) (element-type SbUser): the users that carry it,
 *   in no order; valid until the next change
 */
GPtrArray *
sb_directory_get_tagged (SbDirectory *self, const char *tag)
{
  g_return_val_if_fail (SB_IS_DIRECTORY (self), NULL);

  return g_hash_table_lookup (self->by_tag, tag);
}

/**
 * sb_directory_get_all:
 * @self: a directory
 *
 * Returns: (transfer none) (element-type SbUser): all users, in no order; valid
 *   until the next change
 */
GPtrArray *
sb_directory_get_all (SbDirectory *self)
{
  g_return_val_if_fail (SB_IS_DIRECTORY (self), NULL);

  return self->all;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(SbUser *const *) a)->id, (*(SbUser *const *) b)->id);
}

/* Keeps the first ones. */
static void
cut_page (GPtrArray *page, guint limit)
{
  g_ptr_array_sort (page, compare_ids);
  if (page->len > limit)
    g_ptr_array_set_size (page, (int) limit);
}

/* What is looked for, made ready once. */
typedef struct
{
  char *text; /* (owned) (nullable): case-folded; %NULL matches everybody */
  gsize length;
  gboolean is_ascii;
} Search;

static char *
fold (const char *text, gboolean *is_ascii)
{
  *is_ascii = g_str_is_ascii (text);
  return *is_ascii ? g_ascii_strdown (text, -1) : g_utf8_casefold (text, -1);
}

static gboolean
starts_with (const char *text, const Search *search)
{
  g_autofree char *folded = NULL;

  if (g_str_is_ascii (text))
    return g_ascii_strncasecmp (text, search->text, search->length) == 0;
  folded = g_utf8_casefold (text, -1);
  return strncmp (folded, search->text, search->length) == 0;
}

static gboolean
contains (const char *text, const Search *search)
{
  g_autofree char *folded = NULL;

  if (g_str_is_ascii (text))
    {
      for (; search->is_ascii && *text != '\0'; text++)
        if (g_ascii_strncasecmp (text, search->text, search->length) == 0)
          return TRUE;
      return FALSE;
    }
  folded = g_utf8_casefold (text, -1);
  return strstr (folded, search->text) != NULL;
}

static gboolean
is_wanted (const SbUser *user, const Search *search)
{
  if (search->text == NULL || contains (user->id, search))
    return TRUE;
  for (const char *const *tag = user->tags; *tag != NULL; tag++)
    if (starts_with (*tag, search))
      return TRUE;
  return FALSE;
}

static GPtrArray *
list_wanted (SbDirectory *self, const Search *search, const char *after, guint limit)
{
  GPtrArray *page = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_user_unref);
  const char *bar = NULL; /* a full page ends there already */

  for (guint i = 0; i < self->all->len; i++)
    {
      SbUser *user = g_ptr_array_index (self->all, i);

      if ((after != NULL && strcmp (user->id, after) <= 0)
          || (bar != NULL && strcmp (user->id, bar) > 0) || !is_wanted (user, search))
        continue;
      g_ptr_array_add (page, sb_user_ref (user));
      if (page->len < 2 * limit)
        continue;
      cut_page (page, limit);
      bar = ((const SbUser *) g_ptr_array_index (page, limit - 1))->id;
    }
  cut_page (page, limit);
  return page;
}

/**
 * sb_directory_list:
 * @self: a directory
 * @after: (nullable): an id, of a user or not; %NULL begins
 * @limit: at most so many
 *
 * Returns: (transfer full) (element-type SbUser): users whose ids are above @after, in order of
 *   the bytes of their ids; fewer than @limit mean that there are no more
 */
GPtrArray *
sb_directory_list (SbDirectory *self, const char *after, guint limit)
{
  static const Search everybody = { 0 };

  g_return_val_if_fail (SB_IS_DIRECTORY (self), NULL);
  g_return_val_if_fail (limit > 0, NULL);

  return list_wanted (self, &everybody, after, limit);
}

/**
 * sb_directory_search:
 * @self: a directory
 * @text: part of an id, or what a tag begins with; lower and upper case are the same
 * @after: (nullable): an id, of a user or not; %NULL begins
 * @limit: at most so many
 *
 * Looks at each user once: no search is slower than a list by more than that.
 *
 * Returns: (transfer full) (element-type SbUser): as of sb_directory_list()
 */
GPtrArray *
sb_directory_search (SbDirectory *self, const char *text, const char *after, guint limit)
{
  g_autofree char *folded = NULL;
  Search search = { NULL, 0, FALSE };

  g_return_val_if_fail (SB_IS_DIRECTORY (self), NULL);
  g_return_val_if_fail (limit > 0, NULL);

  folded = fold (text, &search.is_ascii);
  search.text = folded;
  search.length = strlen (folded);
  return list_wanted (self, &search, after, limit);
}

/**
 * sb_directory_get_generation:
 * @self: a directory
 *
 * Returns: a number that changes with every change, for those who cache
 */
guint
sb_directory_get_generation (SbDirectory *self)
{
  g_return_val_if_fail (SB_IS_DIRECTORY (self), 0);

  return self->generation;
}

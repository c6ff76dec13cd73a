/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-directory: one consistent picture of the users. */

#include "sb-directory.h"
#include "sb-test.h"

#include <string.h>

typedef struct
{
  SbDirectory *directory;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = sb_directory_new ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_finalize_object (f->directory);
}

static void
put (Fixture *f, gint64 key, const char *id, const char *tags)
{
  g_auto (GStrv) list = g_strsplit (tags, " ", -1);
  g_autoptr (SbUser) user = sb_user_new (
      key, id, "x", *tags != '\0' ? (const char *const *) list : NULL, NULL, FALSE, 1);

  sb_directory_put (f->directory, user);
}

/* How many users carry a tag, all of them with @id in it. */
static guint
count_tagged (Fixture *f, const char *tag, const char *id)
{
  GPtrArray *users = sb_directory_get_tagged (f->directory, tag);

  for (guint i = 0; users != NULL && i < users->len; i++)
    g_assert_nonnull (strstr (((SbUser *) g_ptr_array_index (users, i))->id, id));
  return users != NULL ? users->len : 0;
}

static void
users_are_found_by_id_key_and_tag (Fixture *f, gconstpointer data)
{
  put (f, 1, "anna", "orders stock");
  put (f, 2, "bert", "orders");
  g_assert_cmpint (sb_directory_lookup (f->directory, "anna")->key, ==, 1);
  g_assert_cmpstr (sb_directory_lookup_key (f->directory, 2)->id, ==, "bert");
  g_assert_cmpuint (count_tagged (f, "orders", ""), ==, 2);
  g_assert_cmpuint (count_tagged (f, "stock", "anna"), ==, 1);
  g_assert_cmpuint (sb_directory_get_all (f->directory)->len, ==, 2);
}

static void
nobody_is_found_by_what_is_not_there (Fixture *f, gconstpointer data)
{
  put (f, 1, "anna", "orders");
  g_assert_null (sb_directory_lookup (f->directory, "Anna"));
  g_assert_null (sb_directory_lookup_key (f->directory, 2));
  g_assert_null (sb_directory_get_tagged (f->directory, "Orders"));
}

static void
a_user_with_the_same_key_is_replaced (Fixture *f, gconstpointer data)
{
  put (f, 1, "anna", "orders stock");
  put (f, 1, "anna", "stock sales");
  g_assert_cmpuint (sb_directory_get_all (f->directory)->len, ==, 1);
  g_assert_null (sb_directory_get_tagged (f->directory, "orders"));
  g_assert_cmpuint (count_tagged (f, "sales", "anna"), ==, 1);
}

static void
a_removed_user_leaves_nothing_behind (Fixture *f, gconstpointer data)
{
  put (f, 1, "anna", "orders");
  sb_directory_remove (f->directory, 1);
  g_assert_null (sb_directory_lookup (f->directory, "anna"));
  g_assert_null (sb_directory_lookup_key (f->directory, 1));
  g_assert_null (sb_directory_get_tagged (f->directory, "orders"));
  g_assert_cmpuint (sb_directory_get_all (f->directory)->len, ==, 0);
}

static void
removing_nobody_changes_nothing (Fixture *f, gconstpointer data)
{
  guint before = sb_directory_get_generation (f->directory);

  sb_directory_remove (f->directory, 1);
  g_assert_cmpuint (sb_directory_get_generation (f->directory), ==, before);
}

/* With the news of the new user before that of the old one's end. */
static void
an_id_that_changed_hands_stays_with_the_newer_user (Fixture *f, gconstpointer data)
{
  put (f, 1, "anna", "");
  put (f, 2, "anna", "");
  sb_directory_remove (f->directory, 1);
  g_assert_cmpint (sb_directory_lookup (f->directory, "anna")->key, ==, 2);
}

static void
every_change_has_its_own_generation (Fixture *f, gconstpointer data)
{
  guint first = sb_directory_get_generation (f->directory);

  put (f, 1, "anna", "");
  g_assert_cmpuint (sb_directory_get_generation (f->directory), !=, first);
  first = sb_directory_get_generation (f->directory);
  sb_directory_remove (f->directory, 1);
  g_assert_cmpuint (sb_directory_get_generation (f->directory), !=, first);
}

/* "a b c" */
static char *
list (Fixture *f, const char *after, guint limit)
{
  g_autoptr (GPtrArray) users = sb_directory_list (f->directory, after, limit);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < users->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                            ((const SbUser *) g_ptr_array_index (users, i))->id);
  return g_string_free (text, FALSE);
}

static void
users_are_listed_by_id_page_by_page (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *after;
    guint limit;
    const char *wanted;
  } cases[] = {
    { NULL, 100, "A a b c d e" },
    { NULL, 2, "A a" },
    { "a", 2, "b c" },
    { "aa", 1, "b" },
    { "c", 2, "d e" },
    { "e", 2, "" },
    { "z", 1, "" },
  };

  for (guint i = 0; i < 6; i++)
    put (f, i + 1, (const char *const[]) { "e", "A", "c", "b", "d", "a" }[i], "");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *page = list (f, cases[i].after, cases[i].limit);

      g_assert_cmpstr (page, ==, cases[i].wanted);
    }
}

static void
thousands_of_users_are_listed_once_each (Fixture *f, gconstpointer data)
{
  g_autofree char *after = NULL;
  guint n = 0;

  for (gint64 i = 0; i < 3000; i++)
    {
      g_autofree char *id = g_strdup_printf ("u%04d", (int) (i * 7919 % 3000));

      put (f, i + 1, id, "");
    }
  for (;;)
    {
      g_autoptr (GPtrArray) page = sb_directory_list (f->directory, after, 7);

      for (guint i = 0; i < page->len; i++)
        {
          g_autofree char *wanted = g_strdup_printf ("u%04u", n++);

          g_assert_cmpstr (((const SbUser *) g_ptr_array_index (page, i))->id, ==, wanted);
          g_free (after);
          after = g_steal_pointer (&wanted);
        }
      if (page->len < 7)
        break;
    }
  g_assert_cmpuint (n, ==, 3000);
}

static char *
search (Fixture *f, const char *text, const char *after, guint limit)
{
  g_autoptr (GPtrArray) page = sb_directory_search (f->directory, text, after, limit);
  GString *ids = g_string_new (NULL);

  for (guint i = 0; i < page->len; i++)
    g_string_append_printf (ids, "%s%s", i > 0 ? " " : "",
                            ((const SbUser *) g_ptr_array_index (page, i))->id);
  return g_string_free (ids, FALSE);
}

static void
users_are_found_by_parts_of_ids_and_beginnings_of_tags (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *text;
    const char *after;
    guint limit;
    const char *wanted;
  } cases[] = {
    { "nn", NULL, 9, "Anna hannes" },
    { "ANN", NULL, 9, "Anna hannes" },
    { "ann", NULL, 1, "Anna" },
    { "ann", "Anna", 1, "hannes" },
    { "ord", NULL, 9, "hannes" },
    { "ders", NULL, 9, "" },
    { "иван", NULL, 9, "ИВАН" },
    { "СКЛ", NULL, 9, "Anna" },
    { "клад", NULL, 9, "" },
    { "z", NULL, 9, "" },
    { "", NULL, 9, "Anna bert hannes ИВАН" },
  };

  put (f, 1, "hannes", "Orders");
  put (f, 2, "Anna", "news склад");
  put (f, 3, "ИВАН", "");
  put (f, 4, "bert", "");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *found = search (f, cases[i].text, cases[i].after, cases[i].limit);

      g_assert_cmpstr (found, ==, cases[i].wanted);
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add ("/directory/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("users-are-found-by-id-key-and-tag", users_are_found_by_id_key_and_tag);
  ADD ("nobody-is-found-by-what-is-not-there", nobody_is_found_by_what_is_not_there);
  ADD ("a-user-with-the-same-key-is-replaced", a_user_with_the_same_key_is_replaced);
  ADD ("a-removed-user-leaves-nothing-behind", a_removed_user_leaves_nothing_behind);
  ADD ("removing-nobody-changes-nothing", removing_nobody_changes_nothing);
  ADD ("an-id-that-changed-hands-stays-with-the-newer-user",
       an_id_that_changed_hands_stays_with_the_newer_user);
  ADD ("every-change-has-its-own-generation", every_change_has_its_own_generation);
  ADD ("users-are-listed-by-id-page-by-page", users_are_listed_by_id_page_by_page);
  ADD ("users-are-found-by-parts-of-ids-and-beginnings-of-tags",
       users_are_found_by_parts_of_ids_and_beginnings_of_tags);
  ADD ("thousands-of-users-are-listed-once-each", thousands_of_users_are_listed_once_each);
#undef ADD
  return g_test_run ();
}

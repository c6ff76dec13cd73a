/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-user: ids of users, and users that are shared. */

#include "sb-error.h"
#include "sb-test.h"
#include "sb-user.h"

static void
an_id_is_checked (void)
{
  static const struct
  {
    const char *id;
    gboolean is_fit;
  } cases[] = {
    { "a", TRUE },
    { "Device 7 / ж€😀", TRUE },
    { "a@b#c$d", TRUE },
    { "0123456789012345678901234567890123456789012345678901234567890123", TRUE },
    { "жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж", TRUE },
    { "01234567890123456789012345678901234567890123456789012345678901234", FALSE },
    { "", FALSE },
    { "a:b", FALSE },
    { "@a", FALSE },
    { "#a", FALSE },
    { "$a", FALSE },
    { "a\nb", FALSE },
    { "a\x7f", FALSE },
    { "a\xc2\x85", FALSE },
    { "a\xff", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_cmpint (sb_user_check_id (cases[i].id, &error), ==, cases[i].is_fit);
      if (cases[i].is_fit)
        g_assert_no_error (error);
      else
        g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

static void
a_repeated_tag_is_kept_once (void)
{
  static const char *const given[] = { "b", "a", "b", NULL };
  static const char *const expected[] = { "b", "a", NULL };
  g_autoptr (SbUser) user = sb_user_new (1, "u", "x", given, NULL, FALSE, 0);

  g_assert_cmpstrv (user->tags, expected);
  g_assert_true (sb_user_has_tag (user, "a"));
  g_assert_false (sb_user_has_tag (user, "A"));
}

static void
a_user_without_tags_has_an_empty_list (void)
{
  g_autoptr (SbUser) user = sb_user_new (1, "u", "x", NULL, NULL, FALSE, 0);

  g_assert_nonnull (user->tags);
  g_assert_null (user->tags[0]);
}

static void
a_key_makes_another_user_of_it (void)
{
  static const char *const tags[] = { "t", NULL };
  g_autoptr (SbUser) user = sb_user_new (0, "u", "x", tags, "{}", TRUE, 5);
  g_autoptr (SbUser) stored = sb_user_with_key (user, 7);

  g_assert_cmpint (user->key, ==, 0);
  g_assert_cmpint (stored->key, ==, 7);
  g_assert_cmpstr (stored->id, ==, "u");
  g_assert_cmpstr (stored->password_hash, ==, "x");
  g_assert_cmpstrv (stored->tags, tags);
  g_assert_cmpstr (stored->connection_properties, ==, "{}");
  g_assert_true (stored->admin);
  g_assert_cmpint (stored->created, ==, 5);
}

static void
a_new_user_has_no_ttl_and_is_not_paused (void)
{
  g_autoptr (SbUser) user = sb_user_new (1, "u", "x", NULL, NULL, FALSE, 0);

  g_assert_cmpint (user->ttl, ==, SB_USER_NO_TTL);
  g_assert_false (user->paused);
}

/* Whatever is changed, all the rest stays. */
static void
assert_same_but_settings (const SbUser *a, const SbUser *b)
{
  g_assert_true (a != b);
  g_assert_cmpint (a->key, ==, b->key);
  g_assert_cmpstr (a->id, ==, b->id);
  g_assert_cmpstr (a->password_hash, ==, b->password_hash);
  g_assert_cmpstrv (a->tags, b->tags);
  g_assert_cmpstr (a->connection_properties, ==, b->connection_properties);
  g_assert_cmpint (a->admin, ==, b->admin);
  g_assert_cmpint (a->created, ==, b->created);
}

static void
a_ttl_makes_another_user_of_it (void)
{
  static const char *const tags[] = { "t", NULL };
  static const struct
  {
    gint64 given;
    gint64 kept;
  } cases[] = { { 60, 60 },
                { 0, 0 },
                { SB_USER_NO_TTL, SB_USER_NO_TTL },
                { -100, SB_USER_NO_TTL },
                { G_MININT64, SB_USER_NO_TTL },
                { G_MAXINT64, G_MAXINT64 } };
  g_autoptr (SbUser) user = sb_user_new (7, "u", "x", tags, "{}", TRUE, 5);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SbUser) changed = sb_user_with_ttl (user, cases[i].given);

      assert_same_but_settings (changed, user);
      g_assert_cmpint (changed->ttl, ==, cases[i].kept);
      g_assert_cmpint (user->ttl, ==, SB_USER_NO_TTL);
    }
}

static void
a_pause_makes_another_user_of_it (void)
{
  static const char *const tags[] = { "t", NULL };
  g_autoptr (SbUser) user = sb_user_new (7, "u", "x", tags, "{}", TRUE, 5);
  g_autoptr (SbUser) paused = sb_user_with_paused (user, 2);
  g_autoptr (SbUser) resumed = sb_user_with_paused (paused, FALSE);

  assert_same_but_settings (paused, user);
  g_assert_cmpint (paused->paused, ==, TRUE);
  g_assert_false (user->paused);
  assert_same_but_settings (resumed, user);
  g_assert_false (resumed->paused);
}

static void
settings_stay_with_each_other_and_with_a_key (void)
{
  g_autoptr (SbUser) user = sb_user_new (0, "u", "x", NULL, NULL, FALSE, 0);
  g_autoptr (SbUser) with_ttl = sb_user_with_ttl (user, 60);
  g_autoptr (SbUser) paused = sb_user_with_paused (with_ttl, TRUE);
  g_autoptr (SbUser) stored = sb_user_with_key (paused, 7);
  g_autoptr (SbUser) changed = sb_user_with_ttl (stored, 0);

  g_assert_cmpint (paused->ttl, ==, 60);
  g_assert_cmpint (stored->ttl, ==, 60);
  g_assert_true (stored->paused);
  g_assert_cmpint (stored->key, ==, 7);
  g_assert_cmpint (changed->ttl, ==, 0);
  g_assert_true (changed->paused);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/user/an-id-is-checked", an_id_is_checked);
  g_test_add_func ("/user/a-repeated-tag-is-kept-once", a_repeated_tag_is_kept_once);
  g_test_add_func ("/user/a-user-without-tags-has-an-empty-list",
                   a_user_without_tags_has_an_empty_list);
  g_test_add_func ("/user/a-key-makes-another-user-of-it", a_key_makes_another_user_of_it);
  g_test_add_func ("/user/a-new-user-has-no-ttl-and-is-not-paused",
                   a_new_user_has_no_ttl_and_is_not_paused);
  g_test_add_func ("/user/a-ttl-makes-another-user-of-it", a_ttl_makes_another_user_of_it);
  g_test_add_func ("/user/a-pause-makes-another-user-of-it", a_pause_makes_another_user_of_it);
  g_test_add_func ("/user/settings-stay-with-each-other-and-with-a-key",
                   settings_stay_with_each_other_and_with_a_key);
  return g_test_run ();
}

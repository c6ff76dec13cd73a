/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-router: whom an address list reaches. */

#include "sb-error.h"
#include "sb-router.h"
#include "sb-test.h"

#include <string.h>

typedef struct
{
  SbDirectory *directory;
  SbUser *sender; /* user s */
} Fixture;

static SbUser *
put (Fixture *f, gint64 key, const char *id, const char *tags)
{
  g_auto (GStrv) list = g_strsplit (tags, " ", -1);
  SbUser *user = sb_user_new (key, id, "x", *tags != '\0' ? (const char *const *) list : NULL, NULL,
                              FALSE, 1);

  sb_directory_put (f->directory, user);
  return user;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->directory = sb_directory_new ();
  f->sender = put (f, 1, "s", "all own");
  sb_user_unref (put (f, 2, "a", "all x"));
  sb_user_unref (put (f, 3, "b", "all x y"));
  sb_user_unref (put (f, 4, "c", ""));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sb_user_unref (f->sender);
  g_assert_finalize_object (f->directory);
}

static SbRoute *
resolve (Fixture *f, const char *to, guint max, GError **error)
{
  SbSlice slice = { to, strlen (to) };
  g_autoptr (SbAddressList) list = sb_address_list_parse (slice, error);

  g_assert_nonnull (list);
  return sb_router_resolve (f->directory, f->sender, list, max, error);
}

static int
compare_targets (gconstpointer a, gconstpointer b)
{
  return ((const SbTarget *) a)->recipient - ((const SbTarget *) b)->recipient;
}

/* "2 3!": keys in order, those that were named with a mark; then "?" and the unknown addresses. */
static char *
describe (SbRoute *route)
{
  GString *text = g_string_new (NULL);

  g_array_sort (route->targets, compare_targets);
  for (guint i = 0; i < route->targets->len; i++)
    {
      const SbTarget *target = &g_array_index (route->targets, SbTarget, i);

      g_string_append_printf (text, "%s%d%s", i > 0 ? " " : "", (int) target->recipient,
                              target->named ? "!" : "");
    }
  for (guint i = 0; route->unknown != NULL && i < route->unknown->len; i++)
    g_string_append_printf (text, " ?%s", (const char *) g_ptr_array_index (route->unknown, i));
  return g_string_free (text, FALSE);
}

static void
addresses_reach_whom_they_name (Fixture *f, gconstpointer data)
{
  static const char *const cases[][2] = {
    { "\"@a\"", "2!" },
    { "\"@s\"", "1!" },
    { "\"#x\"", "2 3" },
    { "\"x\"", "2 3" },
    { "\"#all\"", "2 3" },
    { "\"$all\"", "1 2 3 4" },
    { "[\"@c\", \"@a\"]", "2! 4!" },
    { "[\"@a\", \"@a\"]", "2!" },
    { "[\"#x\", \"@b\", \"#y\"]", "2 3!" },
    { "[\"@b\", \"#x\"]", "2 3!" },
    { "[\"$all\", \"$all\", \"@c\"]", "1 2 3 4!" },
    { "[\"#all\", \"@s\"]", "1! 2 3" },
    { "[\"@a\", \"@nobody\", \"#none\"]", "2! ?@nobody ?#none" },
    { "[\"@a\", \"#own\"]", "2! ?#own" },
    { "[\"@a\", \"#own\", \"#own\"]", "2! ?#own ?#own" },
    { "[\"#x\", \"#x\"]", "2 3" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SbRoute) route = resolve (f, cases[i][0], 100, &error);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = describe (route);
      g_test_message ("%s", cases[i][0]);
      g_assert_cmpstr (text, ==, cases[i][1]);
    }
}

static void
when_nobody_matches_it_is_an_error (Fixture *f, gconstpointer data)
{
  static const char *const cases[] = { "\"@nobody\"", "\"#none\"", "\"#own\"",
                                       "[\"@nobody\", \"#own\"]" };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (resolve (f, cases[i], 100, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
    }
}

static void
too_many_recipients_are_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbRoute) route = resolve (f, "\"$all\"", 4, &error);

  g_assert_no_error (error);
  g_assert_null (resolve (f, "\"$all\"", 3, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_TOO_LARGE);
}

/* 10,000 times 100,000 users would keep the bus busy for many seconds. */
static void
everybody_is_not_counted_ten_thousand_times (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) to = g_string_new ("[\"$all\"");
  g_autoptr (SbRoute) route = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start;

  for (guint i = 0; i < 100000; i++)
    {
      g_autofree char *id = g_strdup_printf ("user%u", i);

      sb_user_unref (put (f, 100 + i, id, "many"));
    }
  for (guint i = 0; i < 4999; i++)
    g_string_append (to, ",\"$all\",\"#many\"");
  g_string_append_c (to, ']');
  start = g_get_monotonic_time ();
  route = resolve (f, to->str, 200000, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (route->targets->len, ==, 100004);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 3 * G_USEC_PER_SEC);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
#define ADD(name, func) g_test_add ("/router/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("addresses-reach-whom-they-name", addresses_reach_whom_they_name);
  ADD ("when-nobody-matches-it-is-an-error", when_nobody_matches_it_is_an_error);
  ADD ("too-many-recipients-are-refused", too_many_recipients_are_refused);
  ADD ("everybody-is-not-counted-ten-thousand-times", everybody_is_not_counted_ten_thousand_times);
#undef ADD
  return g_test_run ();
}

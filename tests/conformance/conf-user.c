/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* conf-user: users come, change and go. */

#include "rig.h"

static void
expect_users (Rig *rig, const char *ids)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GPtrArray) users = sb_store_users (rig->store, &error);
  gint64 last = 0;

  g_assert_no_error (error);
  g_assert_nonnull (users);
  for (guint i = 0; i < users->len; i++)
    {
      const SbUser *user = g_ptr_array_index (users, i);

      g_assert_cmpint (user->key, >, last);
      last = user->key;
      g_string_append_printf (text, "%s%s", i == 0 ? "" : " ", user->id);
    }
  g_assert_cmpstr (text->str, ==, ids);
}

static SbUser *
find_user (Rig *rig, const char *id)
{
  g_autoptr (GPtrArray) users = sb_store_users (rig->store, NULL);

  for (guint i = 0; i < users->len; i++)
    {
      SbUser *user = g_ptr_array_index (users, i);

      if (g_str_equal (user->id, id))
        return sb_user_ref (user);
    }
  return NULL;
}

static void
users_come_in_order_of_their_keys (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_add_user (rig, "Z");
  rig_add_user (rig, "A");
  expect_users (rig, "s a b Z A");
}

static void
a_user_comes_back_as_it_was_put (void)
{
  static const char *const tags[] = { "orders", "склад", NULL };
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbUser) read = NULL;
  SbOperation *operation = sb_operation_new (SB_OPERATION_PUT_USER, NULL, NULL);

  operation->put_user.user = sb_user_new (0, "é user", "$y$x", tags, "{\"type\":\"http\"}", TRUE,
                                          START + 5);
  rig_apply (rig, operation);
  read = find_user (rig, "é user");
  g_assert_nonnull (read);
  g_assert_cmpint (read->key, ==, operation->put_user.key);
  g_assert_cmpstr (read->password_hash, ==, "$y$x");
  g_assert_cmpstrv (read->tags, tags);
  g_assert_cmpstr (read->connection_properties, ==, "{\"type\":\"http\"}");
  g_assert_true (read->admin);
  g_assert_cmpint (read->created, ==, START + 5);
}

static void
a_change_replaces_the_user_as_a_whole (void)
{
  static const char *const tags[] = { "one", "two", NULL };
  static const char *const other[] = { "three", NULL };
  g_autoptr (Rig) rig = rig_new ();
  gint64 key = rig_apply (rig, make_put_user (0, "u", tags))->put_user.key;
  SbOperation *operation = rig_apply (rig, make_put_user (key, "u", other));
  g_autoptr (SbUser) read = find_user (rig, "u");

  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpint (operation->put_user.key, ==, key);
  g_assert_cmpint (read->key, ==, key);
  g_assert_cmpstrv (read->tags, other);
}

/* Takes the user. */
static void
put (Rig *rig, SbUser *user)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_PUT_USER, NULL, NULL);

  operation->put_user.user = user;
  g_assert_cmpint (rig_apply (rig, operation)->outcome, ==, SB_OUTCOME_DONE);
}

static void
a_user_has_the_ttl_that_was_put (void)
{
  static const gint64 ttls[] = { 3600, 0, 1, SB_USER_NO_TTL, G_MAXINT32 };
  g_autoptr (Rig) rig = rig_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (ttls); i++)
    {
      g_autoptr (SbUser) before = find_user (rig, "a");
      g_autoptr (SbUser) after = NULL;

      put (rig, sb_user_with_ttl (before, ttls[i]));
      after = find_user (rig, "a");
      g_assert_cmpint (after->ttl, ==, ttls[i]);
      g_assert_cmpint (after->key, ==, rig->a);
    }
}

static void
a_user_is_paused_when_it_was_put_so (void)
{
  g_autoptr (Rig) rig = rig_new ();

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (SbUser) before = find_user (rig, "a");
      g_autoptr (SbUser) after = NULL;

      g_assert_cmpint (before->paused, ==, i % 2);
      put (rig, sb_user_with_paused (before, !before->paused));
      after = find_user (rig, "a");
      g_assert_cmpint (after->paused, ==, !before->paused);
    }
}

static void
a_new_user_can_be_paused_and_have_a_ttl (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbUser) plain = sb_user_new (0, "u", "$y$x", NULL, NULL, FALSE, START);
  g_autoptr (SbUser) with_ttl = sb_user_with_ttl (plain, 60);
  g_autoptr (SbUser) read = NULL;
  g_autoptr (SbUser) other = NULL;

  put (rig, sb_user_with_paused (with_ttl, TRUE));
  read = find_user (rig, "u");
  g_assert_cmpint (read->ttl, ==, 60);
  g_assert_true (read->paused);
  other = find_user (rig, "a");
  g_assert_cmpint (other->ttl, ==, SB_USER_NO_TTL);
  g_assert_false (other->paused);
}

/* Whether to deliver is the bus's business. */
static void
a_paused_user_is_a_recipient_as_any_other (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbUser) before = find_user (rig, "a");

  put (rig, sb_user_with_paused (before, TRUE));
  rig_send (rig, "m1", rig->s, rig->a);
  expect_pending (rig, rig->a, "m1");
  expect_backlog (rig, rig->a, 1);
}

static void
a_user_without_tags_and_properties_has_none (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (SbUser) read = find_user (rig, "a");

  g_assert_null (read->tags[0]);
  g_assert_null (read->connection_properties);
  g_assert_false (read->admin);
}

static void
a_new_user_with_a_taken_id_is_a_conflict (void)
{
  g_autoptr (Rig) rig = rig_new ();

  g_assert_cmpint (rig_apply (rig, make_put_user (0, "a", NULL))->outcome, ==, SB_OUTCOME_CONFLICT);
  expect_users (rig, "s a b");
}

static void
a_change_of_a_user_that_is_gone_is_unknown (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_remove_user (rig, rig->a, START);
  g_assert_cmpint (rig_apply (rig, make_put_user (rig->a, "a", NULL))->outcome, ==,
                   SB_OUTCOME_UNKNOWN);
  expect_users (rig, "s b");
}

static void
a_change_of_a_user_that_never_was_is_unknown (void)
{
  g_autoptr (Rig) rig = rig_new ();

  g_assert_cmpint (rig_apply (rig, make_put_user (rig->b + 1000, "x", NULL))->outcome, ==,
                   SB_OUTCOME_UNKNOWN);
  expect_users (rig, "s a b");
}

static void
ids_of_users_differ_by_case (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_add_user (rig, "A");
  expect_users (rig, "s a b A");
}

static void
a_removed_user_is_gone_once (void)
{
  g_autoptr (Rig) rig = rig_new ();

  g_assert_cmpint (rig_remove_user (rig, rig->a, START), ==, SB_OUTCOME_DONE);
  g_assert_cmpint (rig_remove_user (rig, rig->a, START), ==, SB_OUTCOME_UNKNOWN);
  expect_users (rig, "s b");
}

static void
a_key_is_never_given_again (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 key = rig_add_user (rig, "last");

  rig_remove_user (rig, key, START);
  g_assert_cmpint (rig_add_user (rig, "last"), >, key);
}

static void
what_waits_for_a_removed_user_becomes_dead (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 position = rig_send (rig, "parked", rig->s, rig->a);

  rig_send (rig, "pending", rig->s, rig->a);
  rig_apply (rig, make_park (rig->a, position, START + HOUR, START));
  rig_apply (rig, make_append (make_message (rig, "later", rig->s, START + HOUR, 0), 1, &rig->a));
  rig_remove_user (rig, rig->a, START + SECOND);

  expect_status (rig, "pending", "a dead recipient-deleted 0");
  expect_status (rig, "parked", "a dead recipient-deleted 5");
  expect_status (rig, "later", "a dead recipient-deleted 0");
  expect_pending (rig, rig->a, "");
  expect_parked (rig, rig->a, G_MAXINT64, "", 0);
  expect_backlog (rig, rig->a, 0);
  g_assert_cmpuint (rig_stats (rig).dead, ==, 3);
  g_assert_cmpuint (rig_stats (rig).waiting, ==, 0);
}

static void
what_a_removed_user_confirmed_stays_confirmed (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START);
  rig_remove_user (rig, rig->a, START + SECOND);
  expect_status (rig, "m1", "a confirmed - 0");
}

static void
what_a_removed_user_sent_stays (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_remove_user (rig, rig->s, START);
  expect_pending (rig, rig->a, "m1");
  g_assert_cmpint (rig_end (rig, rig->a, "m1", SB_DELIVERY_CONFIRMED, START), ==, SB_OUTCOME_DONE);
}

static void
a_new_user_of_an_old_id_inherits_nothing (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 again;

  rig_send (rig, "m1", rig->s, rig->a);
  rig_remove_user (rig, rig->a, START);
  again = rig_add_user (rig, "a");
  expect_pending (rig, again, "");
  expect_backlog (rig, again, 0);
  g_assert_cmpint (rig_end (rig, again, "m1", SB_DELIVERY_CONFIRMED, START), ==,
                   SB_OUTCOME_UNKNOWN);
  expect_status (rig, "m1", "a dead recipient-deleted 0");
}

static void
a_new_user_of_an_old_id_did_not_send_its_messages (void)
{
  g_autoptr (Rig) rig = rig_new ();
  gint64 again;

  rig_send (rig, "m1", rig->s, rig->a);
  rig_remove_user (rig, rig->s, START);
  again = rig_add_user (rig, "s");
  g_assert_cmpint (
      rig_apply (rig, make_append (make_message (rig, "m1", again, 0, 0), 1, &rig->a))->outcome, ==,
      SB_OUTCOME_CONFLICT);
}

static void
the_dead_of_a_removed_user_can_be_dropped (void)
{
  g_autoptr (Rig) rig = rig_new ();

  rig_send (rig, "m1", rig->s, rig->a);
  rig_remove_user (rig, rig->a, START);
  g_assert_cmpint (rig_end (rig, rig->a, "m1", SB_DELIVERY_DROPPED, START), ==, SB_OUTCOME_DONE);
  g_assert_cmpuint (rig_stats (rig).messages, ==, 0);
}

void
add_user_tests (void)
{
  static const RigTest tests[] = {
    { "users-come-in-order-of-their-keys", users_come_in_order_of_their_keys },
    { "a-user-comes-back-as-it-was-put", a_user_comes_back_as_it_was_put },
    { "a-change-replaces-the-user-as-a-whole", a_change_replaces_the_user_as_a_whole },
    { "a-user-has-the-ttl-that-was-put", a_user_has_the_ttl_that_was_put },
    { "a-user-is-paused-when-it-was-put-so", a_user_is_paused_when_it_was_put_so },
    { "a-new-user-can-be-paused-and-have-a-ttl", a_new_user_can_be_paused_and_have_a_ttl },
    { "a-paused-user-is-a-recipient-as-any-other", a_paused_user_is_a_recipient_as_any_other },
    { "a-user-without-tags-and-properties-has-none", a_user_without_tags_and_properties_has_none },
    { "a-new-user-with-a-taken-id-is-a-conflict", a_new_user_with_a_taken_id_is_a_conflict },
    { "a-change-of-a-user-that-is-gone-is-unknown", a_change_of_a_user_that_is_gone_is_unknown },
    { "a-change-of-a-user-that-never-was-is-unknown",
      a_change_of_a_user_that_never_was_is_unknown },
    { "ids-of-users-differ-by-case", ids_of_users_differ_by_case },
    { "a-removed-user-is-gone-once", a_removed_user_is_gone_once },
    { "a-key-is-never-given-again", a_key_is_never_given_again },
    { "what-waits-for-a-removed-user-becomes-dead", what_waits_for_a_removed_user_becomes_dead },
    { "what-a-removed-user-confirmed-stays-confirmed",
      what_a_removed_user_confirmed_stays_confirmed },
    { "what-a-removed-user-sent-stays", what_a_removed_user_sent_stays },
    { "a-new-user-of-an-old-id-inherits-nothing", a_new_user_of_an_old_id_inherits_nothing },
    { "a-new-user-of-an-old-id-did-not-send-its-messages",
      a_new_user_of_an_old_id_did_not_send_its_messages },
    { "the-dead-of-a-removed-user-can-be-dropped", the_dead_of_a_removed_user_can_be_dropped },
  };

  rig_add_tests ("user", tests, G_N_ELEMENTS (tests));
}

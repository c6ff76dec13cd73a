/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-sqlite-lists: what lists cost, counted in steps of SQLite's machine, and
 * lists of what changes while they are read.
 */

#include "sb-test.h"
#include "sqlite-rig.h"

#define PENDING (1u << SB_DELIVERY_PENDING)
#define SCHEDULED (1u << SB_DELIVERY_SCHEDULED)
#define PARKED (1u << SB_DELIVERY_PARKED)
#define DEAD (1u << SB_DELIVERY_DEAD)
#define ALL (PENDING | SCHEDULED | PARKED | DEAD)

/* Steps between two calls of the counter, and those that a row of a list may take: its message,
 * its recipient, and its columns. */
#define GRAIN 50
#define STEPS_PER_ROW 60

static guint n_steps;

static int
count_steps_cb (gpointer user_data)
{
  n_steps += GRAIN;
  return 0;
}

/* SQLite calls this for each connection that is opened, also by the store. */
static int
on_connection_cb (sqlite3 *handle, const char **error, const struct sqlite3_api_routines *api)
{
  sqlite3_progress_handler (handle, GRAIN, count_steps_cb, NULL);
  return SQLITE_OK;
}

/* A page; the place to go on at replaces @place. */
static GPtrArray *
list (SqliteRig *rig, const SbDeliveryFilter *filter, guint limit, char **place)
{
  g_autoptr (GError) error = NULL;
  char *next = NULL;
  GPtrArray *rows = sb_store_deliveries (rig->store, filter, *place, limit, &next, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (rows->len, <=, limit);
  g_free (*place);
  *place = next;
  return rows;
}

static const SbDeliveryInfo *
get_info (GPtrArray *rows, guint i)
{
  return g_ptr_array_index (rows, i);
}

static void
send_many (SqliteRig *rig, const char *prefix, guint n)
{
  g_autoptr (GError) error = NULL;

  sqlite_rig_try_send_many (rig, prefix, n, &error);
  g_assert_no_error (error);
}

static SbOutcome
apply (SqliteRig *rig, SbOperation *operation)
{
  g_autoptr (SbOperation) owned = operation;

  return sqlite_rig_apply (rig, owned);
}

static void
a_page_of_100000_takes_no_more_steps_than_its_rows (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  const SbDeliveryFilter filter = { .states = ALL };
  g_autofree char *place = NULL;
  gint64 last = 0;
  guint n = 0;

  send_many (rig, "m", 100000);
  do
    {
      g_autoptr (GPtrArray) rows = NULL;

      n_steps = 0;
      rows = list (rig, &filter, 1000, &place);
      g_assert_cmpuint (n_steps, <, 1000 * STEPS_PER_ROW);
      for (guint i = 0; i < rows->len; i++, n++)
        {
          g_assert_cmpint (get_info (rows, i)->position, >, last);
          last = get_info (rows, i)->position;
        }
    }
  while (place != NULL);
  g_assert_cmpuint (n, ==, 100000);
}

static void
few_dead_ones_among_100000_are_found_at_once (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  const SbDeliveryFilter filter = { .states = DEAD };
  const SbDeliveryFilter here = { .states = DEAD | PARKED, .recipient = rig->user };
  g_autofree char *place = NULL;
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GPtrArray) rows_here = NULL;

  send_many (rig, "m", 100000);
  apply (rig, sqlite_rig_make_end (rig->user, "m77777", SB_DELIVERY_DEAD));
  apply (rig, sqlite_rig_make_end (rig->user, "m100", SB_DELIVERY_DEAD));
  n_steps = 0;
  rows = list (rig, &filter, 1000, &place);
  rows_here = list (rig, &here, 1000, &place);
  g_assert_cmpuint (n_steps, <, 10 * STEPS_PER_ROW);
  g_assert_null (place);
  g_assert_cmpuint (rows->len, ==, 2);
  g_assert_cmpuint (rows_here->len, ==, 2);
  g_assert_cmpstr (get_info (rows, 0)->id, ==, "m100");
  g_assert_cmpstr (get_info (rows, 1)->id, ==, "m77777");
}

/* Pages are empty, but none of them looks at all that there is. */
static void
a_sender_who_sent_one_of_100000_is_looked_for_in_pages (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  SbDeliveryFilter filter = { .states = ALL, .sender_key = sqlite_rig_add_user (rig, "rare") };
  g_autoptr (SbOperation) append = sqlite_rig_make_append (rig, "rare", 1, &rig->user);
  g_autoptr (SbMessage) message = g_steal_pointer (&append->append.message);
  g_autofree char *place = NULL;
  guint n_pages = 0;
  guint n = 0;

  send_many (rig, "m", 70000);
  append->append.message = sb_message_new ("rare", "rare", filter.sender_key,
                                           g_bytes_ref (message->body), START, 0, 0);
  sqlite_rig_apply (rig, append);
  send_many (rig, "n", 29999);
  do
    {
      g_autoptr (GPtrArray) rows = NULL;

      n_steps = 0;
      rows = list (rig, &filter, 10, &place);
      g_assert_cmpuint (n_steps, <, 10000 * STEPS_PER_ROW);
      n += rows->len;
      n_pages++;
    }
  while (place != NULL);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (n_pages, >=, 10);
}

/* All of the user's messages "<prefix>1" to "<prefix>n" die, and are requeued, in one batch. */
static void
requeue_many (SqliteRig *rig, const char *prefix, guint n)
{
  g_autoptr (GPtrArray) batch = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_operation_free);

  for (guint i = 1; i <= n; i++)
    {
      g_autofree char *id = g_strdup_printf ("%s%u", prefix, i);

      g_ptr_array_add (batch, sqlite_rig_make_end (rig->user, id, SB_DELIVERY_DEAD));
      g_ptr_array_add (batch, sqlite_rig_make_requeue (rig->user, id));
    }
  sqlite_rig_apply_all (rig, (SbOperation *const *) batch->pdata, batch->len);
}

/* Each of them lies in the queue at a place that is not its message's. */
static void
many_that_were_requeued_are_listed_in_pages (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  const SbDeliveryFilter filter = { .states = PENDING };
  g_autofree char *place = NULL;
  guint n = 0;

  send_many (rig, "m", 20000);
  requeue_many (rig, "m", 20000);
  do
    {
      g_autoptr (GPtrArray) rows = NULL;

      n_steps = 0;
      rows = list (rig, &filter, 1000, &place);
      g_assert_cmpuint (n_steps, <, 10000 * STEPS_PER_ROW);
      n += rows->len;
    }
  while (place != NULL);
  g_assert_cmpuint (n, ==, 20000);
}

/* Brings a delivery from the state that it was listed in to another one that is listed, too. */
static void
change_state (SqliteRig *rig, const SbDeliveryInfo *info)
{
  switch (info->state)
    {
    case SB_DELIVERY_PENDING:
      apply (rig, sqlite_rig_make_park (info->recipient, info->position, NULL));
      return;
    case SB_DELIVERY_PARKED:
      apply (rig, sqlite_rig_make_end (info->recipient, info->id, SB_DELIVERY_DEAD));
      return;
    default:
      apply (rig, sqlite_rig_make_requeue (info->recipient, info->id));
    }
}

static void
what_changes_between_pages_is_seen_once (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  const SbDeliveryFilter filter = { .states = ALL };
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GPtrArray) known = NULL;
  g_autofree char *place = NULL;
  g_autofree char *start = NULL;
  guint turn = 0;

  send_many (rig, "m", 60);
  known = list (rig, &filter, 1000, &start);
  do
    {
      g_autoptr (GPtrArray) rows = list (rig, &filter, 7, &place);

      for (guint i = 0; i < rows->len; i++)
        g_assert_true (g_hash_table_add (seen, g_strdup (get_info (rows, i)->id)));
      /* Of all of them, wherever the reader is: every third one takes another step each time. */
      for (guint i = turn++ % 3; i < known->len; i += 3)
        change_state (rig, get_info (known, i));
      g_ptr_array_unref (known);
      known = list (rig, &filter, 1000, &start);
    }
  while (place != NULL);
  g_assert_cmpuint (g_hash_table_size (seen), ==, 60);
}

static void
a_place_of_another_list_is_refused (void)
{
  static const char *const places[] = { "",     "x",     "1",    "1.",
                                        ".1",   "1.2.3", "1.2 ", "-1.2",
                                        " 1.2", "1.x",   "2.7",  "1.99999999999999999999" };
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  const SbDeliveryFilter filter = { .states = ALL, .recipient = 1 };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GError) error = NULL;
      char *next = NULL;

      g_assert_null (sb_store_deliveries (rig->store, &filter, places[i], 10, &next, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

static void
queues_are_found_among_many_users (void)
{
  g_autoptr (SqliteRig) rig = sqlite_rig_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) queues = NULL;
  const SbQueueInfo *queue;
  gint64 last = 0;

  for (guint i = 0; i < 2500; i++)
    {
      g_autofree char *id = g_strdup_printf ("user%u", i);

      last = sqlite_rig_add_user (rig, id);
    }
  apply (rig, sqlite_rig_make_append (rig, "m1", 1, &last));
  n_steps = 0;
  queues = sb_store_queues (rig->store, 0, 10, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_steps, <, 10 * STEPS_PER_ROW);
  g_assert_cmpuint (queues->len, ==, 1);
  queue = g_ptr_array_index (queues, 0);
  g_assert_cmpint (queue->recipient, ==, last);
  g_assert_cmpstr (queue->recipient_id, ==, "user2499");
  g_assert_cmpint (queue->backlog.oldest, ==, START);
}

int
main (int argc, char *argv[])
{
  g_assert_cmpint (sqlite3_auto_extension ((void (*) (void)) on_connection_cb), ==, SQLITE_OK);
  sqlite_rig_init (&argc, &argv);
#define ADD(name, function) g_test_add_func ("/sqlite/lists/" name, function)
  ADD ("a-page-of-100000-takes-no-more-steps-than-its-rows",
       a_page_of_100000_takes_no_more_steps_than_its_rows);
  ADD ("few-dead-ones-among-100000-are-found-at-once",
       few_dead_ones_among_100000_are_found_at_once);
  ADD ("a-sender-who-sent-one-of-100000-is-looked-for-in-pages",
       a_sender_who_sent_one_of_100000_is_looked_for_in_pages);
  ADD ("many-that-were-requeued-are-listed-in-pages", many_that_were_requeued_are_listed_in_pages);
  ADD ("what-changes-between-pages-is-seen-once", what_changes_between_pages_is_seen_once);
  ADD ("a-place-of-another-list-is-refused", a_place_of_another_list_is_refused);
  ADD ("queues-are-found-among-many-users", queues_are_found_among_many_users);
#undef ADD
  return g_test_run ();
}

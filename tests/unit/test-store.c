/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-store: operations, and the public edge of stores: a store that breaks
 * the contract becomes an error that names it.
 */

#include "sb-error.h"
#include "sb-store.h"
#include "sb-test.h"

/* A store that answers whatever a test wants. */
typedef struct
{
  GObject parent_instance;
} RudeStore;

typedef struct
{
  GObjectClass parent_class;
} RudeStoreClass;

static GType rude_store_get_type (void);
static void rude_store_iface_init (SbStoreInterface *iface);

G_DEFINE_TYPE_WITH_CODE (RudeStore, rude_store, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (SB_TYPE_STORE, rude_store_iface_init))

static gboolean answers_result;
static gboolean answers_error;

static void
rude_store_init (RudeStore *self)
{
}

static void
rude_store_class_init (RudeStoreClass *klass)
{
}

static void
maybe_set_error (GError **error)
{
  if (answers_error)
    g_set_error_literal (error, SB_ERROR, SB_ERROR_TRANSIENT, "no");
}

static gboolean
rude_apply (SbStore *self, SbOperation *const *operations, guint n_operations, GError **error)
{
  maybe_set_error (error);
  return answers_result;
}

static GPtrArray *
rude_users (SbStore *self, GError **error)
{
  maybe_set_error (error);
  return answers_result ? g_ptr_array_new () : NULL;
}

static SbMessageStatus *
rude_status (SbStore *self, const char *id, GError **error)
{
  maybe_set_error (error);
  return answers_result ? sb_message_status_new (id, "s", 1, 0) : NULL;
}

static void
rude_store_iface_init (SbStoreInterface *iface)
{
  iface->apply = rude_apply;
  iface->users = rude_users;
  iface->status = rude_status;
}

static void
assert_answer (gboolean succeeded, GError *error)
{
  g_autoptr (GError) given = error;

  g_assert_cmpint (succeeded, ==, answers_result && !answers_error);
  if (succeeded)
    g_assert_no_error (given);
  else if (answers_result == answers_error)
    {
      g_assert_error (given, SB_ERROR, SB_ERROR_FAILED);
      g_assert_nonnull (strstr (given->message, "RudeStore"));
    }
  else
    g_assert_error (given, SB_ERROR, SB_ERROR_TRANSIENT);
}

static void
call_all (SbStore *store)
{
  g_autoptr (SbOperation) operation = sb_operation_new (SB_OPERATION_SWEEP, NULL, NULL);
  g_autoptr (GPtrArray) users = NULL;
  g_autoptr (SbMessageStatus) status = NULL;
  GError *error = NULL;
  gboolean applied = sb_store_apply (store, &operation, 1, &error);

  assert_answer (applied, error);
  error = NULL;
  users = sb_store_users (store, &error);
  assert_answer (users != NULL, error);
  error = NULL;
  status = sb_store_status (store, "m", &error);
  assert_answer (status != NULL, error);
}

static void
a_result_or_an_error_and_never_both_nor_neither (void)
{
  g_autoptr (GObject) store = g_object_new (rude_store_get_type (), NULL);

  for (guint i = 0; i < 4; i++)
    {
      answers_result = i & 1;
      answers_error = i >> 1;
      call_all (SB_STORE (store));
    }
}

static void
a_function_that_is_missing_is_an_error (void)
{
  g_autoptr (GObject) store = g_object_new (rude_store_get_type (), NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (sb_store_pending (SB_STORE (store), 1, 0, 10, 100, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "Store RudeStore has no pending");
  sb_store_close (SB_STORE (store));
}

static void
a_batch_that_is_applied_again_starts_clean (void)
{
  g_autoptr (GObject) store = g_object_new (rude_store_get_type (), NULL);
  g_autoptr (SbOperation) operation = sb_operation_new (SB_OPERATION_SWEEP, NULL, NULL);
  SbDue due = { .id = g_strdup ("m") };

  answers_result = TRUE;
  answers_error = FALSE;
  operation->outcome = SB_OUTCOME_UNKNOWN;
  operation->sweep.more = TRUE;
  g_array_append_val (operation->sweep.moved, due);
  g_assert_true (sb_store_apply (SB_STORE (store), &operation, 1, NULL));
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_cmpuint (operation->sweep.moved->len, ==, 0);
  g_assert_false (operation->sweep.more);
}

static void
every_kind_is_freed_with_what_it_owns (void)
{
  for (int kind = SB_OPERATION_APPEND; kind <= SB_OPERATION_SWEEP; kind++)
    {
      g_autoptr (SbOperation) operation = sb_operation_new (kind, NULL, NULL);

      if (kind == SB_OPERATION_APPEND)
        operation->append.targets = g_new0 (SbTarget, 1);
      else if (kind == SB_OPERATION_END)
        operation->end.id = g_strdup ("m");
      else if (kind == SB_OPERATION_PUT_USER)
        operation->put_user.user = sb_user_new (0, "u", "x", NULL, NULL, FALSE, 0);
      else if (kind == SB_OPERATION_ADD_RECEIPT)
        operation->add_receipt.id = g_strdup ("m");
      g_assert_cmpuint (sb_operation_get_bytes (operation), >=, sizeof (SbOperation));
    }
}

static void
an_append_is_measured_by_body_and_targets (void)
{
  g_autoptr (SbOperation) operation = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);
  gsize empty = sb_operation_get_bytes (operation);

  operation->append.message = sb_message_new ("m", "s", 1,
                                              g_bytes_new_take (g_malloc0 (5000), 5000), 0, 0, 0);
  operation->append.targets = g_new0 (SbTarget, 100);
  operation->append.n_targets = 100;
  g_assert_cmpuint (sb_operation_get_rows (operation), ==, 100);
  g_assert_cmpuint (sb_operation_get_bytes (operation), >=, empty + 5000 + 100 * sizeof (SbTarget));
}

static void
states_and_reasons_have_words (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (int state = SB_DELIVERY_PENDING; state <= SB_DELIVERY_DROPPED; state++)
    g_assert_true (
        g_hash_table_add (seen, (gpointer) sb_delivery_state_to_string ((SbDeliveryState) state)));
  g_assert_null (sb_reason_to_string (SB_REASON_NONE));
  g_assert_cmpstr (sb_reason_to_string (SB_REASON_QUEUE_FULL), ==, "queue-full");
  g_assert_cmpstr (sb_reason_to_string (SB_REASON_DROPPED), ==, "dropped");
  g_assert_true (sb_delivery_state_has_ended (SB_DELIVERY_CONFIRMED));
  g_assert_false (sb_delivery_state_has_ended (SB_DELIVERY_DEAD));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/store-edge/a-result-or-an-error-and-never-both-nor-neither",
                   a_result_or_an_error_and_never_both_nor_neither);
  g_test_add_func ("/store-edge/a-function-that-is-missing-is-an-error",
                   a_function_that_is_missing_is_an_error);
  g_test_add_func ("/store-edge/a-batch-that-is-applied-again-starts-clean",
                   a_batch_that_is_applied_again_starts_clean);
  g_test_add_func ("/operation/every-kind-is-freed-with-what-it-owns",
                   every_kind_is_freed_with_what_it_owns);
  g_test_add_func ("/operation/an-append-is-measured-by-body-and-targets",
                   an_append_is_measured_by_body_and_targets);
  g_test_add_func ("/operation/states-and-reasons-have-words", states_and_reasons_have_words);
  return g_test_run ();
}

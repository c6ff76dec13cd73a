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

/* One that has nothing of what a store needs. */
static GType empty_store_get_type (void);
static void empty_store_iface_init (SbStoreInterface *iface);

typedef RudeStore EmptyStore;
typedef RudeStoreClass EmptyStoreClass;

G_DEFINE_TYPE_WITH_CODE (EmptyStore, empty_store, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (SB_TYPE_STORE, empty_store_iface_init))

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
empty_store_init (EmptyStore *self)
{
}

static void
empty_store_class_init (EmptyStoreClass *klass)
{
}

static void
empty_store_iface_init (SbStoreInterface *iface)
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
answer_rows (GError **error)
{
  maybe_set_error (error);
  return answers_result ? g_ptr_array_new () : NULL;
}

static GPtrArray *
rude_users (SbStore *self, GError **error)
{
  return answer_rows (error);
}

static gboolean
rude_backlog (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error)
{
  maybe_set_error (error);
  backlog->waiting += 1;
  return answers_result;
}

static GPtrArray *
rude_queues (SbStore *self, gint64 after, guint limit, GError **error)
{
  return answer_rows (error);
}

static GPtrArray *
rude_deliveries (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                 char **next, GError **error)
{
  /* Whatever becomes of the rest. */
  *next = g_strdup ("there");
  return answer_rows (error);
}

static SbMessage *
rude_message (SbStore *self, const char *id, GError **error)
{
  maybe_set_error (error);
  return answers_result ? sb_message_new (id, "s", 1, g_bytes_new (NULL, 0), 0, 0, 0) : NULL;
}

static SbMessageStatus *
rude_status (SbStore *self, const char *id, GError **error)
{
  maybe_set_error (error);
  return answers_result ? sb_message_status_new (id, "s", 1, 0) : NULL;
}

static SbFile *
make_file (void)
{
  const guint8 digest[SB_FILE_DIGEST_SIZE] = { 0 };

  return sb_file_new ("0123456789abcdef0123456789abcdef", "stored", "shown", 5, digest);
}

static SbFileInfo *
rude_file (SbStore *self, const char *name, GError **error)
{
  g_autoptr (SbFile) file = make_file ();

  maybe_set_error (error);
  return answers_result ? sb_file_info_new (file, "m", "s", 1, 0, 0) : NULL;
}

static GPtrArray *
rude_files (SbStore *self, const char *after, guint limit, GError **error)
{
  return answer_rows (error);
}

static void
rude_store_iface_init (SbStoreInterface *iface)
{
  iface->apply = rude_apply;
  iface->backlog = rude_backlog;
  iface->queues = rude_queues;
  iface->deliveries = rude_deliveries;
  iface->message = rude_message;
  iface->file = rude_file;
  iface->files = rude_files;
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
call_lists (SbStore *store)
{
  const SbDeliveryFilter filter = { 0 };
  g_autoptr (GPtrArray) queues = NULL;
  g_autoptr (GPtrArray) deliveries = NULL;
  g_autoptr (SbMessage) message = NULL;
  g_autofree char *next = NULL;
  SbBacklog backlog = { .waiting = 7 };
  GError *error = NULL;
  gboolean counted;

  counted = sb_store_backlog (store, 1, &backlog, &error);
  assert_answer (counted, error);
  g_assert_cmpuint (backlog.waiting, ==, 1);
  error = NULL;
  queues = sb_store_queues (store, 0, 10, &error);
  assert_answer (queues != NULL, error);
  error = NULL;
  deliveries = sb_store_deliveries (store, &filter, NULL, 10, &next, &error);
  assert_answer (deliveries != NULL, error);
  g_assert_cmpstr (next, ==, deliveries != NULL ? "there" : NULL);
  error = NULL;
  message = sb_store_message (store, "m", &error);
  assert_answer (message != NULL, error);
}

static void
call_files (SbStore *store)
{
  g_autoptr (SbFileInfo) info = NULL;
  g_autoptr (GPtrArray) files = NULL;
  GError *error = NULL;

  info = sb_store_file (store, "stored", &error);
  assert_answer (info != NULL, error);
  error = NULL;
  files = sb_store_files (store, "", 10, &error);
  assert_answer (files != NULL, error);
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
      call_lists (SB_STORE (store));
      call_files (SB_STORE (store));
    }
}

/* Takes the error. */
static void
assert_missing (const char *what, gboolean succeeded, GError *error)
{
  g_autoptr (GError) given = error;
  g_autofree char *message = g_strdup_printf ("Store EmptyStore has no %s", what);

  g_assert_false (succeeded);
  g_assert_error (given, SB_ERROR, SB_ERROR_FAILED);
  g_assert_cmpstr (given->message, ==, message);
}

#define ASSERT_MISSING(what, call)           \
  G_STMT_START                               \
  {                                          \
    GError *error = NULL;                    \
    gboolean succeeded = (call);             \
                                             \
    assert_missing (what, succeeded, error); \
  }                                          \
  G_STMT_END

static void
a_function_that_is_missing_is_an_error (void)
{
  g_autoptr (GObject) object = g_object_new (empty_store_get_type (), NULL);
  g_autoptr (SbOperation) operation = sb_operation_new (SB_OPERATION_SWEEP, NULL, NULL);
  const SbStoreOptions options = { 0 };
  const SbDeliveryFilter filter = { 0 };
  SbStore *store = SB_STORE (object);
  SbBacklog backlog;
  SbStoreStats stats;
  char *next = NULL;

  ASSERT_MISSING ("open", sb_store_open (store, &options, &error));
  ASSERT_MISSING ("apply", sb_store_apply (store, &operation, 1, &error));
  ASSERT_MISSING ("pending", sb_store_pending (store, 1, 0, 10, 100, &error) != NULL);
  ASSERT_MISSING ("parked", sb_store_parked (store, 1, 0, 10, NULL, &error) != NULL);
  ASSERT_MISSING ("backlog", sb_store_backlog (store, 1, &backlog, &error));
  ASSERT_MISSING ("queues", sb_store_queues (store, 0, 10, &error) != NULL);
  ASSERT_MISSING ("deliveries",
                  sb_store_deliveries (store, &filter, NULL, 10, &next, &error) != NULL);
  g_assert_null (next);
  ASSERT_MISSING ("message", sb_store_message (store, "m", &error) != NULL);
  ASSERT_MISSING ("status", sb_store_status (store, "m", &error) != NULL);
  ASSERT_MISSING ("file", sb_store_file (store, "f", &error) != NULL);
  ASSERT_MISSING ("files", sb_store_files (store, "", 10, &error) != NULL);
  ASSERT_MISSING ("users", sb_store_users (store, &error) != NULL);
  ASSERT_MISSING ("receipts", sb_store_receipts (store, 1, 10, &error) != NULL);
  ASSERT_MISSING ("stats", sb_store_stats (store, &stats, &error));
  sb_store_close (store);
}

static void
a_batch_that_is_applied_again_starts_clean (void)
{
  g_autoptr (GObject) store = g_object_new (rude_store_get_type (), NULL);
  g_autoptr (SbOperation) operation = sb_operation_new (SB_OPERATION_SWEEP, NULL, NULL);
  SbDue due = { .id = g_strdup ("m"), .released = g_strdup ("f") };

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
nothing_is_said_of_files_when_a_batch_is_applied_again (void)
{
  g_autoptr (GObject) store = g_object_new (rude_store_get_type (), NULL);
  g_autoptr (SbOperation) append = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);
  g_autoptr (SbOperation) end = sb_operation_new (SB_OPERATION_END, NULL, NULL);
  SbOperation *batch[] = { append, end };

  answers_result = TRUE;
  answers_error = FALSE;
  append->append.faulty = 2;
  append->append.name_taken = TRUE;
  append->append.released = TRUE;
  end->end.notified = TRUE;
  end->end.released = g_strdup ("f");
  end->end.released_size = 5;
  g_assert_true (sb_store_apply (SB_STORE (store), batch, G_N_ELEMENTS (batch), NULL));
  g_assert_cmpuint (append->append.faulty, ==, 0);
  g_assert_false (append->append.name_taken);
  g_assert_false (append->append.released);
  g_assert_false (end->end.notified);
  g_assert_null (end->end.released);
  g_assert_cmpuint (end->end.released_size, ==, 0);
}

static SbMessage *
make_message (gsize size)
{
  g_autoptr (SbFile) file = make_file ();

  return sb_message_new_with_file ("m", "s", 1, g_bytes_new_take (g_malloc0 (size), size), 0, 0, 0,
                                   file);
}

/* With so many others. */
static void
fill_append (SbOperation *operation, guint n_more, guint n_targets)
{
  operation->append.message = make_message (1000);
  operation->append.n_more = n_more;
  operation->append.more = g_new0 (SbMessage *, n_more);
  for (guint i = 0; i < n_more; i++)
    operation->append.more[i] = make_message (1000);
  operation->append.targets = g_new0 (SbTarget, n_targets);
  operation->append.n_targets = n_targets;
}

/* Gives it one of everything that it can own. */
static void
fill (SbOperation *operation)
{
  switch (operation->kind)
    {
    case SB_OPERATION_APPEND:
      fill_append (operation, 2, 1);
      break;
    case SB_OPERATION_END:
      operation->end.id = g_strdup ("m");
      operation->end.log = g_strdup ("refused");
      operation->end.released = g_strdup ("f");
      break;
    case SB_OPERATION_PARK:
      operation->park.log = g_strdup ("refused");
      break;
    case SB_OPERATION_REQUEUE:
      operation->requeue.id = g_strdup ("m");
      break;
    case SB_OPERATION_MOVE:
      operation->move.id = g_strdup ("m");
      break;
    case SB_OPERATION_PUT_USER:
      operation->put_user.user = sb_user_new (0, "u", "x", NULL, NULL, FALSE, 0);
      break;
    case SB_OPERATION_ADD_RECEIPT:
      operation->add_receipt.id = g_strdup ("m");
      break;
    case SB_OPERATION_REMOVE_USER:
    case SB_OPERATION_DROP_RECEIPTS:
    case SB_OPERATION_SWEEP:
    case SB_OPERATION_LIMITS:
      break;
    }
}

static void
every_kind_is_freed_with_what_it_owns (void)
{
  for (int kind = SB_OPERATION_APPEND; kind <= SB_OPERATION_LIMITS; kind++)
    {
      g_autoptr (SbOperation) operation = sb_operation_new (kind, NULL, NULL);

      fill (operation);
      g_assert_cmpuint (sb_operation_get_bytes (operation), >=, sizeof (SbOperation));
    }
}

static void
every_kind_but_an_append_is_one_row (void)
{
  for (int kind = SB_OPERATION_END; kind <= SB_OPERATION_LIMITS; kind++)
    {
      g_autoptr (SbOperation) operation = sb_operation_new (kind, NULL, NULL);

      fill (operation);
      g_assert_cmpuint (sb_operation_get_rows (operation), ==, 1);
    }
}

static void
logs_and_ids_are_measured (void)
{
  static const SbOperationKind kinds[] = { SB_OPERATION_END, SB_OPERATION_PARK,
                                           SB_OPERATION_REQUEUE, SB_OPERATION_MOVE };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (SbOperation) operation = sb_operation_new (kinds[i], NULL, NULL);
      gsize empty = sb_operation_get_bytes (operation);
      char *text = g_strnfill (10000, 'x');

      if (kinds[i] == SB_OPERATION_END)
        operation->end.log = text;
      else if (kinds[i] == SB_OPERATION_PARK)
        operation->park.log = text;
      else if (kinds[i] == SB_OPERATION_REQUEUE)
        operation->requeue.id = text;
      else
        operation->move.id = text;
      g_assert_cmpuint (sb_operation_get_bytes (operation), >=, empty + 10000);
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
messages_that_come_together_are_measured_together (void)
{
  g_autoptr (SbOperation) one = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);
  g_autoptr (SbOperation) three = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);

  fill_append (one, 0, 4);
  fill_append (three, 2, 4);
  g_assert_cmpuint (sb_operation_get_rows (one), ==, 4);
  g_assert_cmpuint (sb_operation_get_rows (three), ==, 12);
  g_assert_cmpuint (sb_operation_get_bytes (three), >=, sb_operation_get_bytes (one) + 2 * 1000);
}

static void
a_file_is_described_without_rights (void)
{
  g_autoptr (SbFile) file = make_file ();
  g_autoptr (SbFileInfo) info = sb_file_info_new (file, "m", "s", 3, 5, 7);
  SbFileRight right = { 9, SB_DELIVERY_NOTIFIED };

  g_assert_true (info->file == file);
  g_assert_cmpstr (info->sender, ==, "s");
  g_assert_cmpstr (info->message_id, ==, "m");
  g_assert_cmpint (info->sender_key, ==, 3);
  g_assert_cmpint (info->accepted, ==, 5);
  g_assert_cmpint (info->deadline, ==, 7);
  g_assert_null (info->rights);
  /* Freed with the rest. */
  info->rights = g_array_new (FALSE, FALSE, sizeof right);
  g_array_append_val (info->rights, right);
}

static void
states_and_reasons_have_words (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (int state = SB_DELIVERY_PENDING; state <= SB_DELIVERY_NOTIFIED; state++)
    g_assert_true (
        g_hash_table_add (seen, (gpointer) sb_delivery_state_to_string ((SbDeliveryState) state)));
  g_assert_null (sb_reason_to_string (SB_REASON_NONE));
  g_assert_cmpstr (sb_reason_to_string (SB_REASON_QUEUE_FULL), ==, "queue-full");
  g_assert_cmpstr (sb_reason_to_string (SB_REASON_DROPPED), ==, "dropped");
  g_assert_cmpstr (sb_reason_to_string (SB_REASON_MOVED), ==, "moved");
  g_assert_true (sb_delivery_state_has_ended (SB_DELIVERY_CONFIRMED));
  g_assert_false (sb_delivery_state_has_ended (SB_DELIVERY_DEAD));
  g_assert_false (sb_delivery_state_has_ended (SB_DELIVERY_NOTIFIED));
}

static void
a_row_is_made_without_what_few_have (void)
{
  g_autoptr (SbMessage) message = sb_message_new ("m", "s", 1, g_bytes_new (NULL, 0), 5, 6, 7);
  g_autoptr (SbMessageStatus) status = sb_message_status_new ("m", "s", 1, 5);
  g_autoptr (SbStoredDelivery) delivery = sb_stored_delivery_new (message, 2, 3, 0, 4);
  SbDeliveryStatus *row = sb_message_status_add (status, 9, "r", SB_DELIVERY_PARKED, SB_REASON_NONE,
                                                 4, 8);

  g_assert_true (row == g_ptr_array_index (status->deliveries, 0));
  g_assert_cmpint (row->recipient_key, ==, 9);
  g_assert_cmpstr (row->recipient, ==, "r");
  g_assert_cmpint (row->due, ==, 0);
  g_assert_null (row->log);
  g_assert_cmpint (status->not_before, ==, 0);
  g_assert_cmpint (status->deadline, ==, 0);
  g_assert_null (delivery->log);
  /* Freed with the rest. */
  row->log = g_strdup ("refused");
  delivery->log = g_strdup ("refused");
}

static void
a_queue_has_a_copy_of_its_backlog (void)
{
  SbBacklog backlog = { .waiting = 3, .bytes = 100, .dead = 1 };
  SbQueueInfo *queue = sb_queue_info_new (7, "r", &backlog);

  backlog.waiting = 0;
  g_assert_cmpint (queue->recipient, ==, 7);
  g_assert_cmpstr (queue->recipient_id, ==, "r");
  g_assert_cmpuint (queue->backlog.waiting, ==, 3);
  g_assert_cmpuint (queue->backlog.bytes, ==, 100);
  g_assert_cmpuint (queue->backlog.dead, ==, 1);
  sb_queue_info_free (queue);
}

static void
a_listed_delivery_is_freed_with_what_it_owns (void)
{
  SbDeliveryInfo *info = g_new0 (SbDeliveryInfo, 1);

  info->id = g_strdup ("m");
  info->sender = g_strdup ("s");
  info->recipient_id = g_strdup ("r");
  sb_delivery_info_free (info);
}

static void
nothing_is_freed_of_nothing (void)
{
  sb_queue_info_free (NULL);
  sb_delivery_info_free (NULL);
  sb_stored_delivery_free (NULL);
  sb_stored_receipt_free (NULL);
  sb_message_status_free (NULL);
  sb_file_info_free (NULL);
  sb_operation_free (NULL);
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
  g_test_add_func ("/store-edge/nothing-is-said-of-files-when-a-batch-is-applied-again",
                   nothing_is_said_of_files_when_a_batch_is_applied_again);
  g_test_add_func ("/store-edge/a-file-is-described-without-rights",
                   a_file_is_described_without_rights);
  g_test_add_func ("/operation/messages-that-come-together-are-measured-together",
                   messages_that_come_together_are_measured_together);
  g_test_add_func ("/operation/every-kind-is-freed-with-what-it-owns",
                   every_kind_is_freed_with_what_it_owns);
  g_test_add_func ("/operation/every-kind-but-an-append-is-one-row",
                   every_kind_but_an_append_is_one_row);
  g_test_add_func ("/operation/logs-and-ids-are-measured", logs_and_ids_are_measured);
  g_test_add_func ("/store-edge/a-row-is-made-without-what-few-have",
                   a_row_is_made_without_what_few_have);
  g_test_add_func ("/store-edge/a-queue-has-a-copy-of-its-backlog",
                   a_queue_has_a_copy_of_its_backlog);
  g_test_add_func ("/store-edge/a-listed-delivery-is-freed-with-what-it-owns",
                   a_listed_delivery_is_freed_with_what_it_owns);
  g_test_add_func ("/store-edge/nothing-is-freed-of-nothing", nothing_is_freed_of_nothing);
  g_test_add_func ("/operation/an-append-is-measured-by-body-and-targets",
                   an_append_is_measured_by_body_and_targets);
  g_test_add_func ("/operation/states-and-reasons-have-words", states_and_reasons_have_words);
  return g_test_run ();
}

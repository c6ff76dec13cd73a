/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sqlite-rig: a SQLite store under test. */

#include "sqlite-rig.h"

#include "sb-test.h"

static SbConfig *config;
static GType store_type;

void
sqlite_rig_init (int *argc, char ***argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbRegistry) registry = sb_registry_new ();
  g_autoptr (SbPlugin) plugin = NULL;
  const SbConfigKey *keys;
  gsize n_keys;

  sb_test_init (argc, argv);
  g_assert_cmpint (*argc, >, 1);
  plugin = sb_plugin_load ((*argv)[1], NULL, registry, &error);
  g_assert_no_error (error);
  config = sb_config_new ();
  /* The smallest, so that the log is written back soon. */
  g_assert_true (sb_config_set (config, "store-sqlite.log-size=1M", &error));
  keys = sb_plugin_get_keys (plugin, &n_keys);
  g_assert_true (sb_config_declare (config, "store-sqlite", keys, n_keys, &error));
  store_type = sb_registry_lookup (registry, SB_TYPE_STORE, "sqlite", &error);
  g_assert_no_error (error);
}

SqliteRig *
sqlite_rig_new_empty (void)
{
  SqliteRig *self = g_new0 (SqliteRig, 1);

  self->dir = sb_test_make_dir ();
  self->path = g_build_filename (self->dir, "simplebus.db", NULL);
  return self;
}

void
sqlite_rig_apply_all (SqliteRig *self, SbOperation *const *operations, guint n_operations)
{
  g_autoptr (GError) error = NULL;

  sb_store_apply (self->store, operations, n_operations, &error);
  g_assert_no_error (error);
}

SbOutcome
sqlite_rig_apply (SqliteRig *self, SbOperation *operation)
{
  sqlite_rig_apply_all (self, &operation, 1);
  return operation->outcome;
}

gint64
sqlite_rig_add_user (SqliteRig *self, const char *id)
{
  g_autoptr (SbOperation) operation = sb_operation_new (SB_OPERATION_PUT_USER, NULL, NULL);

  operation->put_user.user = sb_user_new (0, id, "*", NULL, NULL, FALSE, START);
  g_assert_cmpint (sqlite_rig_apply (self, operation), ==, SB_OUTCOME_DONE);
  return operation->put_user.key;
}

SqliteRig *
sqlite_rig_new (void)
{
  SqliteRig *self = sqlite_rig_new_empty ();

  sqlite_rig_open (self);
  self->user = sqlite_rig_add_user (self, "user");
  return self;
}

void
sqlite_rig_free (SqliteRig *self)
{
  sqlite_rig_close (self);
  sb_test_remove_dir (self->dir);
  g_free (self->path);
  g_free (self);
}

gboolean
sqlite_rig_try_open (SqliteRig *self, GError **error)
{
  SbStoreOptions options = {
    .config = config,
    .data_dir = self->dir,
    .limits.remember = 3600 * SECOND,
    .limits.remember_max = 1000,
    .limits.receipts_max = 100,
    .limits.receipts_age = 3600 * SECOND,
    .limits.max_queue = 100000,
    .limits.max_queue_bytes = 1 << 30,
    .limits.max_dead = 1000,
  };

  self->store = g_object_new (store_type, NULL);
  if (sb_store_open (self->store, &options, error))
    return TRUE;
  g_clear_object (&self->store);
  return FALSE;
}

void
sqlite_rig_open (SqliteRig *self)
{
  g_autoptr (GError) error = NULL;

  sqlite_rig_try_open (self, &error);
  g_assert_no_error (error);
}

void
sqlite_rig_close (SqliteRig *self)
{
  if (self->store == NULL)
    return;
  sb_store_close (self->store);
  g_assert_finalize_object (g_steal_pointer (&self->store));
}

static GBytes *
read_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  char *data = NULL;
  gsize size = 0;

  g_file_get_contents (path, &data, &size, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (data, size);
}

void
sqlite_rig_assert_refused (SqliteRig *self, int code, const char *words)
{
  g_autoptr (GBytes) before = read_file (self->path);
  g_autoptr (GBytes) after = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (sqlite_rig_try_open (self, &error));
  g_assert_error (error, SB_ERROR, code);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_nonnull (strstr (error->message, self->path));
  after = read_file (self->path);
  g_assert_true (g_bytes_equal (before, after));
}

SbOperation *
sqlite_rig_make_append (SqliteRig *self, const char *id, guint n_targets, const gint64 *targets)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);

  operation->append.message = sb_message_new (id, "user", self->user, g_bytes_new (id, strlen (id)),
                                              START, 0, 0);
  operation->append.targets = g_new0 (SbTarget, n_targets);
  for (guint i = 0; i < n_targets; i++)
    operation->append.targets[i].recipient = targets[i];
  operation->append.n_targets = n_targets;
  return operation;
}

SbOperation *
sqlite_rig_make_end (gint64 recipient, const char *id, SbDeliveryState state)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_END, NULL, NULL);

  operation->end.recipient = recipient;
  operation->end.id = g_strdup (id);
  operation->end.state = state;
  operation->end.now = START;
  return operation;
}

SbOperation *
sqlite_rig_make_park (gint64 recipient, gint64 position, const char *log)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_PARK, NULL, NULL);

  operation->park.recipient = recipient;
  operation->park.position = position;
  operation->park.log = g_strdup (log);
  operation->park.due = START + 60 * SECOND;
  operation->park.now = START;
  return operation;
}

SbOperation *
sqlite_rig_make_requeue (gint64 recipient, const char *id)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_REQUEUE, NULL, NULL);

  operation->requeue.recipient = recipient;
  operation->requeue.id = g_strdup (id);
  operation->requeue.now = START;
  return operation;
}

SbOperation *
sqlite_rig_make_move (gint64 recipient, gint64 to, const char *id)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_MOVE, NULL, NULL);

  operation->move.recipient = recipient;
  operation->move.to = to;
  operation->move.id = g_strdup (id);
  operation->move.now = START;
  return operation;
}

SbOperation *
sqlite_rig_make_sweep (gint64 now, guint limit)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_SWEEP, NULL, NULL);

  operation->sweep.now = now;
  operation->sweep.limit = limit;
  return operation;
}

gboolean
sqlite_rig_try_send (SqliteRig *self, const char *id, gint64 *position, GError **error)
{
  g_autoptr (SbOperation) operation = sqlite_rig_make_append (self, id, 1, &self->user);

  operation->append.targets[0].named = TRUE;
  if (!sb_store_apply (self->store, &operation, 1, error))
    return FALSE;
  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  if (position != NULL)
    *position = operation->append.targets[0].position;
  return TRUE;
}

gint64
sqlite_rig_send (SqliteRig *self, const char *id)
{
  g_autoptr (GError) error = NULL;
  gint64 position = 0;

  sqlite_rig_try_send (self, id, &position, &error);
  g_assert_no_error (error);
  return position;
}

gboolean
sqlite_rig_try_send_many (SqliteRig *self, const char *prefix, guint n, GError **error)
{
  g_autoptr (GPtrArray) batch = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_operation_free);

  for (guint i = 1; i <= n; i++)
    {
      g_autofree char *id = g_strdup_printf ("%s%u", prefix, i);

      g_ptr_array_add (batch, sqlite_rig_make_append (self, id, 1, &self->user));
    }
  return sb_store_apply (self->store, (SbOperation *const *) batch->pdata, n, error);
}

void
sqlite_rig_confirm (SqliteRig *self, const char *id)
{
  g_autoptr (SbOperation) end = sqlite_rig_make_end (self->user, id, SB_DELIVERY_CONFIRMED);

  g_assert_cmpint (sqlite_rig_apply (self, end), ==, SB_OUTCOME_DONE);
}

void
sqlite_rig_assert_pending (SqliteRig *self, const char *ids)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autoptr (GPtrArray) rows = sb_store_pending (self->store, self->user, 0, 1000, G_MAXUINT32,
                                                 &error);

  g_assert_no_error (error);
  for (guint i = 0; i < rows->len; i++)
    {
      const SbStoredDelivery *row = g_ptr_array_index (rows, i);

      g_string_append_printf (seen, "%s%s", i > 0 ? " " : "", row->message->id);
    }
  g_assert_cmpstr (seen->str, ==, ids);
}

void
sqlite_rig_assert_count (SqliteRig *self, guint64 expected)
{
  g_autoptr (GError) error = NULL;
  SbBacklog backlog;
  SbStoreStats stats;

  sb_store_backlog (self->store, self->user, &backlog, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (backlog.waiting, ==, expected);
  sb_store_stats (self->store, &stats, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (stats.waiting, ==, expected);
  g_assert_cmpuint (stats.messages, ==, expected);
}

void
sqlite_rig_assert_status (SqliteRig *self, const char *id, const char *text)
{
  g_autoptr (SbMessageStatus) status = sb_store_status (self->store, id, NULL);
  g_autoptr (GString) seen = g_string_new (status == NULL ? "-" : NULL);

  for (guint i = 0; status != NULL && i < status->deliveries->len; i++)
    {
      const SbDeliveryStatus *row = g_ptr_array_index (status->deliveries, i);

      g_string_append_printf (seen, "%s%s %s", i > 0 ? ", " : "",
                              sb_delivery_state_to_string (row->state), row->recipient);
    }
  g_assert_cmpstr (seen->str, ==, text);
}

void
sqlite_rig_exec (SqliteRig *self, const char *sql)
{
  sqlite3 *handle = NULL;

  g_assert_null (self->store);
  g_assert_cmpint (sqlite3_open (self->path, &handle), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (handle, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (handle), ==, SQLITE_OK);
}

gint64
sqlite_rig_get_number (SqliteRig *self, const char *sql)
{
  sqlite3 *handle = NULL;
  sqlite3_stmt *statement = NULL;
  gint64 number;

  g_assert_cmpint (sqlite3_open (self->path, &handle), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (handle, sql, -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  number = sqlite3_column_int64 (statement, 0);
  g_assert_cmpint (sqlite3_finalize (statement), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (handle), ==, SQLITE_OK);
  return number;
}

SqliteRig *
sqlite_rig_copy (SqliteRig *self)
{
  static const char *const suffixes[] = { "", "-wal" };
  SqliteRig *copy = sqlite_rig_new_empty ();

  copy->user = self->user;
  for (gsize i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *from = g_strconcat (self->path, suffixes[i], NULL);
      g_autofree char *to = g_strconcat (copy->path, suffixes[i], NULL);
      g_autoptr (GBytes) data = read_file (from);
      g_autoptr (GError) error = NULL;

      g_file_set_contents (to, g_bytes_get_data (data, NULL), g_bytes_get_size (data), &error);
      g_assert_no_error (error);
    }
  return copy;
}

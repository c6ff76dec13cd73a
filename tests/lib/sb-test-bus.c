/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-bus: journal, accounts and bus as the daemon puts them together. */

#include "sb-test-bus.h"

#include "sb-bus-private.h"
#include "sb-config-keys.h"
#include "sb-error.h"
#include "sb-test-recipient.h"

#include <string.h>

static void
declare_config (SbTestBus *self, const char *config)
{
  g_autofree char *text = g_strconcat ("[bus]\ndisk-reserve=0\n", config, "\n", NULL);
  g_autoptr (GError) error = NULL;

  self->config = sb_config_new ();
  sb_config_load_data (self->config, text, "test", &error);
  g_assert_no_error (error);
  sb_config_declare (self->config, "bus", sb_bus_keys, sb_n_bus_keys, &error);
  g_assert_no_error (error);
  sb_config_check (self->config, &error);
  g_assert_no_error (error);
}

static void
open_journal (SbTestBus *self)
{
  g_autoptr (GError) error = NULL;
  SbConfig *config = self->config;
  SbStoreOptions options = {
    .config = config,
    .data_dir = g_get_tmp_dir (),
  };

  sb_config_read_store_limits (config, &options.limits);
  self->journal = sb_journal_new (
      SB_STORE (self->store), sb_config_get_integer (config, "bus", "journal-backlog"),
      sb_config_get_size (config, "bus", "journal-backlog-bytes"), self->metrics);
  sb_journal_open (self->journal, &options, &error);
  g_assert_no_error (error);
}

SbTestBus *
sb_test_bus_new (const char *config)
{
  SbTestBus *self = g_new0 (SbTestBus, 1);

  declare_config (self, config);
  self->store = sb_test_store_new ();
  self->clock = sb_clock_new_fake (1000 * SB_TEST_SECOND, 1700000000 * SB_TEST_SECOND);
  self->metrics = sb_metrics_new ();
  open_journal (self);
  return self;
}

static void
make_accounts (SbTestBus *self)
{
  g_autoptr (GBytes) secret = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  g_autoptr (GError) error = NULL;

  self->pool = sb_password_pool_new_full (2, 4096);
  self->authenticator = sb_authenticator_new (self->pool, self->clock, secret);
  self->accounts = sb_accounts_new (self->config, self->journal, self->pool, self->authenticator,
                                    self->clock);
  sb_accounts_load (self->accounts, &error);
  g_assert_no_error (error);
}

static void
make_bus (SbTestBus *self)
{
  g_autoptr (GError) error = NULL;

  self->bus = sb_bus_new (self->config, self->journal, self->accounts, self->clock, self->metrics);
  sb_bus_set_registry (self->bus, self->registry);
  sb_bus_set_vault (self->bus, self->vault);
  sb_bus_start (self->bus, &error);
  g_assert_no_error (error);
}

SbTestBus *
sb_test_bus_new_with_accounts (const char *config)
{
  SbTestBus *self = sb_test_bus_new (config);

  make_accounts (self);
  return self;
}

SbTestBus *
sb_test_bus_new_started (const char *config)
{
  SbTestBus *self = sb_test_bus_new_with_accounts (config);

  make_bus (self);
  return self;
}

SbTestBus *
sb_test_bus_new_calling (const char *config)
{
  SbTestBus *self = sb_test_bus_new_with_accounts (config);

  self->registry = sb_registry_new ();
  sb_test_recipient_register (self->registry);
  make_bus (self);
  return self;
}

static void
make_vault (SbTestBus *self)
{
  g_autoptr (GError) error = NULL;

  self->vault = sb_vault_new (self->dir, 0, self->metrics);
  sb_vault_open (self->vault, &error);
  g_assert_no_error (error);
}

SbTestBus *
sb_test_bus_new_with_vault (const char *config)
{
  SbTestBus *self = sb_test_bus_new_with_accounts (config);

  self->dir = sb_test_make_dir ();
  make_vault (self);
  make_bus (self);
  return self;
}

static void
free_vault (SbTestBus *self)
{
  sb_vault_close (self->vault);
  sb_test_settle ();
  g_assert_finalize_object (g_steal_pointer (&self->vault));
}

static void
free_bus (SbTestBus *self)
{
  sb_bus_stop (self->bus);
  sb_test_bus_settle (self);
  g_assert_finalize_object (g_steal_pointer (&self->bus));
}

static void
free_accounts (SbTestBus *self)
{
  g_assert_finalize_object (g_steal_pointer (&self->accounts));
  g_assert_finalize_object (g_steal_pointer (&self->authenticator));
  g_assert_finalize_object (g_steal_pointer (&self->pool));
}

void
sb_test_bus_free (SbTestBus *self)
{
  sb_test_bus_settle (self);
  if (self->bus != NULL)
    free_bus (self);
  if (sb_journal_is_open (self->journal))
    sb_journal_close (self->journal);
  sb_test_settle ();
  if (self->accounts != NULL)
    free_accounts (self);
  g_clear_object (&self->registry);
  if (self->vault != NULL)
    free_vault (self);
  g_clear_pointer (&self->dir, sb_test_remove_dir);
  g_assert_finalize_object (g_steal_pointer (&self->journal));
  g_assert_finalize_object (g_steal_pointer (&self->store));
  g_assert_finalize_object (g_steal_pointer (&self->clock));
  g_assert_finalize_object (g_steal_pointer (&self->metrics));
  g_assert_finalize_object (g_steal_pointer (&self->config));
  g_free (self);
}

void
sb_test_bus_restart (SbTestBus *self)
{
  sb_test_bus_settle (self);
  free_bus (self);
  free_accounts (self);
  if (self->vault != NULL)
    {
      free_vault (self);
      make_vault (self);
    }
  make_accounts (self);
  make_bus (self);
}

/* Settling */

static void
set_flag (SbOperation *operation, const GError *error, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

static void
wait_for_writer (SbTestBus *self)
{
  gboolean done = FALSE;

  sb_journal_submit (self->journal, sb_operation_new (SB_OPERATION_DROP_RECEIPTS, set_flag, &done));
  sb_test_wait_flag (&done, "the journal");
}

static void
read_nothing (SbStore *store, GTask *task)
{
  g_task_return_boolean (task, TRUE);
}

static void
on_nothing_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(gboolean *) user_data = TRUE;
}

static void
wait_for_reader (SbTestBus *self)
{
  gboolean done = FALSE;

  sb_journal_read_async (self->journal, read_nothing,
                         g_task_new (NULL, NULL, on_nothing_read, &done));
  sb_test_wait_flag (&done, "the reader");
}

void
sb_test_bus_settle (SbTestBus *self)
{
  guint quiet = 0;

  if (!sb_journal_is_open (self->journal))
    sb_test_settle ();
  /* What a round has caused without being counted, the next one counts. */
  while (sb_journal_is_open (self->journal) && quiet < 2)
    {
      guint before = sb_test_store_get_n_calls (self->store);

      wait_for_writer (self);
      wait_for_reader (self);
      sb_test_settle ();
      /* Its own look at the journal is one operation. */
      quiet = sb_test_store_get_n_calls (self->store) == before + 1 ? quiet + 1 : 0;
    }
}

void
sb_test_bus_pass (SbTestBus *self, gint64 us)
{
  sb_clock_advance (self->clock, us);
  sb_bus_tick (self->bus);
  sb_test_bus_settle (self);
}

/* Operations */

typedef struct
{
  SbOutcome outcome;
  gboolean done;
} Applied;

static void
on_applied (SbOperation *operation, const GError *error, gpointer user_data)
{
  Applied *applied = user_data;

  g_assert_no_error (error);
  applied->outcome = operation->outcome;
  applied->done = TRUE;
}

SbOutcome
sb_test_bus_apply (SbTestBus *self, SbOperation *operation)
{
  Applied applied = { 0 };

  operation->func = on_applied;
  operation->user_data = &applied;
  sb_journal_submit (self->journal, operation);
  sb_test_wait_flag (&applied.done, "an operation");
  return applied.outcome;
}

SbUser *
sb_test_bus_add_user (SbTestBus *self, const char *id, const char *tags, gboolean admin)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_PUT_USER, NULL, NULL);
  g_auto (GStrv) list = g_strsplit (tags, " ", -1);
  g_autoptr (GError) error = NULL;
  SbOutcome outcome;

  operation->put_user.user = sb_user_new (0, id, SB_TEST_HASH,
                                          *tags != '\0' ? (const char *const *) list : NULL, NULL,
                                          admin, sb_clock_wall (self->clock));
  outcome = sb_test_bus_apply (self, operation);
  g_assert_cmpint (outcome, ==, SB_OUTCOME_DONE);
  if (self->accounts == NULL)
    return NULL;
  sb_accounts_load (self->accounts, &error);
  g_assert_no_error (error);
  return sb_test_bus_find (self, id);
}

SbUser *
sb_test_bus_find (SbTestBus *self, const char *id)
{
  return sb_directory_lookup (sb_accounts_get_directory (self->accounts), id);
}

static void
on_users_put (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  sb_accounts_put_finish (SB_ACCOUNTS (source), result, &error);
  g_assert_no_error (error);
  *(gboolean *) user_data = TRUE;
}

void
sb_test_bus_put_users (SbTestBus *self, const char *json)
{
  SbUser *admin = sb_test_bus_find (self, "admin");
  gboolean done = FALSE;

  if (admin == NULL)
    admin = sb_test_bus_add_user (self, "admin", "", TRUE);
  sb_accounts_put_async (self->accounts, admin, json, strlen (json), on_users_put, &done);
  sb_test_wait_flag (&done, "users");
  sb_test_bus_settle (self);
}

/* Messages and sessions */

static void
note_list (GString *answers, const char *mark, const char *const *list)
{
  for (; list != NULL && *list != NULL; list++)
    g_string_append_printf (answers, "%s%s", mark, *list);
}

static void
on_published (const SbPublishResult *result, const GError *error, gpointer user_data)
{
  GString *answers = user_data;

  g_string_append (answers, answers->len > 0 ? " " : "");
  if (error != NULL)
    g_string_append (answers, sb_error_reason (error));
  else
    g_string_append_printf (answers, "%s:%u%s", result->id, result->n_recipients,
                            result->duplicate ? ":duplicate" : "");
  note_list (answers, ":", result->unknown);
  note_list (answers, ":full=", result->full);
  if (error == NULL && result->waited)
    g_string_append (answers, result->confirmed ? ":confirmed" : ":unconfirmed");
}

void
sb_test_bus_publish (SbTestBus *self, const char *sender, const char *json, guint wait,
                     GString *answers)
{
  SbPublishResult nothing = { 0 };
  g_autoptr (GError) error = NULL;
  SbEnvelope envelope;

  sb_envelope_scan (&envelope, json, strlen (json), &error);
  g_assert_no_error (error);
  if (!sb_bus_publish (self->bus, sb_test_bus_find (self, sender), &envelope, wait * SB_TEST_SECOND,
                       on_published, answers, &error))
    on_published (&nothing, error, answers);
}

void
sb_test_bus_send (SbTestBus *self, const char *sender, const char *id, const char *to)
{
  g_autofree char *json = g_strdup_printf ("{\"to\":\"%s\",\"message\":1,\"_id\":\"%s\"}", to, id);
  g_autoptr (GString) answers = g_string_new (NULL);
  g_autofree char *wanted = g_strconcat (id, ":", NULL);

  sb_test_bus_publish (self, sender, json, 0, answers);
  sb_test_bus_settle (self);
  g_assert_true (g_str_has_prefix (answers->str, wanted));
}

SbSession *
sb_test_bus_open (SbTestBus *self, const char *user, SbTestPath *path, SbSessionFlags flags)
{
  g_autoptr (GError) error = NULL;
  SbSession *session = sb_bus_open_session (self->bus, sb_test_bus_find (self, user),
                                            SB_DELIVERY (path), flags, &error);

  g_assert_no_error (error);
  sb_test_bus_settle (self);
  return session;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-test-client: waits for what the library says by callbacks and signals. */

#include "sb-test-client.h"

#include <gobject/gvaluecollector.h>
#include <string.h>

typedef struct
{
  gboolean is_done;
  gboolean is_good;
  char *id;      /* (owned) (nullable) */
  GError *error; /* (owned) (nullable) */
} Outcome;

static gboolean
is_done (gpointer user_data)
{
  return ((Outcome *) user_data)->is_done;
}

/* --- Signals --- */

static void
message_cb (SbClient *client, SbClientMessage *message, gpointer user_data)
{
  SbTestClient *self = user_data;

  g_ptr_array_add (self->messages, sb_client_message_ref (message));
  g_ptr_array_add (self->ids, g_strdup (sb_client_message_get_id (message)));
}

static void
accepted_cb (SbClient *client, const char *id, gpointer user_data)
{
  g_ptr_array_add (((SbTestClient *) user_data)->accepted, g_strdup (id));
}

static void
confirmation_cb (SbClient *client, const char *id, const char *recipient, gpointer user_data)
{
  g_ptr_array_add (((SbTestClient *) user_data)->confirmations,
                   g_strdup_printf ("%s %s", id, recipient));
}

static void
expired_cb (SbClient *client, const char *id, const char *recipient, const char *reason,
            gpointer user_data)
{
  g_ptr_array_add (((SbTestClient *) user_data)->expired,
                   g_strdup_printf ("%s %s %s", id, recipient, reason));
}

static void
error_cb (SbClient *client, const char *id, const GError *error, gpointer user_data)
{
  SbTestClient *self = user_data;

  g_test_message ("error of %s: %s", id, error->message);
  g_ptr_array_add (self->errors, g_error_copy (error));
  g_ptr_array_add (self->error_ids, g_strdup (id != NULL ? id : ""));
}

static void
state_cb (SbClient *client, SbClientState state, const GError *reason, gpointer user_data)
{
  SbTestClient *self = user_data;

  g_test_message ("state %s: %s", sb_client_state_to_string (state),
                  reason != NULL ? reason->message : "");
  g_ptr_array_add (self->states, g_strdup (sb_client_state_to_string (state)));
  g_ptr_array_add (self->reasons, reason != NULL ? g_error_copy (reason) : NULL);
}

/* --- Life --- */

static void
free_error (gpointer error)
{
  if (error != NULL)
    g_error_free (error);
}

typedef struct
{
  GPtrArray *names; /* (owned) of (unowned) */
  GArray *values;   /* (owned) of GValue */
} Properties;

/* A later one takes the place of one with the same name. */
static GValue *
add_property (Properties *self, const char *name)
{
  guint i = 0;

  while (i < self->names->len && strcmp (g_ptr_array_index (self->names, i), name) != 0)
    i++;
  if (i == self->names->len)
    {
      g_ptr_array_add (self->names, (gpointer) name);
      g_array_set_size (self->values, self->names->len);
    }
  else
    g_value_unset (&g_array_index (self->values, GValue, i));
  return &g_array_index (self->values, GValue, i);
}

static void
add_string (Properties *self, const char *name, const char *text)
{
  GValue *value = add_property (self, name);

  g_value_init (value, G_TYPE_STRING);
  g_value_set_string (value, text);
}

static void
add_all (Properties *self, va_list list)
{
  g_autoptr (GTypeClass) class = g_type_class_ref (SB_TYPE_CLIENT);

  for (const char *name = va_arg (list, const char *); name != NULL;
       name = va_arg (list, const char *))
    {
      GParamSpec *pspec = g_object_class_find_property (G_OBJECT_CLASS (class), name);
      GValue *value = add_property (self, name);
      g_autofree char *fault = NULL;

      g_assert_nonnull (pspec);
      G_VALUE_COLLECT_INIT (value, pspec->value_type, list, 0, &fault);
      g_assert_null (fault);
    }
}

static SbClient *
make_client (guint16 port, const char *user, va_list list)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u", port);
  g_autofree char *password = g_strconcat (user, "-pw", NULL);
  Properties properties = { g_ptr_array_new (), g_array_new (FALSE, TRUE, sizeof (GValue)) };
  GObject *client;

  g_array_set_clear_func (properties.values, (GDestroyNotify) g_value_unset);
  add_string (&properties, "url", url);
  add_string (&properties, "user", user);
  add_string (&properties, "password", password);
  add_all (&properties, list);
  client = g_object_new_with_properties (SB_TYPE_CLIENT, properties.names->len,
                                         (const char **) properties.names->pdata,
                                         (GValue *) (gpointer) properties.values->data);
  g_ptr_array_unref (properties.names);
  g_array_unref (properties.values);
  return SB_CLIENT (client);
}

SbTestClient *
sb_test_client_new (guint16 port, const char *user, ...)
{
  SbTestClient *self = g_new0 (SbTestClient, 1);
  va_list properties;

  va_start (properties, user);
  self->client = make_client (port, user, properties);
  va_end (properties);
  self->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_client_message_unref);
  self->ids = g_ptr_array_new_with_free_func (g_free);
  self->accepted = g_ptr_array_new_with_free_func (g_free);
  self->confirmations = g_ptr_array_new_with_free_func (g_free);
  self->expired = g_ptr_array_new_with_free_func (g_free);
  self->errors = g_ptr_array_new_with_free_func (free_error);
  self->error_ids = g_ptr_array_new_with_free_func (g_free);
  self->states = g_ptr_array_new_with_free_func (g_free);
  self->reasons = g_ptr_array_new_with_free_func (free_error);
  g_signal_connect (self->client, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->client, "accepted", G_CALLBACK (accepted_cb), self);
  g_signal_connect (self->client, "confirmation", G_CALLBACK (confirmation_cb), self);
  g_signal_connect (self->client, "expired", G_CALLBACK (expired_cb), self);
  g_signal_connect (self->client, "error", G_CALLBACK (error_cb), self);
  g_signal_connect (self->client, "state", G_CALLBACK (state_cb), self);
  return self;
}

void
sb_test_client_free (SbTestClient *self)
{
  sb_test_client_close (self);
  g_signal_handlers_disconnect_by_data (self->client, self);
  g_assert_finalize_object (self->client);
  g_ptr_array_unref (self->messages);
  g_ptr_array_unref (self->ids);
  g_ptr_array_unref (self->accepted);
  g_ptr_array_unref (self->confirmations);
  g_ptr_array_unref (self->expired);
  g_ptr_array_unref (self->errors);
  g_ptr_array_unref (self->error_ids);
  g_ptr_array_unref (self->states);
  g_ptr_array_unref (self->reasons);
  g_free (self);
}

/* --- Calls --- */

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outcome *outcome = user_data;

  outcome->is_good = sb_client_connect_finish (SB_CLIENT (source), result, &outcome->error);
  outcome->is_done = TRUE;
}

void
sb_test_client_connect (SbTestClient *self)
{
  Outcome outcome = { FALSE };

  sb_client_connect_async (self->client, NULL, connected_cb, &outcome);
  sb_test_wait_for (is_done, &outcome, "a session");
  g_assert_no_error (outcome.error);
  g_assert_true (outcome.is_good);
}

void
sb_test_client_begin (SbTestClient *self)
{
  sb_client_connect_async (self->client, NULL, NULL, NULL);
}

GError *
sb_test_client_connect_refused (SbTestClient *self)
{
  Outcome outcome = { FALSE };

  sb_client_connect_async (self->client, NULL, connected_cb, &outcome);
  sb_test_wait_for (is_done, &outcome, "no session");
  g_assert_false (outcome.is_good);
  g_assert_nonnull (outcome.error);
  return outcome.error;
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outcome *outcome = user_data;

  outcome->is_good = sb_client_close_finish (SB_CLIENT (source), result, &outcome->error);
  outcome->is_done = TRUE;
}

void
sb_test_client_close (SbTestClient *self)
{
  Outcome outcome = { FALSE };

  sb_client_close_async (self->client, NULL, closed_cb, &outcome);
  sb_test_wait_for (is_done, &outcome, "a client to close");
  g_assert_no_error (outcome.error);
  g_assert_cmpint (sb_client_get_state (self->client), ==, SB_CLIENT_STATE_CLOSED);
}

SbClientDraft *
sb_test_draft (const char *to, const char *payload)
{
  const char *addresses[] = { to, NULL };
  g_autoptr (GError) error = NULL;
  SbClientDraft *draft = sb_client_draft_new (addresses, payload, &error);

  g_assert_no_error (error);
  return draft;
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outcome *outcome = user_data;

  outcome->id = sb_client_send_finish (SB_CLIENT (source), result, &outcome->error);
  outcome->is_done = TRUE;
}

char *
sb_test_client_send_draft (SbTestClient *self, SbClientDraft *draft)
{
  Outcome outcome = { FALSE };

  sb_client_send_async (self->client, draft, NULL, sent_cb, &outcome);
  sb_test_wait_for (is_done, &outcome, "a message to be in the outbox");
  g_assert_no_error (outcome.error);
  g_assert_nonnull (outcome.id);
  return outcome.id;
}

GError *
sb_test_client_send_refused (SbTestClient *self, SbClientDraft *draft)
{
  Outcome outcome = { FALSE };

  sb_client_send_async (self->client, draft, NULL, sent_cb, &outcome);
  sb_test_wait_for (is_done, &outcome, "a message to be refused");
  g_assert_null (outcome.id);
  g_assert_nonnull (outcome.error);
  return outcome.error;
}

static void
sent_later_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree char *id = sb_client_send_finish (SB_CLIENT (source), result, NULL);
  guint *n_done = user_data;

  if (n_done != NULL)
    ++*n_done;
}

void
sb_test_client_send_later (SbTestClient *self, SbClientDraft *draft, guint *n_done)
{
  sb_client_send_async (self->client, draft, NULL, sent_later_cb, n_done);
}

char *
sb_test_client_send (SbTestClient *self, const char *to, const char *payload)
{
  g_autoptr (SbClientDraft) draft = sb_test_draft (to, payload);

  return sb_test_client_send_draft (self, draft);
}

static void
flushed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outcome *outcome = user_data;

  outcome->is_good = sb_client_flush_finish (SB_CLIENT (source), result, &outcome->error);
  outcome->is_done = TRUE;
}

void
sb_test_client_flush (SbTestClient *self)
{
  Outcome outcome = { FALSE };

  sb_client_flush_async (self->client, NULL, flushed_cb, &outcome);
  sb_test_wait_for (is_done, &outcome, "an empty outbox");
  g_assert_no_error (outcome.error);
}

/* --- Waiting --- */

typedef struct
{
  SbTestClient *client;
  GPtrArray *record;
  const char *word;
  guint n;
} Wanted;

static gboolean
has_records (gpointer user_data)
{
  Wanted *wanted = user_data;

  return wanted->record->len >= wanted->n;
}

void
sb_test_client_wait (SbTestClient *self, GPtrArray *record, guint n)
{
  sb_test_wait_for (has_records, &(Wanted) { .record = record, .n = n }, "what a client says");
}

static gboolean
is_in_state (gpointer user_data)
{
  Wanted *wanted = user_data;

  return sb_client_get_state (wanted->client->client) == (SbClientState) wanted->n;
}

void
sb_test_client_wait_state (SbTestClient *self, SbClientState state)
{
  sb_test_wait_for (is_in_state, &(Wanted) { .client = self, .n = state },
                    sb_client_state_to_string (state));
}

static gboolean
was_in_state (gpointer user_data)
{
  Wanted *wanted = user_data;
  guint n = 0;

  for (guint i = 0; i < wanted->record->len; i++)
    n += strcmp (g_ptr_array_index (wanted->record, i), wanted->word) == 0 ? 1 : 0;
  return n >= wanted->n;
}

void
sb_test_client_wait_states (SbTestClient *self, const char *state, guint n)
{
  sb_test_wait_for (was_in_state, &(Wanted) { self, self->states, state, n }, state);
}

static gboolean
has_length (gpointer user_data)
{
  Wanted *wanted = user_data;

  return sb_client_get_outbox_length (wanted->client->client) == wanted->n;
}

void
sb_test_client_wait_length (SbTestClient *self, guint length)
{
  sb_test_wait_for (has_length, &(Wanted) { .client = self, .n = length }, "an outbox");
}

/* --- Records --- */

char *
sb_test_client_dup_payload (SbTestClient *self, guint index)
{
  g_assert_cmpuint (index, <, self->messages->len);
  return sb_client_message_dup_payload (g_ptr_array_index (self->messages, index));
}

const char *
sb_test_client_get (GPtrArray *record, guint index)
{
  g_assert_cmpuint (index, <, record->len);
  return g_ptr_array_index (record, index);
}

int
sb_test_client_get_error (SbTestClient *self, guint index)
{
  const GError *error;

  g_assert_cmpuint (index, <, self->errors->len);
  error = g_ptr_array_index (self->errors, index);
  g_assert_cmpuint (error->domain, ==, SB_CLIENT_ERROR);
  return error->code;
}

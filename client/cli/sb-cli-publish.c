/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-publish: one message, for as long as there is hope. */

#include "sb-cli-publish.h"

#include "sb-cli-json.h"

#include <glib/gi18n.h>

#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 2000

/* A bus that takes a connection and says nothing is given up after so long, even by the first
 * attempt. */
#define ANSWER_SECONDS 30

typedef struct
{
  SbCli *cli;
  SbClient *client;     /* (owned) */
  SbClientDraft *draft; /* (owned) */
  guint wait;
  gint64 deadline; /* monotonic */
  guint pause;     /* ms */
  guint status;
  guint timer;
  GCancellable *attempt; /* (owned) (nullable) */
  gboolean was_told;
} Publish;

static void
publish_free (gpointer data)
{
  Publish *self = data;

  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_object (&self->attempt);
  g_object_unref (self->client);
  g_object_unref (self->draft);
  g_free (self);
}

static void attempt (GTask *task);

static gboolean
again_cb (gpointer user_data)
{
  GTask *task = user_data;

  ((Publish *) g_task_get_task_data (task))->timer = 0;
  attempt (task);
  return G_SOURCE_REMOVE;
}

static void
tell_delay (Publish *self, const GError *error)
{
  if (self->was_told || self->cli->quiet)
    return;
  self->was_told = TRUE;
  g_printerr (_ ("%s. Trying again for %d s\n"), error->message,
              (int) ((self->deadline - g_get_monotonic_time ()) / G_USEC_PER_SEC + 1));
}

/* Returns: whether there is another attempt */
static gboolean
try_again (GTask *task, const GError *error)
{
  Publish *self = g_task_get_task_data (task);
  gint64 left = (self->deadline - g_get_monotonic_time ()) / 1000;
  guint pause = (guint) CLAMP (left, 0, self->pause);

  if (left <= 0 || !sb_client_error_is_transient (error))
    return FALSE;
  tell_delay (self, error);
  self->pause = MIN (self->pause * 2, LONGEST_PAUSE_MS);
  self->timer = g_timeout_add_full (G_PRIORITY_DEFAULT, pause, again_cb, g_object_ref (task),
                                    g_object_unref);
  return TRUE;
}

static void
published_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Publish *self = g_task_get_task_data (task);
  g_autoptr (GError) error = NULL;
  GBytes *answer = sb_client_publish_finish (SB_CLIENT (source), result, &self->status, &error);

  g_clear_handle_id (&self->timer, g_source_remove);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_clear_error (&error);
      error = g_error_new (SB_CLIENT_ERROR, SB_CLIENT_ERROR_TIMED_OUT, _ ("%s does not answer"),
                           sb_client_get_url (self->client));
    }
  if (answer != NULL)
    g_task_return_pointer (task, answer, (GDestroyNotify) g_bytes_unref);
  else if (!try_again (task, error))
    g_task_return_error (task, g_steal_pointer (&error));
}

static gboolean
silence_cb (gpointer user_data)
{
  Publish *self = user_data;

  self->timer = 0;
  g_cancellable_cancel (self->attempt);
  return G_SOURCE_REMOVE;
}

static void
attempt (GTask *task)
{
  Publish *self = g_task_get_task_data (task);

  g_clear_object (&self->attempt);
  self->attempt = g_cancellable_new ();
  self->timer = g_timeout_add_seconds (self->wait + ANSWER_SECONDS, silence_cb, self);
  sb_client_publish_async (self->client, self->draft, self->wait, self->attempt, published_cb,
                           g_object_ref (task));
}

/**
 * sb_cli_publish_async:
 * @cli: the command line
 * @draft: what to send
 * @wait: seconds that the bus may wait for confirmations before it answers
 * @retry: for how many seconds it is tried; 0: once
 * @callback: for sb_cli_publish_finish()
 * @user_data: for @callback
 *
 * Sends a message.
 */
void
sb_cli_publish_async (SbCli *cli, SbClientDraft *draft, guint wait, gint64 retry,
                      GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, user_data);
  GError *error = NULL;
  SbClient *client = sb_cli_get_client (cli, &error);
  Publish *self;

  if (client == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  self = g_new0 (Publish, 1);
  self->cli = cli;
  self->client = g_object_ref (client);
  self->draft = g_object_ref (draft);
  self->wait = wait;
  self->pause = FIRST_PAUSE_MS;
  self->deadline = g_get_monotonic_time () + retry * G_USEC_PER_SEC;
  g_task_set_task_data (task, self, publish_free);
  attempt (task);
}

/**
 * sb_cli_publish_finish:
 * @result: of sb_cli_publish_async()
 * @status: (out) (optional): of HTTP
 * @error: return location
 *
 * Returns: (transfer full) (nullable): the bus's answer
 */
GBytes *
sb_cli_publish_finish (GAsyncResult *result, guint *status, GError **error)
{
  Publish *self = g_task_get_task_data (G_TASK (result));

  if (status != NULL)
    *status = self != NULL ? self->status : 0;
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
result_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **) user_data = g_object_ref (result);
}

/**
 * sb_cli_publish:
 * @cli: the command line
 * @draft: what to send
 * @wait: seconds that the bus may wait for confirmations before it answers
 * @retry: for how many seconds it is tried; 0: once
 * @status: (out) (optional): of HTTP
 * @error: return location
 *
 * Sends a message and waits for the answer.
 *
 * Returns: (transfer full) (nullable): the bus's answer
 */
GBytes *
sb_cli_publish (SbCli *cli, SbClientDraft *draft, guint wait, gint64 retry, guint *status,
                GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  sb_cli_publish_async (cli, draft, wait, retry, result_cb, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return sb_cli_publish_finish (result, status, error);
}

/* --- What the answer says --- */

/* Returns: (transfer full) (nullable): its strings, fit for a terminal, with commas between */
static char *
join_member (JsonObject *answer, const char *name)
{
  JsonArray *array = sb_cli_json_get_array (answer, name);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);
      const char *string = JSON_NODE_HOLDS_VALUE (element) ? json_node_get_string (element) : NULL;
      g_autofree char *printable = string != NULL ? sb_cli_printable (string) : NULL;

      if (printable != NULL)
        g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", printable);
    }
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}

/* Tells on standard error whom the message does not reach. */
static void
explain (JsonObject *answer)
{
  g_autofree char *unknown = join_member (answer, "unknown");
  g_autofree char *full = join_member (answer, "full");
  g_autofree char *offline = join_member (answer, "offline");
  g_autofree char *dropped = join_member (answer, "dropped");

  if (unknown != NULL)
    g_printerr (_ ("Nobody is there for: %s. A user is @name, a tag #name or a bare name\n"),
                unknown);
  if (full != NULL)
    g_printerr (_ ("The queue is full of: %s\n"), full);
  if (offline != NULL)
    g_printerr (_ ("Not connected: %s\n"), offline);
  if (dropped != NULL)
    g_printerr (_ ("Too slow to take it: %s\n"), dropped);
  if (sb_cli_json_get_boolean (answer, "duplicate", FALSE))
    g_printerr (_ ("The bus has this _id already: what was sent first counts\n"));
}

/**
 * sb_cli_print_answer:
 * @cli: the command line
 * @bytes: the answer of `/put`
 * @error: return location
 *
 * Prints the `_id`, or all of the answer, and tells on standard error whom the message does not
 * reach.
 *
 * Returns: (transfer full) (nullable): the `_id`; %NULL when it is no answer of a bus, or a direct
 * message reached nobody
 */
char *
sb_cli_print_answer (SbCli *cli, GBytes *bytes, GError **error)
{
  g_autoptr (JsonNode) node = sb_cli_parse_json (bytes, error);
  JsonObject *answer;
  const char *id;

  if (node == NULL)
    return NULL;
  answer = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  id = answer != NULL ? sb_cli_json_get_string (answer, "_id") : NULL;
  if (id == NULL)
    {
      g_set_error_literal (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_PROTOCOL,
                           _ ("What answers there is no bus"));
      return NULL;
    }
  if (cli->json)
    sb_cli_print_json (node);
  else
    g_print ("%s\n", id);
  if (!cli->quiet)
    explain (answer);
  /* Only the answer to a direct message has it. */
  if (sb_cli_json_get_integer (answer, "delivered", 1) > 0)
    return g_strdup (id);
  g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("The message reached nobody"));
  return NULL;
}

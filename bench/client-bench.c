/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client-bench: what libsimplebus makes of the processor that it runs on.
 *
 *   client-bench receive   takes and confirms messages that wait for the user sub0
 *   client-bench outbox    the user pub0 keeps messages on disk without a bus, then sends them all
 *   client-bench download  receives the file that waits for the user sub1
 *   client-bench upload    the user pub1 sends a file
 *
 * It is a program like any other: it knows the library and nothing else.
 */

#include "client-bench-transfer.h"
#include "sb-load-usage.h"

#include <simplebus-client.h>
#include <stdio.h>
#include <stdlib.h>

/* Sends that are not on disk yet; so many are committed at once. */
#define WINDOW 2000
#define PAYLOAD 100

static int port, http_port, pid, n_messages = 100000;
static char *password, *state_dir, *file;

static const GOptionEntry entries[] = {
  { "port", 0, 0, G_OPTION_ARG_INT, &port, "of the bus's WebSocket", "PORT" },
  { "http-port", 0, 0, G_OPTION_ARG_INT, &http_port, "of the bus's HTTP", "PORT" },
  { "pid", 0, 0, G_OPTION_ARG_INT, &pid, "of the bus", "PID" },
  { "password", 0, 0, G_OPTION_ARG_STRING, &password, "of the users", "WORD" },
  { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &state_dir, "for what the client keeps", "FOLDER" },
  { "file", 0, 0, G_OPTION_ARG_FILENAME, &file, "that is sent", "FILE" },
  { "messages", 0, 0, G_OPTION_ARG_INT, &n_messages, "how many", "N" },
  G_OPTION_ENTRY_NULL,
};

typedef struct
{
  SbClient *client;
  GMainLoop *loop;
  int n_begun;
  int n_done;
  int n_accepted;
  SbLoadUsage from;
  SbLoadUsage to;
} Run;

/* --- What both do --- */

static void
fail (const GError *error)
{
  fprintf (stderr, "client-bench: %s\n", error->message);
  exit (EXIT_FAILURE);
}

static void
fail_cb (SbClient *client, const char *id, const GError *error, gpointer user_data)
{
  fail (error);
}

static void
run_init (Run *self, const char *user)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%d", http_port);
  g_autofree char *socket_url = g_strdup_printf ("ws://127.0.0.1:%d", port);

  self->client = g_object_new (SB_TYPE_CLIENT, "url", url, "websocket-url", socket_url, "user",
                               user, "password", password, "state-dir", state_dir, NULL);
  self->loop = g_main_loop_new (NULL, FALSE);
  g_signal_connect (self->client, "error", G_CALLBACK (fail_cb), NULL);
}

static void
run_clear (Run *self)
{
  sb_load_usage_clear (&self->from);
  sb_load_usage_clear (&self->to);
  g_main_loop_unref (self->loop);
  g_object_unref (self->client);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!sb_client_connect_finish (SB_CLIENT (source), result, &error))
    fail (error);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!sb_client_close_finish (SB_CLIENT (source), result, &error))
    fail (error);
  g_main_loop_quit (self->loop);
}

static double
get_rate (const Run *self)
{
  return n_messages / ((double) (self->to.time - self->from.time) / 1e9);
}

static void
print (Run *self, GString *line)
{
  g_string_append_printf (line, " rss_mib=%.1f", sb_load_usage_resident_kib (pid) / 1024);
  sb_load_usage_print (&self->from, &self->to, line);
  puts (line->str);
}

/* --- Receiving --- */

static void
message_cb (SbClient *client, SbClientMessage *message, gpointer user_data)
{
  Run *self = user_data;

  if (self->n_done++ == 0)
    sb_load_usage_take (&self->from, pid);
  if (self->n_done < n_messages)
    return;
  sb_load_usage_take (&self->to, pid);
  /* The bus has all confirmations when it has answered the close. */
  sb_client_close_async (self->client, NULL, closed_cb, self);
}

static void
receive (void)
{
  g_autoptr (GString) line = g_string_new ("scenario=client-receive");
  Run self = { NULL };

  run_init (&self, "sub0");
  g_signal_connect (self.client, "message", G_CALLBACK (message_cb), &self);
  sb_client_connect_async (self.client, NULL, connected_cb, NULL);
  g_main_loop_run (self.loop);
  g_string_append_printf (line, " messages=%d received_per_s=%.0f", n_messages, get_rate (&self));
  print (&self, line);
  run_clear (&self);
}

/* --- Sending --- */

static void send_more (Run *self);

static void
kept_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sb_client_send_finish (SB_CLIENT (source), result, &error);

  if (id == NULL)
    fail (error);
  if (++self->n_done == n_messages)
    g_main_loop_quit (self->loop);
  else
    send_more (self);
}

static void
send_one (Run *self)
{
  static const char *const to[] = { "@sub0", NULL };
  g_autofree char *word = g_strnfill (PAYLOAD, 'x');
  g_autofree char *payload = g_strdup_printf ("\"%s\"", word);
  g_autofree char *id = g_strdup_printf ("o-%d", self->n_begun++);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (to, payload, &error);

  if (draft == NULL || !sb_client_draft_set_id (draft, id, &error))
    fail (error);
  sb_client_send_async (self->client, draft, NULL, kept_cb, self);
}

static void
send_more (Run *self)
{
  while (self->n_begun < n_messages && self->n_begun - self->n_done < WINDOW)
    send_one (self);
}

static void
accepted_cb (SbClient *client, const char *id, gpointer user_data)
{
  Run *self = user_data;
  g_autofree char *expected = g_strdup_printf ("o-%d", self->n_accepted);

  if (g_strcmp0 (id, expected) != 0)
    {
      fprintf (stderr, "client-bench: %s was accepted before %s\n", id, expected);
      exit (EXIT_FAILURE);
    }
  if (self->n_accepted++ == 0)
    sb_load_usage_take (&self->from, pid);
}

static void
flushed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!sb_client_flush_finish (SB_CLIENT (source), result, &error))
    fail (error);
  sb_load_usage_take (&self->to, pid);
  sb_client_close_async (self->client, NULL, closed_cb, self);
}

/* Measured from the first word of the bus until the outbox knows on disk that all have gone. */
static void
drain_outbox (void)
{
  g_autoptr (GString) line = g_string_new ("scenario=client-outbox");
  Run self = { NULL };
  gint64 start = g_get_monotonic_time ();
  double kept;

  run_init (&self, "pub0");
  g_signal_connect (self.client, "accepted", G_CALLBACK (accepted_cb), &self);
  send_more (&self);
  g_main_loop_run (self.loop);
  kept = n_messages / ((double) (g_get_monotonic_time () - start) / 1e6);
  sb_client_flush_async (self.client, NULL, flushed_cb, &self);
  sb_client_connect_async (self.client, NULL, connected_cb, NULL);
  g_main_loop_run (self.loop);
  g_string_append_printf (line, " messages=%d kept_per_s=%.0f drained_per_s=%.0f", n_messages, kept,
                          get_rate (&self));
  print (&self, line);
  run_clear (&self);
}

/* --- Files --- */

static void
transfer (const char *path)
{
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%d", http_port);
  g_autofree char *socket_url = g_strdup_printf ("ws://127.0.0.1:%d", port);
  SbClientBenchTransfer options = { url, socket_url, password, state_dir, path, pid };

  sb_client_bench_transfer (&options);
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("receive|outbox|download|upload");
  g_autoptr (GError) error = NULL;
  const char *scenario;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    fail (error);
  scenario = argc == 2 ? argv[1] : "";
  if (g_str_equal (scenario, "receive"))
    receive ();
  else if (g_str_equal (scenario, "outbox"))
    drain_outbox ();
  else if (g_str_equal (scenario, "download") && state_dir != NULL)
    transfer (NULL);
  else if (g_str_equal (scenario, "upload") && state_dir != NULL && file != NULL)
    transfer (file);
  else
    {
      fprintf (stderr, "client-bench: see client-bench --help\n");
      return EXIT_FAILURE;
    }
  g_free (password);
  g_free (state_dir);
  g_free (file);
  return EXIT_SUCCESS;
}

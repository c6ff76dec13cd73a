/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-top: the bus, live. On a terminal a screen that is drawn again with each overview, and
 * when the window changes; elsewhere a line for each.
 */

#include "sb-cli-events.h"
#include "sb-cli-json.h"
#include "sb-cli-pages.h"
#include "sb-cli-screen.h"
#include "sb-cli-top-view.h"
#include "sb-cli-verbs.h"

#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RETRY_SECONDS 2

static int interval = 1;
static int count;

static const GOptionEntry options[] = {
  { "interval", 'i', 0, G_OPTION_ARG_INT, &interval, N_ ("Seconds between two looks, 1 to 60"),
    N_ ("SECONDS") },
  { "count", 'n', 0, G_OPTION_ARG_INT, &count,
    N_ ("End after so many looks; 0, the default: never"), N_ ("N") },
  G_OPTION_ENTRY_NULL,
};

typedef struct
{
  SbCli *cli;          /* (unowned) */
  SbClient *client;    /* (unowned) */
  GMainLoop *loop;     /* (owned) */
  SbCliScreen *screen; /* (owned) (nullable): on a terminal */
  SbCliEvents *events; /* (owned) (nullable) */
  JsonNode *now;       /* (owned) (nullable) */
  JsonNode *before;    /* (owned) (nullable) */
  GError *fault;       /* (owned) (nullable): why nothing comes */
  guint retry;         /* source */
  guint n_looks;
  SbCliStatus status;
} Top;

static JsonObject *
get_object (JsonNode *node)
{
  return node != NULL ? json_node_get_object (node) : NULL;
}

static void
fill_view (Top *self, SbCliTopView *view)
{
  *view = (SbCliTopView) {
    .url = sb_client_get_url (self->client),
    .now = get_object (self->now),
    .before = get_object (self->before),
    .colour = self->cli->colour,
    .columns = 80,
  };
}

static void
draw (Top *self)
{
  SbCliTopView view;
  g_autofree char *fault = self->fault != NULL
                               ? g_strdup_printf (_ ("%s; trying again"), self->fault->message)
                               : NULL;
  g_auto (GStrv) lines = NULL;
  guint rows;

  fill_view (self, &view);
  view.fault = fault;
  sb_cli_screen_get_size (self->screen, &view.columns, &rows);
  lines = sb_cli_top_view_draw (&view);
  sb_cli_screen_show (self->screen, (const char *const *) lines);
}

static void
print_line (Top *self)
{
  SbCliTopView view;
  g_autofree char *line = NULL;

  fill_view (self, &view);
  line = sb_cli_top_view_line (&view);
  if (self->n_looks == 1 && !self->cli->quiet)
    g_print ("%s\n", sb_cli_top_view_headings ());
  g_print ("%s\n", line);
}

static void
quit (Top *self, SbCliStatus status)
{
  self->status = status;
  g_main_loop_quit (self->loop);
}

/* @data: the bus's own bytes, whose numbers nobody has printed again */
static void
show (Top *self, const char *data)
{
  if (self->screen != NULL)
    draw (self);
  else if (self->cli->json)
    g_print ("%s\n", data);
  else
    print_line (self);
  /* Who reads it has gone. */
  if (ferror (stdout))
    quit (self, SB_CLI_FAILED);
}

static void
take_overview (Top *self, const char *data)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, strlen (data));
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = sb_cli_parse_json (bytes, &error);

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return;
  g_clear_error (&self->fault);
  g_clear_pointer (&self->before, json_node_unref);
  self->before = g_steal_pointer (&self->now);
  self->now = g_steal_pointer (&node);
  self->n_looks++;
  show (self, data);
  if (count > 0 && self->n_looks >= (guint) count)
    quit (self, SB_CLI_OK);
}

/* --- The stream --- */

static void begin_stream (Top *self);

static gboolean
retry_cb (gpointer user_data)
{
  Top *self = user_data;

  self->retry = 0;
  begin_stream (self);
  return G_SOURCE_REMOVE;
}

/* A screen waits for the bus to come back; a script is told, and so is who may not look any more.
 * */
static void
end_stream (Top *self, const GError *error)
{
  gboolean is_passing = sb_client_error_is_transient (error);

  if (self->screen == NULL || !is_passing)
    {
      g_clear_pointer (&self->screen, sb_cli_screen_free);
      quit (self, sb_cli_fail (self->cli, error));
      return;
    }
  g_clear_error (&self->fault);
  self->fault = g_error_copy (error);
  if (self->retry == 0)
    self->retry = g_timeout_add_seconds (RETRY_SECONDS, retry_cb, self);
  draw (self);
}

static GError *
explain_end (const char *data)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, strlen (data));
  g_autoptr (JsonNode) node = sb_cli_parse_json (bytes, NULL);
  const char *reason = node != NULL && JSON_NODE_HOLDS_OBJECT (node)
                           ? sb_cli_json_get_string (json_node_get_object (node), "reason")
                           : NULL;
  gboolean is_passing = g_strcmp0 (reason, "forbidden") != 0;

  return g_error_new (SB_CLIENT_ERROR,
                      is_passing ? SB_CLIENT_ERROR_OFFLINE : SB_CLIENT_ERROR_FORBIDDEN,
                      _ ("The bus has ended the stream: %s"), reason != NULL ? reason : "");
}

static void
event_cb (const char *event, const char *data, const GError *error, gpointer user_data)
{
  Top *self = user_data;
  g_autoptr (GError) fault = NULL;

  /* More may be in what was read before it ended. */
  if (!g_main_loop_is_running (self->loop))
    return;
  if (error != NULL)
    end_stream (self, error);
  else if (strcmp (event, "overview") == 0)
    take_overview (self, data);
  else if (strcmp (event, "end") == 0)
    {
      fault = explain_end (data);
      g_clear_pointer (&self->events, sb_cli_events_free);
      end_stream (self, fault);
    }
}

static void
begin_stream (Top *self)
{
  g_autofree char *path = g_strdup_printf ("/api/v1/events?interval=%d", interval);

  g_clear_pointer (&self->events, sb_cli_events_free);
  self->events = sb_cli_events_new (self->client, path, event_cb, self);
}

/* --- The terminal --- */

static gboolean
resized_cb (gpointer user_data)
{
  Top *self = user_data;

  if (self->screen != NULL)
    draw (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
stop_cb (gpointer user_data)
{
  quit (user_data, SB_CLI_OK);
  return G_SOURCE_CONTINUE;
}

static gboolean
key_cb (int fd, GIOCondition condition, gpointer user_data)
{
  char key = 'q';
  gssize n = read (fd, &key, 1);

  /* A terminal that is gone wants nothing any more. */
  if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || key == 'q' || key == 'Q')
    quit (user_data, SB_CLI_OK);
  return G_SOURCE_CONTINUE;
}

static void
watch (Top *self, guint *sources)
{
  sources[0] = g_unix_signal_add (SIGINT, stop_cb, self);
  sources[1] = g_unix_signal_add (SIGTERM, stop_cb, self);
  sources[2] = g_unix_signal_add (SIGHUP, stop_cb, self);
  sources[3] = g_unix_signal_add (SIGWINCH, resized_cb, self);
  if (self->screen != NULL && isatty (STDIN_FILENO))
    sources[4] = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, key_cb, self);
}

static void
run_loop (Top *self)
{
  guint sources[5] = { 0 };

  self->loop = g_main_loop_new (NULL, FALSE);
  watch (self, sources);
  if (self->screen != NULL)
    draw (self);
  begin_stream (self);
  g_main_loop_run (self->loop);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_clear_handle_id (&sources[i], g_source_remove);
  g_clear_handle_id (&self->retry, g_source_remove);
  g_clear_pointer (&self->events, sb_cli_events_free);
  g_clear_pointer (&self->screen, sb_cli_screen_free);
  g_clear_pointer (&self->now, json_node_unref);
  g_clear_pointer (&self->before, json_node_unref);
  g_clear_error (&self->fault);
  g_main_loop_unref (self->loop);
}

static gboolean
is_screen (SbCli *cli)
{
  const char *term = g_getenv ("TERM");

  return isatty (STDOUT_FILENO) && !cli->json && term != NULL && *term != '\0'
         && strcmp (term, "dumb") != 0;
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Top self = { .cli = cli };

  if (argc > 1)
    return sb_cli_usage (cli, _ ("Too many words"));
  if (interval < 1 || interval > 60 || count < 0)
    return sb_cli_usage (cli, _ ("--interval is 1 to 60, --count not below 0"));
  self.client = sb_cli_get_client (cli, &error);
  if (self.client == NULL)
    return sb_cli_fail (cli, error);
  if (is_screen (cli))
    self.screen = sb_cli_screen_new ();
  run_loop (&self);
  return self.status;
}

const SbCliVerb sb_cli_verb_top = {
  .name = "top",
  .arguments = "",
  .summary = N_ ("Watch the bus live"),
  .details = N_ (
      "On a terminal it fills the window until q or Ctrl-C; when the bus is away it waits\n"
      "for it. Elsewhere it prints a line for each look, or with --json the whole overview.\n"
      "\n"
      "  simplebus top\n"
      "  simplebus top --interval 5 --count 12 > minute.log\n"
      "  simplebus top --json --count 1 | jq .backlog"),
  .options = options,
  .run = run,
};

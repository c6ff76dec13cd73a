/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bench: puts a load on a bus that runs on this machine, and prints one line of NAME=VALUE with
 * what was measured. The users are there already: `bench/run` makes them, starts the bus, and
 * knows the options of every scenario.
 */

#include "sb-load-run.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* Not to wake up later than asked for: it would be counted as latency. */
#define TIMER_SLACK_NANOSECONDS 1000

typedef struct
{
  const char *name;
  void (*measure) (SbLoadRun *run);
} Scenario;

static const Scenario scenarios[] = {
  { "flow", sb_load_flow },         { "fill", sb_load_fill },   { "drain", sb_load_drain },
  { "idle", sb_load_idle },         { "serve", sb_load_serve }, { "upload", sb_load_upload },
  { "download", sb_load_download },
};

static const Scenario *
find_scenario (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (scenarios); i++)
    if (g_strcmp0 (scenarios[i].name, name) == 0)
      return &scenarios[i];
  sb_load_fail (
      "the scenario is one of flow, fill, drain, idle, serve, upload and download; see --help");
}

static GOptionContext *
describe_options (SbLoadOptions *options)
{
  const GOptionEntry entries[] = {
    { "port", 0, 0, G_OPTION_ARG_INT, &options->port, "WebSocket port, or that of Redis", "N" },
    { "http-port", 0, 0, G_OPTION_ARG_INT, &options->http_port, "HTTP port", "N" },
    { "protocol", 0, 0, G_OPTION_ARG_STRING, &options->protocol,
      "of the publishers: websocket, http, redis", "NAME" },
    { "password", 0, 0, G_OPTION_ARG_STRING, &options->password, "of all users", "TEXT" },
    { "pid", 0, 0, G_OPTION_ARG_INT, &options->pid, "the server, to watch its usage", "N" },
    { "publishers", 0, 0, G_OPTION_ARG_INT, &options->publishers, "users pub0, pub1, ...", "N" },
    { "recipients", 0, 0, G_OPTION_ARG_INT, &options->recipients, "users sub0, sub1, ...", "N" },
    { "sessions", 0, 0, G_OPTION_ARG_INT, &options->sessions, "users idle0, idle1, ...", "N" },
    { "window", 0, 0, G_OPTION_ARG_INT, &options->window,
      "messages of a publisher that are not accepted yet", "N" },
    { "in-flight", 0, 0, G_OPTION_ARG_INT, &options->in_flight,
      "messages of all that are not delivered yet; 0: any number", "N" },
    { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &options->rate, "messages a second; 0: all it takes",
      "N" },
    { "broadcast-pause", 0, 0, G_OPTION_ARG_INT, &options->broadcast_pause,
      "user all0 sends to $all with such pauses, in ms; -1: it does not", "N" },
    { "direct", 0, 0, G_OPTION_ARG_NONE, &options->direct, "direct messages, which nobody confirms",
      NULL },
    { "ttl", 0, 0, G_OPTION_ARG_INT, &options->ttl, "of every message, in seconds", "N" },
    { "not-before", 0, 0, G_OPTION_ARG_INT, &options->not_before,
      "so many seconds from now every message is due", "N" },
    { "listen-fd", 0, 0, G_OPTION_ARG_INT, &options->listen_fd,
      "for serve: a socket that listens, which /sub0, /sub1, ... are called on", "N" },
    { "uploads", 0, 0, G_OPTION_ARG_INT, &options->uploads, "files that go up beside the flow",
      "N" },
    { "downloads", 0, 0, G_OPTION_ARG_INT, &options->downloads,
      "files that come down beside the flow", "N" },
    { "content", 0, 0, G_OPTION_ARG_FILENAME, &options->content,
      "what files consist of that go up, over and over", "FILE" },
    { "path", 0, 0, G_OPTION_ARG_STRING, &options->path,
      "below /download/, of the file that comes down", "NAME" },
    { "read", 0, 0, G_OPTION_ARG_NONE, &options->reads,
      "what comes down is read; else the kernel drops it without a copy", NULL },
    { "file-size", 0, 0, G_OPTION_ARG_INT, &options->file_size, "MiB of a file", "N" },
    { "size", 0, 0, G_OPTION_ARG_INT, &options->size, "bytes of a payload", "N" },
    { "messages", 0, 0, G_OPTION_ARG_INT, &options->messages,
      "for fill, drain, and each recipient of serve", "N" },
    { "warm-up", 0, 0, G_OPTION_ARG_DOUBLE, &options->warm_up, "seconds before measuring", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &options->seconds, "seconds of measuring", "N" },
    { "no-receipts", 0, 0, G_OPTION_ARG_NONE, &options->no_receipts,
      "publishers ask for no receipts", NULL },
    G_OPTION_ENTRY_NULL
  };
  GOptionContext *context = g_option_context_new ("flow|fill|drain|idle|serve|upload|download");

  g_option_context_add_main_entries (context, entries, NULL);
  return context;
}

static void
check_options (const SbLoadOptions *options)
{
  if (options->publishers < 0 || options->publishers >= SB_LOAD_BROADCASTER_INDEX
      || options->recipients < 0 || options->sessions < 0)
    sb_load_fail ("--publishers, --recipients and --sessions count from 0");
  if (options->window < 1 || options->messages < 1 || options->in_flight < 0)
    sb_load_fail ("--window and --messages are 1 at least, --in-flight is 0 at least");
  if (options->uploads < 0 || options->downloads < 0 || options->file_size < 1
      || (options->uploads > 0 && options->content == NULL)
      || (options->downloads > 0 && options->path == NULL))
    sb_load_fail ("--uploads need --content, --downloads need --path, --file-size is 1 at least");
  if (options->port < 1 || options->port > G_MAXUINT16 || options->http_port < 0
      || options->http_port > G_MAXUINT16)
    sb_load_fail ("--port names the server's, --http-port too where HTTP is wanted");
}

static void
raise_limits (void)
{
  struct rlimit limit;

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  prctl (PR_SET_TIMERSLACK, TIMER_SLACK_NANOSECONDS);
}

int
main (int argc, char *argv[])
{
  SbLoadRun *run = g_new0 (SbLoadRun, 1);
  SbLoadOptions *options = &run->options;
  g_autoptr (GOptionContext) context = describe_options (options);
  g_autoptr (GError) error = NULL;

  *options = (SbLoadOptions) { .publishers = 1,
                               .recipients = 1,
                               .window = 1000,
                               .size = 256,
                               .messages = 100000,
                               .broadcast_pause = -1,
                               .file_size = 1024,
                               .seconds = 10,
                               .warm_up = 1 };
  if (!g_option_context_parse (context, &argc, &argv, &error))
    sb_load_fail ("%s", error->message);
  if (options->password == NULL)
    options->password = g_strdup ("secret");
  if (options->protocol == NULL)
    options->protocol = g_strdup (sb_load_bus.name);
  check_options (options);
  raise_limits ();
  sb_load_run_prepare (run);
  find_scenario (argc == 2 ? argv[1] : NULL)->measure (run);
  sb_load_run_clear (run);
  g_free (run);
  return EXIT_SUCCESS;
}

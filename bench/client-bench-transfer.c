/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * client-bench-transfer: measured from the moment at which the client begins with the file to the
 * one at which it is done: received, verified, flushed, in its place and given back; or sent, and
 * the message committed.
 */

#include "client-bench-transfer.h"

#include "sb-load-usage.h"

#include <simplebus-client.h>
#include <stdio.h>
#include <stdlib.h>

#define SENDER "pub1"
#define RECIPIENT "sub1"

typedef struct
{
  const SbClientBenchTransfer *options;
  SbClient *client;
  GMainLoop *loop;
  gint64 size;
  SbLoadUsage from;
  SbLoadUsage to;
} Run;

static void
fail (const GError *error)
{
  fprintf (stderr, "client-bench: %s\n", error->message);
  exit (EXIT_FAILURE);
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

static void
done_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *self = user_data;
  g_autoptr (GError) error = NULL;

  if (!sb_client_transfer_wait_finish (SB_CLIENT_TRANSFER (source), result, &error))
    fail (error);
  sb_load_usage_take (&self->to, self->options->pid);
  self->size = sb_client_transfer_get_size (SB_CLIENT_TRANSFER (source));
  sb_client_close_async (self->client, NULL, closed_cb, self);
}

static void
begun_cb (SbClient *client, SbClientTransfer *transfer, gpointer user_data)
{
  Run *self = user_data;

  sb_load_usage_take (&self->from, self->options->pid);
  sb_client_transfer_wait_async (transfer, NULL, done_cb, self);
}

static void
send_file (Run *self)
{
  static const char *const to[] = { "@" RECIPIENT, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (to, "{}", &error);
  g_autoptr (SbClientTransfer) transfer = NULL;

  if (draft != NULL)
    transfer = sb_client_send_file (self->client, draft, self->options->path, NULL, &error);
  if (transfer == NULL)
    fail (error);
}

static void
print (Run *self)
{
  double seconds = (double) (self->to.time - self->from.time) / 1e9;
  g_autoptr (GString) line = g_string_new (NULL);

  g_string_printf (line, "scenario=client-%s mb_per_s=%.0f rss_mib=%.1f",
                   self->options->path != NULL ? "upload" : "download",
                   (double) self->size / 1e6 / seconds,
                   sb_load_usage_resident_kib (self->options->pid) / 1024);
  sb_load_usage_print (&self->from, &self->to, line);
  puts (line->str);
}

void
sb_client_bench_transfer (const SbClientBenchTransfer *options)
{
  g_autofree char *state = g_build_filename (options->folder, "state", NULL);
  g_autofree char *downloads = g_build_filename (options->folder, "downloads", NULL);
  Run self = { .options = options };

  self.client = g_object_new (
      SB_TYPE_CLIENT, "url", options->url, "websocket-url", options->websocket_url, "user",
      options->path != NULL ? SENDER : RECIPIENT, "password", options->password, "state-dir", state,
      "download-dir", downloads, NULL);
  self.loop = g_main_loop_new (NULL, FALSE);
  g_signal_connect (self.client, "transfer", G_CALLBACK (begun_cb), &self);
  if (options->path != NULL)
    send_file (&self);
  else
    sb_client_connect_async (self.client, NULL, NULL, NULL);
  g_main_loop_run (self.loop);
  print (&self);
  sb_load_usage_clear (&self.from);
  sb_load_usage_clear (&self.to);
  g_main_loop_unref (self.loop);
  g_object_unref (self.client);
}

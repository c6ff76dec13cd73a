/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * outbox-client: a program that sends numbered messages, to be killed by a test.
 *
 *   outbox-client PORT STATE-DIR FIRST COUNT WINDOW
 *
 * Alice sends bob the payloads FIRST to FIRST + COUNT - 1, at most WINDOW of them before the outbox
 * has the first. Each line on stdout is a promise: "kept N" when the outbox has it, "accepted ID"
 * when the bus has it, "refused N CODE" when the outbox has it not, and it is tried again; "done"
 * when all is accepted.
 */

#include <simplebus-client.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_MS 20

typedef struct
{
  SbClient *client;
  GMainLoop *loop;
  guint next;
  guint end;
  guint window;
  guint n_under_way;
} Sender;

typedef struct
{
  Sender *sender;
  guint number;
} Sending;

static void send_more (Sender *self);

static gboolean
retry_cb (gpointer user_data)
{
  send_more (user_data);
  return G_SOURCE_REMOVE;
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!sb_client_close_finish (SB_CLIENT (source), result, &error))
    g_error ("%s", error->message);
  printf ("done\n");
  g_main_loop_quit (((Sender *) user_data)->loop);
}

static void
flushed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!sb_client_flush_finish (SB_CLIENT (source), result, &error))
    g_error ("%s", error->message);
  sb_client_close_async (SB_CLIENT (source), NULL, closed_cb, user_data);
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Sending *sending = user_data;
  Sender *self = sending->sender;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sb_client_send_finish (SB_CLIENT (source), result, &error);

  self->n_under_way--;
  if (id == NULL)
    {
      printf ("refused %u %d\n", sending->number, error->code);
      self->next = sending->number;
      g_timeout_add (RETRY_MS, retry_cb, self);
      return;
    }
  printf ("kept %u\n", sending->number);
  if (self->next < self->end)
    send_more (self);
  else if (self->n_under_way == 0)
    sb_client_flush_async (self->client, NULL, flushed_cb, self);
}

static void
send_number (Sender *self, guint number)
{
  const char *const to[] = { "@bob", NULL };
  g_autofree char *payload = g_strdup_printf ("%u", number);
  g_autofree char *id = g_strdup_printf ("m-%u", number);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (to, payload, &error);
  Sending *sending = g_new (Sending, 1);

  g_assert_no_error (error);
  sb_client_draft_set_id (draft, id, &error);
  g_assert_no_error (error);
  sending->sender = self;
  sending->number = number;
  self->n_under_way++;
  sb_client_send_async (self->client, draft, NULL, sent_cb, sending);
}

static void
send_more (Sender *self)
{
  while (self->next < self->end && self->n_under_way < self->window)
    send_number (self, self->next++);
}

static void
accepted_cb (SbClient *client, const char *id, gpointer user_data)
{
  printf ("accepted %s\n", id);
}

static void
error_cb (SbClient *client, const char *id, const GError *error, gpointer user_data)
{
  printf ("error %s %d\n", id != NULL ? id : "", error->code);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!sb_client_connect_finish (SB_CLIENT (source), result, &error)
      && !g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CLOSED))
    g_error ("%s", error->message);
}

int
main (int argc, char **argv)
{
  Sender self = { NULL };
  g_autofree char *url = NULL;

  g_assert_cmpint (argc, ==, 6);
  setvbuf (stdout, NULL, _IOLBF, 0);
  url = g_strdup_printf ("http://127.0.0.1:%s", argv[1]);
  self.client = g_object_new (SB_TYPE_CLIENT, "url", url, "user", "alice", "password", "alice-pw",
                              "state-dir", argv[2], NULL);
  self.loop = g_main_loop_new (NULL, FALSE);
  self.next = (guint) g_ascii_strtoull (argv[3], NULL, 10);
  self.end = self.next + (guint) g_ascii_strtoull (argv[4], NULL, 10);
  self.window = (guint) g_ascii_strtoull (argv[5], NULL, 10);
  g_signal_connect (self.client, "accepted", G_CALLBACK (accepted_cb), NULL);
  g_signal_connect (self.client, "error", G_CALLBACK (error_cb), NULL);
  sb_client_connect_async (self.client, NULL, connected_cb, NULL);
  if (self.next < self.end)
    send_more (&self);
  else
    sb_client_flush_async (self.client, NULL, flushed_cb, &self);
  g_main_loop_run (self.loop);
  g_main_loop_unref (self.loop);
  g_object_unref (self.client);
  return EXIT_SUCCESS;
}

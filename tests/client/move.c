/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * move: a program that sends or receives files and may die at any step, for the tests.
 *
 *   move URL USER STATE DOWNLOADS receive N     until so many files were received and confirmed
 *   move URL USER STATE DOWNLOADS send ID PATH  a file to @bob; without a path what is left is sent
 *
 * "received ID PATH" and "sent ID" on stdout tell of it at once.
 */

#include <simplebus-client.h>
#include <stdio.h>
#include <string.h>

typedef struct
{
  GMainLoop *loop;  /* (owned) */
  SbClient *client; /* (owned) */
  guint n_wanted;   /* transfers that have to end */
  guint n_ended;
  int status;
} Move;

static void
waited_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Move *move = user_data;
  SbClientTransfer *transfer = SB_CLIENT_TRANSFER (source);
  g_autoptr (GError) error = NULL;

  if (sb_client_transfer_wait_finish (transfer, result, &error))
    {
      if (sb_client_transfer_is_upload (transfer))
        printf ("sent %s\n", sb_client_transfer_get_id (transfer));
    }
  else
    {
      printf ("failed %s: %s\n", sb_client_transfer_get_id (transfer), error->message);
      move->status = 1;
    }
  fflush (stdout);
  if (++move->n_ended >= move->n_wanted)
    g_main_loop_quit (move->loop);
}

static void
on_transfer (SbClient *client, SbClientTransfer *transfer, gpointer user_data)
{
  sb_client_transfer_wait_async (transfer, NULL, waited_cb, user_data);
}

static void
on_message_download (SbClient *client, SbClientMessage *message, const char *path,
                     gpointer user_data)
{
  printf ("received %s %s\n", sb_client_message_get_id (message), path);
  fflush (stdout);
}

static gboolean
send_file (Move *move, const char *id, const char *path)
{
  const char *const to[] = { "@bob", NULL };
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (to, "1", NULL);
  g_autoptr (SbClientTransfer) transfer = NULL;
  g_autoptr (GError) error = NULL;

  if (sb_client_draft_set_id (draft, id, &error))
    transfer = sb_client_send_file (move->client, draft, path, NULL, &error);
  if (transfer == NULL)
    printf ("refused %s: %s\n", id, error->message);
  return transfer != NULL;
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Move *move = user_data;

  sb_client_close_finish (SB_CLIENT (source), result, NULL);
  g_main_loop_quit (move->loop);
}

int
main (int argc, char **argv)
{
  Move move = { 0 };
  g_autofree char *password = NULL;

  g_return_val_if_fail (argc >= 7, 2);

  password = g_strconcat (argv[2], "-pw", NULL);
  move.loop = g_main_loop_new (NULL, FALSE);
  move.client = g_object_new (SB_TYPE_CLIENT, "url", argv[1], "user", argv[2], "password", password,
                              "state-dir", argv[3], "download-dir", argv[4], NULL);
  g_signal_connect (move.client, "transfer", G_CALLBACK (on_transfer), &move);
  g_signal_connect (move.client, "message-download", G_CALLBACK (on_message_download), NULL);
  if (strcmp (argv[5], "receive") == 0)
    move.n_wanted = (guint) g_ascii_strtoull (argv[6], NULL, 10);
  else if (argc > 7 && !send_file (&move, argv[6], argv[7]))
    return 1;
  sb_client_connect_async (move.client, NULL, NULL, NULL);
  g_main_loop_run (move.loop);
  sb_client_close_async (move.client, NULL, closed_cb, &move);
  g_main_loop_run (move.loop);
  g_object_unref (move.client);
  g_main_loop_unref (move.loop);
  return move.status;
}

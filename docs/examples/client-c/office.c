/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * office: takes orders and files, and answers each order.
 *
 *   SIMPLEBUS_PASSWORD=… office http://bus.example:2555 office received-files
 *
 * It may be killed at any time: what it has not confirmed comes again, and what it has sent is in
 * its outbox.
 */

#include <glib-unix.h>
#include <simplebus-client.h>
#include <stdio.h>
#include <stdlib.h>

static void
answered_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (SbClientMessage) order = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sb_client_send_finish (SB_CLIENT (source), result, &error);

  /* The answer is on disk, so the order is dealt with. */
  if (id != NULL)
    sb_client_confirm (SB_CLIENT (source), sb_client_message_get_id (order));
  else
    g_printerr ("not answered, it will come again: %s\n", error->message);
}

static void
message_cb (SbClient *client, SbClientMessage *order, gpointer user_data)
{
  g_autofree char *to = g_strdup_printf ("@%s", sb_client_message_get_sender (order));
  g_autofree char *id = g_strdup_printf ("answer-%s", sb_client_message_get_id (order));
  g_autofree char *payload = sb_client_message_dup_payload (order);
  g_autofree char *answer = g_strdup_printf ("{\"taken\":%s}", payload);
  const char *addresses[] = { to, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (addresses, answer, &error);

  g_print ("order %s\n", payload);
  /* An id made of the order's: the same order answered twice is one answer. */
  if (draft != NULL && sb_client_draft_set_id (draft, id, &error))
    sb_client_send_async (client, draft, NULL, answered_cb, sb_client_message_ref (order));
  else
    g_printerr ("%s\n", error->message);
}

static void
download_cb (SbClient *client, SbClientMessage *notice, const char *path, gpointer user_data)
{
  g_print ("file %s\n", path);
  sb_client_confirm (client, sb_client_message_get_id (notice));
}

static void
state_cb (SbClient *client, SbClientState state, const GError *reason, gpointer user_data)
{
  g_printerr ("%s%s%s\n", sb_client_state_to_string (state), reason != NULL ? ": " : "",
              reason != NULL ? reason->message : "");
}

static void
error_cb (SbClient *client, const char *id, const GError *error, gpointer user_data)
{
  g_printerr ("%s: %s\n", id != NULL ? id : "the bus", error->message);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer loop)
{
  g_autoptr (GError) error = NULL;

  if (sb_client_connect_finish (SB_CLIENT (source), result, &error))
    return;
  g_printerr ("%s\n", error->message);
  g_main_loop_quit (loop);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer loop)
{
  sb_client_close_finish (SB_CLIENT (source), result, NULL);
  g_main_loop_quit (loop);
}

static gboolean
quit_cb (gpointer loop)
{
  g_main_loop_quit (loop);
  return G_SOURCE_CONTINUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (SbClient) client = NULL;

  if (argc != 4)
    {
      g_printerr ("usage: SIMPLEBUS_PASSWORD=… %s URL USER FOLDER\n", argv[0]);
      return EXIT_FAILURE;
    }
  setvbuf (stdout, NULL, _IOLBF, 0);
  client = g_object_new (SB_TYPE_CLIENT, "url", argv[1], "user", argv[2], "password",
                         g_getenv ("SIMPLEBUS_PASSWORD"), "state-dir", "office-state",
                         "download-dir", argv[3], "auto-confirm", FALSE, NULL);
  g_signal_connect (client, "message", G_CALLBACK (message_cb), NULL);
  g_signal_connect (client, "message-download", G_CALLBACK (download_cb), NULL);
  g_signal_connect (client, "state", G_CALLBACK (state_cb), NULL);
  g_signal_connect (client, "error", G_CALLBACK (error_cb), NULL);
  g_unix_signal_add (SIGTERM, quit_cb, loop);
  g_unix_signal_add (SIGINT, quit_cb, loop);
  sb_client_connect_async (client, NULL, connected_cb, loop);
  g_main_loop_run (loop);
  sb_client_close_async (client, NULL, closed_cb, loop);
  g_main_loop_run (loop);
  return EXIT_SUCCESS;
}

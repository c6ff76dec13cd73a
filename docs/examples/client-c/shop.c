/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * shop: sends an order and a file to the office, and waits until the office has both.
 *
 *   SIMPLEBUS_PASSWORD=… shop http://bus.example:2555 shop invoice.pdf
 *
 * Started without a bus it waits for one. Killed and started again it goes on where it was.
 */

#include <simplebus-client.h>
#include <stdlib.h>

/* What is to be heard of before it ends: two confirmations and one answer. */
typedef struct
{
  GMainLoop *loop;
  guint n_left;
  int status;
} Shop;

static void
count_down (Shop *shop)
{
  if (--shop->n_left == 0)
    g_main_loop_quit (shop->loop);
}

static void
give_up (Shop *shop, const GError *error)
{
  g_printerr ("%s\n", error->message);
  shop->status = EXIT_FAILURE;
  g_main_loop_quit (shop->loop);
}

static void
confirmation_cb (SbClient *client, const char *id, const char *recipient, Shop *shop)
{
  g_print ("%s has %s\n", recipient, id);
  count_down (shop);
}

static void
message_cb (SbClient *client, SbClientMessage *answer, Shop *shop)
{
  g_autofree char *payload = sb_client_message_dup_payload (answer);

  g_print ("%s says %s\n", sb_client_message_get_sender (answer), payload);
  count_down (shop);
}

static void
transfer_cb (SbClientTransfer *transfer, GParamSpec *pspec, gpointer user_data)
{
  g_printerr ("%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes\n",
              sb_client_transfer_get_done (transfer), sb_client_transfer_get_size (transfer));
}

static void
error_cb (SbClient *client, const char *id, const GError *error, Shop *shop)
{
  give_up (shop, error);
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sb_client_send_finish (SB_CLIENT (source), result, &error);

  if (id != NULL)
    g_print ("order %s is in the outbox\n", id);
  else
    give_up (user_data, error);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!sb_client_connect_finish (SB_CLIENT (source), result, &error))
    give_up (user_data, error);
}

static gboolean
send_both (SbClient *client, const char *path, Shop *shop, GError **error)
{
  const char *to[] = { "@office", NULL };
  g_autoptr (SbClientDraft) order = sb_client_draft_new (to, "{\"article\":\"tea\",\"amount\":2}",
                                                         error);
  g_autoptr (SbClientDraft) note = sb_client_draft_new (to, "\"the invoice\"", error);
  g_autoptr (SbClientTransfer) transfer = NULL;

  if (order == NULL || note == NULL)
    return FALSE;
  sb_client_send_async (client, order, NULL, sent_cb, shop);
  transfer = sb_client_send_file (client, note, path, NULL, error);
  if (transfer == NULL)
    return FALSE;
  g_signal_connect (transfer, "notify::done", G_CALLBACK (transfer_cb), NULL);
  return TRUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Shop shop = { loop, 3, EXIT_SUCCESS };
  g_autoptr (SbClient) client = NULL;
  g_autoptr (GError) error = NULL;

  if (argc != 4)
    {
      g_printerr ("usage: SIMPLEBUS_PASSWORD=… %s URL USER FILE\n", argv[0]);
      return EXIT_FAILURE;
    }
  client = g_object_new (SB_TYPE_CLIENT, "url", argv[1], "user", argv[2], "password",
                         g_getenv ("SIMPLEBUS_PASSWORD"), "state-dir", "shop-state", NULL);
  g_signal_connect (client, "confirmation", G_CALLBACK (confirmation_cb), &shop);
  g_signal_connect (client, "message", G_CALLBACK (message_cb), &shop);
  g_signal_connect (client, "error", G_CALLBACK (error_cb), &shop);
  sb_client_connect_async (client, NULL, connected_cb, &shop);
  if (send_both (client, argv[3], &shop, &error))
    g_main_loop_run (loop);
  else
    give_up (&shop, error);
  return shop.status;
}

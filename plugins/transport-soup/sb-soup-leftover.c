/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-leftover: a bounded queue of frames whose senders are gone. */

#include "sb-soup-leftover.h"

#include "sb-soup-frame.h"

/* Each socket leaves a few frames at the most; this bounds a crowd that hangs up at once. */
#define MAX_BYTES (16 * 1024 * 1024)

typedef struct
{
  SbUser *user;  /* (owned) */
  GBytes *frame; /* (owned) */
} Leftover;

static void
leftover_free (gpointer data)
{
  Leftover *self = data;

  sb_user_unref (self->user);
  g_bytes_unref (self->frame);
  g_free (self);
}

/**
 * sb_soup_leftovers_add:
 * @transport: a transport
 * @user: who said it, authenticated
 * @frame: what
 *
 * Keeps a frame for sb_soup_leftovers_handle(). Nothing of it was acknowledged, so what is
 * over the bound may be lost, with a line in the log.
 */
void
sb_soup_leftovers_add (SbSoupTransport *transport, SbUser *user, GBytes *frame)
{
  Leftover *leftover;

  if (transport->leftover_bytes + g_bytes_get_size (frame) > MAX_BYTES)
    {
      g_warning ("a frame of %s is lost: it left while too many others waited for the disk",
                 user->id);
      return;
    }
  leftover = g_new (Leftover, 1);
  leftover->user = sb_user_ref (user);
  leftover->frame = g_bytes_ref (frame);
  transport->leftover_bytes += g_bytes_get_size (frame);
  g_queue_push_tail (&transport->leftovers, leftover);
}

static void
confirm (SbSoupTransport *transport, SbUser *user, const SbEnvelope *envelope)
{
  g_autofree char *id = NULL;

  if (!sb_envelope_has (envelope, SB_MEMBER_DATA) || envelope->data_repeated)
    return;
  id = sb_envelope_dup_string (envelope, SB_MEMBER_DATA, NULL);
  if (id != NULL)
    sb_bus_confirm_async (transport->bus, user, (const char *const[]) { id, NULL }, NULL, NULL);
}

/* A direct message of somebody who is gone is of no use any more. */
static gboolean
is_direct (const SbEnvelope *envelope)
{
  gboolean direct = FALSE;

  return sb_envelope_has (envelope, SB_MEMBER_DIRECT)
         && (!sb_envelope_get_boolean (envelope, SB_MEMBER_DIRECT, &direct, NULL) || direct);
}

/* Returns: %FALSE when the bus cannot take it yet */
static gboolean
carry_out (SbSoupTransport *transport, SbUser *user, GBytes *frame)
{
  SbEnvelope envelope;
  gsize length;
  const char *data = g_bytes_get_data (frame, &length);
  g_autoptr (GError) error = NULL;
  SbFrameKind kind;

  if (length > transport->max_message_size || !sb_envelope_scan (&envelope, data, length, NULL)
      || sb_directory_lookup_key (sb_accounts_get_directory (transport->accounts), user->key)
             == NULL)
    return TRUE;
  kind = sb_frame_classify (&envelope);
  if (kind == SB_FRAME_CONFIRMATION)
    confirm (transport, user, &envelope);
  else if (kind == SB_FRAME_MESSAGE && !is_direct (&envelope)
           && !sb_bus_publish (transport->bus, user, &envelope, 0, NULL, NULL, &error))
    {
      if (g_error_matches (error, SB_ERROR, SB_ERROR_BUSY))
        return FALSE;
      sb_refusals_count (transport->refused_websocket, sb_error_reason (error));
      g_message ("a message of %s was refused after it left: %s", user->id, error->message);
    }
  return TRUE;
}

/**
 * sb_soup_leftovers_handle:
 * @transport: a transport
 *
 * Carries out what the bus can take now, in order.
 */
void
sb_soup_leftovers_handle (SbSoupTransport *transport)
{
  Leftover *first;

  while ((first = g_queue_peek_head (&transport->leftovers)) != NULL
         && !sb_bus_is_congested (transport->bus)
         && carry_out (transport, first->user, first->frame))
    {
      g_queue_pop_head (&transport->leftovers);
      transport->leftover_bytes -= g_bytes_get_size (first->frame);
      leftover_free (first);
    }
}

/**
 * sb_soup_leftovers_clear:
 * @transport: a transport that goes
 *
 * Forgets the rest.
 */
void
sb_soup_leftovers_clear (SbSoupTransport *transport)
{
  g_queue_clear_full (&transport->leftovers, leftover_free);
  transport->leftover_bytes = 0;
}

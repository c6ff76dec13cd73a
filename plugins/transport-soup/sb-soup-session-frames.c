/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-session-frames: what a client says. Messages go to the bus; their
 * outcomes come back later, when the socket may be gone.
 */

#include "sb-soup-session-private.h"

#include <string.h>

/* A longer `uid` is not repeated in an ERROR. */
#define UID_MAX 4096

/* A message on its way to the disk. */
typedef struct
{
  SbSoupSession *session; /* (owned) while it is under way */
  GList link;             /* in the session's list, if that wants to know */
  GBytes *answer;         /* (owned) (nullable): to be sent when it is its turn */
  gboolean is_done;
  gboolean is_listed;
  gsize uid_length;
  char uid[]; /* as the client wrote it */
} Publication;

static Publication *
publication_new (SbSoupSession *session, SbSlice uid)
{
  gsize length = uid.data != NULL && uid.length <= UID_MAX ? uid.length : 0;
  Publication *self = g_malloc (sizeof (Publication) + length);

  memset (self, 0, sizeof (Publication));
  self->session = g_object_ref (session);
  self->link.data = self;
  self->uid_length = length;
  if (length > 0)
    memcpy (self->uid, uid.data, length);
  if (session->wants_accepted)
    {
      self->is_listed = TRUE;
      g_queue_push_tail_link (&session->publications, &self->link);
    }
  return self;
}

static void
publication_free (Publication *self)
{
  if (self->is_listed)
    g_queue_unlink (&self->session->publications, &self->link);
  g_clear_pointer (&self->answer, g_bytes_unref);
  g_object_unref (self->session);
  g_free (self);
}

/* Sends what is durable, up to the first message that is not: they come in the order sent. */
static void
answer_in_order (SbSoupSession *self)
{
  for (;;)
    {
      Publication *first = g_queue_peek_head (&self->publications);

      if (first == NULL || !first->is_done)
        break;
      if (first->answer != NULL)
        sb_soup_session_send (self, first->answer);
      publication_free (first);
    }
}

/* Those that are done and wait for their turn go with the session. */
void
sb_soup_session_forget_publications (SbSoupSession *self)
{
  /* Each holds the session while it is under way: at the end there are none. */
  g_assert (g_queue_is_empty (&self->publications));
}

/* Who asked to be told what is accepted is told as well, in a word, why something is not: it may
 * want to send it again. Older devices get what they always got. */
static void
send_error (SbSoupSession *self, const char *id, SbSlice uid, const char *reason, const char *why)
{
  const char *sender = self->user != NULL ? self->user->id : NULL;

  sb_soup_session_send_take (
      self, sb_frame_new_error (id, sender, uid, self->wants_accepted ? reason : NULL, why));
}

static void
published_cb (const SbPublishResult *result, const GError *error, gpointer user_data)
{
  Publication *publication = user_data;
  g_autoptr (SbSoupSession) self = g_object_ref (publication->session);
  SbSlice uid = { NULL, 0 };

  if (publication->uid_length > 0)
    uid = (SbSlice) { publication->uid, publication->uid_length };
  if (error != NULL)
    {
      sb_refusals_count (self->transport->refused_websocket, sb_error_reason (error));
      send_error (self, result != NULL ? result->id : NULL, uid, sb_error_reason (error),
                  error->message);
    }
  if (!publication->is_listed)
    {
      publication_free (publication);
      return;
    }
  if (error == NULL)
    publication->answer = sb_frame_new_accepted (result->id);
  publication->is_done = TRUE;
  answer_in_order (self);
}

/* The `_id` that the client gave, if it is one. */
static char *
dup_id (const SbEnvelope *envelope)
{
  g_autofree char *id = NULL;

  if (!sb_envelope_has (envelope, SB_MEMBER_ID))
    return NULL;
  id = sb_envelope_dup_string (envelope, SB_MEMBER_ID, NULL);
  return id != NULL && sb_message_check_id (id, NULL) ? g_steal_pointer (&id) : NULL;
}

static void
refuse (SbSoupSession *self, const SbEnvelope *envelope, const char *reason, const char *why)
{
  g_autofree char *id = dup_id (envelope);
  SbSlice uid = envelope->values[SB_MEMBER_UID];

  if (uid.length > UID_MAX)
    uid = (SbSlice) { NULL, 0 };
  send_error (self, id, uid, reason, why);
}

static void
refuse_message (SbSoupSession *self, const SbEnvelope *envelope, const char *reason,
                const char *why)
{
  sb_refusals_count (self->transport->refused_websocket, reason);
  refuse (self, envelope, reason, why);
}

/* Hands a message to the bus. When that can take no more for now, the message waits here: an old
 * client would never send it again. */
static void
publish (SbSoupSession *self, const SbEnvelope *envelope, GBytes *frame)
{
  SbBus *bus = self->transport->bus;
  Publication *publication = publication_new (self, envelope->values[SB_MEMBER_UID]);
  g_autoptr (GError) error = NULL;

  if (sb_bus_publish (bus, self->user, envelope, 0, published_cb, publication, &error))
    {
      if (sb_bus_is_congested (bus))
        sb_soup_session_pause (self, PAUSE_CONGESTED);
      return;
    }
  publication_free (publication);
  if (g_error_matches (error, SB_ERROR, SB_ERROR_BUSY))
    {
      sb_allowance_put_back (&self->allowance);
      g_queue_push_head (&self->held, g_bytes_ref (frame));
      sb_soup_session_pause (self, PAUSE_CONGESTED);
    }
  else
    refuse_message (self, envelope, sb_error_reason (error), error->message);
}

/* A sender on a socket hears of a direct message only what went wrong. */
typedef struct
{
  SbSoupSession *session;     /* (borrowed) */
  const SbEnvelope *envelope; /* (borrowed) */
} Mirrored;

static void
tell_mirrored (SbSoupSession *self, const SbEnvelope *envelope, const char *id, const char *why)
{
  SbSlice uid = envelope->values[SB_MEMBER_UID];

  if (uid.length > UID_MAX)
    uid = (SbSlice) { NULL, 0 };
  send_error (self, id, uid, NULL, why);
}

static void
mirrored_cb (const SbDirectResult *result, gpointer user_data)
{
  const Mirrored *mirrored = user_data;
  g_autofree char *dropped = NULL;
  g_autofree char *why = NULL;

  if (result->dropped[0] != NULL)
    {
      dropped = g_strjoinv (", ", (char **) result->dropped);
      why = g_strdup_printf ("dropped, since the recipient does not keep up: %.1000s", dropped);
      tell_mirrored (mirrored->session, mirrored->envelope, result->id, why);
    }
  else if (result->n_delivered == 0)
    tell_mirrored (mirrored->session, mirrored->envelope, result->id,
                   "nobody of the recipients is online");
}

static void
send_direct (SbSoupSession *self, const SbEnvelope *envelope)
{
  Mirrored mirrored = { self, envelope };
  g_autoptr (GError) error = NULL;

  if (!sb_bus_send_direct (self->transport->bus, self->user, envelope, 0, mirrored_cb, &mirrored,
                           &error))
    refuse_message (self, envelope, sb_error_reason (error), error->message);
}

/* By its mode, if it is not too large, and once the sender may. */
static void
send_message (SbSoupSession *self, const SbEnvelope *envelope, GBytes *frame)
{
  SbClock *clock = sb_bus_get_clock (self->transport->bus);
  g_autoptr (GError) error = NULL;
  gboolean direct = FALSE;

  if (sb_allowance_take (&self->allowance, sb_clock_monotonic (clock)) > 0)
    {
      g_queue_push_head (&self->held, g_bytes_ref (frame));
      sb_soup_session_throttle (self);
    }
  else if (envelope->length > self->transport->max_message_size)
    refuse_message (self, envelope, "too-large", "the message is larger than max-message-size");
  else if (sb_envelope_has (envelope, SB_MEMBER_DIRECT)
           && !sb_envelope_get_boolean (envelope, SB_MEMBER_DIRECT, &direct, &error))
    refuse_message (self, envelope, sb_error_reason (error), error->message);
  else if (direct)
    send_direct (self, envelope);
  else
    publish (self, envelope, frame);
}

static void
confirm (SbSoupSession *self, const SbEnvelope *envelope)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;

  if (!sb_envelope_has (envelope, SB_MEMBER_DATA) || envelope->data_repeated)
    {
      refuse (self, envelope, NULL, "a confirmation needs one \"data\": the _id of the message");
      return;
    }
  id = sb_envelope_dup_string (envelope, SB_MEMBER_DATA, &error);
  if (id == NULL)
    refuse (self, envelope, sb_error_reason (error), error->message);
  else if (self->session != NULL)
    {
      sb_session_confirm (self->session, id);
      if (sb_bus_is_congested (self->transport->bus))
        sb_soup_session_pause (self, PAUSE_CONGESTED);
    }
}

static void
send_pong (SbSoupSession *self)
{
  static const char pong[] = "{\"type\":\"pong\"}";

  sb_soup_session_send_take (self, g_bytes_new_static (pong, sizeof pong - 1));
}

static void
handle_connect (SbSoupSession *self, const SbEnvelope *envelope)
{
  SbSlice nothing = { NULL, 0 };

  if (self->state == STATE_AWAITING)
    sb_soup_session_log_in (self, envelope);
  else
    send_error (self, NULL, nothing, NULL, "this session is logged in already");
}

/**
 * sb_soup_session_handle:
 * @self: a session that is not closing
 * @frame: what the client sent
 *
 * Does what the frame asks for.
 */
void
sb_soup_session_handle (SbSoupSession *self, GBytes *frame)
{
  SbEnvelope envelope;
  SbSlice nothing = { NULL, 0 };
  gsize length;
  const char *data = g_bytes_get_data (frame, &length);
  g_autoptr (GError) error = NULL;
  SbFrameKind kind;

  if (!sb_envelope_scan (&envelope, data, length, &error))
    {
      send_error (self, NULL, nothing, NULL, error->message);
      return;
    }
  kind = sb_frame_classify (&envelope);
  if (kind == SB_FRAME_CONNECT)
    handle_connect (self, &envelope);
  else if (kind == SB_FRAME_PING)
    send_pong (self);
  else if (kind == SB_FRAME_PONG)
    return;
  else if (self->state != STATE_OPEN)
    refuse (self, &envelope, NULL, "log in first, with a connect frame");
  else if (kind == SB_FRAME_CONFIRMATION)
    confirm (self, &envelope);
  else
    send_message (self, &envelope, frame);
}

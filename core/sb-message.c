/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-message: a message and what its `_id` and `type` may be. */

#include "sb-message.h"

#include "sb-error.h"
#include "sb-json-private.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (SbMessage, sb_message, sb_message_ref, sb_message_unref)

/* What the bus itself says with `type`: a client could not tell a message of that type from it. */
static const char *const reserved_types[] = {
  "connect", "confirmation", "ping", "pong", "ERROR", "file", "connected", "accepted", "expired",
};

/**
 * sb_message_new:
 * @id: the `_id`, valid as of [func@message_check_id]
 * @sender: the id of the user who sent it
 * @sender_key: the store's number of that user
 * @body: (transfer full): the exact bytes that recipients get
 * @accepted: when the bus took it, in µs of wall-clock time
 * @not_before: not to be delivered before, in µs of wall-clock time; 0: at once
 * @deadline: of no use after, in µs of wall-clock time; 0: never
 *
 * Returns: (transfer full): a message
 */
SbMessage *
sb_message_new (const char *id, const char *sender, gint64 sender_key, GBytes *body,
                gint64 accepted, gint64 not_before, gint64 deadline)
{
  gsize id_size;
  gsize sender_size;
  SbMessage *self;
  char *strings;

  g_return_val_if_fail (id != NULL && sender != NULL && body != NULL, NULL);

  id_size = strlen (id) + 1;
  sender_size = strlen (sender) + 1;
  self = g_malloc (sizeof *self + id_size + sender_size);
  strings = (char *) (self + 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->id = memcpy (strings, id, id_size);
  self->sender = memcpy (strings + id_size, sender, sender_size);
  self->sender_key = sender_key;
  self->body = body;
  self->accepted = accepted;
  self->not_before = not_before;
  self->deadline = deadline;
  self->file = NULL;
  return self;
}

/**
 * sb_message_new_with_file:
 * @id: the `_id`
 * @sender: the id of the user who sent it
 * @sender_key: the store's number of that user
 * @body: (transfer full): the notice that recipients get
 * @accepted: when the bus took it, in µs of wall-clock time
 * @not_before: not to be delivered before; 0: at once
 * @deadline: of no use after; 0: never
 * @file: (transfer none): what it announces
 *
 * Returns: (transfer full): a message that announces a file
 */
SbMessage *
sb_message_new_with_file (const char *id, const char *sender, gint64 sender_key, GBytes *body,
                          gint64 accepted, gint64 not_before, gint64 deadline, SbFile *file)
{
  SbMessage *self = sb_message_new (id, sender, sender_key, body, accepted, not_before, deadline);

  g_return_val_if_fail (self != NULL && file != NULL, self);

  self->file = sb_file_ref (file);
  return self;
}

/**
 * sb_message_ref:
 * @self: a message
 *
 * May be called in any thread.
 *
 * Returns: (transfer full): the same message, for which one unref more is due
 */
SbMessage *
sb_message_ref (SbMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * sb_message_unref:
 * @self: (transfer full): a message
 *
 * Gives a reference back; the last one frees it, in whichever thread that is.
 */
void
sb_message_unref (SbMessage *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_bytes_unref (self->body);
  g_clear_pointer (&self->file, sb_file_unref);
  g_free (self);
}

/**
 * sb_message_get_size:
 * @self: a message
 *
 * Returns: the length of its body in bytes
 */
gsize
sb_message_get_size (const SbMessage *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return g_bytes_get_size (self->body);
}

static const char *
find_id_fault (const char *id)
{
  gsize length = strlen (id);

  if (length == 0)
    return "is empty";
  if (!sb_json_is_plain (id, length) && !g_utf8_validate (id, (gssize) length, NULL))
    return "is not valid UTF-8";
  if (length > SB_MESSAGE_MAX_ID && g_utf8_strlen (id, (gssize) length) > SB_MESSAGE_MAX_ID)
    return "is longer than " G_STRINGIFY (SB_MESSAGE_MAX_ID) " characters";
  if (sb_utf8_has_control (id, length))
    return "has a control character";
  if (strpbrk (id, "/\\") != NULL)
    return "has a / or \\";
  return NULL;
}

/**
 * sb_message_check_id:
 * @id: what a client wants for the `_id`
 * @error: return location for an error
 *
 * Returns: %TRUE when it has 1 to `SB_MESSAGE_MAX_ID` characters and none that
 *   a path or a log line could stumble over; otherwise %FALSE and
 *   %SB_ERROR_INVALID
 */
gboolean
sb_message_check_id (const char *id, GError **error)
{
  const char *fault;

  g_return_val_if_fail (id != NULL, FALSE);

  fault = find_id_fault (id);
  if (fault == NULL)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "\"_id\" %s", fault);
  return FALSE;
}

/**
 * sb_message_check_type:
 * @envelope: of a message
 * @error: return location for an error
 *
 * Returns: %TRUE when its `type` is absent or none of those that the bus uses
 *   itself; otherwise %FALSE and %SB_ERROR_INVALID
 */
gboolean
sb_message_check_type (const SbEnvelope *envelope, GError **error)
{
  g_return_val_if_fail (envelope != NULL, FALSE);

  if (!sb_envelope_has (envelope, SB_MEMBER_TYPE))
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (reserved_types); i++)
    if (sb_envelope_equals (envelope, SB_MEMBER_TYPE, reserved_types[i]))
      {
        g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                     "\"type\" is \"%s\", which only the bus itself says", reserved_types[i]);
        return FALSE;
      }
  return TRUE;
}

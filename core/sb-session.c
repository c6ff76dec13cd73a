/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-session: the hinge between a path and the bus. Both sides may let go
 * first: the transport closes the session, or the bus closes the path.
 */

#include "sb-session-private.h"

/* Makes a session that holds its path and its queue. */
SbSession *
sb_session_new (SbBus *bus, SbUser *user, SbDelivery *path, SbQueue *queue, SbSessionFlags flags)
{
  SbSession *self = g_new0 (SbSession, 1);

  self->ref_count = 1;
  self->bus = bus;
  self->user = sb_user_ref (user);
  self->path = g_object_ref (path);
  self->queue = sb_queue_ref (queue);
  self->flags = flags;
  self->since = sb_clock_wall (sb_bus_get_clock (bus));
  self->has_receipts = TRUE;
  return self;
}

SbSession *
sb_session_ref (SbSession *self)
{
  self->ref_count++;
  return self;
}

void
sb_session_unref (SbSession *self)
{
  if (--self->ref_count > 0)
    return;
  g_clear_pointer (&self->mirror, sb_mirror_free);
  g_clear_object (&self->path);
  sb_queue_unref (self->queue);
  sb_user_unref (self->user);
  g_free (self->address);
  g_free (self);
}

/* Whether something can be written to its path now. */
gboolean
sb_session_is_ready (SbSession *self)
{
  return self->path != NULL && sb_delivery_is_ready (self->path);
}

/**
 * sb_session_get_user:
 * @self: a session
 *
 * Returns: (transfer none): whose session it is, as of its log-in
 */
SbUser *
sb_session_get_user (SbSession *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->user;
}

/**
 * sb_session_set_origin:
 * @self: a session
 * @transport: name of the transport; static text
 * @address: (nullable): where the user is, for people
 *
 * Tells whence the session comes.
 */
void
sb_session_set_origin (SbSession *self, const char *transport, const char *address)
{
  g_return_if_fail (self != NULL);

  self->transport = transport;
  g_free (self->address);
  self->address = g_strdup (address);
}

/**
 * sb_session_ready:
 * @self: a session
 *
 * The path can take messages again after it said that it was not ready.
 */
void
sb_session_ready (SbSession *self)
{
  g_autoptr (SbSession) session = NULL;

  g_return_if_fail (self != NULL);

  if (self->bus == NULL)
    return;
  /* The path may close the session while it takes a message. */
  session = sb_session_ref (self);
  sb_queue_wake (session->queue);
  if (session->bus != NULL)
    sb_bus_send_receipts (session->bus, session);
}

/**
 * sb_session_confirm:
 * @self: a session
 * @id: of a message
 *
 * The user says that it has the message. An id that it never got is ignored.
 */
void
sb_session_confirm (SbSession *self, const char *id)
{
  g_return_if_fail (self != NULL);

  if (self->bus != NULL && !sb_bus_confirm_direct (self->bus, self, id))
    sb_queue_confirm (self->queue, id, NULL, NULL);
}

/**
 * sb_session_close:
 * @self: (transfer full): a session
 *
 * The path is gone, or the transport is done with it. What was in flight goes
 * back to the queue. Must be called exactly once for a session, also after
 * the bus has closed its path.
 */
void
sb_session_close (SbSession *self)
{
  g_return_if_fail (self != NULL);

  if (self->bus != NULL)
    sb_bus_forget_session (self->bus, self);
  sb_session_unref (self);
}

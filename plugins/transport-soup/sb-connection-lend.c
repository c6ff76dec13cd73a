/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-connection-lend: a connection whose output somebody else writes.
 *
 * Files go from a thread straight to the socket. While a connection is lent, nothing is gathered
 * on a plain one; its borrower takes the room there is, writes until the socket would block, and
 * is called when there is room again. On TLS only this thread can write: the borrower sends
 * through the connection, and is called when all of it has left.
 */

#include "sb-connection-private.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

/**
 * sb_connection_lend:
 * @self: an open connection that nobody else serves any more
 * @func: (scope forever): what to call
 * @user_data: for @func; must live until sb_connection_give_back()
 *
 * Has @func called after sb_connection_await_room(), and once when nothing can be written any
 * more, by whichever side.
 */
void
sb_connection_lend (SbConnection *self, SbConnectionFunc func, gpointer user_data)
{
  g_return_if_fail (SB_IS_CONNECTION (self));
  g_return_if_fail (func != NULL && self->lend_func == NULL);

  self->lend_func = func;
  self->lend_data = user_data;
  sb_connection_flush (self);
}

/**
 * sb_connection_give_back:
 * @self: a connection that was lent, and that no thread writes to any more
 *
 * Ends it. Does nothing on one that is not lent.
 */
void
sb_connection_give_back (SbConnection *self)
{
  g_return_if_fail (SB_IS_CONNECTION (self));

  self->lend_func = NULL;
  self->awaiting = FALSE;
  self->writable = TRUE; /* the next write tells */
}

/**
 * sb_connection_is_usable:
 * @self: a connection
 *
 * Returns: whether what is written now has a chance to arrive: it is open, and no write has failed
 */
gboolean
sb_connection_is_usable (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), FALSE);
  return sb_connection_is_open (self) && self->output_failure == NULL;
}

/* Whether the borrower waits for nothing any more. */
static gboolean
has_room (SbConnection *self)
{
  return sb_gather_get_length (&self->gathered) == 0 && (self->is_tls || self->writable);
}

/* Sees to it that the borrower is called, when there is something to tell. */
void
sb_connection_note_room (SbConnection *self)
{
  if (self->awaiting && (has_room (self) || !sb_connection_is_usable (self)))
    sb_connection_queue_notify (self);
}

/* Calls the borrower, from the loop. */
void
sb_connection_tell_borrower (SbConnection *self)
{
  SbConnectionFunc func = self->lend_func;

  if (func == NULL)
    return;
  if (!sb_connection_is_usable (self))
    self->lend_func = NULL;
  else if (!self->awaiting || !has_room (self))
    return;
  self->awaiting = FALSE;
  func (self, self->lend_data);
}

/**
 * sb_connection_take_room:
 * @self: a connection that is lent
 *
 * To be called before a thread writes to the socket: from now on the connection notes whether
 * the socket takes more again.
 *
 * Returns: whether there is room; if not, wait for it
 */
gboolean
sb_connection_take_room (SbConnection *self)
{
  g_return_val_if_fail (SB_IS_CONNECTION (self), FALSE);

  if (!has_room (self))
    return FALSE;
  if (!self->is_tls)
    self->writable = FALSE;
  return TRUE;
}

/**
 * sb_connection_note_sent:
 * @self: a connection that is lent
 * @n: bytes that a thread has written
 * @is_full: whether the socket would block
 *
 * Tells what became of the room that was taken.
 */
void
sb_connection_note_sent (SbConnection *self, guint64 n, gboolean is_full)
{
  g_return_if_fail (SB_IS_CONNECTION (self));

  self->written += n;
  if (!is_full)
    self->writable = TRUE;
}

/**
 * sb_connection_await_room:
 * @self: a connection that is lent
 *
 * Has the function called when there is room. The deadline for output counts until then.
 */
void
sb_connection_await_room (SbConnection *self)
{
  g_return_if_fail (SB_IS_CONNECTION (self));

  self->awaiting = TRUE;
  self->unacknowledged = G_MAXINT;
  self->output_since = g_get_monotonic_time ();
  sb_connection_note_room (self);
}

/* The socket says that it takes more only when much of its buffer is free again, which a slow
 * peer reaches late: each byte that it has taken counts. */
void
sb_connection_note_progress (SbConnection *self, gint64 now)
{
  int unacknowledged = 0;

  if (!self->awaiting || ioctl (self->watch.fd, SIOCOUTQ, &unacknowledged) != 0)
    return;
  if (unacknowledged < self->unacknowledged)
    self->output_since = now;
  self->unacknowledged = unacknowledged;
}

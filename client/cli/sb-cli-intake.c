/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-intake: a queue with a memory. Both are bounded: what does not fit is not taken, and comes
 * again; what was done longest ago is forgotten first.
 */

#include "sb-cli-intake.h"

#define MAX_MESSAGES 4096
#define MAX_BYTES (64 * 1024 * 1024)
#define MAX_REMEMBERED 16384

struct _SbCliIntake
{
  SbCliIntakeWork work;
  SbCliIntakeConfirm confirm;
  gpointer user_data;
  guint parallel;
  guint n_working;
  gsize bytes; /* of messages in hand */
  guint64 n_done;
  gboolean is_stopped;
  gboolean is_paused;
  gboolean is_beginning;
  GQueue waiting;    /* of SbClientMessage (owned) */
  GHashTable *hand;  /* (owned) id → SbClientMessage, waiting or worked on */
  GHashTable *done;  /* (owned) set of ids */
  GQueue done_order; /* of ids in @done, the oldest first */
};

/**
 * sb_cli_intake_new:
 * @parallel: how many are worked on at a time; 0: any number
 * @work: begins the work on one
 * @confirm: called for what was done, once more each time that it comes again
 * @user_data: for both
 *
 * Returns: (transfer full): an intake
 */
SbCliIntake *
sb_cli_intake_new (guint parallel, SbCliIntakeWork work, SbCliIntakeConfirm confirm,
                   gpointer user_data)
{
  SbCliIntake *self = g_new0 (SbCliIntake, 1);

  self->parallel = parallel;
  self->work = work;
  self->confirm = confirm;
  self->user_data = user_data;
  g_queue_init (&self->waiting);
  g_queue_init (&self->done_order);
  self->hand = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                      (GDestroyNotify) sb_client_message_unref);
  self->done = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

/**
 * sb_cli_intake_free:
 * @self: (transfer full): an intake that nobody works for any more
 *
 * Frees it.
 */
void
sb_cli_intake_free (SbCliIntake *self)
{
  g_queue_clear_full (&self->waiting, (GDestroyNotify) sb_client_message_unref);
  g_queue_clear (&self->done_order);
  g_hash_table_unref (self->hand);
  g_hash_table_unref (self->done);
  g_free (self);
}

static gsize
get_size (SbClientMessage *message)
{
  return g_bytes_get_size (sb_client_message_get_bytes (message));
}

/* The work may be done, and the next one begun, before the call returns: a loop, no recursion. */
static void
begin (SbCliIntake *self)
{
  if (self->is_beginning)
    return;
  self->is_beginning = TRUE;
  while (!self->is_stopped && !self->is_paused
         && (self->parallel == 0 || self->n_working < self->parallel)
         && !g_queue_is_empty (&self->waiting))
    {
      g_autoptr (SbClientMessage) message = g_queue_pop_head (&self->waiting);

      self->n_working++;
      self->work (message, self->user_data);
    }
  self->is_beginning = FALSE;
}

/**
 * sb_cli_intake_set_parallel:
 * @self: an intake
 * @parallel: how many are worked on at a time; 0: any number
 *
 * Changes it, from the next one on.
 */
void
sb_cli_intake_set_parallel (SbCliIntake *self, guint parallel)
{
  self->parallel = parallel;
  begin (self);
}

static void
remember (SbCliIntake *self, const char *id)
{
  char *key;

  if (g_hash_table_contains (self->done, id))
    return;
  if (g_queue_get_length (&self->done_order) >= MAX_REMEMBERED)
    g_hash_table_remove (self->done, g_queue_pop_head (&self->done_order));
  key = g_strdup (id);
  g_hash_table_add (self->done, key);
  g_queue_push_tail (&self->done_order, key);
  self->n_done++;
}

/**
 * sb_cli_intake_offer:
 * @self: an intake
 * @message: what came, perhaps not for the first time
 *
 * Takes a message, unless it was taken before.
 *
 * Returns: %FALSE when it was not taken because there is too much in hand
 */
gboolean
sb_cli_intake_offer (SbCliIntake *self, SbClientMessage *message)
{
  const char *id = sb_client_message_get_id (message);

  if (self->is_stopped)
    return FALSE;
  if (g_hash_table_contains (self->hand, id))
    return TRUE;
  if (g_hash_table_contains (self->done, id))
    {
      self->confirm (id, self->user_data);
      return TRUE;
    }
  if (g_hash_table_size (self->hand) > 0
      && (g_hash_table_size (self->hand) >= MAX_MESSAGES
          || self->bytes + get_size (message) > MAX_BYTES))
    return FALSE;
  g_hash_table_insert (self->hand, (char *) id, sb_client_message_ref (message));
  self->bytes += get_size (message);
  g_queue_push_tail (&self->waiting, sb_client_message_ref (message));
  begin (self);
  return TRUE;
}

/**
 * sb_cli_intake_done:
 * @self: an intake
 * @id: of a message that is worked on
 * @is_well: whether it is to be confirmed; else it is worked on again when it comes again
 *
 * Ends the work on a message.
 */
void
sb_cli_intake_done (SbCliIntake *self, const char *id, gboolean is_well)
{
  SbClientMessage *message = g_hash_table_lookup (self->hand, id);

  g_return_if_fail (message != NULL);

  if (is_well)
    {
      remember (self, id);
      self->confirm (id, self->user_data);
    }
  self->n_working--;
  self->bytes -= get_size (message);
  g_hash_table_remove (self->hand, sb_client_message_get_id (message));
  begin (self);
}

/**
 * sb_cli_intake_set_paused:
 * @self: an intake
 * @paused: whether nothing is begun
 *
 * Begins nothing for a while. What comes meanwhile is taken.
 */
void
sb_cli_intake_set_paused (SbCliIntake *self, gboolean paused)
{
  self->is_paused = paused;
  begin (self);
}

/**
 * sb_cli_intake_stop:
 * @self: an intake
 *
 * Begins nothing any more; what is worked on may come to its end.
 */
void
sb_cli_intake_stop (SbCliIntake *self)
{
  SbClientMessage *message;

  self->is_stopped = TRUE;
  while ((message = g_queue_pop_head (&self->waiting)) != NULL)
    {
      self->bytes -= get_size (message);
      g_hash_table_remove (self->hand, sb_client_message_get_id (message));
      sb_client_message_unref (message);
    }
}

/**
 * sb_cli_intake_get_length:
 * @self: an intake
 *
 * Returns: how many messages are worked on or wait for that
 */
guint
sb_cli_intake_get_length (SbCliIntake *self)
{
  return g_hash_table_size (self->hand);
}

/**
 * sb_cli_intake_get_n_done:
 * @self: an intake
 *
 * Returns: how many messages were done
 */
guint64
sb_cli_intake_get_n_done (SbCliIntake *self)
{
  return self->n_done;
}

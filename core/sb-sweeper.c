/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sweeper: one SB_OPERATION_SWEEP at a time, when something is due.
 *
 * How much a slice takes follows how much ended since the last one, so that
 * forgetting keeps pace with remembering at any load. A wall clock that stands
 * behind the newest stored time is wrong: nothing expires until it has caught up.
 */

#include "sb-sweeper.h"

#include "sb-names.h"
#include "sb-operation.h"

#define MIN_SLICE 64
#define MAX_SLICE 1024

/* How long to wait between sweeps when something ended, and when nothing did. */
#define BUSY_INTERVAL (1 * G_USEC_PER_SEC)
#define IDLE_INTERVAL (30 * G_USEC_PER_SEC)

struct _SbSweeper
{
  guint ref_count;    /* the owner, and the sweep under way */
  SbJournal *journal; /* (owned) */
  SbClock *clock;     /* (owned) */
  SbSweeperFunc func; /* (nullable) %NULL: the owner is gone */
  gpointer user_data;

  gint64 last_time;  /* wall clock: the newest time that was stored */
  gint64 next;       /* wall clock: when something is due; 0: nothing is */
  gint64 last_sweep; /* monotonic */
  guint n_ended;     /* since the last sweep */
  gboolean sweeping;
  gboolean more;
  gboolean failed; /* the last sweep did: it is due again, but in a while */
  gboolean told;   /* that the clock is behind */
};

static void sweep (SbSweeper *self);

static void
sb_sweeper_unref (SbSweeper *self)
{
  if (--self->ref_count > 0)
    return;
  g_object_unref (self->clock);
  g_object_unref (self->journal);
  g_free (self);
}

static void
swept_cb (SbOperation *operation, const GError *error, gpointer user_data)
{
  SbSweeper *self = user_data;

  self->sweeping = FALSE;
  self->failed = error != NULL;
  if (error != NULL)
    self->more = TRUE;
  else if (self->func != NULL)
    {
      self->more = operation->sweep.more;
      if (operation->sweep.next > 0)
        self->next = self->next > 0 ? MIN (self->next, operation->sweep.next)
                                    : operation->sweep.next;
      /* Who hears of it may be the end of the owner. */
      for (guint i = 0; self->func != NULL && i < operation->sweep.moved->len; i++)
        self->func (&g_array_index (operation->sweep.moved, SbDue, i), self->user_data);
      if (self->more && self->func != NULL && sb_journal_is_open (self->journal))
        sweep (self);
    }
  sb_sweeper_unref (self);
}

static gboolean
is_clock_behind (SbSweeper *self, gint64 now)
{
  gboolean behind = now < self->last_time;

  if (behind && !self->told)
    g_log_structured (
        G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", SB_MESSAGE_ID_CLOCK, "MESSAGE",
        "the clock is %" G_GINT64_FORMAT " s behind the newest stored message: nothing "
        "expires until it has caught up; check the machine's time",
        (self->last_time - now) / G_USEC_PER_SEC);
  self->told = behind;
  return behind;
}

static void
sweep (SbSweeper *self)
{
  gint64 now = sb_clock_wall (self->clock);
  SbOperation *operation;

  if (is_clock_behind (self, now))
    return;
  operation = sb_operation_new (SB_OPERATION_SWEEP, swept_cb, self);
  operation->sweep.now = now;
  operation->sweep.limit = CLAMP (2 * self->n_ended, MIN_SLICE, MAX_SLICE);
  self->ref_count++;
  self->sweeping = TRUE;
  self->more = FALSE;
  self->n_ended = 0;
  self->next = 0;
  self->last_time = now;
  self->last_sweep = sb_clock_monotonic (self->clock);
  sb_journal_submit (self->journal, operation);
}

/**
 * sb_sweeper_new:
 * @journal: (transfer none): an open journal
 * @clock: (transfer none): what time it is
 * @last_time: the newest wall-clock time in the store, microseconds
 * @func: hears of each delivery that moved
 * @user_data: for @func
 *
 * Returns: (transfer full): a sweeper that begins with its first tick
 */
SbSweeper *
sb_sweeper_new (SbJournal *journal, SbClock *clock, gint64 last_time, SbSweeperFunc func,
                gpointer user_data)
{
  SbSweeper *self = g_new0 (SbSweeper, 1);

  self->ref_count = 1;
  self->journal = g_object_ref (journal);
  self->clock = g_object_ref (clock);
  self->last_time = last_time;
  self->func = func;
  self->user_data = user_data;
  self->more = TRUE;
  return self;
}

/**
 * sb_sweeper_free:
 * @self: (transfer full): a sweeper
 *
 * @func is not called any more, also for a sweep that is under way.
 */
void
sb_sweeper_free (SbSweeper *self)
{
  self->func = NULL;
  sb_sweeper_unref (self);
}

/**
 * sb_sweeper_tick:
 * @self: a sweeper
 *
 * Sweeps if something is due. Called a few times a second.
 */
void
sb_sweeper_tick (SbSweeper *self)
{
  gint64 since = sb_clock_monotonic (self->clock) - self->last_sweep;
  gboolean due = self->next > 0 && self->next <= sb_clock_wall (self->clock);

  if (self->sweeping || (self->failed && since < BUSY_INTERVAL))
    return;
  if (due || self->more || since >= IDLE_INTERVAL || (self->n_ended > 0 && since >= BUSY_INTERVAL))
    sweep (self);
}

/**
 * sb_sweeper_note_time:
 * @self: a sweeper
 * @wall: wall clock, microseconds: something that was just stored is due then
 */
void
sb_sweeper_note_time (SbSweeper *self, gint64 wall)
{
  self->next = self->next > 0 ? MIN (self->next, wall) : wall;
}

/**
 * sb_sweeper_note_ended:
 * @self: a sweeper
 *
 * A delivery ended: there will be something to forget.
 */
void
sb_sweeper_note_ended (SbSweeper *self)
{
  self->n_ended++;
}

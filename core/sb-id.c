/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-id: 32 hexadecimal digits, of which 12 are the time in milliseconds, 4 the
 * part of the millisecond, and 16 random.
 *
 * The first 16 digits are one number, and an id takes the last one plus 1 when
 * the clock has not moved beyond it: that is what keeps ids apart and in order,
 * and two makers apart are the random digits.
 */

#include "sb-id.h"

#include <errno.h>
#include <sys/random.h>

/* Ids run ahead of the clock when more are made than it has ticks for (65 in a microsecond), and a
 * new maker begins that far behind the last time known: 65,536 ids. */
#define AHEAD_US 1000

static guint64
get_upper_half (gint64 wall_us)
{
  guint64 us = (guint64) MAX (wall_us, 0);

  return us / 1000 << 16 | us % 1000 * 65536 / 1000;
}

/* Many at once, because a system call costs more than an id. */
static void
refill_random (SbIdMaker *self)
{
  char *bytes = (char *) self->random;
  gsize filled = 0;

  while (filled < sizeof self->random)
    {
      gssize got = getrandom (bytes + filled, sizeof self->random - filled, 0);

      if (got > 0)
        filled += (gsize) got;
      else if (errno != EINTR)
        g_error ("no random numbers from the system: %s", g_strerror (errno));
    }
  self->next = 0;
}

static char *
put_hex (char *out, guint64 number)
{
  for (int shift = 60; shift >= 0; shift -= 4)
    *out++ = "0123456789abcdef"[number >> shift & 0xf];
  return out;
}

/**
 * sb_id_maker_init:
 * @self: (out caller-allocates): the maker
 * @last_wall_us: the latest time at which ids are known to have been made, in
 *   µs of wall-clock time; 0 when there are none
 *
 * Prepares to make ids that are greater than those of an earlier maker, also
 * when the clock has been set back since.
 */
void
sb_id_maker_init (SbIdMaker *self, gint64 last_wall_us)
{
  g_return_if_fail (self != NULL);

  self->last = last_wall_us > 0 ? get_upper_half (last_wall_us + AHEAD_US) : 0;
  refill_random (self);
}

/**
 * sb_id_make:
 * @self: the maker
 * @wall_us: the time, in µs of wall-clock time
 * @out: (out caller-allocates): 32 lower-case hexadecimal digits and a terminator
 *
 * Makes an id that is greater, as a string, than all that this maker made before.
 */
void
sb_id_make (SbIdMaker *self, gint64 wall_us, char out[SB_ID_SIZE])
{
  g_return_if_fail (self != NULL && out != NULL);

  if (self->next == G_N_ELEMENTS (self->random))
    refill_random (self);
  self->last = MAX (self->last + 1, get_upper_half (wall_us));

  out = put_hex (out, self->last);
  out = put_hex (out, self->random[self->next]);
  *out = '\0';
  self->random[self->next++] = 0; /* nobody finds used ones in memory */
}

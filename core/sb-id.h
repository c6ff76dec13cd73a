/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-id: the ids that the bus gives to messages without one.
 *
 * They sort by the time they were made at, grow whatever the clock does, and
 * cannot be guessed.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define SB_ID_SIZE 33 /* 32 hexadecimal digits and the end */

/**
 * SbIdMaker:
 *
 * Makes ids. It belongs to one thread.
 */
typedef struct
{
  /*< private >*/
  guint64 last; /* the upper half of the last id */
  guint next;   /* of the random numbers, the one to use next */
  guint64 random[128];
} SbIdMaker;

void sb_id_maker_init (SbIdMaker *self, gint64 last_wall_us);
void sb_id_make (SbIdMaker *self, gint64 wall_us, char out[SB_ID_SIZE]);

G_END_DECLS

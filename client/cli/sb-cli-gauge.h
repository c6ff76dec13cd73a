/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-gauge: one line of a progress display, made to fit any terminal. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * SbCliGauge:
 * @name: what moves; fit for a terminal already
 * @done: bytes that are there
 * @size: bytes in all; -1: not known
 * @rate: bytes by second; 0: not known
 * @left: seconds that it will take; below 0: not known
 * @note: (nullable): in place of rate and time left, "waiting" for instance
 *
 * What a line shows.
 */
typedef struct
{
  const char *name;
  gint64 done;
  gint64 size;
  double rate;
  double left;
  const char *note;
} SbCliGauge;

char *sb_cli_gauge_format (const SbCliGauge *self, guint columns);
char *sb_cli_fit_text (const char *text, guint columns);

G_END_DECLS

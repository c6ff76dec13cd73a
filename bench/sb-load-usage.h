/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-usage: processor time and memory of the server under load and of the generator
 * itself, as /proc tells them. Without the two side by side a figure says nothing: a generator
 * at 100 % has measured itself.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * SbLoadUsage:
 * @time: of the snapshot, in nanoseconds
 * @generator: seconds of processor time of this process so far
 * @server: seconds of the server so far, to the nanosecond
 * @machine: seconds that all processors were busy so far
 * @wake_ups: how often threads of the server have waited for something and gone on, so far
 * @threads: (element-type utf8 double): seconds of the server's threads, by name
 */
typedef struct
{
  gint64 time;
  double generator;
  double server;
  double machine;
  guint64 wake_ups;
  GHashTable *threads;
} SbLoadUsage;

void sb_load_usage_take (SbLoadUsage *self, int pid);
void sb_load_usage_clear (SbLoadUsage *self);
void sb_load_usage_print (const SbLoadUsage *from, const SbLoadUsage *to, GString *line);

double sb_load_usage_resident_kib (int pid);
void sb_load_usage_forget_peak (int pid);
double sb_load_usage_peak_kib (int pid);

G_END_DECLS

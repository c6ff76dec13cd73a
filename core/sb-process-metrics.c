/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-process-metrics: what the process takes of the machine, by the names that everybody uses. */

#include "sb-bus-private.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double
get_cpu (gpointer user_data)
{
  struct timespec spent;

  if (clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &spent) != 0)
    return 0;
  return (double) spent.tv_sec + spent.tv_nsec / 1e9;
}

static double
get_memory (gpointer user_data)
{
  FILE *file = fopen ("/proc/self/statm", "re");
  unsigned long pages = 0;

  if (file == NULL)
    return 0;
  if (fscanf (file, "%*u %lu", &pages) != 1)
    pages = 0;
  fclose (file);
  return (double) pages * (double) sysconf (_SC_PAGESIZE);
}

/* A system call for some hundred of them. */
static double
count_descriptors (gpointer user_data)
{
  DIR *folder = opendir ("/proc/self/fd");
  const struct dirent *entry;
  guint n = 0;

  if (folder == NULL)
    return 0;
  while ((entry = readdir (folder)) != NULL)
    n += entry->d_name[0] != '.';
  closedir (folder);
  return n - 1; /* the one to look with */
}

static double
get_max_descriptors (gpointer user_data)
{
  struct rlimit limit;

  return getrlimit (RLIMIT_NOFILE, &limit) == 0 ? (double) limit.rlim_cur : 0;
}

static double
get_start (gpointer user_data)
{
  const SbBus *self = user_data;

  if (self->started == 0)
    return 0;
  return (double) (sb_clock_wall (self->clock) - sb_clock_monotonic (self->clock) + self->started)
         / G_USEC_PER_SEC;
}

/* Once. */
void
sb_bus_add_process_metrics (SbBus *self)
{
  guint id = sb_metrics_reading (self->metrics, "process_cpu_seconds_total",
                                 "Processor time, of all threads", NULL, get_cpu, self);

  g_array_append_val (self->gauges, id);
  sb_bus_add_gauge (self, "process_resident_memory_bytes", "Memory in use", NULL, get_memory, self);
  sb_bus_add_gauge (self, "process_open_fds", "Open file descriptors", NULL, count_descriptors,
                    self);
  sb_bus_add_gauge (self, "process_max_fds", "File descriptors that may be open", NULL,
                    get_max_descriptors, self);
  sb_bus_add_gauge (self, "process_start_time_seconds", "Unix time of the start of the bus", NULL,
                    get_start, self);
}

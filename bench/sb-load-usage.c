/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-load-usage: processor time and memory, as /proc tells them. */

#include "sb-load-usage.h"

#include "sb-load-loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double
seconds_of (struct timeval time)
{
  return (double) time.tv_sec + (double) time.tv_usec / 1e6;
}

/* Reads a file of /proc; the server may be gone, which counts as nothing used. */
static char *
read_text (const char *path)
{
  char *text = NULL;

  return g_file_get_contents (path, &text, NULL, NULL) ? text : g_strdup ("");
}

/* Seconds from a `stat` file of a process or thread; @name is what stands in its brackets. */
static double
parse_stat (const char *text, char **name)
{
  const char *open = strchr (text, '(');
  const char *close = strrchr (text, ')');
  guint64 user = 0, system = 0;

  if (open == NULL || close == NULL)
    return 0;
  if (name != NULL)
    *name = g_strndup (open + 1, (gsize) (close - open - 1));
  if (sscanf (close + 2,
              "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" G_GUINT64_FORMAT
              " %" G_GUINT64_FORMAT,
              &user, &system)
      != 2)
    return 0;
  return (double) (user + system) / (double) sysconf (_SC_CLK_TCK);
}

/* Finer than /proc, whose ticks are as long as an idle server runs in a minute. */
static double
get_process_seconds (int pid)
{
  clockid_t clock;
  struct timespec used;

  if (pid == 0 || clock_getcpuclockid (pid, &clock) != 0 || clock_gettime (clock, &used) != 0)
    return 0;
  return (double) used.tv_sec + (double) used.tv_nsec / 1e9;
}

static double
get_machine_seconds (void)
{
  g_autofree char *text = read_text ("/proc/stat");
  guint64 user = 0, nice = 0, system = 0, interrupts = 0, soft_interrupts = 0;

  if (sscanf (text,
              "cpu %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
              " %*u %*u %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT,
              &user, &nice, &system, &interrupts, &soft_interrupts)
      != 5)
    return 0;
  return (double) (user + nice + system + interrupts + soft_interrupts)
         / (double) sysconf (_SC_CLK_TCK);
}

static void
add_thread (GHashTable *threads, const char *stat)
{
  char *name = NULL;
  double seconds = parse_stat (stat, &name);
  double *sum;

  if (name == NULL)
    return;
  sum = g_hash_table_lookup (threads, name);
  if (sum == NULL)
    {
      sum = g_new0 (double, 1);
      g_hash_table_insert (threads, g_steal_pointer (&name), sum);
    }
  *sum += seconds;
  g_free (name);
}

static guint64
get_wake_ups (const char *folder, const char *task)
{
  static const char name[] = "\nvoluntary_ctxt_switches:";
  g_autofree char *path = g_build_filename (folder, task, "status", NULL);
  g_autofree char *text = read_text (path);
  const char *line = strstr (text, name);

  return line != NULL ? g_ascii_strtoull (line + strlen (name), NULL, 10) : 0;
}

static GHashTable *
get_threads (int pid, guint64 *wake_ups)
{
  GHashTable *threads = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *folder = g_strdup_printf ("/proc/%d/task", pid);
  g_autoptr (GDir) tasks = g_dir_open (folder, 0, NULL);
  const char *task;

  *wake_ups = 0;
  while (tasks != NULL && (task = g_dir_read_name (tasks)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, task, "stat", NULL);
      g_autofree char *text = read_text (path);

      add_thread (threads, text);
      *wake_ups += get_wake_ups (folder, task);
    }
  return threads;
}

/* @pid may be 0: there is no server to watch. */
void
sb_load_usage_take (SbLoadUsage *self, int pid)
{
  struct rusage own;

  sb_load_usage_clear (self);
  getrusage (RUSAGE_SELF, &own);
  self->time = sb_load_now ();
  self->generator = seconds_of (own.ru_utime) + seconds_of (own.ru_stime);
  self->server = get_process_seconds (pid);
  self->machine = get_machine_seconds ();
  self->threads = get_threads (pid, &self->wake_ups);
}

void
sb_load_usage_clear (SbLoadUsage *self)
{
  g_clear_pointer (&self->threads, g_hash_table_unref);
}

static double
get_thread_seconds (const SbLoadUsage *usage, const char *name)
{
  const double *seconds = g_hash_table_lookup (usage->threads, name);

  return seconds != NULL ? *seconds : 0;
}

/* `threads=main:95,journal:40`: those that took at least one per cent. */
static void
print_threads (const SbLoadUsage *from, const SbLoadUsage *to, double elapsed, GString *line)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (to->threads),
                                         (GCompareFunc) g_strcmp0);
  const char *separator = "";

  g_string_append (line, " threads=");
  for (GList *i = names; i != NULL; i = i->next)
    {
      double used = get_thread_seconds (to, i->data) - get_thread_seconds (from, i->data);
      g_autofree char *name = g_strdelimit (g_strdup (i->data), " ", '_');

      if (used / elapsed < 0.01)
        continue;
      g_string_append_printf (line, "%s%s:%.0f", separator, name, 100 * used / elapsed);
      separator = ",";
    }
}

/* Appends what was used between two snapshots, in per cent of one processor. */
void
sb_load_usage_print (const SbLoadUsage *from, const SbLoadUsage *to, GString *line)
{
  double elapsed = MAX ((double) (to->time - from->time) / 1e9, 1e-9);
  double server = to->server - from->server;
  double generator = to->generator - from->generator;
  double others = to->machine - from->machine - server - generator;

  g_string_append_printf (line, " server_cpu=%.1f generator_cpu=%.1f others_cpu=%.1f",
                          100 * server / elapsed, 100 * generator / elapsed,
                          100 * MAX (others, 0) / elapsed);
  print_threads (from, to, elapsed, line);
}

/* Resident memory of a process, in KiB. */
double
sb_load_usage_resident_kib (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/smaps_rollup", pid);
  g_autofree char *text = read_text (path);
  const char *line = strstr (text, "Rss:");
  double kib = 0;

  if (line != NULL && sscanf (line, "Rss: %lf", &kib) != 1)
    return 0;
  return kib;
}

/* The most resident memory is counted anew from here on; only who may write there can say so. */
void
sb_load_usage_forget_peak (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/clear_refs", pid);
  FILE *file = pid != 0 ? fopen (path, "w") : NULL;

  if (file == NULL)
    return;
  fputs ("5", file);
  fclose (file);
}

/* The most resident memory that a process ever had, in KiB. */
double
sb_load_usage_peak_kib (int pid)
{
  static const char name[] = "\nVmHWM:";
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", pid);
  g_autofree char *text = read_text (path);
  const char *line = strstr (text, name);

  return line != NULL ? g_ascii_strtod (line + strlen (name), NULL) : 0;
}

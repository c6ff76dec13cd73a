/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-health: looks at everything that an operator has to see to. From memory, but for a look at the
 * data folder. What keeps the bus from accepting messages is what /readyz tells as well.
 */

#include "sb-health.h"

#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-names.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nothing was committed for this share of SbBus.journal_stuck: a slow disk. */
#define SLOW_SHARE 5

/* Clocks are set by small steps all the time. */
#define CLOCK_TOLERANCE (2 * G_USEC_PER_SEC)

/* Descriptors beside sessions: HTTP connections, files, the store. */
#define DESCRIPTORS_BESIDE 512

/* Recipients that are named. */
#define MAX_NAMED 5

#define MIB (1024 * 1024)
#define U64 "%" G_GUINT64_FORMAT

/* Checks */

static void
check_free (gpointer data)
{
  SbHealthCheck *check = data;

  g_free (check->detail);
  g_free (check);
}

/**
 * sb_health_new:
 *
 * Returns: (transfer full) (element-type SbHealthCheck): no checks yet
 */
GPtrArray *
sb_health_new (void)
{
  return g_ptr_array_new_with_free_func (check_free);
}

/**
 * sb_health_add:
 * @checks: (element-type SbHealthCheck): where to
 * @name: one word; static text
 * @status: how it came out
 * @advice: (nullable): what to do; static text
 * @format: what was found: printf() format
 * @...: for @format
 *
 * Adds the outcome of a check.
 */
void
sb_health_add (GPtrArray *checks, const char *name, SbHealthStatus status, const char *advice,
               const char *format, ...)
{
  SbHealthCheck *check = g_new0 (SbHealthCheck, 1);
  va_list args;

  check->name = name;
  check->status = status;
  check->advice = advice;
  va_start (args, format);
  check->detail = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (checks, check);
}

/**
 * sb_health_get_worst:
 * @checks: (element-type SbHealthCheck): checks
 *
 * Returns: how it stands in all
 */
SbHealthStatus
sb_health_get_worst (const GPtrArray *checks)
{
  SbHealthStatus worst = SB_HEALTH_OK;

  for (guint i = 0; i < checks->len; i++)
    worst = MAX (worst, ((const SbHealthCheck *) g_ptr_array_index (checks, i))->status);
  return worst;
}

/**
 * sb_health_status_to_string:
 * @status: how a check came out
 *
 * Returns: (transfer none): a word
 */
const char *
sb_health_status_to_string (SbHealthStatus status)
{
  static const char *const words[] = { "ok", "warning", "error" };

  return words[status];
}

/* What /readyz is about */

static gboolean
check_store (SbBus *self, GError **error)
{
  GError *failure = sb_journal_dup_last_error (self->journal);

  if (failure == NULL)
    return TRUE;
  g_propagate_prefixed_error (error, failure, "the store does not take writes: ");
  return FALSE;
}

static gboolean
check_journal (SbBus *self, GError **error)
{
  SbJournalStats stats;

  sb_journal_get_stats (self->journal, &stats);
  if (stats.operations == 0 || stats.waiting < self->journal_stuck)
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_BUSY,
               "nothing was committed for %d s, and %u operations wait for it",
               (int) (stats.waiting / G_USEC_PER_SEC), stats.operations);
  return FALSE;
}

/**
 * sb_bus_check_ready:
 * @self: a bus
 * @error: why it is not
 *
 * Returns: whether it accepts messages: it runs, the store takes writes and does so in time, the
 *   disk has room
 */
gboolean
sb_bus_check_ready (SbBus *self, GError **error)
{
  return sb_bus_check_resources (self, error) && check_store (self, error)
         && check_journal (self, error);
}

/* The disk and what is on it */

static void
add_disk (SbBus *self, GPtrArray *checks)
{
  static const char advice[] = "Make room on the disk of data-dir, or move data-dir";
  g_autoptr (GError) error = NULL;
  guint64 left = self->disk_free / MIB;
  guint64 size = self->disk_size / MIB;
  guint64 reserve = (guint64) self->disk_reserve / MIB;

  if (!sb_bus_check_disk (self, &error))
    sb_health_add (checks, "disk", SB_HEALTH_ERROR, advice,
                   "Nothing new is accepted: " U64 " MiB are free, and disk-reserve is " U64 " MiB",
                   left, reserve);
  else if (self->disk_size == 0)
    sb_health_add (checks, "disk", SB_HEALTH_WARNING, "See whether data-dir is there",
                   "It is not known how much is free on the disk of data-dir");
  else
    sb_health_add (checks, "disk",
                   self->alarms[SB_BUS_ALARM_DISK].is_ringing ? SB_HEALTH_WARNING : SB_HEALTH_OK,
                   self->alarms[SB_BUS_ALARM_DISK].is_ringing ? advice : NULL,
                   U64 " of " U64 " MiB are free; below " U64 " MiB nothing new is accepted", left,
                   size, reserve);
}

static void
add_store (SbBus *self, GPtrArray *checks)
{
  g_autoptr (GError) error = NULL;

  if (check_store (self, &error))
    sb_health_add (checks, "store", SB_HEALTH_OK, NULL, "The store takes writes");
  else
    sb_health_add (checks, "store", SB_HEALTH_ERROR,
                   "See the disk of data-dir, and who owns the files in it", "%s", error->message);
}

static void
add_journal (SbBus *self, GPtrArray *checks)
{
  static const char advice[] = "It takes a faster disk, or fewer messages; see the kernel's log";
  g_autoptr (GError) error = NULL;
  SbJournalStats stats;
  gboolean is_slow;

  sb_journal_get_stats (self->journal, &stats);
  is_slow = stats.waiting > self->journal_stuck / SLOW_SHARE || sb_journal_is_full (self->journal)
            || self->alarms[SB_BUS_ALARM_JOURNAL].is_ringing;
  if (!check_journal (self, &error))
    sb_health_add (checks, "journal", SB_HEALTH_ERROR, advice, "%s", error->message);
  else
    sb_health_add (checks, "journal", is_slow ? SB_HEALTH_WARNING : SB_HEALTH_OK,
                   is_slow ? advice : NULL,
                   "The newest commit took %d ms; %u operations wait for the next one",
                   (int) (stats.commit_time / 1000), stats.operations);
}

static void
add_clock (SbBus *self, GPtrArray *checks)
{
  gint64 behind = self->stats.last_time - sb_clock_wall (self->clock);

  if (behind > CLOCK_TOLERANCE)
    sb_health_add (checks, "clock", SB_HEALTH_WARNING,
                   "Set the clock of the server, and let it be kept by NTP",
                   "The clock is %" G_GINT64_FORMAT
                   " s behind the newest time that is stored: nothing expires until it has "
                   "caught up",
                   behind / G_USEC_PER_SEC);
  else
    sb_health_add (checks, "clock", SB_HEALTH_OK, NULL, "The clock goes on from what is stored");
}

static void
add_data_dir (SbBus *self, GPtrArray *checks)
{
  const char *path = sb_config_get_string (self->config, SB_CONFIG_GROUP_BUS, "data-dir");
  struct stat info;

  if (stat (path, &info) != 0)
    sb_health_add (checks, "data-dir", SB_HEALTH_ERROR,
                   "Find out who moved it; the bus still writes to the old place",
                   "%s cannot be looked at: %s", path, g_strerror (errno));
  else if (info.st_uid != geteuid ())
    sb_health_add (checks, "data-dir", SB_HEALTH_WARNING,
                   "Give the folder to the user that runs the bus", "%s belongs to the user %u",
                   path, (guint) info.st_uid);
  else if ((info.st_mode & 077) != 0)
    sb_health_add (
        checks, "data-dir", SB_HEALTH_WARNING, "Take the others' rights away: chmod go= data-dir",
        "Others on this machine may look into %s (mode %03o)", path, (guint) info.st_mode & 0777);
  else
    sb_health_add (checks, "data-dir", SB_HEALTH_OK, NULL, "%s is for the bus only", path);
}

static void
add_files (SbBus *self, GPtrArray *checks)
{
  guint64 n = self->n_lost_files;

  if (self->scrubber != NULL)
    n += sb_scrubber_get_damaged (self->scrubber);
  if (n > 0)
    sb_health_add (checks, "files", SB_HEALTH_ERROR,
                   "simplebusd --check-files names them; restore them from a backup, or let their "
                   "senders send them again",
                   "Files were found missing or damaged " U64 " times since the bus started", n);
  else
    sb_health_add (checks, "files", SB_HEALTH_OK, NULL, U64 " files with " U64 " MiB wait",
                   self->stats.files, self->stats.file_bytes / MIB);
}

/* Who may do what */

static void
add_sign_up (SbBus *self, GPtrArray *checks)
{
  if (!sb_accounts_has_users (self->accounts))
    sb_health_add (checks, "sign-up", SB_HEALTH_WARNING,
                   "Sign up at /signup before somebody else does",
                   "There is no user yet, and the first one to sign up is an admin");
  else if (sb_config_get_boolean (self->config, SB_CONFIG_GROUP_BUS, "open-signup"))
    sb_health_add (checks, "sign-up", SB_HEALTH_WARNING,
                   "Set open-signup=false, unless the bus is for everybody",
                   "Anybody who reaches the bus can become a user");
  else
    sb_health_add (checks, "sign-up", SB_HEALTH_OK, NULL, "There is an admin, sign-up is closed");
}

static void
add_user_management (SbBus *self, GPtrArray *checks)
{
  if (sb_config_get_boolean (self->config, SB_CONFIG_GROUP_BUS, "open-user-management"))
    sb_health_add (checks, "user-management", SB_HEALTH_WARNING,
                   "Set open-user-management=false, and let an admin make users",
                   "Every user can make users and change those that are no admins");
  else
    sb_health_add (checks, "user-management", SB_HEALTH_OK, NULL, "Only admins manage users");
}

/* Limits */

static void
add_descriptors (SbBus *self, GPtrArray *checks)
{
  struct rlimit limit = { 0, 0 };

  if (getrlimit (RLIMIT_NOFILE, &limit) != 0)
    return;
  if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < self->max_sessions + DESCRIPTORS_BESIDE)
    sb_health_add (checks, "descriptors", SB_HEALTH_WARNING,
                   "Raise LimitNOFILE of the service, or lower max-sessions",
                   "The process may open " U64 " descriptors, which is too few for max-sessions=%u",
                   (guint64) limit.rlim_cur, self->max_sessions);
  else
    sb_health_add (checks, "descriptors", SB_HEALTH_OK, NULL,
                   "There are descriptors for max-sessions=%u", self->max_sessions);
}

static void
add_limits (SbBus *self, GPtrArray *checks)
{
  guint near = g_hash_table_size (self->near);
  g_autoptr (GString) text = g_string_new (NULL);
  const char *advice = "See whether these recipients are there and confirm";

  for (guint i = 0; i < SB_BUS_N_ALARMS; i++)
    if (self->alarms[i].is_ringing)
      {
        g_string_append_printf (text, "%s%s: %d %% of %s", text->len > 0 ? "; " : "",
                                self->alarms[i].subject, (int) (self->alarms[i].ratio * 100),
                                self->alarms[i].key);
        advice = self->alarms[i].advice;
      }
  if (near > 0)
    g_string_append_printf (text, "%sthe queues of %u recipients are nearly full",
                            text->len > 0 ? "; " : "", near);
  if (text->len > 0)
    sb_health_add (checks, "limits", SB_HEALTH_WARNING, advice, "%s", text->str);
  else
    sb_health_add (checks, "limits", SB_HEALTH_OK, NULL, "No limit is near");
}

/* Deliveries */

static void
add_recipients (SbBus *self, GPtrArray *checks)
{
  g_autoptr (GString) names = g_string_new (NULL);
  GHashTableIter iter;
  gpointer value;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->outbounds);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      SbOutbound *outbound = value;
      gint64 pause;
      const char *state = sb_bus_get_outbound_state (outbound, &pause);

      if (strcmp (state, "unreachable") != 0 && strcmp (state, "faulty") != 0)
        continue;
      if (n++ < MAX_NAMED)
        g_string_append_printf (names, "%s%s (%s)", names->len > 0 ? ", " : "", outbound->user->id,
                                state);
    }
  if (n > 0)
    sb_health_add (checks, "recipients", SB_HEALTH_WARNING,
                   "Look at their queues: the last failures say why",
                   "%u of %u recipients that the bus calls do not answer: %s%s", n,
                   g_hash_table_size (self->outbounds), names->str, n > MAX_NAMED ? ", …" : "");
  else
    sb_health_add (checks, "recipients", SB_HEALTH_OK, NULL,
                   "%u recipients are called, and none of them is unreachable",
                   g_hash_table_size (self->outbounds));
}

static void
add_dead_letters (SbBus *self, GPtrArray *checks)
{
  if (self->stats.dead > 0)
    sb_health_add (checks, "dead-letters", SB_HEALTH_WARNING,
                   "Look at them, and requeue, move or drop them",
                   U64 " deliveries were given up and wait for somebody", self->stats.dead);
  else
    sb_health_add (checks, "dead-letters", SB_HEALTH_OK, NULL, "No delivery was given up");
}

/**
 * sb_bus_check_health:
 * @self: a started bus
 * @checks: (element-type SbHealthCheck): where to
 *
 * Looks at everything. Blocks no longer than it takes to look at a folder.
 */
void
sb_bus_check_health (SbBus *self, GPtrArray *checks)
{
  g_return_if_fail (SB_IS_BUS (self));

  add_disk (self, checks);
  add_store (self, checks);
  add_journal (self, checks);
  add_clock (self, checks);
  add_data_dir (self, checks);
  add_files (self, checks);
  add_sign_up (self, checks);
  add_user_management (self, checks);
  add_descriptors (self, checks);
  add_limits (self, checks);
  add_recipients (self, checks);
  add_dead_letters (self, checks);
}

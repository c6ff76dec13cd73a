/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-backup: gets a backup of a bus that works, and keeps it only when it is whole. Each byte
 * is checked on its way to the disk.
 */

#include "sb-cli-backup.h"

#include "sb-cli-archive.h"
#include "sb-cli-backup-file.h"
#include "sb-cli-progress.h"
#include "sb-cli-verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PATH "/api/v1/backup"
#define BLOCK (256 * 1024)

static gboolean force;
static gboolean verify;
static int keep;

static const GOptionEntry options[] = {
  { "force", 'f', 0, G_OPTION_ARG_NONE, &force, N_ ("Replace a file that is there"), NULL },
  { "keep", 0, 0, G_OPTION_ARG_INT, &keep,
    N_ ("FILE is a folder; remove all but the newest so many backups in it"), N_ ("NUMBER") },
  { "verify", 0, 0, G_OPTION_ARG_NONE, &verify, N_ ("Only look whether FILE is a whole backup"),
    NULL },
  G_OPTION_ENTRY_NULL,
};

static const char details[] = N_ (
    "Gets all that the bus keeps, users, messages, files and keys, while it works, and\n"
    "verifies it. Only an admin may, and only you can read FILE: whoever has it has all\n"
    "passwords' hashes and all messages. When something fails, there is no FILE.\n"
    "\n"
    "FILE may be a folder, in which the file is named after the time, or - for the\n"
    "standard output; then the exit status tells whether what was written is whole.\n"
    "\n"
    "  simplebus backup bus.tar\n"
    "  simplebus backup /var/backups/simplebus --keep 14 --quiet\n"
    "  simplebus backup - | zstd > bus.tar.zst\n"
    "  simplebus backup --verify bus.tar");

/* What is read, wherever it comes from. */
typedef struct
{
  SbCli *cli;
  SbCliArchive *archive;   /* (owned) */
  SbCliProgress *progress; /* (owned) */
  SbCliBar *bar;           /* (unowned) */
  gint64 size;             /* -1: not known */
  gint64 done;
  gint64 begin; /* monotonic */
} Reading;

static void
reading_init (Reading *self, SbCli *cli, const char *name, gint64 size)
{
  self->cli = cli;
  self->archive = sb_cli_archive_new ();
  self->progress = sb_cli_progress_new (STDERR_FILENO, cli->progress);
  self->bar = sb_cli_progress_add (self->progress, name);
  self->size = size;
  self->begin = g_get_monotonic_time ();
}

/* Takes the bar away, so that something can be said. */
static void
reading_end (Reading *self)
{
  g_clear_pointer (&self->progress, sb_cli_progress_free);
}

static void
show_progress (Reading *self)
{
  double seconds = (double) (g_get_monotonic_time () - self->begin) / G_USEC_PER_SEC;
  double rate = seconds > 0 ? (double) self->done / seconds : 0;
  gint64 size = self->size >= 0 ? self->size : sb_cli_archive_get_size (self->archive);
  double left = size >= self->done && rate > 0 ? (double) (size - self->done) / rate : -1;

  sb_cli_bar_set (self->bar, self->done, size >= 0 ? MAX (size, self->done) : -1, rate, left, NULL);
}

static gboolean
take (Reading *self, const void *data, gsize length, GError **error)
{
  self->done += (gint64) length;
  show_progress (self);
  return sb_cli_archive_feed (self->archive, data, length, error);
}

/* --- What is told at the end --- */

static void
print_json (const Reading *self, const char *path)
{
  const SbCliArchiveReport *report = sb_cli_archive_get_report (self->archive);
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) node = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "file");
  json_builder_add_string_value (builder, path);
  json_builder_set_member_name (builder, "size");
  json_builder_add_int_value (builder, self->done);
  json_builder_set_member_name (builder, "created");
  json_builder_add_string_value (builder, report->created);
  json_builder_set_member_name (builder, "files");
  json_builder_add_int_value (builder, report->n_files);
  json_builder_set_member_name (builder, "damaged");
  json_builder_add_int_value (builder, report->n_damaged);
  json_builder_set_member_name (builder, "missing");
  json_builder_add_int_value (builder, report->n_missing);
  json_builder_end_object (builder);
  node = json_builder_get_root (builder);
  sb_cli_print_json (node);
}

/* @path: (nullable): %NULL: what goes to standard output is the backup itself */
static void
tell (const Reading *self, const char *path)
{
  const SbCliArchiveReport *report = sb_cli_archive_get_report (self->archive);
  g_autofree char *size = sb_cli_format_size (self->done);
  g_autofree char *shown = path != NULL ? sb_cli_printable (path) : NULL;

  if (report->n_damaged + report->n_missing > 0)
    g_printerr (
        _ ("simplebus: On the disk of the bus %u files were damaged and %u missing; they are "
           "so in the backup\n"),
        report->n_damaged, report->n_missing);
  if (path != NULL && self->cli->json)
    print_json (self, path);
  else if (path != NULL && !self->cli->quiet)
    g_print (_ ("%s: %s, %u files that wait; all of it is whole\n"), shown, size, report->n_files);
  else if (!self->cli->quiet)
    g_printerr (_ ("simplebus: %s, %u files that wait; all of it is whole\n"), size,
                report->n_files);
}

/* --- A file that is there --- */

static gboolean
read_file (Reading *self, int fd, const char *path, GError **error)
{
  g_autofree char *buffer = g_malloc (BLOCK);
  gssize n;

  while ((n = read (fd, buffer, BLOCK)) != 0)
    {
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s cannot be read: %s"), path,
                       g_strerror (errno));
          return FALSE;
        }
      if (!take (self, buffer, (gsize) n, error))
        return FALSE;
      /* The bar is drawn here. */
      while (g_main_context_iteration (NULL, FALSE))
        continue;
    }
  return sb_cli_archive_end (self->archive, error);
}

/**
 * sb_cli_backup_verify:
 * @cli: the command line
 * @path: of a file
 * @error: return location for an error
 *
 * Reads a backup, and says what is in it.
 *
 * Returns: whether it is whole
 */
gboolean
sb_cli_backup_verify (SbCli *cli, const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);
  Reading reading = { NULL };
  gboolean is_whole;

  if (fd < 0)
    {
      g_set_error (error, SB_CLI_ERROR, errno == ENOENT ? SB_CLI_NOT_FOUND : SB_CLI_FAILED,
                   _ ("%s cannot be read: %s"), path, g_strerror (errno));
      return FALSE;
    }
  reading_init (&reading, cli, path, lseek (fd, 0, SEEK_END));
  lseek (fd, 0, SEEK_SET);
  is_whole = read_file (&reading, fd, path, error);
  close (fd);
  reading_end (&reading);
  if (is_whole)
    tell (&reading, path);
  sb_cli_archive_free (reading.archive);
  return is_whole;
}

/* --- From the bus --- */

typedef struct
{
  Reading reading;
  SbCliBackupFile *file;     /* (owned) */
  GCancellable *cancellable; /* (owned) */
  GInputStream *stream;      /* (owned) (nullable) */
  gssize n;                  /* of the last read; -1: it failed */
  GError *error;             /* (owned) (nullable) */
  gboolean has_ended;        /* what was waited for */
  int signal;
} Transfer;

static gboolean
interrupt (Transfer *self, int number)
{
  self->signal = number;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_CONTINUE;
}

static gboolean
interrupted_cb (gpointer user_data)
{
  return interrupt (user_data, SIGINT);
}

static gboolean
terminated_cb (gpointer user_data)
{
  return interrupt (user_data, SIGTERM);
}

static gboolean
hung_up_cb (gpointer user_data)
{
  return interrupt (user_data, SIGHUP);
}

static void
wait_for_end (Transfer *self)
{
  while (!self->has_ended)
    g_main_context_iteration (NULL, TRUE);
  self->has_ended = FALSE;
}

static void
opened_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Transfer *self = user_data;

  self->stream = sb_client_open_finish (SB_CLIENT (source), result, NULL, &self->error);
  self->has_ended = TRUE;
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Transfer *self = user_data;

  self->n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &self->error);
  self->has_ended = TRUE;
}

/* A bus makes one backup at a time. An answer that was cut off ends with an error of the network:
 * its last chunk is missing. */
static gboolean
fail_transfer (Transfer *self, GError **error)
{
  if (g_error_matches (self->error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CONFLICT))
    g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_TRY_AGAIN, self->error->message);
  else if (self->error->domain == SB_CLIENT_ERROR)
    g_propagate_error (error, g_steal_pointer (&self->error));
  else
    g_set_error (error, SB_CLI_ERROR,
                 self->error->domain == G_IO_ERROR ? SB_CLI_UNAVAILABLE : SB_CLI_FAILED,
                 _ ("The backup was cut off: %s"), self->error->message);
  return FALSE;
}

static gboolean
receive (Transfer *self, GError **error)
{
  g_autofree char *buffer = g_malloc (BLOCK);

  do
    {
      g_input_stream_read_async (self->stream, buffer, BLOCK, G_PRIORITY_DEFAULT, self->cancellable,
                                 read_cb, self);
      wait_for_end (self);
      if (self->n < 0)
        return fail_transfer (self, error);
      if (!take (&self->reading, buffer, (gsize) self->n, error)
          || !sb_cli_backup_file_write (self->file, buffer, (gsize) self->n, error))
        return FALSE;
    }
  while (self->n > 0);
  return sb_cli_archive_end (self->reading.archive, error);
}

static gboolean
transfer (Transfer *self, SbClient *client, GError **error)
{
  sb_client_open_async (client, "GET", PATH, NULL, self->cancellable, opened_cb, self);
  wait_for_end (self);
  if (self->stream == NULL)
    return fail_transfer (self, error);
  return receive (self, error) && sb_cli_backup_file_keep (self->file, error);
}

/* @path: (nullable): %NULL: to standard output */
static gboolean
get_backup (SbCli *cli, const char *path, int *signal_number, GError **error)
{
  SbClient *client = sb_cli_get_client (cli, error);
  g_autoptr (SbCliBackupFile) file = NULL;
  Transfer self = { .n = 0 };
  guint sources[3];
  gboolean is_kept;

  if (client == NULL)
    return FALSE;
  file = sb_cli_backup_file_new (path, force, error);
  if (file == NULL)
    return FALSE;
  reading_init (&self.reading, cli, path != NULL ? path : _ ("backup"), -1);
  self.file = file;
  self.cancellable = g_cancellable_new ();
  sources[0] = g_unix_signal_add (SIGINT, interrupted_cb, &self);
  sources[1] = g_unix_signal_add (SIGTERM, terminated_cb, &self);
  sources[2] = g_unix_signal_add (SIGHUP, hung_up_cb, &self);
  is_kept = transfer (&self, client, error);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  reading_end (&self.reading);
  if (is_kept)
    tell (&self.reading, path);
  *signal_number = self.signal;
  sb_cli_archive_free (self.reading.archive);
  g_clear_object (&self.stream);
  g_object_unref (self.cancellable);
  g_clear_error (&self.error);
  return is_kept;
}

/* --- The verb --- */

/* The shell is to see what ended it. */
static SbCliStatus
end_by_signal (SbCli *cli, int number)
{
  if (!cli->quiet)
    g_printerr (_ ("simplebus: Nothing was kept\n"));
  signal (number, SIG_DFL);
  raise (number);
  return SB_CLI_FAILED;
}

static SbCliStatus
run_for (SbCli *cli, const char *path, const char *folder)
{
  g_autoptr (GError) error = NULL;
  int number = 0;

  if (verify)
    return sb_cli_backup_verify (cli, path, &error) ? SB_CLI_OK : sb_cli_fail (cli, error);
  if (!get_backup (cli, strcmp (path, "-") == 0 ? NULL : path, &number, &error))
    return number != 0 ? end_by_signal (cli, number) : sb_cli_fail (cli, error);
  if (keep > 0 && !sb_cli_backup_file_prune (folder, (guint) keep, &error))
    return sb_cli_fail (cli, error);
  return SB_CLI_OK;
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autofree char *dated = NULL;
  gboolean is_folder;

  if (argc != 2)
    return sb_cli_usage (cli, argc < 2 ? _ ("Where to?") : _ ("One file at a time"));
  is_folder = g_file_test (argv[1], G_FILE_TEST_IS_DIR);
  if (keep < 0 || (keep > 0 && (!is_folder || verify)))
    return sb_cli_usage (cli, _ ("--keep takes a number, and a folder for FILE"));
  if (verify && (is_folder || strcmp (argv[1], "-") == 0))
    return sb_cli_usage (cli, _ ("--verify takes a file"));
  if (strcmp (argv[1], "-") == 0 && isatty (STDOUT_FILENO))
    return sb_cli_usage (cli, _ ("A backup is nothing to look at: name a file, or a pipe"));
  if (is_folder)
    dated = sb_cli_backup_file_make_name (argv[1]);
  return run_for (cli, is_folder ? dated : argv[1], argv[1]);
}

const SbCliVerb sb_cli_verb_backup = {
  .name = "backup",
  .arguments = N_ ("FILE"),
  .summary = N_ ("Back all of the bus up while it works"),
  .details = details,
  .options = options,
  .run = run,
};

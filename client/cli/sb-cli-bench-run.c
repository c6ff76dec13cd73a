/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-bench-run: messages one at a time, then as many as there can be, then a file.
 *
 * Messages go by clients without a state folder, so that the disk of this machine has no part in
 * the figures. The one of the bus has: it accepts nothing that it has not flushed.
 */

#include "sb-cli-bench-run.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Messages a second while each is timed: few enough not to wait for each other. */
#define SINGLE_RATE 100

/* Not accepted at a time; more would only wait longer. */
#define WINDOW 1000

/* Numbers of 32 bits that are written at once. */
#define N_RANDOM 65536

/* Nothing happens for so many seconds: it will not any more. */
#define PATIENCE 30

typedef struct
{
  gint64 sent; /* monotonic; 0: not yet, as those that follow */
  gint64 accepted;
  gint64 delivered;
} Stamps;

typedef struct
{
  const SbCliBenchPlan *plan;
  const gboolean *is_stopped;
  const char *recipient;
  SbClient *from; /* (owned) (nullable) */
  SbClient *to;   /* (owned) (nullable) */
  GError *error;  /* (owned) (nullable) */
  gint64 moved;   /* when something happened last */

  char *prefix;    /* (owned) (nullable): of the ids of this part */
  GArray *stamps;  /* (owned) (nullable) */
  char *payload;   /* (owned) JSON */
  guint n_wanted;  /* 0: as many as there can be until @deadline */
  gint64 deadline; /* monotonic */
  double rate;     /* 0: no bound */
  gint64 begin;
  guint n_accepted;
  guint n_delivered;

  guint n_pending; /* calls under way */
  char *folder;    /* (owned) (nullable) */
  gint64 up_begin;
  gint64 up_end;
  gint64 down_begin;
  gint64 down_end;
} Bench;

/* --- Waiting --- */

typedef gboolean (*Check) (Bench *self);

static void
note_error (Bench *self, const GError *error)
{
  if (self->error == NULL)
    self->error = g_error_copy (error);
}

static gboolean
look_again_cb (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/* Returns: whether it came to that: nobody stopped it, nothing failed, and something moved */
static gboolean
wait_for (Bench *self, Check check)
{
  guint timer = g_timeout_add (20, look_again_cb, NULL);
  gboolean is_stuck = FALSE;

  self->moved = g_get_monotonic_time ();
  while (!check (self) && self->error == NULL && !*self->is_stopped && !is_stuck)
    {
      g_main_context_iteration (NULL, TRUE);
      is_stuck = g_get_monotonic_time () - self->moved > PATIENCE * G_USEC_PER_SEC;
    }
  g_source_remove (timer);
  if (is_stuck && self->error == NULL)
    self->error = g_error_new (SB_CLI_ERROR, SB_CLI_UNAVAILABLE,
                               _ ("Nothing has come from the bus for %d seconds"), PATIENCE);
  return self->error == NULL && !*self->is_stopped;
}

/* --- Clients --- */

static void
failed_cb (SbClient *client, const char *id, const GError *error, Bench *self)
{
  note_error (self, error);
}

/* A session that was lost would come again, and the figures would be of something else. */
static void
state_cb (SbClient *client, SbClientState state, const GError *reason, Bench *self)
{
  if (reason != NULL)
    note_error (self, reason);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;

  self->n_pending--;
  if (!sb_client_connect_finish (SB_CLIENT (source), result, &error))
    note_error (self, error);
}

static void
closed_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bench *self = user_data;

  self->n_pending--;
  sb_client_close_finish (SB_CLIENT (source), result, NULL);
}

static gboolean
has_no_calls (Bench *self)
{
  return self->n_pending == 0;
}

/* @folder: (nullable): for its state, and what it receives */
static SbClient *
make_client (Bench *self, SbClient *template, const SbCliBenchUser *user, const char *folder)
{
  g_autoptr (GTlsDatabase) database = NULL;
  g_autofree char *state = folder != NULL ? g_build_filename (folder, "state", NULL) : NULL;
  g_autofree char *files = folder != NULL ? g_build_filename (folder, "files", NULL) : NULL;
  SbClient *client;

  g_object_get (template, "tls-database", &database, NULL);
  client = g_object_new (SB_TYPE_CLIENT, "url", sb_client_get_url (template), "websocket-url",
                         sb_client_get_websocket_url (template), "tls-database", database, "user",
                         user->id, "password", user->password, "state-dir", state, "download-dir",
                         files, "receipts", FALSE, NULL);
  g_signal_connect (client, "error", G_CALLBACK (failed_cb), self);
  g_signal_connect (client, "state", G_CALLBACK (state_cb), self);
  self->n_pending++;
  sb_client_connect_async (client, NULL, connected_cb, self);
  return client;
}

/* To the end, whatever happened: what is under way refers to @self. */
static void
close_client (Bench *self, SbClient **client)
{
  if (*client == NULL)
    return;
  g_signal_handlers_disconnect_by_data (*client, self);
  self->n_pending++;
  sb_client_close_async (*client, NULL, closed_cb, self);
  while (self->n_pending > 0)
    g_main_context_iteration (NULL, TRUE);
  g_clear_object (client);
}

/* --- Messages --- */

/* Returns: (nullable): the stamps of one of ours */
static Stamps *
find_stamps (Bench *self, const char *id)
{
  guint64 n;

  if (id == NULL || self->prefix == NULL || !g_str_has_prefix (id, self->prefix)
      || !g_ascii_string_to_unsigned (id + strlen (self->prefix), 10, 0, G_MAXUINT, &n, NULL)
      || n >= self->stamps->len)
    return NULL;
  return &g_array_index (self->stamps, Stamps, n);
}

static void send_more (Bench *self);

static void
accepted_cb (SbClient *client, const char *id, Bench *self)
{
  Stamps *stamps = find_stamps (self, id);

  if (stamps == NULL || stamps->accepted != 0)
    return;
  self->moved = stamps->accepted = g_get_monotonic_time ();
  self->n_accepted++;
  send_more (self);
}

static void
message_cb (SbClient *client, SbClientMessage *message, Bench *self)
{
  Stamps *stamps = find_stamps (self, sb_client_message_get_id (message));

  if (stamps == NULL || stamps->delivered != 0)
    return;
  self->moved = stamps->delivered = g_get_monotonic_time ();
  self->n_delivered++;
}

static void
sent_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *id = sb_client_send_finish (SB_CLIENT (source), result, &error);

  self->n_pending--;
  if (id == NULL)
    note_error (self, error);
}

static void
send_one (Bench *self)
{
  g_autofree char *address = g_strconcat ("@", self->recipient, NULL);
  g_autofree char *id = g_strdup_printf ("%s%u", self->prefix, self->stamps->len);
  const char *const to[] = { address, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (to, self->payload, &error);
  Stamps stamps = { .sent = g_get_monotonic_time () };

  if (draft == NULL || !sb_client_draft_set_id (draft, id, &error))
    {
      note_error (self, error);
      return;
    }
  /* What nobody fetches any more need not be kept for long. */
  sb_client_draft_set_ttl (draft, 600);
  g_array_append_val (self->stamps, stamps);
  self->n_pending++;
  sb_client_send_async (self->from, draft, NULL, sent_cb, self);
}

static gboolean
is_all_sent (Bench *self)
{
  if (self->n_wanted > 0)
    return self->stamps->len >= self->n_wanted;
  return g_get_monotonic_time () >= self->deadline;
}

static void
send_more (Bench *self)
{
  double seconds = (double) (g_get_monotonic_time () - self->begin) / G_USEC_PER_SEC;
  guint due = self->rate > 0 ? (guint) (seconds * self->rate) + 1 : G_MAXUINT;

  while (self->error == NULL && !*self->is_stopped && !is_all_sent (self) && self->stamps->len < due
         && self->stamps->len - self->n_accepted < WINDOW)
    send_one (self);
}

static gboolean
tick_cb (gpointer user_data)
{
  send_more (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
is_all_there (Bench *self)
{
  return is_all_sent (self) && self->n_accepted == self->stamps->len
         && self->n_delivered == self->stamps->len;
}

/* Returns: whether all that was sent has arrived */
static gboolean
exchange (Bench *self, guint n_wanted, double rate)
{
  guint timer;
  gboolean is_done;

  g_free (self->prefix);
  self->prefix = g_strdup_printf ("bench-%08x%08x-", g_random_int (), g_random_int ());
  g_array_set_size (self->stamps, 0);
  self->n_wanted = n_wanted;
  self->rate = rate;
  self->n_accepted = self->n_delivered = 0;
  self->begin = g_get_monotonic_time ();
  self->deadline = self->begin + self->plan->seconds * G_USEC_PER_SEC;
  timer = g_timeout_add (2, tick_cb, self);
  is_done = wait_for (self, is_all_there);
  g_source_remove (timer);
  return is_done;
}

/* --- Figures of messages --- */

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 left = *(const gint64 *) a;
  gint64 right = *(const gint64 *) b;

  return (left > right) - (left < right);
}

static double
get_percentile (GArray *sorted, double part)
{
  guint index = (guint) ((double) (sorted->len - 1) * part + 0.5);

  return (double) g_array_index (sorted, gint64, index) / 1000;
}

/* @offset: of a stamp */
static SbCliBenchTimes
get_times (Bench *self, gsize offset)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  SbCliBenchTimes result;

  for (guint i = 0; i < self->stamps->len; i++)
    {
      const Stamps *stamps = &g_array_index (self->stamps, Stamps, i);
      gint64 time = G_STRUCT_MEMBER (gint64, stamps, offset) - stamps->sent;

      g_array_append_val (times, time);
    }
  g_array_sort (times, compare_times);
  result.median = get_percentile (times, 0.5);
  result.p99 = get_percentile (times, 0.99);
  result.slowest = get_percentile (times, 1);
  return result;
}

/* A second, from the first that was sent to the last of these. */
static double
get_rate (Bench *self, gsize offset)
{
  gint64 last = 0;

  for (guint i = 0; i < self->stamps->len; i++)
    last = MAX (last, G_STRUCT_MEMBER (gint64, &g_array_index (self->stamps, Stamps, i), offset));
  return (double) self->stamps->len * G_USEC_PER_SEC / (double) MAX (last - self->begin, 1);
}

static gboolean
measure_messages (Bench *self, SbCliBenchResult *result)
{
  if (!wait_for (self, has_no_calls))
    return FALSE;
  result->n_single = self->plan->seconds * SINGLE_RATE;
  if (!exchange (self, result->n_single, SINGLE_RATE))
    return FALSE;
  result->accepted = get_times (self, G_STRUCT_OFFSET (Stamps, accepted));
  result->delivered = get_times (self, G_STRUCT_OFFSET (Stamps, delivered));
  if (!exchange (self, 0, self->plan->rate))
    return FALSE;
  result->n_stream = self->stamps->len;
  result->accepted_rate = get_rate (self, G_STRUCT_OFFSET (Stamps, accepted));
  result->delivered_rate = get_rate (self, G_STRUCT_OFFSET (Stamps, delivered));
  return TRUE;
}

/* --- The file --- */

/* Random bytes, which nothing on the way can make shorter. Returns: whether they were written */
static gboolean
fill_file (Bench *self, int fd)
{
  g_autofree guint32 *block = g_new (guint32, N_RANDOM);
  gint64 left = self->plan->file_size;

  for (guint i = 0; i < N_RANDOM; i++)
    block[i] = g_random_int ();
  while (left > 0 && !*self->is_stopped)
    {
      gssize n = write (fd, block, (gsize) MIN (left, N_RANDOM * (gint64) sizeof *block));

      if (n < 0)
        return FALSE;
      left -= n;
      block[0]++;
      /* A signal is seen here. */
      g_main_context_iteration (NULL, FALSE);
    }
  return TRUE;
}

/* Returns: (transfer full) (nullable) */
static char *
make_file (Bench *self)
{
  g_autofree char *path = g_build_filename (self->folder, "bench.bin", NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  gboolean is_written = fd >= 0 && fill_file (self, fd);
  int saved = errno;

  if (fd >= 0 && close (fd) == 0 && is_written)
    return *self->is_stopped ? NULL : g_steal_pointer (&path);
  self->error = g_error_new (SB_CLI_ERROR, SB_CLI_FAILED, _ ("%s cannot be written: %s"), path,
                             g_strerror (is_written ? errno : saved));
  return NULL;
}

static void
transfer_cb (SbClient *client, SbClientTransfer *transfer, Bench *self)
{
  if (!sb_client_transfer_is_upload (transfer) && self->down_begin == 0)
    self->moved = self->down_begin = g_get_monotonic_time ();
}

static void
downloaded_cb (SbClient *client, SbClientMessage *message, const char *path, Bench *self)
{
  self->moved = self->down_end = g_get_monotonic_time ();
}

static void
moved_cb (SbClientTransfer *transfer, GParamSpec *pspec, Bench *self)
{
  self->moved = g_get_monotonic_time ();
}

static void
uploaded_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Bench *self = user_data;
  g_autoptr (GError) error = NULL;

  self->n_pending--;
  if (sb_client_transfer_wait_finish (SB_CLIENT_TRANSFER (source), result, &error))
    self->up_end = g_get_monotonic_time ();
  else
    note_error (self, error);
}

static gboolean
is_file_there (Bench *self)
{
  return self->up_end != 0 && self->down_end != 0;
}

static gboolean
send_file (Bench *self, const char *path)
{
  g_autofree char *address = g_strconcat ("@", self->recipient, NULL);
  const char *const to[] = { address, NULL };
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (to, "\"bench\"", &self->error);
  g_autoptr (SbClientTransfer) transfer = NULL;
  gboolean is_there;

  if (draft == NULL)
    return FALSE;
  sb_client_draft_set_ttl (draft, 600);
  self->up_begin = g_get_monotonic_time ();
  transfer = sb_client_send_file (self->from, draft, path, NULL, &self->error);
  if (transfer == NULL)
    return FALSE;
  g_signal_connect (transfer, "notify", G_CALLBACK (moved_cb), self);
  self->n_pending++;
  sb_client_transfer_wait_async (transfer, NULL, uploaded_cb, self);
  is_there = wait_for (self, is_file_there);
  if (!is_there)
    sb_client_transfer_cancel (transfer);
  while (!sb_client_transfer_is_ended (transfer))
    g_main_context_iteration (NULL, TRUE);
  g_signal_handlers_disconnect_by_data (transfer, self);
  return is_there;
}

static gboolean
measure_file (Bench *self, SbCliBenchResult *result)
{
  g_autofree char *path = NULL;

  if (!wait_for (self, has_no_calls))
    return FALSE;
  path = make_file (self);
  if (path == NULL || !send_file (self, path))
    return FALSE;
  result->up_rate = (double) self->plan->file_size * G_USEC_PER_SEC
                    / (double) MAX (self->up_end - self->up_begin, 1);
  result->down_rate = (double) self->plan->file_size * G_USEC_PER_SEC
                      / (double) MAX (self->down_end - self->down_begin, 1);
  return TRUE;
}

/* --- All of it --- */

static void
remove_folder (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

  for (const char *name = dir != NULL ? g_dir_read_name (dir) : NULL; name != NULL;
       name = g_dir_read_name (dir))
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      if (g_file_test (child, G_FILE_TEST_IS_DIR) && !g_file_test (child, G_FILE_TEST_IS_SYMLINK))
        remove_folder (child);
      else
        g_unlink (child);
    }
  g_rmdir (path);
}

static gboolean
run_messages (Bench *self, SbClient *template, const SbCliBenchUser *sender,
              const SbCliBenchUser *recipient, SbCliBenchResult *result)
{
  gboolean is_done;

  self->to = make_client (self, template, recipient, NULL);
  self->from = make_client (self, template, sender, NULL);
  g_signal_connect (self->to, "message", G_CALLBACK (message_cb), self);
  g_signal_connect (self->from, "accepted", G_CALLBACK (accepted_cb), self);
  is_done = measure_messages (self, result);
  close_client (self, &self->from);
  close_client (self, &self->to);
  return is_done;
}

static gboolean
run_file (Bench *self, SbClient *template, const SbCliBenchUser *sender,
          const SbCliBenchUser *recipient, SbCliBenchResult *result)
{
  g_autofree char *theirs = NULL;
  g_autofree char *ours = NULL;
  gboolean is_done;

  self->folder = g_dir_make_tmp ("simplebus-bench-XXXXXX", &self->error);
  if (self->folder == NULL)
    return FALSE;
  theirs = g_build_filename (self->folder, "to", NULL);
  ours = g_build_filename (self->folder, "from", NULL);
  self->to = make_client (self, template, recipient, theirs);
  self->from = make_client (self, template, sender, ours);
  g_signal_connect (self->to, "transfer", G_CALLBACK (transfer_cb), self);
  g_signal_connect (self->to, "message-download", G_CALLBACK (downloaded_cb), self);
  is_done = measure_file (self, result);
  close_client (self, &self->from);
  close_client (self, &self->to);
  remove_folder (self->folder);
  return is_done;
}

static void
bench_clear (Bench *self)
{
  g_array_unref (self->stamps);
  g_free (self->payload);
  g_free (self->prefix);
  g_free (self->folder);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

/**
 * sb_cli_bench_run:
 * @template: a client of the bus, by whose way all others go
 * @sender: who sends; its session is taken over
 * @recipient: who receives; likewise
 * @plan: what is measured
 * @is_stopped: turns %TRUE when somebody wants it to end
 * @result: (out caller-allocates): the figures
 * @error: return location for an error; not set when it was stopped
 *
 * Measures a bus. It returns when nothing is under way any more.
 *
 * Returns: whether all was measured
 */
gboolean
sb_cli_bench_run (SbClient *template, const SbCliBenchUser *sender, const SbCliBenchUser *recipient,
                  const SbCliBenchPlan *plan, const gboolean *is_stopped, SbCliBenchResult *result,
                  GError **error)
{
  g_auto (Bench) self = { .plan = plan, .is_stopped = is_stopped, .recipient = recipient->id };
  g_autofree char *filling = g_strnfill (plan->message_size, 'x');
  gboolean is_done;

  memset (result, 0, sizeof *result);
  self.stamps = g_array_new (FALSE, TRUE, sizeof (Stamps));
  self.payload = g_strdup_printf ("\"%s\"", filling);
  is_done = run_messages (&self, template, sender, recipient, result)
            && (plan->file_size == 0 || run_file (&self, template, sender, recipient, result));
  if (self.error == NULL)
    return is_done;
  if (*is_stopped)
    g_error_free (self.error);
  else
    g_propagate_error (error, self.error);
  return FALSE;
}

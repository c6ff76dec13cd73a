/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store-bench: what a store costs the journal's thread, without a bus around it.
 *
 *     store-bench [OPTIONS] MODULE NAME
 *
 * drives any SbStore through its interface and prints microseconds per message,
 * of wall-clock and of processor time of the calling thread. First each step by
 * itself: append, read, end, prune. Then whole lives in a steady state, as the
 * journal's batches have them: in each batch as many appends, ends of earlier
 * messages, and a sweep that forgets still earlier ones.
 */

#include "simplebus.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <time.h>

#define SECOND G_GINT64_CONSTANT (1000000)
#define START (G_GINT64_CONSTANT (1700000000) * SECOND)

/* A batch of the steady state comes so long after the one before. */
#define BATCH_TIME (10 * 1000)

static int n_messages = 200000;
static int batch = 500;
static int fanout = 1;
static int n_recipients = 64;
static int body_size = 300;
static int in_flight = 4;
static int remembered = 50000;
static gboolean prune = FALSE;
static gboolean random_ids = FALSE;
static gboolean is_volatile = FALSE;
static char *data_dir = NULL;
static char **settings = NULL;
static char **rest = NULL;

static const GOptionEntry entries[] = {
  { "messages", 'n', 0, G_OPTION_ARG_INT, &n_messages, "Messages of each part", "N" },
  { "batch", 'b', 0, G_OPTION_ARG_INT, &batch, "Messages of each batch", "N" },
  { "fanout", 'f', 0, G_OPTION_ARG_INT, &fanout, "Recipients of each message", "N" },
  { "recipients", 'r', 0, G_OPTION_ARG_INT, &n_recipients, "Recipients in all", "N" },
  { "body", 's', 0, G_OPTION_ARG_INT, &body_size, "Bytes of each body", "BYTES" },
  { "in-flight", 'i', 0, G_OPTION_ARG_INT, &in_flight, "Batches between append and end", "N" },
  { "remembered", 'm', 0, G_OPTION_ARG_INT, &remembered, "Messages between end and prune", "N" },
  { "prune", 'p', 0, G_OPTION_ARG_NONE, &prune, "Also prune", NULL },
  { "random-ids", 0, 0, G_OPTION_ARG_NONE, &random_ids, "Ids that are not in order of time", NULL },
  { "volatile", 0, 0, G_OPTION_ARG_NONE, &is_volatile, "The store forgets when it is closed",
    NULL },
  { "data-dir", 'd', 0, G_OPTION_ARG_FILENAME, &data_dir, "Where the store lies", "DIR" },
  { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings, "A setting of the store",
    "GROUP.KEY=VALUE" },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &rest, NULL, "MODULE NAME" },
  G_OPTION_ENTRY_NULL,
};

/* A message that was appended: what its ends need to know. */
typedef struct
{
  SbMessage *message; /* (owned) */
  SbTarget *targets;  /* (owned) */
  gint64 handle;
} Sent;

typedef struct
{
  SbStore *store; /* (owned) */
  SbConfig *config;
  SbPlugin *plugin;
  SbRegistry *registry;
  char *dir;    /* (owned) */
  gint64 *keys; /* (owned) of the recipients */
  gint64 sender;
  GBytes *body; /* (owned) */
  Sent *sent;   /* (owned) */
  guint n_sent;
  guint64 n_ids; /* made so far, none twice */
  gint64 now;
  GPtrArray *operations; /* (owned) (element-type SbOperation) the next batch */
} Bench;

/* Time that the calling thread spent, in microseconds. */
typedef struct
{
  double wall;
  double cpu;
  double longest;
} Cost;

static double
read_clock (clockid_t id)
{
  struct timespec time;

  clock_gettime (id, &time);
  return time.tv_sec * 1e6 + time.tv_nsec / 1e3;
}

static void
cost_begin (Cost *start)
{
  start->wall = read_clock (CLOCK_MONOTONIC);
  start->cpu = read_clock (CLOCK_THREAD_CPUTIME_ID);
}

static void
cost_end (Cost *sum, const Cost *start)
{
  double wall = read_clock (CLOCK_MONOTONIC) - start->wall;

  sum->wall += wall;
  sum->cpu += read_clock (CLOCK_THREAD_CPUTIME_ID) - start->cpu;
  sum->longest = MAX (sum->longest, wall);
}

static void
print_cost (const char *what, const Cost *cost, guint n)
{
  g_print ("%-8s %7.2f us wall %7.2f us cpu  per message, longest batch %6.1f ms\n", what,
           cost->wall / n, cost->cpu / n, cost->longest / 1000);
}

static void
die (const GError *error)
{
  g_printerr ("store-bench: %s\n", error->message);
  exit (1);
}

/* Applies the gathered batch; what it costs goes to @cost. */
static void
apply (Bench *self, Cost *cost)
{
  g_autoptr (GError) error = NULL;
  Cost start;
  gboolean applied;

  cost_begin (&start);
  applied = sb_store_apply (self->store, (SbOperation *const *) self->operations->pdata,
                            self->operations->len, &error);
  cost_end (cost, &start);
  if (!applied)
    die (error);
}

static void
clear_batch (Bench *self)
{
  g_ptr_array_set_size (self->operations, 0);
}

/* Operations */

static void
add_append (Bench *self)
{
  guint64 n = self->n_ids++;
  guint64 mixed = (n + 1) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  char id[33];
  SbOperation *operation = sb_operation_new (SB_OPERATION_APPEND, NULL, NULL);
  SbTarget *targets = g_new0 (SbTarget, fanout);

  g_snprintf (id, sizeof id, "%016" G_GINT64_MODIFIER "x%016" G_GINT64_MODIFIER "x",
              random_ids ? mixed : n, mixed);
  for (int i = 0; i < fanout; i++)
    {
      targets[i].recipient = self->keys[(n * 7 + i) % n_recipients];
      targets[i].named = TRUE;
    }
  operation->append.message = sb_message_new (id, "sender", self->sender, g_bytes_ref (self->body),
                                              self->now, 0, 0);
  operation->append.targets = targets;
  operation->append.n_targets = fanout;
  g_ptr_array_add (self->operations, operation);
  self->n_sent++;
}

/* After the commit: what the ends will need. */
static void
note_appends (Bench *self, guint first)
{
  for (guint i = 0; i < self->operations->len; i++)
    {
      SbOperation *operation = g_ptr_array_index (self->operations, i);

      if (operation->kind != SB_OPERATION_APPEND)
        continue;
      g_assert (operation->outcome == SB_OUTCOME_DONE);
      self->sent[first].message = g_steal_pointer (&operation->append.message);
      self->sent[first].targets = g_steal_pointer (&operation->append.targets);
      self->sent[first].handle = operation->append.handle;
      first++;
    }
}

static void
add_end (Bench *self, guint n, int target)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_END, NULL, NULL);
  const Sent *sent = &self->sent[n];

  operation->end.recipient = sent->targets[target].recipient;
  operation->end.position = sent->targets[target].position;
  operation->end.handle = sent->handle;
  operation->end.message = sb_message_ref (sent->message);
  operation->end.state = SB_DELIVERY_CONFIRMED;
  operation->end.now = self->now;
  g_ptr_array_add (self->operations, operation);
}

static void
forget_sent (Bench *self, guint first, guint n)
{
  for (guint i = first; i < first + n; i++)
    {
      g_clear_pointer (&self->sent[i].message, sb_message_unref);
      g_clear_pointer (&self->sent[i].targets, g_free);
    }
}

static SbOperation *
add_sweep (Bench *self, guint limit)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_SWEEP, NULL, NULL);

  operation->sweep.now = self->now;
  operation->sweep.limit = limit;
  g_ptr_array_add (self->operations, operation);
  return operation;
}

/* Parts */

static void
run_append (Bench *self)
{
  Cost cost = { 0 };

  for (int done = 0; done < n_messages; done += batch)
    {
      guint first = self->n_sent;

      for (int i = 0; i < MIN (batch, n_messages - done); i++)
        add_append (self);
      apply (self, &cost);
      note_appends (self, first);
      clear_batch (self);
    }
  print_cost ("append", &cost, n_messages);
}

static void
run_read (Bench *self)
{
  Cost cost = { 0 };
  Cost start;
  guint n = 0;

  cost_begin (&start);
  for (int i = 0; i < n_recipients; i++)
    {
      gint64 after = 0;
      guint page = G_MAXUINT;

      while (page > 0)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (GPtrArray) rows = sb_store_pending (self->store, self->keys[i], after, 100,
                                                         G_MAXUINT32, &error);

          if (rows == NULL)
            die (error);
          page = rows->len;
          n += page;
          if (page > 0)
            after = ((SbStoredDelivery *) g_ptr_array_index (rows, page - 1))->position;
        }
    }
  cost_end (&cost, &start);
  g_print ("%-8s %7.2f us wall %7.2f us cpu  per delivery, %.0f/s\n", "read", cost.wall / n,
           cost.cpu / n, n / cost.wall * 1e6);
}

/* The ends of one message's deliveries are spread over batches, as recipients are of different
 * speed. */
static void
run_end (Bench *self)
{
  Cost cost = { 0 };
  guint first = self->n_sent - n_messages;

  for (int done = 0; done < n_messages; done += batch)
    {
      int n = MIN (batch, n_messages - done);

      for (int target = 0; target < fanout; target++)
        {
          for (int i = 0; i < n; i++)
            add_end (self, first + done + i, target);
          apply (self, &cost);
          clear_batch (self);
        }
    }
  print_cost ("end", &cost, n_messages);
}

static void
run_prune (Bench *self)
{
  Cost cost = { 0 };
  gboolean more = TRUE;

  self->now += 3600 * SECOND;
  while (more)
    {
      SbOperation *sweep = add_sweep (self, batch);

      apply (self, &cost);
      more = sweep->sweep.more;
      clear_batch (self);
    }
  print_cost ("prune", &cost, n_messages);
}

/* One batch of the steady state: appends and ends alternate, as they do in the journal. */
static void
run_life_batch (Bench *self, Cost *cost)
{
  guint first = self->n_sent;
  gboolean has_ends = first >= (guint) (in_flight * batch);

  self->now += BATCH_TIME;
  for (int i = 0; i < batch; i++)
    {
      add_append (self);
      for (int target = 0; has_ends && target < fanout; target++)
        add_end (self, first - in_flight * batch + i, target);
    }
  if (prune)
    add_sweep (self, batch * (fanout + 2));
  apply (self, cost);
  note_appends (self, first);
  clear_batch (self);
  if (has_ends)
    forget_sent (self, first - in_flight * batch, batch);
}

static void
run_life (Bench *self)
{
  Cost warm = { 0 };
  Cost cost = { 0 };
  int n_warm = remembered / batch + in_flight + 1;

  forget_sent (self, 0, self->n_sent);
  self->n_sent = 0;
  self->now += 7200 * SECOND;
  for (int i = 0; i < n_warm; i++)
    run_life_batch (self, &warm);
  for (int i = 0; i < n_messages / batch; i++)
    run_life_batch (self, &cost);
  print_cost ("life", &cost, n_messages / batch * batch);
}

/* Before and after */

static gint64
add_user (Bench *self, const char *id)
{
  SbOperation *operation = sb_operation_new (SB_OPERATION_PUT_USER, NULL, NULL);
  Cost cost = { 0 };
  gint64 key;

  operation->put_user.user = sb_user_new (0, id, "*", NULL, NULL, FALSE, START);
  g_ptr_array_add (self->operations, operation);
  apply (self, &cost);
  key = operation->put_user.key;
  clear_batch (self);
  return key;
}

static void
add_users (Bench *self)
{
  self->keys = g_new0 (gint64, n_recipients);
  self->sender = add_user (self, "sender");
  for (int i = 0; i < n_recipients; i++)
    {
      g_autofree char *id = g_strdup_printf ("user%d", i);

      self->keys[i] = add_user (self, id);
    }
}

static gboolean
load_store (Bench *self, GError **error)
{
  const SbConfigKey *keys;
  gsize n_keys;
  GType type;

  self->registry = sb_registry_new ();
  self->config = sb_config_new ();
  self->plugin = sb_plugin_load (rest[0], NULL, self->registry, error);
  if (self->plugin == NULL)
    return FALSE;
  for (guint i = 0; settings != NULL && settings[i] != NULL; i++)
    if (!sb_config_set (self->config, settings[i], error))
      return FALSE;
  keys = sb_plugin_get_keys (self->plugin, &n_keys);
  if (n_keys > 0
      && !sb_config_declare (self->config, sb_plugin_get_name (self->plugin), keys, n_keys, error))
    return FALSE;
  type = sb_registry_lookup (self->registry, SB_TYPE_STORE, rest[1], error);
  if (type == G_TYPE_INVALID)
    return FALSE;
  self->store = g_object_new (type, NULL);
  return TRUE;
}

static gboolean
open_store (Bench *self, GError **error)
{
  SbStoreOptions options = {
    .config = self->config,
    .data_dir = self->dir,
    .limits.remember = MAX (remembered / batch, 1) * BATCH_TIME,
    .limits.remember_max = G_MAXINT32,
    .limits.receipts_max = 1000,
    .limits.receipts_age = 86400 * SECOND,
    .limits.max_queue = G_MAXINT32,
    .limits.max_queue_bytes = G_MAXINT64 / 2,
  };
  Cost start;
  Cost cost = { 0 };

  cost_begin (&start);
  if (!sb_store_open (self->store, &options, error))
    return FALSE;
  cost_end (&cost, &start);
  g_print ("%-8s %7.1f ms\n", "open", cost.wall / 1000);
  return TRUE;
}

static gboolean
bench_start (Bench *self, GError **error)
{
  guint most = MAX (n_messages, remembered + (in_flight + 2) * batch + n_messages);

  self->dir = data_dir != NULL ? g_strdup (data_dir) : g_dir_make_tmp ("store-bench-XXXXXX", error);
  if (self->dir == NULL || !load_store (self, error) || !open_store (self, error))
    return FALSE;
  self->operations = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_operation_free);
  self->body = g_bytes_new_take (g_strnfill (body_size, 'x'), body_size);
  self->sent = g_new0 (Sent, most);
  self->now = START;
  add_users (self);
  return TRUE;
}

/* How long a start takes with all that was appended. */
static void
run_reopen (Bench *self)
{
  g_autoptr (GError) error = NULL;

  sb_store_close (self->store);
  g_clear_object (&self->store);
  self->store = g_object_new (sb_registry_lookup (self->registry, SB_TYPE_STORE, rest[1], NULL),
                              NULL);
  if (!open_store (self, &error))
    die (error);
}

static void
remove_files (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);

      g_remove (child);
    }
  g_rmdir (path);
}

static void
bench_stop (Bench *self)
{
  forget_sent (self, 0, self->n_sent);
  sb_store_close (self->store);
  g_clear_object (&self->store);
  if (data_dir == NULL)
    remove_files (self->dir);
  g_ptr_array_unref (self->operations);
  g_bytes_unref (self->body);
  g_free (self->sent);
  g_free (self->keys);
  g_free (self->dir);
  g_object_unref (self->plugin);
  g_object_unref (self->config);
  g_object_unref (self->registry);
}

static gboolean
parse_arguments (int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (rest == NULL || g_strv_length (rest) != 2 || batch < 1 || fanout < 1 || in_flight < 1
      || n_messages < batch || n_recipients < fanout)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "a module and the name of a store are needed, counts above 0, "
                           "and as many recipients as --fanout");
      return FALSE;
    }
  return TRUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  Bench bench = { 0 };

  if (!parse_arguments (&argc, &argv, &error) || !bench_start (&bench, &error))
    die (error);
  g_print ("%d messages of %d bytes, fan-out %d of %d recipients, batches of %d\n", n_messages,
           body_size, fanout, n_recipients, batch);
  run_append (&bench);
  if (!is_volatile)
    run_reopen (&bench);
  run_read (&bench);
  run_end (&bench);
  if (prune)
    run_prune (&bench);
  run_life (&bench);
  bench_stop (&bench);
  return 0;
}

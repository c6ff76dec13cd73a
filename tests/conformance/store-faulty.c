/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store-faulty: the memory store with one fault each, named as what it does
 * wrong. store-conformance has to refuse every one of them but `none`.
 */

#include "faults.h"
#include "sb-memory-store.h"

SbStoreInterface *sound;

/* Of the one store that a program has open. */
static guint n_appends;
static GPtrArray *held_back;

static gboolean
applies_soundly (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return sound->apply (self, operations, n, error);
}

gboolean
applies_all_but (SbStore *self, SbOperation *const *operations, guint n,
                 gboolean (*is_lost) (const SbOperation *), GError **error)
{
  for (guint i = 0; i < n; i++)
    if (!is_lost (operations[i]) && !sound->apply (self, &operations[i], 1, error))
      return FALSE;
  return TRUE;
}

static gboolean
is_thousandth_append (const SbOperation *operation)
{
  return operation->kind == SB_OPERATION_APPEND && ++n_appends % 1000 == 0;
}

static gboolean
loses_every_1000th_append (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_all_but (self, operations, n, is_thousandth_append, error);
}

static gboolean
is_sweep (const SbOperation *operation)
{
  return operation->kind == SB_OPERATION_SWEEP;
}

static gboolean
never_sweeps (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_all_but (self, operations, n, is_sweep, error);
}

static gboolean
is_drop_receipts (const SbOperation *operation)
{
  return operation->kind == SB_OPERATION_DROP_RECEIPTS;
}

static gboolean
keeps_dropped_receipts (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_all_but (self, operations, n, is_drop_receipts, error);
}

static void
apply_held_back (SbStore *self)
{
  if (held_back == NULL)
    return;
  sound->apply (self, (SbOperation *const *) held_back->pdata, held_back->len, NULL);
  g_clear_pointer (&held_back, g_ptr_array_unref);
}

/* Confirmations are carried out one batch late. */
static gboolean
acknowledges_before_it_stores (SbStore *self, SbOperation *const *operations, guint n,
                               GError **error)
{
  apply_held_back (self);
  for (guint i = 0; i < n; i++)
    {
      SbOperation *late;

      if (operations[i]->kind != SB_OPERATION_END)
        {
          sound->apply (self, &operations[i], 1, error);
          continue;
        }
      late = sb_operation_new (SB_OPERATION_END, NULL, NULL);
      late->end = operations[i]->end;
      late->end.message = NULL;
      late->end.id = g_strdup (operations[i]->end.id);
      late->end.log = g_strdup (operations[i]->end.log);
      if (held_back == NULL)
        held_back = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_operation_free);
      g_ptr_array_add (held_back, late);
    }
  return TRUE;
}

static void
closes_held_back (SbStore *self)
{
  g_clear_pointer (&held_back, g_ptr_array_unref);
  sound->close (self);
}

/* Long enough that a reader comes between. */
static gboolean
shows_half_a_batch (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  if (n == 1)
    return sound->apply (self, operations, n, error);
  if (!sound->apply (self, operations, n / 2, error))
    return FALSE;
  for (guint i = 0; i < 100; i++)
    g_thread_yield ();
  return sound->apply (self, operations + n / 2, n - n / 2, error);
}

gboolean
applies_then (SbStore *self, SbOperation *const *operations, guint n, void (*func) (SbOperation *),
              GError **error)
{
  if (!sound->apply (self, operations, n, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    func (operations[i]);
  return TRUE;
}

gboolean
applies_after (SbStore *self, SbOperation *const *operations, guint n, void (*func) (SbOperation *),
               GError **error)
{
  for (guint i = 0; i < n; i++)
    func (operations[i]);
  return sound->apply (self, operations, n, error);
}

static void
hide_duplicate (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND && operation->outcome == SB_OUTCOME_DUPLICATE)
    operation->outcome = SB_OUTCOME_DONE;
}

static gboolean
forgets_duplicates (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, hide_duplicate, error);
}

static void
mistake_conflict (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND && operation->outcome == SB_OUTCOME_CONFLICT)
    operation->outcome = SB_OUTCOME_DUPLICATE;
}

static gboolean
takes_a_conflict_for_a_duplicate (SbStore *self, SbOperation *const *operations, guint n,
                                  GError **error)
{
  return applies_then (self, operations, n, mistake_conflict, error);
}

static void
spoil_sender_key (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END)
    operation->end.sender_key = operation->end.recipient;
}

static gboolean
names_the_wrong_sender (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, spoil_sender_key, error);
}

static void
hide_second_end (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END && operation->outcome == SB_OUTCOME_DUPLICATE)
    operation->outcome = SB_OUTCOME_DONE;
}

static gboolean
confirms_twice (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, hide_second_end, error);
}

static void
repeat_position (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND && operation->append.targets[0].position % 20 == 0
      && operation->append.targets[0].position > 0)
    operation->append.targets[0].position--;
}

static gboolean
gives_a_position_twice (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, repeat_position, error);
}

static void
hide_full (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND)
    for (guint i = 0; i < operation->append.n_targets; i++)
      operation->append.targets[i].full = FALSE;
}

static gboolean
does_not_say_who_is_full (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, hide_full, error);
}

static void
hide_moved (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_SWEEP)
    g_array_set_size (operation->sweep.moved, 0);
}

static gboolean
sweeps_in_silence (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, hide_moved, error);
}

static gboolean
sweeps_ahead_of_time (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    if (is_sweep (operations[i]))
      operations[i]->sweep.now += G_USEC_PER_SEC;
  return sound->apply (self, operations, n, error);
}

static gboolean
leaves_no_receipt (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    if (operations[i]->kind == SB_OPERATION_END)
      operations[i]->end.store_receipt = FALSE;
  return sound->apply (self, operations, n, error);
}

static gboolean
fails_in_silence (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  sound->apply (self, operations, n, error);
  return FALSE;
}

static GPtrArray *
pages_out_of_order (SbStore *self, gint64 recipient, gint64 after, guint limit, gsize max_bytes,
                    GError **error)
{
  GPtrArray *rows = sound->pending (self, recipient, after, limit, max_bytes, error);

  if (rows->len > 10)
    {
      gpointer row = rows->pdata[9];

      rows->pdata[9] = rows->pdata[10];
      rows->pdata[10] = row;
    }
  return rows;
}

static GPtrArray *
ignores_the_limit (SbStore *self, gint64 recipient, gint64 after, guint limit, gsize max_bytes,
                   GError **error)
{
  return sound->pending (self, recipient, after, G_MAXUINT, max_bytes, error);
}

static GPtrArray *
ignores_the_bytes (SbStore *self, gint64 recipient, gint64 after, guint limit, gsize max_bytes,
                   GError **error)
{
  return sound->pending (self, recipient, after, limit, G_MAXSIZE, error);
}

static GPtrArray *
includes_the_position_after (SbStore *self, gint64 recipient, gint64 after, guint limit,
                             gsize max_bytes, GError **error)
{
  return sound->pending (self, recipient, MAX (after, 1) - 1, limit, max_bytes, error);
}

static GPtrArray *
has_parked_ones_in_the_queue (SbStore *self, gint64 recipient, gint64 after, guint limit,
                              gsize max_bytes, GError **error)
{
  gint64 next = 0;
  GPtrArray *rows = sound->pending (self, recipient, after, limit, max_bytes, error);
  g_autoptr (GPtrArray) parked = sound->parked (self, recipient, G_MAXINT64, limit, &next, error);

  g_ptr_array_extend_and_steal (rows, g_steal_pointer (&parked));
  return rows;
}

/* What was confirmed by one recipient has no body for the others. */
static GPtrArray *
forgets_bodies_too_early (SbStore *self, gint64 recipient, gint64 after, guint limit,
                          gsize max_bytes, GError **error)
{
  GPtrArray *rows = sound->pending (self, recipient, after, limit, max_bytes, error);

  for (guint i = 0; i < rows->len; i++)
    {
      SbStoredDelivery *row = rows->pdata[i];
      g_autoptr (SbMessage) old = row->message;
      g_autoptr (SbMessageStatus) status = sound->status (self, old->id, NULL);
      const SbDeliveryStatus *first = status == NULL ? NULL : status->deliveries->pdata[0];
      gboolean is_early = first != NULL && sb_delivery_state_has_ended (first->state);

      row->message = sb_message_new (old->id, old->sender, old->sender_key,
                                     is_early ? g_bytes_new (NULL, 0) : g_bytes_ref (old->body),
                                     old->accepted, old->not_before, old->deadline);
    }
  return rows;
}

static SbMessageStatus *
knows_nothing_in_silence (SbStore *self, const char *id, GError **error)
{
  return sound->status (self, id, NULL);
}

static gboolean
counts_one_too_many (SbStore *self, SbStoreStats *stats, GError **error)
{
  gboolean filled = sound->stats (self, stats, error);

  stats->waiting += stats->waiting > 1;
  return filled;
}

static gboolean
counts_nothing_as_scheduled (SbStore *self, SbStoreStats *stats, GError **error)
{
  gboolean filled = sound->stats (self, stats, error);

  stats->scheduled = 0;
  return filled;
}

static gboolean
counts_no_bytes (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error)
{
  gboolean filled = sound->backlog (self, recipient, backlog, error);

  backlog->bytes = 0;
  return filled;
}

static gboolean
has_no_limits (SbStore *self, const SbStoreOptions *options, GError **error)
{
  SbStoreOptions roomy = *options;

  roomy.limits.max_queue = G_MAXINT32;
  roomy.limits.max_queue_bytes = G_MAXINT32;
  return sound->open (self, &roomy, error);
}

static gboolean
remembers_without_end (SbStore *self, const SbStoreOptions *options, GError **error)
{
  SbStoreOptions roomy = *options;

  roomy.limits.remember_max = G_MAXINT32;
  return sound->open (self, &roomy, error);
}

static gboolean
hoards_receipts (SbStore *self, const SbStoreOptions *options, GError **error)
{
  SbStoreOptions roomy = *options;

  roomy.limits.receipts_max = G_MAXINT32;
  return sound->open (self, &roomy, error);
}

FAULT (apply, applies_soundly)
FAULT (apply, loses_every_1000th_append)
FAULT (apply, never_sweeps)
FAULT (apply, keeps_dropped_receipts)
FAULT (apply, shows_half_a_batch)
FAULT (apply, forgets_duplicates)
FAULT (apply, takes_a_conflict_for_a_duplicate)
FAULT (apply, names_the_wrong_sender)
FAULT (apply, confirms_twice)
FAULT (apply, gives_a_position_twice)
FAULT (apply, does_not_say_who_is_full)
FAULT (apply, sweeps_in_silence)
FAULT (apply, sweeps_ahead_of_time)
FAULT (apply, leaves_no_receipt)
FAULT (apply, fails_in_silence)
FAULT (pending, pages_out_of_order)
FAULT (pending, ignores_the_limit)
FAULT (pending, ignores_the_bytes)
FAULT (pending, includes_the_position_after)
FAULT (pending, has_parked_ones_in_the_queue)
FAULT (pending, forgets_bodies_too_early)
FAULT (status, knows_nothing_in_silence)
FAULT (stats, counts_one_too_many)
FAULT (stats, counts_nothing_as_scheduled)
FAULT (backlog, counts_no_bytes)
FAULT (open, has_no_limits)
FAULT (open, remembers_without_end)
FAULT (open, hoards_receipts)

static void
install_acknowledges_before_it_stores (SbStoreInterface *iface)
{
  iface->apply = acknowledges_before_it_stores;
  iface->close = closes_held_back;
}

static const Fault faults[] = {
  { "none", install_applies_soundly },
  { "loses-every-1000th-append", install_loses_every_1000th_append },
  { "never-sweeps", install_never_sweeps },
  { "keeps-dropped-receipts", install_keeps_dropped_receipts },
  { "acknowledges-before-it-stores", install_acknowledges_before_it_stores },
  { "shows-half-a-batch", install_shows_half_a_batch },
  { "forgets-duplicates", install_forgets_duplicates },
  { "takes-a-conflict-for-a-duplicate", install_takes_a_conflict_for_a_duplicate },
  { "names-the-wrong-sender", install_names_the_wrong_sender },
  { "confirms-twice", install_confirms_twice },
  { "gives-a-position-twice", install_gives_a_position_twice },
  { "does-not-say-who-is-full", install_does_not_say_who_is_full },
  { "sweeps-in-silence", install_sweeps_in_silence },
  { "sweeps-ahead-of-time", install_sweeps_ahead_of_time },
  { "leaves-no-receipt", install_leaves_no_receipt },
  { "fails-in-silence", install_fails_in_silence },
  { "pages-out-of-order", install_pages_out_of_order },
  { "ignores-the-limit", install_ignores_the_limit },
  { "ignores-the-bytes", install_ignores_the_bytes },
  { "includes-the-position-after", install_includes_the_position_after },
  { "has-parked-ones-in-the-queue", install_has_parked_ones_in_the_queue },
  { "forgets-bodies-too-early", install_forgets_bodies_too_early },
  { "knows-nothing-in-silence", install_knows_nothing_in_silence },
  { "counts-one-too-many", install_counts_one_too_many },
  { "counts-nothing-as-scheduled", install_counts_nothing_as_scheduled },
  { "counts-no-bytes", install_counts_no_bytes },
  { "has-no-limits", install_has_no_limits },
  { "remembers-without-end", install_remembers_without_end },
  { "hoards-receipts", install_hoards_receipts },
  { NULL },
};

static void
init_interface (gpointer iface, gpointer data)
{
  const Fault *fault = data;
  SbStoreInterface *own = iface;

  sound = g_type_interface_peek_parent (iface);
  own->open = sound->open;
  own->close = sound->close;
  own->apply = sound->apply;
  own->pending = sound->pending;
  own->parked = sound->parked;
  own->backlog = sound->backlog;
  own->queues = sound->queues;
  own->largest = sound->largest;
  own->deliveries = sound->deliveries;
  own->message = sound->message;
  own->status = sound->status;
  own->file = sound->file;
  own->files = sound->files;
  own->users = sound->users;
  own->receipts = sound->receipts;
  own->stats = sound->stats;
  fault->install (own);
}

static GType
register_fault (const Fault *fault)
{
  g_autofree char *name = g_strconcat ("SbFaultyStore-", fault->name, NULL);
  const GTypeInfo info = {
    .class_size = sizeof (SbMemoryStoreClass),
    .instance_size = sizeof (SbMemoryStore),
  };
  const GInterfaceInfo interface = { init_interface, NULL, (gpointer) fault };
  GType type = g_type_register_static (SB_TYPE_MEMORY_STORE, name, &info, G_TYPE_FLAG_NONE);

  g_type_add_interface_static (type, SB_TYPE_STORE, &interface);
  return type;
}

static gboolean
register_faults (SbRegistry *registry, const Fault *list, GError **error)
{
  for (; list->name != NULL; list++)
    if (!sb_registry_add (registry, SB_TYPE_STORE, list->name, register_fault (list), error))
      return FALSE;
  return TRUE;
}

static gboolean
load (SbRegistry *registry, GError **error)
{
  return register_faults (registry, faults, error)
         && register_faults (registry, change_faults, error)
         && register_faults (registry, list_faults, error)
         && register_faults (registry, file_faults, error);
}

SB_PLUGIN_DEFINE ("store-faulty", "Stores with one fault each, for the tests", NULL, 0, load);

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* faults-change: what goes wrong with requeues, moves, logs, limits and settings of users. */

#include "faults.h"

#include <string.h>

/* Of the one store that a program has open. */
static SbStoreLimits limits;
static GHashTable *left_positions; /* (owned) gint64 → (owned) gint64, where it is now */
static GHashTable *old_attempts;   /* (owned) id of a message → its attempts before */

static void
hide_log (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END)
    g_clear_pointer (&operation->end.log, g_free);
  if (operation->kind == SB_OPERATION_PARK)
    g_clear_pointer (&operation->park.log, g_free);
}

static gboolean
loses_logs (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_after (self, operations, n, hide_log, error);
}

static void
hide_log_of_parked (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_PARK)
    hide_log (operation);
}

static gboolean
loses_logs_of_the_parked (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_after (self, operations, n, hide_log_of_parked, error);
}

/* As if none that is given were an empty one. */
static void
empty_log (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END && operation->end.log == NULL)
    operation->end.log = g_strdup ("");
  if (operation->kind == SB_OPERATION_PARK && operation->park.log == NULL)
    operation->park.log = g_strdup ("");
}

static gboolean
replaces_a_log_with_none (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_after (self, operations, n, empty_log, error);
}

static char *
get_log (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_END)
    return operation->end.log;
  return operation->kind == SB_OPERATION_PARK ? operation->park.log : NULL;
}

static void
cut_log (SbOperation *operation)
{
  char *log = get_log (operation);

  if (log != NULL)
    log[strcspn (log, "\n")] = '\0';
}

static gboolean
keeps_the_first_line_of_a_log (SbStore *self, SbOperation *const *operations, guint n,
                               GError **error)
{
  return applies_after (self, operations, n, cut_log, error);
}

static void
hide_unknown (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_REQUEUE)
    operation->outcome = SB_OUTCOME_DONE;
}

static gboolean
says_that_it_requeued (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, hide_unknown, error);
}

static void
hide_old_position (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_REQUEUE)
    operation->requeue.old_position = 0;
}

static gboolean
forgets_where_the_requeued_was (SbStore *self, SbOperation *const *operations, guint n,
                                GError **error)
{
  return applies_then (self, operations, n, hide_old_position, error);
}

static void
spoil_new_position (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_REQUEUE && operation->outcome == SB_OUTCOME_DONE)
    operation->requeue.position = MAX (operation->requeue.old_position, 1);
}

static gboolean
says_that_the_requeued_stays_where_it_was (SbStore *self, SbOperation *const *operations, guint n,
                                           GError **error)
{
  return applies_then (self, operations, n, spoil_new_position, error);
}

static gboolean
is_over_the_limit (SbStore *self, gint64 recipient)
{
  SbBacklog backlog = { 0 };

  sound->backlog (self, recipient, &backlog, NULL);
  return backlog.waiting >= (guint64) limits.max_queue;
}

static gboolean
refuses_to_requeue_over_the_limit (SbStore *self, SbOperation *const *operations, guint n,
                                   GError **error)
{
  for (guint i = 0; i < n; i++)
    if (operations[i]->kind == SB_OPERATION_REQUEUE
        && is_over_the_limit (self, operations[i]->requeue.recipient))
      operations[i]->outcome = SB_OUTCOME_UNKNOWN;
    else if (!sound->apply (self, &operations[i], 1, error))
      return FALSE;
  return TRUE;
}

static gboolean
refuses_to_move_over_the_limit (SbStore *self, SbOperation *const *operations, guint n,
                                GError **error)
{
  for (guint i = 0; i < n; i++)
    if (operations[i]->kind == SB_OPERATION_MOVE
        && is_over_the_limit (self, operations[i]->move.to))
      operations[i]->outcome = SB_OUTCOME_UNKNOWN;
    else if (!sound->apply (self, &operations[i], 1, error))
      return FALSE;
  return TRUE;
}

static void
note_left_position (const SbOperation *operation)
{
  if (left_positions == NULL)
    left_positions = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  g_hash_table_replace (left_positions,
                        g_memdup2 (&operation->requeue.old_position, sizeof (gint64)),
                        g_memdup2 (&operation->requeue.position, sizeof (gint64)));
}

static gboolean
finds_the_requeued_where_it_was (SbStore *self, SbOperation *const *operations, guint n,
                                 GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      SbOperation *operation = operations[i];
      const gint64 *now = NULL;

      if (operation->kind == SB_OPERATION_END && left_positions != NULL)
        now = g_hash_table_lookup (left_positions, &operation->end.position);
      if (now != NULL)
        operation->end.position = *now;
      if (!sound->apply (self, &operation, 1, error))
        return FALSE;
      if (operation->kind == SB_OPERATION_REQUEUE && operation->outcome == SB_OUTCOME_DONE)
        note_left_position (operation);
    }
  return TRUE;
}

static void
note_attempts (SbStore *self, const char *id)
{
  g_autoptr (SbMessageStatus) status = sound->status (self, id, NULL);
  guint attempts = 0;

  for (guint i = 0; status != NULL && i < status->deliveries->len; i++)
    attempts += ((SbDeliveryStatus *) status->deliveries->pdata[i])->attempts;
  if (old_attempts == NULL)
    old_attempts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_replace (old_attempts, g_strdup (id), GUINT_TO_POINTER (attempts));
}

static gboolean
notes_attempts (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    if (operations[i]->kind == SB_OPERATION_REQUEUE)
      note_attempts (self, operations[i]->requeue.id);
  return sound->apply (self, operations, n, error);
}

static SbMessageStatus *
keeps_the_attempts_of_the_requeued (SbStore *self, const char *id, GError **error)
{
  SbMessageStatus *status = sound->status (self, id, error);
  gpointer before = old_attempts == NULL ? NULL : g_hash_table_lookup (old_attempts, id);

  for (guint i = 0; status != NULL && i < status->deliveries->len; i++)
    ((SbDeliveryStatus *) status->deliveries->pdata[i])->attempts += GPOINTER_TO_UINT (before);
  return status;
}

static void
forgets_attempts (SbStore *self)
{
  g_clear_pointer (&old_attempts, g_hash_table_unref);
  sound->close (self);
}

static void
forgets_left_positions (SbStore *self)
{
  g_clear_pointer (&left_positions, g_hash_table_unref);
  sound->close (self);
}

/* What is pending goes last as well. */
static gboolean
requeues_what_is_pending (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      SbOperation *operation = operations[i];

      if (!sound->apply (self, &operation, 1, error))
        return FALSE;
      if (operation->kind == SB_OPERATION_REQUEUE && operation->outcome == SB_OUTCOME_UNKNOWN)
        {
          g_autoptr (SbOperation) end = sb_operation_new (SB_OPERATION_END, NULL, NULL);

          end->end.recipient = operation->requeue.recipient;
          end->end.id = g_strdup (operation->requeue.id);
          end->end.state = SB_DELIVERY_DEAD;
          end->end.now = operation->requeue.now;
          operation->outcome = SB_OUTCOME_DONE;
          sound->apply (self, &end, 1, NULL);
          sound->apply (self, &operation, 1, NULL);
        }
    }
  return TRUE;
}

static void
hide_conflict (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_MOVE && operation->outcome == SB_OUTCOME_CONFLICT)
    operation->outcome = SB_OUTCOME_DONE;
}

static gboolean
says_that_it_moved_to_a_recipient (SbStore *self, SbOperation *const *operations, guint n,
                                   GError **error)
{
  return applies_then (self, operations, n, hide_conflict, error);
}

static void
take_unknown_for_conflict (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_MOVE && operation->outcome == SB_OUTCOME_UNKNOWN)
    operation->outcome = SB_OUTCOME_CONFLICT;
}

static gboolean
sees_a_conflict_in_everything (SbStore *self, SbOperation *const *operations, guint n,
                               GError **error)
{
  return applies_then (self, operations, n, take_unknown_for_conflict, error);
}

static void
spoil_sender (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_MOVE)
    operation->move.sender_key = operation->move.recipient;
}

static gboolean
names_the_wrong_sender_of_the_moved (SbStore *self, SbOperation *const *operations, guint n,
                                     GError **error)
{
  return applies_then (self, operations, n, spoil_sender, error);
}

static void
hide_place_of_moved (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_MOVE)
    operation->move.old_position = 0;
}

static gboolean
forgets_where_the_moved_was (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then (self, operations, n, hide_place_of_moved, error);
}

static void
count_one_recipient (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_APPEND && operation->outcome == SB_OUTCOME_DUPLICATE)
    operation->append.n_recipients = 1;
}

static gboolean
counts_the_recipients_of_the_append (SbStore *self, SbOperation *const *operations, guint n,
                                     GError **error)
{
  return applies_then (self, operations, n, count_one_recipient, error);
}

static SbMessageStatus *
says_that_the_moved_died (SbStore *self, const char *id, GError **error)
{
  SbMessageStatus *status = sound->status (self, id, error);

  for (guint i = 0; status != NULL && i < status->deliveries->len; i++)
    {
      SbDeliveryStatus *row = status->deliveries->pdata[i];

      if (row->reason == SB_REASON_MOVED)
        row->state = SB_DELIVERY_DEAD;
    }
  return status;
}

static SbMessageStatus *
gives_the_log_to_whom_it_moved_to (SbStore *self, const char *id, GError **error)
{
  SbMessageStatus *status = sound->status (self, id, error);
  const char *log = NULL;

  for (guint i = 0; status != NULL && i < status->deliveries->len; i++)
    {
      SbDeliveryStatus *row = status->deliveries->pdata[i];

      if (row->reason == SB_REASON_MOVED)
        log = row->log;
      else if (row->log == NULL)
        row->log = g_strdup (log);
    }
  return status;
}

static gboolean
is_limits (const SbOperation *operation)
{
  return operation->kind == SB_OPERATION_LIMITS;
}

static gboolean
never_changes_its_limits (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_all_but (self, operations, n, is_limits, error);
}

static gboolean
changes_its_limits_after_the_batch (SbStore *self, SbOperation *const *operations, guint n,
                                    GError **error)
{
  if (!applies_all_but (self, operations, n, is_limits, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (is_limits (operations[i]))
      sound->apply (self, &operations[i], 1, NULL);
  return TRUE;
}

/* What waits over a lower limit is dropped. */
static void
drop_over (SbStore *self, gint64 recipient, gint64 max_queue)
{
  g_autoptr (GPtrArray) rows = sound->pending (self, recipient, 0, G_MAXUINT, G_MAXSIZE, NULL);

  for (guint i = (guint) max_queue; i < rows->len; i++)
    {
      g_autoptr (SbOperation) end = sb_operation_new (SB_OPERATION_END, NULL, NULL);

      end->end.recipient = recipient;
      end->end.position = ((SbStoredDelivery *) rows->pdata[i])->position;
      end->end.state = SB_DELIVERY_DROPPED;
      sound->apply (self, &end, 1, NULL);
    }
}

static gboolean
ends_what_is_over_a_lower_limit (SbStore *self, SbOperation *const *operations, guint n,
                                 GError **error)
{
  if (!sound->apply (self, operations, n, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    for (gint64 recipient = 1; is_limits (operations[i]) && recipient < 10; recipient++)
      drop_over (self, recipient, operations[i]->limits.max_queue);
  return TRUE;
}

static gboolean
has_its_own_limits (SbStore *self, const SbStoreOptions *options, GError **error)
{
  limits = options->limits;
  return sound->open (self, options, error);
}

static gboolean
keeps_all_the_dead (SbStore *self, const SbStoreOptions *options, GError **error)
{
  SbStoreOptions roomy = *options;

  roomy.limits.max_dead = G_MAXINT32;
  return sound->open (self, &roomy, error);
}

/* Calls @func on each target of an append that was carried out. */
static gboolean
applies_then_to_targets (SbStore *self, SbOperation *const *operations, guint n,
                         void (*func) (SbTarget *), GError **error)
{
  if (!sound->apply (self, operations, n, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    for (guint k = 0;
         operations[i]->kind == SB_OPERATION_APPEND && k < operations[i]->append.n_targets; k++)
      func (&operations[i]->append.targets[k]);
  return TRUE;
}

static void
hide_dropped (SbTarget *target)
{
  if (target->state == SB_DELIVERY_DROPPED)
    target->state = SB_DELIVERY_DEAD;
}

static gboolean
says_that_the_dropped_died (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then_to_targets (self, operations, n, hide_dropped, error);
}

static void
hide_near (SbTarget *target)
{
  target->near = FALSE;
}

static gboolean
never_warns (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then_to_targets (self, operations, n, hide_near, error);
}

static void
set_near (SbTarget *target)
{
  target->near = TRUE;
}

static gboolean
always_warns (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_then_to_targets (self, operations, n, set_near, error);
}

/* Warns by the number alone, and rounds four fifths down. */
static gboolean
warns_by_its_own_count (SbStore *self, SbOperation *const *operations, guint n,
                        gint64 (*first) (gint64), GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      if (!sound->apply (self, &operations[i], 1, error))
        return FALSE;
      for (guint k = 0;
           operations[i]->kind == SB_OPERATION_APPEND && k < operations[i]->append.n_targets; k++)
        {
          SbTarget *target = &operations[i]->append.targets[k];
          SbBacklog backlog = { 0 };

          sound->backlog (self, target->recipient, &backlog, NULL);
          target->near = backlog.waiting >= (guint64) first (limits.max_queue);
        }
    }
  return TRUE;
}

static gint64
four_fifths (gint64 limit)
{
  return limit - limit / 5;
}

static gboolean
warns_by_the_number_alone (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return warns_by_its_own_count (self, operations, n, four_fifths, error);
}

static gint64
rounded_down (gint64 limit)
{
  return limit * 4 / 5;
}

static gboolean
warns_too_early (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return warns_by_its_own_count (self, operations, n, rounded_down, error);
}

/* Takes what a change of a user gives in its place. */
static void
replace_user (SbOperation *operation, SbUser *user)
{
  sb_user_unref (operation->put_user.user);
  operation->put_user.user = user;
}

static void
hide_ttl (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_PUT_USER)
    replace_user (operation, sb_user_with_ttl (operation->put_user.user, SB_USER_NO_TTL));
}

static gboolean
forgets_ttls (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_after (self, operations, n, hide_ttl, error);
}

static void
take_no_ttl_for_0 (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_PUT_USER)
    replace_user (operation, sb_user_with_ttl (operation->put_user.user,
                                               MAX (operation->put_user.user->ttl, 0)));
}

static gboolean
takes_no_ttl_for_0 (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_after (self, operations, n, take_no_ttl_for_0, error);
}

static void
hide_pause (SbOperation *operation)
{
  if (operation->kind == SB_OPERATION_PUT_USER)
    replace_user (operation, sb_user_with_paused (operation->put_user.user, FALSE));
}

static gboolean
forgets_who_is_paused (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  return applies_after (self, operations, n, hide_pause, error);
}

static GPtrArray *
gives_the_parked_without_logs (SbStore *self, gint64 recipient, gint64 until, guint limit,
                               gint64 *next_due, GError **error)
{
  GPtrArray *rows = sound->parked (self, recipient, until, limit, next_due, error);

  for (guint i = 0; i < rows->len; i++)
    g_clear_pointer (&((SbStoredDelivery *) rows->pdata[i])->log, g_free);
  return rows;
}

FAULT (apply, loses_logs)
FAULT (apply, loses_logs_of_the_parked)
FAULT (apply, replaces_a_log_with_none)
FAULT (apply, keeps_the_first_line_of_a_log)
FAULT (apply, says_that_it_requeued)
FAULT (apply, forgets_where_the_requeued_was)
FAULT (apply, says_that_the_requeued_stays_where_it_was)
FAULT (apply, requeues_what_is_pending)
FAULT (apply, says_that_it_moved_to_a_recipient)
FAULT (apply, sees_a_conflict_in_everything)
FAULT (apply, names_the_wrong_sender_of_the_moved)
FAULT (apply, forgets_where_the_moved_was)
FAULT (apply, counts_the_recipients_of_the_append)
FAULT (apply, never_changes_its_limits)
FAULT (apply, changes_its_limits_after_the_batch)
FAULT (apply, ends_what_is_over_a_lower_limit)
FAULT (apply, says_that_the_dropped_died)
FAULT (apply, never_warns)
FAULT (apply, always_warns)
FAULT (apply, forgets_ttls)
FAULT (apply, takes_no_ttl_for_0)
FAULT (apply, forgets_who_is_paused)
FAULT (open, keeps_all_the_dead)
FAULT (parked, gives_the_parked_without_logs)
FAULT (status, says_that_the_moved_died)
FAULT (status, gives_the_log_to_whom_it_moved_to)

static void
install_refuses_to_requeue_over_the_limit (SbStoreInterface *iface)
{
  iface->open = has_its_own_limits;
  iface->apply = refuses_to_requeue_over_the_limit;
}

static void
install_refuses_to_move_over_the_limit (SbStoreInterface *iface)
{
  iface->open = has_its_own_limits;
  iface->apply = refuses_to_move_over_the_limit;
}

static void
install_warns_by_the_number_alone (SbStoreInterface *iface)
{
  iface->open = has_its_own_limits;
  iface->apply = warns_by_the_number_alone;
}

static void
install_warns_too_early (SbStoreInterface *iface)
{
  iface->open = has_its_own_limits;
  iface->apply = warns_too_early;
}

static void
install_keeps_the_attempts_of_the_requeued (SbStoreInterface *iface)
{
  iface->apply = notes_attempts;
  iface->status = keeps_the_attempts_of_the_requeued;
  iface->close = forgets_attempts;
}

static void
install_finds_the_requeued_where_it_was (SbStoreInterface *iface)
{
  iface->apply = finds_the_requeued_where_it_was;
  iface->close = forgets_left_positions;
}

const Fault change_faults[] = {
  { "loses-logs", install_loses_logs },
  { "loses-logs-of-the-parked", install_loses_logs_of_the_parked },
  { "replaces-a-log-with-none", install_replaces_a_log_with_none },
  { "keeps-the-first-line-of-a-log", install_keeps_the_first_line_of_a_log },
  { "gives-the-parked-without-logs", install_gives_the_parked_without_logs },
  { "says-that-it-requeued", install_says_that_it_requeued },
  { "forgets-where-the-requeued-was", install_forgets_where_the_requeued_was },
  { "says-that-the-requeued-stays-where-it-was",
    install_says_that_the_requeued_stays_where_it_was },
  { "refuses-to-requeue-over-the-limit", install_refuses_to_requeue_over_the_limit },
  { "finds-the-requeued-where-it-was", install_finds_the_requeued_where_it_was },
  { "keeps-the-attempts-of-the-requeued", install_keeps_the_attempts_of_the_requeued },
  { "requeues-what-is-pending", install_requeues_what_is_pending },
  { "says-that-it-moved-to-a-recipient", install_says_that_it_moved_to_a_recipient },
  { "sees-a-conflict-in-everything", install_sees_a_conflict_in_everything },
  { "names-the-wrong-sender-of-the-moved", install_names_the_wrong_sender_of_the_moved },
  { "forgets-where-the-moved-was", install_forgets_where_the_moved_was },
  { "refuses-to-move-over-the-limit", install_refuses_to_move_over_the_limit },
  { "counts-the-recipients-of-the-append", install_counts_the_recipients_of_the_append },
  { "says-that-the-moved-died", install_says_that_the_moved_died },
  { "gives-the-log-to-whom-it-moved-to", install_gives_the_log_to_whom_it_moved_to },
  { "never-changes-its-limits", install_never_changes_its_limits },
  { "changes-its-limits-after-the-batch", install_changes_its_limits_after_the_batch },
  { "ends-what-is-over-a-lower-limit", install_ends_what_is_over_a_lower_limit },
  { "keeps-all-the-dead", install_keeps_all_the_dead },
  { "says-that-the-dropped-died", install_says_that_the_dropped_died },
  { "never-warns", install_never_warns },
  { "always-warns", install_always_warns },
  { "warns-by-the-number-alone", install_warns_by_the_number_alone },
  { "warns-too-early", install_warns_too_early },
  { "forgets-ttls", install_forgets_ttls },
  { "takes-no-ttl-for-0", install_takes_no_ttl_for_0 },
  { "forgets-who-is-paused", install_forgets_who_is_paused },
  { NULL },
};

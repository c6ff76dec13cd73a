/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* faults-list: what goes wrong with what people are shown: statuses, queues, lists and messages. */

#include "faults.h"

/* Of the one store that a program has open. */
static GHashTable *kept_messages; /* (owned) id → (owned) SbMessage */

/* Calls @func on each row of a status. */
static SbMessageStatus *
tells_changed (SbStore *self, const char *id, void (*func) (SbDeliveryStatus *), GError **error)
{
  SbMessageStatus *status = sound->status (self, id, error);

  for (guint i = 0; status != NULL && i < status->deliveries->len; i++)
    func (status->deliveries->pdata[i]);
  return status;
}

static void
hide_log (SbDeliveryStatus *row)
{
  g_clear_pointer (&row->log, g_free);
}

static SbMessageStatus *
tells_no_logs (SbStore *self, const char *id, GError **error)
{
  return tells_changed (self, id, hide_log, error);
}

static void
hide_key (SbDeliveryStatus *row)
{
  row->recipient_key = 0;
}

static SbMessageStatus *
tells_no_keys (SbStore *self, const char *id, GError **error)
{
  return tells_changed (self, id, hide_key, error);
}

static void
hide_due (SbDeliveryStatus *row)
{
  row->due = 0;
}

static SbMessageStatus *
tells_no_due_times (SbStore *self, const char *id, GError **error)
{
  return tells_changed (self, id, hide_due, error);
}

static void
set_due (SbDeliveryStatus *row)
{
  if (row->due == 0)
    row->due = row->since;
}

static SbMessageStatus *
tells_due_times_of_all (SbStore *self, const char *id, GError **error)
{
  return tells_changed (self, id, set_due, error);
}

static SbMessageStatus *
tells_no_times_of_messages (SbStore *self, const char *id, GError **error)
{
  SbMessageStatus *status = sound->status (self, id, error);

  if (status != NULL)
    status->not_before = status->deadline = 0;
  return status;
}

/* Knows them as long as it has the body. */
static SbMessageStatus *
forgets_times_with_the_body (SbStore *self, const char *id, GError **error)
{
  SbMessageStatus *status = sound->status (self, id, error);
  g_autoptr (SbMessage) message = sound->message (self, id, NULL);

  if (status != NULL && message == NULL)
    status->not_before = status->deadline = 0;
  return status;
}

static gboolean
counts_no_scheduled (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error)
{
  gboolean filled = sound->backlog (self, recipient, backlog, error);

  backlog->scheduled = 0;
  return filled;
}

static gboolean
counts_no_parked (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error)
{
  gboolean filled = sound->backlog (self, recipient, backlog, error);

  backlog->parked = 0;
  return filled;
}

static gboolean
counts_no_dead (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error)
{
  gboolean filled = sound->backlog (self, recipient, backlog, error);

  backlog->dead = 0;
  return filled;
}

static gboolean
counts_the_dead_as_waiting (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error)
{
  gboolean filled = sound->backlog (self, recipient, backlog, error);

  backlog->waiting += backlog->dead;
  return filled;
}

/* Of all that are pending, not of the first. */
static gboolean
takes_the_oldest_for_the_first (SbStore *self, gint64 recipient, SbBacklog *backlog, GError **error)
{
  gboolean filled = sound->backlog (self, recipient, backlog, error);
  g_autoptr (GPtrArray) rows = sound->pending (self, recipient, 0, G_MAXUINT, G_MAXSIZE, NULL);

  for (guint i = 0; i < rows->len; i++)
    backlog->oldest = MIN (backlog->oldest,
                           ((SbStoredDelivery *) rows->pdata[i])->message->accepted);
  return filled;
}

static gboolean
is_user (SbStore *self, gint64 key)
{
  g_autoptr (GPtrArray) users = sound->users (self, NULL);

  for (guint i = 0; i < users->len; i++)
    if (((SbUser *) users->pdata[i])->key == key)
      return TRUE;
  return FALSE;
}

/* Only those queues for which @func says so. */
static GPtrArray *
queues_of (SbStore *self, gint64 after, guint limit,
           gboolean (*func) (SbStore *, const SbQueueInfo *), GError **error)
{
  GPtrArray *rows = sound->queues (self, after, limit, error);

  for (guint i = rows->len; i-- > 0;)
    if (!func (self, rows->pdata[i]))
      g_ptr_array_remove_index (rows, i);
  return rows;
}

static gboolean
is_of_user (SbStore *self, const SbQueueInfo *queue)
{
  return is_user (self, queue->recipient);
}

static GPtrArray *
forgets_queues_of_who_is_gone (SbStore *self, gint64 after, guint limit, GError **error)
{
  return queues_of (self, after, limit, is_of_user, error);
}

static gboolean
has_waiting (SbStore *self, const SbQueueInfo *queue)
{
  return queue->backlog.waiting > 0;
}

static GPtrArray *
forgets_queues_of_the_dead (SbStore *self, gint64 after, guint limit, GError **error)
{
  return queues_of (self, after, limit, has_waiting, error);
}

static GPtrArray *
has_the_queue_before_on_the_page (SbStore *self, gint64 after, guint limit, GError **error)
{
  return sound->queues (self, MAX (after, 1) - 1, limit, error);
}

static GPtrArray *
ignores_the_limit_of_queues (SbStore *self, gint64 after, guint limit, GError **error)
{
  return sound->queues (self, after, G_MAXUINT, error);
}

static int
compare_by_load (gconstpointer a, gconstpointer b)
{
  const SbQueueInfo *one = *(const SbQueueInfo *const *) a;
  const SbQueueInfo *other = *(const SbQueueInfo *const *) b;

  return one->backlog.waiting <= other->backlog.waiting ? 1 : -1;
}

static GPtrArray *
lists_the_longest_queue_first (SbStore *self, gint64 after, guint limit, GError **error)
{
  GPtrArray *rows = sound->queues (self, after, limit, error);

  g_ptr_array_sort (rows, compare_by_load);
  return rows;
}

static GPtrArray *
ranks_queues_by_their_keys (SbStore *self, guint limit, GError **error)
{
  return sound->queues (self, 0, limit, error);
}

static GPtrArray *
ranks_some_queues_only (SbStore *self, guint limit, GError **error)
{
  GPtrArray *rows = sound->queues (self, 0, 1000, error);

  g_ptr_array_sort (rows, sb_queue_info_compare);
  if (rows->len > limit)
    g_ptr_array_set_size (rows, (int) limit);
  return rows;
}

/* Calls @func on each row of a list. */
static GPtrArray *
lists_changed (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
               char **next, void (*func) (SbDeliveryInfo *), GError **error)
{
  GPtrArray *rows = sound->deliveries (self, filter, after, limit, next, error);

  for (guint i = 0; rows != NULL && i < rows->len; i++)
    func (rows->pdata[i]);
  return rows;
}

/* Lists whose rows lack what @change does to a @row. */
#define LISTS_WITHOUT(what, change)                                                      \
  static void clear_##what (SbDeliveryInfo *row)                                         \
  {                                                                                      \
    change;                                                                              \
  }                                                                                      \
  static GPtrArray *lists_without_##what (SbStore *self, const SbDeliveryFilter *filter, \
                                          const char *after, guint limit, char **next,   \
                                          GError **error)                                \
  {                                                                                      \
    return lists_changed (self, filter, after, limit, next, clear_##what, error);        \
  }

LISTS_WITHOUT (sender, (g_free (row->sender), row->sender = g_strdup ("")))
LISTS_WITHOUT (name, (g_free (row->recipient_id), row->recipient_id = g_strdup ("")))
LISTS_WITHOUT (key, row->recipient = 0)
LISTS_WITHOUT (position, row->position = 0)
LISTS_WITHOUT (reason, row->reason = SB_REASON_NONE)
LISTS_WITHOUT (attempts, row->attempts = 0)
LISTS_WITHOUT (size, row->size = 0)
LISTS_WITHOUT (since, row->since = row->accepted)
LISTS_WITHOUT (time, row->accepted = row->since)
LISTS_WITHOUT (due_times, row->due = 0)

static GPtrArray *
lists_all_recipients (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                      char **next, GError **error)
{
  SbDeliveryFilter wider = *filter;

  wider.recipient = 0;
  return sound->deliveries (self, &wider, after, limit, next, error);
}

static GPtrArray *
lists_all_senders (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                   char **next, GError **error)
{
  SbDeliveryFilter wider = *filter;

  wider.sender_key = 0;
  return sound->deliveries (self, &wider, after, limit, next, error);
}

static GPtrArray *
lists_all_states (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                  char **next, GError **error)
{
  SbDeliveryFilter wider = *filter;

  wider.states = G_MAXUINT;
  return sound->deliveries (self, &wider, after, limit, next, error);
}

static GPtrArray *
lists_beyond_the_limit (SbStore *self, const SbDeliveryFilter *filter, const char *after,
                        guint limit, char **next, GError **error)
{
  return sound->deliveries (self, filter, after, limit + 1, next, error);
}

static GPtrArray *
lists_one_page_alone (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                      char **next, GError **error)
{
  GPtrArray *rows = sound->deliveries (self, filter, after, limit, next, error);

  g_clear_pointer (next, g_free);
  return rows;
}

static GPtrArray *
lists_without_end (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                   char **next, GError **error)
{
  GPtrArray *rows = sound->deliveries (self, filter, after, limit, next, error);

  if (rows != NULL && *next == NULL)
    *next = g_strdup (after == NULL ? "0.0" : after);
  return rows;
}

static GPtrArray *
begins_anew_where_it_does_not_know_the_place (SbStore *self, const SbDeliveryFilter *filter,
                                              const char *after, guint limit, char **next,
                                              GError **error)
{
  GPtrArray *rows = sound->deliveries (self, filter, after, limit, next, NULL);

  return rows != NULL ? rows : sound->deliveries (self, filter, NULL, limit, next, error);
}

static GPtrArray *
has_blanks_in_a_place (SbStore *self, const SbDeliveryFilter *filter, const char *after,
                       guint limit, char **next, GError **error)
{
  g_autofree char *without = after == NULL ? NULL : g_strdelimit (g_strdup (after), " ", '.');
  GPtrArray *rows = sound->deliveries (self, filter, without, limit, next, error);

  if (*next != NULL)
    g_strdelimit (*next, ".", ' ');
  return rows;
}

/* For pages that begin behind a count or a position, both of which change as things happen. */
static GPtrArray *
list_whole (SbStore *self, const SbDeliveryFilter *filter)
{
  g_autofree char *next = NULL;

  return sound->deliveries (self, filter, NULL, 10000, &next, NULL);
}

static GPtrArray *
pages_by_counting (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                   char **next, GError **error)
{
  GPtrArray *rows = list_whole (self, filter);
  guint64 first = after == NULL ? 0 : g_ascii_strtoull (after, NULL, 10);

  g_ptr_array_remove_range (rows, 0, MIN (first, rows->len));
  if (rows->len <= limit)
    return rows;
  g_ptr_array_set_size (rows, limit);
  *next = g_strdup_printf ("%" G_GUINT64_FORMAT, first + limit);
  return rows;
}

static int
compare_places (gconstpointer a, gconstpointer b)
{
  const SbDeliveryInfo *one = *(const SbDeliveryInfo *const *) a;
  const SbDeliveryInfo *other = *(const SbDeliveryInfo *const *) b;

  if (one->recipient != other->recipient)
    return one->recipient > other->recipient ? 1 : -1;
  return (one->position > other->position) - (one->position < other->position);
}

static GPtrArray *
pages_by_position (SbStore *self, const SbDeliveryFilter *filter, const char *after, guint limit,
                   char **next, GError **error)
{
  GPtrArray *rows = list_whole (self, filter);
  g_auto (GStrv) parts = g_strsplit (after == NULL ? "0/-1" : after, "/", 2);
  SbDeliveryInfo behind = { .recipient = g_ascii_strtoll (parts[0], NULL, 10),
                            .position = g_ascii_strtoll (parts[1], NULL, 10) };
  const SbDeliveryInfo *place = &behind;

  g_ptr_array_sort (rows, compare_places);
  while (rows->len > 0 && compare_places (&rows->pdata[0], &place) <= 0)
    g_ptr_array_remove_index (rows, 0);
  if (rows->len <= limit)
    return rows;
  g_ptr_array_set_size (rows, limit);
  place = rows->pdata[limit - 1];
  *next = g_strdup_printf ("%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT, place->recipient,
                           place->position);
  return rows;
}

static SbMessage *
finds_no_message_in_silence (SbStore *self, const char *id, GError **error)
{
  return sound->message (self, id, NULL);
}

static SbMessage *
gives_a_message_without_its_times (SbStore *self, const char *id, GError **error)
{
  g_autoptr (SbMessage) message = sound->message (self, id, error);

  if (message == NULL)
    return NULL;
  return sb_message_new (message->id, message->sender, message->sender_key,
                         g_bytes_ref (message->body), message->accepted, 0, 0);
}

static SbMessage *
gives_a_message_without_its_body (SbStore *self, const char *id, GError **error)
{
  g_autoptr (SbMessage) message = sound->message (self, id, error);

  if (message == NULL)
    return NULL;
  return sb_message_new (message->id, message->sender, message->sender_key, g_bytes_new (NULL, 0),
                         message->accepted, message->not_before, message->deadline);
}

static gboolean
keeps_messages (SbStore *self, SbOperation *const *operations, guint n, GError **error)
{
  if (kept_messages == NULL)
    kept_messages = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                           (GDestroyNotify) sb_message_unref);
  for (guint i = 0; i < n; i++)
    if (operations[i]->kind == SB_OPERATION_APPEND)
      g_hash_table_replace (kept_messages, (char *) operations[i]->append.message->id,
                            sb_message_ref (operations[i]->append.message));
  return sound->apply (self, operations, n, error);
}

static SbMessage *
gives_messages_that_have_ended (SbStore *self, const char *id, GError **error)
{
  SbMessage *message = kept_messages == NULL ? NULL : g_hash_table_lookup (kept_messages, id);

  return message != NULL ? sb_message_ref (message) : sound->message (self, id, error);
}

static void
drops_kept_messages (SbStore *self)
{
  g_clear_pointer (&kept_messages, g_hash_table_unref);
  sound->close (self);
}

FAULT (status, tells_no_logs)
FAULT (status, tells_no_keys)
FAULT (status, tells_no_due_times)
FAULT (status, tells_due_times_of_all)
FAULT (status, tells_no_times_of_messages)
FAULT (status, forgets_times_with_the_body)
FAULT (backlog, counts_no_scheduled)
FAULT (backlog, counts_no_parked)
FAULT (backlog, counts_no_dead)
FAULT (backlog, counts_the_dead_as_waiting)
FAULT (backlog, takes_the_oldest_for_the_first)
FAULT (queues, forgets_queues_of_who_is_gone)
FAULT (queues, forgets_queues_of_the_dead)
FAULT (queues, has_the_queue_before_on_the_page)
FAULT (queues, ignores_the_limit_of_queues)
FAULT (queues, lists_the_longest_queue_first)
FAULT (largest, ranks_queues_by_their_keys)
FAULT (largest, ranks_some_queues_only)
FAULT (deliveries, lists_without_sender)
FAULT (deliveries, lists_without_name)
FAULT (deliveries, lists_without_key)
FAULT (deliveries, lists_without_position)
FAULT (deliveries, lists_without_reason)
FAULT (deliveries, lists_without_attempts)
FAULT (deliveries, lists_without_size)
FAULT (deliveries, lists_without_since)
FAULT (deliveries, lists_without_time)
FAULT (deliveries, lists_without_due_times)
FAULT (deliveries, lists_all_recipients)
FAULT (deliveries, lists_all_senders)
FAULT (deliveries, lists_all_states)
FAULT (deliveries, lists_beyond_the_limit)
FAULT (deliveries, lists_one_page_alone)
FAULT (deliveries, lists_without_end)
FAULT (deliveries, begins_anew_where_it_does_not_know_the_place)
FAULT (deliveries, has_blanks_in_a_place)
FAULT (deliveries, pages_by_counting)
FAULT (deliveries, pages_by_position)
FAULT (message, finds_no_message_in_silence)
FAULT (message, gives_a_message_without_its_times)
FAULT (message, gives_a_message_without_its_body)

static void
install_gives_messages_that_have_ended (SbStoreInterface *iface)
{
  iface->apply = keeps_messages;
  iface->close = drops_kept_messages;
  iface->message = gives_messages_that_have_ended;
}

const Fault list_faults[] = {
  { "tells-no-logs", install_tells_no_logs },
  { "tells-no-keys", install_tells_no_keys },
  { "tells-no-due-times", install_tells_no_due_times },
  { "tells-due-times-of-all", install_tells_due_times_of_all },
  { "tells-no-times-of-messages", install_tells_no_times_of_messages },
  { "forgets-times-with-the-body", install_forgets_times_with_the_body },
  { "counts-no-scheduled", install_counts_no_scheduled },
  { "counts-no-parked", install_counts_no_parked },
  { "counts-no-dead", install_counts_no_dead },
  { "counts-the-dead-as-waiting", install_counts_the_dead_as_waiting },
  { "takes-the-oldest-for-the-first", install_takes_the_oldest_for_the_first },
  { "forgets-queues-of-who-is-gone", install_forgets_queues_of_who_is_gone },
  { "forgets-queues-of-the-dead", install_forgets_queues_of_the_dead },
  { "has-the-queue-before-on-the-page", install_has_the_queue_before_on_the_page },
  { "ignores-the-limit-of-queues", install_ignores_the_limit_of_queues },
  { "lists-the-longest-queue-first", install_lists_the_longest_queue_first },
  { "ranks-queues-by-their-keys", install_ranks_queues_by_their_keys },
  { "ranks-some-queues-only", install_ranks_some_queues_only },
  { "lists-without-sender", install_lists_without_sender },
  { "lists-without-name", install_lists_without_name },
  { "lists-without-key", install_lists_without_key },
  { "lists-without-position", install_lists_without_position },
  { "lists-without-reason", install_lists_without_reason },
  { "lists-without-attempts", install_lists_without_attempts },
  { "lists-without-size", install_lists_without_size },
  { "lists-without-since", install_lists_without_since },
  { "lists-without-time", install_lists_without_time },
  { "lists-without-due-times", install_lists_without_due_times },
  { "lists-all-recipients", install_lists_all_recipients },
  { "lists-all-senders", install_lists_all_senders },
  { "lists-all-states", install_lists_all_states },
  { "lists-beyond-the-limit", install_lists_beyond_the_limit },
  { "lists-one-page-alone", install_lists_one_page_alone },
  { "lists-without-end", install_lists_without_end },
  { "begins-anew-where-it-does-not-know-the-place",
    install_begins_anew_where_it_does_not_know_the_place },
  { "has-blanks-in-a-place", install_has_blanks_in_a_place },
  { "pages-by-counting", install_pages_by_counting },
  { "pages-by-position", install_pages_by_position },
  { "finds-no-message-in-silence", install_finds_no_message_in_silence },
  { "gives-a-message-without-its-times", install_gives_a_message_without_its_times },
  { "gives-a-message-without-its-body", install_gives_a_message_without_its_body },
  { "gives-messages-that-have-ended", install_gives_messages_that_have_ended },
  { NULL },
};

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-lists: queues from the counters in memory, deliveries from several
 * places that are merged.
 *
 * Deliveries are listed in order of (recipient, message), where a message is its
 * number. A delivery keeps its place in that order whatever becomes of it, so that
 * nobody who reads page after page misses one that was parked meanwhile, or sees it
 * twice. Each source gives its deliveries in this order from an index; only the
 * sender is looked at afterwards, and for that a page passes over so many at most.
 */

#include "sb-sqlite-lists.h"

#include "sb-sqlite-queries.h"

/* Deliveries that a page passes over at most. */
#define MAX_PASSED 5000

/* A commit is visible in the database a moment before the counters follow. */
#define MAX_TRIES 1000

static const char *
column_text (sqlite3_stmt *row, int column)
{
  const char *text = (const char *) sqlite3_column_text (row, column);

  return text != NULL ? text : "";
}

/* Queues */

static gboolean
read_oldest (SbSqliteDb *db, gint64 recipient, gint64 *oldest, GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_OLDEST];
  int step;

  sqlite3_bind_int64 (cursor, 1, recipient);
  step = sb_sqlite_db_step (db, cursor, error);
  *oldest = step == SB_SQLITE_STEP_ROW ? sqlite3_column_int64 (cursor, 0) : 0;
  return step != SB_SQLITE_STEP_ERROR;
}

gboolean
sb_sqlite_lists_backlog (SbSqliteDb *db, SbSqliteLedger *ledger, gint64 recipient,
                         SbBacklog *backlog, GError **error)
{
  for (guint tries = 0;; tries++)
    {
      SbSqliteTally tally = sb_sqlite_ledger_get (ledger, recipient);

      *backlog = (SbBacklog) {
        .waiting = MAX (tally.count, 0),
        .scheduled = MAX (tally.scheduled, 0),
        .parked = MAX (tally.parked, 0),
        .bytes = MAX (tally.bytes, 0),
        .dead = MAX (tally.dead, 0),
      };
      if (tally.count <= tally.scheduled + tally.parked)
        return TRUE;
      if (!read_oldest (db, recipient, &backlog->oldest, error))
        return FALSE;
      if (backlog->oldest != 0 || tries == MAX_TRIES)
        return TRUE;
      g_thread_yield ();
    }
}

static gboolean
add_queue (SbSqliteDb *db, SbSqliteLedger *ledger, gint64 recipient, GPtrArray *queues,
           GError **error)
{
  g_autoptr (SbSqliteCursor) cursor = db->statements[SB_SQLITE_R_USER_ID];
  SbBacklog backlog;
  int step;

  if (!sb_sqlite_lists_backlog (db, ledger, recipient, &backlog, error))
    return FALSE;
  /* It may have become empty since it was found. */
  if (backlog.waiting == 0 && backlog.dead == 0)
    return TRUE;
  sqlite3_bind_int64 (cursor, 1, recipient);
  step = sb_sqlite_db_step (db, cursor, error);
  if (step == SB_SQLITE_STEP_ERROR)
    return FALSE;
  g_ptr_array_add (
      queues, sb_queue_info_new (
                  recipient, step == SB_SQLITE_STEP_ROW ? column_text (cursor, 0) : "", &backlog));
  return TRUE;
}

GPtrArray *
sb_sqlite_lists_queues (SbSqliteDb *db, SbSqliteLedger *ledger, gint64 after, guint limit,
                        GError **error)
{
  g_autoptr (GPtrArray) queues = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sb_queue_info_free);

  while (queues->len < limit && sb_sqlite_ledger_next_busy (ledger, after, &after))
    if (!add_queue (db, ledger, after, queues, error))
      return NULL;
  return g_steal_pointer (&queues);
}

GPtrArray *
sb_sqlite_lists_largest (SbSqliteDb *db, SbSqliteLedger *ledger, guint limit, GError **error)
{
  g_autoptr (GPtrArray) queues = g_ptr_array_new_with_free_func (
      (GDestroyNotify) sb_queue_info_free);
  g_autoptr (GArray) ranks = sb_sqlite_ledger_rank (ledger, limit);

  for (guint i = 0; i < ranks->len; i++)
    if (!add_queue (db, ledger, g_array_index (ranks, SbQueueRank, i).recipient, queues, error))
      return NULL;
  /* They may have changed since they were ranked. */
  g_ptr_array_sort (queues, sb_queue_info_compare);
  return g_steal_pointer (&queues);
}

/* Deliveries */

/* A place in the order, and the text for it. */
typedef struct
{
  gint64 recipient;
  gint64 message;
} Place;

static gboolean
take_number (const char **text, gint64 *number)
{
  char *end = NULL;
  guint64 value = g_ascii_isdigit (**text) ? g_ascii_strtoull (*text, &end, 10) : 0;

  if (end == NULL || value > G_MAXINT64)
    return FALSE;
  *number = value;
  *text = end;
  return TRUE;
}

static gboolean
parse_place (const char *text, const SbDeliveryFilter *filter, Place *place, GError **error)
{
  const char *at = text;

  if (take_number (&at, &place->recipient) && *at++ == '.' && take_number (&at, &place->message)
      && *at == '\0' && (filter->recipient == 0 || filter->recipient == place->recipient))
    return TRUE;
  g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "“%s” is no place in this list of deliveries",
               text);
  return FALSE;
}

static char *
print_place (const Place *place)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT ".%" G_GINT64_FORMAT, place->recipient,
                          place->message);
}

/* Where deliveries of one state come from. Columns of its rows: recipient, message, position,
 * reason, attempts, since, due, size, id, sender, its id, accepted, the recipient's id. */
typedef struct
{
  sqlite3_stmt *cursor;
  SbDeliveryState state;
  gboolean has_row;
  Place place; /* of its row */
} Source;

static const struct
{
  SbDeliveryState state;
  SbSqliteReaderQuery query;
} origins[] = {
  { SB_DELIVERY_PENDING, SB_SQLITE_R_LIST_QUEUE },
  { SB_DELIVERY_PENDING, SB_SQLITE_R_LIST_PENDING },
  { SB_DELIVERY_SCHEDULED, SB_SQLITE_R_LIST_SCHEDULED },
  { SB_DELIVERY_PARKED, SB_SQLITE_R_LIST_PARKED },
  { SB_DELIVERY_NOTIFIED, SB_SQLITE_R_LIST_NOTIFIED },
  { SB_DELIVERY_DEAD, SB_SQLITE_R_LIST_DEAD },
};

typedef struct
{
  SbSqliteDb *db;
  const SbDeliveryFilter *filter;
  Place place; /* up to here everything was listed or passed over */
  Source sources[G_N_ELEMENTS (origins)];
  guint n_sources;
  GPtrArray *infos; /* (owned) (element-type SbDeliveryInfo) */
} Listing;

static void
listing_clear (Listing *self)
{
  for (guint i = 0; i < self->n_sources; i++)
    sqlite3_reset (self->sources[i].cursor);
  g_clear_pointer (&self->infos, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Listing, listing_clear)

static gboolean
advance (Listing *self, Source *source, GError **error)
{
  int step = sb_sqlite_db_step (self->db, source->cursor, error);

  source->has_row = step == SB_SQLITE_STEP_ROW;
  if (source->has_row)
    source->place = (Place) { .recipient = sqlite3_column_int64 (source->cursor, 0),
                              .message = sqlite3_column_int64 (source->cursor, 1) };
  return step != SB_SQLITE_STEP_ERROR;
}

static gboolean
add_source (Listing *self, guint n, GError **error)
{
  Source *source = &self->sources[self->n_sources++];
  gint64 last = self->filter->recipient != 0 ? self->filter->recipient : G_MAXINT64;

  source->cursor = self->db->statements[origins[n].query];
  source->state = origins[n].state;
  sqlite3_bind_int64 (source->cursor, 1, self->place.recipient);
  sqlite3_bind_int64 (source->cursor, 2, self->place.message);
  sqlite3_bind_int64 (source->cursor, 3, last);
  return advance (self, source, error);
}

static gboolean
add_sources (Listing *self, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (origins); i++)
    if ((self->filter->states & 1u << origins[i].state) != 0 && !add_source (self, i, error))
      return FALSE;
  return TRUE;
}

static gboolean
is_before (const Place *a, const Place *b)
{
  return a->recipient != b->recipient ? a->recipient < b->recipient : a->message < b->message;
}

/* The source that has the next row, %NULL at the end. */
static Source *
pick_source (Listing *self)
{
  Source *first = NULL;

  for (guint i = 0; i < self->n_sources; i++)
    {
      Source *source = &self->sources[i];

      if (source->has_row && (first == NULL || is_before (&source->place, &first->place)))
        first = source;
    }
  return first;
}

static gboolean
is_wanted (const Listing *self, const Source *source)
{
  return sqlite3_column_type (source->cursor, 8) != SQLITE_NULL
         && (self->filter->sender_key == 0
             || self->filter->sender_key == sqlite3_column_int64 (source->cursor, 9));
}

static SbDeliveryInfo *
read_info (const Source *source)
{
  SbDeliveryInfo *info = g_new0 (SbDeliveryInfo, 1);
  sqlite3_stmt *row = source->cursor;

  info->recipient = source->place.recipient;
  info->state = source->state;
  info->position = sqlite3_column_int64 (row, 2);
  info->reason = sqlite3_column_int (row, 3);
  info->attempts = sqlite3_column_int (row, 4);
  info->accepted = sqlite3_column_int64 (row, 11);
  info->since = source->state == SB_DELIVERY_PENDING ? info->accepted
                                                     : sqlite3_column_int64 (row, 5);
  info->due = sqlite3_column_int64 (row, 6);
  info->size = sqlite3_column_int64 (row, 7);
  info->id = g_strdup (column_text (row, 8));
  info->sender = g_strdup (column_text (row, 10));
  info->recipient_id = g_strdup (column_text (row, 12));
  return info;
}

/* Goes on from place to place until the page is full; @next is set when there may be more. */
static gboolean
fill_page (Listing *self, guint limit, char **next, GError **error)
{
  guint n_passed = 0;
  Source *source;

  while ((source = pick_source (self)) != NULL)
    {
      if (self->infos->len == limit || n_passed == MAX_PASSED)
        {
          *next = print_place (&self->place);
          return TRUE;
        }
      if (is_wanted (self, source))
        g_ptr_array_add (self->infos, read_info (source));
      else
        n_passed++;
      self->place = source->place;
      if (!advance (self, source, error))
        return FALSE;
    }
  return TRUE;
}

static GPtrArray *
list_deliveries (SbSqliteDb *db, const SbDeliveryFilter *filter, const Place *after, guint limit,
                 char **next, GError **error)
{
  g_auto (Listing) listing = { .db = db, .filter = filter, .place = *after };

  listing.infos = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_delivery_info_free);
  if (!add_sources (&listing, error) || !fill_page (&listing, limit, next, error))
    return NULL;
  return g_steal_pointer (&listing.infos);
}

/* Several queries, of one moment. */
GPtrArray *
sb_sqlite_lists_deliveries (SbSqliteDb *db, const SbDeliveryFilter *filter, const char *after,
                            guint limit, char **next, GError **error)
{
  Place place = { .recipient = filter->recipient };
  GPtrArray *infos;

  if (after != NULL && !parse_place (after, filter, &place, error))
    return NULL;
  if (!sb_sqlite_db_run (db, db->statements[SB_SQLITE_R_BEGIN], error))
    return NULL;
  infos = list_deliveries (db, filter, &place, limit, next, error);
  sb_sqlite_db_run (db, db->statements[SB_SQLITE_R_COMMIT], NULL);
  return infos;
}

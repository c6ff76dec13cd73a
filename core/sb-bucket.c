/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bucket: token buckets by key.
 *
 * A bucket is one number: the moment at which it will be full again if nobody takes
 * from it. Taking moves that moment away by one interval (1 / rate), and is allowed
 * while it stays within burst intervals from now. Nothing has to be refilled, and of
 * two buckets the one with the earlier moment is the fuller one, now and later.
 *
 * So a heap ordered by that moment tells at once whom to forget when the table is full:
 * the fullest bucket, which has the least to remember. Buckets that are full go first
 * and lose nothing. Were the oldest to go, an attacker could have his own empty bucket
 * forgotten (that is, refilled) by touching as many other keys once; this way he has to
 * empty all of them first, and all of that within the time in which his own would have
 * refilled by itself.
 */

#include "sb-bucket.h"

#include <string.h>

/* Half a microsecond, so that sums of intervals like 1/3 s do not refuse the last token. */
#define ROUNDING 0.5

typedef struct
{
  double full_at; /* µs, monotonic */
  guint index;    /* in the heap */
  char key[];
} Bucket;

struct _SbBucketTable
{
  double interval; /* µs until one token is back */
  double span;     /* µs until an empty bucket is full: burst intervals */
  guint max_entries;
  GHashTable *by_key; /* (owned) Bucket.key → Bucket (owned) */
  GPtrArray *heap;    /* (owned) of Bucket, the fullest first */
};

static inline Bucket *
bucket_at (SbBucketTable *self, guint index)
{
  return g_ptr_array_index (self->heap, index);
}

static inline void
put_at (SbBucketTable *self, guint index, Bucket *bucket)
{
  g_ptr_array_index (self->heap, index) = bucket;
  bucket->index = index;
}

static void
sift_up (SbBucketTable *self, Bucket *bucket)
{
  guint index = bucket->index;

  while (index > 0)
    {
      guint parent = (index - 1) / 2;

      if (bucket_at (self, parent)->full_at <= bucket->full_at)
        break;
      put_at (self, index, bucket_at (self, parent));
      index = parent;
    }
  put_at (self, index, bucket);
}

static void
sift_down (SbBucketTable *self, Bucket *bucket)
{
  guint index = bucket->index;

  for (guint child = 2 * index + 1; child < self->heap->len; child = 2 * index + 1)
    {
      if (child + 1 < self->heap->len
          && bucket_at (self, child + 1)->full_at < bucket_at (self, child)->full_at)
        child++;
      if (bucket->full_at <= bucket_at (self, child)->full_at)
        break;
      put_at (self, index, bucket_at (self, child));
      index = child;
    }
  put_at (self, index, bucket);
}

static void
drop_fullest (SbBucketTable *self)
{
  Bucket *fullest = bucket_at (self, 0);
  Bucket *last = g_ptr_array_remove_index_fast (self->heap, self->heap->len - 1);

  if (last != fullest)
    {
      last->index = 0;
      sift_down (self, last);
    }
  g_hash_table_remove (self->by_key, fullest->key);
}

/* At most two for each one that is added: full ones leave soon, and no call takes long. */
static void
make_room (SbBucketTable *self, gint64 now_us)
{
  for (guint i = 0; i < 2 && self->heap->len > 0; i++)
    if (bucket_at (self, 0)->full_at <= now_us)
      drop_fullest (self);
  if (self->heap->len >= self->max_entries)
    drop_fullest (self);
}

static Bucket *
add (SbBucketTable *self, const char *key, gint64 now_us)
{
  gsize size = strlen (key) + 1;
  Bucket *bucket;

  make_room (self, now_us);
  bucket = g_malloc (sizeof *bucket + size);
  memcpy (bucket->key, key, size);
  bucket->full_at = now_us;
  bucket->index = self->heap->len;
  g_hash_table_insert (self->by_key, bucket->key, bucket);
  g_ptr_array_add (self->heap, bucket);
  sift_up (self, bucket);
  return bucket;
}

static guint
seconds_rounded_up (double us)
{
  double seconds = MIN (us / G_USEC_PER_SEC, G_MAXINT);
  guint whole = (guint) seconds;

  return whole < seconds ? whole + 1 : whole;
}

/* Whether a token is there; else in how many seconds, rounded up. */
static gboolean
has_token (SbBucketTable *self, const Bucket *bucket, gint64 now_us, guint *retry_after_s)
{
  double wait = 0;

  if (bucket != NULL)
    wait = bucket->full_at + self->interval - self->span - now_us;
  if (retry_after_s != NULL)
    *retry_after_s = wait <= ROUNDING ? 0 : seconds_rounded_up (wait);
  return wait <= ROUNDING;
}

/**
 * sb_bucket_table_new: (skip)
 * @rate: how many tokens come back per second; above 0
 * @burst: how many tokens a full bucket holds; at least 1
 * @max_entries: how many buckets are remembered at most; at least 1
 *
 * Makes an empty table, in which every bucket is full. It belongs to one thread.
 *
 * Returns: (transfer full): the table; free with sb_bucket_table_free()
 */
SbBucketTable *
sb_bucket_table_new (double rate, double burst, guint max_entries)
{
  SbBucketTable *self;

  g_return_val_if_fail (rate > 0, NULL);
  g_return_val_if_fail (burst >= 1, NULL);
  g_return_val_if_fail (max_entries >= 1, NULL);

  self = g_new0 (SbBucketTable, 1);
  self->interval = G_USEC_PER_SEC / rate;
  self->span = burst * self->interval;
  self->max_entries = max_entries;
  self->by_key = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  self->heap = g_ptr_array_new ();
  return self;
}

/**
 * sb_bucket_table_free:
 * @self: (transfer full): a table
 */
void
sb_bucket_table_free (SbBucketTable *self)
{
  g_return_if_fail (self != NULL);

  g_ptr_array_unref (self->heap);
  g_hash_table_unref (self->by_key);
  g_free (self);
}

/**
 * sb_bucket_table_take:
 * @self: a table
 * @key: whose bucket; kept as it is, so the caller bounds its length
 * @now_us: the monotonic time, in microseconds
 * @retry_after_s: (out) (optional): seconds until a token is there, rounded up; 0 when
 *   one was taken
 *
 * Takes one token.
 *
 * Returns: %FALSE when the bucket is empty; nothing changes then
 */
gboolean
sb_bucket_table_take (SbBucketTable *self, const char *key, gint64 now_us, guint *retry_after_s)
{
  Bucket *bucket;

  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (key != NULL, FALSE);

  bucket = g_hash_table_lookup (self->by_key, key);
  if (!has_token (self, bucket, now_us, retry_after_s))
    return FALSE;
  if (bucket == NULL)
    bucket = add (self, key, now_us);
  bucket->full_at = MAX (bucket->full_at, now_us) + self->interval;
  sift_down (self, bucket);
  return TRUE;
}

/**
 * sb_bucket_table_peek:
 * @self: a table
 * @key: whose bucket
 * @now_us: the monotonic time, in microseconds
 * @retry_after_s: (out) (optional): as for sb_bucket_table_take()
 *
 * Returns: whether sb_bucket_table_take() would succeed now
 */
gboolean
sb_bucket_table_peek (SbBucketTable *self, const char *key, gint64 now_us, guint *retry_after_s)
{
  g_return_val_if_fail (self != NULL, FALSE);
  g_return_val_if_fail (key != NULL, FALSE);

  return has_token (self, g_hash_table_lookup (self->by_key, key), now_us, retry_after_s);
}

/**
 * sb_bucket_table_put_back:
 * @self: a table
 * @key: whose bucket
 * @now_us: the monotonic time, in microseconds
 *
 * Returns a token that was taken in advance and turned out not to be due. A bucket never
 * holds more than its burst, however often this is called.
 */
void
sb_bucket_table_put_back (SbBucketTable *self, const char *key, gint64 now_us)
{
  Bucket *bucket;

  g_return_if_fail (self != NULL);
  g_return_if_fail (key != NULL);

  bucket = g_hash_table_lookup (self->by_key, key);
  if (bucket == NULL)
    return;
  bucket->full_at = MAX (bucket->full_at - self->interval, now_us);
  /* Down as well: a bucket that was long full moves away from the root when it becomes "now". */
  sift_up (self, bucket);
  sift_down (self, bucket);
}

/**
 * sb_bucket_table_get_size:
 * @self: a table
 *
 * Returns: how many buckets are remembered; at most the table's bound. Full ones among
 *   them go when others are added
 */
guint
sb_bucket_table_get_size (SbBucketTable *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->heap->len;
}

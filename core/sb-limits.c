/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-limits: token buckets by user and by address, for the hot path.
 *
 * A bucket is one number, as in sb-bucket: the moment at which it will be full again.
 * An empty one is full SPAN from now, whatever the rate, so that another rate comes into
 * force without a look at the buckets: each is as full as it was.
 *
 * Whoever keeps a sender open holds its buckets, and asking is some arithmetic. What nobody
 * holds stands in a queue, the longest untouched first, and is forgotten from there: full
 * ones leave as others come, and above IDLE_MAX the first goes even if it is not full. To be
 * forgotten early like that a sender needs so many users, or networks, that he has as many
 * rates anyway.
 */

#include "sb-limits.h"

#include <string.h>

#define NS_PER_US 1000
#define NS_PER_SECOND G_GINT64_CONSTANT (1000000000)

/* How long an empty bucket takes to fill: the burst, in seconds of the rate. */
#define SPAN (10 * NS_PER_SECOND)

/* Buckets of one kind that nobody holds. */
#define IDLE_MAX 65536

typedef struct
{
  guint64 words[2];
} Key;

struct _SbLimitBucket
{
  Key key;
  gint64 full_at; /* ns, monotonic */
  guint holders;
  GList idle; /* in Table.idle while there are none */
};

typedef struct
{
  GHashTable *buckets; /* (owned) SbLimitBucket.key → SbLimitBucket (owned) */
  GQueue idle;         /* of SbLimitBucket.idle */
  gint64 interval;     /* ns until one token is back; 0: no limit */
} Table;

struct _SbLimits
{
  guint refs;
  Table users;
  Table addresses;
};

/* Keys */

/* Random, so that nobody can choose addresses that all fall on one place of the table. */
static guint64 multipliers[2];

static guint
key_hash (gconstpointer data)
{
  const Key *key = data;

  return (guint) ((key->words[0] * multipliers[0] + key->words[1] * multipliers[1]) >> 32);
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  return memcmp (a, b, sizeof (Key)) == 0;
}

static void
choose_multipliers (void)
{
  static gsize chosen;

  if (!g_once_init_enter (&chosen))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (multipliers); i++)
    multipliers[i] = (guint64) g_random_int () << 32 | g_random_int () | 1;
  g_once_init_leave (&chosen, 1);
}

/* An IPv4 address counts as itself, also when it is mapped into IPv6; an IPv6 address as its /64
 * network, all of which belongs to whoever has one address of it. FALSE for anything else. */
static gboolean
get_network (GInetAddress *address, Key *key)
{
  static const guint8 mapped[12] = { [10] = 0xff, [11] = 0xff };
  const guint8 *bytes;

  if (address == NULL)
    return FALSE;
  bytes = g_inet_address_to_bytes (address);
  memset (key, 0, sizeof *key);
  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6
      && memcmp (bytes, mapped, sizeof mapped) != 0)
    {
      memcpy (&key->words[0], bytes, 8);
      return TRUE;
    }
  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV6)
    bytes += sizeof mapped;
  /* A bit above it sets it apart from every network of IPv6. */
  key->words[1] = G_GUINT64_CONSTANT (1) << 32 | (guint64) bytes[0] << 24 | (guint64) bytes[1] << 16
                  | (guint64) bytes[2] << 8 | bytes[3];
  return TRUE;
}

/* Tables */

static void
table_init (Table *self)
{
  self->buckets = g_hash_table_new_full (key_hash, key_equal, NULL, g_free);
  g_queue_init (&self->idle);
}

static void
set_rate (Table *self, guint rate)
{
  self->interval = rate > 0 ? MAX (NS_PER_SECOND / rate, 1) : 0;
}

static void
forget_first (Table *self)
{
  SbLimitBucket *bucket = g_queue_peek_head (&self->idle);

  g_queue_unlink (&self->idle, &bucket->idle);
  g_hash_table_remove (self->buckets, &bucket->key);
}

/* At most two for each one that is added: full ones leave soon, and no call takes long. */
static void
make_room (Table *self, gint64 now_ns)
{
  for (guint i = 0; i < 2 && self->idle.length > 0; i++)
    {
      const SbLimitBucket *first = g_queue_peek_head (&self->idle);

      if (first->full_at <= now_ns)
        forget_first (self);
    }
  while (self->idle.length >= IDLE_MAX)
    forget_first (self);
}

/* Returns: (transfer none): the bucket of a key; nobody holds a new one. */
static SbLimitBucket *
get_bucket (Table *self, const Key *key, gint64 now_ns)
{
  SbLimitBucket *bucket = g_hash_table_lookup (self->buckets, key);

  if (bucket != NULL)
    return bucket;
  make_room (self, now_ns);
  bucket = g_new0 (SbLimitBucket, 1);
  bucket->key = *key;
  bucket->idle.data = bucket;
  g_hash_table_insert (self->buckets, &bucket->key, bucket);
  g_queue_push_tail_link (&self->idle, &bucket->idle);
  return bucket;
}

static SbLimitBucket *
hold (Table *self, const Key *key, gint64 now)
{
  SbLimitBucket *bucket = get_bucket (self, key, now * NS_PER_US);

  if (bucket->holders++ == 0)
    g_queue_unlink (&self->idle, &bucket->idle);
  return bucket;
}

static void
release (Table *self, SbLimitBucket *bucket)
{
  if (--bucket->holders > 0)
    return;
  g_queue_push_tail_link (&self->idle, &bucket->idle);
  while (self->idle.length > IDLE_MAX)
    forget_first (self);
}

/* The same for one look at it: it is the last that was touched. */
static SbLimitBucket *
touch (Table *self, const Key *key, gint64 now_ns)
{
  SbLimitBucket *bucket;

  if (self->interval == 0)
    return NULL;
  bucket = get_bucket (self, key, now_ns);
  if (bucket->holders == 0 && bucket->idle.next != NULL)
    {
      g_queue_unlink (&self->idle, &bucket->idle);
      g_queue_push_tail_link (&self->idle, &bucket->idle);
    }
  return bucket;
}

/* Tokens */

/* Returns: ns until a token is there; 0 or less: it is. */
static inline gint64
get_wait (const Table *self, const SbLimitBucket *bucket, gint64 now_ns)
{
  if (bucket == NULL || self->interval == 0)
    return 0;
  return bucket->full_at + self->interval - SPAN - now_ns;
}

static inline void
take (const Table *self, SbLimitBucket *bucket, gint64 now_ns)
{
  if (bucket != NULL)
    bucket->full_at = MAX (bucket->full_at, now_ns) + self->interval;
}

static gint64
get_wait_us (SbLimits *self, const SbLimitBucket *user, const SbLimitBucket *address, gint64 now_ns)
{
  gint64 wait = MAX (get_wait (&self->users, user, now_ns),
                     get_wait (&self->addresses, address, now_ns));

  return wait > 0 ? (wait + NS_PER_US - 1) / NS_PER_US : 0;
}

/* From both or from none. */
static gint64
take_both (SbLimits *self, SbLimitBucket *user, SbLimitBucket *address, gint64 now)
{
  gint64 now_ns = now * NS_PER_US;
  gint64 wait = get_wait_us (self, user, address, now_ns);

  if (wait > 0)
    return wait;
  take (&self->users, user, now_ns);
  take (&self->addresses, address, now_ns);
  return 0;
}

/**
 * sb_limits_new: (skip)
 * @user_rate: messages per second and user; 0: no limit
 * @address_rate: messages per second and address; 0: no limit
 *
 * Makes limits of which nobody has used anything. They belong to one thread, with all their
 * allowances.
 *
 * Returns: (transfer full): the limits; release with sb_limits_unref()
 */
SbLimits *
sb_limits_new (guint user_rate, guint address_rate)
{
  SbLimits *self = g_new0 (SbLimits, 1);

  choose_multipliers ();
  self->refs = 1;
  table_init (&self->users);
  table_init (&self->addresses);
  sb_limits_set_rates (self, user_rate, address_rate);
  return self;
}

/**
 * sb_limits_ref:
 * @self: limits
 *
 * Returns: (transfer full): the same
 */
SbLimits *
sb_limits_ref (SbLimits *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  self->refs++;
  return self;
}

/**
 * sb_limits_unref:
 * @self: (transfer full): limits
 */
void
sb_limits_unref (SbLimits *self)
{
  g_return_if_fail (self != NULL);

  if (--self->refs > 0)
    return;
  g_hash_table_unref (self->users.buckets);
  g_hash_table_unref (self->addresses.buckets);
  g_free (self);
}

/**
 * sb_limits_set_rates:
 * @self: limits
 * @user_rate: messages per second and user; 0: no limit
 * @address_rate: messages per second and address; 0: no limit
 *
 * Changes the rates for everybody at once. Who had used up his burst has used up the new one.
 */
void
sb_limits_set_rates (SbLimits *self, guint user_rate, guint address_rate)
{
  g_return_if_fail (self != NULL);

  set_rate (&self->users, user_rate);
  set_rate (&self->addresses, address_rate);
}

/**
 * sb_limits_take:
 * @self: limits
 * @user: key of the sender, authenticated
 * @address: (nullable): where it sends from; without one only the user's rate counts
 * @now: monotonic, microseconds
 *
 * Takes leave for one message of a sender that is not kept open.
 *
 * Returns: 0: it may send. Else in how many microseconds it may; nothing was taken
 */
gint64
sb_limits_take (SbLimits *self, gint64 user, GInetAddress *address, gint64 now)
{
  Key user_key = { { (guint64) user, 0 } };
  Key network;
  SbLimitBucket *of_address = NULL;

  g_return_val_if_fail (self != NULL, 0);

  if (get_network (address, &network))
    of_address = touch (&self->addresses, &network, now * NS_PER_US);
  return take_both (self, touch (&self->users, &user_key, now * NS_PER_US), of_address, now);
}

/**
 * sb_limits_get_size:
 * @self: limits
 *
 * Returns: how many users and addresses are remembered
 */
guint
sb_limits_get_size (SbLimits *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return g_hash_table_size (self->users.buckets) + g_hash_table_size (self->addresses.buckets);
}

/**
 * sb_allowance_init:
 * @self: an allowance of zeros
 * @limits: (transfer none): the limits that it draws on
 * @user: key of the sender, authenticated
 * @address: (nullable): where it sends from; without one only the user's rate counts
 * @now: monotonic, microseconds
 *
 * Makes an allowance for a sender that is kept open; sb_allowance_clear() ends it.
 */
void
sb_allowance_init (SbAllowance *self, SbLimits *limits, gint64 user, GInetAddress *address,
                   gint64 now)
{
  Key user_key = { { (guint64) user, 0 } };
  Key network;

  g_return_if_fail (self != NULL && self->limits == NULL);
  g_return_if_fail (limits != NULL);

  self->limits = sb_limits_ref (limits);
  self->user = hold (&limits->users, &user_key, now);
  self->address = get_network (address, &network) ? hold (&limits->addresses, &network, now) : NULL;
}

/**
 * sb_allowance_clear:
 * @self: an allowance, of zeros or not
 *
 * The sender is gone. What it has used stays used for whoever sends for that user, or from that
 * address, next.
 */
void
sb_allowance_clear (SbAllowance *self)
{
  g_return_if_fail (self != NULL);

  if (self->limits == NULL)
    return;
  release (&self->limits->users, self->user);
  if (self->address != NULL)
    release (&self->limits->addresses, self->address);
  sb_limits_unref (self->limits);
  memset (self, 0, sizeof *self);
}

/**
 * sb_allowance_peek:
 * @self: an allowance
 * @now: monotonic, microseconds
 *
 * Returns: what sb_allowance_take() would; nothing is taken
 */
gint64
sb_allowance_peek (const SbAllowance *self, gint64 now)
{
  if (self->limits == NULL)
    return 0;
  return get_wait_us (self->limits, self->user, self->address, now * NS_PER_US);
}

/**
 * sb_allowance_take:
 * @self: an allowance
 * @now: monotonic, microseconds
 *
 * Takes leave for one message.
 *
 * Returns: 0: the sender may send. Else in how many microseconds it may; nothing was taken
 */
gint64
sb_allowance_take (SbAllowance *self, gint64 now)
{
  if (self->limits == NULL)
    return 0;
  return take_both (self->limits, self->user, self->address, now);
}

/**
 * sb_allowance_put_back:
 * @self: an allowance
 *
 * The last message that leave was taken for was not sent after all.
 */
void
sb_allowance_put_back (SbAllowance *self)
{
  if (self->limits == NULL)
    return;
  self->user->full_at -= self->limits->users.interval;
  if (self->address != NULL)
    self->address->full_at -= self->limits->addresses.interval;
}

/**
 * sb_allowance_charge:
 * @self: an allowance
 * @now: monotonic, microseconds
 *
 * Takes leave for a message that cannot be held up any more: without any left it is owed.
 *
 * Returns: %FALSE when a whole burst is owed already; nothing was taken then
 */
gboolean
sb_allowance_charge (SbAllowance *self, gint64 now)
{
  gint64 now_ns = now * NS_PER_US;

  if (self->limits == NULL)
    return TRUE;
  if (get_wait_us (self->limits, self->user, self->address, now_ns) > SPAN / NS_PER_US)
    return FALSE;
  take (&self->limits->users, self->user, now_ns);
  take (&self->limits->addresses, self->address, now_ns);
  return TRUE;
}

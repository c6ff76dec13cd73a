/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-mirror: a ring of keyed hashes, so that an entry costs sixteen bytes
 * whatever the id. It grows when it would forget what was not confirmed, as
 * long as all rings together are not too large: a thousand devices that never
 * confirm must not cost more than one that does.
 */

#include "sb-mirror.h"

#include "sb-secret.h"
#include "sb-siphash.h"

#include <string.h>

#define MIN_ENTRIES 256
#define MAX_ENTRIES 1024

/* Entries above the least, of all rings together. */
#define MAX_GROWN (1024 * 1024)

typedef struct
{
  guint64 hash;
  gint64 sender_key; /* 0: confirmed already, or never used */
} Entry;

struct _SbMirror
{
  Entry *entries; /* (owned) n_entries of them, a power of two */
  guint n_entries;
  guint next;
};

static guint n_grown;

/* Nobody outside can find two ids of the same hash without this. */
static const guint8 *
get_key (void)
{
  static guint8 key[SB_SIPHASH_KEY_SIZE];
  static gsize is_made;

  if (g_once_init_enter (&is_made))
    {
      sb_secret_fill_random (key, sizeof key);
      g_once_init_leave (&is_made, 1);
    }
  return key;
}

static guint64
hash_id (const char *id)
{
  SbSipHash hash;

  sb_siphash_init (&hash, get_key ());
  sb_siphash_update (&hash, id, strlen (id));
  return sb_siphash_finish (&hash).words[0];
}

/* Returns: (transfer full): an empty memory. */
SbMirror *
sb_mirror_new (void)
{
  SbMirror *self = g_new0 (SbMirror, 1);

  self->n_entries = MIN_ENTRIES;
  self->entries = g_new0 (Entry, self->n_entries);
  return self;
}

void
sb_mirror_free (SbMirror *self)
{
  n_grown -= self->n_entries - MIN_ENTRIES;
  g_free (self->entries);
  g_free (self);
}

/* Twice the size, with the oldest entry first. */
static void
grow (SbMirror *self)
{
  Entry *larger = g_new0 (Entry, 2 * self->n_entries);

  for (guint i = 0; i < self->n_entries; i++)
    larger[i] = self->entries[(self->next + i) % self->n_entries];
  g_free (self->entries);
  self->entries = larger;
  self->next = self->n_entries;
  n_grown += self->n_entries;
  self->n_entries *= 2;
}

/* Message @id of user @sender_key was sent to the session. */
void
sb_mirror_note (SbMirror *self, const char *id, gint64 sender_key)
{
  Entry *entry = &self->entries[self->next % self->n_entries];

  if (entry->sender_key != 0 && self->n_entries < MAX_ENTRIES
      && n_grown + self->n_entries <= MAX_GROWN)
    {
      grow (self);
      entry = &self->entries[self->next];
    }
  self->next++;
  entry->hash = hash_id (id);
  entry->sender_key = sender_key;
}

/* Returns whose message @id was, and forgets it; 0 when the session was not sent it lately. The
 * newest comes first: ids of direct messages may come twice. */
gint64
sb_mirror_take (SbMirror *self, const char *id)
{
  guint64 hash = hash_id (id);

  for (guint i = 1; i <= self->n_entries; i++)
    {
      Entry *entry = &self->entries[(self->next - i) % self->n_entries];
      gint64 sender_key = entry->sender_key;

      if (entry->hash != hash || sender_key == 0)
        continue;
      entry->sender_key = 0;
      return sender_key;
    }
  return 0;
}

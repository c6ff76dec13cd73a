/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-mirror: a ring of keyed hashes, so that an entry costs sixteen bytes whatever the id. */

#include "sb-mirror.h"

#include "sb-secret.h"
#include "sb-siphash.h"

#include <string.h>

#define MAX_ENTRIES 256

typedef struct
{
  guint64 hash;
  gint64 sender_key; /* 0: confirmed already, or never used */
} Entry;

struct _SbMirror
{
  Entry entries[MAX_ENTRIES];
  guint next;
};

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
  return g_new0 (SbMirror, 1);
}

void
sb_mirror_free (SbMirror *self)
{
  g_free (self);
}

/* Message @id of user @sender_key was sent to the session. */
void
sb_mirror_note (SbMirror *self, const char *id, gint64 sender_key)
{
  Entry *entry = &self->entries[self->next++ % MAX_ENTRIES];

  entry->hash = hash_id (id);
  entry->sender_key = sender_key;
}

/* Returns whose message @id was, and forgets it; 0 when the session was not sent it lately. The
 * newest comes first: ids of direct messages may come twice. */
gint64
sb_mirror_take (SbMirror *self, const char *id)
{
  guint64 hash = hash_id (id);

  for (guint i = 1; i <= MAX_ENTRIES; i++)
    {
      Entry *entry = &self->entries[(self->next - i) % MAX_ENTRIES];
      gint64 sender_key = entry->sender_key;

      if (entry->hash != hash || sender_key == 0)
        continue;
      entry->sender_key = 0;
      return sender_key;
    }
  return 0;
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-recent: a ring that owns the ids, and a set to find them in. */

#include "sb-client-recent.h"

struct _SbClientRecent
{
  GHashTable *set; /* (owned) of ids of the ring */
  char **ring;     /* (owned) of (owned) (nullable) */
  guint size;
  guint next;
};

SbClientRecent *
sb_client_recent_new (guint size)
{
  SbClientRecent *self = g_new0 (SbClientRecent, 1);

  self->set = g_hash_table_new (g_str_hash, g_str_equal);
  self->ring = g_new0 (char *, size);
  self->size = size;
  return self;
}

void
sb_client_recent_free (SbClientRecent *self)
{
  g_hash_table_unref (self->set);
  for (guint i = 0; i < self->size; i++)
    g_free (self->ring[i]);
  g_free (self->ring);
  g_free (self);
}

void
sb_client_recent_add (SbClientRecent *self, const char *id)
{
  char **place = &self->ring[self->next];

  if (g_hash_table_contains (self->set, id))
    return;
  if (*place != NULL)
    g_hash_table_remove (self->set, *place);
  g_free (*place);
  *place = g_strdup (id);
  g_hash_table_add (self->set, *place);
  self->next = (self->next + 1) % self->size;
}

gboolean
sb_client_recent_has (SbClientRecent *self, const char *id)
{
  return g_hash_table_contains (self->set, id);
}

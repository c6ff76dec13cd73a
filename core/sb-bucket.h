/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-bucket: "ten at once, then one every six seconds", per key, in bounded memory.
 *
 * A table of token buckets that all have the same rate and size. A key that has
 * never taken anything has a full bucket and costs no memory.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbBucketTable SbBucketTable;

SbBucketTable *sb_bucket_table_new (double rate, double burst, guint max_entries);
void sb_bucket_table_free (SbBucketTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbBucketTable, sb_bucket_table_free)

gboolean sb_bucket_table_take (SbBucketTable *self, const char *key, gint64 now_us,
                               guint *retry_after_s);
gboolean sb_bucket_table_peek (SbBucketTable *self, const char *key, gint64 now_us,
                               guint *retry_after_s);
void sb_bucket_table_put_back (SbBucketTable *self, const char *key, gint64 now_us);
guint sb_bucket_table_get_size (SbBucketTable *self);

G_END_DECLS

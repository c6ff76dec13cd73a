/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-codec: what is kept packed in a column: the recipients of a message,
 * and the messages that one batch finished. Numbers are LEB128 varints, of
 * differences where they ascend.
 */
#pragma once

#include <glib.h>

/**
 * SbSqliteSpan:
 * @first: number of the first message
 * @length: of so many messages with consecutive numbers
 * @rows: deliveries of each
 *
 * Messages whose deliveries have all ended. A span of several messages is of
 * those with one recipient. A length of 0 stands for a message that is gone
 * already, of which @rows deliveries are left.
 */
typedef struct
{
  gint64 first;
  gint64 length;
  gint64 rows;
} SbSqliteSpan;

void sb_sqlite_encode_keys (GByteArray *out, const gint64 *keys, guint n_keys);
GArray *sb_sqlite_decode_keys (const void *data, gsize size);
void sb_sqlite_encode_spans (GByteArray *out, const SbSqliteSpan *spans, guint n_spans);
GArray *sb_sqlite_decode_spans (const void *data, gsize size);
void sb_sqlite_spans_join (GArray *spans);

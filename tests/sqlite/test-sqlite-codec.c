/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sqlite-codec: numbers packed into columns come back, and damage is seen. */

#include "sb-sqlite-codec.h"
#include "sb-test.h"

static void
keys_come_back (void)
{
  static const gint64 keys[] = { 1, 2, 130, 20000, G_MAXINT64 - 1, G_MAXINT64 };
  g_autoptr (GByteArray) packed = g_byte_array_new ();
  g_autoptr (GArray) back = NULL;

  sb_sqlite_encode_keys (packed, keys, G_N_ELEMENTS (keys));
  back = sb_sqlite_decode_keys (packed->data, packed->len);
  g_assert_cmpmem (back->data, back->len * sizeof (gint64), keys, sizeof keys);
}

static void
neighbouring_keys_take_a_byte_each (void)
{
  gint64 keys[100];
  g_autoptr (GByteArray) packed = g_byte_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    keys[i] = i + 1;
  sb_sqlite_encode_keys (packed, keys, G_N_ELEMENTS (keys));
  g_assert_cmpuint (packed->len, ==, 100);
}

static void
spans_come_back (void)
{
  static const SbSqliteSpan spans[] = { { 7, 1, 1 }, { 8, 1000, 1 }, { 90000, 1, 300 } };
  g_autoptr (GByteArray) packed = g_byte_array_new ();
  g_autoptr (GArray) back = NULL;

  sb_sqlite_encode_spans (packed, spans, G_N_ELEMENTS (spans));
  back = sb_sqlite_decode_spans (packed->data, packed->len);
  g_assert_cmpmem (back->data, back->len * sizeof (SbSqliteSpan), spans, sizeof spans);
}

static void
nothing_packs_to_nothing (void)
{
  g_autoptr (GByteArray) packed = g_byte_array_new ();
  g_autoptr (GArray) back = NULL;

  sb_sqlite_encode_keys (packed, NULL, 0);
  back = sb_sqlite_decode_keys (packed->data, packed->len);
  g_assert_cmpuint (back->len, ==, 0);
}

static void
damage_is_seen (void)
{
  static const guint8 cut[] = { 0x01, 0x80 };
  static const guint8 endless[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
  static const guint8 part_of_a_span[] = { 0x01, 0x02 };

  g_assert_null (sb_sqlite_decode_keys (cut, sizeof cut));
  g_assert_null (sb_sqlite_decode_keys (endless, sizeof endless));
  g_assert_null (sb_sqlite_decode_spans (part_of_a_span, sizeof part_of_a_span));
}

static void
neighbours_of_one_recipient_are_joined (void)
{
  static const SbSqliteSpan given[] = { { 5, 1, 1 }, { 3, 1, 1 }, { 4, 1, 1 },
                                        { 6, 1, 2 }, { 7, 1, 1 }, { 9, 1, 1 } };
  static const SbSqliteSpan expected[] = { { 3, 3, 1 }, { 6, 1, 2 }, { 7, 1, 1 }, { 9, 1, 1 } };
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (SbSqliteSpan));

  g_array_append_vals (spans, given, G_N_ELEMENTS (given));
  sb_sqlite_spans_join (spans);
  g_assert_cmpmem (spans->data, spans->len * sizeof (SbSqliteSpan), expected, sizeof expected);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/sqlite/codec/keys-come-back", keys_come_back);
  g_test_add_func ("/sqlite/codec/neighbouring-keys-take-a-byte-each",
                   neighbouring_keys_take_a_byte_each);
  g_test_add_func ("/sqlite/codec/spans-come-back", spans_come_back);
  g_test_add_func ("/sqlite/codec/nothing-packs-to-nothing", nothing_packs_to_nothing);
  g_test_add_func ("/sqlite/codec/damage-is-seen", damage_is_seen);
  g_test_add_func ("/sqlite/codec/neighbours-of-one-recipient-are-joined",
                   neighbours_of_one_recipient_are_joined);
  return g_test_run ();
}

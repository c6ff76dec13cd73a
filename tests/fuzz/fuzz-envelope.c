/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz-envelope: no bytes may break the scanner, and what it accepts must come
 * out of the splice as it went in.
 */

#include "sb-address.h"
#include "sb-envelope.h"
#include "sb-error.h"
#include "sb-message.h"

#include <string.h>

/* They need escapes on purpose. */
#define ID "a \"quoted\" id"
#define SENDER "back\\slash\n"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_error (gboolean accepted, const GError *error)
{
  g_assert_true (accepted == (error == NULL));
  if (error != NULL)
    {
      g_assert_true (error->domain == SB_ERROR);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
}

/* Whatever the values are, reading them as anything gives a value or an error. */
static void
read_member (const SbEnvelope *envelope, SbMember member)
{
  g_autoptr (GError) string_error = NULL;
  g_autoptr (GError) boolean_error = NULL;
  g_autoptr (GError) integer_error = NULL;
  g_autofree char *string = sb_envelope_dup_string (envelope, member, &string_error);
  gboolean boolean;
  gint64 integer;
  gboolean is_boolean = sb_envelope_get_boolean (envelope, member, &boolean, &boolean_error);
  gboolean is_integer = sb_envelope_get_integer (envelope, member, &integer, &integer_error);

  check_error (string != NULL, string_error);
  check_error (is_boolean, boolean_error);
  check_error (is_integer, integer_error);
  if (string != NULL)
    {
      g_assert_true (g_utf8_validate (string, -1, NULL));
      g_assert_true (sb_envelope_equals (envelope, member, string));
      sb_message_check_id (string, NULL);
    }
}

static void
read_addresses (const SbEnvelope *envelope)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbAddressList) list = sb_address_list_parse (envelope->values[SB_MEMBER_TO], &error);

  check_error (list != NULL, error);
  for (guint i = 0; list != NULL && i < list->length; i++)
    {
      g_autofree char *address = sb_address_to_string (&list->items[i]);

      g_assert_true (g_utf8_validate (address, -1, NULL));
    }
}

static void
assert_same_bytes (SbSlice before, SbSlice after)
{
  g_assert_true ((before.data == NULL) == (after.data == NULL));
  g_assert_cmpuint (before.length, ==, after.length);
  if (before.data != NULL)
    g_assert_true (memcmp (before.data, after.data, before.length) == 0);
}

static void
check_spliced (const SbEnvelope *envelope)
{
  g_autoptr (GBytes) bytes = sb_envelope_splice (envelope, ID, SENDER);
  g_autoptr (GBytes) again = NULL;
  g_autoptr (GError) error = NULL;
  gsize size = 0;
  const char *data = g_bytes_get_data (bytes, &size);
  SbEnvelope spliced;

  sb_envelope_scan (&spliced, data, size, &error);
  g_assert_no_error (error);
  g_assert_true (sb_envelope_equals (&spliced, SB_MEMBER_ID, ID));
  g_assert_true (sb_envelope_equals (&spliced, SB_MEMBER_SENDER, SENDER));
  g_assert_true (spliced.data_repeated == envelope->data_repeated);
  for (guint i = 0; i < SB_N_MEMBERS; i++)
    if (i != SB_MEMBER_ID && i != SB_MEMBER_SENDER)
      assert_same_bytes (envelope->values[i], spliced.values[i]);

  again = sb_envelope_splice (&spliced, ID, SENDER);
  g_assert_true (g_bytes_equal (bytes, again));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  SbEnvelope envelope;
  gboolean accepted = sb_envelope_scan (&envelope, (const char *) data, size, &error);

  check_error (accepted, error);
  if (!accepted)
    {
      sb_json_check ((const char *) data, size, NULL);
      return 0;
    }
  g_assert_true (sb_json_check ((const char *) data, size, NULL));
  for (guint i = 0; i < SB_N_MEMBERS; i++)
    read_member (&envelope, i);
  read_addresses (&envelope);
  sb_message_check_type (&envelope, NULL);
  check_spliced (&envelope);
  return 0;
}

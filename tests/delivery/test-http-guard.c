/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-http-guard: which addresses are called, however they are written. */

#include "sb-http-guard.h"
#include "sb-test.h"
#include "simplebus.h"

#include <string.h>

static gboolean
is_allowed (const char *denied, const char *address_text)
{
  g_auto (GStrv) list = g_strsplit (denied, ";", -1);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbHttpGuard) guard = sb_http_guard_new ((const char *const *) list, &error);
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (address_text);
  gboolean allowed;

  g_assert_no_error (error);
  g_assert_nonnull (address);
  allowed = sb_http_guard_check (guard, address, &error);
  if (!allowed)
    {
      g_autofree char *text = g_inet_address_to_string (address);

      g_assert_error (error, SB_ERROR, SB_ERROR_FORBIDDEN);
      g_assert_nonnull (strstr (error->message, text));
    }
  return allowed;
}

static void
test_denies_metadata_by_default (void)
{
  static const char *const addresses[] = {
    "169.254.169.254",
    "169.254.0.1",
    "169.254.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "fe80::1",
    "febf::1",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fd00:42::42",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::100.100.100.200",
    "2002:a9fe:a9fe::1",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_test_message ("%s", addresses[i]);
      g_assert_false (is_allowed (SB_HTTP_METADATA_ADDRESSES, addresses[i]));
    }
}

static void
test_allows_the_rest_by_default (void)
{
  static const char *const addresses[] = {
    "127.0.0.1",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "100.100.100.201",
    "169.253.0.1",
    "169.255.0.1",
    "8.8.8.8",
    "::1",
    "fd00::1",
    "fec0::1",
    "2001:db8::1",
    "::ffff:192.168.1.1",
    "0.0.0.0",
    "64:ff9b::8.8.8.8",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_test_message ("%s", addresses[i]);
      g_assert_true (is_allowed (SB_HTTP_METADATA_ADDRESSES, addresses[i]));
    }
}

static void
test_takes_any_address_as_this_machine (void)
{
  g_assert_false (is_allowed ("127.0.0.0/8", "0.0.0.0"));
  g_assert_false (is_allowed ("::1", "::"));
  g_assert_false (is_allowed ("127.0.0.0/8", "::ffff:0.0.0.0"));
  g_assert_true (is_allowed ("127.0.0.2/32", "0.0.0.0"));
}

static void
test_allows_all_without_a_list (void)
{
  g_assert_true (is_allowed ("", "169.254.169.254"));
}

static void
test_names_what_is_no_network (void)
{
  static const char *const wrong[] = { "erp.example", "10.0.0.0/33", "10.0.0.1/8",
                                       "10.0.0",      "x/8",         "fe80::/129" };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      const char *const list[] = { "10.0.0.0/8", wrong[i], NULL };
      g_autoptr (GError) error = NULL;
      g_autoptr (SbHttpGuard) guard = sb_http_guard_new (list, &error);

      g_assert_null (guard);
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
      g_assert_nonnull (strstr (error->message, wrong[i]));
    }
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/http-guard/denies-metadata-by-default", test_denies_metadata_by_default);
  g_test_add_func ("/http-guard/allows-the-rest-by-default", test_allows_the_rest_by_default);
  g_test_add_func ("/http-guard/takes-any-address-as-this-machine",
                   test_takes_any_address_as_this_machine);
  g_test_add_func ("/http-guard/allows-all-without-a-list", test_allows_all_without_a_list);
  g_test_add_func ("/http-guard/names-what-is-no-network", test_names_what_is_no_network);
  return g_test_run ();
}

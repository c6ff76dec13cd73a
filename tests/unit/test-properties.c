/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-properties: which parts of connection_properties nobody gets to see. */

#include "sb-properties.h"
#include "sb-test.h"

#define HIDDEN "\"(write-only)\""

static void
secrets_are_hidden (void)
{
  static const char *const cases[][2] = {
    { "{\"type\":\"http\",\"url\":\"https://erp.example/hs/bus\",\"parallel\":4}", NULL },
    { "{\"secret\":\"s\"}", "{\"secret\":" HIDDEN "}" },
    { "{\"authorization\":{\"type\":\"basic\",\"user\":\"usr\",\"password\":\"p\"}}",
      "{\"authorization\":{\"type\":\"basic\",\"user\":\"usr\",\"password\":" HIDDEN "}}" },
    { "{\"authorization\":{\"type\":\"bearer\",\"value\":\"t\",\"more\":[\"t\",{\"user\":\"u\"}]}}",
      "{\"authorization\":{\"type\":\"bearer\",\"value\":" HIDDEN ",\"more\":[" HIDDEN
      ",{\"user\":\"u\"}]}}" },
    { "{\"Authorization\":\"Bearer t\"}", "{\"Authorization\":" HIDDEN "}" },
    { "{\"apiKey\":\"k\",\"X-Token\":17,\"smtp_passwd\":true,\"passphrase\":\"\"}",
      "{\"apiKey\":" HIDDEN ",\"X-Token\":" HIDDEN ",\"smtp_passwd\":" HIDDEN
      ",\"passphrase\":" HIDDEN "}" },
    { "{\"headers\":{\"X-Mine\":\"s\"},\"cookies\":[\"s\"]}",
      "{\"headers\":{\"X-Mine\":" HIDDEN "},\"cookies\":[" HIDDEN "]}" },
    { "{\"password\":null}", NULL },
    { "{\"deep\":[{\"deep\":{\"secret\":[1]}}]}",
      "{\"deep\":[{\"deep\":{\"secret\":[" HIDDEN "]}}]}" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *shown = sb_properties_hide_secrets (cases[i][0]);

      g_assert_cmpstr (shown, ==, cases[i][1] != NULL ? cases[i][1] : cases[i][0]);
    }
}

static void
addresses_lose_their_secrets (void)
{
  static const char *const cases[][2] = {
    { "https://erp.example:8443/a@b", "https://erp.example:8443/a@b" },
    { "https://u:p@erp.example/x", "https://(write-only)@erp.example/x" },
    { "https://u:p@q@erp.example", "https://(write-only)@erp.example" },
    { "https://erp.example/x?token=t#f", "https://erp.example/x?(write-only)" },
    { "https://u:p@erp.example/x#secret", "https://(write-only)@erp.example/x?(write-only)" },
    { "https://", "https://" },
    { "a@b", "a@b" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *properties = g_strdup_printf ("{\"url\":\"%s\"}", cases[i][0]);
      g_autofree char *wanted = g_strdup_printf ("{\"url\":\"%s\"}", cases[i][1]);
      g_autofree char *shown = sb_properties_hide_secrets (properties);

      g_assert_cmpstr (shown, ==, wanted);
    }
}

static void
what_is_hidden_is_recognised (void)
{
  g_autofree char *hidden = sb_properties_hide_secrets ("{\"secret\":\"s\"}");
  g_autofree char *address = sb_properties_hide_secrets ("{\"url\":\"http://u@h\"}");

  g_assert_true (sb_properties_has_hidden (hidden));
  g_assert_true (sb_properties_has_hidden (address));
  g_assert_false (sb_properties_has_hidden ("{\"secret\":\"write-only\"}"));
}

static void
what_is_no_json_is_not_shown (void)
{
  g_autofree char *shown = sb_properties_hide_secrets ("{\"secret\":");

  g_assert_cmpstr (shown, ==, HIDDEN);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/properties/secrets-are-hidden", secrets_are_hidden);
  g_test_add_func ("/properties/addresses-lose-their-secrets", addresses_lose_their_secrets);
  g_test_add_func ("/properties/what-is-hidden-is-recognised", what_is_hidden_is_recognised);
  g_test_add_func ("/properties/what-is-no-json-is-not-shown", what_is_no_json_is_not_shown);
  return g_test_run ();
}

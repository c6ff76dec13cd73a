/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-http-properties: what connection_properties say, and what they must not say. */

#include "sb-http-properties.h"
#include "sb-test.h"
#include "simplebus.h"

#include <string.h>

static SbHttpProperties *
parse (const char *json)
{
  g_autoptr (GError) error = NULL;
  SbHttpProperties *properties = sb_http_properties_parse (json, &error);

  g_assert_no_error (error);
  return properties;
}

static void
assert_refused (const char *json, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbHttpProperties) properties = sb_http_properties_parse (json, &error);

  g_test_message ("%s", json);
  g_assert_null (properties);
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, part));
  g_assert_null (strstr (error->message, "geheim"));
}

static void
test_reads_a_url (void)
{
  static const struct
  {
    const char *url;
    const char *host;
    guint port;
    const char *authority;
    const char *path;
    gboolean is_tls;
  } cases[] = {
    { "http://erp", "erp", 80, "erp", "/data", FALSE },
    { "http://erp/", "erp", 80, "erp", "/data", FALSE },
    { "http://erp//", "erp", 80, "erp", "/data", FALSE },
    { "HTTPS://ERP.Example/hs/bus", "erp.example", 443, "erp.example", "/hs/bus/data", TRUE },
    { "https://erp.example/hs/bus/", "erp.example", 443, "erp.example", "/hs/bus/data", TRUE },
    { "http://erp:80/a", "erp", 80, "erp", "/a/data", FALSE },
    { "https://erp:80/a", "erp", 80, "erp:80", "/a/data", TRUE },
    { "http://10.0.0.7:8080/a//b", "10.0.0.7", 8080, "10.0.0.7:8080", "/a//b/data", FALSE },
    { "http://[::1]:8080", "::1", 8080, "[::1]:8080", "/data", FALSE },
    { "http://[fd00::1]/x", "fd00::1", 80, "[fd00::1]", "/x/data", FALSE },
    { "http://erp/a%2Fb%20c", "erp", 80, "erp", "/a%2Fb%20c/data", FALSE },
    { "http://erp/\u0431", "erp", 80, "erp", "/%D0%B1/data", FALSE },
    { "http://\u043f\u0440.\u0440\u0444/", "xn--o1ac.xn--p1ai", 80, "xn--o1ac.xn--p1ai", "/data",
      FALSE },
    { "http://erp/data", "erp", 80, "erp", "/data/data", FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"url\":\"%s\"}", cases[i].url);
      g_autoptr (SbHttpProperties) properties = parse (json);

      g_test_message ("%s", cases[i].url);
      g_assert_cmpstr (properties->host, ==, cases[i].host);
      g_assert_cmpuint (properties->port, ==, cases[i].port);
      g_assert_cmpstr (properties->authority, ==, cases[i].authority);
      g_assert_cmpstr (properties->path, ==, cases[i].path);
      g_assert_cmpint (properties->is_tls, ==, cases[i].is_tls);
      g_assert_cmpuint (properties->parallel, ==, 1);
      g_assert_null (properties->authorization);
      g_assert_null (properties->secret);
    }
}

static void
test_refuses_a_url (void)
{
  static const char *const urls[][2] = {
    { "", "no \\\"url\\\"" },
    { "erp", "no URL" },
    { "ftp://erp", "neither http nor https" },
    { "file:///etc/passwd", "neither http nor https" },
    { "http://", "host" },
    { "http:///data", "host" },
    { "http://user@erp", "user" },
    { "http://user:geheim@erp", "user" },
    { "http://erp/?geheim", "query" },
    { "http://erp/?", "query" },
    { "http://erp/#x", "fragment" },
    { "http://erp:0/", "port" },
    { "http://erp:70000/", "URL" },
    { "http://erp:x/", "URL" },
    { "http://a b/", "" },
    { "http://erp\\r\\nX: y/", "" },
    { "http://erp%0d%0aX:y/", "" },
    { "http://[::1/", "URL" },
    { "http://[fe80::1%25eth0]/", "host" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"url\":\"%s\"}", urls[i][0]);
      g_autofree char *part = g_strcompress (urls[i][1]);

      assert_refused (json, part);
    }
}

static void
test_refuses_what_is_wrong (void)
{
  static const char *const cases[][2] = {
    { "[]", "not an object" },
    { "{}", "connection_properties has no \"url\"" },
    { "{\"type\":\"http\",\"url\":null}", "connection_properties has no \"url\"" },
    { "{\"url\":7}", "\"url\" that is not a string" },
    { "{\"url\":\"http://e\",\"parallel\":0}", "\"parallel\"" },
    { "{\"url\":\"http://e\",\"parallel\":65}", "\"parallel\"" },
    { "{\"url\":\"http://e\",\"parallel\":-1}", "\"parallel\"" },
    { "{\"url\":\"http://e\",\"parallel\":1.5}", "\"parallel\"" },
    { "{\"url\":\"http://e\",\"parallel\":\"2\"}", "\"parallel\"" },
    { "{\"url\":\"http://e\",\"parallel\":true}", "\"parallel\"" },
    { "{\"url\":\"http://e\",\"authorization\":\"geheim\"}", "\"authorization\"" },
    { "{\"url\":\"http://e\",\"authorization\":{}}", "\"basic\"" },
    { "{\"url\":\"http://e\",\"authorization\":{\"type\":\"bearer\"}}", "\"basic\"" },
    { "{\"url\":\"http://e\",\"authorization\":{\"type\":\"basic\",\"user\":1}}", "\"user\"" },
    { "{\"url\":\"http://e\",\"authorization\":{\"type\":\"basic\",\"user\":\"a:geheim\"}}",
      "colon" },
    { "{\"url\":\"http://e\",\"secret\":1}", "\"secret\"" },
    { "{\"url\":\"http://e\",\"secret\":\"whsec_\"}", "base64" },
    { "{\"url\":\"http://e\",\"secret\":\"whsec_geheim!!\"}", "base64" },
    { "{\"url\":\"http://e\",\"secret\":\"whsec_A\"}", "base64" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i][0], cases[i][1]);
}

static void
test_makes_the_authorization (void)
{
  static const char *const cases[][2] = {
    { "{\"type\":\"basic\",\"user\":\"usr\",\"password\":\"pw\"}", "Basic dXNyOnB3" },
    { "{\"type\":\"Basic\",\"user\":\"usr\",\"password\":\"\"}", "Basic dXNyOg==" },
    { "{\"type\":\"basic\",\"user\":\"usr\"}", "Basic dXNyOg==" },
    { "{\"type\":\"basic\",\"user\":\"\",\"password\":\"pw\"}", "Basic OnB3" },
    { "{\"type\":\"basic\",\"user\":null,\"password\":null}", "Basic Og==" },
    { "{\"type\":\"basic\",\"user\":\"\u0436\",\"password\":\"a:b\"}", "Basic 0LY6YTpi" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"url\":\"http://e\",\"authorization\":%s}",
                                               cases[i][0]);
      g_autoptr (SbHttpProperties) properties = parse (json);

      g_assert_cmpstr (properties->authorization, ==, cases[i][1]);
    }
}

static void
test_reads_a_secret (void)
{
  static const char *const cases[][2] = {
    { "plain", "plain" },  { "whsec_YWJj", "abc" }, { "whsec_YWI=", "ab" },
    { "whsec_YWI", "ab" }, { "whsec", "whsec" },
  };
  g_autoptr (SbHttpProperties) none = parse ("{\"url\":\"http://e\",\"secret\":\"\"}");

  g_assert_null (none->secret);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"url\":\"http://e\",\"secret\":\"%s\"}",
                                               cases[i][0]);
      g_autoptr (SbHttpProperties) properties = parse (json);

      g_assert_cmpmem (g_bytes_get_data (properties->secret, NULL),
                       g_bytes_get_size (properties->secret), cases[i][1], strlen (cases[i][1]));
    }
}

static void
test_takes_what_is_null_or_unknown_as_absent (void)
{
  g_autoptr (SbHttpProperties) properties = parse (
      "{\"type\":\"http\",\"url\":\"http://e\",\"authorization\":null,\"secret\":null,"
      "\"parallel\":null,\"comment\":{\"x\":[1]}}");

  g_assert_cmpuint (properties->parallel, ==, 1);
  g_assert_null (properties->authorization);
  g_assert_null (properties->secret);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/http-properties/reads-a-url", test_reads_a_url);
  g_test_add_func ("/http-properties/refuses-a-url", test_refuses_a_url);
  g_test_add_func ("/http-properties/refuses-what-is-wrong", test_refuses_what_is_wrong);
  g_test_add_func ("/http-properties/makes-the-authorization", test_makes_the_authorization);
  g_test_add_func ("/http-properties/reads-a-secret", test_reads_a_secret);
  g_test_add_func ("/http-properties/takes-what-is-null-or-unknown-as-absent",
                   test_takes_what_is_null_or_unknown_as_absent);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-form: names of files in a form, and where the outside finds the bus. */

#include "sb-soup-form.h"
#include "sb-test.h"

static void
a_field_names_its_file_unless_it_says_nothing (void)
{
  static const struct
  {
    const char *field;
    const char *filename;
    const char *display;
  } rows[] = {
    { "photo.jpg", "tmp1", "photo.jpg" },    { "photo", "tmp1", "photo" },
    { "file", "photo.jpg", "photo.jpg" },    { "files", "photo.jpg", "photo.jpg" },
    { "files[]", "photo.jpg", "photo.jpg" }, { "upload", "photo.jpg", "photo.jpg" },
    { "", "photo.jpg", "photo.jpg" },        { "FILE", "photo.jpg", "FILE" },
    { "file1", "photo.jpg", "file1" },       { "Фото.jpg", "tmp1", "Фото.jpg" },
    { "file", "Фото.jpg", "Фото.jpg" },      { "file", "C:\\fakepath\\photo.jpg", "photo.jpg" },
    { "../photo.jpg", "tmp1", "photo.jpg" }, { "file", "", "file" },
    { "..", "photo.jpg", "file" },           { "a\nb", "photo.jpg", "ab" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *display = sb_form_make_display_name (rows[i].field, rows[i].filename);

      g_assert_cmpstr (display, ==, rows[i].display);
    }
}

static void
a_base_url_is_made_of_what_is_plausible (void)
{
  static const struct
  {
    gboolean is_tls;
    const char *host;
    const char *proto;
    const char *forwarded;
    const char *url;
  } rows[] = {
    { FALSE, "bus", NULL, NULL, "http://bus" },
    { TRUE, "bus.example:2555", NULL, NULL, "https://bus.example:2555" },
    { FALSE, "192.0.2.1:80", NULL, NULL, "http://192.0.2.1:80" },
    { FALSE, "[2001:db8::1]:80", NULL, NULL, "http://[2001:db8::1]:80" },
    { FALSE, "[2001:db8::1]", NULL, NULL, "http://[2001:db8::1]" },
    { FALSE, "bus", "https", NULL, "https://bus" },
    { TRUE, "bus", "http", NULL, "http://bus" },
    { FALSE, "bus", "http, HTTPS ", "evil.example, bus.example", "https://bus.example" },
    { FALSE, "bus", "gopher", "", "http://bus" },
    { FALSE, NULL, NULL, "bus.example", "http://bus.example" },
    { FALSE, NULL, NULL, NULL, NULL },
    { FALSE, "", NULL, NULL, NULL },
    { FALSE, "bus/path", NULL, NULL, NULL },
    { FALSE, "user@bus", NULL, NULL, NULL },
    { FALSE, "bus:", NULL, NULL, NULL },
    { FALSE, "bus:80x", NULL, NULL, NULL },
    { FALSE, "bus:123456", NULL, NULL, NULL },
    { FALSE, "bus\"<", NULL, NULL, NULL },
    { FALSE, "[::1", NULL, NULL, NULL },
    { FALSE, "[]", NULL, NULL, NULL },
    { FALSE, "[::1]x", NULL, NULL, NULL },
    { FALSE, ":80", NULL, NULL, NULL },
    { FALSE, "bus", NULL, "a b", NULL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *url = sb_form_make_base_url (rows[i].is_tls, rows[i].host, rows[i].proto,
                                                    rows[i].forwarded);

      g_assert_cmpstr (url, ==, rows[i].url);
    }
}

static void
a_host_has_a_length (void)
{
  g_autofree char *host = g_strnfill (261, 'a');
  g_autofree char *longer = g_strnfill (262, 'a');
  g_autofree char *url = sb_form_make_base_url (FALSE, host, NULL, NULL);

  g_assert_nonnull (url);
  g_assert_null (sb_form_make_base_url (FALSE, longer, NULL, NULL));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/form/a-field-names-its-file-unless-it-says-nothing",
                   a_field_names_its_file_unless_it_says_nothing);
  g_test_add_func ("/form/a-base-url-is-made-of-what-is-plausible",
                   a_base_url_is_made_of_what_is_plausible);
  g_test_add_func ("/form/a-host-has-a-length", a_host_has_a_length);
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-config: declared keys, their values from file and command line, and the errors. */

#include "sb-config.h"

#include "sb-config-keys.h"
#include "sb-error.h"
#include "sb-test.h"

#include <string.h>

static const SbConfigKey keys[] = {
  { "text", SB_CONFIG_STRING, "dflt", 0, 0, SB_CONFIG_RELOADABLE, "" },
  { "flag", SB_CONFIG_BOOLEAN, "true", 0, 0, SB_CONFIG_RELOADABLE, "" },
  { "window", SB_CONFIG_INTEGER, "64", 1, 65536, SB_CONFIG_DEFAULTS, "" },
  { "free", SB_CONFIG_INTEGER, "0", 0, 0, SB_CONFIG_DEFAULTS, "" },
  { "bytes", SB_CONFIG_SIZE, "4M", 1024, G_GINT64_CONSTANT (1) << 50, SB_CONFIG_DEFAULTS, "" },
  { "time", SB_CONFIG_DURATION, "10", 50, 86400000, SB_CONFIG_RELOADABLE, "" },
  { "list", SB_CONFIG_LIST, "a;b", 0, 0, SB_CONFIG_RELOADABLE, "" },
  { "level", SB_CONFIG_CHOICE, "message|error|debug", 0, 0, SB_CONFIG_DEFAULTS, "" },
  { "token", SB_CONFIG_STRING, "", 0, 0, SB_CONFIG_SECRET | SB_CONFIG_RELOADABLE, "" },
  { "pin", SB_CONFIG_INTEGER, "1", 1, 9, SB_CONFIG_SECRET, "" },
};

static const SbConfigKey other_keys[] = {
  { "port", SB_CONFIG_INTEGER, "8000", 0, 65535, SB_CONFIG_DEFAULTS, "" },
};

/* The two groups [bus] and [transport-soup] over a text, or NULL and the error of whichever
 * step refused it. */
static SbConfig *
try_text (const char *text, GError **error)
{
  g_autoptr (SbConfig) config = sb_config_new ();

  if (!sb_config_load_data (config, text, "simplebus.ini", error)
      || !sb_config_declare (config, "bus", keys, G_N_ELEMENTS (keys), error)
      || !sb_config_declare (config, "transport-soup", other_keys, 1, error)
      || !sb_config_check (config, error))
    return NULL;
  return g_steal_pointer (&config);
}

static SbConfig *
from_text (const char *text)
{
  g_autoptr (GError) error = NULL;
  SbConfig *config = try_text (text, &error);

  g_assert_no_error (error);
  return config;
}

static void
assert_refused (const char *text, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbConfig) config = try_text (text, &error);

  g_assert_null (config);
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
  g_assert_cmpstr (error->message, ==, message);
}

static void
defaults_hold_without_a_file (void)
{
  SbConfig *config = from_text ("");

  g_assert_cmpstr (sb_config_get_string (config, "bus", "text"), ==, "dflt");
  g_assert_true (sb_config_get_boolean (config, "bus", "flag"));
  g_assert_cmpint (sb_config_get_integer (config, "bus", "window"), ==, 64);
  g_assert_cmpint (sb_config_get_size (config, "bus", "bytes"), ==, 4 * 1024 * 1024);
  g_assert_cmpint (sb_config_get_duration_ms (config, "bus", "time"), ==, 10000);
  g_assert_cmpstrv (sb_config_get_list (config, "bus", "list"),
                    ((const char *const[]) { "a", "b", NULL }));
  g_assert_cmpstr (sb_config_get_string (config, "bus", "level"), ==, "message");
  g_assert_finalize_object (config);
}

static void
values_are_read_in_their_types (void)
{
  g_autoptr (SbConfig) config = from_text (
      "\xef\xbb\xbf# a comment\r\n[bus]\r\n  text = two words  \r\n"
      "flag=No\nwindow=65536\nfree=-5\nbytes=1536\ntime=0.5\n"
      "list= x ;; y z;\nlevel=debug\n\n[transport-soup]\n"
      "port=0");

  g_assert_cmpstr (sb_config_get_string (config, "bus", "text"), ==, "two words");
  g_assert_false (sb_config_get_boolean (config, "bus", "flag"));
  g_assert_cmpint (sb_config_get_integer (config, "bus", "window"), ==, 65536);
  g_assert_cmpint (sb_config_get_integer (config, "bus", "free"), ==, -5);
  g_assert_cmpint (sb_config_get_size (config, "bus", "bytes"), ==, 1536);
  g_assert_cmpint (sb_config_get_duration_ms (config, "bus", "time"), ==, 500);
  g_assert_cmpstrv (sb_config_get_list (config, "bus", "list"),
                    ((const char *const[]) { "x", "y z", NULL }));
  g_assert_cmpstr (sb_config_get_string (config, "bus", "level"), ==, "debug");
  g_assert_cmpint (sb_config_get_integer (config, "transport-soup", "port"), ==, 0);
}

static void
escapes_keep_what_a_key_file_would_lose (void)
{
  g_autoptr (SbConfig) config = from_text ("[bus]\ntext=\\sa\\s#\\tb\\\\ü\\s\nlist=a\\;b;c\n");

  g_assert_cmpstr (sb_config_get_string (config, "bus", "text"), ==, " a #\tb\\ü ");
  g_assert_cmpstrv (sb_config_get_list (config, "bus", "list"),
                    ((const char *const[]) { "a;b", "c", NULL }));
}

static void
an_empty_value_is_not_an_absent_one (void)
{
  g_autoptr (SbConfig) config = from_text ("[bus]\ntext=\nlist=\n");

  g_assert_cmpstr (sb_config_get_string (config, "bus", "text"), ==, "");
  g_assert_cmpuint (g_strv_length ((char **) sb_config_get_list (config, "bus", "list")), ==, 0);
  assert_refused ("[bus]\nwindow=\n",
                  "simplebus.ini:2: [bus] window: \"\" is not an integer between 1 and 65536");
}

static void
suffixes_scale_sizes (void)
{
  static const struct
  {
    const char *text;
    gint64 bytes;
  } cases[] = {
    { "1024", 1024 },
    { "1K", 1024 },
    { "2k", 2048 },
    { "0.5M", 512 * 1024 },
    { "3G", G_GINT64_CONSTANT (3) << 30 },
    { "1T", G_GINT64_CONSTANT (1) << 40 },
    { "1024T", G_GINT64_CONSTANT (1) << 50 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strconcat ("[bus]\nbytes=", cases[i].text, "\n", NULL);
      g_autoptr (SbConfig) config = from_text (text);

      g_assert_cmpint (sb_config_get_size (config, "bus", "bytes"), ==, cases[i].bytes);
    }
}

static void
suffixes_scale_times (void)
{
  static const struct
  {
    const char *text;
    gint64 ms;
  } cases[] = {
    { "1", 1000 },  { "30s", 30000 }, { "1.5m", 90000 }, { "2h", 7200000 }, { "1d", 86400000 },
    { "0.05", 50 }, { "0.0504", 51 }, { "0.25s", 250 },  { "00001", 1000 }, { "0.9999999", 1000 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strconcat ("[bus]\ntime=", cases[i].text, "\n", NULL);
      g_autoptr (SbConfig) config = from_text (text);

      g_assert_cmpint (sb_config_get_duration_ms (config, "bus", "time"), ==, cases[i].ms);
    }
}

static void
bad_values_are_refused_by_name (void)
{
  static const struct
  {
    const char *setting;
    const char *why;
  } cases[] = {
    { "window=many", "window: \"many\" is not an integer between 1 and 65536" },
    { "window=0", "window: \"0\" is not an integer between 1 and 65536" },
    { "window=65537", "window: \"65537\" is not an integer between 1 and 65536" },
    { "window=6.4", "window: \"6.4\" is not an integer between 1 and 65536" },
    { "window=99999999999999999999",
      "window: \"99999999999999999999\" is not an integer between 1 and 65536" },
    { "free=x", "free: \"x\" is not an integer" },
    { "flag=maybe", "flag: \"maybe\" is not true or false" },
    { "level=loud", "level: \"loud\" is not one of message, error, debug" },
    { "level=message|error|debug",
      "level: \"message|error|debug\" is not one of message, error, debug" },
    { "time=49s0", "time: \"49s0\" is not a time between 0.050s and 1d (seconds, or with s, m, h "
                   "or d)" },
    { "pin=1234", "pin: the value is not an integer between 1 and 9" },
    { "text=C:\\qed",
      "text: the value has a backslash that means nothing (write \\\\ for one; \\s, "
      "\\n, \\t and \\r are known)" },
    { "window=64  # messages", "window: a comment needs a line of its own (write \\s# for a # that "
                               "belongs to the value)" },
    { "list=a;b # c", "list: a comment needs a line of its own (write \\s# for a # that belongs to "
                      "the value)" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strconcat ("[bus]\n", cases[i].setting, "\n", NULL);
      g_autofree char *message = g_strconcat ("simplebus.ini:2: [bus] ", cases[i].why, NULL);

      assert_refused (text, message);
    }
}

static void
quantities_of_odd_shape_are_refused (void)
{
  static const char *const cases[] = {
    "bytes=1KB",
    "bytes=-1",
    "bytes=1 K",
    "bytes=K",
    "bytes=1.",
    "bytes=.5M",
    "bytes=0x400",
    "bytes=1023",
    "bytes=1025T",
    "bytes=8388608T",
    "bytes=99999999999999999999",
    "bytes=1.5.5K",
    "time=1M",
    "time=10 s",
    "time=-1",
    "time=+1",
    "time=inf",
    "time=1e3",
    "time=0.049",
    "time=2d",
    "time=1h30m",
    "time=300000000000d",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = g_strconcat ("[bus]\n", cases[i], "\n", NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (SbConfig) config = try_text (text, &error);

      g_assert_null (config);
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

static void
a_long_bad_value_is_cut_short (void)
{
  g_autofree char *value = g_strnfill (100000, 'x');
  g_autofree char *text = g_strconcat ("[bus]\nflag=", value, "\n", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SbConfig) config = try_text (text, &error);

  g_assert_null (config);
  g_assert_cmpuint (strlen (error->message), <, 200);
}

static void
unknown_names_are_refused_with_the_nearest_known_one (void)
{
  assert_refused ("[bus]\n\nwindwo=3\n",
                  "simplebus.ini:3: [bus] has no key windwo; did you mean [bus] window?");
  assert_refused ("[bus]\nport=3\n",
                  "simplebus.ini:2: [bus] has no key port; did you mean [transport-soup] port?");
  assert_refused ("[bus]\nquite-different=3\n",
                  "simplebus.ini:2: [bus] has no key quite-different");
  assert_refused ("[bus]\ntext[de]=3\n", "simplebus.ini:2: [bus] has no key text[de]");
  assert_refused ("[transport-sop]\n",
                  "simplebus.ini:1: unknown group [transport-sop]; did you mean [transport-soup]?");
  assert_refused ("# a\n[mail]\nport=1\n", "simplebus.ini:2: unknown group [mail]");
}

static void
malformed_files_are_refused_by_line (void)
{
  assert_refused ("[bus]\nhunter2\n",
                  "simplebus.ini:2: this is neither [group] nor key=value nor # comment");
  assert_refused ("text=1\n", "simplebus.ini:1: a [group] has to come before the first key");
  assert_refused ("[bus\n", "simplebus.ini:1: a group is written [name]");
  assert_refused ("[]\n", "simplebus.ini:1: a group is written [name]");
  assert_refused ("[bus] # c\n", "simplebus.ini:1: nothing may follow the ] of a group");
  assert_refused ("[bus]\ntext=\xff\n", "simplebus.ini:2: this is not UTF-8 text");
}

static void
a_key_that_is_set_twice_is_refused (void)
{
  assert_refused ("[bus]\nwindow=1\n[transport-soup]\n[bus]\nwindow=2\n",
                  "simplebus.ini:5: [bus] window is set twice, first in line 2");
}

static void
a_group_may_be_opened_again (void)
{
  g_autoptr (SbConfig) config = from_text ("[bus]\nwindow=1\n[transport-soup]\n[bus]\nfree=2\n");

  g_assert_cmpint (sb_config_get_integer (config, "bus", "window"), ==, 1);
  g_assert_cmpint (sb_config_get_integer (config, "bus", "free"), ==, 2);
}

static void
the_command_line_wins_over_files (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbConfig) config = sb_config_new ();

  g_assert_true (sb_config_set (config, "bus.window=7", &error));
  g_assert_true (sb_config_set (config, "bus.text= a = \\s #x ", &error));
  g_assert_true (sb_config_set (config, "bus.list=a;b c", &error));
  g_assert_true (sb_config_load_data (config, "[bus]\nwindow=9\nfree=1\n", "f", &error));
  g_assert_true (sb_config_declare (config, "bus", keys, G_N_ELEMENTS (keys), &error));
  g_assert_true (sb_config_set (config, "bus.free=2", &error));
  g_assert_no_error (error);

  g_assert_cmpint (sb_config_get_integer (config, "bus", "window"), ==, 7);
  g_assert_cmpint (sb_config_get_integer (config, "bus", "free"), ==, 2);
  g_assert_cmpstr (sb_config_get_string (config, "bus", "text"), ==, " a = \\s #x ");
  g_assert_cmpstrv (sb_config_get_list (config, "bus", "list"),
                    ((const char *const[]) { "a", "b c", NULL }));
}

static void
a_later_file_wins_over_an_earlier_one (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbConfig) config = from_text ("[bus]\nwindow=1\nfree=3\n");

  g_assert_true (sb_config_load_data (config, "[bus]\nwindow=2\n", "second.ini", &error));
  g_assert_no_error (error);
  g_assert_cmpint (sb_config_get_integer (config, "bus", "window"), ==, 2);
  g_assert_cmpint (sb_config_get_integer (config, "bus", "free"), ==, 3);
}

static void
malformed_overrides_are_refused (void)
{
  static const char *const cases[] = { "",       "window",     "window=3",    ".window=3",
                                       "bus.=3", "bus.window", "=bus.window", "bus.text=\xff" };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SbConfig) config = sb_config_new ();

      g_assert_false (sb_config_set (config, cases[i], &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

static void
a_refused_override_leaves_the_value (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbConfig) config = from_text ("[bus]\nwindow=5\n");

  g_assert_false (sb_config_set (config, "bus.window=0", &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
  g_assert_cmpstr (error->message, ==,
                   "command line: [bus] window: \"0\" is not an integer between 1 and 65536");
  g_assert_cmpint (sb_config_get_integer (config, "bus", "window"), ==, 5);
}

static void
an_absent_file_is_not_a_malformed_one (void)
{
  g_autoptr (SbTestDir) dir = sb_test_make_dir ();
  g_autofree char *absent = g_build_filename (dir, "no.ini", NULL);
  g_autofree char *nul = g_build_filename (dir, "nul.ini", NULL);
  g_autoptr (SbConfig) config = sb_config_new ();
  g_autoptr (GError) not_found = NULL;
  g_autoptr (GError) invalid = NULL;
  g_autoptr (GError) failed = NULL;

  g_assert_true (g_file_set_contents (nul, "[bus]\ntext=a\0b\n", 15, NULL));
  g_assert_false (sb_config_load_file (config, absent, &not_found));
  g_assert_error (not_found, SB_ERROR, SB_ERROR_NOT_FOUND);
  g_assert_false (sb_config_load_file (config, nul, &invalid));
  g_assert_error (invalid, SB_ERROR, SB_ERROR_INVALID);
  g_assert_nonnull (strstr (invalid->message, "nul.ini:2: "));
  g_assert_false (sb_config_load_file (config, dir, &failed));
  g_assert_error (failed, SB_ERROR, SB_ERROR_FAILED);
}

static void
two_modules_cannot_declare_the_same_key (void)
{
  static const SbConfigKey stranger[] = {
    { "window", SB_CONFIG_STRING, "", 0, 0, SB_CONFIG_DEFAULTS, "" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (SbConfig) config = from_text ("");

  g_assert_true (sb_config_declare (config, "bus", keys, G_N_ELEMENTS (keys), &error));
  g_assert_no_error (error);
  g_assert_false (sb_config_declare (config, "bus", stranger, 1, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_CONFLICT);
}

static void
collect_cb (const char *group, const SbConfigKey *key, const char *value, SbConfigOrigin origin,
            gpointer out)
{
  g_string_append_printf (out, "%s.%s=%s (%s)\n", group, key->name, value,
                          sb_config_origin_to_string (origin));
}

static void
what_is_in_force_is_shown_without_secrets (void)
{
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (SbConfig) config = from_text ("[bus]\nwindow=9\ntoken=hunter2\ntime=1h\n");

  g_assert_true (sb_config_set (config, "bus.text=x y", NULL));
  sb_config_foreach (config, collect_cb, out);
  g_assert_cmpstr (out->str, ==,
                   "bus.text=x y (override)\nbus.flag=true (default)\nbus.window=9 (file)\n"
                   "bus.free=0 (default)\nbus.bytes=4M (default)\nbus.time=1h (file)\n"
                   "bus.list=a;b (default)\nbus.level=message (default)\nbus.token=*** (file)\n"
                   "bus.pin=*** (default)\ntransport-soup.port=8000 (default)\n");
}

static void
a_reload_sees_changes_of_meaning_only (void)
{
  g_autoptr (SbConfig) before = from_text ("[bus]\nbytes=1024K\ntime=60\nwindow=2\nlist=a\n");
  g_autoptr (SbConfig) after = from_text (
      "[bus]\nbytes=1M\ntime=2m\nwindow=3\nlist=a;\nflag=yes\n");
  g_autoptr (GPtrArray) changes = sb_config_diff (before, after);
  const SbConfigChange *first, *second;

  g_assert_cmpuint (changes->len, ==, 2);
  first = g_ptr_array_index (changes, 0);
  second = g_ptr_array_index (changes, 1);
  g_assert_cmpstr (first->name, ==, "bus.window");
  g_assert_false (first->is_reloadable);
  g_assert_cmpstr (second->name, ==, "bus.time");
  g_assert_true (second->is_reloadable);
}

static void
a_reload_sees_groups_that_come_and_go (void)
{
  g_autoptr (SbConfig) with = from_text ("");
  g_autoptr (SbConfig) without = sb_config_new ();
  g_autoptr (GPtrArray) gone = NULL;
  g_autoptr (GPtrArray) come = NULL;

  g_assert_true (sb_config_declare (without, "bus", keys, G_N_ELEMENTS (keys), NULL));
  gone = sb_config_diff (with, without);
  come = sb_config_diff (without, with);
  g_assert_cmpuint (gone->len, ==, 1);
  g_assert_cmpuint (come->len, ==, 1);
  g_assert_cmpstr (((SbConfigChange *) come->pdata[0])->name, ==, "transport-soup.port");
}

static void
a_reload_shows_what_was_and_what_comes (void)
{
  g_autoptr (SbConfig) before = from_text ("[bus]\nwindow=2\n");
  g_autoptr (SbConfig) after = from_text ("[bus]\nwindow=3\ntime=1h\ntoken=hidden\n");
  g_autoptr (GPtrArray) changes = sb_config_diff (before, after);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < changes->len; i++)
    {
      const SbConfigChange *change = g_ptr_array_index (changes, i);

      g_string_append_printf (text, "%s: %s → %s\n", change->name, change->before, change->after);
    }
  g_assert_cmpstr (text->str, ==, "bus.window: 2 → 3\nbus.time: 10 → 1h\nbus.token:  → ***\n");
}

static void
count_cb (SbConfig *config, gpointer user_data)
{
  ++*(guint *) user_data;
}

static void
a_newer_configuration_is_taken_over_in_place (void)
{
  g_autoptr (SbConfig) config = from_text ("[bus]\ntime=60\nflag=no\n");
  g_autoptr (SbConfig) newer = from_text ("[bus]\ntime=2m\ntext=other\nlist=c\ntoken=x\n");
  guint n_changed = 0;

  g_signal_connect (config, "changed", G_CALLBACK (count_cb), &n_changed);
  sb_config_take_over (config, newer);
  g_assert_cmpuint (n_changed, ==, 1);
  g_assert_cmpint (sb_config_get_duration_ms (config, "bus", "time"), ==, 120000);
  g_assert_true (sb_config_get_boolean (config, "bus", "flag"));
  g_assert_cmpstr (sb_config_get_string (config, "bus", "text"), ==, "other");
  g_assert_cmpstr (sb_config_get_list (config, "bus", "list")[0], ==, "c");
  g_assert_cmpstr (sb_config_get_string (config, "bus", "token"), ==, "x");
  sb_config_take_over (config, newer);
  g_assert_cmpuint (n_changed, ==, 1);
}

static void
what_takes_a_restart_is_not_taken_over (void)
{
  g_autoptr (SbConfig) config = from_text ("[bus]\nwindow=2\n");
  g_autoptr (SbConfig) newer = from_text ("[bus]\nwindow=3\n[transport-soup]\nport=1\n");
  g_autoptr (GPtrArray) changes = NULL;
  guint n_changed = 0;

  g_signal_connect (config, "changed", G_CALLBACK (count_cb), &n_changed);
  sb_config_take_over (config, newer);
  g_assert_cmpuint (n_changed, ==, 0);
  g_assert_cmpint (sb_config_get_integer (config, "bus", "window"), ==, 2);
  g_assert_cmpint (sb_config_get_integer (config, "transport-soup", "port"), ==, 8000);
  /* Whoever reloads again hears of it again. */
  changes = sb_config_diff (config, newer);
  g_assert_cmpuint (changes->len, ==, 2);
}

static void
texts_that_were_handed_out_stay_valid (void)
{
  g_autoptr (SbConfig) config = from_text ("[bus]\ntext=first\nlist=one;two\n");
  const char *text = sb_config_get_string (config, "bus", "text");
  const char *const *list = sb_config_get_list (config, "bus", "list");

  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *setting = g_strdup_printf ("[bus]\ntext=%u\nlist=%u\n", i, i);
      g_autoptr (SbConfig) newer = from_text (setting);

      sb_config_take_over (config, newer);
    }
  g_assert_cmpstr (text, ==, "first");
  g_assert_cmpstr (list[1], ==, "two");
  g_assert_cmpstr (sb_config_get_string (config, "bus", "text"), ==, "9");
}

static void
trap (const char *path, const char *pattern)
{
  g_test_trap_subprocess (path, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr (pattern);
}

static void
an_undeclared_key_in_a_subprocess (void)
{
  sb_config_get_string (from_text (""), "bus", "nothing");
}

static void
another_type_in_a_subprocess (void)
{
  sb_config_get_string (from_text (""), "bus", "window");
}

static void
a_bad_default_in_a_subprocess (void)
{
  static const SbConfigKey bad[] = {
    { "n", SB_CONFIG_INTEGER, "0", 1, 2, SB_CONFIG_DEFAULTS, "" },
  };

  sb_config_declare (sb_config_new (), "g", bad, 1, NULL);
}

static void
faults_of_the_code_end_the_process (void)
{
  trap ("/config/subprocess/undeclared", "*nothing is read, but was not declared*");
  trap ("/config/subprocess/type", "*window is read as another type*");
  trap ("/config/subprocess/default", "*declared default of n is wrong: \"0\" is not*");
}

/* Both of the bounds are inside of what the type can hold, and the default is inside of them
 * (which declaring proves). */
static void
the_keys_of_the_bus_are_sound (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbConfig) config = sb_config_new ();

  g_assert_true (sb_config_declare (config, "bus", sb_bus_keys, sb_n_bus_keys, &error));
  g_assert_no_error (error);
  for (gsize i = 0; i < sb_n_bus_keys; i++)
    {
      g_assert_cmpint (sb_bus_keys[i].min, <=, sb_bus_keys[i].max);
      g_assert_cmpstr (sb_bus_keys[i].summary, !=, "");
      g_assert_null (strchr (sb_bus_keys[i].summary, '\n'));
    }
}

static void
the_defaults_of_the_bus_are_as_documented (void)
{
  g_autoptr (SbConfig) config = sb_config_new ();

  g_assert_true (sb_config_declare (config, "bus", sb_bus_keys, sb_n_bus_keys, NULL));
  g_assert_cmpstr (sb_config_get_string (config, "bus", "store"), ==, "sqlite");
  g_assert_cmpint (sb_config_get_duration_ms (config, "bus", "confirm-timeout"), ==, 10000);
  g_assert_cmpint (sb_config_get_duration_ms (config, "bus", "remember"), ==, 3600000);
  g_assert_cmpint (sb_config_get_integer (config, "bus", "window"), ==, 64);
  g_assert_cmpint (sb_config_get_size (config, "bus", "window-bytes"), ==, 4 << 20);
  g_assert_cmpint (sb_config_get_size (config, "bus", "max-message-size"), ==, 8 << 20);
  g_assert_cmpint (sb_config_get_size (config, "bus", "max-queue-bytes"), ==,
                   G_GINT64_CONSTANT (4) << 30);
  g_assert_cmpint (sb_config_get_integer (config, "bus", "journal-backlog"), ==, 20000);
  g_assert_cmpstr (sb_config_get_string (config, "bus", "log-level"), ==, "message");
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *name;
    GTestFunc func;
  } tests[] = {
    { "defaults-hold-without-a-file", defaults_hold_without_a_file },
    { "values-are-read-in-their-types", values_are_read_in_their_types },
    { "escapes-keep-what-a-key-file-would-lose", escapes_keep_what_a_key_file_would_lose },
    { "an-empty-value-is-not-an-absent-one", an_empty_value_is_not_an_absent_one },
    { "suffixes-scale-sizes", suffixes_scale_sizes },
    { "suffixes-scale-times", suffixes_scale_times },
    { "bad-values-are-refused-by-name", bad_values_are_refused_by_name },
    { "quantities-of-odd-shape-are-refused", quantities_of_odd_shape_are_refused },
    { "a-long-bad-value-is-cut-short", a_long_bad_value_is_cut_short },
    { "unknown-names-are-refused-with-the-nearest-known-one",
      unknown_names_are_refused_with_the_nearest_known_one },
    { "malformed-files-are-refused-by-line", malformed_files_are_refused_by_line },
    { "a-key-that-is-set-twice-is-refused", a_key_that_is_set_twice_is_refused },
    { "a-group-may-be-opened-again", a_group_may_be_opened_again },
    { "the-command-line-wins-over-files", the_command_line_wins_over_files },
    { "a-later-file-wins-over-an-earlier-one", a_later_file_wins_over_an_earlier_one },
    { "malformed-overrides-are-refused", malformed_overrides_are_refused },
    { "a-refused-override-leaves-the-value", a_refused_override_leaves_the_value },
    { "an-absent-file-is-not-a-malformed-one", an_absent_file_is_not_a_malformed_one },
    { "two-modules-cannot-declare-the-same-key", two_modules_cannot_declare_the_same_key },
    { "what-is-in-force-is-shown-without-secrets", what_is_in_force_is_shown_without_secrets },
    { "a-reload-sees-changes-of-meaning-only", a_reload_sees_changes_of_meaning_only },
    { "a-reload-sees-groups-that-come-and-go", a_reload_sees_groups_that_come_and_go },
    { "a-reload-shows-what-was-and-what-comes", a_reload_shows_what_was_and_what_comes },
    { "a-newer-configuration-is-taken-over-in-place",
      a_newer_configuration_is_taken_over_in_place },
    { "what-takes-a-restart-is-not-taken-over", what_takes_a_restart_is_not_taken_over },
    { "texts-that-were-handed-out-stay-valid", texts_that_were_handed_out_stay_valid },
    { "faults-of-the-code-end-the-process", faults_of_the_code_end_the_process },
    { "subprocess/undeclared", an_undeclared_key_in_a_subprocess },
    { "subprocess/type", another_type_in_a_subprocess },
    { "subprocess/default", a_bad_default_in_a_subprocess },
    { "the-keys-of-the-bus-are-sound", the_keys_of_the_bus_are_sound },
    { "the-defaults-of-the-bus-are-as-documented", the_defaults_of_the_bus_are_as_documented },
  };

  sb_test_init (&argc, &argv);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/config/", tests[i].name, NULL);

      g_test_add_func (path, tests[i].func);
    }
  return g_test_run ();
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store-conformance: holds any store to the contract of sb-store.h and
 * sb-operation.h, a test for each of its sentences.
 *
 *     store-conformance [--volatile] [--data-dir DIR] MODULE NAME
 *
 * MODULE is the path of a plugin, or its name; NAME is what it registers its
 * store as. It speaks TAP; -l lists the tests, -p PATH runs some of them.
 */

#include "rig.h"
#include "sb-plugin.h"
#include "sb-test.h"

#include <stdlib.h>

static char *child_dir;
static char *child_round;
static char *data_dir;
static char **rest;

static const GOptionEntry entries[] = {
  { "volatile", 0, 0, G_OPTION_ARG_NONE, &rig_subject.is_volatile,
    "The store keeps nothing when it is closed", NULL },
  { "data-dir", 0, 0, G_OPTION_ARG_FILENAME, &data_dir,
    "Make the stores below DIR and not in the temporary folder", "DIR" },
  { "append-until-killed", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_FILENAME, &child_dir, NULL, NULL },
  { "round", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &child_round, NULL, NULL },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &rest, NULL, "MODULE NAME" },
  { 0 },
};

static gboolean
parse_arguments (int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Holds a store of a plugin to the store's contract.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (rest == NULL || g_strv_length (rest) != 2)
    {
      g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                           "MODULE and NAME are needed");
      return FALSE;
    }
  rig_subject.module = rest[0];
  rig_subject.name = rest[1];
  rig_subject.data_dir = data_dir;
  return TRUE;
}

static gboolean
load_subject (GError **error)
{
  g_auto (GStrv) path = sb_plugin_search_path (NULL);
  SbRegistry *registry = sb_registry_new ();
  g_autoptr (SbPlugin) plugin = sb_plugin_load (rig_subject.module, (const char *const *) path,
                                                registry, error);
  const SbConfigKey *keys;
  gsize n_keys;

  if (plugin == NULL)
    return FALSE;
  rig_subject.type = sb_registry_lookup (registry, SB_TYPE_STORE, rig_subject.name, error);
  g_object_unref (registry);
  if (rig_subject.type == G_TYPE_INVALID)
    return FALSE;
  rig_subject.config = sb_config_new ();
  keys = sb_plugin_get_keys (plugin, &n_keys);
  return n_keys == 0
         || sb_config_declare (rig_subject.config, sb_plugin_get_name (plugin), keys, n_keys,
                               error);
}

static void
add_tests (void)
{
  add_append_tests ();
  add_page_tests ();
  add_end_tests ();
  add_park_tests ();
  add_user_tests ();
  add_receipt_tests ();
  add_sweep_tests ();
  add_status_tests ();
  add_log_tests ();
  add_requeue_tests ();
  add_move_tests ();
  add_limits_tests ();
  add_queues_tests ();
  add_list_tests ();
  add_file_tests ();
  add_file_end_tests ();
  add_model_tests ();
  add_thread_tests ();
  add_snapshot_tests ();
  if (!rig_subject.is_volatile)
    add_durable_tests ();
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  gboolean is_child = argc > 1 && g_str_has_prefix (argv[1], "--append-until-killed");

  /* Numbers alone go through a child's stdout. */
  if (is_child)
    g_log_writer_default_set_use_stderr (TRUE);
  else
    sb_test_init (&argc, &argv);
  if (!parse_arguments (&argc, &argv, &error) || !load_subject (&error))
    {
      g_printerr ("store-conformance: %s\n", error->message);
      return 2;
    }
  if (is_child)
    return append_until_killed (child_dir, child_round);
  add_tests ();
  return g_test_run ();
}

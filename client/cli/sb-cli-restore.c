/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-restore: hands a backup that is whole to simplebusd, which fills an empty data folder with
 * it. Only a program beside the data can do that, while no bus runs there.
 */

#include "sb-cli-backup.h"
#include "sb-cli-server.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>

static char *data_dir;
static char *server_config;

static const GOptionEntry options[] = {
  { "data-dir", 0, 0, G_OPTION_ARG_FILENAME, &data_dir,
    N_ ("The folder of the bus, empty or not there yet"), N_ ("DIR") },
  { "server-config", 0, 0, G_OPTION_ARG_FILENAME, &server_config,
    N_ ("The configuration of the bus, which names its folder"), N_ ("FILE") },
  G_OPTION_ENTRY_NULL,
};

static const char details[] = N_ (
    "Makes a bus what it was when the backup was made. On the machine of the bus: stop\n"
    "it, move its folder away, restore, start it. Nothing is restored over what is\n"
    "there. It is the work of \"simplebusd --restore\", run as you; as the user that runs\n"
    "the bus, if that is another one, so that it can read its files.\n"
    "\n"
    "What was confirmed after the backup was made is delivered again, with the same _id.\n"
    "\n"
    "  simplebus restore bus.tar --data-dir /srv/simplebus\n"
    "  simplebus restore bus.tar --server-config /etc/simplebus/simplebus.ini\n"
    "  zstd -dc bus.tar.zst | simplebus restore - --data-dir /srv/simplebus");

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  const char *words[8] = { "--restore" };
  g_autofree char *program = NULL;
  g_autoptr (GError) error = NULL;
  guint n = 1;
  int status;

  if (argc != 2)
    return sb_cli_usage (cli, argc < 2 ? _ ("Which file?") : _ ("One file at a time"));
  if (data_dir == NULL && server_config == NULL)
    return sb_cli_usage (cli, _ ("Where to? --data-dir names the folder of the bus, "
                                 "--server-config its configuration"));
  program = sb_cli_server_find (&error);
  if (program == NULL
      || (strcmp (argv[1], "-") != 0 && !sb_cli_backup_verify (cli, argv[1], &error)))
    return sb_cli_fail (cli, error);
  words[n++] = argv[1];
  if (server_config != NULL)
    {
      words[n++] = "--config";
      words[n++] = server_config;
    }
  if (data_dir != NULL)
    {
      words[n++] = "--data-dir";
      words[n++] = data_dir;
    }
  words[n] = NULL;
  status = sb_cli_server_run (words, &error);
  if (status < 0)
    return sb_cli_fail (cli, error);
  return (SbCliStatus) status;
}

const SbCliVerb sb_cli_verb_restore = {
  .name = "restore",
  .arguments = N_ ("FILE"),
  .summary = N_ ("Make a bus of a backup, on its machine"),
  .details = details,
  .options = options,
  .run = run,
};

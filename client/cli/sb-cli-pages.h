/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-pages: lists of the API, which come in pages, row by row. */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/* Returns: whether to go on; %FALSE with an error, too */
typedef gboolean (*SbCliRowFunc) (JsonNode *row, gpointer user_data, GError **error);

gboolean sb_cli_each_row (SbCli *cli, const char *path, const char *member, gint64 limit,
                          SbCliRowFunc func, gpointer user_data, GError **error);

/* A path to which parameters are added; each value is percent-encoded, and left out when it is
 * NULL. */
void sb_cli_add_parameter (GString *path, const char *name, const char *value);

/**
 * SbCliList:
 * @cli: the command line
 * @table: (nullable): %NULL when JSON is printed
 * @add: fills a row of the table
 *
 * A list that is printed: as a table at its end, or as a line of JSON for each row at once.
 */
typedef struct _SbCliList SbCliList;
struct _SbCliList
{
  SbCli *cli;        /* (unowned) */
  SbCliTable *table; /* (unowned) (nullable) */
  void (*add) (SbCliTable *table, JsonObject *row);
};

SbCliStatus sb_cli_print_rows (SbCliList *self, const char *path, const char *member, gint64 limit);

/* Lines "name  value" of one thing. */
void sb_cli_print_fields (SbCli *cli, const char *const *names, char *const *values);
/* "2026-03-01 09:30:00", in the time of this machine, of what the API says; "" for nothing. */
char *sb_cli_format_time (const char *time);
/* How long ago. */
char *sb_cli_format_since (const char *time);
/* Numbers as cells; "" for 0. */
char *sb_cli_format_count (gint64 n);
/* Checks that words are UTF-8, as ids are. */
gboolean sb_cli_check_words (SbCli *cli, int argc, char **argv);

G_END_DECLS

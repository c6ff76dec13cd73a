/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli: what the verbs of the command line share. A verb is a row in the table of main.c and a
 * file of its own; it gets its words, and hands back an exit status.
 */
#pragma once

#include <simplebus-client.h>

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * SbCliStatus:
 * @SB_CLI_OK: it was done
 * @SB_CLI_FAILED: it was not
 * @SB_CLI_USAGE: the words on the command line make no sense
 * @SB_CLI_NOT_FOUND: there is no such user, message, file
 * @SB_CLI_UNAVAILABLE: the bus cannot be reached; later it may work
 * @SB_CLI_TRY_AGAIN: the bus asks to come again later, or not all was confirmed in time
 * @SB_CLI_NO_PERMISSION: wrong user or password, or this user may not do it
 * @SB_CLI_CONFIG: the configuration of the client is wrong
 *
 * Exit statuses; those above 2 are of sysexits.h.
 */
typedef enum
{
  SB_CLI_OK = 0,
  SB_CLI_FAILED = 1,
  SB_CLI_USAGE = 2,
  SB_CLI_NOT_FOUND = 66,
  SB_CLI_UNAVAILABLE = 69,
  SB_CLI_TRY_AGAIN = 75,
  SB_CLI_NO_PERMISSION = 77,
  SB_CLI_CONFIG = 78,
} SbCliStatus;

/* Errors whose code is the exit status; their messages are for people already. */
#define SB_CLI_ERROR (sb_cli_error_quark ())

GQuark sb_cli_error_quark (void);

typedef struct _SbCliVerb SbCliVerb;

/**
 * SbCli:
 * @json: print JSON for programs instead of text for people
 * @quiet: print nothing but results and errors
 * @colour: standard output takes colours
 * @progress: standard error is a terminal that takes progress bars
 *
 * What holds for all verbs.
 */
typedef struct
{
  gboolean json;
  gboolean quiet;
  gboolean colour;
  gboolean progress;
  /*< private >*/
  char *config_file;     /* (owned) (nullable) */
  char *url;             /* (owned) (nullable) */
  char *user;            /* (owned) (nullable) */
  char *bus;             /* (owned) (nullable): a profile of the configuration */
  char *password;        /* (owned) (nullable): the one that was typed; wiped */
  SbClient *client;      /* (owned) (nullable) */
  const SbCliVerb *verb; /* (nullable): the one that runs */
} SbCli;

/**
 * SbCliVerb:
 * @name: as it is typed; one of a family has two words, "users add"
 * @arguments: what comes behind its options, for the usage line; translatable
 * @summary: a line for the list of verbs; translatable
 * @details: more about it with examples, for its --help; translatable. Lines of at most 78 columns,
 *   an empty one between paragraphs; examples are indented by two spaces
 * @options: (nullable): of this verb alone
 * @run: does it; argv[0] is the verb, options are taken out already
 *
 * Something that `simplebus` can do.
 */
struct _SbCliVerb
{
  const char *name;
  const char *arguments;
  const char *summary;
  const char *details;
  const GOptionEntry *options;
  SbCliStatus (*run) (SbCli *cli, int argc, char **argv);
};

/* sb-cli.c: the client of the configured user (made once), errors, and waiting for answers. */
SbClient *sb_cli_get_client (SbCli *self, GError **error);
/* The same with more properties, "download-dir" for instance; to be called before the
 * other one. Ends with NULL, as g_object_new(). */
SbClient *sb_cli_make_client (SbCli *self, GError **error, const char *first_property, ...);
SbCliStatus sb_cli_fail (SbCli *self, const GError *error);
SbCliStatus sb_cli_usage (SbCli *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
SbCliStatus sb_cli_status_of (const GError *error);
/* Calls the API and waits. Returns: (transfer full) (nullable): what it answered, JSON or nothing
 * */
JsonNode *sb_cli_call (SbCli *self, const char *method, const char *path, const char *body,
                       GError **error);
/* The same with what must be an object. Returns: (transfer full) (nullable) */
JsonNode *sb_cli_call_object (SbCli *self, const char *method, const char *path, const char *body,
                              GError **error);
/* Any JSON that came over the network; json-glib alone would recurse without a bound. */
JsonNode *sb_cli_parse_json (GBytes *json, GError **error);
/* A path of the API from a printf format, in which each %s is percent-encoded. */
char *sb_cli_path (const char *format, ...) G_GNUC_PRINTF (1, 2);

/* sb-cli-table.c: rows whose columns are as wide as their text on the terminal. */
typedef struct _SbCliTable SbCliTable;

SbCliTable *sb_cli_table_new (SbCli *cli, const char *first_heading, ...) G_GNUC_NULL_TERMINATED;
/* Columns count from 0. */
void sb_cli_table_align_right (SbCliTable *self, guint column);
void sb_cli_table_add (SbCliTable *self, const char *first_cell, ...) G_GNUC_NULL_TERMINATED;
void sb_cli_table_print (SbCliTable *self);
void sb_cli_table_free (SbCliTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliTable, sb_cli_table_free)

/* sb-cli-output.c: JSON, sizes, times, and names from elsewhere. */
void sb_cli_print_json (JsonNode *node);
/* What came from elsewhere, fit for a terminal: control characters and bidirectional overrides
 * shown, not obeyed. */
char *sb_cli_printable (const char *text);
char *sb_cli_format_age (gint64 seconds);
/* 1.5 MiB. */
char *sb_cli_format_size (gint64 bytes);
/* How many columns of a terminal the text takes. */
guint sb_cli_text_width (const char *text);

/* sb-cli-prompt.c: what is asked on the terminal, wherever input and output go. */
gboolean sb_cli_can_ask (void);
char *sb_cli_ask (const char *question, GError **error);
/* Returns: (transfer full) (nullable): what was typed, unseen; wipe it */
char *sb_cli_ask_password (const char *question, GError **error);
/* Returns: whether the answer was yes; without a terminal %FALSE and an error that names --yes */
gboolean sb_cli_ask_yes (const char *question, GError **error);

G_END_DECLS

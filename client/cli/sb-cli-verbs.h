/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-verbs: the table of all verbs. The list, each --help, completion and the man page are made
 * from it.
 */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/* Each is in the file of its name. */
extern const SbCliVerb sb_cli_verb_agent;
extern const SbCliVerb sb_cli_verb_backup;
extern const SbCliVerb sb_cli_verb_bench;
extern const SbCliVerb sb_cli_verb_dead_drop;
extern const SbCliVerb sb_cli_verb_dead_list;
extern const SbCliVerb sb_cli_verb_dead_requeue;
extern const SbCliVerb sb_cli_verb_doctor;
extern const SbCliVerb sb_cli_verb_files;
extern const SbCliVerb sb_cli_verb_files_drop;
extern const SbCliVerb sb_cli_verb_help;
extern const SbCliVerb sb_cli_verb_listen;
extern const SbCliVerb sb_cli_verb_login;
extern const SbCliVerb sb_cli_verb_qr;
extern const SbCliVerb sb_cli_verb_queues;
extern const SbCliVerb sb_cli_verb_queues_pause;
extern const SbCliVerb sb_cli_verb_queues_resume;
extern const SbCliVerb sb_cli_verb_receive;
extern const SbCliVerb sb_cli_verb_restore;
extern const SbCliVerb sb_cli_verb_send;
extern const SbCliVerb sb_cli_verb_send_file;
extern const SbCliVerb sb_cli_verb_status;
extern const SbCliVerb sb_cli_verb_top;
extern const SbCliVerb sb_cli_verb_users_add;
extern const SbCliVerb sb_cli_verb_users_list;
extern const SbCliVerb sb_cli_verb_users_passwd;
extern const SbCliVerb sb_cli_verb_users_remove;
extern const SbCliVerb sb_cli_verb_users_set;
extern const SbCliVerb sb_cli_verb_users_show;
extern const SbCliVerb sb_cli_verb_users_tag;
extern const SbCliVerb sb_cli_verb_users_untag;

/**
 * SbCliGroup:
 * @title: (nullable): what they have in common; translatable; %NULL ends the table
 * @verbs: (array zero-terminated=1): the verbs
 *
 * Verbs that are listed together.
 */
typedef struct
{
  const char *title;
  const SbCliVerb *const *verbs;
} SbCliGroup;

extern const SbCliGroup sb_cli_groups[];

/* Returns: (nullable): the verb of one or two words, and how many they are */
const SbCliVerb *sb_cli_find_verb (const char *first, const char *second, guint *n_words);
/* Whether there are verbs of two words that begin with this one. */
gboolean sb_cli_is_family (const char *first);
/* Returns: (transfer full) (nullable): the words that were meant, perhaps */
char *sb_cli_suggest_verb (const char *first, const char *second);

/* sb-cli-options.c */

/**
 * SbCliOptions:
 *
 * What the options say that all verbs have.
 */
typedef struct
{
  gboolean json;
  gboolean quiet;
  gboolean no_colour;
  gboolean help;
  gboolean version;
  char *config_file; /* (owned) (nullable) */
  char *url;         /* (owned) (nullable) */
  char *user;        /* (owned) (nullable) */
  char *bus;         /* (owned) (nullable) */
} SbCliOptions;

extern SbCliOptions sb_cli_options;
extern const GOptionEntry sb_cli_global_options[];

/* Returns: (nullable): the option that a word begins, "--user=x", "-q" */
const GOptionEntry *sb_cli_find_option (const GOptionEntry *options, const char *word);
/* Whether its value is a word of its own when there is no "=". */
gboolean sb_cli_option_takes_value (const GOptionEntry *option);
/* Returns: the index of the next word that is no option; @argc when there is none */
int sb_cli_next_word (int argc, char **argv, int from);
/* Takes the options out. */
gboolean sb_cli_parse_options (const SbCliVerb *verb, int *argc, char ***argv, GError **error);

/* sb-cli-help.c */
void sb_cli_print_list (void);
void sb_cli_print_family (const char *first);
void sb_cli_print_help (const SbCliVerb *verb);
/* "-q, --quiet", "--user=NAME". */
char *sb_cli_describe_option (const GOptionEntry *option);
/* Lists of other programs: sb-cli-complete.c, sb-cli-man.c. */
SbCliStatus sb_cli_complete (SbCli *cli, int argc, char **argv);
SbCliStatus sb_cli_print_man (void);

G_END_DECLS

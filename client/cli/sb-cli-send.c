/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-send: `simplebus send`. It goes over HTTP, so that a session of the same user, of the
 * agent for instance, is left alone.
 */

#include "sb-cli-draft.h"
#include "sb-cli-publish.h"
#include "sb-cli-send-lines.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_WAIT 60
#define DEFAULT_RETRY 30

/* The longest that the bus is asked to wait with its answer. */
#define MAX_DIRECT_WAIT 60

static char **option_to;
static char **option_uid;
static char **option_member;
static char *option_id;
static char *option_ttl;
static char *option_not_before;
static char *option_retry;
static gint64 option_wait;
static int option_parallel;
static gboolean option_direct;
static gboolean option_text;
static gboolean option_json_value;
static gboolean option_lines;

static gboolean
parse_wait (const char *name, const char *value, gpointer data, GError **error)
{
  option_wait = DEFAULT_WAIT;
  return value == NULL || *value == '\0' || sb_cli_parse_duration (value, &option_wait, error);
}

static const GOptionEntry options[] = {
  { "to", 0, 0, G_OPTION_ARG_STRING_ARRAY, &option_to,
    N_ ("Address it to this one, taken as it is; may be repeated, in place of TO"),
    N_ ("ADDRESS") },
  { "text", 0, 0, G_OPTION_ARG_NONE, &option_text,
    N_ ("MESSAGE is a text, also when it looks like JSON"), NULL },
  { "json-value", 0, 0, G_OPTION_ARG_NONE, &option_json_value,
    N_ ("MESSAGE is JSON; anything else is an error"), NULL },
  { "lines", 0, 0, G_OPTION_ARG_NONE, &option_lines,
    N_ ("Each line of standard input is a message; needs “-”"), NULL },
  { "parallel", 0, 0, G_OPTION_ARG_INT, &option_parallel,
    N_ ("With --lines: so many at a time (1: in order)"), N_ ("N") },
  { "direct", 0, 0, G_OPTION_ARG_NONE, &option_direct,
    N_ ("Only to those who are connected now; nothing is stored"), NULL },
  { "ttl", 0, 0, G_OPTION_ARG_STRING, &option_ttl,
    N_ ("It expires when it was not confirmed for so long: 90, 30s, 5m, 2h, 1d"), N_ ("TIME") },
  { "not-before", 0, 0, G_OPTION_ARG_STRING, &option_not_before,
    N_ ("Deliver it later: in 2h, at 2026-05-01T08:00:00, or at a Unix time"), N_ ("TIME") },
  { "uid", 0, 0, G_OPTION_ARG_STRING_ARRAY, &option_uid,
    N_ ("For this configuration of the device; may be repeated"), N_ ("UID") },
  { "id", 0, 0, G_OPTION_ARG_STRING, &option_id,
    N_ ("Its _id: sent again with the same one, it is delivered once"), N_ ("ID") },
  { "member", 0, 0, G_OPTION_ARG_STRING_ARRAY, &option_member,
    N_ ("One more member of the message; may be repeated"), N_ ("NAME=JSON") },
  { "wait", 0, G_OPTION_FLAG_OPTIONAL_ARG, G_OPTION_ARG_CALLBACK, (gpointer) parse_wait,
    N_ ("Wait until all recipients have confirmed, so long at most (60 s)"), N_ ("TIME") },
  { "retry", 0, 0, G_OPTION_ARG_STRING, &option_retry,
    N_ ("Try so long when the bus cannot be reached or is busy (30 s; with --direct: 0)"),
    N_ ("TIME") },
  G_OPTION_ENTRY_NULL,
};

/* --- From words to a message --- */

/* Where --to is, all words are for the message. Returns: how many words were taken */
static int
collect_addresses (GPtrArray *addresses, int argc, char **argv, GError **error)
{
  if (option_to == NULL)
    return argc > 1 && sb_cli_add_addresses (addresses, argv[1], error) ? 1 : -1;
  for (char **address = option_to; *address != NULL; address++)
    g_ptr_array_add (addresses, g_strdup (*address));
  return 0;
}

static SbCliPayload
get_kind (void)
{
  if (option_text)
    return SB_CLI_PAYLOAD_TEXT;
  return option_json_value ? SB_CLI_PAYLOAD_JSON : SB_CLI_PAYLOAD_GUESS;
}

/* An empty input is rather that of a program that failed than a message. */
static char *
read_payload (GError **error)
{
  g_autoptr (GBytes) input = sb_cli_read_input (STDIN_FILENO, SB_CLI_MAX_MESSAGE, error);
  const char *text;
  gsize length;

  if (input == NULL)
    return NULL;
  text = g_bytes_get_data (input, &length);
  if (length == 0 && !option_text)
    {
      g_set_error_literal (error, SB_CLI_ERROR, SB_CLI_USAGE,
                           _ ("Standard input is empty; --text sends an empty text"));
      return NULL;
    }
  if (length > 0 && text[length - 1] == '\n')
    length--;
  if (length > 0 && text[length - 1] == '\r')
    length--;
  return sb_cli_make_payload (text != NULL ? text : "", length, get_kind (), error);
}

static gboolean
set_times (SbClientDraft *draft, GError **error)
{
  gint64 value;

  if (option_ttl != NULL)
    {
      if (!sb_cli_parse_duration (option_ttl, &value, error))
        return FALSE;
      sb_client_draft_set_ttl (draft, value);
    }
  if (option_not_before != NULL)
    {
      if (!sb_cli_parse_moment (option_not_before, &value, error))
        return FALSE;
      sb_client_draft_set_not_before (draft, value);
    }
  return TRUE;
}

static SbClientDraft *
make_draft (gconstpointer addresses, const char *payload, GError **error)
{
  g_autoptr (SbClientDraft) draft = sb_client_draft_new (addresses, payload, error);

  if (draft == NULL || !set_times (draft, error)
      || !sb_cli_set_members (draft, option_member, error)
      || (option_id != NULL && !sb_client_draft_set_id (draft, option_id, error)))
    return NULL;
  sb_client_draft_set_uids (draft, (const char *const *) option_uid);
  sb_client_draft_set_direct (draft, option_direct);
  return g_steal_pointer (&draft);
}

/* For each line of the input. */
static SbClientDraft *
make_line_draft (const char *text, gsize length, gpointer addresses, GError **error)
{
  g_autofree char *payload = sb_cli_make_payload (text, length, get_kind (), error);

  return payload != NULL ? make_draft (addresses, payload, error) : NULL;
}

/* --- After it was sent --- */

static SbCliStatus
wait_for_confirmations (SbCli *cli, const char *id, guint status)
{
  if (option_wait == 0)
    return SB_CLI_OK;
  if (!option_direct)
    return sb_cli_watch_confirmations (cli, id, option_wait);
  if (status != 202)
    return SB_CLI_OK;
  g_printerr (_ ("Not all have confirmed in time\n"));
  return SB_CLI_TRY_AGAIN;
}

/* The commonest slip of the pen. */
static void
hint_at_users (SbCli *cli, const char *const *addresses, const GError *error)
{
  if (!g_error_matches (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND) || cli->quiet)
    return;
  for (; *addresses != NULL; addresses++)
    if (strchr ("@#$", **addresses) == NULL)
      {
        g_autofree char *name = sb_cli_printable (*addresses);

        g_printerr (_ ("“%s” is a tag. A user is @%s\n"), name, name);
      }
}

static SbCliStatus
send_one (SbCli *cli, gconstpointer addresses, SbClientDraft *draft, gint64 retry)
{
  guint wait = option_direct ? (guint) MIN (option_wait, MAX_DIRECT_WAIT) : 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) answer = NULL;
  g_autofree char *id = NULL;
  guint status;

  answer = sb_cli_publish (cli, draft, wait, retry, &status, &error);
  if (answer != NULL)
    id = sb_cli_print_answer (cli, answer, &error);
  if (id != NULL)
    return wait_for_confirmations (cli, id, status);
  hint_at_users (cli, addresses, error);
  return sb_cli_fail (cli, error);
}

static const char *
find_contradiction (void)
{
  if (option_text && option_json_value)
    return _ ("--text and --json-value exclude each other");
  if (option_direct && (option_ttl != NULL || option_not_before != NULL))
    return _ ("A direct message is delivered now or never: no --ttl, no --not-before");
  if (option_lines && (option_id != NULL || option_wait > 0))
    return _ ("--lines sends many messages: no --id, no --wait");
  if (option_parallel != 0 && !option_lines)
    return _ ("--parallel is for --lines");
  if (option_parallel < 0 || option_parallel > SB_CLI_MAX_PARALLEL)
    return _ ("--parallel is a number from 1 to 64");
  return NULL;
}

/* A direct message that was perhaps delivered is not to be delivered twice. */
static gboolean
get_retry (gint64 *retry, GError **error)
{
  *retry = option_direct ? 0 : DEFAULT_RETRY;
  return option_retry == NULL || sb_cli_parse_duration (option_retry, retry, error);
}

static SbCliStatus
run (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GPtrArray) addresses = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (SbClientDraft) draft = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *payload = NULL;
  const char *contradiction = find_contradiction ();
  gint64 retry;
  int words;

  if (contradiction != NULL)
    return sb_cli_usage (cli, "%s", contradiction);
  words = collect_addresses (addresses, argc, argv, &error);
  if (error == NULL && argc != words + 2)
    return sb_cli_usage (cli,
                         _ ("It takes addresses and one message; quote a message with blanks"));
  if (error != NULL || !get_retry (&retry, &error))
    return sb_cli_fail (cli, error);
  g_ptr_array_add (addresses, NULL);
  if (option_lines && strcmp (argv[argc - 1], "-") != 0)
    return sb_cli_usage (cli, _ ("--lines reads standard input: the message is “-”"));
  if (option_lines)
    return sb_cli_send_lines (cli, MAX (option_parallel, 1), retry, make_line_draft,
                              addresses->pdata);
  payload = strcmp (argv[argc - 1], "-") == 0
                ? read_payload (&error)
                : sb_cli_make_payload (argv[argc - 1], strlen (argv[argc - 1]), get_kind (),
                                       &error);
  if (payload != NULL)
    draft = make_draft (addresses->pdata, payload, &error);
  return draft != NULL ? send_one (cli, addresses->pdata, draft, retry) : sb_cli_fail (cli, error);
}

const SbCliVerb sb_cli_verb_send = {
  .name = "send",
  .arguments = N_ ("TO MESSAGE|-"),
  .summary = N_ ("Send a message"),
  .details = N_ (
      "TO is @user, #tag or $all, or several of them with commas or blanks between\n"
      "them. A bare word is a tag. Quote what the shell takes for something of its own:\n"
      "'#tag', '$all'. An address with a blank in it is given by --to.\n"
      "\n"
      "MESSAGE is sent as JSON when it is JSON, else as a text; “-” reads it from\n"
      "standard input. The message's _id is printed once the bus has it on its disk.\n"
      "When the bus cannot be reached, the same message is tried again for a while; it\n"
      "is never delivered twice for that.\n"
      "\n"
      "With --wait those who confirm are named as they do; the exit status is 75 when\n"
      "not all have in time, and 1 when one never will.\n"
      "\n"
      "  simplebus send @anna 'Lunch at one?'\n"
      "  simplebus send @erp,orders '{\"order\":4711}' --ttl 2h\n"
      "  simplebus send @erp - --wait=5m < order.json\n"
      "  tail -F events.jsonl | simplebus send '#monitor' - --lines"),
  .options = options,
  .run = run,
};

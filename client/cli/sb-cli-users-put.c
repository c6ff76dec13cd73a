/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-users-put: makes and changes users. What is not said stays as it is. */

#include "sb-cli-draft.h"
#include "sb-cli-json.h"
#include "sb-cli-pages.h"
#include "sb-cli-password.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>

static char **tags;
static gboolean no_tags;
static gboolean admin;
static gboolean no_admin;
static char *ttl;
static char *properties;
static gboolean no_properties;
static SbCliPasswordSource source;

static const char password_file_text[] = N_ (
    "Take the password from the first line of this file; - is the standard input");
static const char generate_text[] = N_ ("Make a password up, and print it once");
static const char tag_text[] = N_ ("A tag; may be repeated");
static const char admin_text[] = N_ ("May manage the bus");
static const char ttl_text[] = N_ (
    "What it sends expires after this time: 90, 15m, 12h, 7d; never; default");
static const char properties_text[] = N_ (
    "Its connection properties: a JSON object in this file; - is the standard input");

static const GOptionEntry add_options[] = {
  { "tag", 't', 0, G_OPTION_ARG_STRING_ARRAY, &tags, tag_text, N_ ("TAG") },
  { "admin", 0, 0, G_OPTION_ARG_NONE, &admin, admin_text, NULL },
  { "ttl", 0, 0, G_OPTION_ARG_STRING, &ttl, ttl_text, N_ ("TIME") },
  { "properties", 0, 0, G_OPTION_ARG_FILENAME, &properties, properties_text, N_ ("FILE") },
  { "password-file", 0, 0, G_OPTION_ARG_FILENAME, &source.file, password_file_text, N_ ("FILE") },
  { "generate", 0, 0, G_OPTION_ARG_NONE, &source.generate, generate_text, NULL },
  G_OPTION_ENTRY_NULL,
};

static const GOptionEntry set_options[] = {
  { "tag", 't', 0, G_OPTION_ARG_STRING_ARRAY, &tags, tag_text, N_ ("TAG") },
  { "admin", 0, 0, G_OPTION_ARG_NONE, &admin, admin_text, NULL },
  { "ttl", 0, 0, G_OPTION_ARG_STRING, &ttl, ttl_text, N_ ("TIME") },
  { "properties", 0, 0, G_OPTION_ARG_FILENAME, &properties, properties_text, N_ ("FILE") },
  { "no-tags", 0, 0, G_OPTION_ARG_NONE, &no_tags, N_ ("No tags any more"), NULL },
  { "no-admin", 0, 0, G_OPTION_ARG_NONE, &no_admin, N_ ("May not manage the bus any more"), NULL },
  { "no-properties", 0, 0, G_OPTION_ARG_NONE, &no_properties, N_ ("The bus calls it no more"),
    NULL },
  G_OPTION_ENTRY_NULL,
};

static const GOptionEntry passwd_options[] = {
  { "password-file", 0, 0, G_OPTION_ARG_FILENAME, &source.file, password_file_text, N_ ("FILE") },
  { "generate", 0, 0, G_OPTION_ARG_NONE, &source.generate, generate_text, NULL },
  G_OPTION_ENTRY_NULL,
};

/* --- What is said of a user --- */

static void
add_tags (JsonBuilder *user)
{
  if (tags == NULL && !no_tags)
    return;
  json_builder_set_member_name (user, "tags");
  json_builder_begin_array (user);
  for (char **tag = tags; tag != NULL && *tag != NULL; tag++)
    json_builder_add_string_value (user, *tag);
  json_builder_end_array (user);
}

static gboolean
add_ttl (JsonBuilder *user, GError **error)
{
  gint64 seconds = 0;

  if (ttl == NULL)
    return TRUE;
  json_builder_set_member_name (user, "ttl");
  if (strcmp (ttl, "default") == 0)
    {
      json_builder_add_null_value (user);
      return TRUE;
    }
  if (strcmp (ttl, "never") != 0 && !sb_cli_parse_duration (ttl, &seconds, error))
    return FALSE;
  json_builder_add_int_value (user, seconds);
  return TRUE;
}

static gboolean
add_properties (JsonBuilder *user, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (JsonNode) node = NULL;
  gsize length;

  if (properties == NULL && !no_properties)
    return TRUE;
  json_builder_set_member_name (user, "connection_properties");
  if (no_properties)
    {
      json_builder_add_null_value (user);
      return TRUE;
    }
  if (strcmp (properties, "-") == 0)
    bytes = sb_cli_read_input (STDIN_FILENO, 1024 * 1024, error);
  else if (g_file_get_contents (properties, &text, &length, error))
    bytes = g_bytes_new (text, length);
  node = bytes != NULL ? sb_cli_parse_json (bytes, error) : NULL;
  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    {
      json_builder_add_value (user, g_steal_pointer (&node));
      return TRUE;
    }
  if (node != NULL)
    g_set_error (error, SB_CLI_ERROR, SB_CLI_USAGE, _ ("%s has no JSON object in it"), properties);
  return FALSE;
}

static gboolean
check_options (GError **error)
{
  const char *clash = admin && no_admin                     ? "--admin, --no-admin"
                      : tags != NULL && no_tags             ? "--tag, --no-tags"
                      : properties != NULL && no_properties ? "--properties, --no-properties"
                      : g_strcmp0 (properties, "-") == 0 && g_strcmp0 (source.file, "-") == 0
                          ? "--properties -, --password-file -"
                          : NULL;

  if (clash == NULL)
    return TRUE;
  g_set_error (error, SB_CLI_ERROR, SB_CLI_USAGE, _ ("These contradict each other: %s"), clash);
  return FALSE;
}

/* Returns: (transfer full) (nullable): all that the options say */
static JsonBuilder *
describe_user (const char *id, GError **error)
{
  g_autoptr (JsonBuilder) user = json_builder_new ();

  if (!check_options (error))
    return NULL;
  json_builder_begin_object (user);
  json_builder_set_member_name (user, "_id");
  json_builder_add_string_value (user, id);
  add_tags (user);
  if (admin || no_admin)
    {
      json_builder_set_member_name (user, "admin");
      json_builder_add_boolean_value (user, admin);
    }
  if (!add_ttl (user, error) || !add_properties (user, error))
    return NULL;
  return g_steal_pointer (&user);
}

static void
add_password (JsonBuilder *user, const char *password)
{
  json_builder_set_member_name (user, "password");
  json_builder_add_string_value (user, password);
}

/* --- Telling the bus --- */

static gboolean
put_user (SbCli *cli, JsonBuilder *user, GError **error)
{
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *object = NULL;
  g_autoptr (SbCliSecret) body = NULL;
  g_autoptr (JsonNode) answer = NULL;

  json_builder_end_object (user);
  node = json_builder_get_root (user);
  object = json_to_string (node, FALSE);
  body = g_strdup_printf ("[%s]", object);
  explicit_bzero (object, strlen (object));
  answer = sb_cli_call (cli, "POST", "/put_users", body, error);
  return answer != NULL;
}

/* Returns: (transfer full) (nullable): the user; %NULL without an error when there is none */
static JsonNode *
find_user (SbCli *cli, const char *id, GError **error)
{
  g_autofree char *path = sb_cli_path ("/api/v1/users/%s", id);
  g_autoptr (GError) fault = NULL;
  JsonNode *user = sb_cli_call_object (cli, "GET", path, NULL, &fault);

  if (fault != NULL && !g_error_matches (fault, SB_CLIENT_ERROR, SB_CLIENT_ERROR_NOT_FOUND))
    g_propagate_error (error, g_steal_pointer (&fault));
  return user;
}

/* Returns: (transfer full) (nullable): the user, that must be there */
static JsonNode *
get_user (SbCli *cli, const char *id, GError **error)
{
  g_autofree char *path = sb_cli_path ("/api/v1/users/%s", id);

  return sb_cli_call_object (cli, "GET", path, NULL, error);
}

/* What was done, and a password that was made up, which is the result. */
static void
report (SbCli *cli, const char *id, const char *done, const char *password)
{
  g_autofree char *shown = sb_cli_printable (id);
  g_autoptr (JsonBuilder) json = json_builder_new ();
  g_autoptr (JsonNode) node = NULL;

  if (!cli->json)
    {
      if (!cli->quiet)
        g_printerr ("%s: %s\n", shown, done);
      if (source.generate)
        g_print ("%s\n", password);
      return;
    }
  json_builder_begin_object (json);
  json_builder_set_member_name (json, "_id");
  json_builder_add_string_value (json, id);
  if (source.generate)
    add_password (json, password);
  json_builder_end_object (json);
  node = json_builder_get_root (json);
  sb_cli_print_json (node);
}

/* --- users add --- */

static gboolean
add_user (SbCli *cli, const char *id, GError **error)
{
  g_autoptr (JsonBuilder) user = describe_user (id, error);
  g_autoptr (GError) fault = NULL;
  g_autoptr (JsonNode) old = user != NULL ? find_user (cli, id, &fault) : NULL;
  g_autoptr (SbCliSecret) password = NULL;

  if (fault != NULL)
    g_propagate_error (error, g_steal_pointer (&fault));
  else if (old != NULL)
    g_set_error (error, SB_CLIENT_ERROR, SB_CLIENT_ERROR_CONFLICT,
                 _ ("There is a user %s already; \"users set\" changes it"), id);
  else if (user != NULL)
    password = sb_cli_take_password (&source, id, error);
  if (password == NULL)
    return FALSE;
  add_password (user, password);
  if (!put_user (cli, user, error))
    return FALSE;
  report (cli, id, _ ("made"), password);
  return TRUE;
}

static SbCliStatus
run_add (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (argc != 2)
    return sb_cli_usage (cli, _ ("Name one user"));
  if (!sb_cli_check_words (cli, argc, argv))
    return SB_CLI_USAGE;
  return add_user (cli, argv[1], &error) ? SB_CLI_OK : sb_cli_fail (cli, error);
}

const SbCliVerb sb_cli_verb_users_add = {
  .name = "users add",
  .arguments = N_ ("USER"),
  .summary = N_ ("Make a user"),
  .details = N_ (
      "The password is asked for twice on the terminal, unless it comes from a file or is\n"
      "made up. A user with connection properties is an HTTP server that the bus calls.\n"
      "\n"
      "  simplebus users add tablet-7 --tag orders --tag store-2 --generate\n"
      "  simplebus users add erp --properties erp.json --password-file erp.password"),
  .options = add_options,
  .run = run_add,
};

/* --- users set --- */

static gboolean
set_user (SbCli *cli, const char *id, GError **error)
{
  g_autoptr (JsonBuilder) user = describe_user (id, error);
  g_autoptr (JsonNode) old = user != NULL ? get_user (cli, id, error) : NULL;

  if (old == NULL || !put_user (cli, user, error))
    return FALSE;
  report (cli, id, _ ("changed"), NULL);
  return TRUE;
}

static SbCliStatus
run_set (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  if (argc != 2)
    return sb_cli_usage (cli, _ ("Name one user"));
  if (!sb_cli_check_words (cli, argc, argv))
    return SB_CLI_USAGE;
  if (tags == NULL && !no_tags && !admin && !no_admin && ttl == NULL && properties == NULL
      && !no_properties)
    return sb_cli_usage (cli, _ ("No option says what to change"));
  return set_user (cli, argv[1], &error) ? SB_CLI_OK : sb_cli_fail (cli, error);
}

const SbCliVerb sb_cli_verb_users_set = {
  .name = "users set",
  .arguments = N_ ("USER"),
  .summary = N_ ("Change a user"),
  .details = N_ (
      "What no option names stays as it is. --tag takes the place of all tags that there\n"
      "were; \"users tag\" adds one. \"users passwd\" changes the password.\n"
      "\n"
      "  simplebus users set bob --admin\n"
      "  simplebus users set tablet-7 --tag orders --ttl 2d\n"
      "  simplebus users set erp --no-properties"),
  .options = set_options,
  .run = run_set,
};

/* --- users tag, users untag --- */

static const char *
strip_hash (const char *tag)
{
  return *tag == '#' ? tag + 1 : tag;
}

/* The tags of a user, in their order. */
static GPtrArray *
get_tags (JsonObject *user)
{
  JsonArray *array = sb_cli_json_get_array (user, "tags");
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *tag = json_array_get_element (array, i);

      if (JSON_NODE_HOLDS_VALUE (tag) && json_node_get_value_type (tag) == G_TYPE_STRING)
        g_ptr_array_add (list, json_node_dup_string (tag));
    }
  return list;
}

/* Returns: whether that changes anything */
static gboolean
change_tags (GPtrArray *list, char **words, int n, gboolean is_added)
{
  gboolean is_changed = FALSE;

  for (int i = 0; i < n; i++)
    {
      const char *tag = strip_hash (words[i]);
      guint at;
      gboolean is_there = g_ptr_array_find_with_equal_func (list, tag, g_str_equal, &at);

      if (is_added && !is_there)
        g_ptr_array_add (list, g_strdup (tag));
      else if (!is_added && is_there)
        g_ptr_array_remove_index (list, at);
      is_changed |= is_added != is_there;
    }
  return is_changed;
}

static gboolean
put_tags (SbCli *cli, const char *id, GPtrArray *list, GError **error)
{
  g_autoptr (JsonBuilder) user = json_builder_new ();

  json_builder_begin_object (user);
  json_builder_set_member_name (user, "_id");
  json_builder_add_string_value (user, id);
  json_builder_set_member_name (user, "tags");
  json_builder_begin_array (user);
  for (guint i = 0; i < list->len; i++)
    json_builder_add_string_value (user, g_ptr_array_index (list, i));
  json_builder_end_array (user);
  return put_user (cli, user, error);
}

static SbCliStatus
run_tags (SbCli *cli, int argc, char **argv, gboolean is_added)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) user = NULL;
  g_autoptr (GPtrArray) list = NULL;

  if (argc < 3)
    return sb_cli_usage (cli, _ ("Name a user, and one tag or more"));
  if (!sb_cli_check_words (cli, argc, argv))
    return SB_CLI_USAGE;
  user = get_user (cli, argv[1], &error);
  if (user == NULL)
    return sb_cli_fail (cli, error);
  list = get_tags (json_node_get_object (user));
  if (change_tags (list, argv + 2, argc - 2, is_added) && !put_tags (cli, argv[1], list, &error))
    return sb_cli_fail (cli, error);
  report (cli, argv[1], is_added ? _ ("has these tags") : _ ("does not have these tags"), NULL);
  return SB_CLI_OK;
}

static SbCliStatus
run_tag (SbCli *cli, int argc, char **argv)
{
  return run_tags (cli, argc, argv, TRUE);
}

static SbCliStatus
run_untag (SbCli *cli, int argc, char **argv)
{
  return run_tags (cli, argc, argv, FALSE);
}

const SbCliVerb sb_cli_verb_users_tag = {
  .name = "users tag",
  .arguments = N_ ("USER TAG…"),
  .summary = N_ ("Give a user more tags"),
  .details = N_ ("What is sent to #TAG reaches all users with that tag.\n"
                 "\n"
                 "  simplebus users tag tablet-7 orders store-2"),
  .run = run_tag,
};

const SbCliVerb sb_cli_verb_users_untag = {
  .name = "users untag",
  .arguments = N_ ("USER TAG…"),
  .summary = N_ ("Take tags from a user"),
  .details = N_ ("  simplebus users untag tablet-7 store-2"),
  .run = run_untag,
};

/* --- users passwd --- */

/* Returns: (transfer none) (nullable): who is logged in */
static const char *
get_own_id (SbCli *cli, GError **error)
{
  SbClient *client = sb_cli_get_client (cli, error);

  return client != NULL ? sb_client_get_user (client) : NULL;
}

static gboolean
change_password (SbCli *cli, const char *id, gboolean is_own, GError **error)
{
  g_autoptr (JsonBuilder) user = json_builder_new ();
  g_autoptr (JsonNode) old = NULL;
  g_autoptr (SbCliSecret) password = NULL;

  /* Asked beforehand, because a new user would be made otherwise. */
  old = is_own ? sb_cli_call_object (cli, "GET", "/api/v1/me", NULL, error)
               : get_user (cli, id, error);
  if (old == NULL)
    return FALSE;
  password = sb_cli_take_password (&source, id, error);
  if (password == NULL)
    return FALSE;
  json_builder_begin_object (user);
  json_builder_set_member_name (user, "_id");
  json_builder_add_string_value (user, id);
  add_password (user, password);
  if (!put_user (cli, user, error))
    return FALSE;
  report (cli, id, _ ("has a new password"), password);
  return !is_own || sb_cli_settings_update_password (cli, id, password, error);
}

static SbCliStatus
run_passwd (SbCli *cli, int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  const char *own;

  if (argc > 2)
    return sb_cli_usage (cli, _ ("Name one user; a password is never a word of the command line"));
  if (!sb_cli_check_words (cli, argc, argv))
    return SB_CLI_USAGE;
  own = get_own_id (cli, &error);
  if (own == NULL
      || !change_password (cli, argc == 2 ? argv[1] : own, argc == 1 || strcmp (argv[1], own) == 0,
                           &error))
    return sb_cli_fail (cli, error);
  return SB_CLI_OK;
}

const SbCliVerb sb_cli_verb_users_passwd = {
  .name = "users passwd",
  .arguments = N_ ("[USER]"),
  .summary = N_ ("Change the password of a user, or your own"),
  .details = N_ (
      "Everybody may change the own one; client.ini gets it too, if it has the old one.\n"
      "Admins may change that of others. The user's sessions end.\n"
      "\n"
      "  simplebus users passwd\n"
      "  simplebus users passwd bob --generate"),
  .options = passwd_options,
  .run = run_passwd,
};

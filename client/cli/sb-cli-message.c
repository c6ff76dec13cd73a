/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-message: what a command gets to know. Values are whatever a sender wrote; as values of
 * variables they do no harm in a script that quotes them.
 */

#include "sb-cli-message.h"

#include "sb-json.h"

#include <string.h>

/* A longer payload is on standard input only: the system bounds the environment. */
#define MAX_PAYLOAD 65536

static void
add (GPtrArray *environment, const char *name, const char *value)
{
  if (value == NULL)
    return;
  g_ptr_array_add (environment, g_strdup (name));
  g_ptr_array_add (environment, g_strdup (value));
}

/**
 * sb_cli_message_get_environment:
 * @message: a message
 * @more: (nullable): variables, names and values in turn
 *
 * Returns: (transfer full): those that tell of the message, then @more, which win over them
 */
char **
sb_cli_message_get_environment (SbClientMessage *message, const char *const *more)
{
  GPtrArray *environment = g_ptr_array_new ();
  g_autofree char *payload = sb_client_message_dup_payload (message);

  add (environment, "SIMPLEBUS_ID", sb_client_message_get_id (message));
  add (environment, "SIMPLEBUS_SENDER", sb_client_message_get_sender (message));
  add (environment, "SIMPLEBUS_PAYLOAD",
       payload != NULL && strlen (payload) <= MAX_PAYLOAD ? payload : "");
  add (environment, "SIMPLEBUS_TYPE", sb_client_message_is_file (message) ? "file" : "message");
  if (sb_client_message_is_file (message))
    add (environment, "SIMPLEBUS_FILENAME", sb_client_message_get_display_name (message));
  for (; more != NULL && *more != NULL; more += 2)
    add (environment, more[0], more[1]);
  g_ptr_array_add (environment, NULL);
  return (char **) g_ptr_array_free (environment, FALSE);
}

/**
 * sb_cli_message_with_path:
 * @message: the notice of a file
 * @path: where the file is
 *
 * Returns: (transfer full): the notice, byte for byte, with one more member
 */
GBytes *
sb_cli_message_with_path (SbClientMessage *message, const char *path)
{
  g_autofree char *name = g_filename_display_name (path);
  const char *json = sb_client_message_get_json (message);
  const char *end = strrchr (json, '}');
  GString *line = g_string_new_len (json, end - json);

  g_string_append (line, ",\"path\":");
  sb_json_append_string (line, name);
  g_string_append_c (line, '}');
  return g_string_free_to_bytes (line);
}

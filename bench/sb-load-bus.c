/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-bus: SimpleBus over WebSocket. Every client logs in with a password and is ready when
 * `connected` came; publishers ask for `accepted`; whoever gets a message confirms it, unless it is
 * a direct one.
 */

#include "sb-load-run.h"
#include "sb-load-websocket.h"

#include <string.h>

static const char *const user_prefixes[] = { "sub", "pub", "all", "idle" };

static void
send_text (SbLoadClient *client, const char *text, gsize length)
{
  sb_load_websocket_write (&client->connection.output, SB_LOAD_FRAME_TEXT, text, length);
  sb_load_connection_mark (&client->connection);
}

static void
log_in (SbLoadClient *client)
{
  const SbLoadOptions *options = &client->run->options;
  g_autofree char *frame = g_strdup_printf (
      "{\"type\":\"connect\",\"data\":\"%s%u\",\"password\":\"%s\",\"hello\":true%s%s}",
      user_prefixes[client->role], client->index, options->password,
      client->sent_at != NULL ? ",\"accepted\":true" : "",
      options->no_receipts ? ",\"receipts\":false" : "");

  send_text (client, frame, strlen (frame));
}

static void
opened (SbLoadClient *client)
{
  sb_load_websocket_write_request (&client->connection.output);
  sb_load_connection_mark (&client->connection);
}

static gboolean
starts_with (const SbLoadFrame *frame, const char *start)
{
  gsize length = strlen (start);

  return frame->length > length && memcmp (frame->payload, start, length) == 0;
}

static void
confirm (SbLoadClient *client, const SbLoadFrame *frame)
{
  static const char head[] = "{\"type\":\"confirmation\",\"data\":\"";
  const char *id = memmem (frame->payload, frame->length, "\"_id\":\"", 7);
  const char *end;
  char text[256];
  gsize length;

  if (id == NULL)
    sb_load_fail ("no _id in %.*s", (int) frame->length, (char *) frame->payload);
  id += 7;
  end = memchr (id, '"', (gsize) ((char *) frame->payload + frame->length - id));
  length = (gsize) (end - id);
  g_assert (sizeof head + length + 2 <= sizeof text);
  memcpy (text, head, sizeof head - 1);
  memcpy (text + sizeof head - 1, id, length);
  memcpy (text + sizeof head - 1 + length, "\"}", 2);
  send_text (client, text, sizeof head - 1 + length + 2);
}

static void
take_message (SbLoadClient *client, const SbLoadFrame *frame)
{
  gsize length;
  const char *payload = sb_load_payload_find (frame->payload, frame->length, &length);

  if (payload == NULL)
    sb_load_fail ("the bus said %.*s", (int) frame->length, (char *) frame->payload);
  sb_load_client_delivered (client, payload, length);
  if (!client->run->options.direct)
    confirm (client, frame);
}

/* Copies that a recipient was too slow for are counted; whatever else it says ends the run. */
static gboolean
take_drop_error (SbLoadClient *client, const SbLoadFrame *frame)
{
  static const char why[] = "\"error\":\"dropped";

  if (!client->run->options.direct
      || memmem (frame->payload, frame->length, why, strlen (why)) == NULL)
    return FALSE;
  client->run->drop_errors++;
  return TRUE;
}

static void
take_text (SbLoadClient *client, const SbLoadFrame *frame)
{
  if (starts_with (frame, "{\"type\":\"accepted\""))
    sb_load_client_accepted (client);
  else if (starts_with (frame, "{\"type\":\"connected\""))
    sb_load_client_ready (client);
  else if (!starts_with (frame, "{\"type\":\"confirmation\"")
           && !starts_with (frame, "{\"type\": \"ping\"")
           && !(starts_with (frame, "{\"type\":\"ERROR\"") && take_drop_error (client, frame)))
    take_message (client, frame);
}

static void
take_frame (SbLoadClient *client, const SbLoadFrame *frame)
{
  if (frame->kind == SB_LOAD_FRAME_TEXT)
    take_text (client, frame);
  else if (frame->kind == SB_LOAD_FRAME_CLOSE)
    sb_load_fail ("the bus closed %s%u: %.*s", user_prefixes[client->role], client->index,
                  frame->length > 2 ? (int) frame->length - 2 : 0, (char *) frame->payload + 2);
  else if (frame->kind == SB_LOAD_FRAME_PING)
    {
      sb_load_websocket_write (&client->connection.output, SB_LOAD_FRAME_PONG, frame->payload,
                               frame->length);
      sb_load_connection_mark (&client->connection);
    }
}

static gsize
input (SbLoadClient *client, guint8 *bytes, gsize length)
{
  SbLoadFrame frame;
  gsize used = 0, step;

  if (!client->is_upgraded)
    {
      used = sb_load_websocket_read_response (bytes, length, &client->is_upgraded);
      if (used == 0)
        return 0;
      if (!client->is_upgraded)
        sb_load_fail ("no upgrade: %.*s", (int) used, (char *) bytes);
      log_in (client);
    }
  while ((step = sb_load_websocket_read (bytes + used, length - used, &frame)) > 0)
    {
      take_frame (client, &frame);
      used += step;
    }
  return used;
}

static const char *
get_address (SbLoadClient *client)
{
  if (client->role == SB_LOAD_BROADCASTER)
    return "$all";
  return client->run->options.recipients > 1 ? "#bench" : "@sub0";
}

/* Everything before the payload. */
static void
append_head (SbLoadClient *client, SbLoadBuffer *text)
{
  const SbLoadOptions *options = &client->run->options;
  char head[160];
  int n = g_snprintf (head, sizeof head, "{\"to\":[\"%s\"],", get_address (client));

  if (options->direct)
    n += g_snprintf (head + n, sizeof head - n, "\"direct\":true,");
  if (options->ttl > 0)
    n += g_snprintf (head + n, sizeof head - n, "\"ttl\":%d,", options->ttl);
  if (options->not_before > 0)
    n += g_snprintf (head + n, sizeof head - n, "\"not_before\":%" G_GINT64_FORMAT ",",
                     g_get_real_time () / G_USEC_PER_SEC + options->not_before);
  n += g_snprintf (head + n, sizeof head - n, "\"message\":");
  sb_load_buffer_append (text, head, (gsize) n);
}

static void
publish (SbLoadClient *client, const char *payload, gsize length)
{
  SbLoadBuffer text = { NULL };

  append_head (client, &text);
  sb_load_buffer_append (&text, payload, length);
  sb_load_buffer_append (&text, "}", 1);
  send_text (client, (char *) text.data, text.end);
  sb_load_buffer_clear (&text);
}

const SbLoadProtocol sb_load_bus = { "websocket", opened, input, publish };

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-redis: Redis Streams doing the same work, for a yardstick on the same machine: XADD;
 * XREADGROUP, XACK, and XDEL where there is one recipient, so that what was confirmed leaves the
 * store. Stream `bus` and groups g0, g1, … are there already.
 */

#include "sb-load-run.h"

#include <stdlib.h>
#include <string.h>

#define READ_COUNT "100"

/* One argument of a command or one element of an answer. */
typedef struct
{
  const char *text;
  gsize length;
} Bulk;

static void
send_bulk (SbLoadClient *client, const char *text, gsize length)
{
  char head[32];

  g_snprintf (head, sizeof head, "$%" G_GSIZE_FORMAT "\r\n", length);
  sb_load_connection_send (&client->connection, head, strlen (head));
  sb_load_connection_send (&client->connection, text, length);
  sb_load_connection_send (&client->connection, "\r\n", 2);
}

static void
send_head (SbLoadClient *client, guint n_arguments)
{
  char head[32];

  g_snprintf (head, sizeof head, "*%u\r\n", n_arguments);
  sb_load_connection_send (&client->connection, head, strlen (head));
}

/* A command of fixed words; more arguments may follow when @n_more says so. */
static void
send_words (SbLoadClient *client, const char *const *words, guint n_more)
{
  send_head (client, g_strv_length ((char **) words) + n_more);
  for (guint i = 0; words[i] != NULL; i++)
    send_bulk (client, words[i], strlen (words[i]));
}

static void
read_group (SbLoadClient *client)
{
  g_autofree char *group = g_strdup_printf ("g%u", client->index);
  const char *const words[] = { "XREADGROUP", "GROUP", group,     "c",   "COUNT", READ_COUNT,
                                "BLOCK",      "0",     "STREAMS", "bus", ">",     NULL };

  send_words (client, words, 0);
}

static void
opened (SbLoadClient *client)
{
  sb_load_client_ready (client);
  if (client->role == SB_LOAD_RECIPIENT)
    read_group (client);
}

/* Returns: the bytes of one whole answer, 0 when it is not complete */
static gsize
measure (const char *bytes, gsize length)
{
  const char *end = memchr (bytes, '\n', length);
  gsize used;
  long number;

  if (end == NULL)
    return 0;
  used = (gsize) (end + 1 - bytes);
  number = strtol (bytes + 1, NULL, 10);
  if (bytes[0] == '$' && number >= 0)
    return length >= used + (gsize) number + 2 ? used + (gsize) number + 2 : 0;
  for (long i = 0; bytes[0] == '*' && i < number; i++)
    {
      gsize element = used < length ? measure (bytes + used, length - used) : 0;

      if (element == 0)
        return 0;
      used += element;
    }
  return used;
}

static const char *
read_bulk (const char *place, Bulk *bulk)
{
  char *end;

  bulk->length = strtoul (place + 1, &end, 10);
  bulk->text = end + 2;
  return bulk->text + bulk->length + 2;
}

static const char *
read_array (const char *place, long *n)
{
  char *end;

  *n = strtol (place + 1, &end, 10);
  return end + 2;
}

static void
send_ids (SbLoadClient *client, const char *const *words, const GArray *ids)
{
  send_words (client, words, ids->len);
  for (guint i = 0; i < ids->len; i++)
    {
      const Bulk *id = &g_array_index (ids, Bulk, i);

      send_bulk (client, id->text, id->length);
    }
}

/* The answer to XREADGROUP: [[stream, [[id, [field, payload]], …]]] */
static void
take_entries (SbLoadClient *client, const char *place)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (Bulk));
  g_autofree char *group = g_strdup_printf ("g%u", client->index);
  const char *const acknowledge[] = { "XACK", "bus", group, NULL };
  const char *const delete[] = { "XDEL", "bus", NULL };
  Bulk bulk;
  long n, ignored;

  place = read_array (read_array (place, &ignored), &ignored);
  place = read_array (read_bulk (place, &bulk), &n);
  for (long i = 0; i < n; i++)
    {
      place = read_bulk (read_array (place, &ignored), &bulk);
      g_array_append_val (ids, bulk);
      place = read_bulk (read_bulk (read_array (place, &ignored), &bulk), &bulk);
      sb_load_client_delivered (client, bulk.text, bulk.length);
    }
  send_ids (client, acknowledge, ids);
  if (client->run->options.recipients == 1)
    send_ids (client, delete, ids);
}

static void
take_answer (SbLoadClient *client, const char *answer, gsize length)
{
  if (answer[0] == '-')
    sb_load_fail ("redis answered %.*s", (int) length, answer);
  if (client->role == SB_LOAD_PUBLISHER)
    sb_load_client_accepted (client);
  else if (answer[0] == '*')
    {
      if (answer[1] != '-')
        take_entries (client, answer);
      read_group (client);
    }
}

static gsize
input (SbLoadClient *client, guint8 *bytes, gsize length)
{
  const char *text = (char *) bytes;
  gsize used = 0, step;

  while (used < length && (step = measure (text + used, length - used)) > 0)
    {
      take_answer (client, text + used, step);
      used += step;
    }
  return used;
}

static void
publish (SbLoadClient *client, const char *payload, gsize length)
{
  static const char *const words[] = { "XADD", "bus", "*", "m", NULL };

  send_words (client, words, 1);
  send_bulk (client, payload, length);
}

const SbLoadProtocol sb_load_redis = { "redis", opened, input, publish };

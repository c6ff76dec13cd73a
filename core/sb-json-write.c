/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-json-write: objects and arrays, member by member. What was written last says whether a comma
 * is due, so there is no state beside the text.
 */

#include "sb-json.h"

#include <math.h>

/* Begins a value. @name: (nullable): in an array */
static void
begin_value (GString *json, const char *name)
{
  char last = json->len > 0 ? json->str[json->len - 1] : '[';

  if (last != '[' && last != '{')
    g_string_append_c (json, ',');
  if (name == NULL)
    return;
  sb_json_append_string (json, name);
  g_string_append_c (json, ':');
}

/**
 * sb_json_begin:
 * @json: a document that is being written
 * @name: (nullable): of the member; %NULL in an array and for the document itself
 * @bracket: `{` or `[`
 *
 * Begins an object or array, with a comma in front where one is due. Any thread, as all of these.
 */
void
sb_json_begin (GString *json, const char *name, char bracket)
{
  begin_value (json, name);
  g_string_append_c (json, bracket);
}

/**
 * sb_json_end:
 * @json: a document that is being written
 * @bracket: `}` or `]`
 *
 * Ends an object or array.
 */
void
sb_json_end (GString *json, char bracket)
{
  g_string_append_c (json, bracket);
}

/**
 * sb_json_add_string:
 * @json: a document that is being written
 * @name: (nullable): of the member; %NULL in an array
 * @value: (nullable): any text; %NULL: `null`
 *
 * Adds a string.
 */
void
sb_json_add_string (GString *json, const char *name, const char *value)
{
  begin_value (json, name);
  if (value != NULL)
    sb_json_append_string (json, value);
  else
    g_string_append (json, "null");
}

/**
 * sb_json_add_strings:
 * @json: a document that is being written
 * @name: (nullable): of the member; %NULL in an array
 * @values: (array zero-terminated=1) (nullable): texts
 *
 * Adds an array of strings, empty when there are none.
 */
void
sb_json_add_strings (GString *json, const char *name, const char *const *values)
{
  sb_json_begin (json, name, '[');
  for (; values != NULL && *values != NULL; values++)
    sb_json_add_string (json, NULL, *values);
  sb_json_end (json, ']');
}

/**
 * sb_json_add_integer:
 * @json: a document that is being written
 * @name: (nullable): of the member; %NULL in an array
 * @value: a number
 *
 * Adds a whole number.
 */
void
sb_json_add_integer (GString *json, const char *name, gint64 value)
{
  begin_value (json, name);
  g_string_append_printf (json, "%" G_GINT64_FORMAT, value);
}

/**
 * sb_json_add_double:
 * @json: a document that is being written
 * @name: (nullable): of the member; %NULL in an array
 * @value: a number; what is none becomes `null`
 *
 * Adds a number with three digits behind the point.
 */
void
sb_json_add_double (GString *json, const char *name, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  begin_value (json, name);
  if (!isfinite (value) || fabs (value) > 1e15)
    g_string_append (json, "null");
  else
    g_string_append (json, g_ascii_formatd (text, sizeof text, "%.3f", value));
}

/**
 * sb_json_add_boolean:
 * @json: a document that is being written
 * @name: (nullable): of the member; %NULL in an array
 * @value: true or false
 *
 * Adds a boolean.
 */
void
sb_json_add_boolean (GString *json, const char *name, gboolean value)
{
  begin_value (json, name);
  g_string_append (json, value ? "true" : "false");
}

/**
 * sb_json_add_time:
 * @json: a document that is being written
 * @name: (nullable): of the member; %NULL in an array
 * @wall: wall clock, microseconds; 0: `null`
 *
 * Adds a time, as sb_json_append_time() writes it.
 */
void
sb_json_add_time (GString *json, const char *name, gint64 wall)
{
  begin_value (json, name);
  if (wall > 0)
    sb_json_append_time (json, wall);
  else
    g_string_append (json, "null");
}

/**
 * sb_json_add_raw:
 * @json: a document that is being written
 * @name: (nullable): of the member; %NULL in an array
 * @value: (nullable): a value in JSON; %NULL: `null`
 *
 * Adds what is JSON already.
 */
void
sb_json_add_raw (GString *json, const char *name, const char *value)
{
  begin_value (json, name);
  g_string_append (json, value != NULL ? value : "null");
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-json: JSON as RFC 8259 has it and not a byte more, without building a tree.
 *
 * What comes from outside is checked here first; only then may a parser that
 * recurses or forgives see it. Values are never re-printed: a slice points at
 * the sender's own bytes.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How deep arrays and objects may nest, the outermost counted. */
#define SB_JSON_MAX_DEPTH 64

/**
 * SbSlice:
 * @data: (nullable): the first byte, not terminated; %NULL when absent
 * @length: in bytes
 *
 * Bytes that belong to somebody else.
 */
typedef struct
{
  const char *data;
  gsize length;
} SbSlice;

/**
 * SbStringIter:
 *
 * Walks the strings of a JSON array. It is placed on the stack, started with
 * [func@string_iter_init], and owns nothing.
 */
typedef struct
{
  /*< private >*/
  const char *at;
  const char *end;
  guint index;
  gboolean is_array;
} SbStringIter;

gboolean sb_json_check (const char *data, gsize length, GError **error);
gboolean sb_json_check_document (const char *data, gsize length, GError **error);
char *sb_json_unescape (SbSlice inner, GError **error);
void sb_json_append_string (GString *json, const char *string);
void sb_json_append_time (GString *json, gint64 wall);

void sb_json_begin (GString *json, const char *name, char bracket);
void sb_json_end (GString *json, char bracket);
void sb_json_add_string (GString *json, const char *name, const char *value);
void sb_json_add_strings (GString *json, const char *name, const char *const *values);
void sb_json_add_integer (GString *json, const char *name, gint64 value);
void sb_json_add_double (GString *json, const char *name, double value);
void sb_json_add_boolean (GString *json, const char *name, gboolean value);
void sb_json_add_time (GString *json, const char *name, gint64 wall);
void sb_json_add_raw (GString *json, const char *name, const char *value);

void sb_string_iter_init (SbStringIter *self, SbSlice value);
gboolean sb_string_iter_next (SbStringIter *self, SbSlice *inner, gboolean *has_escapes,
                              GError **error);

G_END_DECLS

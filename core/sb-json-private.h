/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-json-private: the scanner itself, for the files of the core that walk JSON.
 *
 * Every function takes the place to read from and returns the place behind what
 * it read, or NULL when the scan has failed. Nothing is read at or behind
 * SbJsonScan.end, so the bytes need no terminator.
 */
#pragma once

#include "sb-json.h"

G_BEGIN_DECLS

typedef struct
{
  const char *data;
  const char *end;
  const char *where; /* of the fault */
  const char *what;  /* what is wrong there, in words that never change */
} SbJsonScan;

G_GNUC_INTERNAL const char *sb_json_scan_start (SbJsonScan *scan);
G_GNUC_INTERNAL const char *sb_json_scan_key (SbJsonScan *scan, const char *p, gboolean *escaped);
G_GNUC_INTERNAL const char *sb_json_scan_string (SbJsonScan *scan, const char *p,
                                                 gboolean *escaped);
G_GNUC_INTERNAL const char *sb_json_scan_colon (SbJsonScan *scan, const char *p);
G_GNUC_INTERNAL const char *sb_json_scan_value (SbJsonScan *scan, const char *p, guint depth);
G_GNUC_INTERNAL void sb_json_scan_set_error (const SbJsonScan *scan, GError **error);

G_GNUC_INTERNAL const char *sb_json_skip_plain (const char *p, const char *end);
G_GNUC_INTERNAL const char *sb_json_skip_escape (const char *p, const char *end);
G_GNUC_INTERNAL gboolean sb_json_is_plain (const char *text, gsize length);
G_GNUC_INTERNAL const char *sb_json_decode_escape (const char *p, const char *end, gunichar *out);
G_GNUC_INTERNAL gboolean sb_utf8_has_control (const char *text, gsize length);

static inline void
sb_json_scan_init (SbJsonScan *scan, const char *data, gsize length)
{
  scan->data = data != NULL ? data : "";
  scan->end = scan->data + length;
  scan->where = NULL;
  scan->what = NULL;
}

static inline const char *
sb_json_fail (SbJsonScan *scan, const char *where, const char *what)
{
  scan->where = where;
  scan->what = what;
  return NULL;
}

static inline const char *
sb_json_skip_space (const char *p, const char *end)
{
  while (p < end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    p++;
  return p;
}

G_END_DECLS

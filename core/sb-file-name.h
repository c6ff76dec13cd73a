/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-file-name: names of files that somebody chose, made fit for people, for
 * headers and for URLs. They are never names on the disk.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes of UTF-8 of a name that people see. */
#define SB_FILE_NAME_MAX 255

char *sb_file_name_make_display (const char *name);
char *sb_file_name_make_stored (const char *id, const char *display_name);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-user-import: many users from a list or a table that a person has made, with the row of
 * everything that is wrong with it.
 */
#pragma once

#include "sb-user-change.h"

G_BEGIN_DECLS

/**
 * SbUserFault:
 *
 * What is wrong with a row.
 */
typedef struct
{
  guint row;    /* of a table, the header is 1; of a list, the first user is 1 */
  char *detail; /* (owned) for people */
} SbUserFault;

/**
 * SbUserImport:
 * @changes: (element-type SbUserChange): rows with which nothing is wrong
 * @rows: (element-type guint): where each of them is
 * @faults: (element-type SbUserFault): what is wrong with others, the first of them
 * @n_faults: how many rows are wrong
 */
typedef struct
{
  GPtrArray *changes; /* (owned) */
  GArray *rows;       /* (owned) */
  GPtrArray *faults;  /* (owned) */
  guint n_faults;
} SbUserImport;

SbUserImport *sb_user_import_parse_list (const char *json, gsize length, guint min_password_length,
                                         GError **error);
SbUserImport *sb_user_import_parse_table (const char *csv, gsize length, guint min_password_length,
                                          GError **error);
void sb_user_import_add_fault (SbUserImport *self, guint row, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
void sb_user_import_free (SbUserImport *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbUserImport, sb_user_import_free)

G_END_DECLS

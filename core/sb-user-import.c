/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-user-import: lists as of `/put_users`, and tables as office programs write them (RFC 4180,
 * commas or semicolons, with or without a byte order mark). An empty cell says nothing of its
 * column: what a user has stays.
 */

#include "sb-user-import.h"

#include "sb-error.h"
#include "sb-json.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define MAX_ROWS 10000
#define MAX_FAULTS 1000
#define MAX_URL 4096

static void
fault_free (SbUserFault *self)
{
  g_free (self->detail);
  g_free (self);
}

static SbUserImport *
import_new (void)
{
  SbUserImport *self = g_new0 (SbUserImport, 1);

  self->changes = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_user_change_free);
  self->rows = g_array_new (FALSE, FALSE, sizeof (guint));
  self->faults = g_ptr_array_new_with_free_func ((GDestroyNotify) fault_free);
  return self;
}

/**
 * sb_user_import_free:
 * @self: (transfer full): an import. Any thread.
 */
void
sb_user_import_free (SbUserImport *self)
{
  g_ptr_array_unref (self->changes);
  g_array_unref (self->rows);
  g_ptr_array_unref (self->faults);
  g_free (self);
}

/**
 * sb_user_import_add_fault:
 * @self: an import
 * @row: of the user
 * @format: what is wrong with it, for people
 * @...: for @format
 */
void
sb_user_import_add_fault (SbUserImport *self, guint row, const char *format, ...)
{
  SbUserFault *fault;
  va_list args;

  if (self->n_faults++ >= MAX_FAULTS)
    return;
  fault = g_new (SbUserFault, 1);
  fault->row = row;
  va_start (args, format);
  fault->detail = g_strdup_vprintf (format, args);
  va_end (args);
  g_ptr_array_add (self->faults, fault);
}

/* @change: (transfer full) (nullable): of that row; %NULL: @error says why there is none */
static void
add_change (SbUserImport *self, guint row, SbUserChange *change, const GError *error)
{
  if (change == NULL)
    {
      sb_user_import_add_fault (self, row, "%s", error->message);
      return;
    }
  g_ptr_array_add (self->changes, change);
  g_array_append_val (self->rows, row);
}

static gboolean
check_rows (guint n, GError **error)
{
  if (n > 0 && n <= MAX_ROWS)
    return TRUE;
  if (n == 0)
    g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "there is no user in it");
  else
    g_set_error (error, SB_ERROR, SB_ERROR_TOO_LARGE, "more than %d users at once", MAX_ROWS);
  return FALSE;
}

/**
 * sb_user_import_parse_list:
 * @json: an array of users, as `/put_users` takes it
 * @length: its bytes
 * @min_password_length: characters
 * @error: SB_ERROR_INVALID, SB_ERROR_TOO_LARGE: nothing can be made of it
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): its users
 */
SbUserImport *
sb_user_import_parse_list (const char *json, gsize length, guint min_password_length,
                           GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (SbUserImport) self = import_new ();
  JsonArray *array;

  if (!sb_json_check_document (json, length, error)
      || !json_parser_load_from_data (parser, json, (gssize) length, error))
    return NULL;
  if (!JSON_NODE_HOLDS_ARRAY (json_parser_get_root (parser)))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "it is not a list of users");
      return NULL;
    }
  array = json_node_get_array (json_parser_get_root (parser));
  if (!check_rows (json_array_get_length (array), error))
    return NULL;
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autoptr (GError) fault = NULL;
      SbUserChange *change = sb_user_change_parse (
          json_array_get_element (array, i), min_password_length, SB_USER_CHANGE_NONE, &fault);

      add_change (self, i + 1, change, fault);
    }
  return g_steal_pointer (&self);
}

/* Tables */

typedef enum
{
  COLUMN_ID,
  COLUMN_PASSWORD,
  COLUMN_TAGS,
  COLUMN_ADMIN,
  COLUMN_URL,
  N_COLUMNS,
} Column;

typedef struct
{
  const char *p; /* what is left, ended by a NUL */
  char separator;
  guint row;
  int columns[N_COLUMNS]; /* where each is, -1: nowhere */
  guint n_cells;          /* of the header */
} Table;

/* A cell in quotes; the place is behind its first one. FALSE when it has no end, or more behind. */
static gboolean
read_quoted (Table *table, GString *cell)
{
  for (; *table->p != '\0'; table->p++)
    {
      if (*table->p != '"')
        g_string_append_c (cell, *table->p);
      else if (table->p[1] == '"')
        g_string_append_c (cell, *table->p++);
      else
        {
          table->p++;
          return *table->p == '\0' || strchr ("\r\n", *table->p) != NULL
                 || *table->p == table->separator;
        }
    }
  return FALSE;
}

static void
read_plain (Table *table, GString *cell)
{
  const char end[] = { table->separator, '\r', '\n', '\0' };
  gsize length = strcspn (table->p, end);

  g_string_append_len (cell, table->p, (gssize) length);
  table->p += length;
  g_strstrip (cell->str);
  cell->len = strlen (cell->str);
}

static void
skip_line_end (Table *table)
{
  if (*table->p == '\r')
    table->p++;
  if (*table->p == '\n')
    table->p++;
}

/* Returns: (transfer full) (nullable): the cells of the next row; %NULL when its quotes are wrong,
 * and then the place is at the next line */
static GPtrArray *
read_row (Table *table)
{
  g_autoptr (GPtrArray) cells = g_ptr_array_new_with_free_func (g_free);

  table->row++;
  for (;;)
    {
      g_autoptr (GString) cell = g_string_new (NULL);

      if (*table->p == '"')
        {
          table->p++;
          if (!read_quoted (table, cell))
            {
              table->p += strcspn (table->p, "\r\n");
              skip_line_end (table);
              return NULL;
            }
        }
      else
        read_plain (table, cell);
      g_ptr_array_add (cells, g_string_free (g_steal_pointer (&cell), FALSE));
      if (*table->p != table->separator)
        break;
      table->p++;
    }
  skip_line_end (table);
  return g_steal_pointer (&cells);
}

static int
find_column (const char *name)
{
  static const char *const names[] = {
    [COLUMN_ID] = "id",       [COLUMN_PASSWORD] = "password", [COLUMN_TAGS] = "tags",
    [COLUMN_ADMIN] = "admin", [COLUMN_URL] = "url",
  };

  if (g_ascii_strcasecmp (name, "_id") == 0)
    return COLUMN_ID;
  for (int i = 0; i < N_COLUMNS; i++)
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      return i;
  return -1;
}

static gboolean
read_header (Table *table, GError **error)
{
  g_autoptr (GPtrArray) cells = NULL;

  table->separator = table->p[strcspn (table->p, ",;\r\n")] == ';' ? ';' : ',';
  memset (table->columns, -1, sizeof table->columns);
  cells = read_row (table);
  for (guint i = 0; cells != NULL && i < cells->len; i++)
    {
      const char *name = g_ptr_array_index (cells, i);
      int column = find_column (name);

      if (column < 0 || table->columns[column] >= 0)
        {
          g_set_error (error, SB_ERROR, SB_ERROR_INVALID,
                       "the column \"%s\" is not known, or there twice; there are id, password, "
                       "tags, admin and url",
                       name);
          return FALSE;
        }
      table->columns[column] = (int) i;
    }
  if (cells != NULL && table->columns[COLUMN_ID] >= 0)
    {
      table->n_cells = cells->len;
      return TRUE;
    }
  g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                       "the first row does not name the columns, of which id is needed");
  return FALSE;
}

/* Returns: (transfer none) (nullable): a cell with something in it */
static const char *
get_cell (const Table *table, GPtrArray *cells, Column column)
{
  int index = table->columns[column];
  const char *cell = index >= 0 && (guint) index < cells->len ? g_ptr_array_index (cells, index)
                                                              : NULL;

  return cell != NULL && *cell != '\0' ? cell : NULL;
}

static char **
split_tags (const char *text)
{
  g_auto (GStrv) words = g_strsplit_set (text, " |\t\n", -1);
  g_autoptr (GStrvBuilder) tags = g_strv_builder_new ();

  for (char **word = words; *word != NULL; word++)
    if (**word != '\0')
      g_strv_builder_add (tags, **word == '#' ? *word + 1 : *word);
  return g_strv_builder_end (tags);
}

static gboolean
parse_admin (const char *text, gboolean *admin)
{
  static const char *const yes[] = { "true", "yes", "1", "x", NULL };
  static const char *const no[] = { "false", "no", "0", NULL };
  g_autofree char *word = g_ascii_strdown (text, -1);

  *admin = g_strv_contains (yes, word);
  return *admin || g_strv_contains (no, word);
}

static gboolean
fill_url (SbUserChange *change, const char *url, GError **error)
{
  GString *json;

  if (strlen (url) > MAX_URL || !g_uri_is_valid (url, G_URI_FLAGS_NONE, NULL))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "\"url\" is no address");
      return FALSE;
    }
  json = g_string_new ("{\"type\":\"http\",\"url\":");
  sb_json_append_string (json, url);
  change->has_connection_properties = TRUE;
  change->connection_properties = g_string_free (g_string_append_c (json, '}'), FALSE);
  return TRUE;
}

static SbUserChange *
make_change (const Table *table, GPtrArray *cells, guint min_password_length, GError **error)
{
  const char *id = get_cell (table, cells, COLUMN_ID);
  const char *tags = get_cell (table, cells, COLUMN_TAGS);
  const char *admin = get_cell (table, cells, COLUMN_ADMIN);
  const char *url = get_cell (table, cells, COLUMN_URL);
  g_autoptr (SbUserChange) change = sb_user_change_new (
      id != NULL ? id : "", get_cell (table, cells, COLUMN_PASSWORD), FALSE);

  change->tags = tags != NULL ? split_tags (tags) : NULL;
  change->has_admin = admin != NULL;
  if (cells->len > table->n_cells)
    g_set_error (error, SB_ERROR, SB_ERROR_INVALID, "it has more than %u cells", table->n_cells);
  else if (admin != NULL && !parse_admin (admin, &change->admin))
    g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID, "\"admin\" is not true or false");
  else if ((url == NULL || fill_url (change, url, error))
           && sb_user_change_check (change, min_password_length, error))
    return g_steal_pointer (&change);
  return NULL;
}

static void
wipe_cells (GPtrArray *cells)
{
  for (guint i = 0; i < cells->len; i++)
    explicit_bzero (g_ptr_array_index (cells, i), strlen (g_ptr_array_index (cells, i)));
}

static void
read_user (SbUserImport *self, Table *table, guint min_password_length)
{
  g_autoptr (GPtrArray) cells = read_row (table);
  g_autoptr (GError) fault = NULL;
  SbUserChange *change;

  if (cells == NULL)
    {
      sb_user_import_add_fault (self, table->row, "a quotation mark is missing, or one too many");
      return;
    }
  if (cells->len == 1 && *(const char *) g_ptr_array_index (cells, 0) == '\0')
    return;
  change = make_change (table, cells, min_password_length, &fault);
  add_change (self, table->row, change, fault);
  wipe_cells (cells);
}

/**
 * sb_user_import_parse_table:
 * @csv: a table with a header, ended by a NUL
 * @length: its bytes
 * @min_password_length: characters
 * @error: SB_ERROR_INVALID, SB_ERROR_TOO_LARGE: nothing can be made of it
 *
 * Any thread.
 *
 * Returns: (transfer full) (nullable): its users
 */
SbUserImport *
sb_user_import_parse_table (const char *csv, gsize length, guint min_password_length,
                            GError **error)
{
  g_autoptr (SbUserImport) self = import_new ();
  Table table = { .p = csv };

  if (!g_utf8_validate (csv, (gssize) length, NULL))
    {
      g_set_error_literal (error, SB_ERROR, SB_ERROR_INVALID,
                           "it is not UTF-8; save the table as CSV UTF-8");
      return NULL;
    }
  if (g_str_has_prefix (csv, "\xef\xbb\xbf"))
    table.p += 3;
  if (!read_header (&table, error))
    return NULL;
  while (*table.p != '\0' && self->changes->len + self->n_faults <= MAX_ROWS)
    read_user (self, &table, min_password_length);
  return check_rows (self->changes->len + self->n_faults, error) ? g_steal_pointer (&self) : NULL;
}

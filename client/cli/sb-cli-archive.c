/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-archive: tells whether a backup is whole, while its bytes go by.
 *
 * Of tar it knows what a bus writes: plain files whose headers are followed by their bytes, filled
 * up to blocks, and extended headers for what is too large for a plain one. Whatever else there is
 * was not written by a bus. Nothing is unpacked, so no name in it can do any harm.
 */

#include "sb-cli-archive.h"

#include "sb-cli-json.h"

#include <glib/gi18n.h>
#include <nettle/sha2.h>
#include <stdarg.h>
#include <string.h>

#define BLOCK 512
#define FORMAT 1

/* Of what is kept in memory: the manifest, and an extended header. */
#define MAX_TEXT (256 * 1024 * 1024)
#define MAX_EXTENDED 65536

/* Places in a header. */
#define NAME_LENGTH 100
#define SIZE_AT 124
#define SIZE_LENGTH 12
#define SUM_AT 148
#define SUM_LENGTH 8
#define TYPE_AT 156
#define MAGIC_AT 257

typedef enum
{
  STATE_HEADER,
  STATE_TEXT, /* of the manifest, the seal or an extended header */
  STATE_DATA,
  STATE_FILLING,
  STATE_ZEROS, /* behind the seal */
} State;

typedef struct
{
  char *name; /* (owned) */
  gint64 size;
  guint8 digest[SHA256_DIGEST_SIZE];
} Member;

struct _SbCliArchive
{
  State state;
  State next; /* behind the filling */
  guint8 header[BLOCK];
  gsize n_header;
  GByteArray *text; /* (owned) */
  gint64 left;      /* of the member, or of the filling */
  gint64 size;      /* of the next member, from an extended header; -1: it is in the plain one */
  gboolean is_extended;
  guint index; /* 0: the manifest; then the members; then the seal */
  struct sha256_ctx hash;
  guint8 manifest_digest[SHA256_DIGEST_SIZE];
  GArray *members;    /* (owned) (element-type Member) */
  GHashTable *faulty; /* (owned) (element-type utf8): members with another checksum */
  char *created;      /* (owned) (nullable) */
  gsize n_zeros;
  SbCliArchiveReport report;
};

static gboolean fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("This is no whole backup: %s"), what);
  return FALSE;
}

static void
member_clear (gpointer data)
{
  g_free (((Member *) data)->name);
}

/**
 * sb_cli_archive_new:
 *
 * Returns: (transfer full): an archive of which nothing has come yet
 */
SbCliArchive *
sb_cli_archive_new (void)
{
  SbCliArchive *self = g_new0 (SbCliArchive, 1);

  self->text = g_byte_array_new ();
  self->members = g_array_new (FALSE, TRUE, sizeof (Member));
  g_array_set_clear_func (self->members, member_clear);
  self->faulty = g_hash_table_new (g_str_hash, g_str_equal);
  self->size = -1;
  return self;
}

/**
 * sb_cli_archive_free:
 * @self: (transfer full): an archive
 *
 * Frees it.
 */
void
sb_cli_archive_free (SbCliArchive *self)
{
  g_hash_table_unref (self->faulty);
  g_array_unref (self->members);
  g_byte_array_unref (self->text);
  g_free (self->created);
  g_free (self);
}

static const Member *
get_member (SbCliArchive *self)
{
  return &g_array_index (self->members, Member, self->index - 1);
}

static gboolean
is_text (SbCliArchive *self)
{
  return self->index == 0 || self->index > self->members->len;
}

static const char *
get_expected_name (SbCliArchive *self)
{
  if (self->index == 0)
    return "manifest.json";
  return is_text (self) ? "end.json" : get_member (self)->name;
}

/* --- Manifest and seal --- */

static gboolean
parse_digest (const char *text, guint8 *digest)
{
  if (text == NULL || strlen (text) != 2 * SHA256_DIGEST_SIZE)
    return FALSE;
  for (guint i = 0; i < SHA256_DIGEST_SIZE; i++)
    {
      int high = g_ascii_xdigit_value (text[2 * i]);
      int low = g_ascii_xdigit_value (text[2 * i + 1]);

      if (high < 0 || low < 0)
        return FALSE;
      digest[i] = (guint8) (high << 4 | low);
    }
  return TRUE;
}

/* Returns: (transfer full) (nullable): an object */
static JsonNode *
parse_text (SbCliArchive *self, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (self->text->data, self->text->len);
  g_autoptr (JsonNode) node = NULL;

  node = sb_cli_parse_json (bytes, error);
  if (node == NULL || JSON_NODE_HOLDS_OBJECT (node))
    return g_steal_pointer (&node);
  fail (error, _ ("%s is no object"), get_expected_name (self));
  return NULL;
}

static gboolean
add_member (SbCliArchive *self, JsonObject *object, GError **error)
{
  const char *name = sb_cli_json_get_string (object, "name");
  Member member = { NULL, sb_cli_json_get_integer (object, "size", -1), { 0 } };

  if (name == NULL || strlen (name) >= NAME_LENGTH || member.size < 0
      || member.size > G_MAXINT64 / 2 - self->report.bytes
      || !parse_digest (sb_cli_json_get_string (object, "sha256"), member.digest))
    return fail (error, _ ("its manifest names what no backup has"));
  member.name = g_strdup (name);
  g_array_append_val (self->members, member);
  self->report.bytes += member.size;
  self->report.n_files += g_str_has_prefix (name, "files/") ? 1 : 0;
  return TRUE;
}

static guint
count_names (JsonObject *object, const char *name)
{
  JsonArray *names = sb_cli_json_get_array (object, name);

  return names != NULL ? json_array_get_length (names) : 0;
}

static gboolean
take_manifest (SbCliArchive *self, GError **error)
{
  g_autoptr (JsonNode) node = parse_text (self, error);
  g_autoptr (GPtrArray) members = NULL;
  JsonObject *manifest;

  if (node == NULL)
    return FALSE;
  manifest = json_node_get_object (node);
  if (sb_cli_json_get_integer (manifest, "format", 0) != FORMAT)
    return fail (error, _ ("a bus of another version made it; ask its own simplebusd, by "
                           "--verify-backup"));
  sha256_digest (&self->hash, sizeof self->manifest_digest, self->manifest_digest);
  self->created = g_strdup (sb_cli_json_get_string (manifest, "created"));
  self->report.created = self->created;
  self->report.n_missing = count_names (manifest, "missing");
  members = sb_cli_json_get_objects (manifest, "members");
  for (guint i = 0; i < members->len; i++)
    if (!add_member (self, g_ptr_array_index (members, i), error))
      return FALSE;
  return members->len > 0 || fail (error, _ ("its manifest names nothing"));
}

/* Only files may be damaged, and only those that the bus found so when it read them. */
static gboolean
check_faulty (SbCliArchive *self, JsonObject *seal, GError **error)
{
  JsonArray *damaged = sb_cli_json_get_array (seal, "damaged");

  self->report.n_damaged = damaged != NULL ? json_array_get_length (damaged) : 0;
  for (guint i = 0; i < self->report.n_damaged; i++)
    {
      JsonNode *node = json_array_get_element (damaged, i);
      const char *name = json_node_get_value_type (node) == G_TYPE_STRING
                             ? json_node_get_string (node)
                             : "";

      if (!g_str_has_prefix (name, "files/") || !g_hash_table_remove (self->faulty, name))
        return fail (error, _ ("its end does not fit to what is before it"));
    }
  if (g_hash_table_size (self->faulty) > 0)
    {
      GHashTableIter iter;
      gpointer name = NULL;

      g_hash_table_iter_init (&iter, self->faulty);
      g_hash_table_iter_next (&iter, &name, NULL);
      return fail (error, _ ("the checksum of %s is another one"), (const char *) name);
    }
  return TRUE;
}

static gboolean
take_seal (SbCliArchive *self, GError **error)
{
  g_autoptr (JsonNode) node = parse_text (self, error);
  guint8 digest[SHA256_DIGEST_SIZE];

  if (node == NULL)
    return FALSE;
  if (!parse_digest (sb_cli_json_get_string (json_node_get_object (node), "manifest"), digest)
      || memcmp (digest, self->manifest_digest, sizeof digest) != 0)
    return fail (error, _ ("its manifest is damaged"));
  return check_faulty (self, json_node_get_object (node), error);
}

/* --- Headers --- */

/* Returns: -1 when that is no number */
static gint64
parse_octal (const guint8 *field, gsize length)
{
  gint64 value = 0;
  gsize i = 0;

  while (i < length && field[i] == ' ')
    i++;
  for (; i < length && field[i] >= '0' && field[i] <= '7'; i++)
    {
      if (value > G_MAXINT64 / 8)
        return -1;
      value = value * 8 + (field[i] - '0');
    }
  return i == length || field[i] == ' ' || field[i] == '\0' ? value : -1;
}

/* Octal digits, or a binary number with its first bit set. Returns: -1 when it is neither */
static gint64
parse_size (const guint8 *field)
{
  gint64 value = 0;

  if (field[0] != 0x80)
    return parse_octal (field, SIZE_LENGTH);
  for (gsize i = 1; i < SIZE_LENGTH; i++)
    {
      if (value > G_MAXINT64 / 256)
        return -1;
      value = value * 256 + field[i];
    }
  return value;
}

/* The sum of all bytes, in which those of the sum itself are blanks. */
static gboolean
has_right_sum (const guint8 *header)
{
  gint64 sum = 0;

  for (gsize i = 0; i < BLOCK; i++)
    sum += i >= SUM_AT && i < SUM_AT + SUM_LENGTH ? ' ' : header[i];
  return parse_octal (header + SUM_AT, SUM_LENGTH) == sum;
}

static gboolean
begin_extended (SbCliArchive *self, gint64 size, GError **error)
{
  if (self->is_extended || size < 0 || size > MAX_EXTENDED)
    return fail (error, _ ("something else is where %s has to be"), get_expected_name (self));
  self->is_extended = TRUE;
  self->left = size;
  self->state = STATE_TEXT;
  return TRUE;
}

static gboolean
begin_member (SbCliArchive *self, gint64 size, GError **error)
{
  g_autofree char *name = g_strndup ((const char *) self->header, NAME_LENGTH);

  if (strcmp (name, get_expected_name (self)) != 0)
    return fail (error, _ ("something else is where %s has to be"), get_expected_name (self));
  if (is_text (self) ? size < 0 || size > MAX_TEXT : size != get_member (self)->size)
    return fail (error, _ ("%s has another size than it should"), get_expected_name (self));
  sha256_init (&self->hash);
  self->left = size;
  self->state = is_text (self) ? STATE_TEXT : STATE_DATA;
  return TRUE;
}

static gboolean
take_header (SbCliArchive *self, GError **error)
{
  gint64 size = parse_size (self->header + SIZE_AT);
  guint8 type = self->header[TYPE_AT];

  self->n_header = 0;
  if (memcmp (self->header + MAGIC_AT, "ustar", 5) != 0 || !has_right_sum (self->header))
    return self->index == 0 ? fail (error, _ ("it is no archive"))
                            : fail (error, _ ("it is damaged before %s"), get_expected_name (self));
  g_byte_array_set_size (self->text, 0);
  if (type == 'x')
    return begin_extended (self, size, error);
  if (type != '0' && type != '\0')
    return fail (error, _ ("something else is where %s has to be"), get_expected_name (self));
  if (self->size >= 0)
    size = self->size;
  self->size = -1;
  return begin_member (self, size, error);
}

/* Records of "LENGTH KEY=VALUE\n"; of all keys only the size matters here. */
static gboolean
take_extended (SbCliArchive *self, GError **error)
{
  g_autofree char *text = g_strndup ((const char *) self->text->data, self->text->len);

  for (const char *p = text; *p != '\0';)
    {
      char *end;
      guint64 length = g_ascii_strtoull (p, &end, 10);
      guint64 size;

      if (*end != ' ' || length > strlen (p) || length <= (guint64) (end - p)
          || p[length - 1] != '\n')
        return fail (error, _ ("it is damaged before %s"), get_expected_name (self));
      if (g_str_has_prefix (end, " size="))
        {
          g_autofree char *value = g_strndup (end + 6, (gsize) (p + length - 1 - (end + 6)));

          if (!g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT64, &size, NULL))
            return fail (error, _ ("it is damaged before %s"), get_expected_name (self));
          self->size = (gint64) size;
        }
      p += length;
    }
  self->is_extended = FALSE;
  return TRUE;
}

/* --- Members --- */

static void
begin_filling (SbCliArchive *self, gint64 size, State next)
{
  self->left = (BLOCK - size % BLOCK) % BLOCK;
  self->next = next;
  self->state = STATE_FILLING;
}

static gboolean
end_text (SbCliArchive *self, GError **error)
{
  gint64 size = self->text->len;
  gboolean is_extended = self->is_extended;
  gboolean is_seal = !is_extended && self->index > 0;

  if (is_extended ? !take_extended (self, error)
                  : !(is_seal ? take_seal (self, error) : take_manifest (self, error)))
    return FALSE;
  if (!is_extended)
    self->index++;
  begin_filling (self, size, is_seal ? STATE_ZEROS : STATE_HEADER);
  return TRUE;
}

static void
end_data (SbCliArchive *self)
{
  const Member *member = get_member (self);
  guint8 digest[SHA256_DIGEST_SIZE];

  sha256_digest (&self->hash, sizeof digest, digest);
  if (memcmp (digest, member->digest, sizeof digest) != 0)
    g_hash_table_add (self->faulty, member->name);
  self->index++;
  begin_filling (self, member->size, STATE_HEADER);
}

/* --- Bytes --- */

static gsize
take_bytes (SbCliArchive *self, const guint8 *data, gsize length)
{
  gsize n = (gsize) MIN ((guint64) length, (guint64) self->left);

  if (self->state == STATE_TEXT)
    g_byte_array_append (self->text, data, (guint) n);
  if (self->state == STATE_TEXT || self->state == STATE_DATA)
    sha256_update (&self->hash, n, data);
  self->left -= (gint64) n;
  return n;
}

static gsize
take_header_bytes (SbCliArchive *self, const guint8 *data, gsize length)
{
  gsize n = MIN (length, BLOCK - self->n_header);

  memcpy (self->header + self->n_header, data, n);
  self->n_header += n;
  return n;
}

static gboolean
take_zeros (SbCliArchive *self, const guint8 *data, gsize length, GError **error)
{
  for (gsize i = 0; i < length; i++)
    if (data[i] != 0)
      return fail (error, _ ("there is something behind its end"));
  self->n_zeros += length;
  return TRUE;
}

/* Goes on as far as no more bytes are needed for it. */
static gboolean
advance (SbCliArchive *self, GError **error)
{
  if (self->state == STATE_HEADER && self->n_header == BLOCK && !take_header (self, error))
    return FALSE;
  if (self->state == STATE_TEXT && self->left == 0 && !end_text (self, error))
    return FALSE;
  if (self->state == STATE_DATA && self->left == 0)
    end_data (self);
  if (self->state == STATE_FILLING && self->left == 0)
    self->state = self->next;
  return TRUE;
}

/**
 * sb_cli_archive_feed:
 * @self: an archive
 * @data: (array length=length): the next bytes of it
 * @length: how many
 * @error: return location for an error
 *
 * Returns: whether it may still become whole; when not, it is not to be fed any more
 */
gboolean
sb_cli_archive_feed (SbCliArchive *self, const void *data, gsize length, GError **error)
{
  const guint8 *p = data;
  const guint8 *end = p + length;

  while (p < end)
    {
      gsize left = (gsize) (end - p);

      if (self->state == STATE_ZEROS)
        return take_zeros (self, p, left, error);
      p += self->state == STATE_HEADER ? take_header_bytes (self, p, left)
                                       : take_bytes (self, p, left);
      if (!advance (self, error))
        return FALSE;
    }
  return TRUE;
}

/**
 * sb_cli_archive_end:
 * @self: an archive
 * @error: return location for an error
 *
 * Says that there are no more bytes.
 *
 * Returns: whether it is whole: its end is there, and every checksum is right
 */
gboolean
sb_cli_archive_end (SbCliArchive *self, GError **error)
{
  if (self->state == STATE_ZEROS && self->n_zeros >= 2 * (gsize) BLOCK)
    return TRUE;
  return self->index == 0 ? fail (error, _ ("it is no archive, or was cut off"))
                          : fail (error, _ ("it was cut off"));
}

/**
 * sb_cli_archive_get_size:
 * @self: an archive
 *
 * Returns: how many bytes it will have, about; -1 as long as its manifest has not come
 */
gint64
sb_cli_archive_get_size (SbCliArchive *self)
{
  if (self->index == 0)
    return -1;
  /* A header and half a block of filling for each, the manifest again, and the end. */
  return self->report.bytes + (gint64) self->members->len * (BLOCK + BLOCK / 2 + 180) + 4 * BLOCK;
}

/**
 * sb_cli_archive_get_report:
 * @self: an archive that is whole
 *
 * Returns: (transfer none): what is in it
 */
const SbCliArchiveReport *
sb_cli_archive_get_report (SbCliArchive *self)
{
  return &self->report;
}

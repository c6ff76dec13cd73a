/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-power-cut: what is on the disk when the power goes.
 *
 * A bus under load writes down every write, flush and answer (disk-spy). From that the disk is
 * made again as it could have been at any instant: all that was flushed until then, and of what
 * was written after the last flush some and some not, and of some the beginning only, in sectors.
 * A bus that starts from it must have every message that had been acknowledged.
 *
 * What a kernel, a file system and a disk do beyond that (a flush that lies, a new file whose name
 * was never flushed) is not seen here: only a machine whose plug is pulled shows that.
 */

#include "disk-log.h"
#include "hostile.h"

#include <glib/gstdio.h>
#include <string.h>

#define N_MESSAGES 2000
#define N_WINDOW 40
#define N_CUTS 30
#define SECTOR 512

typedef struct
{
  SbTestDaemon *daemon; /* (owned) it was killed */
  char *base;           /* (owned) the folder as it was before the load */
  char *log_path;       /* (owned) */
  GBytes *log;          /* (owned) (nullable) */
  GPtrArray *records;   /* (owned) of DiskRecord, in the log */
  guint n_sent;
  guint n_accepted;
} Rig;

/* Files */

static void
copy_file (const char *from, const char *to)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;
  gsize length;

  g_file_get_contents (from, &content, &length, &error);
  g_assert_no_error (error);
  g_file_set_contents_full (to, content, (gssize) length, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
}

static void
copy_folder (const char *from, const char *to)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (from, 0, &error);

  g_assert_no_error (error);
  g_assert_no_errno (g_mkdir_with_parents (to, 0700));
  for (const char *name = g_dir_read_name (dir); name != NULL; name = g_dir_read_name (dir))
    {
      g_autofree char *source = g_build_filename (from, name, NULL);
      g_autofree char *target = g_build_filename (to, name, NULL);

      if (g_file_test (source, G_FILE_TEST_IS_DIR))
        copy_folder (source, target);
      else
        copy_file (source, target);
    }
}

/* The load */

static void
send_more (Rig *self, SbPeer *peer)
{
  while (self->n_sent < N_MESSAGES && self->n_sent < self->n_accepted + N_WINDOW)
    {
      g_autofree char *pad = g_strnfill (self->n_sent * 37 % 6000, 'p');

      sb_peer_printf (peer, "{\"_id\":\"cut-%06u\",\"to\":\"@user2\",\"message\":\"%s\"}",
                      self->n_sent++, pad);
    }
}

static void
on_opened (SbPeer *peer, gpointer user_data)
{
  sb_peer_log_in (peer, "user1", "user1-pw", ",\"accepted\":true");
  send_more (user_data, peer);
}

static void
on_frame (SbPeer *peer, int opcode, const char *payload, gsize length, gpointer user_data)
{
  Rig *self = user_data;

  if (strstr (payload, "\"accepted\"") == NULL)
    return;
  self->n_accepted++;
  send_more (self, peer);
}

static void
load (Rig *self)
{
  static const SbPeerFuncs funcs = { .opened = on_opened, .frame = on_frame };
  g_autoptr (SbPeer) peer = sb_peer_new (SB_PEER_WEBSOCKET,
                                         sb_test_daemon_get_ws_port (self->daemon), &funcs, self);

  sb_test_wait_count (&self->n_accepted, N_MESSAGES, "acknowledgements");
}

static void
read_log (Rig *self)
{
  g_autoptr (GError) error = NULL;
  char *content;
  gsize length, place = 0;

  g_file_get_contents (self->log_path, &content, &length, &error);
  g_assert_no_error (error);
  self->log = g_bytes_new_take (content, length);
  while (place < length)
    {
      /* Records are not aligned. */
      DiskRecord record;

      memcpy (&record, content + place, sizeof record);
      g_ptr_array_add (self->records, content + place);
      place += sizeof record;
      if (record.kind == DISK_WRITE || record.kind == DISK_SEND)
        place += record.length;
    }
  g_assert_cmpuint (place, ==, length);
}

static Rig *
rig_new (void)
{
  Rig *self = g_new0 (Rig, 1);
  g_autoptr (SbTestHttp) admin = NULL;

  self->daemon = sb_test_daemon_new ();
  /* So little that the log is written back into the database several times. */
  sb_test_daemon_set (self->daemon, "store-sqlite.log-size=1M");
  sb_test_daemon_start (self->daemon);
  admin = sb_test_make_admin (self->daemon);
  sb_test_make_users (admin, "user1", "user2", NULL);
  sb_test_daemon_terminate (self->daemon);
  self->base = g_build_filename (sb_test_daemon_get_dir (self->daemon), "base", NULL);
  self->log_path = g_build_filename (sb_test_daemon_get_dir (self->daemon), "disk-log", NULL);
  copy_folder (sb_test_daemon_get_data_dir (self->daemon), self->base);
  self->records = g_ptr_array_new ();

  sb_test_daemon_preload (self->daemon, SB_TEST_DISK_SPY);
  sb_test_daemon_setenv (self->daemon, DISK_ENV_LOG, self->log_path);
  sb_test_daemon_start (self->daemon);
  load (self);
  sb_test_daemon_kill (self->daemon);
  read_log (self);
  return self;
}

static void
rig_free (Rig *self)
{
  g_bytes_unref (self->log);
  g_ptr_array_unref (self->records);
  g_free (self->base);
  g_free (self->log_path);
  sb_test_daemon_free (self->daemon);
  g_free (self);
}

static const char *
get_record (Rig *self, guint index, DiskRecord *record)
{
  const char *start = g_ptr_array_index (self->records, index);

  memcpy (record, start, sizeof *record);
  return start + sizeof *record;
}

/* Calls @func for each number of a "cut-NNNNNN" behind @mark in the bytes. */
static void
find_numbers (const char *data, gsize length, const char *mark, GFunc func, gpointer user_data)
{
  const char *end = data + length;
  gsize size = strlen (mark);

  for (const char *p = memmem (data, length, mark, size); p != NULL;
       p = memmem (p, (gsize) (end - p), mark, size))
    {
      p += size;
      if (end - p >= 6)
        func (GUINT_TO_POINTER ((guint) g_ascii_strtoull (p, NULL, 10)), user_data);
    }
}

#define MARK_STORED "cut-"
#define MARK_ACCEPTED "{\"type\":\"accepted\",\"data\":\"cut-"

/* The order of things */

typedef struct
{
  guint written[N_MESSAGES]; /* the record that brought it to the disk first, counted from 1 */
  guint file[N_MESSAGES];
  guint flushed[3]; /* by file: up to which record */
  guint now;
  guint now_file;
  guint n_acknowledged;
} Order;

static void
note_written (gpointer number, gpointer user_data)
{
  Order *order = user_data;
  guint n = GPOINTER_TO_UINT (number);

  if (n >= N_MESSAGES || order->written[n] != 0)
    return;
  order->written[n] = order->now;
  order->file[n] = order->now_file;
}

static void
check_acknowledged (gpointer number, gpointer user_data)
{
  Order *order = user_data;
  guint n = GPOINTER_TO_UINT (number);

  g_assert_cmpuint (n, <, N_MESSAGES);
  g_assert_cmpuint (order->written[n], !=, 0);
  g_assert_cmpuint (order->written[n], <=, order->flushed[order->file[n]]);
  order->n_acknowledged++;
}

static void
acknowledges_after_the_flush (void)
{
  Rig *rig = rig_new ();
  Order order = { .now = 0 };

  for (guint i = 0; i < rig->records->len; i++)
    {
      DiskRecord record;
      const char *data = get_record (rig, i, &record);

      order.now = i + 1;
      order.now_file = record.file;
      if (record.kind == DISK_WRITE)
        find_numbers (data, record.length, MARK_STORED, note_written, &order);
      else if (record.kind == DISK_FLUSH)
        order.flushed[record.file] = order.now;
      else if (record.kind == DISK_SEND)
        find_numbers (data, record.length, MARK_ACCEPTED, check_acknowledged, &order);
    }
  g_assert_cmpuint (order.n_acknowledged, ==, N_MESSAGES);
  /* Part of it has come from the log into the database. */
  g_assert_cmpuint (order.flushed[DISK_DATABASE], >, 0);
  rig_free (rig);
}

/* The cuts */

/* The record before @end behind which nothing of the file was flushed any more. */
static guint
find_last_flush (Rig *self, guint end, guint file)
{
  for (guint i = end; i > 0; i--)
    {
      DiskRecord record;

      get_record (self, i - 1, &record);
      if (record.kind == DISK_FLUSH && record.file == file)
        return i;
    }
  return 0;
}

static void
apply_record (GByteArray *content, const DiskRecord *record, const char *data, gsize length)
{
  guint needed = (guint) (record->offset + (record->kind == DISK_WRITE ? length : 0));
  guint before = content->len;

  if (content->len < needed || record->kind == DISK_TRUNCATE)
    g_byte_array_set_size (content, needed);
  if (content->len > before)
    memset (content->data + before, 0, content->len - before);
  if (record->kind == DISK_WRITE)
    memcpy (content->data + record->offset, data, length);
}

/* How much of what was not flushed has come to the disk: all, nothing, or some sectors. */
static gsize
choose_length (gsize length)
{
  switch (g_test_rand_int_range (0, 3))
    {
    case 0:
      return length;
    case 1:
      return 0;
    default:
      return length / SECTOR > 0
                 ? (gsize) g_test_rand_int_range (0, (gint32) (length / SECTOR)) * SECTOR
                 : 0;
    }
}

static void
make_file (Rig *self, guint end, guint file, const char *name, const char *folder)
{
  g_autofree char *base = g_build_filename (self->base, name, NULL);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (GByteArray) content = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  guint flushed = find_last_flush (self, end, file);
  char *old;
  gsize length;

  if (g_file_get_contents (base, &old, &length, NULL))
    {
      g_byte_array_append (content, (const guint8 *) old, (guint) length);
      g_free (old);
    }
  for (guint i = 0; i < end; i++)
    {
      DiskRecord record;
      const char *data = get_record (self, i, &record);
      gsize present = record.length;

      if (record.file != file || record.kind == DISK_FLUSH)
        continue;
      if (i >= flushed)
        present = choose_length (record.length);
      if (present > 0 || record.kind == DISK_TRUNCATE)
        apply_record (content, &record, data, present);
    }
  if (content->len > 0)
    g_file_set_contents_full (path, (const char *) content->data, content->len,
                              G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
}

static void
note_required (gpointer number, gpointer user_data)
{
  guint *n_required = user_data;

  *n_required = MAX (*n_required, GPOINTER_TO_UINT (number) + 1);
}

/* They are acknowledged in order, so a number says it all. */
static guint
count_acknowledged (Rig *self, guint end)
{
  guint n = 0;

  for (guint i = 0; i < end; i++)
    {
      DiskRecord record;
      const char *data = get_record (self, i, &record);

      if (record.kind == DISK_SEND)
        find_numbers (data, record.length, MARK_ACCEPTED, note_required, &n);
    }
  return n;
}

/* Takes everything that waits for user2; it must come in order and whole. Returns: how many */
static guint
drain (SbTestDaemon *daemon)
{
  g_autoptr (SbTestHttp) client = sb_test_http_as (daemon, "user2");
  guint n = 0;

  for (;;)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (client, "/get?limit=64");
      g_autoptr (SbTestAnswer) confirmed = NULL;
      g_autoptr (GString) ids = g_string_new ("[");
      JsonArray *messages;

      sb_test_assert_status (answer, 200);
      messages = json_node_get_array (answer->json);
      if (json_array_get_length (messages) == 0)
        return n;
      for (guint i = 0; i < json_array_get_length (messages); i++)
        {
          JsonObject *message = json_array_get_object_element (messages, i);
          g_autofree char *id = g_strdup_printf ("cut-%06u", n);

          g_assert_cmpstr (sb_test_json_string (message, "_id"), ==, id);
          g_assert_cmpuint (strlen (sb_test_json_string (message, "message")), ==, n * 37 % 6000);
          g_string_append_printf (ids, "%s\"%s\"", i > 0 ? "," : "", id);
          n++;
        }
      g_string_append_c (ids, ']');
      confirmed = sb_test_http_post (client, "/confirm", ids->str);
      sb_test_assert_status (confirmed, 200);
    }
}

static void
check_cut (Rig *self, guint end)
{
  g_autoptr (SbTestDaemon) daemon = sb_test_daemon_new ();
  const char *folder = sb_test_daemon_get_data_dir (daemon);
  guint required = count_acknowledged (self, end);
  guint found;

  copy_folder (self->base, folder);
  make_file (self, end, DISK_DATABASE, "simplebus.db", folder);
  make_file (self, end, DISK_WAL, "simplebus.db-wal", folder);
  sb_test_daemon_start (daemon);
  found = drain (daemon);
  g_test_message ("cut behind record %u of %u: %u acknowledged, %u there", end, self->records->len,
                  required, found);
  g_assert_cmpuint (found, >=, required);
}

static void
keeps_what_it_acknowledged (void)
{
  Rig *rig = rig_new ();

  for (guint i = 0; i < N_CUTS; i++)
    check_cut (rig, (guint) g_test_rand_int_range (1, (gint32) rig->records->len + 1));
  /* And at the worst one, when everything is acknowledged. */
  check_cut (rig, rig->records->len);
  rig_free (rig);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  if (sb_test_daemon_is_instrumented ())
    {
      g_print ("1..0 # SKIP nothing can be preloaded before a sanitizer\n");
      return 0;
    }
  g_test_add_func ("/power-cut/acknowledges-after-the-flush", acknowledges_after_the_flush);
  g_test_add_func ("/power-cut/keeps-what-it-acknowledged", keeps_what_it_acknowledged);
  return g_test_run ();
}

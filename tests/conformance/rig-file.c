/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rig-file: files for the store under test. Everything about a file follows
 * from its stored name, so that a name is enough to say which one is meant.
 */

#include "rig.h"

#include <string.h>

/* More than 32 bits hold, and another one for each length of a name. */
guint64
file_size (const char *name)
{
  return G_GUINT64_CONSTANT (5000000000) + strlen (name);
}

/* The ids are in no order that anything else has. */
static char *
make_file_id (const char *name)
{
  return g_compute_checksum_for_string (G_CHECKSUM_MD5, name, -1);
}

SbFile *
make_file (const char *name)
{
  g_autofree char *id = make_file_id (name);
  g_autofree char *display_name = g_strdup_printf ("Счёт «%s».pdf", name);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[SB_FILE_DIGEST_SIZE];
  gsize length = sizeof digest;

  g_checksum_update (checksum, (const guchar *) name, -1);
  g_checksum_get_digest (checksum, digest, &length);
  return sb_file_new (id, name, display_name, file_size (name), digest);
}

/* A message that announces the file with that stored name. */
SbMessage *
make_announcement (Rig *rig, const char *id, const char *name, gint64 not_before, gint64 deadline)
{
  g_autoptr (SbFile) file = make_file (name);

  return sb_message_new_with_file (id, "s", rig->s, make_body (id, BODY_SIZE), START, not_before,
                                   deadline, file);
}

/* Gives an append one message more, which it owns. */
SbOperation *
with_more (SbOperation *operation, SbMessage *message)
{
  guint n = operation->append.n_more++;

  operation->append.more = g_renew (SbMessage *, operation->append.more, n + 1);
  operation->append.more[n] = message;
  return operation;
}

SbOperation *
make_release (gint64 recipient, const char *id, gint64 now)
{
  SbOperation *operation = make_end (recipient, 0, id, SB_DELIVERY_CONFIRMED, now);

  operation->end.release = TRUE;
  return operation;
}

/* Sends the message with the file @name, which is to be taken. */
SbOperation *
rig_announce (Rig *self, const char *id, const char *name, guint n, const gint64 *recipients)
{
  SbOperation *operation = rig_apply (
      self, make_append (make_announcement (self, id, name, 0, 0), n, recipients));

  g_assert_cmpint (operation->outcome, ==, SB_OUTCOME_DONE);
  g_assert_false (operation->append.released);
  return operation;
}

SbOperation *
rig_release (Rig *self, gint64 recipient, const char *id)
{
  return rig_apply (self, make_release (recipient, id, START + SECOND));
}

/* The recipient says that it knows of the file. */
SbOperation *
rig_notify (Rig *self, gint64 recipient, const char *id)
{
  return rig_apply (self, make_end (recipient, 0, id, SB_DELIVERY_CONFIRMED, START));
}

/* Brings a delivery of "m1", with the file "f1" and a deadline in two hours, to a into a state. */
gint64
rig_bring_file_into (Rig *self, SbDeliveryState state)
{
  gint64 not_before = state == SB_DELIVERY_SCHEDULED ? START + HOUR : 0;
  SbMessage *message = make_announcement (self, "m1", "f1", not_before, START + 2 * HOUR);
  SbOperation *operation = rig_apply (self, make_append (message, 1, &self->a));
  gint64 position = operation->append.targets[0].position;

  if (state == SB_DELIVERY_PARKED)
    rig_apply (self, make_park (self->a, position, START + HOUR, START));
  else if (state == SB_DELIVERY_NOTIFIED)
    rig_notify (self, self->a, "m1");
  else if (state == SB_DELIVERY_CONFIRMED)
    rig_release (self, self->a, "m1");
  else if (state != SB_DELIVERY_PENDING && state != SB_DELIVERY_SCHEDULED)
    rig_end (self, self->a, "m1", state, START);
  return position;
}

void
assert_file_equal (const SbFile *a, const SbFile *b)
{
  g_assert_cmpstr (a->id, ==, b->id);
  g_assert_cmpstr (a->name, ==, b->name);
  g_assert_cmpstr (a->display_name, ==, b->display_name);
  g_assert_cmpuint (a->size, ==, b->size);
  g_assert_cmpmem (a->digest, sizeof a->digest, b->digest, sizeof b->digest);
}

/* What an operation says of the file that nobody needs any more; @name: (nullable): none does */
void
assert_released (const char *released, guint64 size, const char *name)
{
  g_autofree char *id = name != NULL ? make_file_id (name) : NULL;

  g_assert_cmpstr (released, ==, id);
  g_assert_cmpuint (size, ==, name != NULL ? file_size (name) : 0);
}

void
expect_released (const SbOperation *end, const char *name)
{
  g_assert_cmpint (end->outcome, ==, SB_OUTCOME_DONE);
  assert_released (end->end.released, end->end.released_size, name);
}

static int
compare_rights (gconstpointer a, gconstpointer b)
{
  gint64 one = ((const SbFileRight *) a)->recipient;
  gint64 other = ((const SbFileRight *) b)->recipient;

  return (one > other) - (one < other);
}

/* "recipient state, …", sorted by the recipients' keys */
char *
rig_describe_rights (Rig *self, GArray *rights)
{
  GString *text = g_string_new (NULL);

  g_array_sort (rights, compare_rights);
  for (guint i = 0; i < rights->len; i++)
    {
      const SbFileRight *right = &g_array_index (rights, SbFileRight, i);
      const char *name = g_hash_table_lookup (self->names, &right->recipient);

      g_string_append_printf (text, "%s%s %s", i == 0 ? "" : ", ", name,
                              sb_delivery_state_to_string (right->state));
    }
  return g_string_free (text, FALSE);
}

/* NULL when there is none. */
SbFileInfo *
rig_file (Rig *self, const char *name)
{
  g_autoptr (GError) error = NULL;
  SbFileInfo *info = sb_store_file (self->store, name, &error);

  if (info == NULL)
    g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
  else
    g_assert_no_error (error);
  return info;
}

void
expect_file (Rig *self, const char *name, const char *text)
{
  g_autoptr (SbFileInfo) info = rig_file (self, name);
  g_autoptr (SbFile) file = make_file (name);
  g_autofree char *rights = NULL;

  if (text == NULL)
    {
      g_assert_null (info);
      return;
    }
  g_assert_nonnull (info);
  assert_file_equal (info->file, file);
  g_assert_nonnull (info->rights);
  rights = rig_describe_rights (self, info->rights);
  g_assert_cmpstr (rights, ==, text);
}

/* All files, page by page; they come in order of their ids. */
GPtrArray *
rig_list_files (Rig *self, guint limit)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) sb_file_info_free);
  g_autofree char *after = g_strdup ("");
  guint n;

  do
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) page = sb_store_files (self->store, after, limit, &error);

      g_assert_no_error (error);
      g_assert_nonnull (page);
      g_assert_cmpuint (page->len, <=, limit);
      n = page->len;
      for (guint i = 0; i < n; i++)
        {
          SbFileInfo *info = g_steal_pointer (&page->pdata[i]);

          g_assert_cmpstr (info->file->id, >, after);
          g_assert_null (info->rights);
          g_free (after);
          after = g_strdup (info->file->id);
          g_ptr_array_add (all, info);
        }
    }
  while (n == limit);
  return all;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

void
expect_files (Rig *self, const char *names)
{
  g_autoptr (GPtrArray) rows = rig_list_files (self, 2);
  g_autoptr (GPtrArray) listed = g_ptr_array_new ();
  g_autofree char *joined = NULL;
  guint64 bytes = 0;

  for (guint i = 0; i < rows->len; i++)
    {
      const SbFileInfo *info = g_ptr_array_index (rows, i);

      g_ptr_array_add (listed, (gpointer) info->file->name);
      bytes += info->file->size;
    }
  g_ptr_array_sort (listed, compare_names);
  g_ptr_array_add (listed, NULL);
  joined = g_strjoinv (" ", (char **) listed->pdata);
  g_assert_cmpstr (joined, ==, names);
  g_assert_cmpuint (rig_stats (self).files, ==, rows->len);
  g_assert_cmpuint (rig_stats (self).file_bytes, ==, bytes);
}

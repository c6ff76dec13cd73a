/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-uploads: files that come in pieces, as the bus sees them. */

#include "sb-bus-private.h"
#include "sb-error.h"
#include "sb-test-bus.h"
#include "sb-test-log.h"
#include "sb-uploads-private.h"

#include <string.h>

#define SECOND SB_TEST_SECOND
#define JSON "{\"_id\":\"doc\",\"to\":\"@anna\",\"message\":1}"

typedef struct
{
  SbTestBus *t; /* (owned) */
} Fixture;

static void
set_up (Fixture *f, gconstpointer config)
{
  f->t = sb_test_bus_new_with_vault (config != NULL ? config : "");
  sb_test_bus_add_user (f->t, "s", "", FALSE);
  sb_test_bus_add_user (f->t, "anna", "", FALSE);
  sb_test_bus_add_user (f->t, "root", "", TRUE);
}

static void
tear_down (Fixture *f, gconstpointer config)
{
  sb_test_bus_free (f->t);
  sb_test_log_assert_expected ();
}

/* Calls */

typedef struct
{
  GAsyncResult *result; /* (owned) */
  gboolean done;
} Call;

static void
note_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Call *call = user_data;

  call->result = g_object_ref (result);
  call->done = TRUE;
}

static SbUpload *
create (Fixture *f, const char *json, guint64 length, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (json, strlen (json));
  g_autoptr (GObject) result = NULL;
  Call call = { 0 };

  sb_bus_create_upload_async (f->t->bus, sb_test_bus_find (f->t, "s"), length, "a.txt", bytes, NULL,
                              note_result, &call);
  sb_test_wait_flag (&call.done, "the upload");
  result = G_OBJECT (call.result);
  return sb_bus_create_upload_finish (f->t->bus, call.result, error);
}

/* Returns: how far it is; -1 with @error. */
static gint64
claim (SbUpload *upload, guint *number, GError **error)
{
  g_autoptr (GObject) result = NULL;
  Call call = { 0 };
  guint64 offset;

  sb_upload_claim_async (upload, note_result, &call);
  sb_test_wait_flag (&call.done, "the claim");
  result = G_OBJECT (call.result);
  return sb_upload_claim_finish (upload, call.result, number, &offset, error) ? (gint64) offset
                                                                              : -1;
}

static gint64
end (SbUpload *upload, guint number, gboolean is_whole, GError **error)
{
  g_autoptr (GObject) result = NULL;
  Call call = { 0 };
  guint64 offset;

  sb_upload_end_async (upload, number, is_whole, note_result, &call);
  sb_test_wait_flag (&call.done, "the end");
  result = G_OBJECT (call.result);
  return sb_upload_end_finish (upload, call.result, &offset, error) ? (gint64) offset : -1;
}

static void
write_text (SbUpload *upload, guint number, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  sb_upload_write (upload, number, bytes);
}

/* A whole piece, at the place where the upload is. */
static gint64
send_piece (SbUpload *upload, const char *text, GError **error)
{
  guint number = 0;
  gint64 offset = claim (upload, &number, error);

  if (offset < 0
      || !sb_upload_begin (upload, number, (guint64) offset, SB_CHECKSUM_NONE, NULL, NULL, NULL,
                           error))
    return -1;
  write_text (upload, number, text);
  return end (upload, number, TRUE, error);
}

static char *
send_whole (Fixture *f, const char *json, const char *text, GError **error)
{
  g_autoptr (SbUpload) upload = create (f, json, strlen (text), error);

  if (upload == NULL || send_piece (upload, text, error) < 0)
    return NULL;
  return g_strdup (sb_upload_get_message_id (upload));
}

/* Until what the bus does with it by itself is over. */
static void
wait_idle (SbUpload *upload)
{
  while (upload->current != NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* Tests */

static void
test_has_an_id_from_the_beginning (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = send_whole (f, "{\"to\":\"@anna\",\"message\":1}", "0123", &error);
  g_autofree char *again = NULL;
  g_autofree char *json = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (strlen (id), ==, 32);
  json = g_strdup_printf ("{\"_id\":\"%s\",\"to\":\"@anna\",\"message\":1}", id);
  again = send_whole (f, json, "0123", &error);
  g_assert_null (again);
  g_assert_error (error, SB_ERROR, SB_ERROR_CONFLICT);
}

static void
test_ignores_who_lost_the_claim (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbUpload) upload = create (f, JSON, 8, &error);
  guint older = 0, younger = 0;

  g_assert_cmpint (claim (upload, &older, NULL), ==, 0);
  g_assert_true (sb_upload_begin (upload, older, 0, SB_CHECKSUM_NONE, NULL, NULL, NULL, NULL));
  write_text (upload, older, "0123");
  g_assert_cmpint (claim (upload, &younger, NULL), ==, 4);
  write_text (upload, older, "xxxx");
  g_assert_true (sb_upload_has_failed (upload, older));
  g_assert_cmpint (end (upload, older, TRUE, &error), ==, -1);
  g_assert_error (error, SB_ERROR, SB_ERROR_CONFLICT);
  g_clear_error (&error);
  g_assert_cmpint (send_piece (upload, "4567", &error), ==, 8);
  g_assert_no_error (error);
}

static void
test_takes_no_more_than_its_length (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbUpload) upload = create (f, JSON, 3, &error);

  g_assert_cmpint (send_piece (upload, "0123", &error), ==, -1);
  g_assert_error (error, SB_ERROR, SB_ERROR_TOO_LARGE);
  g_clear_error (&error);
  g_assert_cmpint (send_piece (upload, "012", &error), ==, 3);
  g_assert_no_error (error);
}

static void
test_goes_on_after_a_restart (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  SbUpload *upload = create (f, JSON, 8, &error);
  g_autofree char *id = g_strdup (sb_upload_get_id (upload));
  g_autoptr (SbUpload) found = NULL;

  g_assert_cmpint (send_piece (upload, "0123", &error), ==, 4);
  sb_upload_unref (upload);
  sb_test_bus_restart (f->t);
  found = sb_bus_find_upload (f->t->bus, sb_test_bus_find (f->t, "s"), id, &error);
  g_assert_no_error (error);
  g_assert_cmpint (send_piece (found, "4567", &error), ==, 8);
  g_assert_no_error (error);
}

static void
test_can_be_announced_when_the_queue_has_room (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbUpload) upload = create (f, JSON, 4, &error);
  SbSession *session;
  SbTestPath *path;
  guint number = 0;

  /* The only place of the queue is taken. */
  sb_test_log_expect ("nearly full");
  sb_test_bus_send (f->t, "s", "before", "@anna");
  sb_test_bus_pass (f->t, 10 * SB_TEST_SECOND);
  g_assert_cmpint (send_piece (upload, "0123", &error), ==, -1);
  g_assert_error (error, SB_ERROR, SB_ERROR_FULL);
  g_clear_error (&error);
  path = sb_test_path_new ();
  session = sb_test_bus_open (f->t, "anna", path, 0);
  sb_session_confirm (session, "before");
  sb_test_bus_settle (f->t);
  g_assert_cmpint (claim (upload, &number, &error), ==, 4);
  g_assert_no_error (error);
  sb_session_close (session);
  g_object_unref (path);
}

static void
test_expires (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SbUpload) upload = create (f, JSON, 8, &error);
  SbUser *sender = sb_test_bus_find (f->t, "s");

  sb_test_bus_pass (f->t, 50 * SECOND);
  g_assert_cmpint (send_piece (upload, "0123", &error), ==, 4);
  /* Whatever comes, it has as long again. */
  sb_test_bus_pass (f->t, 50 * SECOND);
  g_assert_cmpint (send_piece (upload, "45", &error), ==, 6);
  sb_test_bus_pass (f->t, 61 * SECOND);
  wait_idle (upload);
  g_assert_null (sb_bus_find_upload (f->t->bus, sender, sb_upload_get_id (upload), &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpint (send_piece (upload, "67", &error), ==, -1);
  g_assert_error (error, SB_ERROR, SB_ERROR_NOT_FOUND);
}

static void
test_bounds_how_many_are_open (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 256; i++)
    {
      g_autofree char *json = g_strdup_printf ("{\"_id\":\"m%u\",\"to\":\"@anna\",\"message\":1}",
                                               i);
      g_autoptr (SbUpload) upload = create (f, json, 8, &error);

      g_assert_no_error (error);
    }
  g_assert_null (create (f, JSON, 8, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_FULL);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  sb_test_log_init ();
#define ADD(name, func, config) \
  g_test_add ("/uploads/" name, Fixture, config, set_up, func, tear_down)
  ADD ("has-an-id-from-the-beginning", test_has_an_id_from_the_beginning, NULL);
  ADD ("ignores-who-lost-the-claim", test_ignores_who_lost_the_claim, NULL);
  ADD ("takes-no-more-than-its-length", test_takes_no_more_than_its_length, NULL);
  ADD ("goes-on-after-a-restart", test_goes_on_after_a_restart, NULL);
  ADD ("can-be-announced-when-the-queue-has-room", test_can_be_announced_when_the_queue_has_room,
       "max-queue=1");
  ADD ("expires", test_expires, "upload-ttl=60");
  ADD ("bounds-how-many-are-open", test_bounds_how_many_are_open, NULL);
#undef ADD
  return g_test_run ();
}

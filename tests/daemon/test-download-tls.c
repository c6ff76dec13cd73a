/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-download-tls: files over TLS, where the main loop writes what the threads read. */

#include "sb-test-file.h"
#include "sb-test-site.h"
#include "sb-test.h"

#include <string.h>

#define MEBI (1024 * 1024)

/* LeakSanitizer falls over the TLS module that GIO has closed and opened again. This is for the
 * test alone: the daemon is looked at. */
int __lsan_is_turned_off (void);

int
__lsan_is_turned_off (void)
{
  return 1;
}

static void
make_certificate (const char *certificate, const char *key)
{
  const char *const line[] = { "openssl",
                               "req",
                               "-x509",
                               "-newkey",
                               "ec",
                               "-pkeyopt",
                               "ec_paramgen_curve:prime256v1",
                               "-nodes",
                               "-days",
                               "2",
                               "-subj",
                               "/CN=bus.example",
                               "-out",
                               certificate,
                               "-keyout",
                               key,
                               NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      line, G_SUBPROCESS_FLAGS_STDERR_SILENCE | G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error);

  g_assert_no_error (error);
  g_assert_true (g_subprocess_wait_check (process, NULL, &error));
  g_assert_no_error (error);
}

typedef struct
{
  SbTestDaemon *daemon; /* (owned) */
  SbTestHttp *admin;    /* (owned): asks and gives */
  char *data;           /* (owned) */
  gsize length;
  char *path; /* (owned) */
} Fixture;

/* The admin signs up over TLS, and sends itself a file. */
static Fixture *
fixture_new (gsize length)
{
  static const char *const form[] = { "Content-Type", "application/x-www-form-urlencoded", NULL };
  Fixture *self = g_new0 (Fixture, 1);
  g_autofree char *certificate = NULL;
  g_autofree char *key = NULL;
  g_autoptr (SbTestAnswer) answer = NULL;

  self->daemon = sb_test_daemon_new ();
  certificate = g_build_filename (sb_test_daemon_get_dir (self->daemon), "cert.pem", NULL);
  key = g_build_filename (sb_test_daemon_get_dir (self->daemon), "key.pem", NULL);
  make_certificate (certificate, key);
  sb_test_daemon_set (self->daemon, "transport-soup.tls-certificate=%s", certificate);
  sb_test_daemon_set (self->daemon, "transport-soup.tls-key=%s", key);
  sb_test_daemon_start (self->daemon);
  self->admin = sb_test_http_for (self->daemon, SB_TEST_ADMIN, SB_TEST_ADMIN_PASSWORD);
  sb_test_http_use_tls (self->admin);
  answer = sb_test_http_send (self->admin, "POST", "/signup", form,
                              "name=" SB_TEST_ADMIN "&password=" SB_TEST_ADMIN_PASSWORD, -1);
  sb_test_assert_status (answer, 302);
  self->length = length;
  self->data = sb_test_make_bytes (length, 1);
  self->path = sb_test_put_file (self->admin, "{\"to\":\"@" SB_TEST_ADMIN "\",\"message\":1}", "x",
                                 self->data, length);
  return self;
}

static void
fixture_free (Fixture *self)
{
  sb_test_http_free (self->admin);
  sb_test_daemon_free (self->daemon);
  g_free (self->data);
  g_free (self->path);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

static void
assert_bytes (SbTestAnswer *answer, const char *data, gsize length)
{
  g_assert_cmpuint (answer->length, ==, length);
  g_assert_true (memcmp (answer->body, data, length) == 0);
}

static void
gives_the_bytes_that_were_sent (void)
{
  static const gsize lengths[] = { 0, 1, 131072, 131073, 5 * MEBI + 3 };

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (Fixture) file = fixture_new (lengths[i]);
      g_autoptr (SbTestAnswer) answer = sb_test_download (file->admin, file->path, NULL);

      sb_test_assert_status (answer, 200);
      assert_bytes (answer, file->data, file->length);
    }
}

static void
gives_ranges (void)
{
  g_autoptr (Fixture) file = fixture_new (MEBI);
  g_autoptr (SbTestAnswer) part = sb_test_download (file->admin, file->path, "bytes=1000-500000");
  g_autoptr (SbTestAnswer) parts = sb_test_download (file->admin, file->path, "bytes=0-9,-9");

  sb_test_assert_status (part, 206);
  assert_bytes (part, file->data + 1000, 499001);
  sb_test_assert_status (parts, 206);
  g_assert_nonnull (strstr (parts->body, "Content-Range: bytes 1048567-1048575/1048576"));
}

static void
serves_many_at_once (void)
{
  g_autoptr (Fixture) file = fixture_new (3 * MEBI);
  SbTestExchange *exchanges[20];

  for (guint i = 0; i < G_N_ELEMENTS (exchanges); i++)
    exchanges[i] = sb_test_http_begin (file->admin, "GET", file->path, NULL, NULL, 0);
  for (guint i = 0; i < G_N_ELEMENTS (exchanges); i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_end (exchanges[i]);

      assert_bytes (answer, file->data, file->length);
    }
}

static void
lets_go_of_clients_that_hang_up (void)
{
  g_autoptr (Fixture) file = fixture_new (3 * MEBI);

  for (guint i = 0; i < 20; i++)
    {
      SbTestExchange *exchange = sb_test_http_begin (file->admin, "GET", file->path, NULL, NULL, 0);

      for (guint j = 0; j < 10 * i; j++)
        g_main_context_iteration (NULL, FALSE);
      sb_test_http_abandon (exchange);
    }
  g_assert_cmpuint (sb_test_release (file->admin, file->path), ==, 200);
}

/* Its manifest, the file and its end; what is whole is tested without TLS. */
static void
assert_backup (SbTestAnswer *answer, const Fixture *file)
{
  sb_test_assert_status (answer, 200);
  g_assert_true (g_str_has_prefix (answer->body, "manifest.json"));
  g_assert_nonnull (memmem (answer->body, answer->length, file->data, file->length));
  g_assert_nonnull (memmem (answer->body, answer->length, "\"damaged\":[]", 12));
}

static void
gives_backups (void)
{
  static const gsize lengths[] = { 1, 131072, 3 * MEBI + 3 };

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (Fixture) file = fixture_new (lengths[i]);
      g_autoptr (SbTestAnswer) answer = sb_test_http_get (file->admin, "/api/v1/backup");

      assert_backup (answer, file);
    }
}

static gboolean
has_room_for_another (gpointer user_data)
{
  g_autoptr (SbTestAnswer) answer = sb_test_http_get (((Fixture *) user_data)->admin,
                                                      "/api/v1/backup");

  if (answer->status == 200)
    assert_backup (answer, user_data);
  else
    sb_test_assert_status (answer, 409);
  return answer->status == 200;
}

static void
lets_go_of_backups_whose_clients_hang_up (void)
{
  g_autoptr (Fixture) file = fixture_new (3 * MEBI);

  for (guint i = 0; i < 20; i++)
    {
      SbTestExchange *exchange = sb_test_http_begin (file->admin, "GET", "/api/v1/backup", NULL,
                                                     NULL, 0);

      for (guint j = 0; j < 5 * i; j++)
        g_main_context_iteration (NULL, FALSE);
      sb_test_http_abandon (exchange);
    }
  sb_test_poll_for (has_room_for_another, file, "a backup");
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/download-tls/gives-the-bytes-that-were-sent", gives_the_bytes_that_were_sent);
  g_test_add_func ("/download-tls/gives-ranges", gives_ranges);
  g_test_add_func ("/download-tls/serves-many-at-once", serves_many_at_once);
  g_test_add_func ("/download-tls/lets-go-of-clients-that-hang-up",
                   lets_go_of_clients_that_hang_up);
  g_test_add_func ("/download-tls/gives-backups", gives_backups);
  g_test_add_func ("/download-tls/lets-go-of-backups-whose-clients-hang-up",
                   lets_go_of_backups_whose_clients_hang_up);
  return g_test_run ();
}

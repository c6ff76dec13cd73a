/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-outbound-crowd: a thousand recipients, half of which are dead. */

#include "hostile.h"
#include "sb-test-recipient.h"

#include <arpa/inet.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_MESSAGES 10

/* Users h0, h1, … by turns at three ports; the passwords are user4's. */
#define ADD_USERS                                                                               \
  "INSERT INTO user (id, password_hash, tags, connection_properties, admin, created)"           \
  " WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %u)"          \
  " SELECT 'h' || i, password_hash, tags, '{\"url\":\"http://127.0.0.1:' ||"                    \
  " CASE i %% 4 WHEN 0 THEN %u WHEN 1 THEN %u ELSE %u END || '/' || i || '\"}', admin, created" \
  " FROM user, n WHERE id = 'user4'"

static void
add_users (Hostile *hostile, guint n, guint16 silent, guint16 refusing, guint16 live)
{
  g_autofree char *path = g_build_filename (sb_test_daemon_get_data_dir (hostile->daemon),
                                            "simplebus.db", NULL);
  g_autofree char *sql = g_strdup_printf (ADD_USERS, n, silent, refusing, live);
  sqlite3 *db;

  sb_test_daemon_terminate (hostile->daemon);
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_close (db), ==, SQLITE_OK);
  sb_test_daemon_restart (hostile->daemon, TRUE);
}

/* A port that nobody listens at, and nobody else gets. */
static int
reserve_port (guint16 *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl (INADDR_LOOPBACK) } };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_no_errno (bind (fd, (struct sockaddr *) &address, sizeof address));
  g_assert_no_errno (getsockname (fd, (struct sockaddr *) &address, &length));
  *port = ntohs (address.sin_port);
  return fd;
}

static void
send_to_all (Hostile *hostile, guint n)
{
  g_autoptr (GString) to = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (to, "%s\"@h%u\"", i > 0 ? "," : "", i);
  for (guint i = 0; i < N_MESSAGES; i++)
    {
      g_autoptr (SbTestAnswer) answer = sb_test_http_postf (hostile->admin, "/put",
                                                            "{\"to\":[%s],\"message\":1}", to->str);

      sb_test_assert_status (answer, 200);
    }
}

static void
dead_ones_do_not_delay_the_others (void)
{
  const guint n = sb_test_daemon_is_instrumented () ? 100 : 1000;
  g_autoptr (Hostile) hostile = hostile_new ("bus.deliveries=http");
  g_autoptr (SbTestRecipient) live = sb_test_recipient_new ();
  g_autoptr (SbTestRecipient) silent = sb_test_recipient_new ();
  guint16 refusing;
  int fd = reserve_port (&refusing);

  for (guint i = 0; i < n / 4; i++)
    sb_test_recipient_script (silent, "", SB_TEST_THEN_HOLD);
  add_users (hostile, n, sb_test_recipient_get_port (silent), refusing,
             sb_test_recipient_get_port (live));
  send_to_all (hostile, n);
  sb_test_recipient_wait (live, n / 2 * N_MESSAGES);
  sb_test_recipient_wait (silent, n / 4);
  g_assert_cmpuint (sb_test_recipient_get_n (live), ==, n / 2 * N_MESSAGES);
  g_assert_cmpuint (sb_test_recipient_get_n (silent), ==, n / 4);
  g_assert_cmpuint (sb_test_recipient_get_n_opened (live), ==, n / 2);
  close (fd);
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/outbound-crowd/dead-ones-do-not-delay-the-others",
                   dead_ones_do_not_delay_the_others);
  return g_test_run ();
}

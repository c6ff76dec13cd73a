/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-notify: the service manager is played by a socket of the test. Passed
 * descriptors are received by a process of their own (`test-notify --receive`),
 * because they have fixed numbers and are for one process id.
 */

#include "sb-notify.h"

#include "sb-names.h"
#include "sb-test.h"

#include <fcntl.h>
#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  GSocket *socket; /* (owned) */
  SbTestDir *dir;  /* (owned) (nullable): where it lies, if it is not abstract */
  int dir_fd;      /* (owned) with @dir only */
} Manager;

static void
bind_manager (Manager *manager, const char *name, GUnixSocketAddressType type)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketAddress) address = g_unix_socket_address_new_with_type (name, -1, type);
  g_autofree char *variable = NULL;

  manager->socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_DATAGRAM,
                                  G_SOCKET_PROTOCOL_DEFAULT, &error);
  g_assert_no_error (error);
  g_socket_bind (manager->socket, address, FALSE, &error);
  g_assert_no_error (error);
  variable = g_strconcat (type == G_UNIX_SOCKET_ADDRESS_ABSTRACT ? "@" : "", name, NULL);
  g_setenv (SB_ENV_NOTIFY_SOCKET, variable, TRUE);
}

static void
set_up (Manager *manager, gconstpointer data)
{
  g_autofree char *path = NULL;

  manager->dir = sb_test_make_dir ();
  manager->dir_fd = g_open (manager->dir, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  g_assert_no_errno (manager->dir_fd);
  /* The folder's own path may be too long for the address of a socket. */
  path = g_strdup_printf ("/proc/self/fd/%d/notify", manager->dir_fd);
  bind_manager (manager, path, G_UNIX_SOCKET_ADDRESS_PATH);
}

static void
set_up_abstract (Manager *manager, gconstpointer data)
{
  g_autofree char *uuid = g_uuid_string_random ();

  bind_manager (manager, uuid, G_UNIX_SOCKET_ADDRESS_ABSTRACT);
}

static void
tear_down (Manager *manager, gconstpointer data)
{
  g_object_unref (manager->socket);
  if (manager->dir != NULL)
    close (manager->dir_fd);
  g_clear_pointer (&manager->dir, sb_test_remove_dir);
  g_unsetenv (SB_ENV_NOTIFY_SOCKET);
  g_unsetenv (SB_ENV_WATCHDOG_USEC);
  g_unsetenv (SB_ENV_WATCHDOG_PID);
}

static void
assert_told (Manager *manager, const char *expected)
{
  g_autoptr (GError) error = NULL;
  char buffer[1024];
  gssize length;

  g_socket_set_timeout (manager->socket, 60);
  length = g_socket_receive (manager->socket, buffer, sizeof buffer - 1, NULL, &error);
  g_assert_no_error (error);
  buffer[length] = '\0';
  g_assert_cmpstr (buffer, ==, expected);
}

/* With a time that is now. */
static void
assert_told_reloading (Manager *manager)
{
  char buffer[1024];
  gssize length = g_socket_receive (manager->socket, buffer, sizeof buffer - 1, NULL, NULL);
  const char *time;

  g_assert_cmpint (length, >, 0);
  buffer[length] = '\0';
  g_assert_true (g_str_has_prefix (buffer, "RELOADING=1\nMONOTONIC_USEC="));
  time = strrchr (buffer, '=') + 1;
  g_assert_cmpint (g_ascii_strtoll (time, NULL, 10), <=, g_get_monotonic_time ());
  g_assert_cmpint (g_ascii_strtoll (time, NULL, 10), >,
                   g_get_monotonic_time () - 60 * G_USEC_PER_SEC);
}

static void
the_manager_is_told (Manager *manager, gconstpointer data)
{
  g_assert_true (sb_notify_ready ("http 2555, websocket 8000"));
  assert_told (manager, "READY=1\nSTATUS=http 2555, websocket 8000");
  g_assert_true (sb_notify_ready (NULL));
  assert_told (manager, "READY=1");
  g_assert_true (sb_notify_reloading ());
  assert_told_reloading (manager);
  g_assert_true (sb_notify_status ("%d messages left", 5));
  assert_told (manager, "STATUS=5 messages left");
  g_assert_true (sb_notify_stopping ());
  assert_told (manager, "STOPPING=1");
}

static void
a_status_cannot_smuggle_in_an_assignment (Manager *manager, gconstpointer data)
{
  g_assert_true (sb_notify_status ("%s", "a\nWATCHDOG=trigger"));
  assert_told (manager, "STATUS=a WATCHDOG=trigger");
}

static void
without_a_manager_nothing_happens (void)
{
  static const char *const addresses[] = { "", "/", "@", "relative", "/no/such/folder/socket" };
  g_autofree char *huge = g_strnfill (200, '/');

  g_unsetenv (SB_ENV_NOTIFY_SOCKET);
  g_assert_false (sb_notify_ready (NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (addresses); i++)
    {
      g_setenv (SB_ENV_NOTIFY_SOCKET, addresses[i], TRUE);
      g_assert_false (sb_notify_ready (NULL));
    }
  g_setenv (SB_ENV_NOTIFY_SOCKET, huge, TRUE);
  g_assert_false (sb_notify_ready (NULL));
  g_unsetenv (SB_ENV_NOTIFY_SOCKET);
}

static void
the_watchdog_wants_half_its_time (void)
{
  static const struct
  {
    const char *microseconds;
    guint ms;
  } cases[] = {
    { "30000000", 15000 },
    { "1", 1 },
    { "0", 0 },
    { "-1", 0 },
    { "soon", 0 },
    { "", 0 },
    { "9223372036854775807", G_MAXINT32 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_setenv (SB_ENV_WATCHDOG_USEC, cases[i].microseconds, TRUE);
      g_assert_cmpuint (sb_notify_watchdog_ms (), ==, cases[i].ms);
    }
  g_unsetenv (SB_ENV_WATCHDOG_USEC);
  g_assert_cmpuint (sb_notify_watchdog_ms (), ==, 0);
  g_assert_null (sb_notify_watchdog_start (NULL));
}

static void
the_watchdog_of_another_process_is_ignored (void)
{
  g_autofree char *own = g_strdup_printf ("%d", (int) getpid ());
  g_autofree char *other = g_strdup_printf ("%d", (int) getppid ());

  g_setenv (SB_ENV_WATCHDOG_USEC, "2000000", TRUE);
  g_setenv (SB_ENV_WATCHDOG_PID, other, TRUE);
  g_assert_cmpuint (sb_notify_watchdog_ms (), ==, 0);
  g_setenv (SB_ENV_WATCHDOG_PID, own, TRUE);
  g_assert_cmpuint (sb_notify_watchdog_ms (), ==, 1000);
  g_unsetenv (SB_ENV_WATCHDOG_PID);
  g_unsetenv (SB_ENV_WATCHDOG_USEC);
}

static gboolean
count_cb (GSocket *socket, GIOCondition condition, gpointer data)
{
  guint *pulses = data;
  char buffer[64] = { 0 };

  g_assert_cmpint (g_socket_receive (socket, buffer, sizeof buffer - 1, NULL, NULL), >, 0);
  g_assert_cmpstr (buffer, ==, "WATCHDOG=1");
  (*pulses)++;
  return G_SOURCE_CONTINUE;
}

static void
the_watchdog_pulses_while_the_loop_runs (Manager *manager, gconstpointer data)
{
  g_autoptr (GSource) watchdog = NULL;
  g_autoptr (GSource) listener = g_socket_create_source (manager->socket, G_IO_IN, NULL);
  guint pulses = 0;

  g_setenv (SB_ENV_WATCHDOG_USEC, "4000", TRUE);
  g_source_set_callback (listener, G_SOURCE_FUNC (count_cb), &pulses, NULL);
  g_source_attach (listener, NULL);
  watchdog = sb_notify_watchdog_start (NULL);
  g_assert_nonnull (watchdog);

  g_assert_cmpuint (pulses, ==, 0);
  sb_test_wait_count (&pulses, 3, "pulses of the watchdog");
  g_source_destroy (watchdog);
  g_source_destroy (listener);
}

/* The process that is passed descriptors: says what it makes of them. */
static int
receive (const char *pid)
{
  g_auto (GStrv) names = NULL;
  g_autofree char *own = g_strdup_printf ("%d", (int) getpid ());
  g_autoptr (GArray) fds = NULL;

  g_setenv (SB_ENV_LISTEN_PID, g_str_equal (pid, "own") ? own : pid, TRUE);
  fds = sb_notify_listen_fds (&names);
  for (guint i = 0; i < fds->len; i++)
    {
      int fd = g_array_index (fds, int, i);

      g_print ("%d %s%s\n", fd, names[i], fcntl (fd, F_GETFD) & FD_CLOEXEC ? "" : " inherited");
    }
  g_assert_null (names[fds->len]);
  g_assert_null (g_getenv (SB_ENV_LISTEN_FDS));
  g_assert_null (g_getenv (SB_ENV_LISTEN_PID));
  g_assert_null (g_getenv (SB_ENV_LISTEN_FDNAMES));
  return 0;
}

static void
assert_received (const char *pid, const char *count, const char *names, const char *expected)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autoptr (GSubprocess) child = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;

  g_subprocess_launcher_setenv (launcher, SB_ENV_LISTEN_FDS, count, TRUE);
  if (names != NULL)
    g_subprocess_launcher_setenv (launcher, SB_ENV_LISTEN_FDNAMES, names, TRUE);
  for (int target = 3; target < 5; target++)
    g_subprocess_launcher_take_fd (launcher, open ("/dev/null", O_RDONLY | O_CLOEXEC), target);
  child = g_subprocess_launcher_spawn (launcher, &error, self, "--receive", pid, NULL);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (child, NULL, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (child));
  g_assert_cmpstr (output, ==, expected);
}

static void
passed_sockets_are_taken_with_their_names (void)
{
  assert_received ("own", "2", "http:websocket", "3 http\n4 websocket\n");
  assert_received ("own", "2", "http", "3 http\n4 unknown\n");
  assert_received ("own", "2", NULL, "3 unknown\n4 unknown\n");
  assert_received ("own", "1", ":x", "3 unknown\n");
}

static void
what_was_not_passed_to_us_is_left_alone (void)
{
  assert_received ("1", "2", "http:websocket", "");
  assert_received ("nobody", "2", NULL, "");
  assert_received ("own", "0", NULL, "");
  assert_received ("own", "-1", NULL, "");
  assert_received ("own", "many", NULL, "");
  assert_received ("own", "4000000000", NULL, "");
}

int
main (int argc, char *argv[])
{
  if (argc == 3 && g_str_equal (argv[1], "--receive"))
    return receive (argv[2]);

  sb_test_init (&argc, &argv);
  g_test_add ("/notify/the-manager-is-told", Manager, NULL, set_up, the_manager_is_told, tear_down);
  g_test_add ("/notify/the-manager-is-told-over-an-abstract-socket", Manager, NULL, set_up_abstract,
              the_manager_is_told, tear_down);
  g_test_add ("/notify/a-status-cannot-smuggle-in-an-assignment", Manager, NULL, set_up,
              a_status_cannot_smuggle_in_an_assignment, tear_down);
  g_test_add_func ("/notify/without-a-manager-nothing-happens", without_a_manager_nothing_happens);
  g_test_add_func ("/notify/the-watchdog-wants-half-its-time", the_watchdog_wants_half_its_time);
  g_test_add_func ("/notify/the-watchdog-of-another-process-is-ignored",
                   the_watchdog_of_another_process_is_ignored);
  g_test_add ("/notify/the-watchdog-pulses-while-the-loop-runs", Manager, NULL, set_up,
              the_watchdog_pulses_while_the_loop_runs, tear_down);
  g_test_add_func ("/notify/passed-sockets-are-taken-with-their-names",
                   passed_sockets_are_taken_with_their_names);
  g_test_add_func ("/notify/what-was-not-passed-to-us-is-left-alone",
                   what_was_not_passed_to_us_is_left_alone);
  return g_test_run ();
}

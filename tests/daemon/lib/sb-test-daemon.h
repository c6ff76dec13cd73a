/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-daemon: a real simplebusd of the build tree in a temporary folder.
 *
 * It listens on free ports of 127.0.0.1. What it writes to stderr is collected,
 * and shown when the test fails. It never outlives the test, however that ends.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SbTestDaemon SbTestDaemon;

/* Iterates the default main context until @check says so; the test fails after the deadline. */
typedef gboolean (*SbTestCheck) (gpointer user_data);
void sb_test_wait_for (SbTestCheck check, gpointer user_data, const char *what);

/* A daemon that runs: sqlite, unless a setting GROUP.KEY=VALUE says otherwise. */
SbTestDaemon *sb_test_daemon_run (const char *setting, ...) G_GNUC_NULL_TERMINATED;

/* The same in steps. A later setting of a key wins over an earlier one. */
SbTestDaemon *sb_test_daemon_new (void);
void sb_test_daemon_set (SbTestDaemon *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
void sb_test_daemon_add_argument (SbTestDaemon *self, const char *argument);
void sb_test_daemon_setenv (SbTestDaemon *self, const char *name, const char *value);
/* The daemon loads the library at @path before all others. */
void sb_test_daemon_preload (SbTestDaemon *self, const char *path);
/* The daemon inherits @fd (which stays the caller's) as @target_fd. Start only once then. */
void sb_test_daemon_give_fd (SbTestDaemon *self, int fd, int target_fd);
/* Starts it and waits until it has printed its ports. */
void sb_test_daemon_start (SbTestDaemon *self);
/* Starts it without waiting. */
void sb_test_daemon_spawn (SbTestDaemon *self);
/* Waits until a spawned daemon has printed its ports. */
void sb_test_daemon_wait_ready (SbTestDaemon *self);
/* Starts what must refuse to start: its status must not be 0. Returns what it said on stderr. */
char *sb_test_daemon_start_refused (SbTestDaemon *self);

/* SIGKILL, and waits for the end. */
void sb_test_daemon_kill (SbTestDaemon *self);
/* SIGTERM, and waits for the end; its status must be 0. */
void sb_test_daemon_terminate (SbTestDaemon *self);
void sb_test_daemon_signal (SbTestDaemon *self, int signal);
/* Waits for an end that was asked for by a signal; its status must be 0. */
void sb_test_daemon_wait_stopped (SbTestDaemon *self);
/* Terminates it if it runs, and starts it on the same data folder. */
void sb_test_daemon_restart (SbTestDaemon *self, gboolean keep_ports);
/* Terminates it if it runs, and removes its folder. */
void sb_test_daemon_free (SbTestDaemon *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbTestDaemon, sb_test_daemon_free)

gboolean sb_test_daemon_is_running (SbTestDaemon *self);
guint16 sb_test_daemon_get_http_port (SbTestDaemon *self);
guint16 sb_test_daemon_get_ws_port (SbTestDaemon *self);
const char *sb_test_daemon_get_data_dir (SbTestDaemon *self);
/* A folder for other files of the test, beside the data folder; goes with the daemon. */
const char *sb_test_daemon_get_dir (SbTestDaemon *self);
GPid sb_test_daemon_get_pid (SbTestDaemon *self);
/* Resident memory in bytes. */
guint64 sb_test_daemon_get_rss (SbTestDaemon *self);
/* All that it has written to stderr so far, over restarts. */
char *sb_test_daemon_dup_log (SbTestDaemon *self);
/* Waits until stderr contains @text. For what can be seen nowhere else. */
void sb_test_daemon_wait_log (SbTestDaemon *self, const char *text);
/* Whether the daemon runs under valgrind or sanitizers: its memory and speed say nothing then. */
gboolean sb_test_daemon_is_instrumented (void);

G_END_DECLS

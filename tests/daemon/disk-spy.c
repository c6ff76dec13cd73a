/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * disk-spy: a library to be preloaded into simplebusd. It writes down, in order, what goes to the
 * database, what is flushed, and what goes to sockets; and it makes the disk fail on demand.
 *
 * A write and what is sent are noted before they happen, a flush after it has ended: the log never
 * makes the bus look more careful than it was.
 */

#include "disk-log.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

ssize_t pwrite64 (int fd, const void *data, size_t length, off64_t offset);
int ftruncate64 (int fd, off64_t length);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int log_fd = -1;
static const char *faults;

__attribute__ ((constructor)) static void
start (void)
{
  const char *path = getenv (DISK_ENV_LOG);

  faults = getenv (DISK_ENV_FAULTS);
  if (path != NULL)
    log_fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int
has_fault (const char *name)
{
  char path[PATH_MAX];

  if (faults == NULL)
    return 0;
  snprintf (path, sizeof path, "%s/%s", faults, name);
  return access (path, F_OK) == 0;
}

/* Returns: 0 for a file that nobody is interested in */
static uint32_t
identify (int fd)
{
  char link[64], path[PATH_MAX];
  ssize_t length;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  length = readlink (link, path, sizeof path - 1);
  if (length < 0)
    return 0;
  path[length] = '\0';
  if (length > 4 && strcmp (path + length - 4, "-wal") == 0)
    return DISK_WAL;
  return length > 3 && strcmp (path + length - 3, ".db") == 0 ? DISK_DATABASE : 0;
}

static void
note (uint32_t kind, uint32_t file, uint64_t offset, const void *data, uint64_t length)
{
  DiskRecord record = { kind, file, offset, length };
  struct iovec parts[2] = { { &record, sizeof record }, { (void *) data, length } };
  int saved = errno;

  if (log_fd < 0)
    return;
  pthread_mutex_lock (&lock);
  if (syscall (SYS_writev, log_fd, parts, data != NULL ? 2 : 1) < 0)
    abort ();
  pthread_mutex_unlock (&lock);
  errno = saved;
}

ssize_t
pwrite64 (int fd, const void *data, size_t length, off64_t offset)
{
  uint32_t file = identify (fd);

  if (file != 0 && has_fault (DISK_FAULT_FULL))
    {
      errno = ENOSPC;
      return -1;
    }
  if (file != 0)
    note (DISK_WRITE, file, (uint64_t) offset, data, length);
  return syscall (SYS_pwrite64, fd, data, length, offset);
}

int
ftruncate64 (int fd, off64_t length)
{
  uint32_t file = identify (fd);

  if (file != 0)
    note (DISK_TRUNCATE, file, (uint64_t) length, NULL, 0);
  return (int) syscall (SYS_ftruncate, fd, length);
}

int
fdatasync (int fd)
{
  uint32_t file = identify (fd);
  int result;

  if (file != 0 && has_fault (DISK_FAULT_FLUSH))
    {
      errno = EIO;
      return -1;
    }
  if (file != 0 && has_fault (DISK_FAULT_SLOW))
    syscall (SYS_nanosleep, &(struct timespec) { 0, DISK_SLOW_MS * 1000000L }, NULL);
  result = (int) syscall (SYS_fdatasync, fd);
  if (file != 0 && result == 0)
    note (DISK_FLUSH, file, 0, NULL, 0);
  return result;
}

ssize_t
send (int fd, const void *data, size_t length, int flags)
{
  note (DISK_SEND, 0, 0, data, length);
  return syscall (SYS_sendto, fd, data, length, flags, NULL, 0);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * no-links: a library to be preloaded. Its file systems have no links; with SB_TEST_NO_RENAME in
 * the environment they cannot be asked not to replace something either.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int renameat2 (int from_dir, const char *from, int to_dir, const char *to, unsigned int flags);

int
link (const char *from, const char *to)
{
  errno = EPERM;
  return -1;
}

int
renameat2 (int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
  if (getenv ("SB_TEST_NO_RENAME") != NULL && flags != 0)
    {
      errno = EINVAL;
      return -1;
    }
  return (int) syscall (SYS_renameat2, from_dir, from, to_dir, to, flags);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-fault: SIMPLEBUS_FAULT_POINT=NAME kills the process the first time it
 * comes to that place, NAME:3 the third time.
 */

#include "sb-fault.h"

#ifdef SB_FAULT_POINTS

#include "sb-names.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/**
 * sb_fault_point:
 * @name: of the place
 *
 * Dies here if a test wants it, as of SIGKILL. Any thread.
 */
void
sb_fault_point (const char *name)
{
  static int n_passed;
  const char *wanted = g_getenv (SB_ENV_FAULT_POINT);
  gsize length = strlen (name);
  guint64 nth = 1;

  if (wanted == NULL || strncmp (wanted, name, length) != 0
      || (wanted[length] != '\0' && wanted[length] != ':'))
    return;
  if (wanted[length] == ':')
    nth = g_ascii_strtoull (wanted + length + 1, NULL, 10);
  if ((guint64) g_atomic_int_add (&n_passed, 1) + 1 == nth)
    kill (getpid (), SIGKILL);
}

#endif

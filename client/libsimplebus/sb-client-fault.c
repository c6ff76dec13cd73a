/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-client-fault: SIMPLEBUS_CLIENT_FAULT_POINT=NAME kills the process the first time it comes to
 * that place, NAME:3 the third time. SIMPLEBUS_CLIENT_TIMES="NAME=MS NAME=MS" are other times than
 * the usual ones.
 */

#include "sb-client-fault.h"

#ifdef SB_FAULT_POINTS

#include <signal.h>
#include <string.h>
#include <unistd.h>

/**
 * sb_client_fault_point:
 * @name: of the place
 *
 * Dies here if a test wants it, as of SIGKILL. Any thread.
 */
void
sb_client_fault_point (const char *name)
{
  static int n_passed;
  const char *wanted = g_getenv ("SIMPLEBUS_CLIENT_FAULT_POINT");
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

/**
 * sb_client_fault_get_ms:
 * @name: of a time
 * @usual: milliseconds
 *
 * Returns: @usual, or what a test says instead
 */
guint
sb_client_fault_get_ms (const char *name, guint usual)
{
  const char *times = g_getenv ("SIMPLEBUS_CLIENT_TIMES");
  g_auto (GStrv) words = g_strsplit (times != NULL ? times : "", " ", -1);
  gsize length = strlen (name);

  for (char **word = words; *word != NULL; word++)
    if (strncmp (*word, name, length) == 0 && (*word)[length] == '=')
      return (guint) g_ascii_strtoull (*word + length + 1, NULL, 10);
  return usual;
}

#endif

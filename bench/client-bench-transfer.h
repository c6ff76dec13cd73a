/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* client-bench-transfer: a file that the library receives or sends. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  const char *url;
  const char *websocket_url;
  const char *password;
  const char *folder; /* for all that the client keeps; it is on the disk that is measured */
  const char *path;   /* of the file that is sent; %NULL: one is received */
  int pid;            /* of the bus */
} SbClientBenchTransfer;

/* Prints a line, or ends the program. */
void sb_client_bench_transfer (const SbClientBenchTransfer *options);

G_END_DECLS

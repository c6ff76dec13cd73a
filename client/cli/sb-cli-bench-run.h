/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-bench-run: two users of a bus who send each other messages and files, and look at the
 * clock. Both are in this process, so there is one clock.
 */
#pragma once

#include "sb-cli.h"

G_BEGIN_DECLS

/**
 * SbCliBenchUser:
 *
 * Who takes part.
 */
typedef struct
{
  char *id;       /* (owned) */
  char *password; /* (owned) wiped */
} SbCliBenchUser;

/**
 * SbCliBenchPlan:
 * @seconds: how long each part with messages takes
 * @rate: messages a second at most, while it is measured how many there can be; 0: no bound
 * @message_size: bytes of a payload
 * @file_size: bytes of the file; 0: none
 *
 * What is measured.
 */
typedef struct
{
  guint seconds;
  guint rate;
  guint message_size;
  gint64 file_size;
} SbCliBenchPlan;

/* Milliseconds. */
typedef struct
{
  double median;
  double p99;
  double slowest;
} SbCliBenchTimes;

/**
 * SbCliBenchResult:
 * @n_single: messages of the first part, one at a time
 * @accepted: until the bus answered for them
 * @delivered: until they arrived
 * @n_stream: messages of the second part
 * @accepted_rate: of them, a second
 * @delivered_rate: likewise
 * @up_rate: of the file, bytes a second; 0: not measured
 * @down_rate: likewise
 *
 * What was measured.
 */
typedef struct
{
  guint n_single;
  SbCliBenchTimes accepted;
  SbCliBenchTimes delivered;
  guint n_stream;
  double accepted_rate;
  double delivered_rate;
  double up_rate;
  double down_rate;
} SbCliBenchResult;

/* @template: a client of that bus; @is_stopped: somebody wants it to end. Returns: whether all was
 * measured */
gboolean sb_cli_bench_run (SbClient *template, const SbCliBenchUser *sender,
                           const SbCliBenchUser *recipient, const SbCliBenchPlan *plan,
                           const gboolean *is_stopped, SbCliBenchResult *result, GError **error);

G_END_DECLS

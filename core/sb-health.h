/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-health: checks that an operator understands: what is wrong, and what to do about it. The bus
 * makes those that it knows of, a transport adds its own.
 */
#pragma once

#include "sb-bus.h"

G_BEGIN_DECLS

/**
 * SbHealthStatus:
 * @SB_HEALTH_OK: as it should be
 * @SB_HEALTH_WARNING: it works, and should be looked at
 * @SB_HEALTH_ERROR: something does not work
 */
typedef enum
{
  SB_HEALTH_OK,
  SB_HEALTH_WARNING,
  SB_HEALTH_ERROR,
} SbHealthStatus;

/**
 * SbHealthCheck:
 * @name: one word, which programs may know
 * @status: how it came out
 * @detail: what was found, one sentence for people
 * @advice: (nullable): what to do
 */
typedef struct
{
  const char *name;
  SbHealthStatus status;
  char *detail; /* (owned) */
  const char *advice;
} SbHealthCheck;

GPtrArray *sb_health_new (void);
void sb_health_add (GPtrArray *checks, const char *name, SbHealthStatus status, const char *advice,
                    const char *format, ...) G_GNUC_PRINTF (5, 6);
SbHealthStatus sb_health_get_worst (const GPtrArray *checks);
const char *sb_health_status_to_string (SbHealthStatus status);

void sb_bus_check_health (SbBus *self, GPtrArray *checks);

G_END_DECLS

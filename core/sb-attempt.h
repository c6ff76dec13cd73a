/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-attempt: one attempt to deliver a message over a path that the bus made
 * itself, and the log of those that failed, as people get to see it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A log keeps the last so many attempts … */
#define SB_ATTEMPT_LOG_MAX 10

/* … and of each answer its first bytes. */
#define SB_ATTEMPT_TEXT_MAX 1024

/**
 * SbAttempt:
 * @started: when it began, wall clock, microseconds
 * @latency: how long it took, microseconds
 * @status: what the recipient answered, a number of its protocol (HTTP: 500); 0: no answer
 * @text: (nullable): why it failed, or the first bytes of the answer, in any encoding
 * @length: of @text, bytes
 */
typedef struct
{
  gint64 started;
  gint64 latency;
  guint status;
  const char *text;
  gsize length;
} SbAttempt;

char *sb_attempt_to_json (const SbAttempt *self);
char *sb_attempt_log_add (const char *log, const SbAttempt *attempt);
char *sb_attempt_log_dup_last (const char *log);
void sb_attempt_log_append_json (GString *json, const char *log);

G_END_DECLS

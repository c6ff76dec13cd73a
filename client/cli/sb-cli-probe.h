/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-probe: looks at the way from here to the bus, a step at a time, so that it is known which
 * of them fails. Nobody logs in, and no session is taken over.
 */
#pragma once

#include "sb-cli-checkup.h"
#include "sb-cli-settings.h"

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* What does not answer in so many seconds does not answer. */
#define SB_CLI_PROBE_TIMEOUT 10

/**
 * SbCliProbe:
 * @checkup: where findings go
 * @settings: of the bus
 * @session: makes requests as a client does
 * @certificate: (nullable): what the last server over TLS showed
 * @faults: what is wrong with it
 * @has_clock: whether @clock_offset is known
 * @clock_offset: how many seconds the clock over there is before ours, give or take half of one
 *
 * What is known of the way so far.
 */
typedef struct
{
  SbCliCheckup *checkup;         /* (unowned) */
  const SbCliSettings *settings; /* (unowned) */
  SoupSession *session;          /* (owned) */
  GTlsCertificate *certificate;  /* (owned) (nullable) */
  GTlsCertificateFlags faults;
  gboolean has_clock;
  double clock_offset;
} SbCliProbe;

/* Returns: (transfer full) (nullable): %NULL with what is wrong with the settings */
SbCliProbe *sb_cli_probe_new (SbCliCheckup *checkup, const SbCliSettings *settings, GError **error);
void sb_cli_probe_free (SbCliProbe *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliProbe, sb_cli_probe_free)

void sb_cli_probe_check_name (SbCliProbe *self);
/* Returns: whether a bus answers */
gboolean sb_cli_probe_check_http (SbCliProbe *self);
void sb_cli_probe_check_round_trip (SbCliProbe *self);
/* sb-cli-probe-websocket.c */
void sb_cli_probe_check_websocket (SbCliProbe *self, const char *url);

/* For its parts: says why there was no answer. */
void sb_cli_probe_add_failure (SbCliProbe *self, const char *name, const char *url,
                               const GError *error);
/* Makes a request that notes the certificate. Returns: (transfer full) (nullable) */
SoupMessage *sb_cli_probe_new_message (SbCliProbe *self, const char *url);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-load-run: one measurement: its options, its clients, and what was counted.
 *
 * A client is a connection with a role and a protocol. The protocol tells the run what happened
 * (ready, accepted, delivered) and writes messages when asked; scenarios decide when to ask.
 */
#pragma once

#include "sb-load-histogram.h"
#include "sb-load-loop.h"

G_BEGIN_DECLS

typedef struct _SbLoadRun SbLoadRun;
typedef struct _SbLoadClient SbLoadClient;

/* Sequence numbers are counted per publisher; this one stands for the sender of `$all`. */
#define SB_LOAD_BROADCASTER_INDEX 0xffff

typedef enum
{
  SB_LOAD_RECIPIENT,   /* user sub<index>: confirms what it gets */
  SB_LOAD_PUBLISHER,   /* user pub<index> */
  SB_LOAD_BROADCASTER, /* user all0: sends to `$all` */
  SB_LOAD_SESSION,     /* user idle<index>: logs in and listens */
} SbLoadRole;

/**
 * SbLoadProtocol:
 * @opened: the client's connection is up; it logs in
 * @input: as in #SbLoadEvents
 * @publish: writes one message around a payload
 */
typedef struct
{
  const char *name;
  void (*opened) (SbLoadClient *client);
  gsize (*input) (SbLoadClient *client, guint8 *bytes, gsize length);
  void (*publish) (SbLoadClient *client, const char *payload, gsize length);
} SbLoadProtocol;

extern const SbLoadProtocol sb_load_bus;
extern const SbLoadProtocol sb_load_http;
extern const SbLoadProtocol sb_load_redis;

struct _SbLoadClient
{
  SbLoadConnection connection; /* first: the loop hands it back as the client */
  SbLoadRun *run;
  const SbLoadProtocol *protocol;
  SbLoadRole role;
  guint index; /* among those of its role */
  gboolean is_upgraded;
  gboolean is_ready;
  guint64 sent;
  guint64 accepted;
  gint64 *sent_at; /* (owned) (nullable): ring of the times of what is not accepted yet */
  guint64 ring_mask;
  guint64 *last_sequence; /* (owned) (nullable): the highest one seen, by publisher */
};

typedef struct
{
  int port;
  int http_port;
  int publishers;
  int recipients;
  int sessions;
  int window;
  int in_flight;
  int size;
  int messages;
  int pid;
  int broadcast_pause; /* milliseconds; negative: nothing to `$all` */
  int ttl;             /* seconds; 0: none */
  int not_before;      /* seconds from now; 0: at once */
  int listen_fd;       /* a socket that listens */
  int uploads;         /* beside the flow */
  int downloads;       /* beside the flow */
  int file_size;       /* MiB */
  double seconds;
  double warm_up;
  double rate;
  gboolean no_receipts;
  gboolean direct;
  gboolean reads; /* what comes down is copied out, as other clients do */
  char *password; /* (owned) */
  char *protocol; /* (owned) */
  char *content;  /* (owned) (nullable): a file whose bytes go up over and over */
  char *path;     /* (owned) (nullable): below /download/, what comes down */
} SbLoadOptions;

struct _SbLoadRun
{
  SbLoadOptions options;
  SbLoadLoop *loop;      /* (owned) */
  SbLoadClient *clients; /* (owned) (array length=n_clients): in the order of the roles */
  guint n_clients;
  guint n_ready;
  char *payload; /* (owned): the next one; only its numbers change */

  guint64 sent;
  guint64 accepted;
  guint64 delivered; /* all, those that came again too */
  guint64 redelivered;
  guint64 skipped;     /* direct messages that were not there when a later one came */
  guint64 drop_errors; /* times that the bus told a sender of copies that it dropped */
  guint64 broadcasts;  /* accepted */
  gint64 broadcast_end;
  gint64 first_delivery;
  gint64 last_delivery;
  gint64 last_accepted;
  gint64 storm_start;

  gboolean is_measuring;
  SbLoadHistogram publish;    /* from sent to accepted */
  SbLoadHistogram meanwhile;  /* the same of those beside a message to `$all` */
  SbLoadHistogram end_to_end; /* from sent to delivered */
  SbLoadHistogram broadcast;  /* from sent to accepted, of those to `$all` */
  SbLoadHistogram login;      /* from the start of the storm to being served */
};

void sb_load_run_prepare (SbLoadRun *self);
void sb_load_run_clear (SbLoadRun *self);
SbLoadClient *sb_load_run_get (SbLoadRun *self, SbLoadRole role, guint index);
guint sb_load_run_count (SbLoadRun *self, SbLoadRole role);
void sb_load_run_connect (SbLoadRun *self, SbLoadRole role, guint at_once);
void sb_load_run_publish (SbLoadRun *self, SbLoadClient *client);

void sb_load_client_open (SbLoadClient *self);
void sb_load_client_ready (SbLoadClient *self);
void sb_load_client_accepted (SbLoadClient *self);
void sb_load_client_delivered (SbLoadClient *self, const char *payload, gsize length);

const char *sb_load_payload_find (const guint8 *bytes, gsize length, gsize *payload_length);
guint64 sb_load_payload_get_sequence (const char *payload);

/* The scenarios, each prints its line. */
void sb_load_flow (SbLoadRun *run);
void sb_load_idle (SbLoadRun *run);
void sb_load_fill (SbLoadRun *run);
void sb_load_drain (SbLoadRun *run);
void sb_load_serve (SbLoadRun *run);
void sb_load_upload (SbLoadRun *run);
void sb_load_download (SbLoadRun *run);

G_END_DECLS

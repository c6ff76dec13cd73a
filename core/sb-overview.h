/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-overview: the bus at a glance, from memory, so that one can look every second.
 */
#pragma once

#include "sb-bus.h"

G_BEGIN_DECLS

#define SB_OVERVIEW_MAX_ALARMS 8

/**
 * SbOverviewAlarm:
 * @name: the limit, one word
 * @key: the key of the configuration that sets it
 * @subject: what comes near it, as a sentence begins
 * @advice: what to do
 * @ratio: how much of the limit is used; 1 is all of it
 *
 * A limit that is near. The texts are static.
 */
typedef struct
{
  const char *name;
  const char *key;
  const char *subject;
  const char *advice;
  double ratio;
} SbOverviewAlarm;

/**
 * SbOverviewRecipients:
 *
 * How many of the users that the bus calls are in which state, as in #SbOutboundInfo.
 */
typedef struct
{
  guint ok;
  guint waiting;
  guint unreachable;
  guint faulty;
} SbOverviewRecipients;

/**
 * SbOverview:
 * @time: wall clock, microseconds
 * @uptime: since the bus started, microseconds
 * @accepted: messages made durable since then, as all counts
 * @duplicates: messages that were sent again
 * @throttled: messages that were refused or had to wait for a rate
 * @confirmed: deliveries
 * @expired: deliveries
 * @refused: deliveries given up since the recipient refuses them
 * @receipts: written to sessions at once
 * @transmissions: messages handed to recipients, @redeliveries among them
 * @redeliveries: messages that were not confirmed in time
 * @direct_delivered: copies of direct messages
 * @direct_dropped: likewise, lost by recipients that do not keep up
 * @sessions: that are open
 * @users: in all
 * @in_flight: deliveries that were sent and are not confirmed
 * @in_flight_bytes: memory of messages on their way
 * @stored: what the store holds, a second or two old
 * @recipients: those that the bus calls
 * @open_uploads: resumable uploads that are not complete, whether something comes or not
 * @disk_free: bytes of the data folder's disk
 * @disk_reserve: below this nothing new is accepted
 * @disk_size: of the whole file system; 0: not known
 * @journal: how the journal is doing
 * @journal_fill: how full it is; from 1 on it is full
 * @near_queues: recipients whose queue is nearly full
 * @n_alarms: length of @alarms
 * @alarms: limits that are near
 * @memory: resident bytes of the process; 0: not known
 * @cpu: processor time of the process, microseconds
 *
 * The bus at a glance.
 */
typedef struct
{
  gint64 time;
  gint64 uptime;
  guint64 accepted;
  guint64 duplicates;
  guint64 throttled;
  guint64 confirmed;
  guint64 expired;
  guint64 refused;
  guint64 receipts;
  guint64 transmissions;
  guint64 redeliveries;
  guint64 direct_delivered;
  guint64 direct_dropped;
  guint sessions;
  guint users;
  guint in_flight;
  guint64 in_flight_bytes;
  SbStoreStats stored;
  SbOverviewRecipients recipients;
  guint open_uploads;
  guint64 disk_free;
  guint64 disk_reserve;
  guint64 disk_size;
  SbJournalStats journal;
  double journal_fill;
  guint near_queues;
  guint n_alarms;
  SbOverviewAlarm alarms[SB_OVERVIEW_MAX_ALARMS];
  guint64 memory;
  gint64 cpu;
} SbOverview;

void sb_bus_get_overview (SbBus *self, SbOverview *overview);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-config-keys: every key of [bus], with default and bounds. The upper bounds are
 * wide; they catch a slip of the pen, not a bold decision. Only a key that is read
 * anew on a reload may carry %SB_CONFIG_RELOADABLE.
 */

#include "sb-config-keys.h"

#include "sb-names.h"

#define KIB G_GINT64_CONSTANT (1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

/* Times are bounded in milliseconds. */
#define SECOND G_GINT64_CONSTANT (1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define YEAR (365 * 24 * HOUR)

#define MILLION G_GINT64_CONSTANT (1000000)

/* How long a receipt waits for its sender. */
#define RECEIPTS_AGE (24 * HOUR)

const SbConfigKey sb_bus_keys[] = {
  /* The parts it is put together from */
  { "store", SB_CONFIG_STRING, "sqlite", 0, 0, SB_CONFIG_DEFAULTS,
    "where messages are kept: the plugin store-NAME" },
  { "transports", SB_CONFIG_LIST, "soup", 0, 0, SB_CONFIG_DEFAULTS,
    "what clients connect to: the plugins transport-NAME, separated by ;" },
  { "deliveries", SB_CONFIG_LIST, "http", 0, 0, SB_CONFIG_DEFAULTS,
    "ways to recipients that do not connect: the plugins delivery-NAME, separated by ;" },
  { "data-dir", SB_CONFIG_STRING, "/var/lib/simplebus", 0, 0, SB_CONFIG_DEFAULTS,
    "the folder that holds everything that is stored" },

  /* Delivery control */
  { "confirm-timeout", SB_CONFIG_DURATION, "10", SECOND / 20, 24 * HOUR, SB_CONFIG_RELOADABLE,
    "how long a recipient may take to confirm before the message is sent again" },
  { "window", SB_CONFIG_INTEGER, "64", 1, 65536, SB_CONFIG_RELOADABLE,
    "messages that a recipient may have unconfirmed at a time" },
  { "window-bytes", SB_CONFIG_SIZE, "4M", KIB, GIB, SB_CONFIG_RELOADABLE,
    "the same in bytes; one message is always allowed" },
  { "park-after", SB_CONFIG_INTEGER, "5", 1, 1000, SB_CONFIG_RELOADABLE,
    "attempts after which a message leaves the way of the ones behind it" },
  { "max-attempts", SB_CONFIG_INTEGER, "5", 1, 1000, SB_CONFIG_RELOADABLE,
    "attempts after which a message that an HTTP recipient refuses is dead" },
  { "ttl", SB_CONFIG_DURATION, "0", 0, 100 * YEAR, SB_CONFIG_RELOADABLE,
    "how long a message is of use that does not say so, nor its sender's account; 0: always" },
  { "remember", SB_CONFIG_DURATION, "1h", SECOND, YEAR, SB_CONFIG_RELOADABLE,
    "how long the id of a finished message is known, for duplicates and /status" },
  { "remember-max", SB_CONFIG_INTEGER, "1000000", 0, 1000 * MILLION, SB_CONFIG_RELOADABLE,
    "finished messages that are remembered at most" },
  { "receipts-max", SB_CONFIG_INTEGER, "1000", 0, MILLION, SB_CONFIG_RELOADABLE,
    "receipts that are kept for a sender while it is offline" },

  /* Files */
  { "max-file-size", SB_CONFIG_SIZE, "10G", KIB, 1024 * TIB, SB_CONFIG_RELOADABLE,
    "the largest file" },
  { "file-quota", SB_CONFIG_SIZE, "0", 0, 1024 * TIB, SB_CONFIG_RELOADABLE,
    "bytes of a sender's files that may wait to be fetched; 0: as many as the disk holds" },
  { "file-ttl", SB_CONFIG_DURATION, "30d", SECOND, 100 * YEAR, SB_CONFIG_RELOADABLE,
    "how long a file waits to be fetched" },
  { "scrub-rate", SB_CONFIG_SIZE, "4M", 0, TIB, SB_CONFIG_RELOADABLE,
    "bytes a second that are read to find damaged files before somebody fetches them; 0: none" },
  { "upload-ttl", SB_CONFIG_DURATION, "24h", SECOND, YEAR, SB_CONFIG_RELOADABLE,
    "how long an upload to /files/ can be gone on with after something last came" },
  { "public-url", SB_CONFIG_STRING, "", 0, 0, SB_CONFIG_RELOADABLE,
    "how the outside reaches the bus, for links: https://bus.example.com" },

  /* Limits */
  { "max-message-size", SB_CONFIG_SIZE, "8M", KIB, GIB, SB_CONFIG_RELOADABLE,
    "the largest message" },
  { "max-recipients", SB_CONFIG_INTEGER, "100000", 1, 10 * MILLION, SB_CONFIG_RELOADABLE,
    "recipients of one message" },
  { "max-queue", SB_CONFIG_INTEGER, "1000000", 1, 1000 * MILLION, SB_CONFIG_RELOADABLE,
    "messages that may wait for one recipient" },
  { "max-queue-bytes", SB_CONFIG_SIZE, "4G", KIB, 1024 * TIB, SB_CONFIG_RELOADABLE,
    "the same in bytes" },
  { "max-dead", SB_CONFIG_INTEGER, "100000", 0, 1000 * MILLION, SB_CONFIG_RELOADABLE,
    "dead deliveries of one recipient, beyond which what finds its queue full is not kept" },
  { "user-rate", SB_CONFIG_INTEGER, "500000", 0, 100 * MILLION, SB_CONFIG_RELOADABLE,
    "messages per second that one user may send, with a burst of ten seconds' worth; 0: any" },
  { "address-rate", SB_CONFIG_INTEGER, "1000000", 0, 100 * MILLION, SB_CONFIG_RELOADABLE,
    "the same of one address, or IPv6 /64 network" },
  { "journal-backlog", SB_CONFIG_INTEGER, "20000", 1, 10 * MILLION, SB_CONFIG_RELOADABLE,
    "messages that may wait for the disk before senders have to" },
  { "journal-backlog-bytes", SB_CONFIG_SIZE, "64M", KIB, TIB, SB_CONFIG_RELOADABLE,
    "the same in bytes; one message is always allowed" },
  { "in-flight-bytes", SB_CONFIG_SIZE, "256M", KIB, TIB, SB_CONFIG_RELOADABLE,
    "memory for messages on their way, all recipients together" },
  { "max-sessions", SB_CONFIG_INTEGER, "20000", 1, 10 * MILLION, SB_CONFIG_RELOADABLE,
    "WebSocket sessions at a time" },
  { "max-users", SB_CONFIG_INTEGER, "100000", 1, 10 * MILLION, SB_CONFIG_RELOADABLE,
    "users in all" },
  { "disk-reserve", SB_CONFIG_SIZE, "64M", 0, 1024 * TIB, SB_CONFIG_RELOADABLE,
    "free disk space below which nothing new is accepted" },

  /* Users */
  { "require-uid", SB_CONFIG_BOOLEAN, "false", 0, 0, SB_CONFIG_RELOADABLE,
    "refuse a message without uid" },
  { "open-signup", SB_CONFIG_BOOLEAN, "false", 0, 0, SB_CONFIG_RELOADABLE,
    "let anybody sign up, not only the first user" },
  { "open-user-management", SB_CONFIG_BOOLEAN, "false", 0, 0, SB_CONFIG_RELOADABLE,
    "let every user, not only admins, insert and update users" },
  { "min-password-length", SB_CONFIG_INTEGER, "1", 1, 512, SB_CONFIG_RELOADABLE,
    "characters of a new password" },
  { "token-lifetime", SB_CONFIG_DURATION, "30d", SECOND, 10 * YEAR, SB_CONFIG_RELOADABLE,
    "how long a session's token logs in again" },

  /* The world around it */
  { "trusted-proxies", SB_CONFIG_LIST, "", 0, 0, SB_CONFIG_RELOADABLE,
    "addresses or networks whose Forwarded headers count, separated by ;" },
  { "metrics-token", SB_CONFIG_STRING, "", 0, 0, SB_CONFIG_SECRET | SB_CONFIG_RELOADABLE,
    "bearer token that may read /metrics without a user" },
  { "log-level", SB_CONFIG_CHOICE, "message|error|warning|info|debug", 0, 0, SB_CONFIG_RELOADABLE,
    "the least important log lines that are written" },
  { "stop-timeout", SB_CONFIG_DURATION, "10", 0, HOUR, SB_CONFIG_RELOADABLE,
    "how long a stop waits for what is under way" },
};

const gsize sb_n_bus_keys = G_N_ELEMENTS (sb_bus_keys);

/* What the store shall keep at most, of a configuration with these keys declared. */
void
sb_config_read_store_limits (SbConfig *config, SbStoreLimits *limits)
{
  const char *group = SB_CONFIG_GROUP_BUS;

  *limits = (SbStoreLimits) {
    .remember = sb_config_get_duration_ms (config, group, "remember") * 1000,
    .remember_max = sb_config_get_integer (config, group, "remember-max"),
    .receipts_max = sb_config_get_integer (config, group, "receipts-max"),
    .receipts_age = RECEIPTS_AGE * 1000,
    .max_queue = sb_config_get_integer (config, group, "max-queue"),
    .max_queue_bytes = sb_config_get_size (config, group, "max-queue-bytes"),
    .max_dead = sb_config_get_integer (config, group, "max-dead"),
  };
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-names: every well-known name in one place. Log domains and fields, message
 * ids for the journal, environment variables, file names.
 */
#pragma once

/* Log domains: the bus has one; a plugin's own is the prefix with its name behind. */
#define SB_LOG_DOMAIN "simplebus"
#define SB_LOG_DOMAIN_PLUGIN_PREFIX "simplebus-"

/* Fields of structured log lines, beside the standard MESSAGE, MESSAGE_ID and PRIORITY. */
#define SB_LOG_FIELD_USER "SIMPLEBUS_USER"
#define SB_LOG_FIELD_SUBJECT "SIMPLEBUS_SUBJECT" /* whom it was done to, by SIMPLEBUS_USER */
#define SB_LOG_FIELD_MESSAGE "SIMPLEBUS_MESSAGE"
#define SB_LOG_FIELD_PLUGIN "SIMPLEBUS_PLUGIN"
#define SB_LOG_FIELD_REASON "SIMPLEBUS_REASON"
#define SB_LOG_FIELD_LIMIT "SIMPLEBUS_LIMIT"
#define SB_LOG_FIELD_ADDRESS "SIMPLEBUS_ADDRESS"
#define SB_LOG_FIELD_FILE "SIMPLEBUS_FILE" /* a stored name, or a path below data-dir */

/* MESSAGE_ID values (`journalctl MESSAGE_ID=…`). They never change their meaning. */
#define SB_MESSAGE_ID_START "512903e094c54f9b8afa05880360414d"
#define SB_MESSAGE_ID_STOP "60a90eabf4ba4805aa22a128701ae280"
#define SB_MESSAGE_ID_PLUGIN_LOADED "53d3c4c8eb7f48cfabe18f61e7988283"
#define SB_MESSAGE_ID_DEAD_LETTER "33da8405c0c94b2bb75787be2e379e98"
#define SB_MESSAGE_ID_TAKEOVER_BACKOFF "ee70cdc348c74462865506e61c6f71e8"
#define SB_MESSAGE_ID_UNREACHABLE "eb0dafd2abce402b9de3d998ce260598"
#define SB_MESSAGE_ID_ADMIN "bf90b2b88ef64ea3a3e9e681fc242fa4"
#define SB_MESSAGE_ID_LIMIT "e579b1cb8cdd494396ec849063b14bb1"
#define SB_MESSAGE_ID_RELOAD "be4e97a4a18f417aabe26a75c0d5a571"
#define SB_MESSAGE_ID_LOG_IN_REFUSED "88747efd794f47abb06b80c7ec6b50a6"
#define SB_MESSAGE_ID_SIGN_UP_REFUSED "e5b9f5ffdd384c26835fd45728a60cad"
#define SB_MESSAGE_ID_BACKUP_FAILED "967793c180a94a4c92441cd93226e1cf"
#define SB_MESSAGE_ID_FILE_DAMAGED "c3b284c1f4fa4f3a819de05abc6f4032"
#define SB_MESSAGE_ID_DISK "30b5a5a5807445948154cc96b345cb26"
#define SB_MESSAGE_ID_STORE_FAILED "eed934776985453397b5c1b95738b061"
#define SB_MESSAGE_ID_CONNECTION_REFUSED "c9f7574c47c04af0a7e3a6fb5537e800"
#define SB_MESSAGE_ID_START_REFUSED "427841d99698421b89381a6f55d6d17d"
#define SB_MESSAGE_ID_REACHABLE "6041b1b5923846cab1287e7a7c8ab352"
#define SB_MESSAGE_ID_CLOCK "6d41883dcfbf43d5937f731ae80b2f33"

/* A metric that several parts count. */
#define SB_METRIC_DEAD "simplebus_deliveries_dead_total"
#define SB_METRIC_DEAD_HELP "Deliveries given up and kept for an admin, by reason"

/* The environment that the bus reads of itself ... */
#define SB_ENV_PLUGIN_PATH "SIMPLEBUS_PLUGIN_PATH" /* folders, separated by colons */
#define SB_ENV_FAULT_POINT "SIMPLEBUS_FAULT_POINT" /* in builds with tests only */

/* ... and what the service manager sets, sd_notify(3) and sd_listen_fds(3). */
#define SB_ENV_NOTIFY_SOCKET "NOTIFY_SOCKET"
#define SB_ENV_WATCHDOG_USEC "WATCHDOG_USEC"
#define SB_ENV_WATCHDOG_PID "WATCHDOG_PID"
#define SB_ENV_LISTEN_FDS "LISTEN_FDS"
#define SB_ENV_LISTEN_PID "LISTEN_PID"
#define SB_ENV_LISTEN_FDNAMES "LISTEN_FDNAMES"

/* Files and groups. */
#define SB_CONFIG_FILE_NAME "simplebus.ini"
#define SB_CONFIG_GROUP_BUS "bus"
#define SB_PLUGIN_SUFFIX ".so"
#define SB_TOKEN_SECRET_FILE "token.key"
#define SB_PLUGIN_SYMBOL "sb_plugin_descriptor"

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-queries: all SQL of this store, a named constant per query.
 *
 * The tables:
 *
 * message   one row per message, with the sender's id as its body has it. `seq`
 *           comes from the same counter as positions and receipt numbers.
 *           `recipients` is the key of the one recipient, or the keys of several in
 *           ascending order (sb-sqlite-codec). `file` is `seq` once more when the
 *           message was sent with a file, else NULL.
 * body      the bytes of a message that has a delivery which has not ended.
 * queue     the pending deliveries, in order; what is hot is small and without
 *           any further index. `message` is NULL where it equals the position;
 *           `shared` is 1 when the message has several recipients.
 * ended     deliveries that went straight from the queue to their end.
 * detour    deliveries that took another way: scheduled, parked, dead, put into the
 *           queue later than their message, ended with a log, and what became of
 *           them. The position of a pending one here leads to its row in the queue,
 *           which names the message.
 * log       what became of the attempts, for some of the deliveries in `detour`.
 * file      the files of messages that have a delivery which has not ended.
 * fanout    messages with several recipients: how many deliveries have not ended,
 *           and how many of those wait, which dead ones do not.
 * deadline  messages that expire; `done` recipients, in order of their keys, were
 *           looked at already. A message leaves it when nothing of it waits any
 *           more, one with a file when all of it has ended.
 * remembered  a row per batch with the messages whose last delivery ended in it.
 * receipt   receipts that wait for their sender.
 * user      also users that are gone, whose keys are never given again.
 * counter   a number above all that were ever given away.
 *
 * A delivery's row moves from the queue to `ended` instead of being updated
 * there: that touches fewer pages, and the queue stays as small as the backlog.
 *
 * A list of deliveries is in order of (recipient, message), which stays the same
 * from state to state. A row of `queue` without a message is in its place there;
 * all others that have not ended are found by the index detour_open. Where several
 * indexes of `detour` would do, a query names the one that gives its order.
 */
#pragma once

#include <glib.h>

/*
 * What the connections are set up with. Some builds of SQLite overwrite all that
 * is deleted with zeros, which writes every page of a body once more; bodies go
 * all the time here, so that is off.
 */
#define SB_SQLITE_SETUP_WRITER     \
  "PRAGMA journal_mode = WAL;"     \
  "PRAGMA synchronous = FULL;"     \
  "PRAGMA wal_autocheckpoint = 0;" \
  "PRAGMA secure_delete = OFF;"    \
  "PRAGMA temp_store = MEMORY;"    \
  "PRAGMA mmap_size = 0;"          \
  "PRAGMA foreign_keys = OFF;"     \
  "PRAGMA trusted_schema = OFF"

#define SB_SQLITE_SETUP_READER     \
  "PRAGMA query_only = ON;"        \
  "PRAGMA wal_autocheckpoint = 0;" \
  "PRAGMA temp_store = MEMORY;"    \
  "PRAGMA mmap_size = 0;"          \
  "PRAGMA trusted_schema = OFF"

/* It is opened for reading only; query_only would forbid the copy as well, which nobody flushes. */
#define SB_SQLITE_SETUP_COPIER     \
  "PRAGMA synchronous = OFF;"      \
  "PRAGMA wal_autocheckpoint = 0;" \
  "PRAGMA temp_store = MEMORY;"    \
  "PRAGMA mmap_size = 0;"          \
  "PRAGMA trusted_schema = OFF"

#define SB_SQLITE_COPY_INTO "VACUUM INTO ?1"

#define SB_SQLITE_SET_CACHE_SIZE "PRAGMA cache_size = -%" G_GINT64_FORMAT
#define SB_SQLITE_SET_JOURNAL_LIMIT "PRAGMA journal_size_limit = %" G_GINT64_FORMAT

/* The schema. */
#define SB_SQLITE_GET_APPLICATION "PRAGMA application_id"
#define SB_SQLITE_GET_VERSION "PRAGMA user_version"
#define SB_SQLITE_COUNT_TABLES "SELECT count(*) FROM sqlite_schema"
#define SB_SQLITE_GET_PAGE_COUNT "PRAGMA page_count"
#define SB_SQLITE_GET_PAGE_SIZE "PRAGMA page_size"
#define SB_SQLITE_SET_VERSION "PRAGMA user_version = %d"
#define SB_SQLITE_QUICK_CHECK "PRAGMA quick_check (1)"
#define SB_SQLITE_BEGIN "BEGIN IMMEDIATE"
#define SB_SQLITE_BEGIN_READ "BEGIN"
#define SB_SQLITE_COMMIT "COMMIT"
#define SB_SQLITE_ROLLBACK "ROLLBACK"

/* 0x53427573 is "SBus". */
#define SB_SQLITE_CREATE_VERSION_1                                                          \
  "PRAGMA application_id = 0x53427573;"                                                     \
  "CREATE TABLE message ("                                                                  \
  "  seq INTEGER PRIMARY KEY,"                                                              \
  "  id TEXT NOT NULL UNIQUE,"                                                              \
  "  sender INTEGER NOT NULL,"                                                              \
  "  sender_id TEXT NOT NULL,"                                                              \
  "  accepted INTEGER NOT NULL,"                                                            \
  "  not_before INTEGER NOT NULL,"                                                          \
  "  deadline INTEGER NOT NULL,"                                                            \
  "  recipients NOT NULL);"                                                                 \
  "CREATE TABLE body ("                                                                     \
  "  message INTEGER PRIMARY KEY,"                                                          \
  "  data BLOB NOT NULL);"                                                                  \
  "CREATE TABLE queue ("                                                                    \
  "  recipient INTEGER NOT NULL,"                                                           \
  "  position INTEGER NOT NULL,"                                                            \
  "  message INTEGER,"                                                                      \
  "  shared INTEGER NOT NULL,"                                                              \
  "  size INTEGER NOT NULL,"                                                                \
  "  PRIMARY KEY (recipient, position)) WITHOUT ROWID;"                                     \
  "CREATE TABLE ended ("                                                                    \
  "  message INTEGER NOT NULL,"                                                             \
  "  recipient INTEGER NOT NULL,"                                                           \
  "  state INTEGER NOT NULL,"                                                               \
  "  since INTEGER NOT NULL,"                                                               \
  "  attempts INTEGER NOT NULL,"                                                            \
  "  reason INTEGER NOT NULL,"                                                              \
  "  PRIMARY KEY (message, recipient)) WITHOUT ROWID;"                                      \
  "CREATE TABLE detour ("                                                                   \
  "  message INTEGER NOT NULL,"                                                             \
  "  recipient INTEGER NOT NULL,"                                                           \
  "  position INTEGER NOT NULL,"                                                            \
  "  state INTEGER NOT NULL,"                                                               \
  "  since INTEGER NOT NULL,"                                                               \
  "  due INTEGER NOT NULL,"                                                                 \
  "  attempts INTEGER NOT NULL,"                                                            \
  "  reason INTEGER NOT NULL,"                                                              \
  "  shared INTEGER NOT NULL,"                                                              \
  "  size INTEGER NOT NULL,"                                                                \
  "  PRIMARY KEY (message, recipient)) WITHOUT ROWID;"                                      \
  "CREATE INDEX detour_scheduled ON detour (due) WHERE state = 1;"                          \
  "CREATE INDEX detour_parked ON detour (recipient, due, position) WHERE state = 2;"        \
  "CREATE INDEX detour_position ON detour (recipient, position) WHERE position <> message;" \
  "CREATE TABLE fanout ("                                                                   \
  "  message INTEGER PRIMARY KEY,"                                                          \
  "  open INTEGER NOT NULL,"                                                                \
  "  waiting INTEGER NOT NULL,"                                                             \
  "  size INTEGER NOT NULL);"                                                               \
  "CREATE TABLE deadline ("                                                                 \
  "  at INTEGER NOT NULL,"                                                                  \
  "  message INTEGER NOT NULL,"                                                             \
  "  done INTEGER NOT NULL,"                                                                \
  "  PRIMARY KEY (at, message)) WITHOUT ROWID;"                                             \
  "CREATE TABLE remembered ("                                                               \
  "  n INTEGER PRIMARY KEY,"                                                                \
  "  at INTEGER NOT NULL,"                                                                  \
  "  count INTEGER NOT NULL,"                                                               \
  "  spans BLOB NOT NULL);"                                                                 \
  "CREATE TABLE receipt ("                                                                  \
  "  number INTEGER PRIMARY KEY,"                                                           \
  "  sender INTEGER NOT NULL,"                                                              \
  "  recipient INTEGER NOT NULL,"                                                           \
  "  message TEXT NOT NULL,"                                                                \
  "  at INTEGER NOT NULL);"                                                                 \
  "CREATE INDEX receipt_sender ON receipt (sender);"                                        \
  "CREATE TABLE user ("                                                                     \
  "  key INTEGER PRIMARY KEY,"                                                              \
  "  id TEXT NOT NULL,"                                                                     \
  "  password_hash TEXT NOT NULL,"                                                          \
  "  tags BLOB NOT NULL,"                                                                   \
  "  connection_properties TEXT,"                                                           \
  "  admin INTEGER NOT NULL,"                                                               \
  "  created INTEGER NOT NULL,"                                                             \
  "  removed INTEGER);"                                                                     \
  "CREATE UNIQUE INDEX user_id ON user (id) WHERE removed IS NULL;"                         \
  "CREATE TABLE counter (reserved INTEGER NOT NULL);"                                       \
  "INSERT INTO counter VALUES (0)"

/* The terms of detour_open are spelt so that SQLite sees that one of them is enough. */
#define SB_SQLITE_CREATE_VERSION_2                                 \
  "ALTER TABLE user ADD COLUMN ttl INTEGER NOT NULL DEFAULT -1;"   \
  "ALTER TABLE user ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;" \
  "CREATE TABLE log ("                                             \
  "  message INTEGER NOT NULL,"                                    \
  "  recipient INTEGER NOT NULL,"                                  \
  "  text TEXT NOT NULL,"                                          \
  "  PRIMARY KEY (message, recipient)) WITHOUT ROWID;"             \
  "CREATE INDEX detour_open ON detour (state, recipient, message)" \
  "  WHERE state = 0 OR state = 1 OR state = 2 OR state = 5"       \
  "    OR state = 8;"                                              \
  "ALTER TABLE message ADD COLUMN file INTEGER;"                   \
  "CREATE TABLE file ("                                            \
  "  message INTEGER PRIMARY KEY,"                                 \
  "  id TEXT NOT NULL UNIQUE,"                                     \
  "  name TEXT NOT NULL UNIQUE,"                                   \
  "  display_name TEXT NOT NULL,"                                  \
  "  size INTEGER NOT NULL,"                                       \
  "  digest BLOB NOT NULL)"

/* What the counters in memory are made from when the store opens. */
#define SB_SQLITE_COUNT_QUEUE                                                        \
  "SELECT recipient, count(*), sum(size), sum(1 - shared), sum((1 - shared) * size)" \
  " FROM queue GROUP BY recipient"
#define SB_SQLITE_COUNT_DETOUR                                                              \
  "SELECT recipient, state, count(*), sum(size), sum(1 - shared), sum((1 - shared) * size)" \
  " FROM detour WHERE state IN (1, 2, 5, 8) GROUP BY recipient, state"
#define SB_SQLITE_COUNT_FANOUT "SELECT count(*), ifnull(sum(size), 0) FROM fanout"
#define SB_SQLITE_COUNT_FILES "SELECT count(*), ifnull(sum(size), 0) FROM file"
#define SB_SQLITE_COUNT_REMEMBERED "SELECT ifnull(sum(count), 0) FROM remembered"
#define SB_SQLITE_COUNT_RECEIPTS "SELECT sender, count(*) FROM receipt GROUP BY sender"
#define SB_SQLITE_LIST_REMOVED "SELECT key FROM user WHERE removed IS NOT NULL"
#define SB_SQLITE_GET_RESERVED "SELECT reserved FROM counter"
#define SB_SQLITE_GET_LAST_TIME                                                      \
  "SELECT max (ifnull((SELECT accepted FROM message ORDER BY seq DESC LIMIT 1), 0)," \
  "            ifnull((SELECT at FROM remembered ORDER BY n DESC LIMIT 1), 0),"      \
  "            ifnull((SELECT at FROM receipt ORDER BY number DESC LIMIT 1), 0),"    \
  "            ifnull((SELECT since FROM ended ORDER BY message DESC LIMIT 1), 0),"  \
  "            ifnull((SELECT max (since) FROM detour), 0),"                         \
  "            ifnull((SELECT max (max (created, ifnull (removed, 0))) FROM user), 0))"
#define SB_SQLITE_GET_LAST_USER "SELECT ifnull (max (key), 0) FROM user"

/* Prepared once on the writer's connection. */
typedef enum
{
  SB_SQLITE_W_BEGIN,
  SB_SQLITE_W_COMMIT,
  SB_SQLITE_W_ROLLBACK,
  SB_SQLITE_W_RESERVE,

  SB_SQLITE_W_INSERT_MESSAGE,
  SB_SQLITE_W_FIND_MESSAGE,
  SB_SQLITE_W_GET_MESSAGE,
  SB_SQLITE_W_SET_RECIPIENTS,
  SB_SQLITE_W_DELETE_MESSAGES,
  SB_SQLITE_W_INSERT_BODY,
  SB_SQLITE_W_DELETE_BODIES,

  SB_SQLITE_W_INSERT_QUEUED,
  SB_SQLITE_W_GET_QUEUED,
  SB_SQLITE_W_DELETE_QUEUED,
  SB_SQLITE_W_LIST_QUEUE,

  SB_SQLITE_W_INSERT_ENDED,
  SB_SQLITE_W_GET_ENDED,
  SB_SQLITE_W_DELETE_ENDED,
  SB_SQLITE_W_DELETE_SOME_ENDED,

  SB_SQLITE_W_INSERT_DETOUR,
  SB_SQLITE_W_UPDATE_DETOUR,
  SB_SQLITE_W_GET_DETOUR,
  SB_SQLITE_W_FIND_DETOUR,
  SB_SQLITE_W_NEXT_SCHEDULED,
  SB_SQLITE_W_DELETE_DETOURS,
  SB_SQLITE_W_DELETE_SOME_DETOURS,
  SB_SQLITE_W_LIST_PARKED,
  SB_SQLITE_W_LIST_SCHEDULED,
  SB_SQLITE_W_LIST_NOTIFIED,

  SB_SQLITE_W_INSERT_LOG,
  SB_SQLITE_W_DELETE_LOGS,
  SB_SQLITE_W_DELETE_SOME_LOGS,

  SB_SQLITE_W_INSERT_FANOUT,
  SB_SQLITE_W_LOWER_FANOUT,
  SB_SQLITE_W_GET_FANOUT,
  SB_SQLITE_W_DELETE_FANOUT,

  SB_SQLITE_W_INSERT_FILE,
  SB_SQLITE_W_FIND_FILE,
  SB_SQLITE_W_GET_FILE,
  SB_SQLITE_W_DELETE_FILE,

  SB_SQLITE_W_INSERT_DEADLINE,
  SB_SQLITE_W_NEXT_DEADLINE,
  SB_SQLITE_W_RENEW_DEADLINE,
  SB_SQLITE_W_UPDATE_DEADLINE,
  SB_SQLITE_W_DELETE_DEADLINE,

  SB_SQLITE_W_INSERT_REMEMBERED,
  SB_SQLITE_W_OLDEST_REMEMBERED,
  SB_SQLITE_W_UPDATE_REMEMBERED,
  SB_SQLITE_W_DELETE_REMEMBERED,

  SB_SQLITE_W_INSERT_RECEIPT,
  SB_SQLITE_W_DROP_RECEIPTS,
  SB_SQLITE_W_TRIM_RECEIPTS,
  SB_SQLITE_W_OLDEST_RECEIPT,
  SB_SQLITE_W_DELETE_RECEIPT,
  SB_SQLITE_W_CLEAR_RECEIPTS,

  SB_SQLITE_W_INSERT_USER,
  SB_SQLITE_W_UPDATE_USER,
  SB_SQLITE_W_HAS_USER,
  SB_SQLITE_W_REMOVE_USER,
  SB_SQLITE_N_WRITER_QUERIES,
} SbSqliteWriterQuery;

static const char *const sb_sqlite_writer_queries[SB_SQLITE_N_WRITER_QUERIES] = {
  [SB_SQLITE_W_BEGIN] = SB_SQLITE_BEGIN,
  [SB_SQLITE_W_COMMIT] = SB_SQLITE_COMMIT,
  [SB_SQLITE_W_ROLLBACK] = SB_SQLITE_ROLLBACK,
  [SB_SQLITE_W_RESERVE] = "UPDATE counter SET reserved = ?1",

  [SB_SQLITE_W_INSERT_MESSAGE] =
      "INSERT INTO message (seq, id, sender, sender_id, accepted, not_before, deadline, recipients,"
      " file) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (id) DO NOTHING",
  [SB_SQLITE_W_FIND_MESSAGE] =
      "SELECT seq, id, sender, deadline, recipients, file FROM message WHERE id = ?1",
  [SB_SQLITE_W_GET_MESSAGE] =
      "SELECT seq, id, sender, deadline, recipients, file FROM message WHERE seq = ?1",
  [SB_SQLITE_W_SET_RECIPIENTS] = "UPDATE message SET recipients = ?2 WHERE seq = ?1",
  [SB_SQLITE_W_DELETE_MESSAGES] = "DELETE FROM message WHERE seq BETWEEN ?1 AND ?2",
  [SB_SQLITE_W_INSERT_BODY] = "INSERT INTO body (message, data) VALUES (?1, ?2)",
  [SB_SQLITE_W_DELETE_BODIES] = "DELETE FROM body WHERE message BETWEEN ?1 AND ?2",

  [SB_SQLITE_W_INSERT_QUEUED] = "INSERT INTO queue (recipient, position, message, shared, size)"
                                " VALUES (?1, ?2, ?3, ?4, ?5)",
  [SB_SQLITE_W_GET_QUEUED] =
      "SELECT message, size FROM queue WHERE recipient = ?1 AND position = ?2",
  [SB_SQLITE_W_DELETE_QUEUED] = "DELETE FROM queue WHERE recipient = ?1 AND position = ?2",
  [SB_SQLITE_W_LIST_QUEUE] =
      "SELECT ifnull (message, position) FROM queue WHERE recipient = ?1 ORDER BY position",

  [SB_SQLITE_W_INSERT_ENDED] =
      "INSERT INTO ended (message, recipient, state, since, attempts, reason)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
  [SB_SQLITE_W_GET_ENDED] = "SELECT state FROM ended WHERE message = ?1 AND recipient = ?2",
  [SB_SQLITE_W_DELETE_ENDED] = "DELETE FROM ended WHERE message BETWEEN ?1 AND ?2",
  [SB_SQLITE_W_DELETE_SOME_ENDED] =
      "DELETE FROM ended WHERE message = ?1 AND recipient IN"
      " (SELECT recipient FROM ended WHERE message = ?1 ORDER BY recipient LIMIT ?2)",

  [SB_SQLITE_W_INSERT_DETOUR] =
      "INSERT INTO detour (message, recipient, position, state, since, due, attempts, reason,"
      " shared, size) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
  [SB_SQLITE_W_UPDATE_DETOUR] =
      "UPDATE detour SET position = ?3, state = ?4, since = ?5, due = ?6, attempts = ?7,"
      " reason = ?8, shared = ?9 WHERE message = ?1 AND recipient = ?2",
  [SB_SQLITE_W_GET_DETOUR] = "SELECT position, state, size, attempts FROM detour"
                             " WHERE message = ?1 AND recipient = ?2",
  [SB_SQLITE_W_FIND_DETOUR] = "SELECT message FROM detour INDEXED BY detour_position"
                              " WHERE recipient = ?1 AND position = ?2 AND position <> message",
  [SB_SQLITE_W_NEXT_SCHEDULED] =
      "SELECT due, message, recipient FROM detour INDEXED BY detour_scheduled WHERE state = 1"
      " ORDER BY due, message, recipient LIMIT 1",
  [SB_SQLITE_W_DELETE_DETOURS] = "DELETE FROM detour WHERE message BETWEEN ?1 AND ?2",
  [SB_SQLITE_W_DELETE_SOME_DETOURS] =
      "DELETE FROM detour WHERE message = ?1 AND recipient IN"
      " (SELECT recipient FROM detour WHERE message = ?1 ORDER BY recipient LIMIT ?2)",
  [SB_SQLITE_W_LIST_PARKED] = "SELECT message FROM detour INDEXED BY detour_open"
                              " WHERE state = 2 AND recipient = ?1",
  [SB_SQLITE_W_LIST_SCHEDULED] = "SELECT message FROM detour INDEXED BY detour_open"
                                 " WHERE state = 1 AND recipient = ?1",
  [SB_SQLITE_W_LIST_NOTIFIED] = "SELECT message FROM detour INDEXED BY detour_open"
                                " WHERE state = 8 AND recipient = ?1",

  [SB_SQLITE_W_INSERT_LOG] = "INSERT INTO log (message, recipient, text) VALUES (?1, ?2, ?3)"
                             " ON CONFLICT (message, recipient) DO UPDATE SET text = excluded.text",
  [SB_SQLITE_W_DELETE_LOGS] = "DELETE FROM log WHERE message BETWEEN ?1 AND ?2",
  [SB_SQLITE_W_DELETE_SOME_LOGS] =
      "DELETE FROM log WHERE message = ?1 AND recipient IN"
      " (SELECT recipient FROM detour WHERE message = ?1 ORDER BY recipient LIMIT ?2)",

  [SB_SQLITE_W_INSERT_FANOUT] = "INSERT INTO fanout (message, open, waiting, size)"
                                " VALUES (?1, ?2, ?3, ?4)",
  [SB_SQLITE_W_LOWER_FANOUT] =
      "UPDATE fanout SET open = open - ?2, waiting = waiting - ?3 WHERE message = ?1",
  [SB_SQLITE_W_GET_FANOUT] = "SELECT open, waiting, size FROM fanout WHERE message = ?1",
  [SB_SQLITE_W_DELETE_FANOUT] = "DELETE FROM fanout WHERE message = ?1",

  [SB_SQLITE_W_INSERT_FILE] = "INSERT INTO file (message, id, name, display_name, size, digest)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
  [SB_SQLITE_W_FIND_FILE] = "SELECT max (name = ?1) FROM file WHERE name = ?1 OR id = ?2",
  [SB_SQLITE_W_GET_FILE] = "SELECT id, size FROM file WHERE message = ?1",
  [SB_SQLITE_W_DELETE_FILE] = "DELETE FROM file WHERE message = ?1",

  [SB_SQLITE_W_INSERT_DEADLINE] = "INSERT INTO deadline (at, message, done) VALUES (?1, ?2, 0)",
  [SB_SQLITE_W_NEXT_DEADLINE] =
      "SELECT at, message, done FROM deadline ORDER BY at, message LIMIT 1",
  [SB_SQLITE_W_RENEW_DEADLINE] =
      "INSERT INTO deadline (at, message, done) VALUES (?1, ?2, ?3)"
      " ON CONFLICT (at, message) DO UPDATE SET done = min (done, excluded.done)",
  [SB_SQLITE_W_UPDATE_DEADLINE] = "UPDATE deadline SET done = ?3 WHERE at = ?1 AND message = ?2",
  [SB_SQLITE_W_DELETE_DEADLINE] = "DELETE FROM deadline WHERE at = ?1 AND message = ?2",

  [SB_SQLITE_W_INSERT_REMEMBERED] = "INSERT INTO remembered (at, count, spans) VALUES (?1, ?2, ?3)",
  [SB_SQLITE_W_OLDEST_REMEMBERED] = "SELECT n, at, count, spans FROM remembered ORDER BY n LIMIT 1",
  [SB_SQLITE_W_UPDATE_REMEMBERED] = "UPDATE remembered SET count = ?2, spans = ?3 WHERE n = ?1",
  [SB_SQLITE_W_DELETE_REMEMBERED] = "DELETE FROM remembered WHERE n = ?1",

  [SB_SQLITE_W_INSERT_RECEIPT] =
      "INSERT INTO receipt (number, sender, recipient, message, at) VALUES (?1, ?2, ?3, ?4, ?5)",
  [SB_SQLITE_W_DROP_RECEIPTS] = "DELETE FROM receipt WHERE sender = ?1 AND number <= ?2",
  [SB_SQLITE_W_TRIM_RECEIPTS] =
      "DELETE FROM receipt WHERE number IN"
      " (SELECT number FROM receipt WHERE sender = ?1 ORDER BY number LIMIT ?2)",
  [SB_SQLITE_W_OLDEST_RECEIPT] = "SELECT number, sender, at FROM receipt ORDER BY number LIMIT 1",
  [SB_SQLITE_W_DELETE_RECEIPT] = "DELETE FROM receipt WHERE number = ?1",
  [SB_SQLITE_W_CLEAR_RECEIPTS] = "DELETE FROM receipt WHERE sender = ?1",

  [SB_SQLITE_W_INSERT_USER] =
      "INSERT INTO user (id, password_hash, tags, connection_properties, admin, created, ttl,"
      " paused) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
  [SB_SQLITE_W_UPDATE_USER] =
      "UPDATE OR IGNORE user SET id = ?1, password_hash = ?2, tags = ?3,"
      " connection_properties = ?4, admin = ?5, created = ?6, ttl = ?7, paused = ?8"
      " WHERE key = ?9 AND removed IS NULL",
  [SB_SQLITE_W_HAS_USER] = "SELECT 1 FROM user WHERE key = ?1 AND removed IS NULL",
  [SB_SQLITE_W_REMOVE_USER] =
      "UPDATE user SET removed = ?2, password_hash = '', tags = x'', connection_properties = NULL"
      " WHERE key = ?1 AND removed IS NULL",
};

/* Prepared once on the reader's connection. */
typedef enum
{
  SB_SQLITE_R_BEGIN,
  SB_SQLITE_R_COMMIT,
  SB_SQLITE_R_PENDING,
  SB_SQLITE_R_PARKED,
  SB_SQLITE_R_OLDEST,
  SB_SQLITE_R_MESSAGE,
  SB_SQLITE_R_BODY,
  SB_SQLITE_R_FILE,
  SB_SQLITE_R_FILES,
  SB_SQLITE_R_ENDED,
  SB_SQLITE_R_DETOURS,
  SB_SQLITE_R_LIST_QUEUE,
  SB_SQLITE_R_LIST_PENDING,
  SB_SQLITE_R_LIST_SCHEDULED,
  SB_SQLITE_R_LIST_PARKED,
  SB_SQLITE_R_LIST_NOTIFIED,
  SB_SQLITE_R_LIST_DEAD,
  SB_SQLITE_R_USER_ID,
  SB_SQLITE_R_USERS,
  SB_SQLITE_R_RECEIPTS,
  SB_SQLITE_N_READER_QUERIES,
} SbSqliteReaderQuery;

/* Both reads of deliveries with their bodies have the same columns. */
#define SB_SQLITE_FILE_COLUMNS " f.id, f.name, f.display_name, f.size, f.digest"
#define SB_SQLITE_DELIVERY_COLUMNS                                                              \
  " m.seq, m.id, m.sender, m.sender_id, m.accepted, m.not_before, m.deadline, b.data, d.shared" \
  "," SB_SQLITE_FILE_COLUMNS
#define SB_SQLITE_JOIN_BODY " JOIN body b ON b.message = m.seq"
#define SB_SQLITE_JOIN_FILE " LEFT JOIN file f ON f.message = m.file"
#define SB_SQLITE_JOIN_LOG " LEFT JOIN log l ON l.message = d.message AND l.recipient = d.recipient"

/* So have all lists without them: what is behind (?1, ?2), of recipients up to ?3. */
#define SB_SQLITE_LIST_COLUMNS " d.size, m.id, m.sender, m.sender_id, m.accepted, u.id"
#define SB_SQLITE_LIST_DETOUR(state)                                                \
  "SELECT d.recipient, d.message, d.position, d.reason, d.attempts, d.since, d.due" \
  "," SB_SQLITE_LIST_COLUMNS " FROM detour d INDEXED BY detour_open"                \
  " LEFT JOIN message m ON m.seq = d.message"                                       \
  " LEFT JOIN user u ON u.key = d.recipient"                                        \
  " WHERE d.state = " state " AND (d.recipient, d.message) > (?1, ?2)"              \
  " AND d.recipient <= ?3 ORDER BY d.recipient, d.message"

static const char *const sb_sqlite_reader_queries[SB_SQLITE_N_READER_QUERIES] = {
  [SB_SQLITE_R_BEGIN] = SB_SQLITE_BEGIN_READ,
  [SB_SQLITE_R_COMMIT] = SB_SQLITE_COMMIT,
  [SB_SQLITE_R_PENDING] =
      "SELECT d.position, 0, 0," SB_SQLITE_DELIVERY_COLUMNS " FROM queue d CROSS JOIN message m"
      " ON m.seq = ifnull (d.message, d.position)" SB_SQLITE_JOIN_BODY SB_SQLITE_JOIN_FILE
      " WHERE d.recipient = ?1 AND d.position > ?2 ORDER BY d.position",
  [SB_SQLITE_R_PARKED] =
      "SELECT d.position, d.due, d.attempts," SB_SQLITE_DELIVERY_COLUMNS ", l.text"
      " FROM detour d INDEXED BY detour_parked CROSS JOIN message m"
      " ON m.seq = d.message" SB_SQLITE_JOIN_BODY SB_SQLITE_JOIN_FILE SB_SQLITE_JOIN_LOG
      " WHERE d.recipient = ?1 AND d.state = 2 ORDER BY d.due, d.position",
  [SB_SQLITE_R_OLDEST] = "SELECT m.accepted FROM queue d CROSS JOIN message m"
                         " ON m.seq = ifnull (d.message, d.position)"
                         " WHERE d.recipient = ?1 ORDER BY d.position LIMIT 1",
  [SB_SQLITE_R_MESSAGE] =
      "SELECT seq, sender, sender_id, accepted, not_before, deadline, recipients FROM message"
      " WHERE id = ?1",
  [SB_SQLITE_R_BODY] = "SELECT m.sender, m.sender_id, m.accepted, m.not_before, m.deadline, b.data"
                       "," SB_SQLITE_FILE_COLUMNS
                       " FROM message m" SB_SQLITE_JOIN_BODY SB_SQLITE_JOIN_FILE " WHERE m.id = ?1",
  [SB_SQLITE_R_FILE] = "SELECT" SB_SQLITE_FILE_COLUMNS
                       ", m.id, m.sender, m.sender_id, m.accepted, m.deadline, m.seq, m.recipients"
                       " FROM file f JOIN message m ON m.seq = f.message WHERE f.name = ?1",
  [SB_SQLITE_R_FILES] = "SELECT" SB_SQLITE_FILE_COLUMNS
                        ", m.id, m.sender, m.sender_id, m.accepted, m.deadline"
                        " FROM file f CROSS JOIN message m ON m.seq = f.message"
                        " WHERE f.id > ?1 ORDER BY f.id LIMIT ?2",
  [SB_SQLITE_R_ENDED] =
      "SELECT recipient, state, reason, attempts, since, 0, NULL FROM ended WHERE message = ?1"
      " ORDER BY recipient",
  [SB_SQLITE_R_DETOURS] =
      "SELECT d.recipient, d.state, d.reason, d.attempts, d.since, d.due, l.text"
      " FROM detour d" SB_SQLITE_JOIN_LOG " WHERE d.message = ?1 ORDER BY d.recipient",
  /* A row whose position is no message's number is listed by SB_SQLITE_R_LIST_PENDING. */
  [SB_SQLITE_R_LIST_QUEUE] =
      "SELECT d.recipient, d.position, d.position, 0, 0, m.accepted, 0," SB_SQLITE_LIST_COLUMNS
      " FROM queue d LEFT JOIN message m ON m.seq = d.position"
      " LEFT JOIN user u ON u.key = d.recipient"
      " WHERE (d.recipient, d.position) > (?1, ?2) AND d.recipient <= ?3"
      " ORDER BY d.recipient, d.position",
  [SB_SQLITE_R_LIST_PENDING] = SB_SQLITE_LIST_DETOUR ("0"),
  [SB_SQLITE_R_LIST_SCHEDULED] = SB_SQLITE_LIST_DETOUR ("1"),
  [SB_SQLITE_R_LIST_PARKED] = SB_SQLITE_LIST_DETOUR ("2"),
  [SB_SQLITE_R_LIST_NOTIFIED] = SB_SQLITE_LIST_DETOUR ("8"),
  [SB_SQLITE_R_LIST_DEAD] = SB_SQLITE_LIST_DETOUR ("5"),
  [SB_SQLITE_R_USER_ID] = "SELECT id FROM user WHERE key = ?1",
  [SB_SQLITE_R_USERS] =
      "SELECT key, id, password_hash, tags, connection_properties, admin, created, ttl, paused"
      " FROM user WHERE removed IS NULL ORDER BY key",
  [SB_SQLITE_R_RECEIPTS] =
      "SELECT r.number, r.message, u.id FROM receipt r LEFT JOIN user u ON u.key = r.recipient"
      " WHERE r.sender = ?1 ORDER BY r.number LIMIT ?2",
};

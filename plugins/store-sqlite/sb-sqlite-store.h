/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-sqlite-store: the bus's data in one file of SQLite.
 *
 * The journal's thread owns the writer, the reader's thread the reader; they
 * share nothing but the counters of the ledger.
 */
#pragma once

#include <simplebus.h>

#define SB_TYPE_SQLITE_STORE (sb_sqlite_store_get_type ())
G_DECLARE_FINAL_TYPE (SbSqliteStore, sb_sqlite_store, SB, SQLITE_STORE, GObject)

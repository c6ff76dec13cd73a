/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-log: warnings that a test wants to see. Any other one ends the test,
 * as everywhere.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Once, in main. */
void sb_test_log_init (void);

/* The next warning contains @part; they come in the order in which they were announced. */
void sb_test_log_expect (const char *part);
/* All that were announced have come. */
void sb_test_log_assert_expected (void);

/* Lines with that MESSAGE_ID are kept from now on, and not written. */
void sb_test_log_keep (const char *message_id);
/* Those since the last time, a line each, and with them their fields SIMPLEBUS_USER and
 * SIMPLEBUS_MESSAGE as "user/message: line". */
char *sb_test_log_take_kept (void);

G_END_DECLS

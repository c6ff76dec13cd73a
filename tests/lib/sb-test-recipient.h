/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-recipient: an outbound path of type `test`, which takes messages and
 * answers when a test says so. A user gets one by `connection_properties`
 * {"type":"test","parallel":1}; `"faulty":true` makes its open fail.
 */
#pragma once

#include "sb-outbound.h"
#include "sb-registry.h"

G_BEGIN_DECLS

#define SB_TYPE_TEST_RECIPIENT (sb_test_recipient_get_type ())
G_DECLARE_FINAL_TYPE (SbTestRecipient, sb_test_recipient, SB, TEST_RECIPIENT, GObject)

void sb_test_recipient_register (SbRegistry *registry);

/* Returns: (transfer none) (nullable): the open path to that user */
SbTestRecipient *sb_test_recipient_find (const char *user);

/* Ids that it was given since the last time, with a space between. */
char *sb_test_recipient_take (SbTestRecipient *self);
/* Of one that it was given and has not answered. */
void sb_test_recipient_confirm (SbTestRecipient *self, const char *id);
void sb_test_recipient_fail (SbTestRecipient *self, const char *id, SbFailure failure,
                             gint64 retry_after, guint status);
guint sb_test_recipient_get_n_open (SbTestRecipient *self);

#define sb_test_recipient_assert(recipient, ids)                   \
  G_STMT_START                                                     \
  {                                                                \
    g_autofree char *got_ids = sb_test_recipient_take (recipient); \
    g_assert_cmpstr (got_ids, ==, ids);                            \
  }                                                                \
  G_STMT_END

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-error: reasons and predicates of SB_ERROR. */

#include "sb-error.h"
#include "sb-test.h"

static void
every_code_has_its_own_reason (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (int code = SB_ERROR_FAILED; code <= SB_ERROR_CLOSED; code++)
    {
      g_autoptr (GError) error = g_error_new_literal (SB_ERROR, code, "x");

      g_assert_nonnull (sb_error_reason (error));
      g_assert_true (g_hash_table_add (seen, (gpointer) sb_error_reason (error)));
    }
}

static void
io_errors_fold_into_one_question (void)
{
  g_autoptr (GError) full = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "x");
  g_autoptr (GError) refused = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, "x");
  g_autoptr (GError) invalid = g_error_new_literal (SB_ERROR, SB_ERROR_INVALID, "x");

  g_assert_cmpstr (sb_error_reason (full), ==, "no-space");
  g_assert_true (sb_error_is_transient (refused));
  g_assert_false (sb_error_is_transient (invalid));
}

int
main (int argc, char *argv[])
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/error/every-code-has-its-own-reason", every_code_has_its_own_reason);
  g_test_add_func ("/error/io-errors-fold-into-one-question", io_errors_fold_into_one_question);
  return g_test_run ();
}

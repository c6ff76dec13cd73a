/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-screen: what a person sees of what a program has written to a terminal. It knows the
 * escape codes that `simplebus` uses, and fails a test that uses others. Text may scroll out at
 * the top, where it is kept.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Returns: (transfer full): the lines that are there in the end, with a line end behind each; those
 * at the bottom that are empty left out */
char *sb_test_screen_show (const char *output, guint columns);

G_END_DECLS

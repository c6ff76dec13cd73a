/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-prompt: a new password from whoever runs the program: asked for twice at a terminal, where
 * it is not shown; otherwise one line of standard input.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *sb_prompt_new_password (const char *user, GError **error);

G_END_DECLS

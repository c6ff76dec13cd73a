/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-screen: the whole terminal, for as long as it is needed. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _SbCliScreen SbCliScreen;

/* What was on the terminal comes back with sb_cli_screen_free(), and when the program exits. */
SbCliScreen *sb_cli_screen_new (void);
void sb_cli_screen_free (SbCliScreen *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliScreen, sb_cli_screen_free)

void sb_cli_screen_get_size (SbCliScreen *self, guint *columns, guint *rows);
/* Shows as many of these lines as there is room for; they are cut already. */
void sb_cli_screen_show (SbCliScreen *self, const char *const *lines);

G_END_DECLS

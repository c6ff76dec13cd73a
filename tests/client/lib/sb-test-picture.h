/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-test-picture: what a camera sees of a terminal or of a picture file, read by zbarimg as a
 * phone would read it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Grey values: 0 is black, 255 white. */
typedef struct
{
  guint8 text;       /* that the terminal has when nothing is said */
  guint8 background; /* likewise */
} SbTestScreen;

/* What the QR code in a picture file says. Returns: (transfer full) (nullable): %NULL: there is
 * none */
char *sb_test_read_picture (const char *path);
/* The same of half blocks, colours of 256, or number signs and blanks on a terminal. */
char *sb_test_read_screen (const char *shown, const SbTestScreen *screen);

G_END_DECLS

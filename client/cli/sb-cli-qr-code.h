/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-qr-code: a QR code, as text for a terminal and as a PNG. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A module is the smallest square of a code. As many light ones stand around it. */
#define SB_CLI_QR_QUIET 4

/**
 * SbCliQrStyle:
 * @SB_CLI_QR_COLOURS: half blocks in black on white, whatever the terminal's own colours are
 * @SB_CLI_QR_BLOCKS: half blocks; what is light has the colour of the terminal's text
 * @SB_CLI_QR_ASCII: two number signs for what is light
 *
 * How a code is drawn on a terminal.
 */
typedef enum
{
  SB_CLI_QR_COLOURS,
  SB_CLI_QR_BLOCKS,
  SB_CLI_QR_ASCII,
} SbCliQrStyle;

typedef struct _SbCliQrCode SbCliQrCode;

/* @text: UTF-8; @is_robust: for paper rather than a screen: more of it may be unreadable */
SbCliQrCode *sb_cli_qr_code_new (const char *text, gboolean is_robust, GError **error);
void sb_cli_qr_code_free (SbCliQrCode *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbCliQrCode, sb_cli_qr_code_free)

/* With what stands around it, in modules. */
guint sb_cli_qr_code_get_size (SbCliQrCode *self);
/* On a terminal. */
guint sb_cli_qr_code_get_columns (SbCliQrCode *self, SbCliQrStyle style);
guint sb_cli_qr_code_get_rows (SbCliQrCode *self, SbCliQrStyle style);

/* @is_inverted: what is dark becomes light. Returns: (transfer full): lines, each with its end */
char *sb_cli_qr_code_draw (SbCliQrCode *self, SbCliQrStyle style, gboolean is_inverted);
/* @scale: pixels of a module's side. Returns: (transfer full) (nullable) */
GBytes *sb_cli_qr_code_to_png (SbCliQrCode *self, guint scale, gboolean is_inverted,
                               GError **error);

G_END_DECLS

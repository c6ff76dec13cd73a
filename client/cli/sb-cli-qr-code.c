/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-qr-code: a QR code, as text for a terminal and as a PNG.
 *
 * A character cell is about twice as high as wide, so a cell shows two modules, one above the
 * other.
 */

#include "sb-cli-qr-code.h"

#include "sb-cli.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <png.h>
#include <qrencode.h>
#include <string.h>

#define MODULE_DARK 1

/* Fixed places of the palette of 256 colours; the first sixteen are what the user made of them. */
#define BLACK_ON_WHITE "\033[38;5;16;48;5;231m"
#define WHITE_ON_BLACK "\033[38;5;231;48;5;16m"
#define END_OF_COLOURS "\033[0m"

struct _SbCliQrCode
{
  QRcode *code; /* (owned) */
};

/**
 * sb_cli_qr_code_new:
 * @text: UTF-8, not empty
 * @is_robust: for paper rather than a screen: 15 instead of 7 per cent of it may be unreadable
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): the code; %NULL when the text is too long for any
 */
SbCliQrCode *
sb_cli_qr_code_new (const char *text, gboolean is_robust, GError **error)
{
  QRecLevel level = is_robust ? QR_ECLEVEL_M : QR_ECLEVEL_L;
  QRcode *code = QRcode_encodeData ((int) strlen (text), (const unsigned char *) text, 0, level);
  SbCliQrCode *self;

  if (code == NULL)
    {
      g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("%u bytes make no QR code: %s"),
                   (guint) strlen (text),
                   errno == ERANGE ? _ ("that is too much") : g_strerror (errno));
      return NULL;
    }
  self = g_new0 (SbCliQrCode, 1);
  self->code = code;
  return self;
}

/**
 * sb_cli_qr_code_free:
 * @self: (transfer full): a code
 *
 * Wipes it, since a password may be in it, and frees it.
 */
void
sb_cli_qr_code_free (SbCliQrCode *self)
{
  explicit_bzero (self->code->data, (gsize) self->code->width * (gsize) self->code->width);
  QRcode_free (self->code);
  g_free (self);
}

/**
 * sb_cli_qr_code_get_size:
 * @self: a code
 *
 * Returns: modules of a side, with those around it
 */
guint
sb_cli_qr_code_get_size (SbCliQrCode *self)
{
  return (guint) self->code->width + 2 * SB_CLI_QR_QUIET;
}

/**
 * sb_cli_qr_code_get_columns:
 * @self: a code
 * @style: how it is drawn
 *
 * Returns: how wide it is on a terminal
 */
guint
sb_cli_qr_code_get_columns (SbCliQrCode *self, SbCliQrStyle style)
{
  return sb_cli_qr_code_get_size (self) * (style == SB_CLI_QR_ASCII ? 2 : 1);
}

/**
 * sb_cli_qr_code_get_rows:
 * @self: a code
 * @style: how it is drawn
 *
 * Returns: how high it is on a terminal
 */
guint
sb_cli_qr_code_get_rows (SbCliQrCode *self, SbCliQrStyle style)
{
  guint size = sb_cli_qr_code_get_size (self);

  return style == SB_CLI_QR_ASCII ? size : (size + 1) / 2;
}

/* Coordinates count from the corner of what stands around it; outside of that all is light. */
static gboolean
is_dark (SbCliQrCode *self, guint x, guint y)
{
  guint width = (guint) self->code->width;

  if (x < SB_CLI_QR_QUIET || y < SB_CLI_QR_QUIET || x >= width + SB_CLI_QR_QUIET
      || y >= width + SB_CLI_QR_QUIET)
    return FALSE;
  return self->code->data[(y - SB_CLI_QR_QUIET) * width + x - SB_CLI_QR_QUIET] & MODULE_DARK;
}

static void
draw_half_blocks (SbCliQrCode *self, GString *text, guint y, gboolean is_dark_drawn)
{
  static const char *const cells[] = { " ", "\342\226\204", "\342\226\200", "\342\226\210" };

  for (guint x = 0; x < sb_cli_qr_code_get_size (self); x++)
    {
      guint upper = is_dark (self, x, y) == is_dark_drawn;
      guint lower = is_dark (self, x, y + 1) == is_dark_drawn;

      g_string_append (text, cells[upper * 2 + lower]);
    }
}

static void
draw_ascii (SbCliQrCode *self, GString *text, guint y, gboolean is_dark_drawn)
{
  for (guint x = 0; x < sb_cli_qr_code_get_size (self); x++)
    g_string_append (text, is_dark (self, x, y) == is_dark_drawn ? "##" : "  ");
}

/**
 * sb_cli_qr_code_draw:
 * @self: a code
 * @style: how to draw it
 * @is_inverted: what is dark becomes light; without colours that is for terminals with dark text
 *
 * Returns: (transfer full): the code in lines, each with its end
 */
char *
sb_cli_qr_code_draw (SbCliQrCode *self, SbCliQrStyle style, gboolean is_inverted)
{
  GString *text = g_string_new (NULL);
  guint step = style == SB_CLI_QR_ASCII ? 1 : 2;

  for (guint y = 0; y < sb_cli_qr_code_get_size (self); y += step)
    {
      if (style == SB_CLI_QR_COLOURS)
        g_string_append (text, is_inverted ? WHITE_ON_BLACK : BLACK_ON_WHITE);
      if (style == SB_CLI_QR_ASCII)
        draw_ascii (self, text, y, is_inverted);
      else
        draw_half_blocks (self, text, y, style == SB_CLI_QR_COLOURS || is_inverted);
      g_string_append (text, style == SB_CLI_QR_COLOURS ? END_OF_COLOURS "\n" : "\n");
    }
  return g_string_free (text, FALSE);
}

/* Returns: (transfer full): grey pixels, row by row */
static guint8 *
make_pixels (SbCliQrCode *self, guint scale, gboolean is_inverted)
{
  gsize side = (gsize) sb_cli_qr_code_get_size (self) * scale;
  guint8 *pixels = g_malloc (side * side);

  for (gsize y = 0; y < side; y++)
    for (gsize x = 0; x < side; x++)
      {
        gboolean dark = is_dark (self, (guint) (x / scale), (guint) (y / scale));

        pixels[y * side + x] = dark == is_inverted ? 255 : 0;
      }
  return pixels;
}

/**
 * sb_cli_qr_code_to_png:
 * @self: a code
 * @scale: pixels of a module's side, at least 1
 * @is_inverted: what is dark becomes light
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): a PNG
 */
GBytes *
sb_cli_qr_code_to_png (SbCliQrCode *self, guint scale, gboolean is_inverted, GError **error)
{
  g_autofree guint8 *pixels = make_pixels (self, scale, is_inverted);
  g_autofree guint8 *data = NULL;
  png_image image = { .version = PNG_IMAGE_VERSION, .format = PNG_FORMAT_GRAY };
  png_alloc_size_t length;
  gboolean is_made;

  image.width = image.height = sb_cli_qr_code_get_size (self) * scale;
  length = PNG_IMAGE_PNG_SIZE_MAX (image);
  data = g_malloc (length);
  is_made = png_image_write_to_memory (&image, data, &length, 0, pixels, 0, NULL) != 0;
  explicit_bzero (pixels, (gsize) image.width * image.height);
  if (is_made)
    return g_bytes_new_take (g_steal_pointer (&data), length);
  g_set_error (error, SB_CLI_ERROR, SB_CLI_FAILED, _ ("The PNG cannot be made: %s"), image.message);
  png_image_free (&image);
  return NULL;
}

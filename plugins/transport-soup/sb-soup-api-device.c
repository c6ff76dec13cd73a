/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-soup-api-device: what a device is set up with, and pictures of it. */

#include "sb-soup-api.h"

#include <qrencode.h>
#include <string.h>

/* More fits into no code that a telephone reads well. */
#define MAX_TEXT 1024

/* Light modules around the code, as its standard wants. */
#define QUIET 4

/* --- POST /api/v1/qr --- */

/* A path of squares: a run of dark modules of a row is one. */
static void
draw_row (GString *svg, const QRcode *code, int y)
{
  const unsigned char *row = code->data + y * code->width;

  for (int x = 0; x < code->width; x++)
    {
      int end = x;

      while (end < code->width && (row[end] & 1) != 0)
        end++;
      if (end > x)
        g_string_append_printf (svg, "M%d %dh%dv1h-%dz", x + QUIET, y + QUIET, end - x, end - x);
      x = MAX (x, end);
    }
}

static GString *
draw (const QRcode *code)
{
  int size = code->width + 2 * QUIET;
  GString *svg = g_string_sized_new (8192);

  g_string_append_printf (svg,
                          "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
                          "width=\"%d\" height=\"%d\" shape-rendering=\"crispEdges\">"
                          "<path fill=\"#fff\" d=\"M0 0h%dv%dH0z\"/><path d=\"",
                          size, size, size * 8, size * 8, size, size);
  for (int y = 0; y < code->width; y++)
    draw_row (svg, code, y);
  g_string_append (svg, "\"/></svg>");
  return svg;
}

/**
 * sb_api_draw_qr:
 * @request: `POST /api/v1/qr`, by any user
 * @name: %NULL
 *
 * Draws a text as a QR code. It is neither kept nor logged.
 */
void
sb_api_draw_qr (SbRequest *request, const char *name)
{
  static const char *const members[] = { "text", NULL };
  g_autoptr (JsonNode) body = sb_api_parse_body (request, members);
  const char *text;
  QRcode *code;

  if (body == NULL)
    return;
  text = sb_api_get_string (body, "text");
  if (text == NULL || *text == '\0' || strlen (text) > MAX_TEXT)
    {
      sb_request_problem (request, 400, "invalid",
                          "\"text\" is needed, a string of 1 to " G_STRINGIFY (MAX_TEXT) " bytes");
      return;
    }
  code = QRcode_encodeData ((int) strlen (text), (const unsigned char *) text, 0, QR_ECLEVEL_M);
  if (code == NULL)
    {
      sb_request_problem (request, 500, "failed", "The code could not be made");
      return;
    }
  sb_request_answer (request, 200, "image/svg+xml", draw (code));
  QRcode_free (code);
}

/* --- POST /api/v1/users/<user>/settings --- */

/**
 * sb_api_make_settings:
 * @request: `POST /api/v1/users/<user>/settings`, by an admin or the user
 * @name: the user's id
 *
 * Tells what a device of the user is set up with. The password is the one that is given, since the
 * bus knows none. The HTTP port takes WebSockets as well, so one address serves both.
 */
void
sb_api_make_settings (SbRequest *request, const char *name)
{
  static const char *const members[] = { "password", NULL };
  g_autoptr (JsonNode) body = NULL;
  g_autofree char *url = NULL;
  g_autofree char *websocket_url = NULL;
  const char *password;
  GString *json;

  if (!sb_api_is_admin (request) && strcmp (name, request->user->id) != 0)
    {
      sb_request_problem (request, 403, "forbidden", "This is for admins and the user");
      return;
    }
  body = sb_api_parse_body (request, members);
  if (body == NULL || sb_api_find_user (request, name) == NULL)
    return;
  url = sb_request_dup_base_url (request);
  if (url == NULL)
    {
      sb_request_problem (request, 409, "conflict",
                          "The bus does not know its address; set public-url in simplebus.ini");
      return;
    }
  websocket_url = g_strconcat ("ws", url + strlen ("http"), "/ws", NULL);
  password = sb_api_get_string (body, "password");
  json = g_string_new (NULL);
  sb_json_begin (json, NULL, '{');
  sb_json_add_string (json, "BusURL", websocket_url);
  sb_json_add_string (json, "BusURLHttp", url);
  sb_json_add_string (json, "BusID", name);
  sb_json_add_string (json, "BusPassword", password != NULL ? password : "");
  sb_json_end (json, '}');
  sb_request_answer_json (request, 200, json);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-top-view: the bus counts since it was started; what happens in a second is the difference
 * of two overviews, by the bus's own clock.
 */

#include "sb-cli-top-view.h"

#include "sb-cli-gauge.h"
#include "sb-cli-json.h"
#include "sb-cli-pages.h"

#include <glib/gi18n.h>

#define BOLD "\033[1m"
#define RED "\033[31m"
#define PLAIN "\033[0m"
#define TITLE_WIDTH 18

static double
get_double (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  GType type = node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node)
                                                            : G_TYPE_INVALID;

  return type == G_TYPE_DOUBLE || type == G_TYPE_INT64 ? json_node_get_double (node) : 0;
}

static double
get_part (JsonObject *overview, const char *part, const char *name)
{
  JsonObject *object = overview != NULL ? sb_cli_json_get_object (overview, part) : NULL;

  return get_double (object, name);
}

static gint64
get_number (const SbCliTopView *self, const char *part, const char *name)
{
  return (gint64) get_part (self->now, part, name);
}

/* Seconds between the two overviews; 0 when there are no two of one run of the bus. */
static double
get_span (const SbCliTopView *self)
{
  double span = get_double (self->now, "uptime") - get_double (self->before, "uptime");

  return self->before != NULL && span > 0 ? span : 0;
}

static double
get_growth (const SbCliTopView *self, const char *part, const char *name)
{
  return MAX (get_part (self->now, part, name) - get_part (self->before, part, name), 0);
}

/* Returns: (transfer full): "120", "0.5"; "-" when it is not known yet */
static char *
format_rate (const SbCliTopView *self, const char *part, const char *name)
{
  double span = get_span (self);
  double rate = span > 0 ? get_growth (self, part, name) / span : 0;

  if (span == 0)
    return g_strdup ("-");
  return g_strdup_printf ("%.*f", rate > 0 && rate < 9.95 ? 1 : 0, rate);
}

/* --- The screen --- */

typedef struct
{
  const SbCliTopView *view;
  GPtrArray *lines; /* (owned) of char */
} Canvas;

/* Whatever is in it, nothing but our own codes reaches the terminal. */
static void
add_line (Canvas *canvas, const char *code, const char *text)
{
  g_autofree char *shown = sb_cli_printable (text);
  g_autofree char *cut = sb_cli_fit_text (shown, canvas->view->columns);
  gboolean has_code = canvas->view->colour && code != NULL;

  g_ptr_array_add (canvas->lines,
                   g_strconcat (has_code ? code : "", cut, has_code ? PLAIN : "", NULL));
}

static void add_fact (Canvas *canvas, const char *title, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

static void
append_padded (GString *line, const char *text, guint width, gboolean is_right)
{
  guint own = sb_cli_text_width (text);

  if (!is_right)
    g_string_append (line, text);
  for (guint i = own; i < width; i++)
    g_string_append_c (line, ' ');
  if (is_right)
    g_string_append (line, text);
}

/* "Backlog     12 wait, …" */
static void
add_fact (Canvas *canvas, const char *title, const char *format, ...)
{
  g_autoptr (GString) line = g_string_new (NULL);
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  append_padded (line, title, TITLE_WIDTH, FALSE);
  g_string_append (line, text);
  add_line (canvas, NULL, line->str);
}

static void
add_head (Canvas *canvas)
{
  const SbCliTopView *view = canvas->view;
  const char *version = sb_cli_json_get_string (view->now, "version");
  g_autofree char *uptime = sb_cli_format_age ((gint64) get_double (view->now, "uptime"));
  g_autofree char *time = sb_cli_format_time (sb_cli_json_get_string (view->now, "time"));
  g_autofree char *text = g_strdup_printf (_ ("SimpleBus %s at %s, up %s, %s"),
                                           version != NULL ? version : "", view->url, uptime, time);

  add_line (canvas, BOLD, text);
}

static void
add_counter (Canvas *canvas, const char *title, const char *name)
{
  g_autofree char *rate = format_rate (canvas->view, "messages", name);
  g_autofree char *total = g_strdup_printf ("%" G_GINT64_FORMAT,
                                            get_number (canvas->view, "messages", name));
  g_autoptr (GString) line = g_string_new (NULL);

  append_padded (line, title, TITLE_WIDTH, FALSE);
  append_padded (line, rate, 12, TRUE);
  append_padded (line, total, 16, TRUE);
  add_line (canvas, NULL, line->str);
}

static void
add_messages (Canvas *canvas)
{
  g_autoptr (GString) head = g_string_new (NULL);

  append_padded (head, _ ("Messages"), TITLE_WIDTH, FALSE);
  append_padded (head, _ ("per second"), 12, TRUE);
  append_padded (head, _ ("in all"), 16, TRUE);
  add_line (canvas, NULL, "");
  add_line (canvas, BOLD, head->str);
  add_counter (canvas, _ ("accepted"), "accepted");
  add_counter (canvas, _ ("sent"), "sent");
  add_counter (canvas, _ ("sent again"), "redelivered");
  add_counter (canvas, _ ("confirmed"), "confirmed");
  add_counter (canvas, _ ("expired"), "expired");
  add_counter (canvas, _ ("refused"), "refused");
  add_counter (canvas, _ ("direct"), "direct");
}

static void
add_backlog (Canvas *canvas)
{
  const SbCliTopView *view = canvas->view;
  g_autofree char *size = sb_cli_format_size (get_number (view, "backlog", "bytes"));

  add_line (canvas, NULL, "");
  add_fact (
      canvas, _ ("Backlog"), _ ("%d pending, %d in flight, %d scheduled, %d parked, %d dead; %s"),
      (int) get_number (view, "backlog", "pending"), (int) get_number (view, "backlog", "sent"),
      (int) get_number (view, "backlog", "scheduled"), (int) get_number (view, "backlog", "parked"),
      (int) get_number (view, "backlog", "dead"), size);
  add_fact (canvas, _ ("Users"), _ ("%d of %d online; %d connections"),
            (int) get_number (view, "users", "online"), (int) get_number (view, "users", "total"),
            (int) get_double (view->now, "connections"));
  add_fact (canvas, _ ("HTTP recipients"), _ ("%d well, %d waiting, %d unreachable, %d faulty"),
            (int) get_number (view, "recipients", "ok"),
            (int) get_number (view, "recipients", "waiting"),
            (int) get_number (view, "recipients", "unreachable"),
            (int) get_number (view, "recipients", "faulty"));
}

static void
add_machine (Canvas *canvas)
{
  const SbCliTopView *view = canvas->view;
  double span = get_span (view);
  double batches = get_growth (view, "journal", "batches");
  g_autofree char *files = sb_cli_format_size (get_number (view, "files", "bytes"));
  g_autofree char *free_space = sb_cli_format_size (get_number (view, "disk", "free"));
  g_autofree char *disk = sb_cli_format_size (get_number (view, "disk", "size"));
  g_autofree char *store = sb_cli_format_size (get_number (view, "disk", "store"));
  g_autofree char *memory = sb_cli_format_size (get_number (view, "process", "memory"));
  g_autofree char *rate = format_rate (view, "journal", "batches");

  add_fact (canvas, _ ("Files"), _ ("%d wait, %s; %d uploads are not complete"),
            (int) get_number (view, "files", "waiting"), files,
            (int) get_number (view, "files", "incomplete"));
  add_fact (canvas, _ ("Disk"), _ ("%s of %s free; the store has %s"), free_space, disk, store);
  add_fact (canvas, _ ("Journal"), _ ("%s batches per second, %.1f ms each; %d %% full"), rate,
            batches > 0 ? get_growth (view, "journal", "commit_ms") / batches : 0.0,
            (int) (get_part (view->now, "journal", "fill") * 100));
  add_fact (canvas, _ ("Process"), _ ("%s of memory, %.0f %% of a processor"), memory,
            span > 0 ? get_growth (view, "process", "cpu") / span * 100 : 0.0);
}

static void
add_transfer (Canvas *canvas, JsonObject *transfer)
{
  const char *direction = sb_cli_json_get_string (transfer, "direction");
  const char *name = sb_cli_json_get_string (transfer, "name");
  const char *user = sb_cli_json_get_string (transfer, "user");
  gint64 size = sb_cli_json_get_integer (transfer, "size", -1);
  double done = get_double (transfer, "bytes");
  double seconds = get_double (transfer, "seconds");
  g_autofree char *rate = sb_cli_format_size ((gint64) (seconds > 0 ? done / seconds : 0));
  g_autofree char *part = size > 0 ? g_strdup_printf ("%3d %%", (int) (done * 100 / (double) size))
                                   : sb_cli_format_size ((gint64) done);
  g_autofree char *text = g_strdup_printf (
      "%s %s  %s/s  %s  %s", g_strcmp0 (direction, "upload") == 0 ? "→" : "←", part, rate,
      user != NULL ? user : "", name != NULL ? name : "");

  add_line (canvas, NULL, text);
}

static void
add_transfers (Canvas *canvas)
{
  JsonObject *transfers = sb_cli_json_get_object (canvas->view->now, "transfers");
  g_autoptr (GPtrArray) rows = transfers != NULL ? sb_cli_json_get_objects (transfers, "running")
                                                 : NULL;

  if (rows == NULL || rows->len == 0)
    return;
  add_line (canvas, NULL, "");
  add_line (canvas, BOLD, _ ("Files on their way"));
  for (guint i = 0; i < rows->len; i++)
    add_transfer (canvas, g_ptr_array_index (rows, i));
}

static void
add_alarms (Canvas *canvas)
{
  g_autoptr (GPtrArray) alarms = sb_cli_json_get_objects (canvas->view->now, "alarms");

  if (alarms->len > 0)
    add_line (canvas, NULL, "");
  for (guint i = 0; i < alarms->len; i++)
    {
      JsonObject *alarm = g_ptr_array_index (alarms, i);
      const char *limit = sb_cli_json_get_string (alarm, "limit");
      const char *advice = sb_cli_json_get_string (alarm, "advice");
      g_autofree char *text = g_strdup_printf (
          _ ("%s: %d %% of the limit. %s"), limit != NULL ? limit : "",
          (int) (get_double (alarm, "ratio") * 100), advice != NULL ? advice : "");

      add_line (canvas, RED, text);
    }
}

/**
 * sb_cli_top_view_draw:
 * @self: what there is
 *
 * Returns: (transfer full) (array zero-terminated=1): lines for the screen, cut to its width
 */
char **
sb_cli_top_view_draw (const SbCliTopView *self)
{
  Canvas canvas = { self, g_ptr_array_new () };

  g_autofree char *hope = g_strdup_printf (_ ("Asking %s …"), self->url);

  if (self->fault != NULL || self->now == NULL)
    add_line (&canvas, self->fault != NULL ? RED : NULL, self->fault != NULL ? self->fault : hope);
  if (self->now != NULL)
    {
      add_head (&canvas);
      add_messages (&canvas);
      add_backlog (&canvas);
      add_machine (&canvas);
      add_alarms (&canvas);
      add_transfers (&canvas);
    }
  g_ptr_array_add (canvas.lines, NULL);
  return (char **) g_ptr_array_free (canvas.lines, FALSE);
}

/* --- Lines --- */

#define LINE_FORMAT "%-19s %11s %11s %11s %9s %9s %7s %7s"

/**
 * sb_cli_top_view_headings:
 *
 * Returns: (transfer none): what stands above the lines
 */
const char *
sb_cli_top_view_headings (void)
{
  static char text[128];

  g_snprintf (text, sizeof text, LINE_FORMAT, "TIME", "ACCEPTED/S", "SENT/S", "CONFIRMED/S",
              "PENDING", "INFLIGHT", "DEAD", "ONLINE");
  return text;
}

/**
 * sb_cli_top_view_line:
 * @self: what there is
 *
 * Returns: (transfer full): the most important of it on one line
 */
char *
sb_cli_top_view_line (const SbCliTopView *self)
{
  g_autofree char *moment = sb_cli_format_time (sb_cli_json_get_string (self->now, "time"));
  g_autofree char *time = sb_cli_printable (moment);
  g_autofree char *accepted = format_rate (self, "messages", "accepted");
  g_autofree char *sent = format_rate (self, "messages", "sent");
  g_autofree char *confirmed = format_rate (self, "messages", "confirmed");
  g_autofree char *pending = g_strdup_printf ("%" G_GINT64_FORMAT,
                                              get_number (self, "backlog", "pending"));
  g_autofree char *in_flight = g_strdup_printf ("%" G_GINT64_FORMAT,
                                                get_number (self, "backlog", "sent"));
  g_autofree char *dead = g_strdup_printf ("%" G_GINT64_FORMAT,
                                           get_number (self, "backlog", "dead"));
  g_autofree char *online = g_strdup_printf ("%" G_GINT64_FORMAT,
                                             get_number (self, "users", "online"));

  return g_strdup_printf (LINE_FORMAT, time, accepted, sent, confirmed, pending, in_flight, dead,
                          online);
}

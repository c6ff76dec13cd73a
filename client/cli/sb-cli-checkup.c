/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-checkup: what was looked at, in order, for people and for programs. */

#include "sb-cli-checkup.h"

#include <glib/gi18n.h>

#define RED "\033[31m"
#define GREEN "\033[32m"
#define YELLOW "\033[33m"
#define END_OF_COLOURS "\033[0m"

typedef struct
{
  SbCliPlace place;
  SbCliVerdict verdict;
  char *name;   /* (owned) fit for a terminal, like all text here */
  char *detail; /* (owned) */
  char *advice; /* (owned) (nullable) */
} Finding;

struct _SbCliCheckup
{
  GPtrArray *findings; /* (owned) (element-type Finding) */
};

static void
finding_free (gpointer data)
{
  Finding *finding = data;

  g_free (finding->name);
  g_free (finding->detail);
  g_free (finding->advice);
  g_free (finding);
}

/**
 * sb_cli_checkup_new:
 *
 * Returns: (transfer full): nothing was looked at yet
 */
SbCliCheckup *
sb_cli_checkup_new (void)
{
  SbCliCheckup *self = g_new0 (SbCliCheckup, 1);

  self->findings = g_ptr_array_new_with_free_func (finding_free);
  return self;
}

/**
 * sb_cli_checkup_free:
 * @self: (transfer full): a check-up
 *
 * Frees it.
 */
void
sb_cli_checkup_free (SbCliCheckup *self)
{
  g_ptr_array_unref (self->findings);
  g_free (self);
}

/**
 * sb_cli_checkup_add:
 * @self: a check-up
 * @place: where something was looked at
 * @name: a word for it, which programs may know
 * @verdict: how it stands
 * @advice: (nullable): what to do
 * @format: what was found, as for printf()
 * @...: for @format
 *
 * Adds what was found. The text may come from anywhere.
 */
void
sb_cli_checkup_add (SbCliCheckup *self, SbCliPlace place, const char *name, SbCliVerdict verdict,
                    const char *advice, const char *format, ...)
{
  Finding *finding = g_new0 (Finding, 1);
  g_autofree char *detail = NULL;
  va_list args;

  va_start (args, format);
  detail = g_strdup_vprintf (format, args);
  va_end (args);
  finding->place = place;
  finding->verdict = verdict;
  finding->name = sb_cli_printable (name);
  finding->detail = sb_cli_printable (detail);
  finding->advice = advice != NULL && *advice != '\0' ? sb_cli_printable (advice) : NULL;
  g_ptr_array_add (self->findings, finding);
}

/**
 * sb_cli_checkup_count:
 * @self: a check-up
 * @verdict: one of them
 *
 * Returns: how many came out so
 */
guint
sb_cli_checkup_count (SbCliCheckup *self, SbCliVerdict verdict)
{
  guint n = 0;

  for (guint i = 0; i < self->findings->len; i++)
    n += ((Finding *) g_ptr_array_index (self->findings, i))->verdict == verdict ? 1 : 0;
  return n;
}

/* --- For programs --- */

static const char *
get_verdict_word (SbCliVerdict verdict)
{
  static const char *const words[] = { "ok", "warning", "error" };

  return words[verdict];
}

static void
build_finding (JsonBuilder *builder, const Finding *finding)
{
  static const char *const places[] = { "here", "bus", "server" };

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "where");
  json_builder_add_string_value (builder, places[finding->place]);
  json_builder_set_member_name (builder, "check");
  json_builder_add_string_value (builder, finding->name);
  json_builder_set_member_name (builder, "status");
  json_builder_add_string_value (builder, get_verdict_word (finding->verdict));
  json_builder_set_member_name (builder, "detail");
  json_builder_add_string_value (builder, finding->detail);
  json_builder_set_member_name (builder, "advice");
  json_builder_add_string_value (builder, finding->advice);
  json_builder_end_object (builder);
}

static SbCliVerdict
get_worst (SbCliCheckup *self)
{
  if (sb_cli_checkup_count (self, SB_CLI_VERDICT_ERROR) > 0)
    return SB_CLI_VERDICT_ERROR;
  return sb_cli_checkup_count (self, SB_CLI_VERDICT_WARNING) > 0 ? SB_CLI_VERDICT_WARNING
                                                                 : SB_CLI_VERDICT_OK;
}

static void
print_json (SbCliCheckup *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new_immutable ();
  g_autoptr (JsonNode) node = NULL;

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "status");
  json_builder_add_string_value (builder, get_verdict_word (get_worst (self)));
  json_builder_set_member_name (builder, "checks");
  json_builder_begin_array (builder);
  for (guint i = 0; i < self->findings->len; i++)
    build_finding (builder, g_ptr_array_index (self->findings, i));
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  node = json_builder_get_root (builder);
  sb_cli_print_json (node);
}

/* --- For people --- */

static const char *
get_mark (SbCliVerdict verdict)
{
  static const char *const marks[] = { "\342\234\223", "!", "\342\234\227" };
  static const char *const ascii_marks[] = { "+", "!", "x" };
  const char *charset;

  return g_get_charset (&charset) ? marks[verdict] : ascii_marks[verdict];
}

static const char *
get_arrow (void)
{
  const char *charset;

  return g_get_charset (&charset) ? "\342\206\222" : "->";
}

static const char *
get_title (SbCliPlace place)
{
  switch (place)
    {
    case SB_CLI_PLACE_HERE:
      return _ ("From here to the bus");
    case SB_CLI_PLACE_BUS:
      return _ ("What the bus says of itself");
    case SB_CLI_PLACE_SERVER:
    default:
      return _ ("The server on this machine");
    }
}

static guint
measure_names (SbCliCheckup *self)
{
  guint width = 0;

  for (guint i = 0; i < self->findings->len; i++)
    width = MAX (width,
                 sb_cli_text_width (((Finding *) g_ptr_array_index (self->findings, i))->name));
  return width;
}

static void
print_finding (const Finding *finding, SbCli *cli, guint width)
{
  static const char *const colours[] = { GREEN, YELLOW, RED };
  int blanks = (int) (width - sb_cli_text_width (finding->name));

  g_print ("  %s%s%s %s%*s  %s\n", cli->colour ? colours[finding->verdict] : "",
           get_mark (finding->verdict), cli->colour ? END_OF_COLOURS : "", finding->name, blanks,
           "", finding->detail);
  if (finding->advice != NULL)
    g_print ("    %*s  %s %s\n", (int) width, "", get_arrow (), finding->advice);
}

static void
print_sum (SbCliCheckup *self)
{
  guint errors = sb_cli_checkup_count (self, SB_CLI_VERDICT_ERROR);
  guint warnings = sb_cli_checkup_count (self, SB_CLI_VERDICT_WARNING);

  if (errors + warnings == 0)
    g_print ("\n%s\n", _ ("All is well."));
  else
    g_print (_ ("\nErrors: %u. Warnings: %u.\n"), errors, warnings);
}

/**
 * sb_cli_checkup_print:
 * @self: a check-up
 * @cli: says for whom
 *
 * Prints it to standard output; when only results are wanted, only what should be looked at.
 */
void
sb_cli_checkup_print (SbCliCheckup *self, SbCli *cli)
{
  guint width = measure_names (self);
  int place = -1;

  if (cli->json)
    {
      print_json (self);
      return;
    }
  for (guint i = 0; i < self->findings->len; i++)
    {
      const Finding *finding = g_ptr_array_index (self->findings, i);

      if (cli->quiet && finding->verdict == SB_CLI_VERDICT_OK)
        continue;
      if ((int) finding->place != place && !cli->quiet)
        g_print ("%s%s\n", place < 0 ? "" : "\n", get_title (finding->place));
      place = (int) finding->place;
      print_finding (finding, cli, width);
    }
  if (!cli->quiet)
    print_sum (self);
}

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-cli-man: the man page, made from the table of verbs, so that it says what --help says.
 * `simplebus __man` prints it; the build does that once.
 */

#include "sb-build.h"
#include "sb-cli-verbs.h"

#include <glib/gi18n.h>
#include <string.h>

static const char introduction[] =
    ".TH SIMPLEBUS 1 \"\" \"SimpleBus " SB_VERSION "\" \"SimpleBus\"\n"
    ".SH NAME\n"
    "simplebus \\- send and receive by way of a SimpleBus, and manage it\n"
    ".SH SYNOPSIS\n"
    ".B simplebus\n"
    "[\\fIOPTION\\fR]... \\fIVERB\\fR [\\fIARGUMENT\\fR]...\n"
    ".SH DESCRIPTION\n"
    "SimpleBus is a message bus between devices and back offices. "
    "This program is a user of it for people,\n"
    "scripts and services. Options may stand before the verb or behind it;\n"
    "\\fB\\-\\-\\fR ends them.\n"
    "Text is for people and may change; for programs there is \\fB\\-\\-json\\fR\n"
    "and the exit status.\n";

static const char conclusion[] =
    ".SH LOG-IN\n"
    "Address, user and password come from, in this order: the options \\fB\\-\\-url\\fR and "
    "\\fB\\-\\-user\\fR; the\n"
    "environment; the file\n"
    ".IR client.ini ,\n"
    "which \\fBsimplebus login\\fR writes; and the terminal, where a password that is missing\n"
    "is asked for.\n"
    "There is no option for a password, because everybody on the machine can read the options.\n"
    "Password and certificates of the file are used for its own address and user only.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.BR SIMPLEBUS_URL ,\\  SIMPLEBUS_USER ,\\  SIMPLEBUS_BUS\n"
    "as \\fB\\-\\-url\\fR, \\fB\\-\\-user\\fR and \\fB\\-\\-bus\\fR\n"
    ".TP\n.B SIMPLEBUS_PASSWORD\nthe password\n"
    ".TP\n.B SIMPLEBUS_PASSWORD_FILE\na file whose first line is the password\n"
    ".TP\n.B NO_COLOR\nset to anything: no colours\n"
    ".SH FILES\n"
    ".TP\n.I $XDG_CONFIG_HOME/simplebus/client.ini\n"
    "A group [bus], and a group [bus NAME] for each \\fB\\-\\-bus\\fR NAME, with the keys url,\n"
    "websocket\\-url, user, password and ca\\-file. It must belong to its user, and nobody else\n"
    "may read or write it.\n"
    ".TP\n.I $XDG_STATE_HOME/simplebus/USER@HOST_PORT/\n"
    "messages and files under way\n"
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nit was done\n"
    ".TP\n.B 1\nit was not\n"
    ".TP\n.B 2\nthe words on the command line make no sense\n"
    ".TP\n.B 66\nthere is no such user, message or file\n"
    ".TP\n.B 69\nthe bus cannot be reached\n"
    ".TP\n.B 75\nlater it may work; or not all was confirmed in time\n"
    ".TP\n.B 77\nwrong user or password, or this user may not do it\n"
    ".TP\n.B 78\nthe configuration of the client is wrong, or has no password\n";

/* What roff would take for something of its own, or would print prettier than one can type it. */
static void
append_letter (GString *escaped, gunichar c)
{
  static const struct
  {
    gunichar letter;
    const char *name;
  } names[] = { { '\\', "\\e" },  { '-', "\\-" },   { '\'', "\\(aq" }, { '`', "\\(ga" },
                { '"', "\\(dq" }, { '~', "\\(ti" }, { '^', "\\(ha" } };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    if (c == names[i].letter)
      {
        g_string_append (escaped, names[i].name);
        return;
      }
  if (c < 0x80)
    g_string_append_c (escaped, (char) c);
  else
    g_string_append_printf (escaped, "\\[u%04X]", c);
}

static char *
escape (const char *text)
{
  g_autoptr (GString) escaped = g_string_new (NULL);

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      /* A line that begins so would be a request. */
      if (*p == '.' && (p == text || p[-1] == '\n'))
        g_string_append (escaped, "\\&");
      append_letter (escaped, g_utf8_get_char (p));
    }
  return g_string_free (g_steal_pointer (&escaped), FALSE);
}

static void
append_escaped (GString *page, const char *format, const char *text)
{
  g_autofree char *escaped = escape (text);
  g_auto (GStrv) parts = g_strsplit (format, "%s", 2);

  g_string_append_printf (page, "%s%s%s", parts[0], escaped, parts[1]);
}

/* Paragraphs are filled, examples are not. */
static void
append_details (GString *page, const char *details)
{
  g_auto (GStrv) lines = g_strsplit (details, "\n", -1);
  gboolean in_example = FALSE;

  g_string_append (page, ".PP\n");
  for (char **line = lines; *line != NULL; line++)
    {
      gboolean is_example = g_str_has_prefix (*line, "  ");

      if (**line == '\0')
        g_string_append (page, in_example ? "" : ".PP\n");
      else if (is_example != in_example)
        g_string_append (page, is_example ? ".RS 4\n.nf\n" : ".fi\n.RE\n.PP\n");
      if (**line != '\0')
        {
          in_example = is_example;
          append_escaped (page, "%s\n", is_example ? *line + 2 : *line);
        }
    }
  g_string_append (page, in_example ? ".fi\n.RE\n" : "");
}

static void
append_options (GString *page, const GOptionEntry *options)
{
  for (const GOptionEntry *option = options; option != NULL && option->long_name != NULL; option++)
    {
      g_autofree char *words = sb_cli_describe_option (option);

      if ((option->flags & G_OPTION_FLAG_HIDDEN) != 0)
        continue;
      append_escaped (page, ".TP\n.B \"%s\"\n", words);
      append_escaped (page, "%s\n", option->description);
    }
}

static void
append_verb (GString *page, const SbCliVerb *verb)
{
  g_autofree char *usage = g_strconcat ("simplebus ", verb->name, " ",
                                        verb->arguments != NULL ? verb->arguments : "", NULL);

  append_escaped (page, ".SS \"%s\"\n", g_strstrip (usage));
  append_escaped (page, "%s.\n", verb->summary);
  append_options (page, verb->options);
  if (verb->details != NULL)
    append_details (page, verb->details);
}

/**
 * sb_cli_print_man:
 *
 * Prints the man page, in the roff of man(7), in English.
 *
 * Returns: %SB_CLI_OK
 */
SbCliStatus
sb_cli_print_man (void)
{
  g_autoptr (GString) page = g_string_new (introduction);

  g_string_append (page, ".SH OPTIONS OF ALL VERBS\n");
  append_options (page, sb_cli_global_options);
  for (const SbCliGroup *group = sb_cli_groups; group->title != NULL; group++)
    {
      append_escaped (page, ".SH \"%s\"\n", group->title);
      for (const SbCliVerb *const *verb = group->verbs; *verb != NULL; verb++)
        append_verb (page, *verb);
    }
  g_string_append (page, conclusion);
  g_string_append (page, ".SH SEE ALSO\n.BR simplebusd (1)\n");
  g_print ("%s", page->str);
  return SB_CLI_OK;
}

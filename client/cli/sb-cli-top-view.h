/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-cli-top-view: two overviews of a bus, made into what a person reads. */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/**
 * SbCliTopView:
 * @url: of the bus
 * @now: (nullable): the latest overview
 * @before: (nullable): the one before, for rates
 * @fault: (nullable): why there is nothing newer
 * @columns: of the terminal
 * @colour: whether it takes colours
 *
 * What is shown.
 */
typedef struct
{
  const char *url;
  JsonObject *now;
  JsonObject *before;
  const char *fault;
  guint columns;
  gboolean colour;
} SbCliTopView;

/* Returns: (transfer full): lines for the screen, cut to its width */
char **sb_cli_top_view_draw (const SbCliTopView *self);
/* Returns: (transfer full): one line, and the headings above such lines */
char *sb_cli_top_view_line (const SbCliTopView *self);
const char *sb_cli_top_view_headings (void);

G_END_DECLS

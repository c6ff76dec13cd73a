/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-notice: the message that announces a file. It is the sender's own with
 * what the bus knows of the file put in.
 */
#pragma once

#include "sb-file.h"

G_BEGIN_DECLS

GBytes *sb_notice_make (GBytes *message, const SbFile *file, const char *url);

G_END_DECLS

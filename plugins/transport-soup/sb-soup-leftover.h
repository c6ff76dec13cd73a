/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-leftover: what clients had said when their sockets went away: frames
 * that were read and waited for the journal, or came in behind a take-over. An
 * old device never says them again, so they are carried out without it.
 */
#pragma once

#include "sb-soup-transport.h"

G_BEGIN_DECLS

void sb_soup_leftovers_add (SbSoupTransport *transport, SbUser *user, GBytes *frame);
void sb_soup_leftovers_handle (SbSoupTransport *transport);
void sb_soup_leftovers_clear (SbSoupTransport *transport);

G_END_DECLS

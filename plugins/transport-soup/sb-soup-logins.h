/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-soup-logins: who is signed in to the web console.
 *
 * A log-in is known by a secret of 256 random bits that the browser keeps in a cookie; the table
 * keeps only its hash, in memory: it ends with the process, with the password and with the user.
 */
#pragma once

#include "simplebus.h"

G_BEGIN_DECLS

/* Without a request for so long it ends, µs. */
#define SB_LOGIN_IDLE (8 * G_TIME_SPAN_HOUR)
/* It ends then in any case, µs. */
#define SB_LOGIN_LIFETIME (7 * G_TIME_SPAN_DAY)
/* In all; beyond that the one that was used least recently ends. */
#define SB_LOGINS_MAX 1000
/* Of one user, likewise. */
#define SB_LOGINS_MAX_PER_USER 20

typedef struct _SbLogins SbLogins;

SbLogins *sb_logins_new (SbAccounts *accounts);
void sb_logins_free (SbLogins *self);

char *sb_logins_begin (SbLogins *self, SbUser *user, gint64 now);
SbUser *sb_logins_find (SbLogins *self, const char *secret, gint64 now);
gboolean sb_logins_is_alive (SbLogins *self, const char *secret, gint64 now);
void sb_logins_end (SbLogins *self, const char *secret);
guint sb_logins_get_size (SbLogins *self);

/* The cookie; `__Host-` keeps other hosts of the domain from setting it, and wants TLS. */
char *sb_login_cookie_make (const char *secret, gboolean is_secure);
char *sb_login_cookie_parse (const char *header, gboolean is_secure);

G_END_DECLS

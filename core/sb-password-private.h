/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-password-private: what the ways to verify a password share. */
#pragma once

#include "sb-password.h"

G_BEGIN_DECLS

char *sb_password_crypt (const char *password, const char *setting, GError **error);

G_END_DECLS

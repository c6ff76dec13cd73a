/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-limits: how many messages a user, and an address, may send. A burst of ten
 * seconds' worth at once, then as many as the rate.
 *
 * A transport that keeps a sender open holds an allowance for it, which makes asking
 * cheap; one that sees single requests asks by user and address. Both draw on the same
 * buckets, so that several connections of a user share one rate.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _SbLimits SbLimits;
typedef struct _SbLimitBucket SbLimitBucket;

/**
 * SbAllowance:
 *
 * What a sender that stays may send. Its fields are private; all zeros is an allowance
 * without a limit. Not to be copied.
 */
typedef struct
{
  /*< private >*/
  SbLimits *limits;       /* (owned) (nullable) */
  SbLimitBucket *user;    /* (borrowed) held */
  SbLimitBucket *address; /* (borrowed) (nullable) held */
} SbAllowance;

SbLimits *sb_limits_new (guint user_rate, guint address_rate);
SbLimits *sb_limits_ref (SbLimits *self);
void sb_limits_unref (SbLimits *self);
void sb_limits_set_rates (SbLimits *self, guint user_rate, guint address_rate);
gint64 sb_limits_take (SbLimits *self, gint64 user, GInetAddress *address, gint64 now);
guint sb_limits_get_size (SbLimits *self);

void sb_allowance_init (SbAllowance *self, SbLimits *limits, gint64 user, GInetAddress *address,
                        gint64 now);
void sb_allowance_clear (SbAllowance *self);
gint64 sb_allowance_peek (const SbAllowance *self, gint64 now);
gint64 sb_allowance_take (SbAllowance *self, gint64 now);
void sb_allowance_put_back (SbAllowance *self);
gboolean sb_allowance_charge (SbAllowance *self, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SbLimits, sb_limits_unref)

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-config-keys: the group [bus] of the configuration. What a plugin reads is in
 * the table of its own descriptor.
 */
#pragma once

#include "sb-config.h"
#include "sb-operation.h"

G_BEGIN_DECLS

extern const SbConfigKey sb_bus_keys[];
extern const gsize sb_n_bus_keys;

void sb_config_read_store_limits (SbConfig *config, SbStoreLimits *limits);

G_END_DECLS

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * simplebus.h: all that a plugin sees of the bus. Include nothing else of it.
 */
#pragma once

#include "sb-clock.h"
#include "sb-error.h"
#include "sb-user.h"

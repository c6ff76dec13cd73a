/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* simplebus-client: all that a program needs that talks to a SimpleBus. Nothing else is public. */
#pragma once

#include <sb-client-draft.h>
#include <sb-client-enums.h>
#include <sb-client-error.h>
#include <sb-client-message.h>
#include <sb-client-transfer.h>
#include <sb-client.h>

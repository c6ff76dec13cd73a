/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * simplebus.h: all that a plugin sees of the bus. Include nothing else of it.
 */
#pragma once

#include "sb-accounts.h"
#include "sb-address.h"
#include "sb-attempt.h"
#include "sb-authenticator.h"
#include "sb-bus.h"
#include "sb-clock.h"
#include "sb-config.h"
#include "sb-delivery.h"
#include "sb-envelope.h"
#include "sb-error.h"
#include "sb-file.h"
#include "sb-id.h"
#include "sb-json.h"
#include "sb-limits.h"
#include "sb-message.h"
#include "sb-metrics.h"
#include "sb-names.h"
#include "sb-notify.h"
#include "sb-operation.h"
#include "sb-operator.h"
#include "sb-outbound.h"
#include "sb-plugin.h"
#include "sb-properties.h"
#include "sb-registry.h"
#include "sb-session.h"
#include "sb-store.h"
#include "sb-transport.h"
#include "sb-user.h"

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# install-config: the shipped settings, unless there are some already; those are their owner's.
set -eu
target="${DESTDIR:-}$1/simplebus.ini"
[ -e "$target" ] || install -D -m 644 "$MESON_SOURCE_ROOT/data/simplebus.ini" "$target"

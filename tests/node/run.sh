#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs what package-lock.json names into a folder of the build, and runs a test with it:
#   run.sh SOURCE-FOLDER BUILD-FOLDER TEST.mjs WORD…
# TEST.mjs is in the source folder, or a path of its own.
set -eu
source=$1 build=$2 test=$3
shift 3
mkdir -p "$build"
cp "$source"/package*.json "$source"/*.mjs "$(dirname "$0")"/*.mjs "$build"
case $test in
  */*) cp "$test" "$build"; test=$(basename "$test") ;;
esac
cd "$build"
npm ci --ignore-scripts --no-audit --no-fund --cache "$build/npm-cache" >&2
exec node "$test" "$@"

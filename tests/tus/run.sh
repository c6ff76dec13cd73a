#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Installs the client that package-lock.json names into a folder of the build, and runs the test
# with it: run.sh SOURCE-FOLDER BUILD-FOLDER SIMPLEBUSD
set -eu
daemon=$(realpath "$3")
mkdir -p "$2"
cp "$1/package.json" "$1/package-lock.json" "$1/test-tus-client.mjs" "$2"
cd "$2"
npm ci --ignore-scripts --no-audit --no-fund --cache "$2/npm-cache" >&2
exec node test-tus-client.mjs "$daemon"

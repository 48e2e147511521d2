#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `make test`: everything, on a fresh Debian machine too. The last line is `N passed, N failed`.
#
#   test.sh [STAGE …]      stages: tidy build unit rules corpus web flow system browser client demo   (default: all)
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
tools/install.sh
exec python3 tools/test.py "$@"

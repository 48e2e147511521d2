#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# `make check`: what runs before a release. Tidy; gcc and clang; tests, rules, flows, demo; unit tests and flows under
# ASan + UBSan; every fuzzer for FUZZ_SECONDS (60). Ends at the first failure, with its name.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
FUZZ_SECONDS=${FUZZ_SECONDS:-60}
step() { echo "== $*"; }
fail() { echo "check: $* failed" >&2; exit 1; }
setup() { # DIR, options: made once
    dir=$1
    shift
    [ -f "$dir/build.ninja" ] || meson setup "$dir" "$@" > "$dir.log" 2>&1 || { cat "$dir.log" >&2; fail "meson setup $dir"; }
}

tools/install.sh
step "tests with gcc"
tools/test.sh || fail "make test"

step "clang"
CC=clang setup build/clang
ninja -C build/clang || fail "the build with clang"

step "unit tests under ASan and UBSan"
CC=clang setup build/asan -Db_sanitize=address,undefined -Db_lundef=false
ninja -C build/asan || fail "the build with sanitizers"
ASAN_OPTIONS=use_sigaltstack=0 meson test -C build/asan --suite unit --print-errorlogs ||
    fail "a unit test under sanitizers"

step "a whole node under ASan and UBSan"
for flow in story consent; do
    ASAN_OPTIONS=use_sigaltstack=0 LOGICD=build/asan/src/6_program/logicd LOGICCTL=build/asan/src/6_program/logicctl \
        python3 "tests/flow/$flow.py" || fail "flow $flow under sanitizers"
done

step "fuzzers, $FUZZ_SECONDS s each"
CC=clang setup build/fuzz -Dfuzzers=true -Db_sanitize=address,undefined -Db_lundef=false
ninja -C build/fuzz || fail "the build of the fuzzers"
found=0
for fuzzer in $(find build/fuzz/src -type f -perm -u+x -name '*_fuzz' | sort); do
    found=$((found + 1))
    name=$(basename "$fuzzer")
    corpus=build/fuzz/corpus/$name
    mkdir -p "$corpus"
    echo "-- $name"
    "$fuzzer" -max_total_time="$FUZZ_SECONDS" -timeout=10 -artifact_prefix="build/fuzz/$name-" "$corpus" \
        > "build/fuzz/$name.log" 2>&1 || { tail -n 30 "build/fuzz/$name.log" >&2; fail "$name (its input: build/fuzz/$name-*)"; }
done
[ "$found" -gt 0 ] || fail "finding any fuzzer"
echo "check: all as it should be, $found fuzzers"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Run a test with a private BIND of its own, and stop it whatever happens:
#
#   named.sh PORT RNDC_PORT TEST [ARGUMENT…]
#
# The test sees NAMED_DIR, NAMED_PORT and NAMED_SECRETS. Beside the demo's zones there are
# `locked.test` (no key may update it) and the key `stranger` (known, but allowed nothing).
set -eu
here=$(cd "$(dirname "$0")" && pwd -P)
named=$here/../../deploy/demo/named.sh
port=$1 rndc_port=$2
shift 2
NAMED_DIR=$(mktemp -d "${TMPDIR:-/tmp}/logic-named.XXXXXX")
trap '"$named" remove "$NAMED_DIR"' EXIT
trap 'exit 129' HUP INT TERM
export NAMED_DIR NAMED_PORT="$port" NAMED_SECRETS="$NAMED_DIR/secrets" NAMED_SH="$named"
mkdir -p "$NAMED_DIR/zones"
printf '$TTL 300\n@ SOA ns.local. hostmaster.local. ( 1 3600 600 86400 60 )\n@ NS ns.local.\n' \
    > "$NAMED_DIR/zones/locked.test.zone"
{
    PATH="$PATH:/usr/sbin" tsig-keygen -a hmac-sha256 stranger
    echo "zone \"locked.test\" { type primary; file \"$NAMED_DIR/zones/locked.test.zone\"; };"
} > "$NAMED_DIR/extra.conf"
mkdir -p -m 700 "$NAMED_SECRETS/tsig"
(
    umask 077
    sed -n 's/.*secret "\(.*\)";.*/\1/p' "$NAMED_DIR/extra.conf" > "$NAMED_SECRETS/tsig/stranger"
)
chmod 700 "$NAMED_SECRETS"
"$named" start "$NAMED_DIR" --port "$port" --rndc-port "$rndc_port" >&2
"$@"

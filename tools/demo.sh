#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The whole story of the one door, on a fresh folder, without a person: `make demo`. Exit 1 at the first surprise.
#
#   demo.sh [--listen HOST:PORT] [--dns-port N] [--tap] [--keep] [--no-build]
#
# The default ports are 30080 and 5353; if they are taken, free ones are used.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
listen="" dns_port="" tap=no keep=no build=""
while [ $# -gt 0 ]; do
    case $1 in
    --listen) listen=${2:?}; shift ;;
    --dns-port) dns_port=${2:?}; shift ;;
    --tap) tap=yes ;;
    --keep) keep=yes ;;
    --no-build) build=--no-build ;;
    *) echo "demo.sh: unknown option '$1'" >&2; exit 2 ;;
    esac
    shift
done

"$root/tools/install.sh"

free_port() { # first free one, TCP and UDP, from $1 upwards
    python3 - "$1" << 'PYTHON'
import socket, sys
for port in range(int(sys.argv[1]), int(sys.argv[1]) + 500):
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as s:
                s.bind(("127.0.0.1", port))
        print(port)
        break
    except OSError:
        continue
PYTHON
}

[ -n "$listen" ] || listen=127.0.0.1:$(free_port 30080)
[ -n "$dns_port" ] || dns_port=$(free_port 5353)
home=$(mktemp -d "${TMPDIR:-/tmp}/logic-node-demo.XXXXXX")
export LOGIC_NODE_HOME="$home"
logicctl=$root/build/release/src/6_program/logicctl
number=0

# shellcheck disable=SC2329 # called by the trap
finish() {
    status=$?
    "$root/tools/run.sh" --stop --home "$home" || true
    if [ "$keep" = yes ]; then echo "# the demo's folder is kept: $home"; else rm -rf "$home"; fi
    exit "$status"
}
trap finish EXIT
trap 'exit 1' INT TERM

good() {
    number=$((number + 1))
    if [ "$tap" = yes ]; then echo "ok $number - demo: $1"; else echo "✓ $1"; fi
}

surprise() { # WHAT, WHAT CAME
    number=$((number + 1))
    if [ "$tap" = yes ]; then echo "not ok $number - demo: $1"; else echo "✗ $1"; fi
    printf '%s\n' "$2" | sed 's/^/# /'
    tail -n 5 "$home/log/logicd.log" 2> /dev/null | sed 's/^/# log: /' || true
    exit 1
}

expect() { # WHAT, WANTED, GOT
    [ "$2" = "$3" ] || surprise "$1" "wanted '$2', got '$3'"
    good "$1"
}

expect_status() { # WHAT, WANTED, ANSWER
    status=$(printf '%s\n' "$3" | member status 2> /dev/null || true)
    [ "$2" = "$status" ] || surprise "$1" "wanted '$2', got '$status': $(printf '%s\n' "$3" | member text 2> /dev/null || printf '%s' "$3")"
    good "$1"
}

expect_in() { # WHAT, WORD, TEXT
    case $3 in *"$2"*) good "$1" ;; *) surprise "$1" "'$2' is not in: $3" ;; esac
}

member() { # NAME: the top member of the JSON object on stdin
    python3 -c 'import json, sys; value = json.load(sys.stdin)
for name in sys.argv[1].split("."): value = (value or {}).get(name)
print("" if value is None else value)' "$1"
}

ask() { # SENTENCE: prints the answer
    curl -s --noproxy '*' -X POST "http://$listen/api/v1/intent" -d "{\"nl\": \"$1\"}"
}

address() { dig -p "$dns_port" @127.0.0.1 "$1" +short +tries=2 +time=2; }

[ "$tap" = no ] || echo "1..14"
# shellcheck disable=SC2086
"$root/tools/run.sh" --background --home "$home" --listen "$listen" --dns-port "$dns_port" $build ||
    surprise "a node starts with its own name server" "see above"
good "a node starts with its own name server on a fresh folder"

people=$(curl -s --noproxy '*' "http://$listen/api/v1/people")
expect_in "browsers may have passkeys for the page" "http://localhost:${listen##*:}" "$people"

answer=$(ask "Add DNS record test.local to 192.168.1.100")
expect_status "'Add DNS record test.local to 192.168.1.100' is done" success "$answer"
expect "the name server says 192.168.1.100" 192.168.1.100 "$(address test.local)"

answer=$(ask "delete test.local")
case_id=$(printf '%s\n' "$answer" | member case)
expect_status "a deletion waits for a signature" awaiting_consent "$answer"
expect "and nothing has changed yet" 192.168.1.100 "$(address test.local)"

status=0
shown=$("$logicctl" approve "$case_id" < /dev/null 2>&1) || status=$?
expect "without a person and without --yes nothing is signed" 2 "$status"
expect_in "what would be signed is shown" "test.local" "$shown"

status=0
shown=$("$logicctl" approve "$case_id" --yes 2>&1) || status=$?
[ "$status" -eq 0 ] || surprise "logicctl approve signs the plan and it is carried out" "exit $status: $shown"
good "logicctl approve signs the plan and it is carried out"
expect "the name is gone" "" "$(address test.local)"

status=0
shown=$("$logicctl" ask "delete the zone local" 2>&1) || status=$?
[ "$status" -eq 3 ] || surprise "a zone deletion is denied with its reason" "exit $status: $shown"
expect_in "a zone deletion is denied with its reason" "zone" "$shown"

status=0
shown=$("$logicctl" ask "add a DNS record for printer.local" 2>&1) || status=$?
[ "$status" -eq 5 ] || surprise "an incomplete sentence gives a question" "exit $status: $shown"
good "an incomplete sentence gives a question"

status=0
shown=$("$logicctl" ledger verify 2>&1) || status=$?
[ "$status" -eq 0 ] || surprise "the ledger verifies" "exit $status: $shown"
good "the ledger verifies"

"$logicctl" ledger export --out "$home/export.jsonl" || surprise "an independent program verifies the export" "no export"
shown=$(python3 "$root/tools/verify_ledger.py" "$home/export.jsonl" 2>&1) ||
    surprise "an independent program verifies the export" "$shown"
good "an independent program verifies the export"
[ "$tap" = yes ] || echo "all $number steps as they should be"

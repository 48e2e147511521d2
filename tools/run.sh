#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Start a logic node with its own private name server, everything below one folder. `make run` calls this.
#
#   run.sh [--home DIR] [--listen HOST:PORT] [--dns-port N] [--background] [--no-build] [-- LOGICD FLAGS …]
#   run.sh --stop [--home DIR]
#
# In the foreground Ctrl-C stops both. --background returns when the node answers; its log is HOME/log/logicd.log.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
home=$root/build/run listen=127.0.0.1:30080 dns_port=5353 verb=foreground build=yes
READY_STEPS=300 # of 0.1 s

fail() { echo "run.sh: $*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case $1 in
    --home) home=${2:?--home needs a folder}; shift ;;
    --listen) listen=${2:?--listen needs HOST:PORT}; shift ;;
    --dns-port) dns_port=${2:?--dns-port needs a number}; shift ;;
    --background) verb=background ;;
    --stop) verb=stop ;;
    --no-build) build=no ;;
    --) shift; break ;;
    *) fail "unknown option '$1' (see the head of tools/run.sh)" ;;
    esac
    shift
done
case $dns_port in "" | *[!0-9]*) fail "--dns-port '$dns_port' is no number" ;; esac
mkdir -p "$home"
home=$(cd "$home" && pwd)
logicd=$root/build/release/src/6_program/logicd
logicctl=$root/build/release/src/6_program/logicctl

node_runs() { # sets $pid: is it our logicd?
    pid=$(cat "$home/run/logicd.pid" 2> /dev/null) || return 1
    [ -n "$pid" ] || return 1
    case $(readlink "/proc/$pid/exe" 2> /dev/null) in */logicd*) return 0 ;; *) return 1 ;; esac
}

stop_node() {
    if node_runs; then
        kill "$pid" 2> /dev/null || true
        step=0
        while kill -0 "$pid" 2> /dev/null; do
            step=$((step + 1))
            [ "$step" -lt 100 ] || { kill -9 "$pid" 2> /dev/null || true; break; }
            sleep 0.1
        done
    fi
    rm -f "$home/run/logicd.pid"
}

stop_all() {
    stop_node
    "$root/deploy/demo/named.sh" stop "$home/named"
}

if [ "$verb" = stop ]; then
    stop_all
    exit 0
fi

if [ "$build" = yes ]; then
    "$root/tools/install.sh"
    log=$(mktemp)
    [ -f "$root/build/release/build.ninja" ] ||
        meson setup "$root/build/release" "$root" --buildtype=release -Dc_args=-g > "$log" 2>&1 ||
        { cat "$log" >&2; fail "meson setup failed"; }
    echo "building …" >&2
    ninja -C "$root/build/release" src/6_program/logicd src/6_program/logicctl > "$log" 2>&1 ||
        { tail -n 40 "$log" >&2; fail "the build failed"; }
    "$root/tools/web.py" > "$log" || fail "the page could not be put together"
    rm -f "$log"
fi
[ -x "$logicd" ] || fail "there is no $logicd; run without --no-build"
[ -d "$root/build/web" ] || fail "there is no $root/build/web; run without --no-build, or: tools/web.py"

node_runs && fail "a node runs already in $home (pid $pid); tools/run.sh --stop --home $home ends it"
status=0
curl -s -o /dev/null --noproxy '*' --max-time 2 "http://$listen/" || status=$?
[ "$status" -eq 7 ] || fail "something answers on $listen already; choose another: make run LISTEN=127.0.0.1:30081"

# The folder: made once, then only the owner's.
umask 077
for below in site state ledger secrets run keys log; do mkdir -p "$home/$below"; done
for file in "$root"/kb/site/*.pl; do
    [ -e "$home/site/$(basename "$file")" ] || cp "$file" "$home/site/"
done
if [ ! -e "$home/keys/owner.pem" ]; then
    "$logicctl" --home "$home" key new owner 2> /dev/null > "$home/site/keys.pl.new"
    {
        echo "% SPDX-License-Identifier: Apache-2.0"
        echo "% Who may sign. One line a key: logicctl key new NAME"
        cat "$home/site/keys.pl.new"
    } > "$home/site/keys.pl"
    rm "$home/site/keys.pl.new"
fi
# The private name server is ours, so is its port in the site facts.
sed -i 's/^\(dns_server(home,[[:space:]]*"127\.0\.0\.1",[[:space:]]*\)[0-9]*/\1'"$dns_port"'/' "$home/site/house.pl"

# Browsers give passkeys to http://localhost: what the page is called there is a site fact, unless the owner wrote another.
address=$(echo "$listen" | sed 's/^127\.0\.0\.1:/localhost:/')
rm -f "$home/site/page.pl"
case $address in
localhost:*)
    if ! grep -qs '^page_origin(' "$home"/site/*.pl; then
        {
            echo "% SPDX-License-Identifier: Apache-2.0"
            echo "% Written by tools/run.sh at each start, as long as no other file says where browsers reach the page."
            echo "page_origin(\"http://$address\")."
        } > "$home/site/page.pl"
    fi
    ;;
esac

"$root/deploy/demo/named.sh" start "$home/named" --port "$dns_port" --rndc-port $((dns_port + 4600)) \
    --secrets "$home/secrets" > "$home/log/named-start.log" 2>&1 || {
    cat "$home/log/named-start.log" >&2
    fail "the private name server did not start; another port: make run DNS_PORT=5354"
}

trap 'stop_all' EXIT # from here on a failure leaves nothing running

# Playbooks of the checkout, with the inventory that describes this name server.
rm -rf "$home/ansible"
cp -r "$root/deploy/ansible" "$home/ansible"
cp "$home/named/inventory/"*.yml "$home/ansible/inventory/"

wait_ready() {
    step=0
    until curl -s -f -o /dev/null --noproxy '*' --max-time 2 "http://$listen/readyz"; do
        kill -0 "$node" 2> /dev/null || return 1
        step=$((step + 1))
        [ "$step" -lt "$READY_STEPS" ] || return 1
        sleep 0.1
    done
}

serve() {
    exec "$logicd" serve --home "$home" --kb "$root/kb" --web "$root/build/web" --playbooks "$home/ansible" \
        --writable "$home/named" --listen "$listen" "$@"
}

if [ "$verb" = background ]; then
    (serve "$@") < /dev/null > "$home/log/logicd.log" 2>&1 &
    node=$!
    echo "$node" > "$home/run/logicd.pid"
    wait_ready || {
        tail -n 20 "$home/log/logicd.log" >&2
        fail "the node did not become ready; its log: $home/log/logicd.log"
    }
    trap - EXIT
    exit 0
fi

trap 'trap - INT TERM EXIT; echo; echo "stopping …"; stop_all; exit 0' INT TERM
(serve "$@") > "$home/log/logicd.log" 2>&1 &
node=$!
echo "$node" > "$home/run/logicd.pid"
wait_ready || { tail -n 20 "$home/log/logicd.log" >&2; fail "the node did not become ready; its log: $home/log/logicd.log"; }
cat << TEXT

The node is ready: http://$address/    (Ctrl-C stops it; log: $home/log/logicd.log)

What to try next, in another terminal, in this folder:

  curl -X POST http://$address/api/v1/intent -d '{"nl": "Add DNS record test.local to 192.168.1.100"}'
  dig -p $dns_port @127.0.0.1 test.local +short

  export PATH="$root/build/release/src/6_program:\$PATH" LOGIC_NODE_HOME="$home"
  logicctl ask "delete test.local"      it waits for a signature; the answer says which case
  logicctl approve ID                   shows the plan, asks, signs
  logicctl ask "delete the zone local"  denied, with the reason
  logicctl operator enroll owner        a passkey: sign in the browser (http://$address/) instead of a terminal
  logicctl ledger verify
  logicctl help
TEXT
wait "$node" || status=$?
echo "the node has ended (exit $status); its log: $home/log/logicd.log" >&2
exit 1

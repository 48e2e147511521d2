#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A private BIND 9 for the demo and for tests: all of it below one folder, on one loopback port.
#
#   named.sh start DIR [--port 5353] [--rndc-port 9953] [--secrets DIR/secrets] [--secret tsig/home]
#   named.sh stop DIR          named.sh status DIR          named.sh remove DIR
#
# start is idempotent: keys and zones that are there stay as they are. It makes
#   SECRETS/tsig/home      the TSIG secret (base64) for the node; key name logic-node, hmac-sha256
#   DIR/inventory/home.yml what the playbook services/dns/zone.yml must know about this server
#   zones local, home.arpa, 1.168.192.in-addr.arpa; update and transfer with the key only
set -eu

KEY_NAME=logic-node
ZONES="local home.arpa 1.168.192.in-addr.arpa"
WAIT_STEPS=100 # of 0.1 s

fail() { echo "named.sh: $*" >&2; exit 1; }
tool() {
    PATH="$PATH:/usr/sbin:/sbin" command -v "$1" ||
        fail "'$1' is missing: apt-get install bind9 bind9-dnsutils"
}

running() { # DIR: is the process of its pid file our copy of named?
    pid=$(cat "$1/named.pid" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = "$1/bin/named" ]
}

# Debian's AppArmor profile confines /usr/sbin/named, by its path, to /etc/bind and /var; a copy it
# does not.
copy_binary() {
    mkdir -p "$dir/bin"
    cmp -s "$(tool named)" "$dir/bin/named" || cp "$(tool named)" "$dir/bin/named"
}

make_key() {
    mkdir -p "$dir/keys"
    chmod 700 "$dir/keys"
    [ -s "$dir/keys/node.key" ] || tsig "$KEY_NAME" > "$dir/keys/node.key"
    [ -s "$dir/keys/rndc.key" ] || tsig rndc > "$dir/keys/rndc.key"
    secret_file=$secrets/$secret
    folder=$(dirname "$secret_file")
    while [ "${#folder}" -ge "${#secrets}" ]; do
        mkdir -p "$folder"
        chmod 700 "$folder"
        folder=$(dirname "$folder")
    done
    sed -n 's/.*secret "\(.*\)";.*/\1/p' "$dir/keys/node.key" > "$secret_file.new"
    mv "$secret_file.new" "$secret_file"
}

tsig() { "$(tool tsig-keygen)" -a hmac-sha256 "$1"; }

make_zone() { # NAME; the name server of a reverse zone lives in home.arpa
    file=$dir/zones/$1.zone
    [ ! -e "$file" ] || return 0
    case $1 in *.in-addr.arpa) home=home.arpa ;; *) home=$1 ;; esac
    {
        echo '$TTL 300'
        echo "@ SOA ns.$home. hostmaster.$home. ( 1 3600 600 86400 60 )"
        echo "@ NS ns.$home."
        [ "$home" != "$1" ] || echo "ns A 127.0.0.1"
    } > "$file.new"
    mv "$file.new" "$file"
}

make_conf() {
    [ -e "$dir/managed.conf" ] || install -m 640 /dev/null "$dir/managed.conf"
    {
        cat <<CONF
include "$dir/keys/node.key";
include "$dir/keys/rndc.key";
controls { inet 127.0.0.1 port $rndc_port allow { 127.0.0.1; } keys { "rndc"; }; };
options {
    directory "$dir";
    pid-file "$dir/named.pid";
    session-keyfile "$dir/keys/session.key";
    managed-keys-directory "$dir/keys";
    lock-file none;
    listen-on port $port { 127.0.0.1; };
    listen-on-v6 { none; };
    recursion no;
    dnssec-validation no;
    empty-zones-enable no;
    notify no;
    allow-query { 127.0.0.1; };
    allow-transfer { key "$KEY_NAME"; };
};
CONF
        for zone in $ZONES; do
            printf 'zone "%s" { type primary; file "%s/zones/%s.zone"; ' "$zone" "$dir" "$zone"
            printf 'allow-update { key "%s"; }; };\n' "$KEY_NAME"
        done
        # a test may put more here before the first start; the playbook writes managed.conf
        if [ -e "$dir/extra.conf" ]; then echo "include \"$dir/extra.conf\";"; fi
        echo "include \"$dir/managed.conf\";"
    } > "$dir/named.conf"
    {
        cat "$dir/keys/rndc.key"
        echo "options { default-key \"rndc\"; default-server 127.0.0.1; default-port $rndc_port; };"
    } > "$dir/keys/rndc.conf"
}

make_inventory() {
    mkdir -p "$dir/inventory"
    cat > "$dir/inventory/home.yml.new" <<INVENTORY
name_servers:
  hosts:
    home:
      ansible_connection: local
      ansible_python_interpreter: /usr/bin/python3
      bind_conf: $dir/named.conf
      bind_managed_conf: $dir/managed.conf
      bind_zone_directory: $dir/zones
      bind_update_key: $KEY_NAME
      bind_rndc: $(tool rndc) -c $dir/keys/rndc.conf
      bind_checkconf: $(tool named-checkconf)
      bind_checkzone: $(tool named-checkzone)
INVENTORY
    mv "$dir/inventory/home.yml.new" "$dir/inventory/home.yml"
}

start() {
    running "$dir" && { echo "named is running below $dir"; return; }
    # two servers can share a port (SO_REUSEPORT) and would answer by turns
    if "$(tool dig)" -p "$port" @127.0.0.1 +tcp +tries=1 +time=1 local soa > /dev/null 2>&1; then
        fail "another name server answers on 127.0.0.1:$port; choose another with --port"
    fi
    umask 077
    mkdir -p "$dir/zones"
    copy_binary
    make_key
    for zone in $ZONES; do make_zone "$zone"; done
    make_conf
    make_inventory
    "$(tool named-checkconf)" "$dir/named.conf" ||
        fail "the configuration below $dir is wrong (see above)"
    rm -f "$dir/named.pid" "$dir/named.log"
    "$dir/bin/named" -c "$dir/named.conf" -n 1 -L "$dir/named.log" < /dev/null > /dev/null 2>&1 ||
        fail "named did not start; its log ends: $(tail -n 3 "$dir/named.log")"
    step=0
    until "$(tool rndc)" -c "$dir/keys/rndc.conf" status > /dev/null 2>&1; do
        step=$((step + 1))
        [ "$step" -lt "$WAIT_STEPS" ] || {
            stop
            fail "named gives no answer on 127.0.0.1:$rndc_port; its log: $dir/named.log"
        }
        sleep 0.1
    done
    # taken on UDP alone (a multicast resolver on 5353) leaves named running with one ear
    if grep -qE "could not (listen|get)|creating .*interface .*failed" "$dir/named.log"; then
        stop
        fail "port $port of 127.0.0.1 is taken; choose another with --port"
    fi
    echo "named answers on 127.0.0.1:$port (key $KEY_NAME, secret:$secret below $secrets)"
}

stop() {
    running "$dir" || return 0
    kill "$pid"
    step=0
    while kill -0 "$pid" 2>/dev/null; do
        step=$((step + 1))
        [ "$step" -lt "$WAIT_STEPS" ] || { kill -9 "$pid"; break; }
        sleep 0.1
    done
}

[ $# -ge 2 ] || fail "usage: named.sh start|stop|status|remove DIR [OPTIONS], see its head"
verb=$1
mkdir -p "$2"
dir=$(cd "$2" && pwd -P)
shift 2
port=5353 rndc_port=9953 secrets=$dir/secrets secret=tsig/home
while [ $# -ge 2 ]; do
    case $1 in
    --port) port=$2 ;;
    --rndc-port) rndc_port=$2 ;;
    --secrets) mkdir -p "$2"; secrets=$(cd "$2" && pwd -P) ;;
    --secret) secret=$2 ;;
    *) fail "unknown option '$1'" ;;
    esac
    shift 2
done
[ $# -eq 0 ] || fail "option '$1' needs a value"
case $dir in *[!A-Za-z0-9_./-]*) fail "named.conf cannot hold the folder '$dir'" ;; esac
case $verb in
start) start ;;
stop) stop ;;
status) if running "$dir"; then echo "running, pid $pid"; else echo "not running"; exit 1; fi ;;
remove) stop; rm -rf "$dir" ;;
*) fail "unknown verb '$verb'" ;;
esac

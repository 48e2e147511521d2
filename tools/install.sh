#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install the Debian packages of tools/packages.txt that are missing; silent and quick when all are there.
# Debian 12 and 13. As root directly, else through sudo.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "install.sh: $*" >&2; exit 1; }

command -v dpkg-query > /dev/null ||
    fail "this is not Debian (no dpkg); install what tools/packages.txt names, then: meson setup build/release"

present() { # NAME
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2> /dev/null) in ii*) return 0 ;; *) return 1 ;; esac
}

rows() { sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$here/packages.txt"; }

row_present() { # A|B: any of them
    for name in $(echo "$1" | tr '|' ' '); do present "$name" && return 0; done
    return 1
}

missing=""
for row in $(rows); do row_present "$row" || missing="$missing $row"; done
[ -n "$missing" ] || exit 0

echo "installing Debian packages:$missing" >&2
root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo > /dev/null || fail "packages are missing and there is no sudo; as root: apt-get install$(echo "$missing" | tr '|' ' ')"
    root=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() { "$@" > "$log" 2>&1 || { tail -n 20 "$log" >&2; fail "'$*' failed"; }; }

run $root env DEBIAN_FRONTEND=noninteractive apt-get -q update
chosen=""
for row in $missing; do
    found=""
    for name in $(echo "$row" | tr '|' ' '); do
        if [ -z "$found" ] && apt-cache show "$name" > /dev/null 2>&1; then found=$name; fi
    done
    [ -n "$found" ] || fail "apt knows none of: $row"
    chosen="$chosen $found"
done
# Debian's BIND must not take port 53 of a machine that only wanted the demo: services of new packages stay down.
# A policy-rc.d that is there already is left alone.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" > /dev/null
    $root chmod 755 "$policy"
    trap '$root rm -f "$policy"; rm -f "$log"' EXIT
fi
# shellcheck disable=SC2086
run $root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $chosen
echo "packages installed" >&2

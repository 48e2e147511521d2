#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A systemd generator: the port that llm-inference.service may bind is the one that the owner wrote down.
#
#   inference_generator.sh FOLDER [EARLY LATE]     as systemd calls it, at boot and at each daemon-reload
#
# SocketBindAllow= knows no variables, so PORT= of /etc/logic-node/llm-inference.conf goes into a drop-in below FOLDER. Without a PORT
# there is none, and the unit's own 8080 stands. What is no port allows nothing to be bound: the engine does not start, and says why.
# LN_INFERENCE_CONF names another file (tests).
set -eu

CONF=${LN_INFERENCE_CONF:-/etc/logic-node/llm-inference.conf}
PORT_MIN=1024
PORT_MAX=65535

[ $# -ge 1 ] || { echo "inference_generator: use: inference_generator.sh FOLDER" >&2; exit 2; }
[ -r "$CONF" ] || exit 0
# the last line counts, as for EnvironmentFile=; quotes may stand around it
port=$(sed -n 's/^[ \t]*PORT=//p' "$CONF" | tail -n 1 | tr -d "\"' \t\r")
[ -n "$port" ] || exit 0

drop_in=$1/llm-inference.service.d
mkdir -p "$drop_in"
case $port in
*[!0-9]* | 0* | ??????*) fits=no ;;
*) if [ "$port" -ge $PORT_MIN ] && [ "$port" -le $PORT_MAX ]; then fits=yes; else fits=no; fi ;;
esac
{
    echo "# made by inference_generator.sh of $CONF"
    echo "[Service]"
    echo "SocketBindAllow="
    if [ $fits = yes ]; then
        echo "SocketBindAllow=ipv4:tcp:$port"
    else
        echo "ExecStartPre="
        echo "ExecStartPre=/bin/sh -c 'echo \"PORT= in $CONF is no number from $PORT_MIN to $PORT_MAX\" >&2; exit 1'"
    fi
} > "$drop_in/50-port.conf"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Replicate the node's dataset to another pool or machine: an atomic snapshot, sent whole or from the newest snapshot both sides have.
#
#   zfs_sync.sh [sync|status|check] [--config FILE] [--json]        FILE: /etc/logic-node/backup.conf
#
# FILE has NAME=VALUE lines: DATASET=tank/logic-node, TARGET=vault/logic-node, SSH= (or user@host), KEEP=12,
# STATE=/var/lib/logic-node-backup.
# Raw streams (the target never sees a key) where the dataset is encrypted and ZFS can; interrupted receives go on where ZFS can, and begin
# again where it cannot (zfs-fuse). Only snapshots whose name begins with logic-node- are ever destroyed, never the newest common one; its
# name stands in the dataset's property logic-node:common. The target is set readonly, unless its owner set that property.
# Exit: 0 done, 1 failed (a sentence says what to do), 2 wrong use or configuration, 75 another one runs.
set -eu
export LC_ALL=C

PREFIX=logic-node-
KEEP_MAX=1000
COMMON=logic-node:common # a property of the dataset: it comes along when the pool moves to another machine
verb=sync config=/etc/logic-node/backup.conf json=no

say() { echo "zfs_sync: $*" >&2; }
fail() { say "$*"; exit 1; }
wrong() { say "$*"; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
    sync | status | check) verb=$1 ;;
    --config) config=${2:?--config needs a file}; shift ;;
    --json) json=yes ;;
    *) wrong "unknown word '$1'; use sync, status or check, --config FILE, --json" ;;
    esac
    shift
done

# --- the configuration: read, never run

DATASET="" TARGET="" SSH="" KEEP=12 STATE=/var/lib/logic-node-backup
[ -r "$config" ] || wrong "cannot read '$config'; it says DATASET=… and TARGET=…"
while IFS= read -r line || [ -n "$line" ]; do
    case $line in "" | "#"*) continue ;; *=*) ;; *) wrong "$config: '$line' is not NAME=VALUE" ;; esac
    value=${line#*=}
    case ${line%%=*} in
    DATASET) DATASET=$value ;;
    TARGET) TARGET=$value ;;
    SSH) SSH=$value ;;
    KEEP) KEEP=$value ;;
    STATE) STATE=$value ;;
    BACKUP | REPOSITORY | PASSWORD_FILE | HOME_DIR | LOGICCTL) ;;
    *) wrong "$config: there is no '${line%%=*}'; known are DATASET TARGET SSH KEEP STATE" ;;
    esac
done < "$config"
dataset_name() { # NAME VALUE
    case $2 in
    "" | /* | -* | */ | *//* | *[!A-Za-z0-9_.:/-]*) wrong "$config: $1='$2' is no dataset; such as tank/logic-node" ;;
    esac
}
dataset_name DATASET "$DATASET"
dataset_name TARGET "$TARGET"
case $KEEP in "" | *[!0-9]*) wrong "$config: KEEP='$KEEP' is no number" ;; esac
{ [ "$KEEP" -ge 2 ] && [ "$KEEP" -le "$KEEP_MAX" ]; } || wrong "$config: KEEP=$KEEP is not 2 to $KEEP_MAX"
case $SSH in -* | *[!A-Za-z0-9_.:@-]*) wrong "$config: SSH='$SSH' is no user@host" ;; esac
case $STATE in /*) ;; *) wrong "$config: STATE='$STATE' is no absolute path" ;; esac

# --- the two sides

here() { "$@"; }
there() {
    if [ -n "$SSH" ]; then
        ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 "$SSH" "$*" # names hold nothing that a shell reads
    else
        "$@"
    fi
}
at() { # here|there: in words
    if [ "$1" = there ] && [ -n "$SSH" ]; then echo "on $SSH"; else echo "on this machine"; fi
}

check_pool() { # here|there POOL
    "$1" zpool list -H -o name > "$work/pools" 2> "$work/err" ||
        fail "cannot ask ZFS $(at "$1"): $(tail -n 1 "$work/err"). Is it installed and loaded (modprobe zfs)," \
            "may this user use it${SSH:+, does ssh $SSH work}?"
    grep -qx "$2" "$work/pools" || fail "the pool '$2' is not imported $(at "$1"): zpool import $2"
    health=$("$1" zpool list -H -o health "$2")
    case $health in
    ONLINE) ;;
    DEGRADED) say "the pool '$2' is DEGRADED $(at "$1"): zpool status $2" ;;
    *) fail "the pool '$2' is $health $(at "$1"): zpool status $2; zpool clear $2 when the device is back" ;;
    esac
}

exists() { "$1" zfs list -H -o name "$2" > /dev/null 2>&1; }
property() { "$1" zfs get -H -p -o value "$2" "$3" 2> /dev/null || echo -; } # "-": ZFS does not know it

check_key() { # here|there DATASET
    [ "$(property "$1" keystatus "$2")" != unavailable ] || fail "the key of '$2' is not loaded $(at "$1"): zfs load-key -r $2"
}

check_source() {
    for program in zfs zpool; do
        command -v "$program" > /dev/null || fail "there is no $program on this machine: apt-get install zfsutils-linux"
    done
    check_pool here "${DATASET%%/*}"
    exists here "$DATASET" || fail "there is no dataset '$DATASET': zfs create $DATASET, or correct DATASET in $config"
    check_key here "$DATASET"
}

check_target() {
    check_pool there "${TARGET%%/*}"
    case $TARGET in
    */*)
        exists there "${TARGET%/*}" ||
            fail "there is no dataset '${TARGET%/*}' $(at there) that could hold '$TARGET': zfs create -p ${TARGET%/*}"
        [ "$(send_options)" = -w ] || check_key there "${TARGET%/*}" # what comes in clear is encrypted there
        ;;
    esac
}

check() { check_source && check_target; }

# Our snapshots, the oldest first.
snapshots() { # here|there DATASET
    "$1" zfs list -H -r -d 1 -t snapshot -o name -s creation "$2" 2> /dev/null | sed -n "s|^$2@\($PREFIX.*\)|\1|p"
}

# NAME GUID of them, in that order. All at one go, for over ssh each call costs; by name, for a child may be coming or going.
guids() { # here|there DATASET
    snapshots "$1" "$2" > "$work/names"
    [ -s "$work/names" ] || return 0
    # shellcheck disable=SC2046
    "$1" zfs get -H -p -o name,value guid $(sed "s|^|$2@|" "$work/names") > "$work/guids" 2> "$work/err" ||
        fail "the snapshots of '$2' cannot be read $(at "$1"): $(tail -n 1 "$work/err"); try again"
    sed "s|^$2@||" "$work/guids" | awk 'NR == FNR { guid[$1] = $2; next } { print $1, guid[$1] }' - "$work/names"
}

# The newest snapshot that both have, by guid: a name alone proves nothing.
common() {
    guids here "$DATASET" > "$work/ours"
    : > "$work/theirs"
    ! exists there "$TARGET" || guids there "$TARGET" > "$work/theirs"
    while read -r name guid; do
        if grep -q " $guid\$" "$work/theirs"; then echo "$name"; fi
    done < "$work/ours" | tail -n 1
}

# --- sending

knows() { "$1" zfs get -H -o value "$2" "$3" > /dev/null 2>&1; } # here|there PROPERTY DATASET

send_options() {
    case $(property here encryption "$DATASET") in - | off) echo "" ;; *) echo "-w" ;; esac
}

# `send …` piped to a receive; counts bytes. Whatever fails leaves the target as it was.
stream() { # SEND ARGUMENTS …
    rm -f "$work/send" "$work/receive"
    {
        here zfs send "$@" 2> "$work/send" || echo "zfs send failed" >> "$work/send"
    } | dd bs=65536 iflag=fullblock 2> "$work/bytes" | {
        # shellcheck disable=SC2086
        there zfs receive -u $resumable "$TARGET" 2> "$work/receive" || echo "zfs receive failed" >> "$work/receive"
    }
    bytes=$(sed -n 's/^\([0-9]*\) bytes.*/\1/p' "$work/bytes")
    sent=$((sent + ${bytes:-0}))
    echo "$sent" > "$work/sent"
    ! grep -q "failed" "$work/send" "$work/receive" || return 1
}

# Without OpenZFS's advice to type a token: the next run does that.
why() {
    cat "$work/receive" "$work/send" | grep -v "failed$" | sed '/Partially received/d; /resuming stream/d; /zfs send -t/d' |
        tail -n 2 | tr '\n' ' '
}

begin_again() { # WHY
    say "an interrupted receive cannot be gone on with ($1); beginning again"
    there zfs receive -A "$TARGET" 2> /dev/null || true
    rm -f "$STATE/interrupted"
}

kept() { # what to say of a stream that broke
    case $(property there receive_resume_token "$TARGET") in - | "") ;; *) echo "What came is kept; the next run goes on." ;; esac
}

# What came is thrown away only when it cannot be gone on with, or when it was tried twice and nothing more came.
resume() { # TOKEN
    here zfs send -n -t "$1" > /dev/null 2> "$work/err" || { begin_again "$(tail -n 1 "$work/err")"; return 0; }
    say "going on with an interrupted receive"
    if stream -t "$1"; then
        rm -f "$STATE/interrupted"
        resumed=yes
    elif [ "$(property there receive_resume_token "$TARGET")" = "$1" ] && [ "$(cat "$STATE/interrupted" 2> /dev/null)" = "$1" ]; then
        begin_again "$(why)"
    else
        echo "$1" > "$STATE/interrupted"
        fail "the receive was interrupted again: $(why)$(kept)"
    fi
}

transfer() { # SNAPSHOT; leaves mode and bytes in $work
    resumable="" resumed=no sent=0
    if knows there receive_resume_token "${TARGET%%/*}"; then resumable=-s; fi
    token=$(property there receive_resume_token "$TARGET")
    case $token in - | "") ;; *) resume "$token" ;; esac
    last=$(common)
    options=$(send_options)
    if [ -n "$last" ]; then
        echo incremental > "$work/mode"
        # shellcheck disable=SC2086
        stream $options -i "@$last" "$DATASET@$1" ||
            fail "the increment from $last was not taken: $(why)$(kept) If somebody wrote to the target:" \
                "zfs rollback -r $TARGET@$last $(at there), then again."
    elif [ -s "$work/theirs" ] || exists there "$TARGET"; then
        fail "'$TARGET' $(at there) is there and has no snapshot in common with '$DATASET'; nothing is overwritten." \
            "Keep it under another name (zfs rename $TARGET $TARGET-old), then again"
    else
        echo whole > "$work/mode"
        # shellcheck disable=SC2086
        stream $options "$DATASET@$1" || fail "the whole stream was not taken: $(why)$(kept)"
    fi
    [ "$resumed" = no ] || echo resumed > "$work/mode"
    [ "$(property here guid "$DATASET@$1")" = "$(property there guid "$TARGET@$1")" ] ||
        fail "after the transfer '$TARGET@$1' is not what was sent; look at both sides with: zfs list -t snapshot"
    protect
}

# A copy that is mounted to be read changes by that (atime) and could not be added to.
protect() {
    [ "$(there zfs get -H -o source readonly "$TARGET" 2> /dev/null)" = default ] || return 0
    there zfs set readonly=on "$TARGET" 2> /dev/null || say "'$TARGET' could not be set readonly $(at there): zfs set readonly=on $TARGET"
}

prune() { # here|there DATASET COMMON
    snapshots "$1" "$2" > "$work/all"
    surplus=$(($(wc -l < "$work/all") - KEEP))
    [ "$surplus" -gt 0 ] || return 0
    head -n "$surplus" "$work/all" | while read -r name; do
        [ "$name" != "$3" ] || continue
        "$1" zfs destroy "$2@$name" || say "'$2@$name' stays: it is held or in use"
    done
}

# --- telling

report() { # true|false WORDS
    words=$(printf %s "$2" | LC_ALL=C tr -d '"\134\000-\037')
    now=$(date +%s)
    if [ "$1" = true ]; then good=$now; else good=$(good_before); fi
    {
        printf '{"kind":"zfs","ok":%s,"at":"%s","good_at":%s,' "$1" "$(date -u -d "@$now" +%Y-%m-%dT%H:%M:%SZ)" "$good"
        printf '"dataset":"%s",' "$DATASET"
        printf '"target":"%s","mode":"%s","snapshot":"%s",' "${SSH:+$SSH:}$TARGET" "$(text mode)" "$snapshot"
        printf '"sent_bytes":%s,"source_bytes":%s,' "$(text sent | grep . || echo 0)" "$(number here used "$DATASET")"
        printf '"target_bytes":%s,"snapshots":%s,' "$(number there used "$TARGET")" "$(snapshots there "$TARGET" | wc -l)"
        printf '"words":"%s"}\n' "$words"
    } > "$STATE/status.new"
    chmod 644 "$STATE/status.new" # who may see it says the folder; the node's sensor reads it
    command sync "$STATE/status.new"
    mv "$STATE/status.new" "$STATE/status.json"
}

# Seconds since 1970 of the last run that was good, as the file before says; 0: none.
good_before() {
    before=$(sed -n '1s/.*"good_at":\([0-9]\{1,12\}\)[,}].*/\1/p' "$STATE/status.json" 2> /dev/null || true)
    echo "${before:-0}"
}
text() { cat "$work/$1" 2> /dev/null || true; }
number() { case $(property "$@") in *[!0-9]* | "") echo 0 ;; *) property "$@" ;; esac; }

status() {
    [ -r "$STATE/status.json" ] || fail "there was no backup yet (no $STATE/status.json): zfs_sync.sh sync"
    if [ "$json" = yes ]; then
        cat "$STATE/status.json"
    else
        sed 's/[{}"]//g; s/,/\n/g' "$STATE/status.json" | sed 's/:/\t/' | expand -t 16
    fi
}

take() {
    [ "$(snapshots here "$DATASET" | tail -n 1)" != "$snapshot" ] || fail "there was a snapshot this very second; try again"
    here zfs snapshot "$DATASET@$snapshot" || fail "no snapshot of '$DATASET' could be made; is the pool full? zpool list ${DATASET%%/*}"
}

sync() {
    snapshot=$PREFIX$(date -u +%Y%m%dT%H%M%SZ)
    if ! (check_source && take) 2> "$work/words"; then
        cat "$work/words" >&2
        snapshot=""
        report false "$(cat "$work/words")"
        exit 1
    fi
    cat "$work/words" >&2
    if (check_target && transfer "$snapshot") 2> "$work/words"; then
        cat "$work/words" >&2
        here zfs set "$COMMON=$snapshot" "$DATASET"
        prune there "$TARGET" "$snapshot"
        prune here "$DATASET" "$snapshot"
        report true ""
        echo "$(text mode): $snapshot to ${SSH:+$SSH:}$TARGET, $(text sent) bytes sent;" \
            "$(number there used "$TARGET") bytes there in $(snapshots there "$TARGET" | wc -l) snapshots"
    else
        cat "$work/words" >&2
        prune here "$DATASET" "$(property here "$COMMON" "$DATASET")" # also while the target is away for weeks
        report false "$(cat "$work/words")"
        exit 1
    fi
}

if [ "$verb" = status ]; then
    status
    exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$STATE"
exec 9> "$STATE/lock"
flock -n 9 || { say "another one runs"; exit 75; }
"$verb"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Keep the node's backup in a restic repository: `logicctl backup make` into a private folder, then restic, then what is too old goes.
#
#   restic_sync.sh [sync|status|check|prune] [--config FILE] [--json]        FILE: /etc/logic-node/backup.conf
#
# FILE has NAME=VALUE lines: REPOSITORY=sftp:backup@vault:/srv/node (or a path, rest:https://…),
# PASSWORD_FILE=/etc/logic-node/restic.password, KEEP=12, STATE=/var/lib/logic-node-backup, HOME_DIR=/opt/logic-node, LOGICCTL=logicctl.
# What restic gets is closed to the node's recovery key already; its password keeps strangers from the repository, no more. Beside it lies
# a checkpoint of the ledger that the node signed just before. Only snapshots tagged logic-node are ever forgotten, never the newest, and
# none in a run whose own backup or look at the repository failed. Each sync reads a twelfth of the repository's data again.
# Exit: 0 done, 1 failed (a sentence says what to do), 2 wrong use or configuration, 75 another one runs.
set -eu

TAG=logic-node
FILE=node.backup
KEEP_MAX=1000
SLICES=12 # a sync reads one of so many, so that all data has been read after as many
verb=sync config=/etc/logic-node/backup.conf json=no

say() { echo "restic_sync: $*" >&2; }
fail() { say "$*"; exit 1; }
wrong() { say "$*"; exit 2; }

while [ $# -gt 0 ]; do
    case $1 in
    sync | status | check | prune) verb=$1 ;;
    --config) config=${2:?--config needs a file}; shift ;;
    --json) json=yes ;;
    *) wrong "unknown word '$1'; use sync, status, check or prune, --config FILE, --json" ;;
    esac
    shift
done

# --- the configuration: read, never run

REPOSITORY="" PASSWORD_FILE="" KEEP=12 STATE=/var/lib/logic-node-backup HOME_DIR=/opt/logic-node LOGICCTL=logicctl
[ -r "$config" ] || wrong "cannot read '$config'; it says REPOSITORY=… and PASSWORD_FILE=…"
while IFS= read -r line || [ -n "$line" ]; do
    case $line in "" | "#"*) continue ;; *=*) ;; *) wrong "$config: '$line' is not NAME=VALUE" ;; esac
    value=${line#*=}
    case ${line%%=*} in
    REPOSITORY) REPOSITORY=$value ;;
    PASSWORD_FILE) PASSWORD_FILE=$value ;;
    KEEP) KEEP=$value ;;
    STATE) STATE=$value ;;
    HOME_DIR) HOME_DIR=$value ;;
    LOGICCTL) LOGICCTL=$value ;;
    BACKUP | DATASET | TARGET | SSH) ;;
    *) wrong "$config: there is no '${line%%=*}'; known are REPOSITORY PASSWORD_FILE KEEP STATE HOME_DIR LOGICCTL" ;;
    esac
done < "$config"
case $REPOSITORY in
"" | -*) wrong "$config: REPOSITORY='$REPOSITORY' is no repository; such as /srv/backup/node or sftp:user@host:/srv/node" ;;
esac
case $KEEP in "" | *[!0-9]*) wrong "$config: KEEP='$KEEP' is no number" ;; esac
{ [ "$KEEP" -ge 2 ] && [ "$KEEP" -le "$KEEP_MAX" ]; } || wrong "$config: KEEP=$KEEP is not 2 to $KEEP_MAX"
for pair in "STATE=$STATE" "HOME_DIR=$HOME_DIR" "PASSWORD_FILE=$PASSWORD_FILE"; do
    case ${pair#*=} in /*) ;; *) wrong "$config: ${pair%%=*}='${pair#*=}' is no absolute path" ;; esac
done
[ -s "$PASSWORD_FILE" ] || wrong "$config: there is no password in PASSWORD_FILE='$PASSWORD_FILE':" \
    "(umask 077; head -c 24 /dev/urandom | base64 > $PASSWORD_FILE)"
case $(stat -c %a "$PASSWORD_FILE") in *00) ;; *) wrong "'$PASSWORD_FILE' can be read by others: chmod 600 $PASSWORD_FILE" ;; esac

# --- the repository

repository() { restic --quiet --repo "$REPOSITORY" --password-file "$PASSWORD_FILE" --cache-dir "$STATE/cache" "$@"; }

# The last error of restic ($work/err) with what to do about it.
remedy() { # WHAT
    words=$(grep -v '^$' "$work/err" | tail -n 2 | tr '\n' ' ')
    case $(cat "$work/err") in
    *"wrong password"* | *"no key found"*)
        fail "$1: the password in '$PASSWORD_FILE' is not the repository's. Find the right one; do not init anew" ;;
    *"s there a repository at"* | *"unable to open config file"*)
        fail "$1: there is no repository at '$REPOSITORY' (is its disk mounted, its machine on?)." \
            "If this is its first time: restic -r '$REPOSITORY' --password-file '$PASSWORD_FILE' init" ;;
    *"already locked"* | *"unable to create lock"*)
        case $(cat "$work/err") in
        *"no space"*) fail "$1: there is no space left for '$REPOSITORY': make room there" ;;
        *) fail "$1: '$REPOSITORY' is locked by a restic that runs ($words). When it is certain that none does:" \
            "restic -r '$REPOSITORY' --password-file '$PASSWORD_FILE' unlock --remove-all" ;;
        esac ;;
    *"no space left"*)
        fail "$1: there is no space left for '$REPOSITORY': make room there, or lower KEEP in $config and: restic_sync.sh prune" ;;
    *"verification failed"* | *"does not match"*)
        fail "the repository is damaged: $1: $words. Begin a new repository beside it, and keep this one" ;;
    *) fail "$1: restic says: $words" ;;
    esac
}

ask() { # WHAT WORDS…: what it prints comes out
    what=$1
    shift
    repository "$@" 2> "$work/err" || remedy "$what"
}

check_here() {
    for program in restic jq; do
        command -v "$program" > /dev/null || fail "there is no $program on this machine: apt-get install $program"
    done
    command -v "$LOGICCTL" > /dev/null || fail "there is no '$LOGICCTL': correct LOGICCTL in $config"
    [ -d "$HOME_DIR" ] || fail "there is no home '$HOME_DIR': correct HOME_DIR in $config"
    [ -s "$HOME_DIR/keys/recovery.pub" ] ||
        fail "there is no recovery key that backups are closed to: logicctl --home '$HOME_DIR' backup key; keep what it prints on paper"
}

# Of a repository in a folder: restic itself tries for minutes before it says so.
check_writable() {
    for folder in "$REPOSITORY" "$REPOSITORY/locks" "$REPOSITORY/data"; do
        case $folder in /*) [ -d "$folder" ] && [ ! -w "$folder" ] || continue ;; *) continue ;; esac
        [ "$(stat -c %u "$folder")" = "$(id -u)" ] ||
            fail "'$folder' belongs to $(stat -c %U "$folder"), and this script may write to its own files only:" \
                "chown -R $(id -un): '$REPOSITORY'"
        fail "nothing may be written to '$folder'. Is its disk mounted read-only? The unit writes below /srv, /mnt, /media and" \
            "/var/backups; elsewhere: systemctl edit restic-sync.service, and there [Service] ReadWritePaths=$REPOSITORY"
    done
}

# A lock of a process that is gone is taken away by restic itself; one of a process that runs is not.
check_repository() {
    check_writable
    ask "the repository cannot be opened" unlock > /dev/null
    ask "the repository cannot be read" snapshots --no-lock --json > "$work/before"
}

check_data() { # ARGUMENTS: which part of the data is read again
    repository check "$@" > "$work/check" 2> "$work/err" && return 0
    cat "$work/check" "$work/err" > "$work/both"
    if grep -q -e "already locked" -e "no space left" -e "wrong password" "$work/both"; then remedy "the repository cannot be checked"; fi
    fail "the repository is damaged: $(grep -i -m 1 -e error -e damaged -e invalid -e unexpected "$work/both" | cut -c 1-200)." \
        "Nothing is forgotten. Look: restic -r '$REPOSITORY' check --read-data; then restic rebuild-index," \
        "or begin a new repository beside it"
}

check() { check_here && check_repository && check_data; }

# --- a backup

# The checkpoint comes first: what it says is in the archive, so the archive is never older than it.
make() {
    rm -rf "$STATE/stage"
    mkdir -m 0700 "$STATE/stage"
    "$LOGICCTL" --home "$HOME_DIR" ledger checkpoint > /dev/null 2>&1 || true # the node may be off: then the newest that is there
    newest=$(find "$HOME_DIR/checkpoints" -maxdepth 1 -type f ! -name "*.new" -printf '%T@ %p\n' 2> /dev/null |
        sort -n | tail -n 1 | cut -d' ' -f2-)
    [ -z "$newest" ] || cp "$newest" "$STATE/stage/$FILE.checkpoint"
    "$LOGICCTL" --home "$HOME_DIR" backup make "$STATE/stage/$FILE" > "$work/made" 2>&1 ||
        fail "no backup could be made: $(tail -n 1 "$work/made")"
    grep "^left out:" "$work/made" | while IFS= read -r line; do say "$line"; done
    stat -c %s "$STATE/stage/$FILE" > "$work/source"
}

store() {
    (cd "$STATE/stage" && repository backup --json --tag "$TAG" --host "$(uname -n)" .) > "$work/summary" 2> "$work/err" ||
        remedy "the backup was not taken"
    summary=$(grep '"message_type":"summary"' "$work/summary" | tail -n 1)
    printf %s "$summary" | jq -er .snapshot_id > "$work/snapshot" || fail "restic did not say which snapshot it made"
    printf %s "$summary" | jq -r .data_added > "$work/sent"
    count > "$work/count"
    if [ "$(cat "$work/count")" -le 1 ]; then echo whole; else echo incremental; fi > "$work/mode"
    repository ls --no-lock "$(cat "$work/snapshot")" 2> "$work/err" | grep -q "$FILE\$" ||
        fail "the snapshot does not hold what was given to it"
}

count() { repository snapshots --no-lock --json --tag "$TAG" 2> /dev/null | jq length 2> /dev/null | grep . || echo 0; }
footprint() { repository stats --no-lock --json --mode raw-data 2> /dev/null | jq -r .total_size 2> /dev/null | grep . || echo 0; }

# The newest snapshot is never among them: restic counts from the newest, and KEEP is 2 at least.
prune() {
    [ -s "$work/before" ] || { check_here && check_repository; }
    ask "old snapshots could not be forgotten" forget --tag "$TAG" --group-by tags --keep-last "$KEEP" --prune > /dev/null
}

# --- telling

text() { cat "$work/$1" 2> /dev/null || true; }

report() { # true|false WORDS
    words=$(printf %s "$2" | LC_ALL=C tr -d '"\134\000-\037')
    target=$(printf %s "$REPOSITORY" | sed 's|//[^/@]*@|//|' | LC_ALL=C tr -d '"\134\000-\037') # without a password
    now=$(date +%s)
    if [ "$1" = true ]; then good=$now; else good=$(good_before); fi
    {
        printf '{"kind":"restic","ok":%s,"at":"%s","good_at":%s,' "$1" "$(date -u -d "@$now" +%Y-%m-%dT%H:%M:%SZ)" "$good"
        printf '"dataset":"%s",' "$HOME_DIR"
        printf '"target":"%s","mode":"%s","snapshot":"%s",' "$target" "$(text mode)" "$(text snapshot | cut -c 1-8)"
        printf '"sent_bytes":%s,"source_bytes":%s,' "$(text sent | grep . || echo 0)" "$(text source | grep . || echo 0)"
        printf '"target_bytes":%s,"snapshots":%s,' "$(footprint)" "$(count)"
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

status() {
    [ -r "$STATE/status.json" ] || fail "there was no backup yet (no $STATE/status.json): restic_sync.sh sync"
    if [ "$json" = yes ]; then
        cat "$STATE/status.json"
    else
        sed 's/[{}"]//g; s/,/\n/g' "$STATE/status.json" | sed 's/:/\t/' | expand -t 16
    fi
}

# Another slice each time, whatever was missed between.
slice() {
    last=$(cat "$STATE/slice" 2> /dev/null || echo 0)
    case $last in "" | *[!0-9]*) last=0 ;; esac
    echo $((last % SLICES + 1))
}

sync() {
    part=$(slice)
    if (check_here && check_repository && make && store && check_data --read-data-subset="$part/$SLICES" && prune) 2> "$work/words"; then
        echo "$part" > "$STATE/slice"
        rm -rf "$STATE/stage"
        cat "$work/words" >&2
        report true ""
        echo "$(text mode): $(text snapshot | cut -c 1-8) of $(text source) bytes to $target, $(text sent) bytes added;" \
            "$(jq -r .target_bytes "$STATE/status.json") bytes there in $(jq -r .snapshots "$STATE/status.json") snapshots"
    else
        rm -rf "$STATE/stage"
        cat "$work/words" >&2
        report false "$(cat "$work/words")"
        exit 1
    fi
}

if [ "$verb" = status ]; then
    status
    exit 0
fi
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$STATE"
exec 9> "$STATE/lock"
flock -n 9 || { say "another one runs"; exit 75; }
"$verb"

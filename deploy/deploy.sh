#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Put a version of the node in force, or leave the one before it in force and say why (docs/operations.md §4). As root.
#
#   deploy.sh [--from TREE] [--dry-run] [--json] [--wait SECONDS] [--root DIR [--systemctl FILE]]
#   deploy.sh --rollback       the version before, in one command; again: forth
#   deploy.sh --recover        what a deploy that was killed left unproved is put back (the next deploy does it too)
#
# TREE: sources (they are compiled, as the owner of TREE), or what was built: bin/ kb/ web/ ansible/ deploy/.
# Without --from: where this script lies. --root DIR: an image or a test's folder; nothing is started there unless --systemctl says by what.
# Stages: models rules build permissions switch restart wait report. Up to `switch` nothing in force has changed; behind it a failure
# puts the version before back and waits for that. The same input again changes nothing. Three versions are kept, always the two in use.
# Exit: 0 done (or nothing to do), 1 failed (a sentence says what to do; the version before is in force), 2 wrong use, 75 another one runs.
set -eu
umask 022
export LC_ALL=C

UNIT=logic-orchestrator.service
GUARD=logic-node-deploy-guard
KEEP=3
WAIT_MAX_S=600
CHECK_MAX_S=120 # the gate of the rules
verb=deploy root="" from="" dry=no json=no wait_s=60 systemctl=""
stage=options stages="" changed=false sentence="" number="" trial=no fresh=no work="" locked=no putting=no restored=yes
here=$(cd "$(dirname "$0")" && pwd -P)

say() { echo "deploy: $*" >&2; }
fail() {
    sentence="$*"
    exit 1
}
wrong() {
    sentence="$*"
    exit 2
}

# --- the report

text() { printf '%s' "$1" | tr '\n\t\r' '   ' | tr -d '\000-\037' | sed 's/\\/\\\\/g; s/"/\\"/g'; }
name_at() { if [ -L "$1" ]; then basename "$(readlink "$1")"; fi; } # the version that `current` or `previous` means; "" for none

report() { # STATUS
    [ -n "$sentence" ] || sentence="stage $stage ended with $1 and said nothing; look above"
    good=false
    [ "$1" -ne 0 ] || good=true
    if [ "$json" = yes ]; then
        printf '{"ok":%s,"changed":%s,"stage":"%s","version":"%s","previous":"%s","stages":[%s],"sentence":"%s"}\n' \
            "$good" "$changed" "$stage" "$(name_at "$home/current")" "$(name_at "$home/previous")" "$stages" "$(text "$sentence")"
    elif [ "$good" = true ]; then
        echo "deploy: $sentence"
    else
        say "stage $stage: $sentence"
    fi
}

finish() {
    status=$?
    trap - EXIT
    trap '' INT TERM HUP # what was begun is put back to its end
    set +e
    if [ "$status" -ne 0 ] && [ "$trial" = yes ] && [ "$putting" = no ]; then put_back; fi
    [ -z "$work" ] || rm -rf "$work"
    if [ "$locked" = yes ] && [ "$status" -eq 0 ] && [ "$dry" = no ]; then prune; fi
    report "$status"
    exit "$status"
}

run_stage() { # NAME
    stage=$1
    started=$(date +%s)
    "stage_$1"
    stages="$stages${stages:+,}{\"name\":\"$1\",\"seconds\":$(($(date +%s) - started))}"
}

# --- small things

link() { # PATH TARGET: from one moment to the next
    rm -f "$home/versions/.link"
    ln -s "$2" "$home/versions/.link" && mv -T "$home/versions/.link" "$1"
}
as_node() { # with no right that the service has not
    if [ -z "$root" ] && id -u logic-node > /dev/null 2>&1; then runuser -u logic-node -- "$@"; else "$@"; fi
}
as_owner() { # of the sources: what they do while they are compiled, they do as whoever wrote them
    owner=$(stat -c %U "$from")
    if [ "$owner" != root ] && [ "$owner" != UNKNOWN ]; then runuser -u "$owner" -- "$@"; else "$@"; fi
}
last() { tail -n 1 "$1" | cut -c 1-300; }
note() { sed -n "s/^$1=//p" "$home/versions/.trial"; } # of a trial under way
serves() { [ -n "$systemctl" ]; }
compiled() { [ -f "$from/meson.build" ]; }

# --- models: weights are what they were

stage_models() {
    models=$home/llm/models
    [ -d "$models" ] || return 0
    find "$models" -type f -name '*.gguf' ! -name '.*' > "$work/weights"
    [ -s "$work/weights" ] || [ -f "$models/sha256sums" ] || return 0
    [ -f "$models/sha256sums" ] ||
        fail "there is no $models/sha256sums: compare the weights with their source, then: cd $models; sha256sum *.gguf > sha256sums"
    while IFS= read -r path; do
        name=${path#"$models"/}
        cut -c 67- "$models/sha256sums" | grep -qxF "$name" || # behind the hash, a space, and a space or a star
            fail "'$name' is not in $models/sha256sums: compare it with its source, then: cd $models; sha256sum '$name' >> sha256sums"
    done < "$work/weights"
    (cd "$models" && sha256sum --strict --quiet -c sha256sums) > "$work/out" 2>&1 ||
        fail "a model is not what it was: $(head -n 1 "$work/out"); fetch it again, or take away file and line in $models/sha256sums"
}

# --- rules: a copy of them, in a process of its own, with the machine's own facts

check_rules() { # THE GATE …; the rules are in $rules
    site=$etc/site state=$home/kb/state
    if ! ls "$site"/*.pl > /dev/null 2>&1; then
        ! serves || fail "there are no facts in $site: logicctl setup, or begin with the examples: cp $from/kb/site/*.pl $site/"
        site=$work/tree/kb/site state=""
    fi
    [ -d "$state" ] || state=""
    status=0
    as_node timeout "$CHECK_MAX_S" "$@" "$rules" "$site" ${state:+"$state"} > "$work/out" 2>&1 < /dev/null || status=$?
    case $status in
    0) ;;
    124) fail "the gate did not end in $CHECK_MAX_S s; try it by hand: logicctl kb check $from/kb" ;;
    *)
        cat "$work/out" >&2
        finding=$(grep -m 1 ':[0-9][0-9]*:' "$work/out" || last "$work/out")
        fail "the rules are refused: $(printf '%s' "$finding" | cut -c 1-300); mend that, in the rules or in $site, and deploy again"
        ;;
    esac
}

stage_rules() {
    [ -f "$from/kb/main.pl" ] || fail "'$from' has no kb/main.pl: --from wants the sources, or a built tree with bin kb web ansible deploy"
    take kb/main.pl kb/core kb/site
    rules=$work/tree/kb
    if compiled; then
        command -v swipl > /dev/null || fail "there is no swipl to check the rules with: $from/tools/install.sh"
        check_rules env LC_ALL=C.UTF-8 swipl -q -f none -F none "$from/tools/kb_check.pl" --
    else
        take bin
        check_rules "$work/tree/bin/logicd" kb-check
    fi
}

# --- build: everything of the version beside the others, under no name yet

no_room() { fail "cannot copy $1 to $work (see above); make room (df $home) or make it writable, and deploy again"; }

take() { # PATH …: from TREE, as they lie there
    for path in "$@"; do
        [ -e "$from/$path" ] || fail "'$from' has no $path: --from wants the sources, or a built tree with bin kb web ansible deploy"
        into=$work/tree/$(dirname "$path")
        mkdir -p "$into" || no_room "$path"
        cp -R "$from/$path" "$into/" || no_room "$path"
    done
}

compile() {
    build=$from/build/deploy
    if ! command -v meson > /dev/null || ! command -v ninja > /dev/null; then fail "meson or ninja is missing: $from/tools/install.sh"; fi
    [ -f "$build/build.ninja" ] || as_owner meson setup "$build" "$from" --buildtype=release > "$work/out" 2>&1 < /dev/null || {
        tail -n 20 "$work/out" >&2
        fail "meson setup failed: $(grep -m 1 ERROR "$work/out" || last "$work/out"); $from/tools/install.sh installs what is missing"
    }
    programs="src/6_program/logicd src/6_program/logicctl src/6_program/logicagent"
    # shellcheck disable=SC2086
    as_owner ninja -C "$build" $programs > "$work/out" 2>&1 < /dev/null || {
        tail -n 40 "$work/out" >&2
        fail "the build failed: $(grep -m 1 'error' "$work/out" || last "$work/out"); mend it there, and deploy again"
    }
    as_owner "$from/tools/web.py" "$build/web" --no-install > "$work/out" 2>&1 < /dev/null ||
        fail "the page could not be put together: $(last "$work/out")"
    mkdir -p "$work/tree/bin" || no_room bin
    # shellcheck disable=SC2086
    (cd "$build" && cp $programs "$work/tree/bin/" && cp -R web "$work/tree/web") || no_room "what was built"
    cp -R "$from/deploy/ansible" "$work/tree/ansible" || no_room deploy/ansible
}

stage_build() {
    if compiled; then
        if [ "$dry" = yes ]; then
            sentence="models and rules are good; '$from' was not compiled, and nothing was changed"
            exit 0
        fi
        compile
        check_rules "$work/tree/bin/logicd" kb-check # by the very program that will load them
    else
        take web ansible
    fi
    take deploy/systemd deploy/layout.sysusers deploy/layout.tmpfiles deploy/deploy.sh
    for program in logicd logicctl; do
        [ -x "$work/tree/bin/$program" ] ||
            fail "'$from' has no bin/$program that can be run: build it first, or name its sources with --from"
        "$work/tree/bin/$program" version > "$work/out" 2>&1 < /dev/null ||
            fail "$program of this version does not run on this machine: $(last "$work/out"); install what it needs, or build it here"
    done
    find "$work/tree" ! -type f ! -type d > "$work/odd"
    [ ! -s "$work/odd" ] ||
        fail "'$from' holds something that is neither a file nor a folder: $(sed "1s|^$work/tree/||; q" "$work/odd"); take it out"
    (cd "$work/tree" && find . -type f -print0 | sort -z | xargs -0 sha256sum) > "$work/manifest" || no_room "the list of files"
}

whole() { (cd "$1" && sha256sum --strict --quiet -c .manifest) > /dev/null 2>&1; } # are the files of a version what they were?

known() { # sets $number to the version that has exactly these files
    number=""
    for folder in "$home"/versions/[0-9]*; do
        cmp -s "$work/manifest" "$folder/.manifest" || continue
        if ! whole "$folder"; then
            say "the files of version $(basename "$folder") are not what they were"
            continue
        fi
        number=$(basename "$folder")
    done
    [ -n "$number" ]
}

# --- permissions: programs and rules are root's, what the node writes is its own

stage_permissions() {
    layout=$work/tree/deploy
    systemd-sysusers ${root:+--root="$root"} "$layout/layout.sysusers" > "$work/out" 2>&1 ||
        fail "the users cannot be made: $(last "$work/out"); is $root/etc writable?"
    systemd-tmpfiles ${root:+--root="$root"} --create "$layout/layout.tmpfiles" > "$work/out" 2>&1 ||
        fail "the folders cannot be made: $(last "$work/out"); compare with: logicctl layout"
    for name in current previous bin kb/core kb/main.pl www ansible; do # checked before anything is moved
        if [ -e "$home/$name" ] && [ ! -L "$home/$name" ]; then
            fail "$home/$name is no link: somebody put it there by hand; move it away, and deploy again"
        fi
    done
    for name in secrets keys; do # below a folder of the node's only its own rights are used
        close=as_node
        [ "$(stat -c %u "$home/$name")" -ne 0 ] || close="env"
        $close find "$home/$name" -type f -perm /077 -exec chmod go= {} + > "$work/out" 2>&1 ||
            fail "files in $home/$name stay readable for others: $(last "$work/out")"
    done
    chown -R 0:0 "$work/tree"
    chmod -R u=rwX,go=rX "$work/tree"
    chmod 755 "$work/tree/bin"/*
    if [ "$fresh" = yes ]; then
        number=$(next_number)
        cp "$work/manifest" "$work/tree/.manifest" || no_room "the list of files"
        sync -f "$home/versions" # a version with a name is whole, even after a power cut
        mv -T "$work/tree" "$home/versions/$number" || fail "cannot write $home/versions; is it on a file system that is mounted read-only?"
    fi
}

next_number() {
    highest=0
    for folder in "$home"/versions/[0-9]*; do
        n=$(basename "$folder")
        case $n in *[!0-9]*) continue ;; esac
        [ "$n" -le "$highest" ] || highest=$n
    done
    echo $((highest + 1))
}

# --- switch: one rename

# Where `bin` and the others lead to the package, the package becomes a version with a name: then there is a way back to it.
adopt() {
    target=$(readlink "$home/bin" || true)
    case $target in
    current/bin) ;;
    /*)
        if [ -x "$root$target/logicd" ] && [ ! -e "$home/current" ]; then
            mkdir -p "$home/versions/package/kb"
            link "$home/versions/package/bin" "$target"
            link "$home/versions/package/kb/core" "$(readlink "$home/kb/core")"
            link "$home/versions/package/kb/main.pl" "$(readlink "$home/kb/main.pl")"
            link "$home/versions/package/web" "$(readlink "$home/www")"
            link "$home/versions/package/ansible" "$(readlink "$home/ansible")"
            link "$home/current" versions/package
        fi
        ;;
    esac
}

through_current() {
    link "$home/bin" current/bin
    link "$home/kb/core" ../current/kb/core
    link "$home/kb/main.pl" ../current/kb/main.pl
    link "$home/www" current/web
    link "$home/ansible" current/ansible
}
goes_through_current() { # the first and the last of them
    [ "$(readlink "$home/bin")" = current/bin ] && [ "$(readlink "$home/ansible")" = current/ansible ]
}

unit_of() { echo "$home/versions/$1/deploy/systemd/$UNIT"; } # VERSION
unit_is_ours() { # a unit that somebody wrote is left alone
    [ -e "$unit" ] || return 0
    for folder in "$home"/versions/*; do
        if cmp -s "$unit" "$folder/deploy/systemd/$UNIT"; then return 0; fi
    done
    return 1
}

put_unit() { # VERSION: the unit belongs to it
    mkdir -p "$(dirname "$unit")"
    if ! unit_is_ours; then
        say "$unit is your own and stays; put what you want otherwise into a drop-in (systemctl edit $UNIT), and take it away"
    elif [ -f "$(unit_of "$1")" ]; then
        if ! cmp -s "$unit" "$(unit_of "$1")"; then
            cp "$(unit_of "$1")" "$unit.new" || return 1
            mv "$unit.new" "$unit" || return 1
        fi
    else
        rm -f "$unit" # the package has its own
    fi
    if serves; then "$systemctl" daemon-reload; fi
}

stage_switch() {
    old=$(name_at "$home/current")
    before=$(name_at "$home/previous")
    ! serves || guard
    printf 'new=%s\nold=%s\nbefore=%s\nfresh=%s\n' "$number" "$old" "$before" "$fresh" > "$work/trial" || no_room "a note"
    trial=yes
    mv "$work/trial" "$home/versions/.trial" # from here on whoever comes next puts back
    if [ -n "$old" ] && [ "$old" != "$number" ]; then link "$home/previous" "versions/$old"; fi
    link "$home/current" "versions/$number"
    through_current
    put_unit "$number" || fail "cannot write $unit (see above); is $root/etc full, or read-only?"
    changed=true
}

# Should this be killed behind the switch, systemd itself puts the version before back.
guard() {
    [ -z "$root" ] && [ "$systemctl" = systemctl ] && command -v systemd-run > /dev/null || return 0
    unguard
    cp "$here/$(basename "$0")" "$home/versions/.guard.sh"
    systemd-run --quiet --collect --unit=$GUARD --on-active="$guard_s" --timer-property=AccuracySec=1s \
        /bin/sh "$home/versions/.guard.sh" --recover --wait "$wait_s" > "$work/out" 2>&1 < /dev/null ||
        say "no guard could be set ($(last "$work/out")); do not interrupt this"
}
unguard() {
    if [ -z "$root" ] && [ "$systemctl" = systemctl ]; then systemctl stop $GUARD.timer > /dev/null 2>&1 || true; fi
}

# --- restart and wait

stage_restart() {
    serves || return 0
    echo "restarted=yes" >> "$home/versions/.trial"
    "$systemctl" reset-failed $UNIT > /dev/null 2>&1 || true
    "$systemctl" enable --quiet $UNIT > "$work/out" 2>&1 || true # a unit of one's own may have no [Install]
    "$systemctl" restart $UNIT > "$work/out" 2>&1 < /dev/null || { told; fail "the unit does not come up: $(last "$work/out")"; }
}

told() { # what the unit said last
    if [ -z "$root" ]; then journalctl --no-pager -q -o cat -n 15 -u $UNIT >&2 || true; fi
}

ready() { # it is the program of this version that answers
    [ "$("$systemctl" show --value --property=ActiveState $UNIT)" = active ] || return 1
    if [ -z "$root" ]; then
        pid=$("$systemctl" show --value --property=MainPID $UNIT)
        [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$home/bin/logicd")" ] || return 1
    fi
    [ "$(curl -s -o /dev/null -w '%{http_code}' --max-time 5 --unix-socket "$home/run/api.sock" http://localhost/readyz)" = 200 ]
}

await() {
    end=$(($(date +%s) + wait_s))
    until ready; do
        [ "$("$systemctl" show --value --property=ActiveState $UNIT)" != failed ] || return 1
        [ "$(date +%s)" -lt "$end" ] || return 1
        sleep 0.5
    done
}

stage_wait() {
    serves || return 0
    await || { told; fail "within $wait_s s the unit was not active with /readyz 200; its log: journalctl -u $UNIT"; }
}

stage_report() {
    rm -f "$home/versions/.trial"
    trial=no
    ! serves || unguard
    before=$(name_at "$home/previous")
    if serves; then state="active and ready"; else state="not started (--root)"; fi
    sentence="version $number is in force, $state; before it: ${before:-none}. Back: deploy.sh --rollback"
}

# --- putting back

start_again() {
    "$systemctl" reset-failed $UNIT > /dev/null 2>&1
    "$systemctl" restart $UNIT < /dev/null && await
}

put_back() {
    putting=yes trial=no
    new=$(note new) old=$(note old) before=$(note before) was_fresh=$(note fresh) was_restarted=$(note restarted)
    if [ -z "$old" ]; then
        rm -f "$home/current"
        ! serves || "$systemctl" stop $UNIT > /dev/null 2>&1
        sentence="$sentence. There was no version before it; the unit is stopped"
    else
        link "$home/current" "versions/$old"
        if [ -n "$before" ]; then link "$home/previous" "versions/$before"; else rm -f "$home/previous"; fi
        put_unit "$old"
        if ! serves || { [ "$was_restarted" != yes ] && ready; } || start_again; then
            sentence="$sentence. Version $old is in force as before"
        else
            told
            restored=no
            sentence="$sentence. Version $old is in force again but does NOT answer: journalctl -u $UNIT"
        fi
    fi
    changed=false
    if [ "$was_fresh" = yes ]; then rm -rf "$home/versions/${new:?}"; fi
    rm -f "$home/versions/.trial"
    ! serves || unguard
}

recover() {
    [ -f "$home/versions/.trial" ] || return 0
    say "a deploy of version $(note new) was interrupted before it was proved; putting back what was in force"
    put_back
    putting=no
    say "${sentence#. }"
    [ "$restored" = yes ] || [ "$verb" != recover ] || fail "${sentence#. }"
    sentence=""
}

prune() { # all but the last KEEP, never the two in use
    kept=0
    n=$(next_number)
    while [ "$n" -gt 1 ]; do
        n=$((n - 1))
        [ -d "$home/versions/$n" ] || continue
        kept=$((kept + 1))
        if [ "$kept" -le $KEEP ] || [ "$n" = "$(name_at "$home/current")" ] || [ "$n" = "$(name_at "$home/previous")" ]; then continue; fi
        rm -rf "$home/versions/${n:?}"
    done
}

# --- the whole

lock() {
    mkdir -p "$home/versions" || fail "cannot make $home/versions (see above); is the file system mounted read-only?"
    if [ -L "$home/versions" ] || [ "$(stat -c %u "$home/versions")" -ne 0 ]; then
        fail "$home/versions is not root's own folder; look who made it, and move it away"
    fi
    [ -e "$home/versions/.lock" ] || touch "$home/versions/.lock" || fail "cannot write $home/versions (see above); make room (df $home)"
    exec 9< "$home/versions/.lock"
    flock -n 9 || {
        sentence="another deploy.sh runs; wait for it"
        exit 75
    }
    locked=yes
    rm -rf "$home/versions/.new"
    work=$home/versions/.new
    mkdir -m 755 "$work" || fail "cannot write $home/versions (see above); is the file system full (df $home), or mounted read-only?"
}

nothing_to_do() {
    [ "$(name_at "$home/current")" = "$number" ] && goes_through_current || return 1
    cmp -s "$unit" "$(unit_of "$number")" || ! unit_is_ours || return 1
    ! serves || ready
}

deploy() {
    for each in models rules build; do run_stage $each; done
    fresh=no
    known || fresh=yes
    if [ "$fresh" = no ] && nothing_to_do; then
        stage=report
        sentence="nothing to do: version $number has these very files, and is in force"
        exit 0
    fi
    if [ "$dry" = yes ]; then
        sentence="models, rules and build are good; a version ${number:-$(next_number)} would be put in force; nothing was changed"
        exit 0
    fi
    run_stage permissions
    adopt
    for each in switch restart wait report; do run_stage $each; done
}

rollback() {
    number=$(name_at "$home/previous")
    [ -n "$number" ] || fail "there is no version before: ls $home/versions; deploy one with --from"
    [ "$number" = package ] || whole "$home/versions/$number" ||
        fail "the files of version $number are not what they were; deploy its sources anew with --from"
    stage=rules
    rules=$home/versions/$number/kb
    check_rules "$home/versions/$number/bin/logicd" kb-check
    if [ "$dry" = yes ]; then
        sentence="version $number would be put in force; nothing was changed"
        exit 0
    fi
    for each in switch restart wait report; do run_stage $each; done
}

home=/opt/logic-node
trap finish EXIT
trap 'fail "interrupted"' INT TERM HUP
while [ $# -gt 0 ]; do
    case $1 in
    --from | --root | --wait | --systemctl) [ $# -ge 2 ] || wrong "a value is missing behind $1" ;;
    esac
    case $1 in
    --from) from=$2; shift ;;
    --root) root=$2; shift ;;
    --wait) wait_s=$2; shift ;;
    --systemctl) systemctl=$2; shift ;;
    --rollback) verb=rollback ;;
    --recover) verb=recover ;;
    --dry-run) dry=yes ;;
    --json) json=yes ;;
    *) wrong "no option '$1'; known are --from TREE --rollback --recover --dry-run --json --wait SECONDS --root DIR --systemctl FILE" ;;
    esac
    shift
done
case $wait_s in "" | *[!0-9]* | ?????*) wrong "--wait '$wait_s' is no number of seconds" ;; esac
{ [ "$wait_s" -ge 1 ] && [ "$wait_s" -le $WAIT_MAX_S ]; } || wrong "--wait $wait_s is not 1 to $WAIT_MAX_S"
guard_s=$((wait_s * 2 + 240)) # longer than all that may be waited for: a stop, a start, and the same for putting back
[ "$(id -u)" -eq 0 ] || wrong "this wants root: sudo $here/$(basename "$0")"
if [ -n "$root" ]; then
    [ -d "$root" ] || wrong "--root '$root' is no folder"
    root=$(cd "$root" && pwd -P)
    [ "$root" != / ] || root=""
fi
[ -n "$root" ] || systemctl=${systemctl:-systemctl}
home=$root/opt/logic-node etc=$root/etc/logic-node unit=$root/etc/systemd/system/$UNIT
for program in flock sha256sum curl systemd-sysusers systemd-tmpfiles; do
    command -v $program > /dev/null || wrong "there is no $program on this machine: apt-get install util-linux coreutils curl systemd"
done
if [ "$verb" = deploy ]; then
    from=${from:-$here/..}
    [ -d "$from" ] || wrong "--from '$from' is no folder"
    from=$(cd "$from" && pwd -P)
fi
if [ "$dry" = yes ]; then
    work=$(mktemp -d)
    chmod 755 "$work"
else
    stage=lock
    lock
    recover
fi
case $verb in
deploy) deploy ;;
rollback) rollback ;;
recover) sentence=${sentence:-"nothing was left unproved, or it was put back"} ;;
esac

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Is a model what it was when its hash was written down? llm-inference.service asks before each start.
#
#   model_check.sh FOLDER MODEL      FOLDER has the weights and `sha256sums` (made by: cd FOLDER; sha256sum *.gguf > sha256sums)
#
# A model in parts (NAME-00001-of-0000N.gguf) is checked whole: every part must be there, listed and unchanged.
# Exit: 0 unchanged, 1 not (a sentence says which file and what to do), 2 wrong use.
set -eu

PARTS_MAX=999

wrong() { echo "model_check: $*" >&2; exit 2; }
fail() { echo "model_check: $*" >&2; exit 1; }

[ $# -eq 2 ] || wrong "use: model_check.sh FOLDER MODEL"
folder=$1 model=$2
case $model in
"") wrong "no model is named: set MODEL=name.gguf in /etc/logic-node/llm-inference.conf" ;;
.* | -* | */* | *[!A-Za-z0-9_.+=-]*) wrong "'$model' is no plain file name: letters, digits and _ . + = - only" ;;
esac
cd "$folder" 2> /dev/null || fail "there is no folder '$folder'"
[ -f sha256sums ] || fail "there is no $folder/sha256sums: cd $folder; sha256sum *.gguf > sha256sums"

check_file() { # NAME
    [ -f "$1" ] || fail "the file '$folder/$1' is missing"
    # "HASH  NAME" or "HASH *NAME", as sha256sum writes them; the name is compared as text, never as a pattern
    listed=$(awk -v name="$1" '{ rest = substr($0, 67) } rest == name { print $1 }' sha256sums)
    [ -n "$listed" ] || fail "'$1' is not in $folder/sha256sums: compare it with its source, then: cd $folder; sha256sum '$1' >> sha256sums"
    [ "$(printf '%s\n' "$listed" | wc -l)" -eq 1 ] || fail "'$1' is in $folder/sha256sums more than once: keep the right line"
    is=$(sha256sum < "$1")
    [ "${is%% *}" = "$listed" ] || fail "'$folder/$1' is not what it was: sha256 is ${is%% *}, sha256sums says $listed; fetch it again"
}

case $model in
*-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9].gguf)
    stem=${model%-[0-9][0-9][0-9][0-9][0-9]-of-*}
    of=${model##*-of-}
    of=${of%.gguf}
    count=$(echo "$of" | sed 's/^0*//')
    { [ -n "$count" ] && [ "$count" -le $PARTS_MAX ]; } || wrong "'$model': the number of parts is not 1 to $PARTS_MAX"
    part=1
    while [ "$part" -le "$count" ]; do
        check_file "$(printf '%s-%05d-of-%s.gguf' "$stem" "$part" "$of")"
        part=$((part + 1))
    done
    ;;
*) check_file "$model" ;;
esac

# SPDX-License-Identifier: Apache-2.0
# bash completion for logicctl; install as /usr/share/bash-completion/completions/logicctl
# The test `client` compares the words with the program's own table.

_logicctl_ids() { # ids of cases, newest first; nothing if the node does not answer
    logicctl cases --limit 20 ${1:+--status "$1"} --json 2>/dev/null | grep -o '"id": *"[A-Za-z0-9_-]*"' | cut -d'"' -f4
}

_logicctl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command="" sub="" word words i
    local commands="ask propose cases case why approve refuse actions query kb key operator token agent engine ledger vram model docs alert notify node history sense setup layout events status version help"

    COMPREPLY=()
    case $previous in
        --identity | --checkpoint | --config | --key | --out | --bin | --catalogue) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --home | --with | --tree | --from) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
        --models-dir) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
        --kv) mapfile -t COMPREPLY < <(compgen -W "f32 f16 bf16 q8_0 q5_1 q5_0 q4_1 q4_0 iq4_nl" -- "$current"); return ;;
        --ctx | --slots | --gpu | --vram | --name) return ;;
        --status)
            words="success awaiting_consent denied refused expired failed working"
            [[ " ${COMP_WORDS[*]} " != *" alert "* ]] || words="open raised acknowledged cleared all"
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"); return ;;
        --url | --limit | --after | --since | --part | --step | --promql | --words | --origin | --listen) return ;;
    esac
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            --identity | --checkpoint | --config | --provider | --bin | --tree | --catalogue | --home | --url | --key | --out | --status | --limit | --after | --since | --with | --name | --models | --scopes | --rate | --tokens-per-minute | \
                --concurrent | --weight | --priority | --dialect | --expires | --alg | --certificate) ((i++)) ;;
            --ctx | --slots | --kv | --gpu | --vram | --name | --models-dir | --part | --step | --promql | --words | --origin | --listen | --from) ((i++)) ;;
            -*) ;;
            *) if [[ -z $command ]]; then command=$word; elif [[ -z $sub ]]; then sub=$word; fi ;;
        esac
    done
    words="--home --url --json --no-color --help --version"
    case $command in
        "") [[ $current == -* ]] || words=$commands ;;
        ask) words+=" --parse-only --wait" ;;
        propose) words+=" --wait" ;;
        cases) words+=" --status --limit" ;;
        approve) words+=" --key --yes" ;;
        refuse) words+=" --key --reason" ;;
        events) words+=" --after" ;;
        setup) words+=" --name --origin --listen --from --yes" ;;
        vram) words+=" --ctx --slots --kv --gpu --vram" ;;
        model)
            [[ -n $sub || $current == -* ]] || words="add list verify remove"
            [[ $sub != add ]] || words+=" --name --models-dir"
            [[ $sub != verify ]] || words+=" --models-dir" ;;
        docs)
            [[ -n $sub || $current == -* ]] || words="add list search remove"
            [[ $sub != search ]] || words+=" --limit" ;;
        alert)
            [[ -n $sub || $current == -* ]] || words="list show ack"
            [[ $sub != list ]] || words+=" --status --limit" ;;
        notify) [[ -n $sub || $current == -* ]] || words="test" ;;
        node) [[ -n $sub || $current == -* ]] || words="list show" ;;
        history) words+=" --part --since --step --promql" ;;
        backup)
            [[ -n $sub || $current == -* ]] || words="key list make status"
            [[ $sub != key ]] || words+=" --yes"
            [[ $sub != status ]] || words+=" --config" ;;
        restore) words+=" --identity --checkpoint --older" ;;
        sense) [[ -n $sub || $current == -* ]] || words="list" ;;
        kb) [[ -n $sub || $current == -* ]] || words="check reload" ;;
        key) [[ -n $sub || $current == -* ]] || words="new show"; [[ $sub != new ]] || words+=" --out" ;;
        operator)
            [[ -n $sub || $current == -* ]] || words="enroll pending confirm reject list remove"
            [[ $sub != enroll ]] || words+=" --words --origin --yes"
            [[ $sub != confirm ]] || words+=" --words --yes"
            [[ $sub != remove ]] || words+=" --yes" ;;
        token)
            [[ -n $sub || $current == -* ]] || words="create list revoke rotate-key"
            [[ $sub != create ]] || words+=" --name --models --scopes --rate --tokens-per-minute --concurrent --weight --priority \
                --dialect --speaks-for-users --expires --opaque --alg --certificate --no-token"
            [[ $sub != rotate-key ]] || words+=" --alg --revoke-old" ;;
        engine)
            [[ -n $sub || $current == -* ]] || words="prepare list"
            [[ $sub != prepare ]] || words+=" --provider --bin --tree --name --catalogue"
            [[ $sub != list ]] || words+=" --catalogue" ;;
        agent)
            [[ -n $sub || $current == -* ]] || words="enroll list renew"
            [[ $sub != enroll ]] || words+=" --out --yes --models-dir"
            [[ $sub != renew ]] || words+=" --out" ;;
        ledger)
            [[ -n $sub || $current == -* ]] || words="verify export checkpoint replay list"
            [[ $sub != export ]] || words+=" --out --after"
            [[ $sub != checkpoint ]] || words+=" --out"
            [[ $sub != replay ]] || words+=" --since --with"
            [[ $sub != list ]] || words+=" --after --limit" ;;
    esac
    if [[ $current != -* && -z $sub ]]; then
        case $command in
            case | why) words=$(_logicctl_ids) ;;
            approve | refuse) words=$(_logicctl_ids awaiting_consent) ;;
            actions | propose) words=$(logicctl actions 2>/dev/null | awk 'NR > 1 {print $1}') ;;
        esac
    fi
    if [[ $current != -* && ( "$command $sub" == "alert show" || "$command $sub" == "alert ack" ) && $previous == "$sub" ]]; then
        words=$(logicctl alert list --json 2>/dev/null | grep -o '"id": *[0-9]*' | grep -o '[0-9]*')
    elif [[ $current != -* && ( "$command $sub" == "node show" || ( $command == history && -z $sub ) ) ]]; then
        words=$(logicctl node list --no-color 2>/dev/null | awk 'NR > 1 {print $1}')
    fi
    if [[ $current != -* && ( $command == vram || "$command $sub" == "model add" ) ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    if [[ $current != -* && ( $command == restore || "$command $sub" == "backup make" ) ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    if [[ $current != -* && ( "$command $sub" == "kb check" || "$command $sub" == "key show" ) ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _logicctl logicctl

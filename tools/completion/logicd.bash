# SPDX-License-Identifier: Apache-2.0
# bash completion for logicd; install as /usr/share/bash-completion/completions/logicd

_logicd() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=""

    COMPREPLY=()
    case $previous in
        --home | --kb | --web | --playbooks | --writable | --with | --site) mapfile -t COMPREPLY < <(compgen -d -- "$current"); return ;;
        --tls-cert | --tls-key | --tls-client-ca | --tokens | --sqlite-vec | --backup) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
        --set)
            words=$(logicd settings 2>/dev/null | awk '$1 ~ /[.]/ {print $1 "="}')
            mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current"); compopt -o nospace; return ;;
        --listen | --llm | --llm-model | --runbook-model | --embedding-model | --name | --since) return ;;
    esac
    case ${COMP_WORDS[1]} in
        serve) [[ $COMP_CWORD -eq 1 ]] || words="--home --kb --web --playbooks --backup --listen --llm --llm-model --runbook-model --sqlite-vec \
            --embedding-model --tls-cert --tls-key --tls-client-ca --tokens --name --writable --set" ;;
        replay) [[ $COMP_CWORD -eq 1 ]] || words="--home --since --with --site" ;;
        kb-check) [[ $COMP_CWORD -eq 1 ]] || { mapfile -t COMPREPLY < <(compgen -d -- "$current"); return; } ;;
    esac
    [[ $COMP_CWORD -gt 1 ]] || words="serve settings kb-check replay version"
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _logicd logicd

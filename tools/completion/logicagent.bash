# SPDX-License-Identifier: Apache-2.0
# bash completion for logicagent; install as /usr/share/bash-completion/completions/logicagent

_logicagent() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words=""

    COMPREPLY=()
    if [[ $previous == --config ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    if [[ $COMP_CWORD -eq 1 ]]; then
        words="serve check version"
    elif [[ $COMP_CWORD -eq 2 && ${COMP_WORDS[1]} != version ]]; then
        words="--config"
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _logicagent logicagent

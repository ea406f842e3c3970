# Completion of the epode program for bash.
_epode() {
    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local commands="connect chat send history search conversations unread roster presence watch join fetch doctor forget"
    local options="--jid --db --password-file --oauth-file --cert --key --host --port --tls --transport --ca --dns --tag --inactive
        --no-fast-path --no-sasl2 --no-early-data --no-sm --no-carbons --allow-plain --no-sync --no-roster --low-memory
        --no-search --limit --fill --follow --nick --svg --archive --xml --listen --timeout --json --verbose --facts --token
        --pins --all --help --version"
    COMPREPLY=()
    case $before in
    --db | --password-file | --oauth-file | --cert | --key | --ca | --svg)
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    --tls)
        mapfile -t COMPREPLY < <(compgen -W "direct starttls auto" -- "$current")
        return
        ;;
    --transport)
        mapfile -t COMPREPLY < <(compgen -W "tcp strophe" -- "$current")
        return
        ;;
    roster)
        mapfile -t COMPREPLY < <(compgen -W "add rename groups remove allow deny" -- "$current")
        return
        ;;
    --jid | --host | --port | --dns | --tag | --limit | --fill | --follow | --nick | --archive | --timeout) return ;;
    esac
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current")
    fi
}
complete -F _epode epode

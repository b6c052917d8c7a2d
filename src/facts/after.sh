# A second, small look, when the visit from outside is over: what came through for the bridge, and what the logs keep of
# the visit. It is run as root by `sh` and reads since when, in seconds, the visitors' name, and how far each log had got:
# lines of inode, bytes and path up to one with a full stop.
set -u
umask 077
T=$(mktemp -d /run/anteroom-facts.XXXXXX) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM PIPE
IFS= read -r since
IFS= read -r marker
while IFS= read -r line && [ "$line" != . ]; do
    printf '%s\n' "$line"
done >"$T/ends"
exec </dev/null

@SECTION_SH@

@MEDIA_SH@

# The byte at which a log goes on from where it was; another file of that name, or a shorter one, is new from the first on.
goes_on_at() {
    NAME=$1 awk -F '\t' -v inode="$2" -v bytes="$3" '
        { path = $0; sub(/^[^\t]*\t[^\t]*\t/, "", path) }
        $1 == inode && path == ENVIRON["NAME"] && $2 + 0 <= bytes + 0 { at = $2 }
        END { printf "%.0f\n", at + 1 }' "$T/ends"
}

# Lines that hold the name or a token: place, kind, count. Only what was written since the visit began.
log_marks() {
    token='eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}'
    timeout 30 journalctl -q --no-pager -o cat --since "@$since" >"$T/journal" || return 1
    printf 'journal\tlines\t%s\n' "$(wc -l <"$T/journal")"
    printf 'journal\tname\t%s\n' "$(grep -caF -e "$marker" "$T/journal")"
    printf 'journal\ttoken\t%s\n' "$(grep -caE -e "$token" "$T/journal")"
    timeout 30 find /var/log -xdev -path /var/log/journal -prune -o -type f -newermt "@$((since - 1))" -print0 >"$T/logs" || return 1
    tr '\n\0' '?\n' <"$T/logs" | while IFS= read -r file; do
        [ -f "$file" ] || continue
        set -- $(stat -c '%i %s' -- "$file")
        at=$(goes_on_at "$file" "$1" "$2") || return 1
        # The last 64 MiB of it.
        [ "$at" -gt $(($2 - 67108864)) ] || at=$(($2 - 67108863))
        tail -c "+$at" -- "$file" >"$T/log" || return 1
        printf '%s\tlines\t%s\n' "$file" "$(wc -l <"$T/log")"
        printf '%s\tname\t%s\n' "$file" "$(grep -caF -e "$marker" "$T/log")"
        printf '%s\ttoken\t%s\n' "$file" "$(grep -caE -e "$token" "$T/log")"
    done
}

section media-packets media_packets
section log-marks log_marks
echo "end $count"

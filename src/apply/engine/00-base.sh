# The engine: carries a plan out on the host itself, as a transient unit, so that nothing depends on the connection.
# It decides nothing. What to do lies in files beside it; no text of a spec is ever part of a command line that a
# shell reads. Written for dash; every function that can fail says so by its status.

set -u
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DEBIAN_FRONTEND=noninteractive
# Debian's helper that restarts services after an upgrade would do so behind the plan's back.
NEEDRESTART_SUSPEND=1
export LC_ALL PATH DEBIAN_FRONTEND NEEDRESTART_SUSPEND
# Whatever is written here may hold secrets. Packages' scripts run with the usual mask instead, see packages.
umask 077

mode=$1
run=$2
id=${run##*/}
home=/var/lib/anteroom
secrets=/etc/anteroom/secrets
manifest=/etc/anteroom/manifest.json
# In memory: staged files have their secrets filled in, and a step's inputs may be secrets themselves.
stage=/run/anteroom/stage-$id
inputs=/run/anteroom/inputs-$id
confirmed=/run/anteroom/confirmed-$id
# What commands print: a full disk must not swallow that it is full.
out=/run/anteroom/out-$id
events=$run/events

# Returned by a step that found its work done already.
same=10

event() {
    printf '%s\n' "$*" >>"$events"
}

# Why a step fails, where the engine knows: the tool has advice for it.
because() {
    event "cause $1"
}

# Prints the first line of a file, or nothing.
field() {
    field_value=
    [ -f "$1" ] && IFS= read -r field_value <"$1"
    printf '%s' "$field_value"
}

# Writes a line down that an undo will go by. A disk that is full must not turn it into another one.
record() {
    printf '%s\n' "$2" >"$1" || { echo "$1 could not be written"; return 1; }
}

# Replaces every secret that the host or this run knows by its name. Values are read from files by awk, so that they
# never show in a process list. Short values are left alone: they would tear words apart.
mask() {
    awk -v held="$secrets" -v own="${1:-$run/mask}" '
        BEGIN {
            while ((getline line < held) > 0) {
                at = index(line, "=")
                if (at > 1 && length(line) - at >= 8) {
                    value[++n] = substr(line, at + 1)
                    name[n] = "<secret:" substr(line, 1, at - 1) ">"
                }
            }
            while ((getline line < own) > 0) {
                if (length(line) >= 8) { value[++n] = line; name[n] = "<hidden>" }
            }
        }
        {
            rest = $0
            # A slot written out by hand must not look like one that was filled.
            gsub(/<secret:/, "<literal-secret:", rest)
            for (k = 1; k <= n; k++) {
                out = ""
                while ((at = index(rest, value[k])) > 0) {
                    out = out substr(rest, 1, at - 1) name[k]
                    rest = substr(rest, at + length(value[k]))
                }
                rest = out rest
            }
            print rest
        }'
}

# Fills slots. A slot without a whole secret is an error, never an empty or a short password. The last
# line ends as it did.
fill() {
    awk -v held="$secrets" '
        BEGIN {
            while ((getline line < held) > 0) {
                at = index(line, "=")
                if (at > 1) secret[substr(line, 1, at - 1)] = substr(line, at + 1)
            }
        }
        {
            if (NR > 1) printf "\n"
            rest = $0
            out = ""
            while (match(rest, /<secret:[a-z0-9-]+>/)) {
                name = substr(rest, RSTART + 8, RLENGTH - 9)
                if (length(secret[name]) != 64 || secret[name] ~ /[^0-9a-f]/) {
                    print "the host has no whole secret named " name >"/dev/stderr"
                    exit 3
                }
                out = out substr(rest, 1, RSTART - 1) secret[name]
                rest = substr(rest, RSTART + RLENGTH)
            }
            printf "%s", out rest
        }' <"$1" || return 1
    if ends_whole "$1"; then echo; fi
}

# Whether a file's last line has its end. The shell would take a NUL there for nothing, too.
ends_whole() {
    [ "$(tail -c 1 "$1" | od -An -tx1)" = " 0a" ]
}

# A file's content with secrets masked, to the byte.
masked() {
    if [ ! -s "$secrets" ] || [ ! -s "$1" ]; then
        cat <"$1"
    elif ends_whole "$1"; then
        mask /dev/null <"$1"
    else
        mask /dev/null <"$1" | head -c -1
    fi
}

# Owner, group and mode; a user or group that is gone by its number, as `find` has it.
access_of() {
    find "$1" -maxdepth 0 -printf '%u %g %m'
}

# What is at a path, in one line; the plan's `before` is written the same way.
state() {
    if [ -L "$1" ]; then
        printf 'link %s\n' "$(readlink -- "$1")"
    elif [ -d "$1" ]; then
        printf 'dir %s\n' "$(access_of "$1")"
    elif [ -f "$1" ]; then
        printf 'file %s %s\n' "$(access_of "$1")" "$(masked "$1" | sha256sum | cut -c 1-64)"
    elif [ -e "$1" ]; then
        echo other
    else
        echo absent
    fi
}

# Space on the disk that is full when it counts: for telling what went wrong, and for undoing it.
reserve_space() {
    head -c 262144 /dev/zero >"$run/reserve" && sync "$run/reserve"
}

use_reserve() {
    rm -f "$run/reserve"
}

# Hands what a command printed to the operator: masked, without control characters, the last lines only.
tell() {
    use_reserve
    name_full_disk "$2"
    mask <"$2" | tail -n 40 | tr -d '\000-\010\013-\037\177' | sed 's/\xc2[\x80-\x9f]//g' | sed "s/^/$1 note /" >>"$events"
}

# Programs say that there is no space, but seldom where; the shell calls every write that fails an I/O error.
name_full_disk() {
    space='No space left on device|enough free space|Disk quota exceeded'
    grep -qE "$space|I/O error" "$1" || return 0
    full=$(df -P -k -l -x squashfs -x iso9660 2>/dev/null | awk 'NR > 1 && $2 > 0 && $4 < 1024 { print "no space is left on the disk at " $6 }' | sort -u)
    [ -n "$full" ] || grep -qE "$space" "$1" || return 0
    because space
    [ -z "$full" ] || printf '%s\n' "$full" >>"$1"
}

# Runs a program with the mask that programs expect.
plainly() (
    umask 022
    exec "$@"
)

uptime_seconds() {
    IFS=' .' read -r uptime_value _ </proc/uptime
    printf '%s' "$uptime_value"
}

# Looks at this host and answers in frames. It is run as root by `sh`, reads what to look at from standard input (lines
# of tab-separated fields, see script.rs), and changes nothing: its only files are in one temporary folder of its own.
#
# A frame is a line `section NAME STATUS OUTBYTES ERRBYTES`, the command's output, its errors, and a line end. The last
# line is `end COUNT`; without it the answer was cut. Status 44 says that what was looked for does not exist.
set -u
umask 077
TZ=UTC
export TZ
absent=44
home=/etc/anteroom
secrets=$home/secrets
T=$(mktemp -d /run/anteroom-facts.XXXXXX) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat >"$T/request"
exec </dev/null

# One file per kind of line, there even when no line came.
for kind in path hash aptkey unit package account certificate folder; do : >"$T/$kind"; done
awk -F '\t' -v t="$T" '{ rest = $0; sub(/^[^\t]*\t/, "", rest); print rest > (t "/" $1) }' "$T/request"

count=0
section() {
    name=$1
    shift
    "$@" >"$T/out" 2>"$T/err"
    status=$?
    # Word splitting makes two numbers of the answer.
    set -- $(stat -c %s "$T/out" "$T/err")
    printf 'section %s %s %s %s\n' "$name" "$status" "$1" "$2"
    cat "$T/out" "$T/err"
    echo
    count=$((count + 1))
}

show() { # FILE
    [ -e "$1" ] || return $absent
    cat "$1"
}

# A lock file that can be locked is held by nobody. The shared lock is let go at once.
lock() {
    [ -e /run/anteroom/lock ] || return $absent
    flock -s -n -E 75 /run/anteroom/lock true
    case $? in
    0) return $absent ;;
    75) [ ! -e /run/anteroom/holder ] || cat /run/anteroom/holder ;;
    *) return 1 ;;
    esac
}

packages() { dpkg-query -W -f '${Package}\t${db:Status-Abbrev}\t${Version}\n'; }
origins() { xargs -r -d '\n' -a "$T/package" timeout 30 apt-cache policy --; }

units() {
    xargs -r -d '\n' -a "$T/unit" timeout 30 systemctl show --no-pager --timestamp=unix \
        -p Id,Type,LoadState,ActiveState,SubState,UnitFileState,NRestarts,ExecMainStartTimestamp,ActiveEnterTimestamp,StateChangeTimestamp,ExecReload,FragmentPath,DropInPaths,ExecStart --
}

listeners() { ss -Hlntup; }
addresses() { ip -o addr; }

# Without the program and without our file nobody has loaded our table; a clean host is no riddle.
firewall_running() {
    command -v nft >/dev/null || [ -e $home/firewall.nft ] || return $absent
    tables=$(nft list tables) || return 1
    case "
$tables
" in
    *"
table inet anteroom
"*) nft -s list table inet anteroom ;;
    *) return $absent ;;
    esac
}

# What the kernel would print of the file on disk, learnt in a network that nobody uses.
firewall_on_disk() {
    [ -e $home/firewall.nft ] || return $absent
    timeout 30 unshare -n sh -c 'nft -f "$1" && nft -s list table inet anteroom' sh $home/firewall.nft
}

effective_sshd() { sshd -T; }

# Without a connection to judge, sshd leaves `Match` blocks out. So it is asked for the accounts that can log in, each
# as it would come from the internet, and for root from nearby too.
sshd_as() {
    {
        for user in root "${SUDO_USER:-root}" nobody anteroom-stranger; do echo "$user"; done
        getent passwd | awk -F ':' '$7 !~ /(nologin|false|sync)$/ { print $1 }' | head -n 20
    } | sort -u >"$T/users"
    {
        while IFS= read -r user; do echo "user=$user,host=203.0.113.7,addr=203.0.113.7"; done <"$T/users"
        for address in 127.0.0.1 10.0.0.1 192.168.0.1; do echo "user=root,host=$address,addr=$address"; done
        address=${SSH_CONNECTION:-}
        address=${address%% *}
        [ -z "$address" ] || echo "user=${SUDO_USER:-root},host=$address,addr=$address"
    } | sort -u >"$T/connections"
    while IFS= read -r connection; do
        printf 'connection %s\n' "$connection"
        timeout 10 sshd -T -C "$connection" || return 1
    done <"$T/connections"
}

# Lines that make sshd judge one connection by other rules than the next, or read further files.
sshd_blocks() {
    # 1: no such line. A keyword may be quoted and may be followed by `=`.
    set -- /etc/ssh/sshd_config
    for file in /etc/ssh/sshd_config.d/*.conf; do [ ! -e "$file" ] || set -- "$@" "$file"; done
    grep -HiE '^[[:space:]"]*(match|include)[[:space:]"=]' -- "$@"
    [ $? -le 1 ]
}

# What lies in a folder: name, kind, and the package that brought it unchanged, or that brought what a link points to.
folder() { # FOLDER
    [ -d "$1" ] || return $absent
    find "$1/" -mindepth 1 -maxdepth 1 -printf '%f\0' >"$T/names" || return 1
    # A name with a line end must not look like two.
    tr '\n\0' '?\n' <"$T/names" >"$T/listed" || return 1
    while IFS= read -r entry; do
        kind=other
        target=$1/$entry
        if [ -L "$target" ]; then
            kind=link
            target=$(readlink -f -- "$target")
        elif [ -d "$target" ]; then
            kind=dir
        elif [ -f "$target" ]; then
            kind=file
        fi
        printf '%s\t%s\t%s\n' "$kind" "$(brought_by "$target")" "$entry"
    done <"$T/listed"
}

# The package that holds exactly this path, if the path is a file and as the package brought it.
brought_by() { # FILE
    # dpkg would take these for patterns.
    case $1 in *[\*\?\[\\]*) return ;; esac
    [ -f "$1" ] || return
    package=$(dpkg-query -S -- "$1" 2>/dev/null | awk -v path="$1" 'index($0, ": " path) && $1 !~ /^diversion/ { sub(/:.*/, ""); print; exit }')
    case $package in '' | *,*) return ;; esac
    changed=$(dpkg --verify -- "$package" 2>/dev/null) || return
    case "$changed
" in *" $1
"*) return ;; esac
    printf '%s' "$package"
}

# Runs of ours that never ended, and the file that keeps packages from starting their services when a run left it.
unfinished() {
    for run in /var/lib/anteroom/run/*; do
        if [ -d "$run" ] && [ ! -e "$run/end" ]; then printf '%s\n' "$run"; fi
    done
    policy=/usr/sbin/policy-rc.d
    [ -f "$policy" ] || return 0
    if grep -qi anteroom "$policy" || [ "$(cat "$policy")" = "$(printf '#!/bin/sh\nexit 101')" ]; then echo "$policy"; fi
}

# Regular files whose access list grants more than owner, group and mode tell: `ls` marks them with a plus.
access_lists() {
    [ -s "$T/regular" ] || return 0
    xargs -r -d '\n' -a "$T/regular" ls -ldU -- >"$T/long" || return 1
    cut -c 11 "$T/long" | paste - "$T/regular" | sed -n 's/^+\t//p'
}

secret_lengths() {
    [ -e $secrets ] || return $absent
    awk '{ at = index($0, "="); if (at > 1) print substr($0, 1, at - 1) "\t" length($0) - at }' $secrets
}

# Accounts in Prosody's own storage. The Lua program compares stored keys with our secrets, reading both from files.
accounts() {
    found=
    for file in /var/lib/prosody/*/accounts/*.dat; do
        [ ! -e "$file" ] || found=yes
    done
    [ -n "$found" ] || return $absent
    for lua in lua5.4 lua5.3 lua5.2; do
        if command -v $lua >/dev/null; then
            timeout 60 $lua - "$T/account" $secrets /var/lib/prosody/*/accounts/*.dat <<'LUA'
@ACCOUNTS_LUA@
LUA
            return
        fi
    done
    echo "no Lua interpreter" >&2
    return 127
}

apt_key() { # FILE
    [ -e "$1" ] || return $absent
    mkdir -p "$T/gnupg" && timeout 30 gpg --homedir "$T/gnupg" --batch --no-options --no-auto-check-trustdb --no-autostart \
        --show-keys --with-colons "$1"
}

# An encrypted key must fail, not ask: the empty pass phrase is the wrong one.
public_key() { # FILE
    [ -e "$1" ] || return $absent
    openssl pkey -in "$1" -passin pass: -pubout
}

# The content with every secret that the host knows replaced by its slot, byte for byte otherwise.
mask() { # FILE
    awk -v secrets="$secrets" '
        BEGIN {
            ORS = ""
            while ((getline line < secrets) > 0) {
                at = index(line, "=")
                if (at > 1 && length(line) - at >= 8) { n++; name[n] = substr(line, 1, at - 1); value[n] = substr(line, at + 1) }
            }
        }
        NR > 1 { print "\n" }
        {
            rest = $0
            # A slot written out by hand must not look like one that was filled.
            gsub(/<secret:/, "<literal-secret:", rest)
            for (i = 1; i <= n; i++) {
                done = ""
                while ((at = index(rest, value[i])) > 0) {
                    done = done substr(rest, 1, at - 1) "<secret:" name[i] ">"
                    rest = substr(rest, at + length(value[i]))
                }
                rest = done rest
            }
            print rest
        }' "$1" || return 1
    # awk does not say whether the last line was whole.
    if [ -s "$1" ] && [ -z "$(tail -c 1 "$1")" ]; then echo; fi
}

# Which paths to look at: the request's and the manifest's.
all_paths() {
    cat "$T/path" "$T/hash"
    [ ! -e $home/manifest.json ] || sed -n 's/^[[:space:]]*"path": "\(\/[^"\\]*\)",\{0,1\}$/\1/p' $home/manifest.json
}

# Regular files and the file to hash and read in the place of each: itself, or a masked copy.
prepare() {
    all_paths | sort -u >"$T/all"
    while IFS= read -r path; do
        if [ -f "$path" ] && [ ! -L "$path" ]; then printf '%s\n' "$path"; fi
    done <"$T/all" >"$T/regular"
    : >"$T/masked"
    : >"$T/values"
    if [ -s $secrets ]; then
        awk '{ at = index($0, "="); v = substr($0, at + 1); if (at > 1 && length(v) >= 8) print v }' $secrets >"$T/values" || return 1
        echo '<secret:' >>"$T/values"
    fi
    if [ -s "$T/values" ]; then
        # 123: some of the files hold no secret, which is no failure.
        xargs -r -d '\n' -a "$T/regular" grep -lF -f "$T/values" -- >"$T/slotted"
        case $? in 0 | 123) ;; *) return 1 ;; esac
        n=0
        while IFS= read -r path; do
            n=$((n + 1))
            mask "$path" >"$T/mask.$n" || return 1
            printf '%s\t%s\n' "$path" "$T/mask.$n"
        done <"$T/slotted" >"$T/masked"
    fi
    awk -F '\t' -v masked="$T/masked" '
        BEGIN { while ((getline line < masked) > 0) { split(line, part, "\t"); copy[part[1]] = part[2] } }
        { print $0 "\t" (($0 in copy) ? copy[$0] : $0) }' "$T/regular" >"$T/sources" || return 1
    # Small files whose content was asked for.
    awk -F '\t' -v wanted="$T/path" '
        BEGIN { while ((getline line < wanted) > 0) want[line] }
        $1 in want { print $2 }' "$T/sources" |
        xargs -r -d '\n' stat --printf '%s\t%n\n' -- | awk -F '\t' '$1 <= 262144' >"$T/small" || return 1
    cat "$T/sources"
}

missing() {
    while IFS= read -r path; do
        [ -e "$path" ] || [ -L "$path" ] || printf '%s\n' "$path"
    done <"$T/all"
}

# What is at each path; `find` says on its error stream that some are missing, which the section above has told.
stats() {
    xargs -r -d '\n' -a "$T/all" sh -c 'find "$@" -maxdepth 0 -printf "%p\t%y\t%u\t%g\t%m\t%T@\t%l\0" 2>/dev/null; :' sh
}

digests() { cut -f 2- "$T/sources" | xargs -r -d '\n' sha256sum -z --; }
contents() { cut -f 2- "$T/small" | xargs -r -d '\n' cat --; }

section time date -u +%Y-%m-%dT%H:%M:%SZ
section os cat /etc/os-release
section init cat /proc/1/comm
section manifest show $home/manifest.json
section lock lock
section sources prepare
section missing missing
section stats stats
section digests digests
section sizes cat "$T/small"
section contents contents
section packages packages
section holds apt-mark showhold
section origins origins
section units units
section listeners listeners
section addresses addresses
section firewall-running firewall_running
section firewall-on-disk firewall_on_disk
section sshd effective_sshd
section sshd-as sshd_as
section sshd-blocks sshd_blocks
section unfinished unfinished
section access-lists access_lists
section secrets secret_lengths
section accounts accounts
n=0
while IFS= read -r path; do
    section "apt-key/$n" apt_key "$path"
    n=$((n + 1))
done <"$T/aptkey"
n=0
while IFS= read -r path; do
    section "folder/$n" folder "$path"
    n=$((n + 1))
done <"$T/folder"
n=0
tab=$(printf '\t')
while IFS="$tab" read -r certificate key; do
    section "certificate/$n" show "$certificate"
    section "certificate-key/$n" public_key "$key"
    n=$((n + 1))
done <"$T/certificate"
echo "end $count"

# Looks at this host and answers in frames. It is run as root by `sh`, reads what to look at from standard input (lines
# of tab-separated fields, see script.rs), and changes nothing: its only files are in one temporary folder of its own.
#
# It answers in sections, see section.sh.
set -u
umask 077
TZ=UTC
export TZ
home=/etc/anteroom
secrets=$home/secrets
T=$(mktemp -d /run/anteroom-facts.XXXXXX) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM PIPE
cat >"$T/request"
exec </dev/null

# One file per kind of line, there even when no line came.
for kind in path hash aptkey unit package account certificate folder kernel property depth; do : >"$T/$kind"; done
awk -F '\t' -v t="$T" '{ rest = $0; sub(/^[^\t]*\t/, "", rest); print rest > (t "/" $1) }' "$T/request"

tab=$(printf '\t')
@SECTION_SH@

# A slow look that needs nothing of the others runs beside them, until `begun` shows what it found.
begin() { # NAME COMMAND...
    name=$1
    shift
    "$@" >"$T/$name.out" 2>"$T/$name.err" &
    echo $! >"$T/$name.pid"
}

begun() { # NAME
    wait "$(cat "$T/$1.pid")"
    status=$?
    cat "$T/$1.out"
    cat "$T/$1.err" >&2
    return $status
}

show() { # FILE
    [ -e "$1" ] || return $absent
    cat "$1"
}

# A folder or a pipe in a file's place is no such file.
show_file() { # FILE
    [ -f "$1" ] || return $absent
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
# `apt-mark showhold` would need every list of sources to be whole.
holds() { dpkg-query -W -f '${db:Status-Want}\t${Package}\n' | sed -n 's/^hold\t//p'; }
# With settings or a list of sources that apt cannot read it answers nothing at all. Its settings are of no matter here;
# without any list it says what then holds: no source offers anything.
origins() {
    policy >"$T/policy" && { cat "$T/policy"; return; }
    printf 'Dir::Etc::main "/dev/null";\nDir::Etc::parts "/dev/null";\n' >"$T/apt.conf"
    export APT_CONFIG="$T/apt.conf"
    policy >"$T/policy" && { cat "$T/policy"; return; }
    policy -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=/dev/null
}
policy() { xargs -r -d '\n' -a "$T/package" timeout 30 apt-cache "$@" policy --; }

# Units that the manifest names and nobody asked for.
further_units() {
    [ -e $home/manifest.json ] || return 0
    sed -n 's/^ *"\([A-Za-z0-9@._-]*\.\(service\|timer\)\)",\{0,1\}$/\1/p' $home/manifest.json | awk -v asked="$T/unit" '
        BEGIN { while ((getline line < asked) > 0) known[line] = 1 }
        !($0 in known)' >"$T/further"
    cat "$T/further"
}

# Answered in the order in which they are asked: an alias answers with another name.
units() {
    touch "$T/further"
    cat "$T/unit" "$T/further" | xargs -r -d '\n' timeout 30 systemctl show --no-pager --timestamp=unix \
        -p Id,Type,LoadState,ActiveState,SubState,UnitFileState,NRestarts,ExecMainStartTimestamp,ActiveEnterTimestamp,StateChangeTimestamp,ExecReload,FragmentPath,DropInPaths,ExecStart --
}

# The first command's words are kept: the second tells of the same processes.
listeners() { ss -Hlntup >"$T/sockets" && cat "$T/sockets"; }

# The unit of each process that holds a listening socket, as the kernel's control groups tell: `PID<tab>UNIT`. A process
# outside of every unit has no line.
socket_units() {
    sed 's/pid=\([0-9]*\)/\n\1\n/g' "$T/sockets" | grep -x '[0-9][0-9]*' | sort -u >"$T/pids"
    while IFS= read -r pid; do
        # Which hierarchy systemd uses differs from host to host. A process that has ended is in none.
        awk -F ':' -v pid="$pid" '
            $1 == 0 || $2 == "name=systemd" {
                path = $0
                sub(/^[^:]*:[^:]*:/, "", path)
                if (unit == "" && match(path, /[^\/]+\.(service|scope)(\/|$)/)) unit = substr(path, RSTART, RLENGTH)
            }
            END { sub(/\/$/, "", unit); if (unit != "") print pid "\t" unit }' "/proc/$pid/cgroup" 2>/dev/null || :
    done <"$T/pids"
}

addresses() { ip -o addr; }

# Accounts and groups, without what belongs to a password.
users() { getent passwd | cut -d : -f 1,3,4; }
groups() { getent group | cut -d : -f 1,3,4; }

# Who may do what by sudo, in sudo's own reading of all its files.
sudoers() {
    [ -e /etc/sudoers ] || return $absent
    timeout 10 cvtsudoers -e -f json /etc/sudoers
}

# Which keys let somebody in as root.
root_keys() {
    [ -s /root/.ssh/authorized_keys ] || return $absent
    ssh-keygen -l -f /root/.ssh/authorized_keys
}

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

@MEDIA_SH@

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

# The regular file that an entry of a folder is or links to; nothing for anything else, and for names that dpkg would
# take for patterns or that are no line.
target_of() { # PATH
    target=$1
    [ ! -L "$target" ] || target=$(readlink -f -- "$target")
    case $target in *[\*\?\[\\]* | *"
"*) return ;; esac
    [ ! -f "$target" ] || printf '%s' "$target"
}

# The entries of a folder, one a line. A name with a line end must not look like two.
entries_of() { # FOLDER SCRATCH
    find "$1/" -mindepth 1 -maxdepth 1 -printf '%f\0' >"$2" && tr '\n\0' '?\n' <"$2"
}

# Which package brought each file in the asked folders, for files that are as it brought them. dpkg takes long to begin,
# so it is asked once for all.
provenance() {
    while IFS= read -r folder; do
        [ ! -d "$folder" ] || entries_of "$folder" "$T/provenance.names" | while IFS= read -r entry; do
            target_of "$folder/$entry"
            echo
        done
    done <"$T/folder" | sort -u | sed '/^$/d' >"$T/candidates"
    # The first line that names a path counts; a path of two packages belongs to none.
    xargs -r -d '\n' -a "$T/candidates" dpkg-query -S -- 2>/dev/null | awk '
        { at = index($0, ": /"); path = substr($0, at + 2); package = $0; sub(/:.*/, "", package) }
        at && $1 !~ /^diversion/ && !(path in seen) { seen[path]; if (package !~ /,/) print package "\t" path }' >"$T/owned"
    cut -f 1 "$T/owned" | sort -u >"$T/owners"
    : >"$T/verified"
    if xargs -r -d '\n' -a "$T/owners" dpkg --verify -- >"$T/changed" 2>/dev/null; then
        cp "$T/owners" "$T/verified"
    else
        # One of them cannot be judged; the others can.
        : >"$T/changed"
        while IFS= read -r package; do
            if dpkg --verify -- "$package" >"$T/verify" 2>/dev/null; then
                cat "$T/verify" >>"$T/changed"
                echo "$package" >>"$T/verified"
            fi
        done <"$T/owners"
    fi
    awk -v verified="$T/verified" -v changed="$T/changed" '
        BEGIN {
            while ((getline line < verified) > 0) good[line]
            while ((getline line < changed) > 0) bad[substr(line, index(line, " /") + 1)]
        }
        { at = index($0, "\t") }
        (substr($0, 1, at - 1) in good) && !(substr($0, at + 1) in bad)' "$T/owned"
}

# What lies in a folder: name, kind, and the package that brought it unchanged, or that brought what a link points to.
folder() { # FOLDER
    [ -d "$1" ] || return $absent
    entries_of "$1" "$T/names" >"$T/listed" || return 1
    while IFS= read -r entry; do
        kind=other
        if [ -L "$1/$entry" ]; then
            kind=link
        elif [ -d "$1/$entry" ]; then
            kind=dir
        elif [ -f "$1/$entry" ]; then
            kind=file
        fi
        printf '%s\t' "$kind"
        target_of "$1/$entry"
        echo
    done <"$T/listed" >"$T/targets"
    awk -v brought="$T/provenance.out" -v targets="$T/targets" '
        BEGIN { while ((getline line < brought) > 0) { at = index(line, "\t"); by[substr(line, at + 1)] = substr(line, 1, at - 1) } }
        {
            getline line < targets
            at = index(line, "\t")
            print substr(line, 1, at) by[substr(line, at + 1)] "\t" $0
        }' "$T/listed"
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
    [ -f $secrets ] || return $absent
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
    # Nothing compares now; who is there stands in the names, as Prosody writes them.
    for file in /var/lib/prosody/*/accounts/*.dat; do printf '%s\n' "$file"; done | awk -F / '
        function plain(text,   out, at, letter) {
            for (at = 1; at <= length(text); at++) {
                letter = substr(text, at, 1)
                if (letter == "%") {
                    letter = sprintf("%c", 16 * digit(substr(text, at + 1, 1)) + digit(substr(text, at + 2, 1)))
                    at += 2
                }
                out = out letter
            }
            return out
        }
        function digit(letter) { return index("0123456789abcdef", letter) - 1 }
        { sub(/\.dat$/, "", $7); print plain($7) "@" plain($5) "\tnot-compared" }'
}

apt_key() { # FILE
    [ -e "$1" ] || return $absent
    mkdir -p "$T/gnupg" && timeout 30 gpg --homedir "$T/gnupg" --batch --no-options --no-auto-check-trustdb --no-autostart \
        --show-keys --with-colons "$1"
}

# An encrypted key must fail, not ask: the empty pass phrase is the wrong one.
public_key() { # FILE
    [ -f "$1" ] || return $absent
    openssl pkey -in "$1" -passin pass: -pubout && return
    # What openssl was there to read and could not is no key. Without openssl nobody knows.
    status=$?
    [ -r "$1" ] && command -v openssl >/dev/null && [ $status -eq 1 ] && return $absent
    return $status
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
    # awk does not say whether the last line was whole; the shell takes a NUL for nothing.
    if [ "$(tail -c 1 "$1" | od -An -tx1)" = " 0a" ]; then echo; fi
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

# A container has its machine's kernel, swap and clock. 1: none.
container() {
    systemd-detect-virt --container
    [ $? -le 1 ]
}

# The kernel's settings: key, file and value. A star in a key stands for every name there, as in sysctl.d(5); a key
# that this kernel does not know comes back alone.
kernel() {
    while IFS= read -r key; do
        known=
        # Word splitting and stars make files of the key.
        for file in /proc/sys/$(printf '%s' "$key" | tr . /); do
            [ -e "$file" ] || continue
            value=$(tr '\n\t' '  ' <"$file") || return 1
            printf '%s\t%s\t%s\n' "$key" "$file" "$value"
            known=yes
        done
        [ -n "$known" ] || printf '%s\n' "$key"
    done <"$T/kernel"
}

# What systemd made of units and their drop-ins, each behind a line `unit NAME`.
properties() {
    while IFS="$tab" read -r unit names; do
        printf 'unit %s\n' "$unit"
        timeout 30 systemctl show --no-pager -p "$names" -- "$unit" || return 1
    done <"$T/property"
}

apt_settings() {
    timeout 30 apt-config dump >"$T/apt-settings" || return 1
    grep -iE '^(APT::Periodic|Unattended-Upgrade|DPkg::Options)(:| )' "$T/apt-settings"
    [ $? -le 1 ]
}

# Whom chrony follows, and how far away it is.
clock() {
    command -v chronyc >/dev/null || return $absent
    timeout 10 chronyc -n -c tracking
}

# Areas that memory is written to, and every layer of the device below each: an encrypted one is `crypt`.
swap() {
    sed 1d /proc/swaps >"$T/swaps" || return 1
    while read -r area rest; do
        device=$area
        [ -b "$area" ] || device=$(findmnt -n -o SOURCE -T "$area") || return 1
        layers=$(lsblk -n -s -o TYPE "$device") || return 1
        printf '%s\t%s\n' "$area" "$(printf '%s' "$layers" | tr '\n' ' ')"
    done <"$T/swaps"
}

@INSIDE_SH@

begin sshd-as sshd_as
begin provenance provenance
begin origins origins
begin holds holds
begin firewall-on-disk firewall_on_disk
if [ -s "$T/depth" ]; then
    secret_values
    begin fixes fixes
    begin setuid-programs setuid_programs
    begin open-files open_files
fi
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
section holds begun holds
section origins begun origins
section further-units further_units
section units units
section listeners listeners
section socket-units socket_units
section addresses addresses
section firewall-running firewall_running
section firewall-on-disk begun firewall-on-disk
section media-packets media_packets
section sshd effective_sshd
section sshd-as begun sshd-as
section sshd-blocks sshd_blocks
section login echo "${SUDO_USER:-root}"
section users users
section groups groups
section sudoers sudoers
section root-keys root_keys
section unfinished unfinished
section access-lists access_lists
section secrets secret_lengths
section accounts accounts
section container container
section kernel kernel
section properties properties
section apt-settings apt_settings
section clock clock
section swap swap
if [ -s "$T/depth" ]; then
    section open-files begun open-files
    section exposed exposed
    section open-keys open_keys
    section loose-files loose_files
    section setuid-programs begun setuid-programs
    section logins logins
    section journal-settings journal_settings
    section journal-files journal_files
    section audit-trail audit_trail
    section disks disks
    section virtual-machine virtual_machine
    section fixes begun fixes
    section kept kept
    section log-ends log_ends
    section upstream-hosts upstream_hosts
    daemon jitsi-videobridge2.service bridge
    daemon jicofo.service focus
fi
n=0
while IFS= read -r path; do
    section "apt-key/$n" apt_key "$path"
    n=$((n + 1))
done <"$T/aptkey"
wait
n=0
while IFS= read -r path; do
    section "folder/$n" folder "$path"
    n=$((n + 1))
done <"$T/folder"
n=0
while IFS="$tab" read -r certificate key; do
    section "certificate/$n" show_file "$certificate"
    section "certificate-key/$n" public_key "$key"
    n=$((n + 1))
done <"$T/certificate"
echo "end $count"

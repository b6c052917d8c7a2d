# What lies on the host beside the files of ours: things out of place, logins, records, disks, fixes, running options.

# Each secret's value in a file of its own, and all of them in one. No value is ever an argument.
secret_values() {
    mkdir -p "$T/secret" || return 1
    : >"$T/secret-values"
    [ -s $secrets ] || return 0
    awk -v folder="$T/secret" '
        { at = index($0, "="); name = substr($0, 1, at - 1); value = substr($0, at + 1) }
        at > 1 && length(value) >= 8 && name ~ /^[a-z0-9-]+$/ { print value > (folder "/" name); print value }' $secrets >"$T/secret-values"
}

# Names that stand between NULs become lines; a line end in a name must not look like two.
as_lines() { tr '\n\0' '?\n'; }

# Files that everybody may read, as somebody finds them who has no rights here. 1: some folders were closed to him.
open_files() {
    set --
    for folder in /etc /var/log /var/lib /var/cache/debconf /var/backups /var/www /usr/local/etc /usr/share/anteroom /usr/share/jitsi-meet /root; do
        [ ! -d "$folder" ] || set -- "$@" "$folder"
    done
    : >"$T/open"
    readable "$@" -xdev \( -path /var/lib/apt -o -path /var/lib/dpkg -o -path /var/lib/docker -o -path /var/lib/containerd -o -path /var/lib/snapd \) -prune -o || return
    # Folders for passing things are as deep as people make them.
    readable /tmp /var/tmp /run -maxdepth 3
}

readable() { # WHERE...
    # Somebody without rights could not return to a folder that is closed to him.
    cd / || return 1
    timeout 30 setpriv --reuid=65534 --regid=65534 --clear-groups find "$@" -type f -size -32769 -readable -print0 >>"$T/open" 2>/dev/null
    [ $? -le 1 ] || return 124
}

# Which secrets a file holds, by their names. The file's name may be no line, and is then told alone.
held_secrets() { # KIND FILE SHOWN
    names=
    for held in "$T"/secret/*; do
        [ ! -e "$held" ] || ! grep -qaF -f "$held" -- "$2" 2>/dev/null || names="$names${names:+ }${held##*/}"
    done
    printf '%s\t%s\t%s\n' "$1" "$names" "$3"
}

# Where values of our secrets stand that have no business there: KIND, the secrets' names, and the place.
exposed() {
    [ -s "$T/secret-values" ] || return $absent
    xargs -0 -r -a "$T/open" grep -lZaF -f "$T/secret-values" -- >"$T/open.hits" 2>/dev/null
    as_lines <"$T/open.hits" | while IFS= read -r file; do held_secrets file "$file" "$file"; done
    # Logs that only some may read, but for archives; of the journal the part that is written now.
    timeout 60 find /var/log -xdev -path /var/log/journal -prune -o -type f -size -32769 -print0 >"$T/logs" || return 1
    find /var/log/journal -maxdepth 2 -name system.journal -print0 >>"$T/logs" 2>/dev/null
    xargs -0 -r -a "$T/logs" grep -lZaF -f "$T/secret-values" -- >"$T/logs.hits" 2>/dev/null
    as_lines <"$T/logs.hits" | while IFS= read -r file; do held_secrets log "$file" "$file"; done
    for file in /var/cache/debconf/*.dat; do
        [ ! -f "$file" ] || ! grep -qaF -f "$T/secret-values" -- "$file" || held_secrets debconf "$file" "$file"
    done
    getent passwd | cut -d : -f 6 | sort -u | while IFS= read -r home_of; do
        for file in "$home_of"/.*history "$home_of"/.lesshst "$home_of"/.viminfo; do
            [ ! -f "$file" ] || ! grep -qaF -f "$T/secret-values" -- "$file" || held_secrets history "$file" "$file"
        done
    done
    # Processes end while they are looked at, which is no failure.
    for kind in cmdline environ; do
        grep -laF -f "$T/secret-values" /proc/[0-9]*/$kind 2>/dev/null | while IFS= read -r file; do
            process=${file%/*}
            held_secrets $kind "$file" "$(tr -d '\n' <"$process/comm" 2>/dev/null | tr -c '[:print:]' '?') (process ${process##*/})"
        done
    done
    printf 'read\t\t%s\n' "$(tr -dc '\0' <"$T/open" | wc -c)"
}

# Private keys that everybody may read.
open_keys() {
    [ -s "$T/open" ] || return 1
    xargs -0 -r -a "$T/open" grep -lZaE -m 1 -e '^-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----' -- 2>/dev/null | as_lines
    return 0
}

# What everybody may write below our folders, or what belongs to people: mode, owner, group, path.
loose_files() {
    set --
    for folder in /etc /usr/local/etc /usr/local/bin /usr/local/sbin /usr/share/anteroom /usr/share/jitsi-meet /usr/share/jitsi-videobridge /usr/share/jicofo \
        /var/lib/anteroom /var/lib/prosody /var/log/jitsi /var/log/prosody /var/log/nginx /var/www; do
        [ ! -d "$folder" ] || set -- "$@" "$folder"
    done
    # Jitsi's packages make their group of services like one of persons.
    services=$(getent group jitsi | cut -d : -f 3)
    # What a run keeps lies where root alone can go.
    timeout 60 find "$@" -xdev \( -path /var/lib/anteroom/run -o -path /var/lib/anteroom/before \) -prune -o \
        \( -type f -o -type d \) \
        \( -perm -0002 -o -uid +999 -o -nouser -o -nogroup -o \( -perm -0020 -gid +999 ! -gid "${services:-0}" \) \) \
        -printf '%m\t%u\t%g\t%p\0' >"$T/loose" || return 1
    as_lines <"$T/loose"
}

# Programs that run as root whoever starts them, and the package that brought each: package, path.
setuid_programs() {
    timeout 40 find / -xdev -type f -uid 0 -perm -4000 -print0 >"$T/setuid" 2>/dev/null
    [ $? -le 1 ] || return 124
    as_lines <"$T/setuid" >"$T/setuid.lines"
    # dpkg may know a program by its path from before /usr was merged.
    sed 'p; s,^/usr/,/,' "$T/setuid.lines" | sort -u | grep -v '[][*?\\]' >"$T/setuid.asked"
    xargs -r -d '\n' -a "$T/setuid.asked" dpkg-query -S -- >"$T/setuid.owned" 2>/dev/null
    awk -v owned="$T/setuid.owned" '
        BEGIN {
            while ((getline line < owned) > 0) {
                at = index(line, ": /")
                if (at && line !~ /^diversion /) { path = substr(line, at + 2); sub(/:.*/, "", line); by[path] = line }
            }
        }
        { plain = $0; sub(/^\/usr\//, "/", plain); print ($0 in by ? by[$0] : (plain in by ? by[plain] : "")) "\t" $0 }' "$T/setuid.lines"
}

# Accounts, what their password is worth, and the keys that let somebody in: never a hash.
logins() {
    getent passwd | awk -F ':' '
        { state = $2 == "x" ? "shadow" : ($2 == "" ? "empty" : ($2 ~ /^[!*]/ ? "locked" : "set")) }
        { print "account\t" $1 "\t" state "\t" $7 }' || return 1
    getent shadow | awk -F ':' '{ print "password\t" $1 "\t" ($2 == "" ? "empty" : ($2 ~ /^[!*]/ ? "locked" : "set")) }' || return 1
    # Keys may come from elsewhere than files.
    sshd -T >"$T/sshd" 2>/dev/null || printf 'elsewhere\ta place that it did not name\n'
    sed -n 's/^\(authorizedkeyscommand\|trustedusercakeys\) /\1 /p' "$T/sshd" | sed '/ none$/d; s/^/elsewhere\t/'
    patterns=$(sed -n 's/^authorizedkeysfile //p' "$T/sshd")
    getent passwd | while IFS=: read -r user _ _ _ _ home_of _; do
        for pattern in ${patterns:-.ssh/authorized_keys .ssh/authorized_keys2}; do
            file=$(printf '%s' "$pattern" | awk -v home="$home_of" -v user="$user" '{
                gsub(/%%/, "\001"); gsub(/%h/, home); gsub(/%u/, user); gsub(/\001/, "%"); print ($0 ~ /^\// ? "" : home "/") $0 }')
            grep -qs '^[[:space:]]*[^#[:space:]]' "$file" || continue
            # A line that is no key to this program may be one to sshd.
            ssh-keygen -l -f "$file" >"$T/fingerprints" 2>/dev/null || echo "unread $file" >"$T/fingerprints"
            awk -v user="$user" '{ print "key\t" user "\t" $0 }' "$T/fingerprints"
        done
    done
}

# journald's settings, all files in the order in which it reads them.
journal_settings() { timeout 20 systemd-analyze cat-config systemd/journald.conf; }

# The journal's files on the disk.
journal_files() {
    [ -d "/var/log/journal/$(cat /etc/machine-id)" ] || return $absent
    find "/var/log/journal/$(cat /etc/machine-id)" -name '*.journal' -printf '%f\n'
}

# The connection that this look came by: its address and port, and ours. sudo takes the variable away, but whoever called
# sudo has it in his own environment.
connection() {
    process=$$
    while [ "${process:-0}" -gt 1 ]; do
        found=$(grep -saz '^SSH_CONNECTION=' "/proc/$process/environ" | tr -d '\0')
        [ -z "$found" ] || { printf '%s\n' "${found#SSH_CONNECTION=}"; return; }
        process=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$process/status" 2>/dev/null)
    done
    echo "no process says by which connection this look came" >&2
    return 1
}

# The journal's own word on the login that this look is made with, and on the right that it was made with. An older login
# proves nothing of what is written now.
audit_trail() {
    came_by=$(connection) || return 1
    set -- $came_by
    timeout 20 journalctl -q --no-pager -o cat -r -n 1 -t sshd -t sshd-session \
        -g "^Accepted [a-z/-]+ for ${SUDO_USER:-root} from .* port ${2:-unknown} " >"$T/accepted"
    [ $? -le 1 ] || return 1
    sed 's/^/login\t/' "$T/accepted"
    [ -n "${SUDO_USER:-}" ] || return 0
    timeout 20 journalctl -q --no-pager -o cat -r -n 1 --since -1hour -t sudo -g "^ *$SUDO_USER : .*USER=root ; COMMAND=" >"$T/became"
    [ $? -le 1 ] || return 1
    # The command itself says nothing more.
    sed 's/ COMMAND=.*//; s/^/sudo\t/' "$T/became"
    [ -s "$T/became" ] || echo nosudo
}

# The device below each folder that holds something of ours: folder, kind of file system, source, layers. `?`: not known.
disks() {
    for place in / /etc /home /root /tmp /var /var/lib /var/log; do
        [ -d "$place" ] || continue
        findmnt -n -r -o TARGET,FSTYPE,SOURCE -T "$place" || return 1
    done | sort -u >"$T/mounts"
    while read -r target kind source; do
        device=${source%%\[*}
        layers='?'
        [ ! -b "$device" ] || layers=$(lsblk -n -s -r -o TYPE "$device" | tr '\n' ' ') || layers='?'
        printf '%s\t%s\t%s\t%s\n' "$target" "$kind" "$source" "$layers"
    done <"$T/mounts"
}

# The machine below the host, if it is a virtual one. 1: none.
virtual_machine() {
    systemd-detect-virt --vm
    [ $? -le 1 ]
}

modified() { # WHAT FILE...
    what=$1
    shift
    newest=$(stat -c %Y "$@" 2>/dev/null | sort -n | tail -n 1)
    [ -z "$newest" ] || printf '%s\t%s\n' "$what" "$newest"
}

# Upgrades that apt would install now, what it knows them from, and whether the host waits to be started anew.
fixes() {
    timeout 60 apt-get -s -q -o Debug::NoLocking=true upgrade --with-new-pkgs >"$T/upgrades" || return 1
    sed -n 's/^Inst /upgrade\t/p' "$T/upgrades"
    modified lists /var/lib/apt/lists /var/lib/apt/lists/partial /var/lib/apt/periodic/update-success-stamp
    modified upgraded /var/lib/apt/periodic/unattended-upgrades-stamp /var/lib/apt/periodic/upgrade-stamp
    modified reboot /run/reboot-required
}

# The arguments of the Java process of a unit, one a line, secrets masked, and the files that it reads its options from.
daemon_arguments() { # UNIT NAME
    : >"$T/daemon.$2"
    for comm in $(grep -lx java /proc/[0-9]*/comm 2>/dev/null); do
        process=${comm%/comm}
        grep -q "/$1\(/.*\)\{0,1\}$" "$process/cgroup" 2>/dev/null || continue
        tr '\n\0' '?\n' <"$process/cmdline" >"$T/arguments" 2>/dev/null
        [ -s "$T/arguments" ] || continue
        # Java takes arguments from its environment, too.
        tr '\n\0' '?\n' <"$process/environ" 2>/dev/null | grep -aE '^(JAVA_TOOL_OPTIONS|JDK_JAVA_OPTIONS|_JAVA_OPTIONS)=' |
            sed 's/^[A-Z_]*=//' | tr -s ' ' '\n' >>"$T/arguments"
        mask "$T/arguments"
        sed -n 's/^-Dconfig\.file=//p' "$T/arguments" | tail -n 1 >"$T/daemon.$2"
        sc_home=$(sed -n 's/^-Dnet\.java\.sip\.communicator\.SC_HOME_DIR_LOCATION=//p' "$T/arguments" | tail -n 1)
        sc_name=$(sed -n 's/^-Dnet\.java\.sip\.communicator\.SC_HOME_DIR_NAME=//p' "$T/arguments" | tail -n 1)
        printf '%s/%s/sip-communicator.properties\n' "${sc_home:-/}" "${sc_name:-.}" >"$T/legacy.$2"
        return
    done
    return $absent
}

# The files that a configuration file includes, each once, itself first.
included_by() { # NAME
    [ -s "$T/daemon.$1" ] || return $absent
    round=0
    while [ $round -lt 4 ]; do
        cp "$T/daemon.$1" "$T/included"
        while IFS= read -r file; do
            sed -n 's/^[^#"]*include[[:space:]]*[a-z(]*"\([^"]*\)".*/\1/p' "$file" 2>/dev/null | while IFS= read -r inner; do
                case $inner in
                /*) printf '%s\n' "$inner" ;;
                *) printf '%s/%s\n' "${file%/*}" "$inner" ;;
                esac
            done
        done <"$T/daemon.$1" >>"$T/included"
        awk '!($0 in seen) && NR <= 20 { seen[$0]; print }' "$T/included" >"$T/daemon.$1"
        round=$((round + 1))
    done
    cat "$T/daemon.$1"
}

masked_file() { # FILE
    [ -f "$1" ] || return $absent
    [ "$(stat -L -c %s "$1")" -le 262144 ] || { echo "$1 is too big to be read" >&2; return 1; }
    mask "$1"
}

daemon() { # UNIT NAME
    section "daemon/$2" daemon_arguments "$1" "$2"
    section "daemon-files/$2" included_by "$2"
    n=0
    while IFS= read -r file; do
        section "daemon-file/$2/$n" masked_file "$file"
        n=$((n + 1))
    done <"$T/daemon.$2"
    [ ! -s "$T/legacy.$2" ] || section "daemon-legacy/$2" masked_file "$(cat "$T/legacy.$2")"
}

# What Prosody keeps, by virtual host and kind; names of rooms and people stay here: count, host, kind.
kept() {
    [ -d /var/lib/prosody ] || return $absent
    find /var/lib/prosody -mindepth 2 -type f -printf '%P\0' | as_lines | awk -F / '
        { kind = $2; sub(/\.[a-z]+$/, "", kind); all[$1 "\t" kind]++ }
        END { for (one in all) print all[one] "\t" one }'
}

# How far each log has got: inode, bytes, path. The second look reads from there on.
log_ends() {
    timeout 20 find /var/log -xdev -path /var/log/journal -prune -o -type f -printf '%i\t%s\t%p\0' >"$T/ends" || return 1
    as_lines <"$T/ends"
}

# Lines of the services' settings that name hosts of Jitsi's makers or their partners: file and host.
upstream_hosts() {
    set --
    for place in /etc/jitsi /etc/prosody/prosody.cfg.lua /etc/prosody/conf.d /etc/nginx/nginx.conf /etc/nginx/conf.d \
        /etc/nginx/sites-enabled /etc/nginx/modules-enabled /etc/turnserver.conf /etc/default/coturn /etc/default/jicofo; do
        [ ! -e "$place" ] || set -- "$@" "$place"
    done
    [ $# -gt 0 ] || return $absent
    grep -RHIiE '(jitsi\.net|jitsi\.org|jit\.si|8x8\.(com|vc)|gravatar\.com|google(apis)?\.com|amplitude\.com|callstats\.io|dropbox(api)?\.com|microsoftonline\.com)' -- "$@" >"$T/named" 2>/dev/null
    [ $? -le 1 ] || return 1
    awk '{
        at = index($0, ":")
        file = substr($0, 1, at - 1)
        line = substr($0, at + 1)
        if (line ~ /^[[:space:]]*(#|--|\/\/|\*|\/\*)/) next
        line = tolower(line)
        while (match(line, /[a-z0-9.-]*(jitsi\.net|jitsi\.org|jit\.si|8x8\.(com|vc)|gravatar\.com|google(apis)?\.com|amplitude\.com|callstats\.io|dropbox(api)?\.com|microsoftonline\.com)/)) {
            print file "\t" substr(line, RSTART, RLENGTH)
            line = substr(line, RSTART + RLENGTH)
        }
    }' "$T/named" | sort -u
}

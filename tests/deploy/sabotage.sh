# What the rows of sabotage.toml are written with; run as root by `sh` on a lab host. Whatever a row changes by `edit`,
# `put` or `keep` is put back by `restore`, with owner, mode and times.
domain=telemed.example.test
site=/etc/prosody/conf.avail/$domain.cfg.lua
prosody=/etc/prosody/prosody.cfg.lua
web=/etc/nginx/sites-available/$domain.conf
page=/etc/jitsi/meet/$domain-config.js
certificate=/etc/jitsi/meet/$domain.crt
key=/etc/jitsi/meet/$domain.key
turn=/etc/turnserver.conf
jvb=/etc/jitsi/videobridge/jvb.conf
jicofo=/etc/jitsi/jicofo/jicofo.conf
saved=/run/sabotage

fail() { # TEXT
    echo "$1" >&2
    exit 1
}

# Remembers files as they are now. What is not there yet, or the first folder on the way to it, is to go again.
keep() { # PATH...
    # Some of what is kept are secrets.
    [ -d "$saved" ] || mkdir -m 0700 "$saved"
    for path; do
        mkdir -p "$saved/kept$(dirname "$path")"
        if [ -e "$path" ]; then
            [ -e "$saved/kept$path" ] || cp -a "$path" "$saved/kept$path"
        else
            while [ ! -e "$(dirname "$path")" ]; do path=$(dirname "$path"); done
            echo "$path" >>"$saved/new"
        fi
    done
}

# A script of sed, which must find something to change.
edit() { # FILE SCRIPT
    keep "$1"
    sed "$2" "$1" >"$saved/edited"
    ! cmp -s "$1" "$saved/edited" || fail "nothing in $1 is changed by $2"
    cat "$saved/edited" >"$1"
}

# Standard input becomes the file.
put() { # FILE
    keep "$1"
    mkdir -p "$(dirname "$1")"
    cat >"$1"
}

restore() {
    [ -d "$saved" ] || return 0
    if [ -e "$saved/new" ]; then
        while IFS= read -r path; do rm -rf -- "$path"; done <"$saved/new"
    fi
    if [ -d "$saved/kept" ]; then
        (cd "$saved/kept" && find . ! -type d) | while IFS= read -r path; do
            cp -a "$saved/kept/$path" "/$path"
        done
    fi
    rm -rf "$saved"
}

# Services that take in what was changed. Prosody's clients have to come back before anybody judges it.
again() { # UNIT...
    [ $# -gt 0 ] || return 0
    for unit; do
        case $unit in
        ssh | anteroom-firewall) systemctl reload "$unit" ;;
        *) systemctl restart "$unit" ;;
        esac
    done
    settle
}

# Waits until the focus has its bridge, and TURN and the site listen; not for ever, since a row may keep them from it.
settle() {
    tries=0
    until curl -sf -o /dev/null --max-time 2 http://127.0.0.1:8888/about/health &&
        ss -Hltn 'sport = :443' | grep -q . && ss -Hltn 'sport = :5349' | grep -q .; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || return 0
        sleep 0.25
    done
}

# A listener that nothing of ours knows of.
listener() { # PORT
    systemd-run -q --unit=foreign perl -MIO::Socket::INET -e \
        "my \$s = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $1, Listen => 5) or die; sleep 3600"
    until ss -Hltn "sport = :$1" | grep -q .; do sleep 0.1; done
}

# The same by UDP, which answers whatever it is asked.
responder() { # PORT
    systemd-run -q --unit=foreign perl -MIO::Socket::INET -e \
        "my \$s = IO::Socket::INET->new(LocalAddr => '0.0.0.0', LocalPort => $1, Proto => 'udp') or die; my \$m;
         while (defined \$s->recv(\$m, 1500)) { \$s->send(substr(\$m, 0, 2) . pack('n', 0x8180) . substr(\$m, 4)) }"
    until ss -Hlnu "sport = :$1" | grep -q .; do sleep 0.1; done
}

# The site's certificate with the same key and other dates or names.
issue() { # FROM UNTIL [NAME]
    name=${3:-$domain}
    keep "$certificate"
    mkdir -p "$saved/ca"
    : >"$saved/ca/index"
    printf '%s\n' '[ca]' 'default_ca=own' '[own]' "database=$saved/ca/index" "new_certs_dir=$saved/ca" 'rand_serial=yes' \
        "default_md=${digest:-sha256}" 'policy=any' 'x509_extensions=names' '[any]' 'commonName=supplied' '[names]' \
        "subjectAltName=DNS:$name" >"$saved/ca/conf"
    openssl req -new -key "$key" -subj "/CN=$name" -out "$saved/ca/request"
    openssl ca -batch -config "$saved/ca/conf" -selfsign -keyfile "$key" -in "$saved/ca/request" -notext \
        -startdate "$1" -enddate "$2" -out "$saved/ca/certificate" 2>"$saved/ca/said" || fail "$(cat "$saved/ca/said")"
    cat "$saved/ca/certificate" >"$certificate"
}

# Everything of the host that a row may change, one thing a line.
state() {
    find /etc /usr/lib/os-release /root /usr/local /usr/share/anteroom /usr/share/jitsi-meet /var/lib/anteroom /var/lib/prosody/*/accounts \
        /var/spool/cron /run/systemd/system /run/systemd/system.control \( -type f -o -type l \) \
        ! -path '/root/.*' ! -name '*.lock' -printf 'file %p %m %u:%g %T@ %l\n' 2>/dev/null || true
    find /etc /usr/local /usr/share/anteroom /usr/share/jitsi-meet /var/lib/prosody/*/accounts -type f -print0 2>/dev/null |
        xargs -0 sha256sum | sed 's/^/sum /'
    find /var/lib/prosody -mindepth 2 -printf 'stored %p %m %u:%g\n' || true
    systemctl show-environment | sed 's/^/environment /'
    ip -o addr | awk '{ print "address", $2, $4 }'
    dpkg-query -W -f 'package ${Package} ${Version} ${Status}\n'
    systemctl list-unit-files --no-legend --plain --type=service,timer,socket | awk '{ print "unit", $1, $2 }'
    systemctl list-units --no-legend --plain --all --type=service,timer,socket |
        awk '$1 !~ /^(user|session|run|systemd-|apt-|dpkg-|logrotate|man-db|e2scrub|fstrim)/ && $3 == "active" { print "active", $1 }'
    nft -s list ruleset | awk '/^table/ { table = $0 } { print "firewall", table, $0 }'
    sysctl -a -r '^net\.ipv[46]\.(conf\.|ip_forward|tcp_|icmp_)' 2>/dev/null | sed 's/^/kernel /'
    ss -Hlntu | awk '{ n = split($5, at, ":"); if ($1 != "udp" || at[n] < 32768) print "socket", $1, $5 }'
    mount | grep -v -e ' on /run/' -e ' on /proc' -e ' on /sys' | sed 's/^/mounted /'
}

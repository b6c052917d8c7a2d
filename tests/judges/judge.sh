#!/bin/sh
# Judges one rendered tree on a lab host with the real programs, the tree's files standing in their places in a mount
# namespace of its own. $1: the tree's folder; its file `checks` names what to ask. Writes `verdict`: a line a check,
# with its name, its result and what was said.
tree=$1
exec unshare --mount --propagation private sh -c '
    tree=$1
    mount -t overlay overlay -o "lowerdir=$tree/etc:/etc" /etc || exit 97
    check() {
        name=$1
        shift
        said=$("$@" 2>&1)
        printf "%s\t%s\t%s\n" "$name" "$?" "$(printf "%s" "$said" | tail -n 12 | tr "\n\t" "  ")"
    }
    # Programs that only mention what they do not know. $1: how such a line looks.
    silent() {
        mention=$1
        shift
        said=$("$@" 2>&1)
        code=$?
        printf "%s" "$said" | grep -Ei "$mention" && return 1
        return "$code"
    }
    # One at a time: luac of Lua 5.4.4 crashes when it is given two.
    compile() {
        for file in /etc/prosody/prosody.cfg.lua /etc/prosody/conf.avail/*.lua; do
            luac5.4 -p "$file" || return 1
        done
    }
    coturn() {
        # It has no way to check a file alone; what it makes of it is said before it listens.
        said=$(timeout 20 turnserver -c /etc/turnserver.conf --pidfile "$tree/pid" 2>&1 </dev/null | sed "/Default realm: /q")
        printf "%s" "$said" | grep -Ei "bad config|unknown|Default realm: "
        printf "%s" "$said" | grep -Eiq "bad config|unknown" && return 1
        printf "%s\n" "$said" | sed "s/^[0-9]*: : //" | grep -Fqx "Default realm: $(cat "$tree/realm")"
    }
    for what in $(cat "$tree/checks"); do
        case $what in
        prosody) check prosody prosodyctl check config ;;
        luac) check luac compile ;;
        nginx) check nginx nginx -t -q ;;
        sshd) check sshd sshd -t ;;
        nft) check nft nft -c -f /etc/anteroom/firewall.nft ;;
        logrotate) check logrotate silent "^error:" logrotate -d /etc/logrotate.conf ;;
        systemd) check systemd silent . systemd-analyze verify --man=no --recursive-errors=no $(cat "$tree/units") ;;
        apt) check apt silent "^[EW]:" apt-get -o Debug::NoLocking=1 update --print-uris ;;
        pins) check pins silent "^[EW]:" apt-cache policy ;;
        coturn) check coturn coturn ;;
        *) check "$what" false ;;
        esac
    done
' sh "$tree" >"$tree/verdict" 2>&1

#!/bin/sh
# Runs one lab host from power-on to power-off, and again for each reboot. It outlives the program that started it.
#
# From the environment:
#   HOST_DIR       the host's folder (root/ is its mounted file system)
#   UNIT           name of its network namespace and nspawn machine
#   HOST_NAME      its host name
#   LINK BRIDGE    this computer's end of the cable, and the bridge it is plugged into
#   HARDWARE ADDRESS GATEWAY     of the host's end
#   KEEPER_GROUPS GUEST_GROUPS   cgroup folders for this script and for nspawn, separated by blanks
# All of these are made of letters, digits, dots, colons, slashes and hyphens only.
set -u

for group in $KEEPER_GROUPS; do
    # 0 means the writing process itself.
    echo 0 >"$group/cgroup.procs" || exit 70
done

# The network is made outside the host and anew for each boot: a host with broken settings keeps its address, and a
# reboot loses firewall rules and network settings as on a real machine.
plug_out() {
    ip link del dev "$LINK" 2>/dev/null
    ip netns del "$UNIT" 2>/dev/null
    return 0
}
plug_in() {
    plug_out
    ip netns add "$UNIT" &&
        ip link add name "$LINK" type veth peer name eth0 address "$HARDWARE" netns "$UNIT" &&
        ip link set dev "$LINK" master "$BRIDGE" up &&
        ip -n "$UNIT" link set dev lo up &&
        ip -n "$UNIT" address add "$ADDRESS/24" dev eth0 &&
        ip -n "$UNIT" link set dev eth0 up &&
        ip -n "$UNIT" route add default via "$GATEWAY" &&
        # A new namespace copies this from the machine, which forwards for the lab; an ordinary host does not forward.
        ip netns exec "$UNIT" sh -c 'echo 0 >/proc/sys/net/ipv4/ip_forward'
}

status=71
while [ ! -e "$HOST_DIR/stopping" ]; do
    if ! plug_in; then
        status=71
        break
    fi
    for group in $GUEST_GROUPS; do
        # The last boot handed controllers down in here, and cgroup v2 then takes no process any more: begin anew.
        find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null
        mkdir -p "$group"
    done
    (
        for group in $GUEST_GROUPS; do
            echo 0 >"$group/cgroup.procs" || exit 70
        done
        # --network-namespace-path gives neither CAP_NET_ADMIN nor a writable /proc/sys/net; the capability and the
        # variable in the caller's environment do. --keep-unit: nspawn stays in the cgroup chosen above.
        exec systemd-nspawn --quiet --register=no --keep-unit --machine="$UNIT" --hostname="$HOST_NAME" \
            --directory="$HOST_DIR/root" --boot --network-namespace-path="/run/netns/$UNIT" \
            --capability=CAP_NET_ADMIN --link-journal=no --resolv-conf=off --timezone=off --console=pipe
    )
    status=$?
    echo "host ended with status $status"
    # Under --keep-unit nspawn does not boot again when the host reboots: it ends with 133.
    [ "$status" -eq 133 ] || break
done
plug_out
echo "$status" >"$HOST_DIR/ended"

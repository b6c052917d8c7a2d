# A host is never left between two states: after a power cut the next boot undoes the run before the services start,
# and between arm and disarm silence undoes everything, so that nobody is locked out.

recover_unit=/etc/systemd/system/anteroom-recover.service
recover_want=/etc/systemd/system/multi-user.target.wants/anteroom-recover.service

# Written before the first step of a build and removed after its last word. Services of the plan wait for it at boot;
# sshd does not, since an undo that hangs must not keep the operator out. Packages may have to be fetched again.
guard_boot() {
    cat >"$recover_unit" <<UNIT
[Unit]
Description=Undo a change that was cut short
ConditionPathExists=$run/engine.sh
ConditionPathExists=!$run/end
RequiresMountsFor=$run
Wants=network-online.target
After=network-online.target
Before=$(tr '\n' ' ' <"$run/units")

[Service]
Type=oneshot
TimeoutStartSec=30min
ExecStart=/bin/sh $run/engine.sh boot $run
UNIT
    chmod 0644 "$recover_unit" && mkdir -p -m 0755 "${recover_want%/*}" && ln -sf "$recover_unit" "$recover_want" &&
        sync "$recover_unit" "${recover_unit%/*}/" "${recover_want%/*}/"
}

# Only this run's: another's still has to do its work.
unguard_boot() {
    if [ -f "$recover_unit" ] && ! grep -qF -e " boot $run" "$recover_unit"; then return 0; fi
    remove_guard
}

remove_guard() {
    [ -e "$recover_unit" ] || [ -L "$recover_want" ] || return 0
    rm -f "$recover_want" "$recover_unit"
    sync "${recover_unit%/*}/" "${recover_want%/*}/"
    # A unit that runs without its file would get systemd's usual time limit, and be killed for having taken longer.
    [ "$mode" = boot ] || systemctl daemon-reload
}

# What is left of runs that ended and lost their power before they could tidy up.
sweep_guard() {
    [ -f "$recover_unit" ] || return 0
    guard_run=$(sed -n 's/^ExecStart=.* boot //p' "$recover_unit")
    if [ ! -e "$guard_run/engine.sh" ] || [ -e "$guard_run/end" ]; then remove_guard; fi
}

# Whether the host is booting and about to undo a run, or doing so. Services that wait for that cannot be waited for.
boot_undoes() {
    case $(systemctl show -p Job --value anteroom-recover.service) in '' | 0) return 1 ;; esac
}

# Closed for this boot, until it is known that everything is as before.
close_for_now() {
    closed_now=$(cat "$run/units")
    for close_unit in $closed_now; do systemctl mask --quiet --runtime -- "$close_unit" 2>/dev/null; done
}

open_again() {
    for close_unit in $closed_now; do systemctl unmask --quiet --runtime -- "$close_unit" 2>/dev/null; done
}

# Masks of a boot that did not get to the end of its undo, and what it would have started after that.
open_leftovers() {
    [ -f "$run/units" ] || return 0
    while read -r open_unit <&5; do
        [ "$(unit_value "$open_unit" UnitFileState)" = masked-runtime ] || continue
        systemctl unmask --quiet --runtime -- "$open_unit"
        if [ "$(unit_value "$open_unit" UnitFileState)" = enabled ]; then systemctl start --no-block -- "$open_unit"; fi
    done 5<"$run/units"
}

# A service whose packages or files could not all be put back must not start by itself, today or at the next boot.
# The next apply finds it masked, and starts it once everything is right.
keep_closed() {
    [ -f "$run/units" ] || return 0
    while read -r close_unit <&5; do
        case $(unit_value "$close_unit" LoadState):$(unit_value "$close_unit" ActiveState) in
        *:active | *:reloading | not-found:*) continue ;;
        esac
        systemctl mask --quiet -- "$close_unit" 2>/dev/null || continue
        printf '%s\n' "$close_unit" >>"$home/closed"
        event "left unit $close_unit is masked, since not everything is as before"
    done 5<"$run/units"
}

do_arm() {
    arm_seconds=$(field "$2/seconds")
    rm -f "$confirmed"
    mkdir -p "$run/kept/$1"
    if nft list table inet anteroom >"$out-table" 2>/dev/null; then
        cp "$out-table" "$run/kept/$1/table" && sync "$run/kept/$1/table" || return 1
    fi
    journal "$1" arm || return 1
    # Without the accuracy a timer may be a minute late.
    systemd-run --quiet --collect --unit=anteroom-rollback --on-active="$arm_seconds" \
        --timer-property=AccuracySec=100ms --description="Undo an unconfirmed change of firewall and sshd" \
        /bin/sh "$run/engine.sh" rollback "$run" || return 1
    printf '%s\n' $(($(uptime_seconds) + arm_seconds - 5)) >"$run/deadline"
}

# The kernel's table comes back as it was, whatever the units did: it is what locks people out.
undo_arm() {
    stop_timer
    command -v nft >/dev/null || return 0
    {
        printf 'table inet anteroom {}\ndelete table inet anteroom\n'
        if [ -f "$2/table" ]; then cat "$2/table"; fi
    } | nft -f -
}

# The tool confirms over a new connection. This ends a little before the timer does, and then undoes in order.
do_disarm() {
    event "confirm? $1"
    dis_deadline=$(field "$run/deadline")
    while [ ! -e "$confirmed" ]; do
        if [ "$(uptime_seconds)" -ge "$dis_deadline" ]; then
            echo "no new connection confirmed in time that the host can still be reached"
            return 1
        fi
        sleep 0.2
    done
    rm -f "$confirmed"
    stop_timer
}

stop_timer() {
    # The rollback unit itself undoes a run, too; it must not stop itself.
    [ "$mode" = rollback ] || systemctl stop anteroom-rollback.timer 2>/dev/null
    return 0
}

# One run: take the lock, finish what an earlier run left, carry the steps out, undo them if one fails.

# A look at the host holds the lock for a moment, too. Whoever tidies up removes the file while holding it, so what was
# locked must still be what the next one would lock.
have_lock=
take_lock() {
    for lock_try in 1 2 3; do
        mkdir -p -m 0700 /run/anteroom
        exec 9>>/run/anteroom/lock
        flock -w 2 9 || return 1
        [ /proc/self/fd/9 -ef /run/anteroom/lock ] && { have_lock=yes; return 0; }
    done
    return 1
}

# Whether another run's engine lives. It cannot hold the lock, which is ours: it waits for it.
run_lives() {
    case $(unit_value "anteroom-apply-$1.service" ActiveState) in active | activating) return 0 ;; esac
    return 1
}

# Runs that ended without a word lost their power or were killed. Builds are undone; a removal simply goes on later. One
# that never had the lock has done nothing: it waits for it, or is being sent, or its record is rubbish.
undo_unfinished() {
    unfinished=
    own_run=$run
    for other in "$home"/run/*; do
        [ -d "$other" ] && [ "$other" != "$own_run" ] && [ ! -e "$other/end" ] || continue
        run_lives "${other##*/}" && continue
        if [ ! -e "$other/begun" ]; then
            if [ -n "$(find "$other" -maxdepth 0 -mmin +2)" ]; then rm -rf -- "$other"; fi
            continue
        fi
        event "recovering ${other##*/}"
        run=$other
        name_places
        if undo_run; then end_run restored; else end_run partly; fi
        unguard_boot
        run=$own_run
        name_places
        unfinished=yes
    done
    [ -z "$unfinished" ]
}

name_places() {
    id=${run##*/}
    stage=/run/anteroom/stage-$id
    inputs=/run/anteroom/inputs-$id
    confirmed=/run/anteroom/confirmed-$id
    out=/run/anteroom/out-$id
}

# Forgets what a run no longer needs. What its changes replaced stays until the operator's tool says that the audit
# has passed; a run that was undone has nothing to keep, unless something could not be undone.
end_run() {
    rm -rf "$stage" "$inputs" "$confirmed" "$out"*
    for part in "$run"/*; do
        case $1:${part##*/} in
        *:events | *:end | ok:kept | ok:journal | partly:kept | partly:journal) ;;
        *) rm -rf "$part" ;;
        esac
    done
    printf '%s\n' "$1" >"$run/end"
    sync "$run/end"
}

# The lock goes before the last word: whoever hears it may look at the host at once.
finish() {
    end_run "$1"
    unguard_boot
    if [ -n "$have_lock" ]; then
        rm -f /run/anteroom/holder
        exec 9>&-
    fi
    event "end $1"
}

# step NUMBER: 0 done, 10 done already, else failed.
one_step() {
    step_dir=$run/steps/$1
    step_kind=$(field "$step_dir/kind")
    event "step $1 begin"
    "do_$step_kind" "$1" "$step_dir" >"$out" 2>&1 </dev/null 9>&-
    step_result=$?
    case $step_result in
    0) event "step $1 ok" ;;
    "$same") event "step $1 same" ;;
    *)
        [ -s "$out" ] || echo "it printed nothing and ended with status $step_result" >"$out"
        tell "step $1" "$out"
        event "step $1 fail"
        return 1
        ;;
    esac
}

# Reads the order of the run: steps, and the points where files are staged and services are given time.
carry_out() {
    carry_result=0
    while read -r verb rest <&4; do
        case $verb in
        step) one_step "$rest" || carry_result=1 ;;
        stage)
            blame=
            # The numbers are the tool's own digits.
            # shellcheck disable=SC2086
            if ! stage_all $rest >"$out" 2>&1 9>&-; then
                event "step $blame begin"
                tell "step $blame" "$out"
                event "step $blame fail"
                carry_result=1
            fi
            ;;
        settle)
            blame=$rest
            if ! settle >"$out" 2>&1 9>&-; then
                tell "step $blame" "$out"
                event "step $blame fail"
                carry_result=1
            fi
            ;;
        esac
        if [ $carry_result -ne 0 ] && [ "$purpose" = build ]; then return 1; fi
    done 4<"$run/order"
    return $carry_result
}

start() {
    purpose=$(field "$run/purpose")
    if boot_undoes; then
        event "locked who=the host itself"
        event "locked verb=the undoing of a run that was cut short"
        finish locked
        return
    fi
    if ! take_lock; then
        while IFS= read -r holder_line; do event "locked $holder_line"; done </run/anteroom/holder
        finish locked
        return
    fi
    hold_as "$(field "$run/who")" "$(field "$run/verb")"
    : >"$run/begun"
    sweep_guard
    sweep_inputs
    mkdir -p -m 0700 "$home" "$home/run"
    if [ -f "$secrets" ]; then chown root:root "$secrets" && chmod 0600 "$secrets"; fi
    # A removal that was cut short is not undone, but must not keep the services of packages from starting.
    allow_starts
    if ! undo_unfinished; then
        finish recovered
    elif [ ! -s "$run/order" ]; then
        # Somebody else tidied it up meanwhile.
        finish stale
    elif [ "$purpose" = build ] && ! nothing_changed_since; then
        finish stale
    elif [ "$purpose" = build ] && ! { reserve_space && guard_boot; } >"$out" 2>&1; then
        # Nothing was touched yet.
        [ -s "$out" ] || echo "the run could not be prepared" >"$out"
        event "step 0000 begin"
        tell "step 0000" "$out"
        event "step 0000 fail"
        finish restored
    elif carry_out; then
        finish ok
    elif [ "$purpose" = remove ]; then
        finish left
    elif undo_run; then
        finish restored
    else
        finish partly
    fi
}

hold_as() {
    {
        printf 'who=%s\n' "$1"
        printf 'since=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
        printf 'verb=%s\n' "$2"
    } >/run/anteroom/holder
}

# Inputs and staged files of runs that nobody knows of any more. A run that is being sent has no unit yet.
sweep_inputs() {
    for swept in /run/anteroom/inputs-* /run/anteroom/stage-*; do
        swept_id=${swept##*-}
        [ -d "$swept" ] && [ "$swept_id" != "$id" ] || continue
        if [ -n "$(find "$swept" -maxdepth 0 -mmin +2)" ] && ! run_lives "$swept_id"; then rm -rf -- "$swept"; fi
    done
}

# Called by the rollback unit. A run that hangs while it is armed is ended first.
rollback() {
    [ ! -e "$run/end" ] || return
    purpose=$(field "$run/purpose")
    if ! take_lock; then
        systemctl kill --signal=KILL "anteroom-apply-$id.service"
        flock -w 20 9 || exit 1
        have_lock=yes
    fi
    [ ! -e "$run/end" ] || return
    event "rollback"
    if undo_run; then finish restored; else finish partly; fi
}

# Called at boot, before the services of the plan may start. Somebody who was faster undoes the run just as well.
boot() {
    purpose=$(field "$run/purpose")
    take_lock || flock -w 1500 9 || exit 1
    have_lock=yes
    if [ ! -e "$run/end" ]; then
        close_for_now
        hold_as "the host itself" "the undoing of a run that was cut short"
        event "rollback"
        boot_end=partly
        if undo_run; then boot_end=restored; fi
        open_again
        finish "$boot_end"
    else
        unguard_boot
    fi
}

case $mode in
run) start ;;
boot) boot ;;
rollback) rollback ;;
*) exit 2 ;;
esac

# Certificates, accounts and units.

# A certificate that went leaves its links behind unless all links are made anew. Java's store follows by a trigger of
# dpkg, which restarts the focus and the bridge behind the plan's back.
trust_again() {
    shield_units
    plainly update-ca-certificates "$@" >/dev/null 2>&1
    trust_result=$?
    unshield_units
    [ $trust_result -eq 0 ] || { echo "update-ca-certificates failed"; return 1; }
}

do_certificate() {
    cert_kept=$run/kept/$1
    cert_path=$(field "$2/certificate")
    cert_key=$(field "$2/key")
    cert_trust=$(field "$2/trust")
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha256 -nodes -days 397 -batch \
        -config "$2/request" -keyout "$inputs/made.key" -out "$inputs/made.crt" || return 1
    chown "$(field "$2/owner"):$(field "$2/group")" "$inputs/made.key" && chmod "$(field "$2/mode")" "$inputs/made.key" || return 1
    chmod 0644 "$inputs/made.crt"
    keep_was "$cert_kept/certificate" "$cert_path" && keep_was "$cert_kept/key" "$cert_key" || return 1
    if [ -n "$cert_trust" ]; then keep_was "$cert_kept/trust" "$cert_trust" || return 1; fi
    journal "$1" certificate || return 1
    make_parents "$cert_path" "$cert_kept/certificate/parents" &&
        make_parents "$cert_key" "$cert_kept/key/parents" &&
        swap_in "$inputs/made.key" "$cert_key" && swap_in "$inputs/made.crt" "$cert_path" || return 1
    if [ -n "$cert_trust" ]; then
        make_parents "$cert_trust" "$cert_kept/trust/parents" && swap_in "$inputs/made.crt" "$cert_trust" || return 1
        # Java's store only hears of new names. A name that was there before has to look new, or Java keeps the old one.
        if [ -e "$cert_kept/trust/absent" ]; then trust_again; else trust_again --fresh; fi || return 1
    fi
    rm -f "$inputs/made.key" "$inputs/made.crt"
}

undo_certificate() {
    uc_result=0
    for uc_part in certificate key trust; do
        [ -d "$2/$uc_part" ] || continue
        put_back "$2/$uc_part" || uc_result=1
    done
    if [ -d "$2/trust" ]; then trust_again --fresh || uc_result=1; fi
    return $uc_result
}

# Prosody's own encoding of names in its data folder: everything but letters and digits as %xx.
prosody_name() {
    printf '%s' "$1" | od -An -v -tu1 | awk '
        { for (i = 1; i <= NF; i++) {
            c = $i + 0
            if ((c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122)) printf "%c", c
            else printf "%%%02x", c
        } }'
}

account_file() {
    printf '/var/lib/prosody/%s/accounts/%s.dat' "$(prosody_name "${1#*@}")" "$(prosody_name "${1%%@*}")"
}

# $3 prints the password; it reaches prosodyctl through a pipe, twice, as a person would type it.
set_password() {
    acc_jid=$(field "$2/jid")
    acc_file=$(account_file "$acc_jid")
    keep_was "$run/kept/$1" "$acc_file" || return 1
    journal "$1" account || return 1
    if [ -f "$acc_file" ]; then acc_verb=passwd; else acc_verb=adduser; fi
    acc_password=$("$3" "$2") && [ -n "$acc_password" ] || { echo "there is no password for $acc_jid"; return 1; }
    printf '%s\n%s\n' "$acc_password" "$acc_password" | plainly prosodyctl "$acc_verb" "$acc_jid"
    acc_result=$?
    acc_password=
    [ $acc_result -eq 0 ] && [ -s "$acc_file" ] || { echo "prosodyctl $acc_verb did not store $acc_jid"; return 1; }
}

secret_of() {
    awk -v name="$(field "$1/secret")" '{ at = index($0, "=") } at > 1 && substr($0, 1, at - 1) == name { print substr($0, at + 1) }' "$secrets" |
        grep -xE '[0-9a-f]{64}'
}

password_of() {
    field "$1/password"
}

do_account() {
    set_password "$1" "$2" secret_of
}

do_clinician() {
    set_password "$1" "$2" password_of
}

undo_account() {
    ua_path=$(field "$2/path")
    put_back "$2" || return 1
    # The folders that Prosody made for the first account of a host.
    rmdir -- "${ua_path%/*}" 2>/dev/null && rmdir -- "${ua_path%/*/*}" 2>/dev/null
    return 0
}

do_remove_account() {
    rem_jid=$(field "$2/jid")
    rem_file=$(account_file "$rem_jid")
    [ -f "$rem_file" ] || return $same
    if [ "$purpose" = build ]; then
        keep_was "$run/kept/$1" "$rem_file" || return 1
        journal "$1" account || return 1
    fi
    # A running server ends the account's sessions when it deletes it; the tool alone only removes the file.
    if systemctl is-active -q prosody.service; then
        plainly prosodyctl shell user delete "$rem_jid" </dev/null >"$run/shell" 2>&1
    fi
    if [ -f "$rem_file" ]; then plainly prosodyctl deluser "$rem_jid" </dev/null || return 1; fi
    if [ "$purpose" = remove ]; then rmdir -- "${rem_file%/*}" "${rem_file%/*/*}" 2>/dev/null; fi
    [ ! -f "$rem_file" ]
}

unit_value() {
    systemctl show -p "$2" --value -- "$1"
}

fresh_units() {
    [ -f "$out-reload" ] || return 0
    systemctl daemon-reload && rm -f "$out-reload"
}

do_unit() {
    unit=$(field "$2/name")
    fresh_units || return 1
    unit_kept=$run/kept/$1
    if [ "$purpose" = build ]; then
        mkdir -p "$unit_kept" && record "$unit_kept/name" "$unit" &&
            record "$unit_kept/active" "$(unit_value "$unit" ActiveState)" &&
            record "$unit_kept/enabled" "$(unit_value "$unit" UnitFileState)" &&
            record "$unit_kept/action" "$(field "$2/action")" || return 1
        if grep -qsxF -e "$unit" "$home/closed"; then record "$unit_kept/closed" yes || return 1; fi
        sync "$unit_kept"/* "$unit_kept"
        journal "$1" unit || return 1
    fi
    case $(field "$2/action") in
    enable)
        enable_unit "$unit" && systemctl start -- "$unit" || { unit_story "$unit" "$2/listens"; return 1; }
        ;;
    start)
        enable_unit "$unit" || return 1
        systemctl reset-failed -- "$unit" 2>/dev/null
        # What has come up by itself since the plan has read what was there before.
        systemctl restart -- "$unit" && unit_up "$1" "$unit" "$2/listens" || { unit_story "$unit" "$2/listens"; return 1; }
        ;;
    restart)
        systemctl reset-failed -- "$unit" 2>/dev/null
        systemctl restart -- "$unit" && unit_up "$1" "$unit" "$2/listens" || { unit_story "$unit" "$2/listens"; return 1; }
        ;;
    reload) systemctl reload -- "$unit" && systemctl is-active -q -- "$unit" || { unit_story "$unit" /dev/null; return 1; } ;;
    stop)
        # A unit whose file is gone may run all the same, and be enabled.
        case $(unit_value "$unit" LoadState):$(unit_value "$unit" ActiveState) in
        not-found:inactive | not-found:failed) unit_result=$same ;;
        *)
            systemctl stop -- "$unit" || return 1
            plainly systemctl disable --quiet -- "$unit" 2>&1 || :
            unit_result=0
            ;;
        esac
        if [ "$purpose" = remove ]; then drop_dangling "$unit"; fi
        return $unit_result
        ;;
    mask)
        systemctl stop -- "$unit" 2>/dev/null
        systemctl mask --quiet -- "$unit"
        ;;
    unmask) systemctl unmask --quiet -- "$unit" && forget_line "$home/closed" "$unit" ;;
    *) echo "unknown action"; return 1 ;;
    esac
}

# sysv scripts and units without an [Install] part have nothing to enable; what counts is that it runs.
enable_unit() {
    case $(unit_value "$1" UnitFileState) in enabled | static | generated | alias | indirect) return 0 ;; esac
    plainly systemctl enable --quiet -- "$1"
}

# systemctl disables no unit whose file is gone.
drop_dangling() {
    for dangling in /etc/systemd/system/*.wants/"$1" /etc/systemd/system/*.requires/"$1"; do
        if [ -L "$dangling" ] && [ ! -e "$dangling" ]; then rm -f -- "$dangling"; fi
    done
}

# Up means active, and listening where it should. Whether it stays up is looked at by `settle`.
unit_up() {
    up_until=$(($(uptime_seconds) + 60))
    while :; do
        up_state=$(unit_value "$2" ActiveState)
        up_missing=
        case $up_state in
        active)
            while read -r up_transport up_port; do
                listening "$up_transport" "$up_port" "$2" || { up_missing="$up_transport/$up_port"; break; }
            done <"$3"
            [ -n "$up_missing" ] || break
            ;;
        activating | reloading) ;;
        *) echo "$2 is $up_state"; return 1 ;;
        esac
        if [ "$(uptime_seconds)" -ge "$up_until" ]; then
            echo "$2 is $up_state after 60 s${up_missing:+, and does not listen on $up_missing}"
            return 1
        fi
        sleep 0.3
    done
    printf '%s %s %s %s\n' "$1" "$2" "$(uptime_seconds)" "$(signs_of_life "$2")" >>"$run/started"
}

# Whether a unit listens itself: what somebody else has taken up does not count. Process 1 holds sockets for units, and
# the kernel some for nobody.
listening() {
    listen_seen=$(ss -H -l -n -p "--$1" "sport = :$2")
    [ -n "$listen_seen" ] || return 1
    case $listen_seen in *pid=*) ;; *) return 0 ;; esac
    for listen_pid in $(printf '%s\n' "$listen_seen" | grep -o 'pid=[0-9]*' | sort -u); do
        listen_pid=${listen_pid#pid=}
        if [ "$listen_pid" = 1 ] || grep -qsF "/$3" "/proc/$listen_pid/cgroup"; then return 0; fi
    done
    return 1
}

# The same as long as a service lives: its state, its main process, how often it was started again.
signs_of_life() {
    systemctl show -p ActiveState -p MainPID -p NRestarts -- "$1" | sort | tr '\n' ' '
}

# A service that dies of its own configuration may take some seconds for it. Whatever was started is watched until it has
# run that long; what comes later is for the audit. A unit without a main process did its work when it started.
settle() {
    [ -s "$run/started" ] || return 0
    while :; do
        settle_on=
        settle_now=$(uptime_seconds)
        while read -r set_step set_unit set_since set_signs; do
            if [ "$(signs_of_life "$set_unit")" != "$set_signs " ]; then
                blame=$set_step
                unit_story "$set_unit" /dev/null
                echo "$set_unit did not stay up: it ended within $((settle_now - set_since + 1)) s of its start"
                return 1
            fi
            case $set_signs in *MainPID=0*) ;; *) [ $((settle_now - set_since)) -ge 7 ] || settle_on=yes ;; esac
        done <"$run/started"
        [ -n "$settle_on" ] || break
        sleep 1
    done
    rm -f "$run/started"
}

# What a unit says of itself, and who has its ports.
unit_story() {
    systemctl status --no-pager --lines=0 -- "$1"
    journalctl --no-pager -q -n 20 -o cat -u "$1"
    while read -r story_transport story_port; do
        ss -H -l -n -p "--$story_transport" "sport = :$story_port" | grep -o '"[^"]*",pid=[0-9]*' | sort -u |
            sed 's/^"\(.*\)",pid=\(.*\)$/\2 \1/' | while read -r story_pid story_name; do
            grep -qsF "/$1" "/proc/$story_pid/cgroup" && continue
            because port
            story_unit=$(grep -ohE '[^/]+\.(service|scope)$' "/proc/$story_pid/cgroup" 2>/dev/null | head -n 1)
            echo "$story_transport/$story_port is taken by $story_name (process $story_pid${story_unit:+, $story_unit})"
        done
    done <"$2"
}

# What did not run before is stopped at once. What did run takes in the restored files at the end, in `revive_units`.
undo_unit() {
    uu_unit=$(field "$2/name")
    uu_active=$(field "$2/active")
    uu_enabled=$(field "$2/enabled")
    case $(field "$2/action") in
    mask) systemctl unmask --quiet -- "$uu_unit" ;;
    unmask) systemctl mask --quiet -- "$uu_unit" ;;
    esac
    case $uu_active in
    inactive | failed | deactivating) systemctl stop -- "$uu_unit" 2>/dev/null ;;
    # What was on its way up, or could not be told, runs: a firewall must not be left off.
    *) printf '%s %s\n' "$(field "$2/action")" "$uu_unit" >>"$out-revive" || return 1 ;;
    esac
    # Closed for this boot, it is neither enabled nor disabled by anything; what waits for this undo does not start meanwhile.
    if [ "$mode" = boot ]; then systemctl unmask --quiet --runtime -- "$uu_unit" 2>/dev/null; fi
    case $uu_enabled in
    disabled | '') plainly systemctl disable --quiet -- "$uu_unit" 2>/dev/null ;;
    enabled) plainly systemctl enable --quiet -- "$uu_unit" 2>/dev/null ;;
    esac
    if [ "$mode" = boot ] && grep -qxF -e "$uu_unit" "$run/units"; then systemctl mask --quiet --runtime -- "$uu_unit" 2>/dev/null; fi
    if [ -e "$2/closed" ] && ! grep -qsxF -e "$uu_unit" "$home/closed"; then printf '%s\n' "$uu_unit" >>"$home/closed"; fi
    : >"$out-reload"
    return 0
}

revive_units() {
    fresh_units
    [ -f "$out-revive" ] || return 0
    rev_result=0
    # Undone last to first, so the other way round is the order in which they were changed.
    tac "$out-revive" >"$out-order"
    while read -r rev_action rev_unit; do
        # What ran although it was masked runs on: a restart would only be refused.
        if [ "$(unit_value "$rev_unit" LoadState)" = masked ] && systemctl is-active -q -- "$rev_unit"; then continue; fi
        # What was only enabled runs with what it has: the files that are back may be what broke it.
        case $rev_action in
        reload) rev_verb=reload-or-restart ;;
        enable | unmask) rev_verb=start ;;
        *) rev_verb=restart ;;
        esac
        systemctl reset-failed -- "$rev_unit" 2>/dev/null
        # At boot services wait for this very undo.
        if boot_undoes; then rev_verb="--no-block $rev_verb"; fi
        # Words of ours.
        # shellcheck disable=SC2086
        if ! systemctl $rev_verb -- "$rev_unit"; then
            event "left unit $rev_unit does not run any more"
            rev_result=1
        fi
    done <"$out-order"
    rm -f "$out-revive" "$out-order"
    return $rev_result
}

do_drop_table() {
    command -v nft >/dev/null || return $same
    nft list table inet anteroom >/dev/null 2>&1 || return $same
    nft delete table inet anteroom
}

# Certificates, accounts and units.

# A certificate that went leaves its links behind unless all links are made anew.
trust_again() {
    plainly update-ca-certificates "$@" >/dev/null 2>&1 || { echo "update-ca-certificates failed"; return 1; }
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
    journal "$1" certificate
    make_parents "$cert_path" "$cert_kept/certificate/parents" &&
        make_parents "$cert_key" "$cert_kept/key/parents" &&
        swap_in "$inputs/made.key" "$cert_key" && swap_in "$inputs/made.crt" "$cert_path" || return 1
    if [ -n "$cert_trust" ]; then
        make_parents "$cert_trust" "$cert_kept/trust/parents" && swap_in "$inputs/made.crt" "$cert_trust" && trust_again || return 1
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
    journal "$1" account
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
        journal "$1" account
    fi
    # A running server ends the account's sessions when it deletes it; the tool alone only removes the file.
    if systemctl is-active -q prosody.service; then
        plainly prosodyctl shell user delete "$rem_jid" </dev/null >"$run/shell" 2>&1
    fi
    if [ -f "$rem_file" ]; then plainly prosodyctl deluser "$rem_jid" </dev/null || return 1; fi
    [ ! -f "$rem_file" ]
}

unit_value() {
    systemctl show -p "$2" --value -- "$1"
}

fresh_units() {
    [ -f "$run/reload-units" ] || return 0
    systemctl daemon-reload && rm -f "$run/reload-units"
}

do_unit() {
    unit=$(field "$2/name")
    fresh_units || return 1
    unit_kept=$run/kept/$1
    if [ "$purpose" = build ]; then
        mkdir -p "$unit_kept"
        printf '%s\n' "$unit" >"$unit_kept/name"
        unit_value "$unit" ActiveState >"$unit_kept/active"
        unit_value "$unit" UnitFileState >"$unit_kept/enabled"
        field "$2/action" >"$unit_kept/action"
        journal "$1" unit
    fi
    case $(field "$2/action") in
    start)
        # sysv scripts and units without an [Install] part have nothing to enable; what counts is that it runs.
        case $(unit_value "$unit" UnitFileState) in enabled | static | generated | alias | indirect) ;; *)
            plainly systemctl enable --quiet -- "$unit" || return 1
            ;;
        esac
        systemctl reset-failed -- "$unit" 2>/dev/null
        systemctl start -- "$unit" && unit_up "$unit" "$2/listens" || { unit_story "$unit"; return 1; }
        ;;
    restart)
        systemctl reset-failed -- "$unit" 2>/dev/null
        systemctl restart -- "$unit" && unit_up "$unit" "$2/listens" || { unit_story "$unit"; return 1; }
        ;;
    reload) systemctl reload -- "$unit" && systemctl is-active -q -- "$unit" || { unit_story "$unit"; return 1; } ;;
    stop)
        if [ "$(unit_value "$unit" LoadState)" = not-found ]; then return $same; fi
        systemctl stop -- "$unit" || return 1
        plainly systemctl disable --quiet -- "$unit" 2>&1 || :
        ;;
    mask)
        systemctl stop -- "$unit" 2>/dev/null
        systemctl mask --quiet -- "$unit"
        ;;
    unmask) systemctl unmask --quiet -- "$unit" && forget_line "$home/closed" "$unit" ;;
    *) echo "unknown action"; return 1 ;;
    esac
}

# Up means active, and listening where it should. Whether it stays up is looked at by `settle`.
unit_up() {
    up_until=$(($(uptime_seconds) + 60))
    while :; do
        up_state=$(unit_value "$1" ActiveState)
        up_missing=
        case $up_state in
        active)
            while read -r up_transport up_port; do
                listening "$up_transport" "$up_port" || { up_missing="$up_transport/$up_port"; break; }
            done <"$2"
            [ -n "$up_missing" ] || break
            ;;
        activating | reloading) ;;
        *) echo "$1 is $up_state"; return 1 ;;
        esac
        if [ "$(uptime_seconds)" -ge "$up_until" ]; then
            echo "$1 is $up_state after 60 s${up_missing:+, and nothing listens on $up_missing}"
            return 1
        fi
        sleep 0.3
    done
    # Number of restarts and main process at this moment; `settle` compares.
    printf '%s %s %s\n' "$1" "$(unit_value "$1" NRestarts)" "$(unit_value "$1" MainPID)" >>"$run/started"
}

listening() {
    [ -n "$(ss -H -l -n "--$1" "sport = :$2")" ]
}

# Three seconds later everything that was started must still be the same process: a service that dies of its own
# configuration usually does so at once.
settle() {
    [ -s "$run/started" ] || return 0
    sleep 3
    while read -r set_unit set_restarts set_pid; do
        if [ "$(unit_value "$set_unit" ActiveState)" != active ] ||
            [ "$(unit_value "$set_unit" NRestarts)" != "$set_restarts" ] ||
            [ "$(unit_value "$set_unit" MainPID)" != "$set_pid" ]; then
            echo "$set_unit did not stay up"
            unit_story "$set_unit"
            return 1
        fi
    done <"$run/started"
    rm -f "$run/started"
}

unit_story() {
    systemctl status --no-pager --lines=0 -- "$1"
    journalctl --no-pager -q -n 20 -o cat -u "$1"
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
    active | reloading)
        printf '%s %s\n' "$(field "$2/action")" "$uu_unit" >>"$run/revive"
        ;;
    *) systemctl stop -- "$uu_unit" 2>/dev/null ;;
    esac
    case $uu_enabled in
    disabled | '') plainly systemctl disable --quiet -- "$uu_unit" 2>/dev/null ;;
    esac
    : >"$run/reload-units"
    return 0
}

revive_units() {
    fresh_units
    [ -f "$run/revive" ] || return 0
    rev_result=0
    # Undone last to first, so the other way round is the order in which they were changed.
    tac "$run/revive" >"$run/revive.order"
    while read -r rev_action rev_unit; do
        if [ "$rev_action" = reload ]; then rev_verb=reload-or-restart; else rev_verb=restart; fi
        systemctl reset-failed -- "$rev_unit" 2>/dev/null
        # At boot services wait for this very undo.
        if boot_undoes; then rev_verb="--no-block $rev_verb"; fi
        # Words of ours.
        # shellcheck disable=SC2086
        if ! systemctl $rev_verb -- "$rev_unit"; then
            event "left unit $rev_unit does not run any more"
            rev_result=1
        fi
    done <"$run/revive.order"
    rm -f "$run/revive" "$run/revive.order"
    return $rev_result
}

do_drop_table() {
    command -v nft >/dev/null || return $same
    nft list table inet anteroom >/dev/null 2>&1 || return $same
    nft delete table inet anteroom
}

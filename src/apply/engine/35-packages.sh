# Packages come and go. Their services never start here: units have their own steps.

# Maintainer scripts ask this before they start or restart a service; 101 means no. Ours is known by its mark, and what
# somebody else had there is kept on disk: whatever becomes of this run, the next one puts it back. The trigger of
# jitsi-meet-prosody does not ask: it restarts the focus and the bridge with systemctl, with the packages' own
# configuration.
policy=/usr/sbin/policy-rc.d
policy_new=/usr/sbin/.policy-rc.d.anteroom
policy_kept=$home/policy-rc.d

policy_is_ours() {
    [ ! -L "$policy" ] && grep -qs '^# anteroom' "$policy"
}

forbid_starts() {
    shield_units
    if ! policy_is_ours; then
        rm -rf "$policy_kept"
        if [ -e "$policy" ] || [ -L "$policy" ]; then
            cp -a "$policy" "$policy_kept" || return 1
            sync "$home"
        fi
    fi
    printf '#!/bin/sh\n# anteroom is at work on packages; their services have steps of their own\nexit 101\n' >"$policy_new" &&
        chmod 0755 "$policy_new" && mv -fT "$policy_new" "$policy"
}

allow_starts() {
    rm -f "$policy_new"
    if ! policy_is_ours; then
        rm -rf "$policy_kept"
    elif [ -e "$policy_kept" ] || [ -L "$policy_kept" ]; then
        swap_in "$policy_kept" "$policy" && rm -rf "$policy_kept"
    else
        rm -f "$policy"
    fi
    unshield_units
}

# The two that the trigger restarts, and no other: how a package enables its unit depends on what it finds. Masked until the
# next boot at most, or until the next run if this one is killed. What runs goes on running: a masked unit can be stopped,
# but not restarted.
shield_units() {
    for shield_unit in jicofo.service jitsi-videobridge2.service; do
        [ "$(unit_value "$shield_unit" LoadState)" != masked ] || continue
        printf '%s\n' "$shield_unit" >>"$home/shielded"
        systemctl mask --quiet --runtime -- "$shield_unit" 2>/dev/null
    done
    return 0
}

unshield_units() {
    [ -f "$home/shielded" ] || return 0
    while read -r shield_unit <&6; do systemctl unmask --quiet --runtime -- "$shield_unit"; done 6<"$home/shielded"
    rm -f "$home/shielded"
}

# Packages and their versions in a file, whole or not at all: what is missing from it, an undo takes for new. A package
# that was removed and left its configuration has `-` for a version.
package_list() {
    dpkg-query -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' >"$out-dpkg" &&
        awk '$1 ~ /^.c/ { print $2, "-"; next } $1 !~ /^un/ { print $2, $3 }' "$out-dpkg" >"$out-list" &&
        sort -u "$out-list" >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1"
}

# The names in such a list of those whose files are there.
unpacked() {
    awk '$2 != "-" { print $1 }' "$1" | sort -u
}

# The names in a list of packages that had only left their configuration before: that is somebody else's.
left_before() {
    awk '$2 == "-" { print $1 }' "$1" | sort -u | comm -12 - "$2"
}

do_install() {
    inst_kept=$run/kept/$1
    mkdir -p "$inst_kept" && package_list "$inst_kept/packages" && note_foreign "$inst_kept/foreign" || return 1
    sync "$inst_kept/foreign" "$inst_kept"
    journal "$1" install || return 1
    forbid_starts || return 1
    inst_result=0
    install_packages "$2/packages" || inst_result=1
    allow_starts || inst_result=1
    forget_secret_answers || inst_result=1
    package_list "$inst_kept/after" && unpacked "$inst_kept/after" >"$inst_kept/names" &&
        unpacked "$inst_kept/packages" | comm -13 - "$inst_kept/names" >"$inst_kept/new" || inst_result=1
    left_before "$inst_kept/packages" "$inst_kept/new" | sed 's/^/config /' | cat "$inst_kept/foreign" - >"$inst_kept/foreign.new" &&
        sync "$inst_kept/foreign.new" && mv -f "$inst_kept/foreign.new" "$inst_kept/foreign" && sync "$inst_kept" || inst_result=1
    note_lines "$home/installed" "$inst_kept/new" && note_lines "$home/foreign" "$inst_kept/foreign" || inst_result=1
    return $inst_result
}

# Everything is fetched and verified before the first package is unpacked.
install_packages() {
    # What somebody left half configured would make every further step of apt fail.
    if ! patiently plainly dpkg --configure -a --force-confold --force-confdef </dev/null; then
        inst_broken=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 ~ /^.[HUFWt]/ { printf " %s", $2 }')
        [ -z "$inst_broken" ] || { because packages; echo "these packages were half installed before and cannot be configured:$inst_broken"; }
        return 1
    fi
    inst_list=$1
    set --
    while IFS= read -r inst_name; do set -- "$@" "$inst_name"; done <"$inst_list"
    # Only a version that the plan names may be an older one.
    if grep -q = "$inst_list"; then set -- --allow-downgrades "$@"; fi
    patiently apt install --no-install-recommends --allow-change-held-packages --download-only "$@" || return 1
    patiently apt install --no-install-recommends --allow-change-held-packages \
        -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@"
}

# Data folders and users of packages to come that are here already are not ours to remove later.
note_foreign() {
    while read -r for_package for_kind for_what; do
        is_unpacked "$for_package" && continue
        grep -qxF -e "$for_package" "$home/installed" 2>/dev/null && continue
        case $for_kind in
        path | folder) if [ -e "$for_what" ]; then printf '%s %s\n' "$for_kind" "$for_what" || return 1; fi ;;
        user) if getent passwd "$for_what" >/dev/null || getent group "$for_what" >/dev/null; then printf 'user %s\n' "$for_what" || return 1; fi ;;
        esac
    done <"$run/residue" >"$1"
}

undo_install() {
    allow_starts
    [ -f "$2/packages" ] && package_list "$2/now" || { echo "which packages are new is not known, so all of them stay"; return 1; }
    # Nothing was unpacked yet: it failed before.
    if cmp -s "$2/packages" "$2/now" && [ -z "$(half_unpacked)" ]; then return 0; fi
    forbid_starts || return 1
    ui_result=0
    patiently plainly dpkg --configure -a --force-confold --force-confdef </dev/null || :
    finish_unpacking
    package_list "$2/now" && unpacked "$2/packages" >"$2/names" && unpacked "$2/now" | comm -13 "$2/names" - >"$2/new" &&
        left_before "$2/packages" "$2/new" >"$2/left" || { allow_starts; return 1; }
    purge_listed "$2/new" "$2/left" || ui_result=1
    while read -r ui_package; do
        is_unpacked "$ui_package" && continue
        forget_line "$home/installed" "$ui_package"
        while read -r ui_owner ui_kind ui_what; do
            if [ "$ui_owner" = "$ui_package" ]; then remove_residue "$ui_kind" "$ui_what" "$2/foreign" || ui_result=1; fi
        done <"$run/residue"
    done <"$2/new"
    while read -r ui_foreign; do forget_line "$home/foreign" "$ui_foreign"; done <"$2/foreign"
    # Versions that were replaced come back where a source still has them.
    comm -13 "$2/now" "$2/packages" | awk '$2 != "-" { print $1 "=" $2 }' >"$2/older"
    if [ -s "$2/older" ]; then
        ui_older=$2/older
        set --
        while IFS= read -r ui_name; do set -- "$@" "$ui_name"; done <"$ui_older"
        apt install --no-install-recommends --allow-downgrades --allow-change-held-packages \
            -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@" || ui_result=1
    fi
    allow_starts || ui_result=1
    return $ui_result
}

# Purges the packages of a list; of those in a second one, what they configure stays.
purge_listed() {
    purge_list=$1
    purge_keeps=$2
    set --
    while IFS= read -r purge_name; do
        if grep -qxF -e "$purge_name" "$purge_keeps"; then set -- "$@" "$purge_name"; fi
    done <"$purge_list"
    [ $# -eq 0 ] || patiently apt remove --allow-change-held-packages "$@" || return 1
    set --
    while IFS= read -r purge_name; do
        grep -qxF -e "$purge_name" "$purge_keeps" || set -- "$@" "$purge_name"
    done <"$purge_list"
    [ $# -eq 0 ] || patiently apt purge --allow-change-held-packages "$@" && return 0
    # apt refuses packages that were killed half way through their unpacking; dpkg can be told that they go.
    plainly dpkg --force-remove-reinstreq --purge "$@" </dev/null
}

# A package that was killed while it was unpacked has files on disk that no list knows yet: only unpacking it again
# makes it removable without a trace.
half_unpacked() {
    dpkg-query -W -f '${db:Status-Abbrev}:${Package}\n' | sed -n 's/^..R *://p'
}

finish_unpacking() {
    set --
    for half in $(half_unpacked); do set -- "$@" "$half"; done
    [ $# -eq 0 ] || apt install --reinstall --no-install-recommends --allow-change-held-packages \
        -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@"
}

# Whether dpkg has anything of a package: its files, or its configuration alone. It remembers names of which it has nothing.
is_known() {
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) in '' | un*) return 1 ;; esac
}

# Whether a package's files are there.
is_unpacked() {
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null) in '' | un* | ?c*) return 1 ;; esac
}

remove_residue() {
    if [ -f "$3" ] && grep -qxF -e "$1 $2" "$3"; then
        if [ "$1" = path ] && [ "$purpose" = remove ]; then event "spared $2"; fi
        return 0
    fi
    case $1 in
    path)
        # Another package that stays may lie there, too.
        if ! dpkg-query -S "$2" >/dev/null 2>&1; then rm -rf --one-file-system -- "$2"; fi
        ;;
    folder) rmdir -- "$2" 2>/dev/null || : ;;
    user)
        # dpkg does nothing at all any more once an override names somebody who is gone.
        dpkg-statoverride --list | awk -v who="$2" '$1 == who || $2 == who { print $4 }' |
            while IFS= read -r res_path; do dpkg-statoverride --quiet --remove "$res_path"; done
        if getent passwd "$2" >/dev/null; then plainly userdel "$2" || return 1; fi
        if getent group "$2" >/dev/null; then plainly groupdel "$2" || return 1; fi
        ;;
    esac
}

do_residue() {
    res_result=0
    res_package=$(field "$2/package")
    if grep -qsxF -e "config $res_package" "$home/foreign"; then return $same; fi
    is_known "$res_package" && { echo "$res_package is still there"; return 1; }
    while read -r res_kind res_what; do
        remove_residue "$res_kind" "$res_what" "$home/foreign" || res_result=1
    done <"$2/residue"
    return $res_result
}

# Purges ours and nothing else: what would take somebody else's package along stays, with all that it needs.
do_purge() {
    sort -u "$2/packages" >"$run/purge"
    if [ -s "$2/spare" ]; then spare_needs "$2/spare"; fi
    for purge_round in 1 2 3 4 5 6 7 8; do
        set --
        while IFS= read -r purge_name; do set -- "$@" "$purge_name"; done <"$run/purge"
        [ $# -gt 0 ] || break
        apt -s purge --allow-change-held-packages "$@" >"$run/simulated" || { cat "$run/simulated"; return 1; }
        awk '$1 == "Purg" || $1 == "Remv" { print $2 }' "$run/simulated" | sort -u | comm -23 - "$run/purge" >"$run/others"
        [ -s "$run/others" ] || break
        spare_needs "$run/others"
    done
    [ ! -s "$run/others" ] || { echo "other packages need ours: $(tr '\n' ' ' <"$run/others")"; return 1; }
    forbid_starts || return 1
    # Services stop by their own steps; a script that starts one again would only be in the way.
    sed -n 's/^config //p' "$home/foreign" 2>/dev/null >"$run/keeps"
    purge_listed "$run/purge" "$run/keeps"
    purge_result=$?
    allow_starts || purge_result=1
    return $purge_result
}

# Takes the packages of a list and everything they need, directly or not, off the list of packages to purge.
spare_needs() {
    spare_list=$1
    set --
    while IFS= read -r spare_name; do set -- "$@" "$spare_name"; done <"$spare_list"
    {
        cat "$spare_list"
        apt-cache depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks \
            --no-replaces --no-enhances "$@" | awk '/^[a-z0-9]/ { print $1 } /Depends:/ { print $2 }'
    } | sort -u >"$run/needed"
    comm -23 "$run/purge" "$run/needed" >"$run/purge.new"
    mv -f "$run/purge.new" "$run/purge"
}

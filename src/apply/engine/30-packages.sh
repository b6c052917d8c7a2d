# apt, dpkg, debconf and apt keys. Services of packages never start here: units have their own steps.

# What is not signed by a known key is refused, whatever the host's own configuration of apt allows.
apt() {
    plainly apt-get -q -y -o Acquire::AllowInsecureRepositories=false -o Acquire::AllowWeakRepositories=false \
        -o Acquire::AllowDowngradeToInsecureRepositories=false -o APT::Get::AllowUnauthenticated=false -o DPkg::Lock::Timeout=60 -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
        -o Acquire::https::Timeout=20 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Without the error mode, a repository that is down or whose signature is wrong gives warnings and status 0 as long as
# older lists are there. The lists' lock has no timeout of its own, and the daily update may hold it.
do_apt_update() {
    for update_try in 1 2 3 4 5 6 7 8 9 10 11 12; do
        apt update -o APT::Update::Error-Mode=any >"$run/update" 2>&1 && { cat "$run/update"; return 0; }
        grep -q 'Could not get lock' "$run/update" || break
        sleep 5
    done
    cat "$run/update"
    return 1
}

undo_apt_update() { :; }

package_list() {
    dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\n' | awk '$3 !~ /^un/ { print $1, $2 }' | sort -u
}

# Every maintainer script asks this before it starts or restarts a service; 101 means no.
forbid_starts() {
    if [ -e /usr/sbin/policy-rc.d ] || [ -L /usr/sbin/policy-rc.d ]; then
        if [ ! -e "$run/policy-rc.d" ]; then cp -a /usr/sbin/policy-rc.d "$run/policy-rc.d" || return 1; fi
    else
        : >"$run/no-policy-rc.d"
    fi
    sync "$run"
    rm -f /usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod 0755 /usr/sbin/policy-rc.d
}

allow_starts() {
    if [ -e "$run/no-policy-rc.d" ]; then
        rm -f /usr/sbin/policy-rc.d "$run/no-policy-rc.d"
    elif [ -e "$run/policy-rc.d" ] || [ -L "$run/policy-rc.d" ]; then
        swap_in "$run/policy-rc.d" /usr/sbin/policy-rc.d && rm -f "$run/policy-rc.d"
    fi
}

# The answer where a package's question asks for a secret: debconf keeps answers where everybody may read them.
throwaway='<throwaway>'

do_preseed() {
    journal "$1" preseed
    mkdir -p "$run/kept/$1"
    cp "$2/package" "$run/kept/$1/package"
    # What the scripts write with it, files and accounts of the plan replace; if they did not, nobody would know it.
    pre_value=$(random_secret) || return 1
    while IFS= read -r pre_line; do
        case $pre_line in *"$throwaway") pre_line=${pre_line%"$throwaway"}$pre_value ;; esac
        printf '%s\n' "$pre_line"
    done <"$2/answer" >"$inputs/answer" || return 1
    fill "$inputs/answer" >"$inputs/filled" || return 1
    plainly debconf-set-selections <"$inputs/filled"
    pre_result=$?
    rm -f "$inputs/answer" "$inputs/filled"
    return $pre_result
}

undo_preseed() {
    forget_answers "$(field "$2/package")" PURGE
}

# debconf keeps answers of type string, and its previous file, readable to everybody.
forget_answers() {
    command -v debconf-communicate >/dev/null || return 0
    printf '%s\n' "$2" | plainly debconf-communicate "$1" >/dev/null 2>&1
    rm -f /var/cache/debconf/config.dat-old /var/cache/debconf/passwords.dat-old
    return 0
}

forget_secret_answers() {
    for answer_dir in "$run"/steps/*; do
        [ -f "$answer_dir/answer" ] && grep -qE "<secret:|$throwaway" "$answer_dir/answer" || continue
        forget_answers "$(field "$answer_dir/package")" "RESET $(field "$answer_dir/question")"
    done
    [ -s "$secrets" ] && [ -f /var/cache/debconf/config.dat ] || return 0
    if sed 's/^[^=]*=//' "$secrets" | grep -qF -f - /var/cache/debconf/config.dat; then
        echo "a secret is still among debconf's answers, which everybody may read"
        return 1
    fi
}

do_install() {
    inst_kept=$run/kept/$1
    mkdir -p "$inst_kept"
    package_list >"$inst_kept/packages"
    note_foreign "$inst_kept/foreign"
    sync "$inst_kept"
    journal "$1" install
    forbid_starts || return 1
    inst_result=0
    install_packages "$2/packages" || inst_result=1
    allow_starts || inst_result=1
    forget_secret_answers || inst_result=1
    package_list | awk '{ print $1 }' >"$inst_kept/after"
    awk '{ print $1 }' "$inst_kept/packages" | sort -u | comm -13 - "$inst_kept/after" >"$inst_kept/new"
    note_lines "$home/installed" "$inst_kept/new" && note_lines "$home/foreign" "$inst_kept/foreign" || inst_result=1
    return $inst_result
}

# Everything is fetched and verified before the first package is unpacked.
install_packages() {
    plainly dpkg --configure -a --force-confold --force-confdef </dev/null || return 1
    inst_list=$1
    set --
    while IFS= read -r inst_name; do set -- "$@" "$inst_name"; done <"$inst_list"
    # Only a version that the plan names may be an older one.
    if grep -q = "$inst_list"; then set -- --allow-downgrades "$@"; fi
    apt install --no-install-recommends --allow-change-held-packages --download-only "$@" || return 1
    apt install --no-install-recommends --allow-change-held-packages \
        -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@"
}

# Data folders and users of packages to come that are here already are not ours to remove later.
note_foreign() {
    while read -r for_package for_kind for_what; do
        dpkg-query -W -f '${Package}\n' "$for_package" >/dev/null 2>&1 && continue
        grep -qxF -e "$for_package" "$home/installed" 2>/dev/null && continue
        case $for_kind in
        path | folder) if [ -e "$for_what" ]; then printf '%s %s\n' "$for_kind" "$for_what"; fi ;;
        user) if getent passwd "$for_what" >/dev/null || getent group "$for_what" >/dev/null; then printf 'user %s\n' "$for_what"; fi ;;
        esac
    done <"$run/residue" >"$1"
}

undo_install() {
    allow_starts
    forbid_starts || return 1
    ui_result=0
    plainly dpkg --configure -a --force-confold --force-confdef </dev/null || :
    finish_unpacking
    package_list >"$2/now"
    awk '{ print $1 }' "$2/packages" | sort -u >"$2/names"
    awk '{ print $1 }' "$2/now" | sort -u | comm -13 "$2/names" - >"$2/new"
    if [ -s "$2/new" ]; then purge_listed "$2/new" || ui_result=1; fi
    while read -r ui_package; do
        is_installed "$ui_package" && continue
        forget_line "$home/installed" "$ui_package"
        while read -r ui_owner ui_kind ui_what; do
            if [ "$ui_owner" = "$ui_package" ]; then remove_residue "$ui_kind" "$ui_what" "$2/foreign"; fi
        done <"$run/residue"
    done <"$2/new"
    while read -r ui_foreign; do forget_line "$home/foreign" "$ui_foreign"; done <"$2/foreign"
    # Versions that were replaced come back where a source still has them.
    comm -13 "$2/now" "$2/packages" | awk '{ print $1 "=" $2 }' >"$2/older"
    if [ -s "$2/older" ]; then
        set --
        while IFS= read -r ui_name; do set -- "$@" "$ui_name"; done <"$2/older"
        apt install --no-install-recommends --allow-downgrades --allow-change-held-packages \
            -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@" || ui_result=1
    fi
    allow_starts || ui_result=1
    return $ui_result
}

purge_listed() {
    purge_list=$1
    set --
    while IFS= read -r purge_name; do set -- "$@" "$purge_name"; done <"$purge_list"
    [ $# -eq 0 ] || apt purge --allow-change-held-packages "$@" && return 0
    # apt refuses packages that were killed half way through their unpacking; dpkg can be told that they go.
    plainly dpkg --force-remove-reinstreq --purge "$@" </dev/null
}

# A package that was killed while it was unpacked has files on disk that no list knows yet: only unpacking it again
# makes it removable without a trace.
finish_unpacking() {
    set --
    for half in $(dpkg-query -W -f '${db:Status-Abbrev}:${Package}\n' | sed -n 's/^..R *://p'); do
        set -- "$@" "$half"
    done
    [ $# -eq 0 ] || apt install --reinstall --no-install-recommends --allow-change-held-packages \
        -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@"
}

is_installed() {
    [ -n "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -v '^un')" ]
}

remove_residue() {
    if [ -f "$3" ] && grep -qxF -e "$1 $2" "$3"; then
        if [ "$1" = path ] && [ "$purpose" = remove ]; then event "spared $2"; fi
        return 0
    fi
    case $1 in
    path) rm -rf --one-file-system -- "$2" ;;
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
    is_installed "$res_package" && { echo "$res_package is still there"; return 1; }
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
    purge_listed "$run/purge"
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

do_hold() {
    apt-mark showhold | sort -u >"$run/held"
    mkdir -p "$run/kept/$1"
    if [ "$(field "$2/hold")" = hold ]; then
        sort -u "$2/packages" | comm -23 - "$run/held" >"$run/kept/$1/packages"
        hold_verb=hold
    else
        # A package that is gone has no hold any more.
        sort -u "$2/packages" | comm -12 - "$run/held" >"$run/kept/$1/packages"
        hold_verb=unhold
    fi
    [ -s "$run/kept/$1/packages" ] || return $same
    cp "$2/hold" "$run/kept/$1/hold"
    journal "$1" hold
    mark_listed $hold_verb "$run/kept/$1/packages"
}

mark_listed() {
    mark_verb=$1
    mark_file=$2
    set --
    while IFS= read -r mark_name; do set -- "$@" "$mark_name"; done <"$mark_file"
    plainly apt-mark "$mark_verb" "$@"
}

undo_hold() {
    if [ "$(field "$2/hold")" = hold ]; then mark_listed unhold "$2/packages"; else mark_listed hold "$2/packages"; fi
}

# A keyring is taken only when it holds exactly the pinned key.
do_apt_key() {
    key_path=$(field "$2/path")
    key_url=$(field "$2/url")
    key_home=$run/gnupg
    mkdir -p "$key_home"
    if [ -n "$key_url" ]; then
        # apt's own downloader drops its rights and must be able to write.
        key_place=$(mktemp -d /tmp/anteroom-key.XXXXXX) || return 1
        chmod 0755 "$key_place"
        plainly /usr/lib/apt/apt-helper -o Acquire::Retries=1 -o Acquire::https::Timeout=20 \
            -o Acquire::http::Timeout=20 -o APT::Sandbox::User=root download-file "$key_url" "$key_place/key" </dev/null
        key_result=$?
        [ $key_result -eq 0 ] && cat "$key_place/key" >"$run/key"
        rm -rf "$key_place"
        [ $key_result -eq 0 ] || return 1
    else
        cat "$2/content" >"$run/key"
    fi
    key_seen=$(gpg --batch --homedir "$key_home" --show-keys --with-colons "$run/key" 2>"$run/key.err" |
        awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }')
    if [ "$key_seen" != "$(field "$2/fingerprint")" ]; then
        cat "$run/key.err"
        echo "expected exactly the key $(field "$2/fingerprint"), and found: ${key_seen:-none}"
        return 1
    fi
    if ! grep -q 'BEGIN PGP PUBLIC KEY BLOCK' "$run/key"; then
        gpg --batch --homedir "$key_home" --import "$run/key" && gpg --batch --homedir "$key_home" --export --armor >"$run/key.asc" || return 1
        mv -f "$run/key.asc" "$run/key"
    fi
    rm -rf "$key_home"
    keep_was "$run/kept/$1" "$key_path" || return 1
    journal "$1" apt_key
    make_parents "$key_path" "$run/kept/$1/parents" || return 1
    chown root:root "$run/key" && chmod 0644 "$run/key" && swap_in "$run/key" "$key_path"
}

undo_apt_key() {
    put_back "$2"
}

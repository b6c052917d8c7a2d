# apt: its lists, keys and holds, and the answers that packages ask debconf for.

# What is not signed by a known key is refused, whatever the host's own configuration of apt allows.
apt() {
    plainly apt-get -q -y -o Acquire::AllowInsecureRepositories=false -o Acquire::AllowWeakRepositories=false \
        -o Acquire::AllowDowngradeToInsecureRepositories=false -o APT::Get::AllowUnauthenticated=false -o DPkg::Lock::Timeout=60 -o Acquire::Retries=1 -o Acquire::http::Timeout=20 \
        -o Acquire::https::Timeout=20 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Others work on packages, too; the daily update does. apt itself waits for one of its locks, and dpkg, debconf and the
# other locks give up at once: so whatever finds a lock taken is tried again for a minute.
patiently() {
    pat_until=$(($(uptime_seconds) + 60))
    while :; do
        "$@" >"$out-patient" 2>&1 && { cat "$out-patient"; return 0; }
        pat_result=$?
        pat_lock=
        grep -qE 'Could not get lock|Unable to (lock|acquire)|locked by another process' "$out-patient" || break
        pat_lock=yes
        [ "$(uptime_seconds)" -lt $pat_until ] || break
        sleep 5
    done
    cat "$out-patient"
    [ -z "$pat_lock" ] || name_lock_holder
    return $pat_result
}

name_lock_holder() {
    because lock
    lock_pid=$(sed -n 's/.*held by process \([0-9]*\).*/\1/p; s/.*another process with pid \([0-9]*\).*/\1/p' "$out-patient" | tail -n 1)
    lock_name=
    if [ -n "$lock_pid" ]; then lock_name=": process $lock_pid, $(tr '\0' ' ' <"/proc/$lock_pid/cmdline" 2>/dev/null)"; fi
    echo "for a minute another program held a lock of apt, dpkg or debconf$lock_name"
}

# Without the error mode, a repository that is down or whose signature is wrong gives warnings and status 0 as long as
# older lists are there.
do_apt_update() {
    update_without=$2/without
    set --
    if [ -s "$update_without" ]; then
        # The lists of a source that is left out stay as they are.
        leave_out "$update_without" && set -- -o Dir::Etc::sourceparts="$run/sources" -o APT::Get::List-Cleanup=false || return 1
    fi
    patiently apt update -o APT::Update::Error-Mode=any "$@" >"$out-update" && { cat "$out-update"; return 0; }
    cat "$out-update"
    # What was wrong, not what apt concludes from it.
    grep -m 1 -E '^(E|Err|W): .*(Failed to fetch|signature|is not signed|Release file|changed its)' "$out-update" && because repository
    return 1
}

# The sources but for the files of a list.
leave_out() {
    rm -rf "$run/sources"
    mkdir "$run/sources" || return 1
    for left_in in /etc/apt/sources.list.d/*; do
        grep -qxF -e "$left_in" "$1" || [ ! -e "$left_in" ] || ln -s "$left_in" "$run/sources/" || return 1
    done
}

undo_apt_update() { :; }

# The answer where a package's question asks for a secret: debconf keeps answers where everybody may read them.
throwaway='<throwaway>'

do_preseed() {
    mkdir -p "$run/kept/$1" && record "$run/kept/$1/package" "$(field "$2/package")" || return 1
    # A package that is there has questions that were answered before.
    if is_known "$(field "$2/package")"; then keep_answer "$(field "$2/question")" "$run/kept/$1" || return 1; fi
    sync "$run/kept/$1"/* "$run/kept/$1"
    journal "$1" preseed || return 1
    # What the scripts write with it, files and accounts of the plan replace; if they did not, nobody would know it.
    pre_value=$(random_secret) || return 1
    while IFS= read -r pre_line; do
        case $pre_line in *"$throwaway") pre_line=${pre_line%"$throwaway"}$pre_value ;; esac
        printf '%s\n' "$pre_line"
    done <"$2/answer" >"$inputs/answer" || return 1
    fill "$inputs/answer" >"$inputs/filled" || return 1
    patiently plainly debconf-set-selections "$inputs/filled"
    pre_result=$?
    rm -f "$inputs/answer" "$inputs/filled"
    return $pre_result
}

undo_preseed() {
    if [ ! -f "$2/question" ]; then
        forget_answers "$(field "$2/package")" PURGE
    else
        up_question=$(field "$2/question")
        {
            if [ -f "$2/answer" ]; then printf 'SET %s %s\n' "$up_question" "$(field "$2/answer")"; else printf 'RESET %s\n' "$up_question"; fi
            printf 'FSET %s seen %s\n' "$up_question" "$(field "$2/seen")"
        } >"$out-answers"
        forget_answers "$(field "$2/package")" "$(cat "$out-answers")"
        rm -f "$out-answers"
    fi
}

# Debconf answers each line with a status and a text.
keep_answer() {
    command -v debconf-communicate >/dev/null || return 0
    printf 'GET %s\nFGET %s seen\n' "$1" "$1" | plainly debconf-communicate >"$out-answers" 2>/dev/null
    record "$2/question" "$1" || return 1
    if grep -q '^0 ' "$out-answers"; then
        record "$2/answer" "$(sed -n '1s/^0 //p' "$out-answers")" || return 1
    fi
    record "$2/seen" "$(sed -n '2s/^0 //p' "$out-answers" | grep -x true || echo false)"
    ka_result=$?
    rm -f "$out-answers"
    return $ka_result
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

do_hold() {
    dpkg-query -W -f '${db:Status-Want}\t${Package}\n' >"$out-want" && sed -n 's/^hold\t//p' "$out-want" | sort -u >"$run/held" || return 1
    mkdir -p "$run/kept/$1"
    if [ "$(field "$2/hold")" = hold ]; then
        sort -u "$2/packages" | comm -23 - "$run/held" >"$run/kept/$1/packages" || return 1
        hold_verb=hold
    else
        # A package that is gone has no hold any more.
        sort -u "$2/packages" | comm -12 - "$run/held" >"$run/kept/$1/packages" || return 1
        hold_verb=unhold
    fi
    [ -s "$run/kept/$1/packages" ] || return $same
    record "$run/kept/$1/hold" "$(field "$2/hold")" && sync "$run/kept/$1"/* "$run/kept/$1" || return 1
    journal "$1" hold || return 1
    mark_listed $hold_verb "$run/kept/$1/packages"
}

mark_listed() {
    mark_verb=$1
    mark_file=$2
    set --
    while IFS= read -r mark_name; do set -- "$@" "$mark_name"; done <"$mark_file"
    patiently plainly apt-mark "$mark_verb" "$@"
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
    journal "$1" apt_key || return 1
    make_parents "$key_path" "$run/kept/$1/parents" || return 1
    chown root:root "$run/key" && chmod 0644 "$run/key" && swap_in "$run/key" "$key_path"
}

undo_apt_key() {
    put_back "$2"
}

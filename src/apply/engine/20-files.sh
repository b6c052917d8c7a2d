# Files, folders and links; what the host makes for itself; our manifest.

# Nothing may have changed since the plan was made: otherwise the operator agreed to something else.
nothing_changed_since() {
    since_stale=
    for since_dir in "$run"/steps/*; do
        [ -f "$since_dir/before" ] || continue
        since_path=$(field "$since_dir/path")
        if [ "$(state "$since_path")" != "$(field "$since_dir/before")" ]; then
            event "stale ${since_dir##*/} $since_path"
            since_stale=yes
        fi
    done
    [ -z "$since_stale" ]
}

# Writes a group of files aside, with secrets, owners and modes, in the places they will have. `blame` names the step
# at fault when this fails.
stage_all() {
    rm -rf "$stage"
    mkdir -p "$stage" || return 1
    chmod 0755 "$stage"
    for blame in "$@"; do
        stage_one "$run/steps/$blame" || return 1
    done
}

stage_one() {
    st_path=$(field "$1/path")
    st_place=$stage$st_path
    stage_parents "$st_path" || return 1
    case $(field "$1/kind"):$(field "$1/type") in
    put:file)
        if grep -q '<secret:' "$1/content"; then fill "$1/content" >"$st_place"; else cat "$1/content" >"$st_place"; fi || return 1
        ;;
    put:dir)
        [ -d "$st_place" ] || mkdir -- "$st_place" || return 1
        ;;
    put:link)
        ln -s -- "$(field "$1/target")" "$st_place"
        return
        ;;
    delete:*)
        st_restore=$(field "$1/restore")
        if [ -n "$st_restore" ]; then
            [ -e "$st_restore" ] || [ -L "$st_restore" ] || return 0
            cp -a -- "$st_restore" "$st_place"
        else
            # This is how an overlay says that a lower layer's file is gone. A folder goes only when it is empty, which
            # it may become by what else is staged.
            if [ ! -d "$st_path" ] || [ -L "$st_path" ] || { [ ! -e "$st_place" ] && [ -z "$(ls -A -- "$st_path")" ]; }; then
                mknod "$st_place" c 0 0
            fi
        fi
        return
        ;;
    esac
    chown -- "$(field "$1/owner"):$(field "$1/group")" "$st_place" && chmod "$(field "$1/mode")" "$st_place"
}

# Folders above a staged path look as they do on the host, or programs under test could not enter them.
stage_parents() {
    sp_path=${1%/*}
    [ -n "$sp_path" ] && [ ! -d "$stage$sp_path" ] || return 0
    stage_parents "$sp_path" || return 1
    sp_path=${1%/*}
    mkdir -- "$stage$sp_path" || return 1
    if [ -d "$sp_path" ]; then like "$sp_path" "$stage$sp_path"; else chmod 0755 "$stage$sp_path"; fi
}

# Runs a check where it sees the staged files in their places, in a mount namespace of its own: nothing has taken
# effect yet. /var is covered folder by folder, since programs under test write their logs there.
with_stage() {
    unshare --mount --propagation private /bin/sh -c '
        stage=$1
        shift
        cover() {
            mount -t overlay overlay -o "lowerdir=$stage$1:$1" "$1" && return
            echo "the kernel cannot lay staged files over $1 (overlay), so nothing can be checked before it takes effect"
            exit 97
        }
        for top in etc usr opt root srv; do
            if [ -d "$stage/$top" ]; then cover "/$top"; fi
        done
        for place in "$stage"/var/*/*; do
            place=${place#"$stage"}
            if [ -d "$stage$place" ] && [ -d "$place" ]; then cover "$place"; fi
        done
        exec "$@"' sh "$stage" "$@"
}

do_check() {
    case $(field "$2/check") in
    nginx) with_stage nginx -t -q ;;
    prosody)
        with_stage /bin/sh -c '
            for file in /etc/prosody/prosody.cfg.lua /etc/prosody/conf.d/*.cfg.lua; do
                [ -f "$file" ] || continue
                if command -v luac5.4 >/dev/null; then luac5.4 -p "$file" || exit 1; fi
            done
            exec prosodyctl check config'
        ;;
    jicofo-hocon) with_stage hocon -f /etc/jitsi/jicofo/jicofo.conf get jicofo >/dev/null ;;
    videobridge-hocon) with_stage hocon -f /etc/jitsi/videobridge/jvb.conf get videobridge >/dev/null ;;
    sshd)
        mkdir -p -m 0755 /run/sshd
        with_stage sshd -t
        ;;
    nft) with_stage nft -c -f /etc/anteroom/firewall.nft ;;
    *) echo "unknown check"; return 1 ;;
    esac
}

# What stood here before us is kept until we go.
keep_for_good() {
    kg_place=$(field "$1/keep")
    [ -n "$kg_place" ] || return 0
    # What is kept already is what was there first. A folder may be there only for what is kept in it.
    if [ -d "$2" ] && [ ! -L "$2" ] && [ -d "$kg_place" ] && [ "$(stat -c '%u %g %a' "$kg_place")" = '0 0 700' ]; then
        like "$2" "$kg_place"
        return
    fi
    if [ -e "$kg_place" ] || [ -L "$kg_place" ]; then return 0; fi
    record "$3/kept" "$kg_place" && sync "$3/kept" && mkdir -p -- "${kg_place%/*}" || return 1
    if [ -d "$2" ] && [ ! -L "$2" ]; then
        mkdir -- "$kg_place" && like "$2" "$kg_place" || return 1
    elif [ -e "$2" ] || [ -L "$2" ]; then
        # Half a copy must not pass for what was there.
        rm -rf -- "$kg_place.anteroom-copy"
        cp -a -- "$2" "$kg_place.anteroom-copy" || return 1
        [ -L "$kg_place.anteroom-copy" ] || sync "$kg_place.anteroom-copy"
        mv -fT -- "$kg_place.anteroom-copy" "$kg_place" || return 1
    fi
    sync "${kg_place%/*}"
}

as_staged() {
    if [ -L "$1" ] || [ -L "$2" ]; then
        [ -L "$1" ] && [ -L "$2" ] && [ "$(readlink -- "$1")" = "$(readlink -- "$2")" ]
        return
    fi
    [ -e "$2" ] && [ "$(find "$1" -maxdepth 0 -printf '%y %U %G %m')" = "$(find "$2" -maxdepth 0 -printf '%y %U %G %m')" ] || return 1
    [ -d "$1" ] || cmp -s -- "$1" "$2"
}

do_put() {
    put_path=$(field "$2/path")
    put_kept=$run/kept/$1
    mkdir -p "$put_kept"
    if as_staged "$stage$put_path" "$put_path"; then
        if [ -n "$(field "$2/keep")" ]; then
            record "$put_kept/path" "$put_path" && journal "$1" put || return 1
            keep_for_good "$2" "$put_path" "$put_kept" || return 1
        fi
        return $same
    fi
    keep_was "$put_kept" "$put_path" || return 1
    journal "$1" put || return 1
    keep_for_good "$2" "$put_path" "$put_kept" || return 1
    make_parents "$put_path" "$put_kept/parents" || return 1
    case $put_path in /etc/systemd/system/*) : >"$out-reload" ;; esac
    if [ -d "$stage$put_path" ] && [ ! -L "$stage$put_path" ]; then
        if [ -L "$put_path" ] || [ ! -d "$put_path" ]; then
            rm -f -- "$put_path"
            mkdir -- "$put_path" || return 1
        fi
        like "$stage$put_path" "$put_path"
        return
    fi
    # Readers compare a file's time with their own start: what counts is when it took effect, not when it was staged.
    touch -h -- "$stage$put_path"
    swap_in "$stage$put_path" "$put_path"
}

undo_put() {
    case $(field "$2/path") in /etc/systemd/system/*) : >"$out-reload" ;; esac
    put_back "$2"
}

do_delete() {
    del_path=$(field "$2/path")
    del_restore=$(field "$2/restore")
    del_kept=$run/kept/$1
    if [ -z "$del_restore" ] && [ ! -e "$del_path" ] && [ ! -L "$del_path" ]; then
        # A removal that was cut short here may have left it among the roots.
        del_root=/etc/ssl/certs/$(basename "$del_path" .crt).pem
        case $del_path in /usr/local/share/ca-certificates/*) if [ -L "$del_root" ]; then trust_again --fresh || return 1; fi ;; esac
        return $same
    fi
    if [ "$purpose" = build ]; then
        keep_was "$del_kept" "$del_path" || return 1
        journal "$1" delete || return 1
        keep_for_good "$2" "$del_path" "$del_kept" || return 1
    fi
    case $del_path in /etc/systemd/system/*) : >"$out-reload" ;; esac
    if [ -z "$del_restore" ] || { [ ! -e "$del_restore" ] && [ ! -L "$del_restore" ]; }; then
        take_away "$del_path" || return 1
        if [ "$purpose" = remove ]; then bare_parents "$del_path"; fi
    elif [ -d "$del_restore" ] && [ ! -L "$del_restore" ]; then
        if [ -d "$del_path" ] || mkdir -p -- "$del_path"; then like "$del_restore" "$del_path"; fi
    else
        make_parents "$del_path" /dev/null && swap_in "$del_restore" "$del_path" || return 1
    fi || return 1
    case $del_path in /usr/local/share/ca-certificates/*) trust_again --fresh ;; esac
}

undo_delete() {
    undo_put "$1" "$2" && case $(field "$2/path") in /usr/local/share/ca-certificates/*) trust_again --fresh ;; esac
}

# Folders that were made only to hold something of ours go with the last thing in them.
bare_parents() {
    [ -f "$home/parents" ] || return 0
    bare=${1%/*}
    while [ -n "$bare" ] && grep -qxF -e "$bare" "$home/parents"; do
        rmdir -- "$bare" 2>/dev/null || return 0
        forget_line "$home/parents" "$bare"
        bare=${bare%/*}
    done
}

do_manifest() {
    man_kept=$run/kept/$1
    if [ "$purpose" = remove ]; then nothing_failed || return 1; fi
    if [ "$purpose" = build ]; then
        keep_was "$man_kept" "$manifest" || return 1
        journal "$1" manifest || return 1
    fi
    make_parents "$manifest" "$man_kept/parents" || return 1
    if [ "$purpose" = remove ]; then
        cat "$2/content" >"$run/manifest"
    else
        with_packages "$2/content" >"$run/manifest"
    fi || return 1
    chmod 0644 "$run/manifest"
    swap_in "$run/manifest" "$manifest"
}

# What could not be undone is taken down by it.
undo_manifest() {
    [ -z "$undo_failed" ] || { echo "the manifest stays, since not everything could be undone"; return 1; }
    put_back "$2"
}

# The plan knows the packages it asked for; dpkg knows which others came along. Both are ours.
with_packages() {
    awk -v also="$home/installed" '
        BEGIN { while ((getline line < also) > 0) if (line != "") all[line] = 1 }
        /^  "packages": \[\],?$/ { list(); print (($0 ~ /,$/) ? "," : ""); inside = 0; next }
        /^  "packages": \[$/ { inside = 1; next }
        inside && /^  \],?$/ { list(); print (($0 ~ /,$/) ? "," : ""); inside = 0; next }
        inside { name = $1; gsub(/[",]/, "", name); all[name] = 1; next }
        { print }
        function list(   n, i, j, held, sorted) {
            n = 0
            for (held in all) {
                j = ++n
                while (j > 1 && sorted[j - 1] > held) { sorted[j] = sorted[j - 1]; j-- }
                sorted[j] = held
            }
            if (n == 0) { printf "  \"packages\": []"; return }
            print "  \"packages\": ["
            for (i = 1; i <= n; i++) print "    \"" sorted[i] "\"" (i < n ? "," : "")
            printf "  ]"
        }' "$1"
}

do_secret() {
    sec_name=$(field "$2/name")
    keep_was "$run/kept/$1" "$secrets" || return 1
    journal "$1" secret || return 1
    make_parents "$secrets" "$run/kept/$1/parents" || return 1
    sec_new=$inputs/secrets.new
    : >"$sec_new" && chmod 0600 "$sec_new" || return 1
    if [ -f "$secrets" ]; then
        awk -v name="$sec_name" 'index($0, name "=") != 1' "$secrets" >"$sec_new" || return 1
    fi
    sec_value=$(random_secret) || return 1
    # The shell's own printf: no process shows the value.
    printf '%s=%s\n' "$sec_name" "$sec_value" >>"$sec_new" || return 1
    sec_value=
    swap_in "$sec_new" "$secrets" && cmp -s -- "$sec_new" "$secrets" || { echo "the secret was not stored"; return 1; }
    rm -f "$sec_new"
}

# 256 bit in hexadecimal, or nothing and a bad status: a pipe would swallow the status of the program that read them.
random_secret() {
    random_value=$(od -An -v -tx1 -N 32 /dev/urandom) || return 1
    random_value=$(printf '%s' "$random_value" | tr -d ' \n')
    case $random_value in *[!0-9a-f]*) random_value= ;; esac
    [ ${#random_value} -eq 64 ] || { echo "the host's random numbers cannot be read" >&2; return 1; }
    printf '%s' "$random_value"
}

undo_secret() {
    put_back "$2"
}

# What a removal could not take away must stay written down, with what stood there before, for the next one.
nothing_failed() {
    [ $carry_result -eq 0 ] || { echo "not everything could be removed, so it is kept in mind for the next run"; return 1; }
}

# What was kept of paths that the manifest no longer names. Until then it is all that a removal cut short can restore.
drop_unnamed() {
    [ -d "$home/before" ] || return 0
    find "$home/before" -depth | while IFS= read -r kept_path; do
        grep -qsF "\"$kept_path\"" "$manifest" && continue
        if [ -d "$kept_path" ] && [ ! -L "$kept_path" ]; then rmdir -- "$kept_path" 2>/dev/null; else rm -f -- "$kept_path"; fi
    done
}

do_forget() {
    nothing_failed || return 1
    rm -f -- "$secrets"
    if [ -f "$home/closed" ]; then
        while read -r for_unit; do systemctl unmask --quiet -- "$for_unit"; done <"$home/closed"
    fi
    rm -rf -- "$home/installed" "$home/foreign" "$home/closed" "$home/run"
    if [ "$(field "$2/extent")" = all ]; then
        rm -f -- "$manifest"
        # A run that was killed between the last thing in a folder and the folder left the folder.
        if [ -f "$home/parents" ]; then sort -r "$home/parents" | xargs -r -d '\n' rmdir -- 2>/dev/null; fi
        rm -rf -- "$home/before" "$home/parents"
        rmdir -- /etc/anteroom "$home" 2>/dev/null
        [ ! -d /etc/anteroom ] || { echo "/etc/anteroom holds something that is not ours"; return 1; }
    else
        drop_unnamed
    fi
    return 0
}

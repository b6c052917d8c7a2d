# The journal: what a run is about to do is written down, with what it replaces, before it does it.

# journal STEP KIND; what cannot be written down must not be done.
journal() {
    printf '%s %s\n' "$1" "$2" >>"$run/journal" && sync "$run/journal"
}

# Remembers what is at a path in a folder of the journal, so that `put_back` can restore it.
keep_was() {
    mkdir -p "$1" && record "$1/path" "$2" || return 1
    if [ -L "$2" ] || [ -f "$2" ]; then
        cp -a -- "$2" "$1/was" || return 1
        [ -L "$1/was" ] || sync "$1/was"
    elif [ -d "$2" ]; then
        mkdir "$1/folder" && like "$2" "$1/folder" || return 1
    elif [ -e "$2" ]; then
        echo "$2 is neither a file, a folder nor a link"
        return 1
    else
        record "$1/absent" "" || return 1
    fi
    sync "$1"/* "$1" 2>/dev/null || sync "$1"
}

# Restores what `keep_was` remembered. Gone already is success.
put_back() {
    [ -f "$1/path" ] || return 0
    back_path=$(field "$1/path")
    sweep_copies "$back_path"
    if [ -e "$1/absent" ]; then
        take_away "$back_path"
    elif [ -d "$1/folder" ]; then
        if [ -L "$back_path" ] || [ ! -d "$back_path" ]; then
            rm -f -- "$back_path"
            mkdir -p -- "$back_path" || return 1
        fi
        like "$1/folder" "$back_path"
    elif as_staged "$1/was" "$back_path"; then
        # It was never replaced: a disk that is full has no room for one more copy of it.
        :
    elif [ -e "$1/was" ] || [ -L "$1/was" ]; then
        swap_place "$back_path"
        [ -n "$swap_user" ] || make_parents "$back_path" /dev/null
        swap_in "$1/was" "$back_path"
    fi || return 1
    if [ -f "$1/parents" ]; then
        tac "$1/parents" | while IFS= read -r back_parent; do
            rmdir -- "$back_parent" 2>/dev/null
            forget_line "$home/parents" "$back_parent"
        done
    fi
    return 0
}

# Removes what was kept for good, or half kept, and the folders that were made for nothing else.
drop_kept() {
    rm -rf -- "$1" "$1.anteroom-copy"
    drop_dir=${1%/*}
    while [ "${drop_dir#"$home/"}" != "$drop_dir" ]; do
        rmdir -- "$drop_dir" 2>/dev/null || return 0
        drop_dir=${drop_dir%/*}
    done
}

# Owner, group and mode of $1 for $2.
like() {
    chown -h --reference="$1" -- "$2" && chmod --reference="$1" -- "$2"
}

# Removes a file, a link, or a folder that holds nothing of anybody else's.
take_away() {
    swap_place "$1"
    if [ -n "$swap_user" ]; then
        as_user "$swap_user" rm -f -- "$1"
    elif [ -L "$1" ] || [ -f "$1" ]; then
        rm -f -- "$1"
    elif [ -d "$1" ]; then
        rmdir -- "$1"
    elif [ -e "$1" ]; then
        echo "$1 is neither a file, a folder nor a link"
        return 1
    fi
}

# Puts a copy of $1 at $2 in one step, so that no reader ever finds half a file or none. Root never writes by a name
# that another user could have turned into a link: the copy is made in a folder of root's and only moved, which follows
# no link; where more than the last folder is in another user's hands, it is that user who writes.
swap_in() {
    swap_place "$2"
    if [ -n "$swap_user" ]; then
        write_as "$swap_user" "$1" "$2"
        return
    fi
    sweep_copies "$2"
    swap_temp=$(mktemp -d -- "$swap_dir/.anteroom-$id.XXXXXX") || return 1
    cp -a -- "$1" "$swap_temp/file" || { rm -rf -- "$swap_temp"; return 1; }
    [ -L "$swap_temp/file" ] || sync "$swap_temp/file"
    if [ -d "$2" ] && [ ! -L "$2" ]; then
        rmdir -- "$2" || { rm -rf -- "$swap_temp"; return 1; }
    fi
    mv -fT -- "$swap_temp/file" "$2" || { rm -rf -- "$swap_temp"; return 1; }
    rmdir -- "$swap_temp"
    sync "${2%/*}/"
}

# Copies that a killed run left on their way to a path: whoever runs this holds the lock. A folder that was made for the
# path could not be removed with one in it.
sweep_copies() {
    swap_place "$1"
    if [ -n "$swap_user" ]; then
        as_user "$swap_user" /bin/sh -c 'rm -f -- "$1"/.anteroom-??????????' sh "${1%/*}"
    else
        rm -rf -- "$swap_dir"/.anteroom-????????????????.??????
    fi
}

# Who has folders in hand, a line each: a user by number, or `root`. Whoever may write to one counts as having it, too.
holders_of() {
    holder_seen=$(stat -L -c '%u %A' -- "$@") || { printf 'nobody%.0s\n' "$@"; return; }
    while IFS= read -r holder_line; do
        holder_link=0
        [ ! -L "$1" ] || holder_link=$(stat -c %u -- "$1") || holder_link=nobody
        shift
        case "$holder_link $holder_line" in
        '0 0 d'???????[!w]?) echo root ;;
        # Others' files are safe in a folder with the sticky bit; ours has a name that nobody can foresee.
        '0 0 d'????????[tT]) echo root ;;
        '0 0 '*) echo 65534 ;;
        '0 '*) echo "${holder_line%% *}" ;;
        *) echo "$holder_link" ;;
        esac
    done <<END
$holder_seen
END
}

# Where a copy for a path is made ($swap_dir), or by whom ($swap_user).
swap_place() {
    swap_user=
    swap_dir=${1%/*}
    # From the folder itself up.
    set --
    swap_above=$swap_dir
    while [ -n "$swap_above" ]; do
        [ ! -e "$swap_above" ] || set -- "$@" "$swap_above"
        swap_above=${swap_above%/*}
    done
    [ $# -gt 0 ] || return 0
    swap_holder=
    swap_dir_holder=root
    swap_at=$1
    while read -r swap_holder; do
        if [ "$swap_at" = "$swap_dir" ]; then
            swap_dir_holder=$swap_holder
        elif [ "$swap_holder" != root ]; then
            swap_user=$swap_holder
            return
        fi
        swap_at=
    done <<END
$(holders_of "$@")
END
    [ "$swap_dir_holder" != root ] || return 0
    if [ "$(stat -c %d -- "$swap_dir")" = "$(stat -c %d -- "${swap_dir%/*}/")" ]; then
        swap_dir=${swap_dir%/*}
    else
        swap_user=$swap_dir_holder
    fi
}

# write_as UID FROM TO: the copy belongs to that user, as everything in that folder does.
write_as() {
    if [ -L "$2" ]; then
        as_user "$1" ln -sfnT -- "$(readlink -- "$2")" "$3"
        return
    fi
    as_user "$1" /bin/sh -c '
        umask 077
        mkdir -p -- "${2%/*}" && temp=$(mktemp -- "${2%/*}/.anteroom-XXXXXXXXXX") || exit 1
        if cat >"$temp" && chmod "$1" "$temp" && sync "$temp" && mv -fT -- "$temp" "$2"; then exit 0; fi
        rm -f -- "$temp"
        exit 1' sh "$(stat -c %a -- "$2")" "$3" <"$2"
}

as_user() (
    as_uid=$1
    shift
    as_gid=$(id -g -- "$as_uid") || exit 1
    exec setpriv --reuid="$as_uid" --regid="$as_gid" --clear-groups -- "$@"
)

# Makes the folders above a path and writes down which were not there.
make_parents() {
    parent=${1%/*}
    [ -n "$parent" ] && [ ! -d "$parent" ] || return 0
    make_parents "$parent" "$2" || return 1
    parent=${1%/*}
    # Written down first: what is removed although it is not there does no harm.
    # And for the undo before the lasting list, so that no loss of power leaves a line there, or a list, that no undo
    # knows of.
    if [ "$2" != /dev/null ]; then
        printf '%s\n' "$parent" >>"$2" && sync "$2" &&
            printf '%s\n' "$parent" >>"$home/parents" && sync "$home/parents" || return 1
    fi
    mkdir -m 0755 -- "$parent"
}

# Takes a line out of a list of ours; a list without lines goes too.
forget_line() {
    [ -f "$1" ] || return 0
    if grep -vxF -e "$2" "$1" >"$1.new"; then sync "$1.new" && mv -f "$1.new" "$1"; else rm -f "$1.new" "$1"; fi
}

# Adds the lines of $2 to the sorted list $1.
note_lines() {
    [ -s "$2" ] || return 0
    touch "$1"
    sort -u "$1" "$2" >"$1.new" && sync "$1.new" && mv -f "$1.new" "$1"
}

# The journal from its last line to its first, in memory: a disk that is full must not make it look empty.
journal_back() {
    # A line without an end was never acted upon.
    if ends_whole "$run/journal"; then cat "$run/journal"; else sed '$d' "$run/journal"; fi >"$out-journal" &&
        tac "$out-journal" >"$out-back"
}

# Undoes a whole run, last change first; then services that ran before take in what is back. What cannot be undone is
# reported and kept, and the rest goes on. The dead man's switch stays on until the change that armed it is undone.
undo_run() {
    undo_failed=
    use_reserve
    if [ ! -s "$run/journal" ]; then
        stop_timer
    elif ! journal_back; then
        event "left nothing was undone, since the journal of the run cannot be read"
        undo_failed=yes
    else
        while read -r undo_step undo_kind <&3; do
            event "undo $undo_step begin"
            if "undo_$undo_kind" "$undo_step" "$run/kept/$undo_step" >"$out" 2>&1 9>&-; then
                event "undo $undo_step ok"
            else
                tell "undo $undo_step" "$out"
                event "undo $undo_step fail"
                undo_failed=yes
            fi
        done 3<"$out-back"
        if [ -z "$undo_failed" ]; then
            if [ "$mode" = boot ]; then open_again; else open_leftovers; fi
        fi
        revive_units || undo_failed=yes
    fi
    # A manifest that stays names what was kept.
    if [ -z "$undo_failed" ]; then
        for undo_kept in "$run"/kept/*/kept; do
            if [ -f "$undo_kept" ]; then drop_kept "$(field "$undo_kept")"; fi
        done
    fi
    rm -rf "$stage" "$confirmed"
    [ -z "$undo_failed" ] || { keep_closed; return 1; }
}

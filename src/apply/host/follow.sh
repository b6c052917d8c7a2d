# Prints the events of a run after the first $seen, each behind "| ", and ends with the run. Ends at a question, too:
# the answer must come over another connection.
set -u
[ -f "$run/events" ] || { echo "there is no run $id" >&2; exit 3; }

running() {
    # A unit that does its work before it counts as started is "activating"; one that boot has yet to start has a job.
    systemctl show -p ActiveState -p Job --value -- "anteroom-apply-$id.service" anteroom-rollback.timer \
        anteroom-rollback.service anteroom-recover.service | grep -qxE 'active|activating|reloading|deactivating|[1-9][0-9]*'
}

beat=0
alive=yes
while :; do
    new=$(tail -n "+$((seen + 1))" "$run/events" | sed '/^confirm?/q;/^end /q')
    if [ -n "$new" ]; then
        printf '%s\n' "$new" | sed 's/^/| /'
        seen=$((seen + $(printf '%s\n' "$new" | wc -l)))
        case $(printf '%s\n' "$new" | tail -n 1) in 'confirm?'* | 'end '*) exit 0 ;; esac
        continue
    fi
    [ -n "$alive" ] || exit 0
    sleep 0.4
    beat=$((beat + 1))
    # Asked now and then, and always before one more look: whatever a dying engine wrote last is still read.
    if [ $((beat % 5)) -eq 0 ] && ! running; then alive=; fi
    # A line without meaning, so that silence means a lost connection.
    if [ $beat -ge 25 ]; then echo; beat=0; fi
done

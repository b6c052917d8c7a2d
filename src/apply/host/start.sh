# Takes the bundle from standard input into root-only folders and starts the engine as a unit of its own, so that it
# lives on when this connection does not. What the steps bring along may hold passwords: it stays in memory.
set -eu
# It was sent before, and only the answer got lost.
[ ! -e "$run/events" ] || exit 0
umask 077
inputs=/run/anteroom/inputs-$id
upload=/run/anteroom/inputs-$id.$$
mkdir -p /run/anteroom "${run%/*}"
mkdir "$upload"
tar -x -f - -C "$upload" --no-same-owner
# A connection that broke may still be sending it: the first that arrives whole starts it.
if ! mv -T "$upload" "$inputs" 2>/dev/null; then
    rm -rf "$upload"
    for wait in 1 2 3 4 5 6 7 8 9 10; do
        [ ! -e "$run/events" ] || exit 0
        sleep 0.5
    done
    echo "the plan was sent twice, and neither was started; run this again" >&2
    exit 1
fi
mkdir "$run"
for part in engine.sh purpose who verb residue units; do mv "$inputs/$part" "$run/$part"; done
for part in order mask steps; do ln -s "$inputs/$part" "$run/$part"; done
: >"$run/events"
sync "$run"/* 2>/dev/null || :
systemd-run --quiet --collect --unit="anteroom-apply-$id" --service-type=exec \
    --description="anteroom carries a plan out" /bin/sh "$run/engine.sh" run "$run"

# Takes the bundle from standard input into root-only folders and starts the engine as a unit of its own, so that it
# lives on when this connection does not. What the steps bring along may hold passwords: it stays in memory.
set -eu
umask 077
inputs=/run/anteroom/inputs-$id
mkdir -p /run/anteroom "${run%/*}"
mkdir "$inputs"
tar -x -f - -C "$inputs" --no-same-owner
mkdir "$run"
for part in engine.sh purpose who verb residue units; do mv "$inputs/$part" "$run/$part"; done
for part in order mask steps; do ln -s "$inputs/$part" "$run/$part"; done
: >"$run/events"
sync "$run"/* 2>/dev/null || :
systemd-run --quiet --collect --unit="anteroom-apply-$id" --service-type=exec \
    --description="anteroom carries a plan out" /bin/sh "$run/engine.sh" run "$run"

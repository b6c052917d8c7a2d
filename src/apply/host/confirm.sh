# Says that a new connection was made.
set -u
[ ! -e "$run/end" ] || { echo "the run is over already" >&2; exit 3; }
: >"/run/anteroom/confirmed-$id"

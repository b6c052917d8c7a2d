# Says that a new connection was made.
set -u
: >"/run/anteroom/confirmed-$id"

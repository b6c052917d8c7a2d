# What the doubles share: where they keep things.
packages=/var/lib/double/packages
holds=/var/lib/double/holds
active=/run/double/active
transient=/run/double/transient

# First line of a file in $value.
first() {
    value=
    [ -f "$1" ] && IFS= read -r value <"$1"
    :
}

# Whether a transient unit's process lives.
lives() {
    first "$transient/$1"
    [ -n "$value" ] && kill -0 "$value" 2>/dev/null
}

#!/bin/sh
# Serves a repository built by build.sh over plain HTTP; its signature is what protects it.
# usage: serve.sh OUTDIR ADDRESS PORT
set -eu
[ $# -eq 3 ] || { echo "usage: $0 OUTDIR ADDRESS PORT" >&2; exit 2; }
exec python3 -m http.server --bind "$2" --directory "$1/repo" "$3"

# A frame is a line `section NAME STATUS OUTBYTES ERRBYTES`, the command's output, its errors, and a line end. The last
# line is `end COUNT`; without it the answer was cut. Status 44 says that what was looked for does not exist.
absent=44
count=0
section() {
    name=$1
    shift
    "$@" >"$T/out" 2>"$T/err"
    status=$?
    # Word splitting makes two numbers of the answer.
    set -- $(stat -c %s "$T/out" "$T/err")
    printf 'section %s %s %s %s\n' "$name" "$status" "$1" "$2"
    cat "$T/out" "$T/err"
    echo
    count=$((count + 1))
}

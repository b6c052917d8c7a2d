#!/bin/bash
# Test double of the start script of jicofo: same variables, same default file, 64 MB instead of 3 GB.
case $JAVA_SYS_PROPS in
    *-Dconfig.file=*) ;;
    *)
        [ -f /etc/jitsi/jicofo/jicofo.conf ] || { echo "no /etc/jitsi/jicofo/jicofo.conf and no -Dconfig.file"; exit 2; }
        JAVA_SYS_PROPS="$JAVA_SYS_PROPS -Dconfig.file=/etc/jitsi/jicofo/jicofo.conf"
        ;;
esac
here=$(dirname "$(readlink -f "$0")")
exec java -Xmx"${JICOFO_MAX_MEMORY:-64m}" -XX:+UseSerialGC -Xss512k -XX:TieredStopAtLevel=1 \
    -XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=/tmp $JAVA_SYS_PROPS \
    -cp "$here/jicofo.jar" anteroom.doubles.Focus "$@"

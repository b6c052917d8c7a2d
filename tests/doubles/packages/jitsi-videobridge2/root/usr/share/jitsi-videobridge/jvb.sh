#!/bin/bash
# Test double of the bridge's start script: same variables, same jar, 64 MB instead of 3 GB.
here=$(dirname "$(readlink -f "$0")")
[ -f "$here/lib/videobridge.rc" ] && . "$here/lib/videobridge.rc"
exec java -Xmx"${VIDEOBRIDGE_MAX_MEMORY:-64m}" -XX:+Use"${VIDEOBRIDGE_GC_TYPE:-SerialGC}" -Xss512k -XX:TieredStopAtLevel=1 \
    -XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=/tmp $JAVA_SYS_PROPS \
    -cp "$here/jitsi-videobridge.jar:$here/lib/bctls.jar:$here/lib/bcutil.jar:$here/lib/bcprov.jar" anteroom.doubles.Bridge "$@"

#!/bin/sh
# Finishes a base image before it is put in place. mmdebstrap calls it with the image's folder; /dev, /proc and a
# resolver are there.
#
# From the environment:
#   STAGE       folder with what goes into the image: settings (apt's), auth.conf, auth.conf.d, keyrings/, certificates/
#   DOWNLOADS   packages to fetch without installing them, separated by blanks
set -eu
root=$1

# The packages that are installed already need not be kept.
rm -f "$root"/var/cache/apt/archives/*.deb
# mmdebstrap's own settings (no recommended packages, no fsync) are for building, not for a host.
rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
# mmdebstrap numbers the list it was given; the installer calls it this.
mv "$root"/etc/apt/sources.list.d/*sources.list "$root"/etc/apt/sources.list
cp -r "$STAGE"/etc/. "$root"/etc/
# As Debian's installer leaves it; without the file every login logs a complaint.
echo 'LANG=C.UTF-8' >"$root"/etc/default/locale
cp -r "$STAGE"/usr/. "$root"/usr/
if [ -n "$(ls "$root"/usr/local/share/ca-certificates)" ]; then
    chroot "$root" update-ca-certificates >/dev/null
fi
if [ -n "$DOWNLOADS" ]; then
    # shellcheck disable=SC2086 # The names are separated by blanks on purpose.
    chroot "$root" apt-get -y -q --no-install-recommends --download-only install $DOWNLOADS
fi
# A lab host has its machine's clock and may not set it, so chrony would not start there. Only here, and never on a real
# host, it runs without touching the clock.
mkdir -p "$root"/usr/lib/systemd/system/chrony.service.d
cat >"$root"/usr/lib/systemd/system/chrony.service.d/lab.conf <<'EOF'
[Unit]
ConditionCapability=
[Service]
ExecStart=
ExecStart=!/usr/sbin/chronyd $DAEMON_OPTS -x
EOF
# Each host makes keys and an identity of its own.
rm -f "$root"/etc/ssh/ssh_host_*
rm -f "$root"/var/lib/dbus/machine-id

#!/bin/bash
# Builds the test doubles of Jitsi's packages and a signed apt repository of them.
# Real: Debian packages, a flat "stable/" suite as upstream's, InRelease and Release.gpg by an ed25519 key that
#       is made here and used for nothing else. Not: upstream's key; the origin says what this is.
#
# usage: build.sh OUTDIR [--sign-with-new-key] [--revision N]
#   OUTDIR/repo         what to serve: deb [signed-by=...] http://HOST:PORT stable/
#   OUTDIR/key.asc      the public key; OUTDIR/fingerprint its fingerprint
#   OUTDIR/gnupg        the secret key, kept between runs unless a new one is asked for
#   --revision N        Debian revision of the packages (1); earlier ones stay in the repository
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out= new_key=false revision=1
while [ $# -gt 0 ]; do
    case $1 in
        --sign-with-new-key) new_key=true ;;
        --revision) revision=${2:?a number is missing}; shift ;;
        -*) echo "unknown option $1" >&2; exit 2 ;;
        *) out=$1 ;;
    esac
    shift
done
[ -n "$out" ] || { sed -n '5s/^# //p' "$0" >&2; exit 2; }
case $revision in '' | *[!0-9]*) echo "--revision takes a number" >&2; exit 2 ;; esac

missing=
for pair in javac:openjdk-17-jdk-headless jar:openjdk-17-jdk-headless dpkg-deb:dpkg apt-ftparchive:apt-utils gpg:gnupg gpgconf:gnupg; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair%%:*} (Debian package ${pair#*:})"
done
# DTLS in Java, as the real bridge has it.
java=/usr/share/java
for pair in bctls:libbctls-java bcutil:libbcutil-java bcprov:libbcprov-java; do
    [ -f "$java/${pair%%:*}.jar" ] || missing="$missing ${pair%%:*}.jar (Debian package ${pair#*:})"
done
[ -z "$missing" ] || { echo "build.sh needs:$missing" >&2; exit 3; }

mkdir -p "$out/repo/stable"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'GNUPGHOME=$work/key gpgconf --kill all 2>/dev/null || true; rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=1767225600 LC_ALL=C TZ=UTC
umask 022

mkdir "$work/classes"
javac --release 17 -Xlint:all,-serial,-path -Werror -cp "$java/bctls.jar:$java/bcutil.jar:$java/bcprov.jar" -d "$work/classes" "$here"/java/anteroom/doubles/*.java
jar --create --file "$work/doubles.jar" --date=2026-01-01T00:00:00Z -C "$work/classes" .

for package in jitsi-videobridge2 jicofo jitsi-meet-web jitsi-meet-prosody; do
    from=$here/packages/$package tree=$work/$package
    cp -R "$from/root" "$tree"
    mkdir "$tree/DEBIAN"
    sed "s/@REVISION@/$revision/" "$from/control" > "$tree/DEBIAN/control"
    for part in templates triggers conffiles config postinst prerm postrm; do
        [ -f "$from/$part" ] && cp "$from/$part" "$tree/DEBIAN/$part"
    done
    case $package in
        jitsi-videobridge2)
            cp "$work/doubles.jar" "$tree/usr/share/jitsi-videobridge/jitsi-videobridge.jar"
            cp -L "$java/bctls.jar" "$java/bcutil.jar" "$java/bcprov.jar" "$tree/usr/share/jitsi-videobridge/lib/"
            ;;
        jicofo) cp "$work/doubles.jar" "$tree/usr/share/jicofo/jicofo.jar" ;;
        jitsi-meet-prosody) mkdir -p "$tree/usr/share/jitsi-meet" && cp -R "$here/prosody-plugins" "$tree/usr/share/jitsi-meet/prosody-plugins" ;;
    esac
    mkdir -p "$tree/usr/share/doc/$package"
    echo "Test double made for Anteroom; contains no code of the package it stands for." > "$tree/usr/share/doc/$package/copyright"
    find "$tree" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +
    for script in "$tree"/DEBIAN/{config,postinst,prerm,postrm} "$tree"/etc/init.d/* "$tree"/usr/share/*/*.sh; do
        [ -f "$script" ] && chmod 755 "$script"
    done
    version=$(sed -n 's/^Version: //p' "$tree/DEBIAN/control")
    dpkg-deb --root-owner-group -Zgzip --build "$tree" "$out/repo/stable/${package}_${version}_all.deb" >/dev/null
done

# The agent's socket must have a short path, wherever OUTDIR is.
$new_key && rm -rf "$out/gnupg"
mkdir -p -m 700 "$out/gnupg"
ln -s "$out/gnupg" "$work/key"
export GNUPGHOME=$work/key
if ! gpg --no-secmem-warning --trust-model always --batch --quiet --list-secret-keys --with-colons | grep -q ^sec; then
    gpg --no-secmem-warning --trust-model always --batch --quiet --pinentry-mode loopback --passphrase '' \
        --quick-generate-key 'Anteroom test doubles <doubles@example.invalid>' ed25519 sign never
fi
gpg --no-secmem-warning --trust-model always --batch --with-colons --list-secret-keys | awk -F: '$1 == "fpr" { print $10; exit }' > "$out/fingerprint"
gpg --no-secmem-warning --trust-model always --batch --quiet --armor --export > "$out/key.asc"

cd "$out/repo"
rm -f stable/Packages* stable/Release* stable/InRelease
apt-ftparchive packages stable > "$work/Packages"
mv "$work/Packages" stable/Packages
gzip -9nk stable/Packages
apt-ftparchive -o APT::FTPArchive::Release::Origin='Anteroom test doubles' \
    -o APT::FTPArchive::Release::Label='Anteroom test doubles' \
    -o APT::FTPArchive::Release::Suite=stable/ \
    -o APT::FTPArchive::Release::Description='Test doubles of Jitsi packages; not for use' \
    release stable > "$work/Release"
mv "$work/Release" stable/Release
gpg --no-secmem-warning --trust-model always --batch --quiet --yes --armor --detach-sign --output stable/Release.gpg stable/Release
gpg --no-secmem-warning --trust-model always --batch --quiet --yes --clearsign --output stable/InRelease stable/Release
echo "$out/repo signed by $(cat "$out/fingerprint")"

# Forgets one run that kept nothing: it was undone, or never began.
set -u
if [ -e "$run/end" ] && [ ! -d "$run/kept" ]; then rm -rf -- "$run"; fi
rmdir "${run%/*}" 2>/dev/null
rmdir /var/lib/anteroom 2>/dev/null
exit 0

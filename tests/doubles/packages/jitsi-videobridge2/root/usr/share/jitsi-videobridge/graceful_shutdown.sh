#!/bin/bash
# Test double of graceful_shutdown.sh: asks the bridge over HTTP to leave and waits until it has.
# Real: the requests and the exit status. Not: the options for another process id.
url=http://127.0.0.1:8080
while getopts "h:p:s:t:vq" opt; do case $opt in h) url=$OPTARG ;; *) ;; esac; done
status=$(curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' -d '{"graceful-shutdown":"true"}' "$url/colibri/shutdown")
[ "$status" = 200 ] || { echo "Invalid HTTP status for shutdown request: $status" >&2; exit 1; }
while curl -sf "$url/colibri/stats" >/dev/null; do sleep 2; done

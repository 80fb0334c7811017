#!/bin/sh
# fill.sh NAME CERTIFICATES UPSTREAM... > nginx.conf: the proxy's configuration with its words put in, on standard output.
#
# NAME is the registry's host name; CERTIFICATES holds certificate.pem and key.pem; each UPSTREAM is a web's host:port.
# HAT_LISTEN, HAT_REDIRECT and HAT_RUN in the environment change where it listens for https (8443), for http (8081), and its own folder.
set -eu
name=$1 certificates=$2
shift 2
servers=
for each in "$@"; do
    servers="${servers:+$servers; server }$each"
done
sed -e "s|HAT_LISTEN|${HAT_LISTEN:-8443}|" -e "s|HAT_REDIRECT|${HAT_REDIRECT:-8081}|" -e "s|HAT_RUN|${HAT_RUN:-/run/proxy}|" \
    -e "s|HAT_NAME|$name|" -e "s|HAT_CERTIFICATES|$certificates|" -e "s|HAT_UPSTREAM|$servers|" "$(dirname "$0")/nginx.conf"

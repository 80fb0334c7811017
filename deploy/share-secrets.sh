#!/bin/sh
# share-secrets.sh ALL TARGET: of the folder ALL, which `hat database create` wrote, gives each part a folder with what it needs and no
# more: TARGET/migrator, TARGET/web, TARGET/worker, TARGET/backup. Run it again after a key was added; nothing that is there is changed.
#
# The last column of a part's line are its keys; one that has versions (master.2.key) is given with all of them.
set -eu
all=$1 target=$2

share() {
    part=$1 logins=$2 keys=$3
    mkdir -p "$target/$part"
    chmod 0700 "$target/$part"
    for login in $logins; do
        give "$all/hat_$login.password"
    done
    for key in $keys; do
        for each in "$all/$key.key" "$all/$key".*.key; do
            [ ! -e "$each" ] || give "$each"
        done
    done
}

# A file belongs to whoever its folder belongs to: root gives it to the part's own user.
give() {
    file="$target/$part/${1##*/}"
    [ ! -e "$file" ] || return 0
    install -m 0400 "$1" "$file.part"
    [ "$(id -u)" -ne 0 ] || chown --reference="$target/$part" "$file.part"
    mv "$file.part" "$file"
}

share migrator "migrator" "context"
share web "app reader national" "context audit match master offset signing"
share worker "app jobs national" "context audit match master offset signing"
share backup "backup" ""
for part in web worker; do
    for each in "$all/provider.secret" "$all/smtp.password"; do
        case "$part ${each##*/}" in "web provider.secret" | "worker smtp.password") [ ! -e "$each" ] || give "$each" ;; esac
    done
done

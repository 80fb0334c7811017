#!/bin/sh
# restore.sh BACKUP ARCHIVE TARGET [TIME]: makes TARGET the data directory of a server as it was at TIME, such as
# '2026-11-22 09:30:00+00'; without TIME, as at the last segment that was archived.
#
# TARGET must not exist. Start Postgres on it as the user who owns it: it reads the archive up to TIME, then takes up work on a new
# timeline. Until `hat database adopt` says that it is the registry now, no worker starts on it: it sends and releases nothing.
set -eu
backup=$1 archive=$2 target=$3 time=${4:-}

if [ -e "$target" ]; then
    echo "restore: $target exists; nothing was changed" >&2
    exit 1
fi
pg_verifybackup --exit-on-error --quiet "$backup"
cp -R "$backup" "$target.part"
chmod -R go-rwx "$target.part"
{
    echo "restore_command = 'cp \"$archive/%f\" \"%p\"'"
    echo "recovery_target_action = 'promote'"
    [ -z "$time" ] || echo "recovery_target_time = '$time'"
} >> "$target.part/postgresql.auto.conf"
: > "$target.part/recovery.signal"
mv "$target.part" "$target"

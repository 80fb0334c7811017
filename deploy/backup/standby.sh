#!/bin/sh
# standby.sh TARGET [SLOT]: makes TARGET the data directory of a standby that follows the running server; SLOT keeps for it what it has
# not read yet, up to the server's max_slot_wal_keep_size.
#
# PGHOST, PGPORT, PGUSER (hat_backup) and PGPASSFILE say where the server is; the standby goes on reading that file. TARGET must not
# exist. Start Postgres on it as the user who owns it. HAT_PUBLIC_DATABASE_URL then lets it answer the public pages. To let it take over:
# end the other server for good, `pg_ctl promote`, then `hat database adopt`.
set -eu
target=$1 slot=${2:-hat_standby}

if [ -e "$target" ]; then
    echo "standby: $target exists; nothing was changed" >&2
    exit 1
fi
pg_basebackup --pgdata="$target.part" --write-recovery-conf --wal-method=stream --create-slot --slot="$slot" \
    --checkpoint=fast --manifest-checksums=SHA256 --no-password
pg_verifybackup --exit-on-error --quiet "$target.part"
chmod -R go-rwx "$target.part"
mv "$target.part" "$target"

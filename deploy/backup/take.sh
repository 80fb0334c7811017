#!/bin/sh
# take.sh BACKUPS: one base backup of the running server, checked, as a folder of BACKUPS named by the time it began. Prints its path.
#
# PGHOST, PGPORT, PGUSER (hat_backup) and PGPASSFILE say where the server is. The folder has its name only once pg_verifybackup
# has read back every byte of it. The secrets folder is not part of it: keys are kept elsewhere, by other people.
set -eu
backups=$1
began=$(date -u +%Y%m%dT%H%M%SZ)
fresh="$backups/.$began.part"

pg_basebackup --pgdata="$fresh" --checkpoint=fast --wal-method=stream --manifest-checksums=SHA256 --no-password
pg_verifybackup --exit-on-error --quiet "$fresh"
mv "$fresh" "$backups/$began"
echo "$backups/$began"

#!/bin/sh
# archive_command = '…/archive-wal.sh ARCHIVE %p %f': keeps one segment of the write-ahead log.
#
# Postgres may ask twice for the same segment (it was killed between the copy and its note), so the same bytes again are a success;
# other bytes under a kept name are a fault that somebody has to look at, and nothing is overwritten. A segment gets its name last,
# once its bytes are on the disk: whoever restores never meets half of one.
set -eu
archive=$1 segment=$2 name=$3

if [ -e "$archive/$name" ]; then
    cmp -s "$segment" "$archive/$name" && exit 0
    echo "archive-wal: $name is kept already, with other contents; nothing was overwritten" >&2
    exit 1
fi
cp "$segment" "$archive/.$name.part"
sync "$archive/.$name.part"
mv -n "$archive/.$name.part" "$archive/$name"
sync "$archive"

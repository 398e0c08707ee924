#!/usr/bin/env bash
# build.sh SOURCE BUILD [CC HOST]: libext2fs and what it needs, built in the folder BUILD; with CC and
# HOST (a GNU triplet) for another machine. Only libraries are made.
set -eu
source=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"
options=(--disable-nls --disable-fuse2fs --disable-uuidd --disable-tdb --disable-backtrace
    --enable-libuuid --enable-libblkid)
if [ $# = 4 ]; then
    options+=("--host=$4" "CC=$3" "BUILD_CC=gcc")
fi
if ! { "$source/configure" "${options[@]}" CFLAGS="-O2 -g" &&
    for part in util lib/et lib/uuid; do make -s -C $part || exit 1; done &&
    make -s -C lib/blkid blkid.h && make -s -C lib/ext2fs libext2fs.a; } > build.log 2>&1; then
    tail -n 30 build.log >&2
    echo "build.sh: e2fsprogs cannot be built; see $PWD/build.log" >&2
    exit 1
fi

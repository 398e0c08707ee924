#!/usr/bin/env bash
# compile.sh BUILD [NUMBER FILE]...: for build.sh, each test to BUILD/pts/objects/NUMBER.o with the
# one global function pts_NUMBER. What does not compile is left out.
set -eu
build=$1
cross=${CROSS:-riscv64-linux-gnu-}
shift

while [ $# -ge 2 ]; do
    object=$build/pts/objects/$1.o
    if "$build/bin/tern-cc" --profile=full -c -w -O1 -std=gnu99 -D_GNU_SOURCE \
        -D_POSIX_C_SOURCE=200112L -I"$build/sources/posixtestsuite/include" -o "$object" "$2" 2> "$object.log"; then
        "${cross}objcopy" --redefine-sym "main=pts_$1" --keep-global-symbol="pts_$1" \
            --strip-debug "$object"
    else
        rm -f "$object"
    fi
    shift 2
done

#!/usr/bin/env bash
# build.sh BUILD: BusyBox's own tests as a disk for Tern, BUILD/busybox/tests.ext4.
#
#   run.sh               runs them, inside Tern
#   .config              what the tests ask which features there are: that of the port
#   testsuite/           tests of the applets
#   ash/                 tests of the shell, with the three programs that they need
set -eu
cd "$(dirname "$0")/../.."
build=$(cd "$1" && pwd)
source=$build/sources/busybox tree=$build/busybox/tree image=$build/busybox/tests.ext4
PATH=$PATH:/usr/sbin:/sbin

[ -d "$source/testsuite" ] || scripts/fetch-source.sh busybox "$build/sources"
rm -rf "$build/busybox"
mkdir -p "$tree/log"
cp tests/busybox/run.sh "$tree"
cp "$build/ports/busybox/config" "$tree/.config"
cp -r "$source/testsuite" "$tree/testsuite"
cp -r "$source/shell/ash_test" "$tree/ash"
for name in printenv recho zecho; do
    "$build/bin/tern-cc" -w -O2 -s -o "$tree/ash/$name" "$source/shell/ash_test/$name.c"
done
ln -s /bin/busybox "$tree/busybox"
ln -s /bin/busybox "$tree/ash/ash"
mke2fs -q -b 4096 -t ext4 -d "$tree" "$image" 64M

#!/usr/bin/env bash
# build.sh BUILD: musl for Tern's programs in BUILD/musl (include, lib).
#
# musl comes as a Debian source package and is built out of tree from a copy with the files of
# overlay/ laid over it: those are the places where musl makes a system call. Nothing else of it
# is changed. CROSS is the cross compiler's prefix.
set -eu
cd "$(dirname "$0")/.."
build=$(mkdir -p "$1" && cd "$1" && pwd)
cross=${CROSS:-riscv64-linux-gnu-}
musl=$build/musl
work=$build/musl-build

[ -f "$build/sources/musl/VERSION" ] || scripts/fetch-source.sh musl "$build/sources"
rm -rf "$work" "$musl"
mkdir -p "$work/source" "$work/objects"
cp -r "$build/sources/musl/." "$work/source"
cp -r libmusl-port/overlay/. "$work/source"

echo "building musl $(cat "$work/source/VERSION")"
(
    cd "$work/objects"
    ../source/configure --target=riscv64-linux-gnu --prefix="$musl" --disable-shared \
        --disable-wrapper --enable-optimize CC="${cross}gcc" AR="${cross}ar" \
        RANLIB="${cross}ranlib" \
        CFLAGS="-O2 -fno-pie -mcmodel=medany"
    make -s -j2 install
) > "$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; exit 1; }

# The kernel would take a Linux system call for a foreign one: all of them must go through emu.
if "${cross}objdump" -d "$musl/lib/libc.a" "$musl"/lib/crt*.o | grep -w ecall; then
    echo "build.sh: musl makes system calls past emu (see above)" >&2
    exit 1
fi
rm -rf "$work/objects"

#!/usr/bin/env bash
# build.sh NAME: makes the port ports/NAME. What goes on the disk is then in $BUILD/ports/NAME/root.
#
# A recipe, ports/NAME/recipe.sh, says which Debian source package it is, which ports it needs, and
# how it is built: see ports/README.md. It runs in a copy of the source. A port is built again only
# when its recipe, what it needs, or what every program is linked with has changed; emu is not among
# that, since programs do not contain it.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

fail()
{
    echo "ports/build.sh: $*" >&2
    exit 1
}

# What makes the result what it is, apart from the source, whose checksum is pinned.
inputs()
{
    local need
    (
        cd "$top"
        sed -n '/^set_tools/,/^# ----/p' ports/build.sh | sha256sum
        sha256sum "ports/$name"/* linker/program.ld include/tern/emu.h \
            libmusl-port/{build.sh,specs.in,tern-cc.sh} libmusl-port/emu/program/*
        find libmusl-port/overlay -type f -exec sha256sum {} + | LC_ALL=C sort
    )
    grep " ${package}_" "$top/scripts/source-sha256.txt" || fail "$package: no checksum is pinned"
    "${CROSS}gcc" -dumpfullversion
    for need in $needs; do
        sha256sum < "$ports/$need/.built"
    done
}

# --------------------------------------------------------------------------- for use in recipes
# shellcheck disable=SC2034 # some of these are only for the recipes
set_tools()
{
    CC="$build/bin/tern-cc"
    CFLAGS="-O2 -ffunction-sections -fdata-sections"
    LDFLAGS="-Wl,--gc-sections"
    AR=${CROSS}ar RANLIB=${CROSS}ranlib STRIP=${CROSS}strip
    HOST_CC=${HOST_CC:-gcc}
    TRIPLET=riscv64-linux-musl
}

# configure ARGUMENT...: a GNU-style configure, for Tern.
configure()
{
    sh ./configure -q --host="$TRIPLET" --prefix=/usr --disable-dependency-tracking CC="$CC" \
        CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS" AR="$AR" RANLIB="$RANLIB" "$@"
}

# program FOLDER FILE [NAME]: a program of the port, stripped.
program()
{
    mkdir -p "$root$1"
    "$STRIP" -o "$root$1/${3:-$(basename "$2")}" "$2"
}
# ----------------------------------------------------------------------------------------------

[ $# = 1 ] || fail "usage: ports/build.sh NAME"
top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${BUILD:-$top/build}" && pwd)
CROSS=${CROSS:-riscv64-linux-gnu-}
name=$1 ports=$build/ports recipe=$top/ports/$1
root=$ports/$name/root log=$ports/$name/log work=$ports/$name/work
[ -r "$recipe/recipe.sh" ] || fail "there is no ports/$name/recipe.sh"
[ -x "$build/bin/tern-cc" ] || fail "the compiler is not built yet (make)"
package='' needs=''
# shellcheck disable=SC1090,SC1091 # each port has its own
. "$recipe/recipe.sh"

mkdir -p "$ports/$name"
exec 8> "$ports/$name/.lock"
flock 8
for need in $needs; do
    "$0" "$need"
done
inputs > "$ports/$name/.wanted"
if cmp -s "$ports/$name/.wanted" "$ports/$name/.built"; then
    exit 0
fi

seconds=$SECONDS
"$top/scripts/fetch-source.sh" "$package" "$build/sources"
rm -rf "$root" "$work" "$ports/$name/.built"
mkdir -p "$root"
cp -r "$build/sources/$package" "$work"
# Equally old, so that make sees no reason to run autoconf, bison and their kind again.
find "$work" -exec touch -h -d @0 {} +
set_tools
# A subshell of its own and not a condition, where `set -e` would not hold.
set +e
(set -e; cd "$work"; build) > "$log" 2>&1 < /dev/null
status=$?
set -e
if [ $status != 0 ]; then
    tail -n 30 "$log" >&2
    fail "$name cannot be built; see $log"
fi
rm -rf "$work"
mv "$ports/$name/.wanted" "$ports/$name/.built"
echo "built port $name in $((SECONDS - seconds)) s"

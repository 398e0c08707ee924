#!/usr/bin/env bash
# build.sh BUILD: the tests of Debian's posixtestsuite as one object file, BUILD/pts/tests.o, and
# their list BUILD/pts/tests.h, for main.c.
#
# Each of the 1,700 tests is a program of its own. Here their main functions get names, everything
# else in them becomes local, and one link makes one file of them all: main.c runs each test in a
# process of its own. That takes a fraction of the time and of the disk.
#
# A test that does not compile is left out, and listed in BUILD/pts/not-built.
set -eu
cd "$(dirname "$0")/../.."
build=$(mkdir -p "$1/pts" && cd "$1" && pwd)
cross=${CROSS:-riscv64-linux-gnu-}
source=$build/sources/posixtestsuite

[ -d "$source/conformance" ] || scripts/fetch-source.sh posixtestsuite "$build/sources"
rm -rf "$build/pts"
mkdir -p "$build/pts/objects"

(cd "$source/conformance/interfaces" && find . -name '[0-9]*-[0-9]*.c' ! -name '*buildonly*') |
    sed 's|^\./||' | sort -V | cat -n > "$build/pts/list"
while read -r number file; do
    printf '%s\0%s\0' "$number" "$source/conformance/interfaces/$file"
done < "$build/pts/list" |
    xargs -0 -P "$(nproc)" -n 64 tests/pts/compile.sh "$build"

# Tests of functions that musl does not have cannot be linked; lines of nm -A are
# ./NUMBER.o:[VALUE] TYPE NAME.
"${cross}nm" -g --defined-only "$build/musl/lib/libc.a" 2> /dev/null |
    awk 'NF == 3 { print $3 }' > "$build/pts/defined"
(cd "$build/pts/objects" && "${cross}nm" -A ./*.o 2> /dev/null) |
    awk 'FNR == NR { defined[$1] = 1; next }
        { split($1, part, /[\/.:]+/); number = part[2] }
        $2 == "U" && !defined[$3] { lacks[number] = 1 }
        $2 == "T" && $3 == "pts_" number { good[number] = 1 }
        END { for (number in good) if (!lacks[number]) print number }' \
        "$build/pts/defined" - | sort > "$build/pts/good"
sort -b -k 1,1 "$build/pts/list" | join -a 1 -o 0,1.2,2.1 -e - - "$build/pts/good" |
    while read -r number file good; do
        if [ "$good" = - ]; then
            echo "${file%.c}" >> "$build/pts/not-built"
        else
            printf 'TEST(%s, "%s")\n' "$number" "${file%.c}" >> "$build/pts/tests.h"
            echo "$build/pts/objects/$number.o" >> "$build/pts/objects.list"
        fi
    done
"${cross}ld" -r -o "$build/pts/tests.o" "@$build/pts/objects.list"
rm -rf "$build/pts/objects"
echo "posixtestsuite: $(wc -l < "$build/pts/tests.h") tests, $(wc -l < "$build/pts/not-built") do not compile"

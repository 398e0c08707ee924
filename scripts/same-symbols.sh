#!/usr/bin/env bash
# same-symbols.sh NM A.elf B.elf: fails unless all functions stand at the same addresses in both.
# The kernel's symbol table is made from the first link and used in the second.
set -eu

functions()
{
    "$1" -n "$2" | grep -i ' t '
}

if ! diff <(functions "$1" "$2") <(functions "$1" "$3") >&2; then
    echo "same-symbols: functions moved between the two links" >&2
    exit 1
fi

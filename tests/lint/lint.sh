#!/usr/bin/env bash
# lint.sh: every check that needs no machine to run on. `make lint` calls it and hands over the
# cross compiler in KERNEL_CC and the kernel's flags in KERNEL_FLAGS. Prints one PASS or FAIL line
# per check.
set -eu
cd "$(dirname "$0")/../.."
export LC_ALL=C
python=/usr/bin/python3
failures=0
gcc="$KERNEL_CC $KERNEL_FLAGS"
# Pragmas that are for gcc alone are allowed.
clang="clang --target=riscv64-linux-gnu -march=rv64imac -Wthread-safety
    $KERNEL_FLAGS -Wno-unknown-pragmas -isystem $(clang -print-resource-dir)/include"

# check NAME COMMAND...: quiet when it passes, all of its output when it fails.
check()
{
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "PASS lint: $name"
    else
        printf '%s\n' "$output"
        echo "FAIL lint: $name"
        failures=$((failures + 1))
    fi
}

# All but the POSIX benchmark, which is the same everywhere.
c_files()
{
    find arch kernel include lib servers libmusl-port image study examples tests -name '*.[ch]' \
        ! -name posixbench.c 2> /dev/null | sort
}

scripts()
{
    grep -rlE '^#!.*\bbash' scripts tests libmusl-port image/build.sh ports .ci | sort
}

formatted()
{
    local file bad=0
    for file in $(c_files); do
        clang-format "$file" | cmp -s - "$file" || { echo "clang-format -i $file"; bad=1; }
    done
    return $bad
}

# What is off, and why: constStatement takes register variables bound to array elements for
# unused expressions; uninitStructMember and uninitvar do not see out-parameters behind
# a call that returned 0 (both compilers warn about the real ones).
cppcheck_quiet()
{
    cppcheck -q --error-exitcode=1 --enable=warning,performance,portability --std=c11 \
        --platform=unix64 --inline-suppr --suppress=constStatement \
        --suppress=uninitStructMember --suppress=uninitvar \
        -I. -Iinclude -Iarch/riscv/include kernel arch
}

# clang_passes OPTION...: over all C files of the kernel.
clang_passes()
{
    # shellcheck disable=SC2086 # a command with arguments
    printf '%s\n' kernel/*.c arch/riscv/*.c | xargs -P2 -n4 $clang "$@"
}

# A file in compile-fail names in its first line what the compiler must say about it.
refused()
{
    local expected output
    expected=$(sed -n '1s|^/\* expect: \(.*\) \*/$|\1|p' "$1")
    [ -n "$expected" ] || { echo "$1: no 'expect:' in the first line"; return 1; }
    # shellcheck disable=SC2086
    if output=$($gcc -S -o /dev/null "$1" 2>&1); then
        echo "$1 compiles, but must not"
        return 1
    fi
    grep -qE "$expected" <<< "$output" && return
    printf '%s\nexpected: %s\n' "$output" "$expected"
    return 1
}

check "the checks find planted violations" $python tests/lint/selftest.py
check "format" formatted
check "layers" $python tests/lint/layering.py
check "macros and functions are used" $python tests/lint/unused.py
check "documents" $python tests/lint/docs.py
check "cppcheck" cppcheck_quiet
# shellcheck disable=SC2046 # no blanks in names
check "shellcheck" shellcheck $(scripts)
check "clang accepts the kernel" clang_passes -fsyntax-only
check "clang's analyzer" clang_passes \
    --analyze --analyzer-output text -Xclang -analyzer-werror
for file in tests/lint/compile-fail/*.c; do
    check "refused: $(basename "$file" .c)" refused "$file"
done
$python tests/lint/measures.py || failures=$((failures + 1))
[ "$failures" = 0 ]

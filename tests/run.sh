#!/usr/bin/env bash
# tests/run.sh [SUITE...]: everything that CI runs, from nothing; without names all suites.
#
# A suite prints a line `PASS name` or `FAIL name` per test and, before a FAIL, what explains it.
# A suite without a single result has failed. Logs are in build/test-logs. At most one QEMU runs
# at a time, so that a time limit means the same on every machine.
set -u
shopt -s nullglob
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-$PWD/build}
logs=$BUILD/test-logs
make=(make -s -j2 "BUILD=$BUILD")
python=/usr/bin/python3
suites='build lint host explore fuzz study kernel system bench'

# verdict NAME STATUS LOG: one result; the end of the log explains a failure.
verdict()
{
    if [ "$2" = 0 ]; then
        echo "PASS $1"
    else
        tail -n 30 "$3" | sed 's/^/  | /'
        echo "FAIL $1 (status $2, log: $3)"
    fi
}

# run NAME COMMAND...: a command as one test.
run()
{
    local name=$1 log
    shift
    log=$logs/${name//[^a-zA-Z0-9_.-]/-}.log
    "$@" < /dev/null > "$log" 2>&1
    verdict "$name" $? "$log"
}

suite_build()
{
    run "build: all" "${make[@]}" all
    run "build: kernel-debug" "${make[@]}" kernel-debug
    run "build: nothing is left to do" make -q "BUILD=$BUILD" all kernel-debug
}

suite_lint()
{
    "${make[@]}" lint 2>&1 || echo "FAIL lint: as a whole"
}

# Unit tests print TAP; one line per test.
suite_host()
{
    local program name
    run "host: build" "${make[@]}" host-programs
    for program in tests/host/*_test.c; do
        name=$(basename "$program" _test.c)
        program=$BUILD/host/${name}_test
        CMOCKA_MESSAGE_OUTPUT=TAP timeout 120 "$program" > "$logs/host-$name.log" 2>&1
        verdict "host: $name ends well" $? "$logs/host-$name.log"
        sed -n -e "s/^[[:space:]]*ok [0-9]* - /PASS host: $name: /p" \
            -e "s/^[[:space:]]*not ok [0-9]* - /FAIL host: $name: /p" "$logs/host-$name.log"
    done
}

# The tracer, the decoder and the benchmark's driver.
suite_study()
{
    run "study: tracer and benchmark driver" "$python" -m pytest -q -p no:cacheprovider \
        --color=no tests/study
}

suite_explore()
{
    local program name
    for program in tests/host/*_explore.c; do
        name=$(basename "$program" .c)
        run "explore: build $name" "${make[@]}" "${BUILD#"$PWD/"}/host/$name"
        timeout 300 "$BUILD/host/$name" > "$logs/explore-$name.log" 2>&1
        verdict "explore: $name ends well" $? "$logs/explore-$name.log"
        grep -E '^(PASS|FAIL) ' "$logs/explore-$name.log" | sed "s/^\(PASS\|FAIL\) /&explore: /"
    done
}
suite_fuzz()
{
    local fuzzer
    for fuzzer in tests/host/*_fuzz.c; do
        fuzzer=$(basename "$fuzzer" .c)
        run "fuzz: build $fuzzer" "${make[@]}" "${BUILD#"$PWD/"}/fuzz/$fuzzer"
        run "fuzz: $fuzzer" "$BUILD/fuzz/$fuzzer" -max_total_time=5 -verbosity=0 \
            -artifact_prefix="$logs/"
    done
}

# A program that another one's bundle lists is that test's partner, not a test of its own; the
# run time and the benchmark are none either.
kernel_tests()
{
    local folder name
    for folder in tests/kernel/*/; do
        name=$(basename "$folder")
        case $name in rt | *bench) continue ;; esac
        cat /dev/null tests/kernel/*/bundle.list | tr -s '[:space:]' '\n' |
            grep -qx "$name" || echo "$name"
    done
}

# kernel_test KERNEL NAME HARTS: the guest's own PASS and FAIL lines, and how it ended. A panic,
# a time-out or an end without any result is a failure.
kernel_test()
{
    local where log status elf=$BUILD/kernel.elf
    where="kernel: $2, $3 harts, $1"
    log=$logs/kernel-$2-$3-$1.log
    [ "$1" = debug ] && elf=$BUILD/debug/kernel.elf
    scripts/qemu-run.sh --kernel "$elf" --bundle "$BUILD/bundle/$2.tar" --smp "$3" \
        --timeout 120 < /dev/null > "$log" 2>&1
    status=$?
    tr -d '\r' < "$log" | sed -n "s/^\(PASS\|FAIL\) /\1 $where: /p"
    if [ "$status" = 0 ] && ! grep -qa '^PASS ' "$log"; then
        status='0, but no test ran'
    fi
    verdict "$where ends well" "$status" "$log"
}

suite_kernel()
{
    local name harts
    run "kernel: build" "${make[@]}" all kernel-debug
    for name in $(kernel_tests); do
        for harts in 1 2 4; do
            kernel_test release "$name" "$harts"
        done
        kernel_test debug "$name" 1
        kernel_test debug "$name" 4
    done
}

suite_system()
{
    local log=$logs/system.log
    "${make[@]}" all kernel-debug
    "$python" -m pytest -v -p no:cacheprovider --color=no tests/system > "$log" 2>&1
    verdict "system: as a whole" $? "$log"
    sed -n -e 's/^tests\/system\/\(.*\)\.py::\(.*\) PASSED.*/PASS system: \1: \2/p' \
        -e 's/^tests\/system\/\(.*\)\.py::\(.*\) \(FAILED\|ERROR\).*/FAIL system: \1: \2/p' "$log"
}

# One result per figure that has a bar, from the table that the benchmark prints.
suite_bench()
{
    local log=$logs/bench.log
    "${make[@]}" bench > "$log" 2>&1
    verdict "bench: as a whole" $? "$log"
    awk '$NF == "pass" { print "PASS bench: " $1, $2 }
        $NF == "FAIL" || $NF == "missing" { print "FAIL bench: " $0 }' "$log"
}

read -ra selected <<< "${*:-$suites}"
for name in "${selected[@]}"; do
    case " $suites " in
    *" $name "*) ;;
    *) echo "run.sh: there is no suite '$name'; there are: $suites" >&2; exit 2 ;;
    esac
done

mkdir -p "$logs"
scripts/install-deps.sh test || exit 1
: > "$logs/results"
for name in "${selected[@]}"; do
    "suite_$name" 2>&1 | tee "$logs/suite-$name.log"
    grep -E '^(PASS|FAIL) ' "$logs/suite-$name.log" >> "$logs/results" ||
        echo "FAIL $name: no test ran" | tee -a "$logs/results"
done
passed=$(grep -c '^PASS ' "$logs/results")
failed=$(grep -c '^FAIL ' "$logs/results")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

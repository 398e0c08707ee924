#!/usr/bin/env bash
# tests/run.sh [SUITE...]: everything that CI runs, from nothing; without names all suites.
#
# Three more run only when they are named: `pts-all`, `busybox-all` and `soak [MINUTES]` (10); short forms are
# among the others.
#
# A suite prints a line `PASS name` or `FAIL name` per test and, before a FAIL, what explains it.
# A suite without a single result has failed. Logs are in build/test-logs. Beside a QEMU whose guest
# has time limits or waits for the host's disk nothing else runs, so that figures mean the same on every
# machine; `study`, which counts instructions, runs beside the suites that boot no guest.
set -u
shopt -s nullglob
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-$PWD/build}
logs=$BUILD/test-logs
make=(make -s -j2 "BUILD=$BUILD")
python=/usr/bin/python3
host_suites='lint host explore fuzz'
guest_suites='kernel musl posix pts system busybox soak-short bench'
suites="build $host_suites study $guest_suites"
further_suites='pts-all busybox-all soak' # run only when they are named

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
    run "build: ports and root disk" "${make[@]}" image
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
        CMOCKA_MESSAGE_OUTPUT=TAP timeout 900 "$program" > "$logs/host-$name.log" 2>&1
        verdict "host: $name ends well" $? "$logs/host-$name.log"
        sed -n -e "s/^[[:space:]]*ok [0-9]* - /PASS host: $name: /p" \
            -e "s/^[[:space:]]*not ok [0-9]* - /FAIL host: $name: /p" "$logs/host-$name.log"
    done
}

# The tracer, the benchmark's driver, and the page that is drawn of what they see.
suite_study()
{
    local log=$logs/study.log
    run "study: build" "${make[@]}" all
    # Of computing: by the clock it may take longer, if the machine has other things to do.
    run "study: make study takes at most a minute" timeout 900 \
        bash -c 'ulimit -t 60; exec "$@"' bash "${make[@]}" study
    "$python" -m pytest -v -rs -p no:cacheprovider --color=no tests/study > "$log" 2>&1
    verdict "study: as a whole" $? "$log"
    sed -n -e 's/^tests\/study\/\(.*\)\.py::\(.*\) PASSED.*/PASS study: \1: \2/p' \
        -e 's/^tests\/study\/\(.*\)\.py::\(.*\) \(FAILED\|ERROR\).*/FAIL study: \1: \2/p' \
        -e 's/^SKIPPED \(.*\)/SKIP study: \1/p' "$log"
}

suite_explore()
{
    local program name
    for program in tests/host/*_explore.c; do
        name=$(basename "$program" .c)
        run "explore: build $name" "${make[@]}" "${BUILD#"$PWD/"}/host/$name"
        timeout 1800 "$BUILD/host/$name" > "$logs/explore-$name.log" 2>&1
        verdict "explore: $name ends well" $? "$logs/explore-$name.log"
        grep -E '^(PASS|FAIL) ' "$logs/explore-$name.log" | sed "s/^\(PASS\|FAIL\) /&explore: /"
    done
}

# The same seed, addresses and number of runs always, or the first ones of them, so that a failure is of
# the change and can be repeated: `make fuzz` draws new ones. An input that once failed is kept in
# tests/host/found.
suite_fuzz()
{
    local fuzzer found runs same=()
    setarch -R true 2> /dev/null && same=(setarch -R)
    for fuzzer in tests/host/*_fuzz.c; do
        fuzzer=$(basename "$fuzzer" .c)
        runs=$(sed -n "s/^$fuzzer //p" tests/host/fuzz-runs)
        run "fuzz: build $fuzzer" "${make[@]}" "${BUILD#"$PWD/"}/fuzz/$fuzzer"
        found=("tests/host/found/$fuzzer"/*)
        [ ${#found[@]} = 0 ] ||
            run "fuzz: $fuzzer: what was found before" "$BUILD/fuzz/$fuzzer" "${found[@]}"
        run "fuzz: $fuzzer" ${same[@]+"${same[@]}"} "$BUILD/fuzz/$fuzzer" -seed=1 \
            "-runs=${runs:-10000}" -max_total_time=5 -verbosity=0 -artifact_prefix="$logs/"
    done
}

# A program that another one's bundle lists is that test's partner, not a test of its own; the
# run time and the benchmark are none either; disks are tested by tests/system/test_disk.py.
kernel_tests()
{
    local folder name
    for folder in tests/kernel/*/; do
        name=$(basename "$folder")
        case $name in rt | disk | bench* | *bench) continue ;; esac
        cat /dev/null tests/kernel/*/bundle.list | tr -s '[:space:]' '\n' |
            grep -qx "$name" || echo "$name"
    done
}

# kernel_test KERNEL NAME HARTS: the guest's own PASS and FAIL lines, and how it ended. A panic,
# a time-out or an end without any result is a failure. What else a test wants of QEMU is in its
# folder's qemu.options.
kernel_test()
{
    local where log status elf=$BUILD/kernel.elf options=()
    where="kernel: $2, $3 harts, $1"
    log=$logs/kernel-$2-$3-$1.log
    [ "$1" = debug ] && elf=$BUILD/debug/kernel.elf
    [ -r "tests/kernel/$2/qemu.options" ] && read -ra options < "tests/kernel/$2/qemu.options"
    scripts/qemu-run.sh --kernel "$elf" --bundle "$BUILD/bundle/$2.tar" --smp "$3" \
        --timeout 900 ${options[@]+"${options[@]}"} < /dev/null > "$log" 2>&1
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

# Programs that use the C library, each a bundle of its own.
suite_musl()
{
    local list name harts
    run "musl: build" "${make[@]}" all kernel-debug
    for list in tests/musl/*/bundle.list; do
        name=$(basename "$(dirname "$list")")
        case $name in disk-* | *bench) continue ;; esac
        for harts in 1 4; do
            kernel_test release "$name" "$harts"
        done
        kernel_test debug "$name" 4
    done
}

# Conformance programs, all on one system with a root disk of their own. Lines are NAME: TEST.
posix_run()
{
    local log=$logs/posix-$2-$1.log elf=$BUILD/kernel.elf status disk=$BUILD/posix/run.ext4
    [ "$1" = debug ] && elf=$BUILD/debug/kernel.elf
    cp --sparse=always "$BUILD/posix/disk.ext4" "$disk"
    scripts/qemu-run.sh --kernel "$elf" --bundle "$BUILD/bundle/posix-tests.tar" --disk "$disk" \
        --smp "$2" --timeout 900 < /dev/null > "$log" 2>&1
    status=$?
    tr -d '\r' < "$log" | sed -n "s/^\(PASS\|FAIL\) /\1 posix: $2 harts, $1: /p"
    if [ "$status" = 0 ] && ! grep -qa '^PASS ' "$log"; then
        status='0, but no test ran'
    fi
    verdict "posix: $2 harts, $1, ends well" "$status" "$log"
}

suite_posix()
{
    run "posix: build" "${make[@]}" kernel kernel-debug posix-tests
    posix_run release 1
    posix_run release 4
}

# Debian's posixtestsuite, with what is expected of each test. The bundles pts and pts-all differ in
# how long a test may take.
pts_run()
{
    local log=$logs/$1.log status disk=$BUILD/posix/$1-run.ext4
    run "$1: build" "${make[@]}" kernel pts
    cp --sparse=always "$BUILD/posix/pts.ext4" "$disk"
    scripts/qemu-run.sh --bundle "$BUILD/bundle/$1.tar" --disk "$disk" --smp 4 --mem 2G \
        --timeout "$2" < /dev/null > "$log" 2>&1
    status=$?
    tr -d '\r' < "$log" | sed -n -e "s/^PASS \([^:]*\).*/PASS $1: \1/p" \
        -e "s/^FAIL /FAIL $1: /p" -e '/^again /p'
    if [ "$status" = 0 ] && ! grep -qa '^PASS ' "$log"; then
        status='0, but no test ran'
    fi
    verdict "$1: ends well" "$status" "$log"
}

suite_pts()
{
    pts_run pts 1800
}

suite_pts-all()
{
    pts_run pts-all 3600
}

suite_system()
{
    local log=$logs/system.log
    "${make[@]}" all kernel-debug image
    "$python" -m pytest -v -p no:cacheprovider --color=no tests/system > "$log" 2>&1
    verdict "system: as a whole" $? "$log"
    sed -n -e 's/^tests\/system\/\(.*\)\.py::\(.*\) PASSED.*/PASS system: \1: \2/p' \
        -e 's/^tests\/system\/\(.*\)\.py::\(.*\) \(FAILED\|ERROR\).*/FAIL system: \1: \2/p' "$log"
}

# BusyBox's own tests, on the whole system; and those that take long as well.
busybox_tests()
{
    run "busybox: build" "${make[@]}" kernel servers image
    run "busybox: its tests' disk" tests/busybox/build.sh "$BUILD"
    "$python" tests/busybox/check.py "$1" 2>&1
}

suite_busybox()
{
    busybox_tests ci
}

suite_busybox-all()
{
    busybox_tests all
}

# Programs and servers are killed under load, for so many seconds; and a database, for so many transactions.
soak_tests()
{
    run "soak: build" "${make[@]}" kernel servers image
    run "soak: $2 transactions" env TRANSACTIONS="$2" "$python" -m pytest -p no:cacheprovider -rP \
        tests/soak
    "$python" tests/soak/soak.py "$1" 2>&1 | sed 's/^\(PASS\|FAIL\) /&soak: /'
}

suite_soak-short()
{
    soak_tests 60 2000
}

suite_soak()
{
    soak_tests $((minutes * 60)) 10000
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

# run_suites NAME...: those of them that were selected.
run_suites()
{
    local name
    for name; do
        case " ${selected[*]} " in *" $name "*) ;; *) continue ;; esac
        "suite_$name" 2>&1 | tee "$logs/suite-$name.log"
        grep -E '^(PASS|FAIL) ' "$logs/suite-$name.log" > "$logs/results-$name" ||
            echo "FAIL $name: no test ran" | tee "$logs/results-$name"
    done
}

read -ra selected <<< "${*:-$suites}"
minutes=10
if [ "${#selected[@]}" = 2 ] && [ "${selected[0]}" = soak ] && [[ ${selected[1]} =~ ^[1-9][0-9]*$ ]]; then
    minutes=${selected[1]}
    selected=(soak)
fi
for name in "${selected[@]}"; do
    case " $suites $further_suites " in
    *" $name "*) ;;
    *) echo "run.sh: there is no suite '$name'; there are: $suites $further_suites" >&2; exit 2 ;;
    esac
done

mkdir -p "$logs"
rm -f "$logs"/results-*
scripts/install-deps.sh test || exit 1
trap 'trap - INT TERM; kill 0' INT TERM # a job in the background would go on
run_suites build
# shellcheck disable=SC2086 # names
{
    run_suites study > "$logs/beside.log" &
    run_suites $host_suites
    wait
    cat "$logs/beside.log"
    run_suites $guest_suites $further_suites
}
passed=$(cat "$logs"/results-* | grep -c '^PASS ')
failed=$(cat "$logs"/results-* | grep -c '^FAIL ')
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

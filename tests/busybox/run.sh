#!/bin/sh
# run.sh GROUP...: BusyBox's own tests, inside Tern, on the disk that holds them.
#
# A group is an applet, whose tests are testsuite/APPLET.tests and the files of testsuite/APPLET, or
# ash-TOPIC, a folder of the shell's tests. For each test a line:
#
#   PASS|FAIL|SKIP GROUP: NAME
#
# then `END GROUP SECONDS`. What a group has said is in log/GROUP. The tests are run as testsuite/runtest and
# shell/ash_test/run-all run them, but for the limit of time.
top=$(cd "$(dirname "$0")" && pwd)
limit=600

# What tests of the applets ask for: every applet by its name, and the features.
prepare()
{
    export bindir="$top" tsdir="$top/testsuite" ECHO=echo VERBOSE=1 SKIP=
    OPTIONFLAGS=":$(sed -n 's/^CONFIG_\([^=]*\)=.*/\1/p' "$top/.config" | tr '\n' ':')"
    export OPTIONFLAGS
    mkdir -p "$top/links"
    for applet in busybox $(busybox --list); do
        [ -e "$top/links/$applet" ] || ln -s "$top/busybox" "$top/links/$applet"
    done
}

# A test in a file of its own; the first failed command is its failure.
old_test()
{
    for feature in CONFIG_$(echo "$group" | tr '[:lower:]' '[:upper:]') $(sed -n 's/^# FEATURE: //p' "$1"); do
        if grep -q "^# $feature is not set$" "$top/.config"; then
            echo "SKIP $group: ${1##*/}"
            return
        fi
    done
    folder=$tsdir/.tmp.$group
    rm -rf "$folder"
    mkdir -p "$folder"
    echo "--- $1" >> "$top/log/$group"
    if (cd "$folder" && d=$tsdir PATH="$top:$PATH" timeout $limit sh -x -e "$1") \
        >> "$top/log/$group" 2>&1 < /dev/null; then
        echo "PASS $group: ${1##*/}"
    else
        echo "FAIL $group: ${1##*/}"
    fi
    rm -rf "$folder"
}

# The tests of an applet in one script, which says itself how each has ended.
new_tests()
{
    if ! [ -e "$top/links/$group" ] && [ "${group#all_}" = "$group" ]; then
        echo "SKIP $group: is not built"
        return
    fi
    status=0
    (cd "$tsdir" && PATH="$top/links:$tsdir:$top:$PATH" timeout $limit "./$group.tests") \
        > "$top/log/$group.new" 2>&1 < /dev/null || status=$?
    [ $status != 124 ] && [ $status != 143 ] || echo "FAIL $group: ends in time"
    sed -n -e "s/^\(PASS\|FAIL\): /\1 $group: /p" \
        -e "s/^\(SKIPPED\|UNTESTED\): /SKIP $group: /p" "$top/log/$group.new"
    cat "$top/log/$group.new" >> "$top/log/$group"
    rm "$top/log/$group.new"
}

# The shell's: what it says has to be what NAME.right holds.
shell_tests()
{
    unset VERBOSE SKIP
    eval "$(sed -n 's/^CONFIG_.*=/export &/p' "$top/.config")"
    export THIS_SH="$top/ash/ash" PATH="$top/ash:$PATH"
    cd "$top/ash/$group" || exit
    for test in *.tests; do
        name=${test%.tests}
        if ! [ -x "$test" ] || ! [ -f "$name.right" ]; then
            continue
        fi
        timeout $limit "$THIS_SH" "./$test" < /dev/null 2>&1 |
            grep -va '^ash: using fallback suid method$' > "$name.xx"
        echo "--- $name" >> "$top/log/$group"
        if diff -u "$name.xx" "$name.right" >> "$top/log/$group"; then
            echo "PASS $group: $name"
        else
            echo "FAIL $group: $name"
        fi
    done
}

prepare
for group; do
    begin=$(date +%s)
    case $group in
    ash-*) (shell_tests) ;;
    *)
        for file in "$tsdir/$group"/*; do
            [ ! -f "$file" ] || old_test "$file"
        done
        [ ! -f "$tsdir/$group.tests" ] || new_tests
        ;;
    esac
    echo "END $group $(($(date +%s) - begin))"
done

#!/bin/sh
# shellcheck disable=SC3028,SC3040,SC3043 # BusyBox's shell knows these
# soak.sh SECONDS FROM TO: programs of all kinds at once for so long, inside Tern.
#
# Each worker does its round (round.sh) again and again. `FAIL ...` says what was wrong. Between seconds FROM
# and TO of the system's time the pipe server is killed again and again: what a round gets then is not judged,
# only that it ends.
#
# Lines `memory KIB` say what is free when no worker runs: after a first round of each, and at the end.
set -u
here=$(cd "$(dirname "$0")" && pwd)
workers='pipes compile make sqlite kill'
limit=300 # for a round, in seconds: on a quiet machine none takes a tenth of that

# Sets `now`: without a pipe, since it may be broken.
look_at_the_clock()
{
    read -r now _ < /proc/uptime
    now=${now%%.*}
}

# A round, and a line if it fails although no pipe was broken meanwhile.
one_round()
{
    local begin now status=0
    look_at_the_clock
    begin=$now
    setsid timeout -s KILL $limit sh "$here/round.sh" "$1" > "$here/said.$1" 2>&1 &
    wait $! || status=$?
    kill -9 -- -$! 2> /dev/null
    look_at_the_clock
    if [ $status = 137 ] || { [ $status != 0 ] && { [ "$now" -lt "$from" ] || [ "$begin" -gt "$to" ]; }; }
    then
        echo "FAIL $1: status $status at second $begin: $(tail -n 3 "$here/said.$1")"
    elif [ $status != 0 ] && [ "$end" = 0 ]; then
        # A slow machine is in its first rounds still: what a broken pipe has left is not what is wanted.
        rm -f "$here/work/$1"/wanted.*
    fi
}

worker()
{
    local now=0 rounds=0
    while [ "$now" -lt "$end" ]; do
        one_round "$1"
        look_at_the_clock
        rounds=$((rounds + 1))
    done
    echo "rounds $1 $rounds"
}

# When it does not become more any longer: what the killed had comes back a moment later.
memory()
{
    local free=0 now=1
    find "$here/work" -type f ! -name 'wanted.*' -delete
    rm -f "$here"/said.*
    make -s -C "$here/lua" clean
    make -s -C "$here/killed" clean
    sync
    while [ "$now" -gt "$free" ]; do
        free=$now
        sleep 2
        now=$(awk '/MemFree/ { print $2 }' /proc/meminfo)
    done
    echo "memory $free"
}

end=0 from=$2 to=$3
for name in $workers; do
    one_round "$name"
done
memory
look_at_the_clock
end=$((now + $1))
for name in $workers; do
    worker "$name" &
done
wait
# What the killed have left behind is gone, so all pipes are whole again.
for name in $workers; do
    one_round "$name"
done
memory
ps -o pid,ppid,comm,args
echo 'soak: over'
poweroff

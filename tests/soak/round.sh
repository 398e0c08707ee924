#!/bin/sh
# shellcheck disable=SC3028,SC3040,SC3043 # BusyBox's shell knows these
# round.sh NAME: one round of a worker of soak.sh. Status 0 if everything was as it must be.
set -u -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
name=$1 work=$here/work/$1
mkdir -p "$work"

# What comes on standard input is what came in the first round, under this name.
same()
{
    cat > "$work/got.$1" || return
    [ -f "$work/wanted.$1" ] || cp "$work/got.$1" "$work/wanted.$1"
    cmp "$work/got.$1" "$work/wanted.$1"
}

round_pipes()
{
    seq 3000 | awk '{ print ($1 * 7919) % 3001, $1 }' | sort -n | md5sum | same sorted &&
        head -c 300000 /dev/zero | tr '\0' x | gzip | zcat | wc -c | same length &&
        [ "$(for i in 1 2 3 4 5 6 7 8; do echo $i & done | sort | tr -d '\n')" = 12345678 ]
}

round_compile()
{
    tcc -o "$work/hello" /usr/share/tern/examples/hello.c &&
        "$work/hello" | cut -c 1-15 | same output
}

round_make()
{
    make -s -C "$here/lua" clean &&
        make -s -j4 -C "$here/lua" &&
        "$here/lua/lua" -e 'print(_VERSION, 2^10 // 3)' | same output
}

round_sqlite()
{
    rm -f "$work/rows.db"
    seq 40 | awk 'BEGIN { print "create table t(number integer primary key, text);" }
        { print "insert into t(text) values(\"row " $1 "\");" }
        END { print "select count(*), sum(number) from t; pragma integrity_check;" }' |
        sqlite3 "$work/rows.db" | same output
}

# SECONDS: what is started in a session of its own lives for less than that; then all of it is killed.
kill_soon()
{
    setsid "$@" < /dev/null > /dev/null 2>&1 &
    sleep "0.$((RANDOM % 10))$((RANDOM % 10))"
    kill -9 -- -$! 2> /dev/null
    wait $! 2> /dev/null
}

# Programs die at any moment; what they were working on stays whole.
round_kill()
{
    [ -f "$work/rows.db" ] ||
        sqlite3 "$work/rows.db" 'create table t(number integer primary key, text)' || return
    kill_soon sh -c "yes \"insert into t(text) values('row');\" | sqlite3 $work/rows.db"
    kill_soon sh -c "seq 100000 | sort -n | awk '{ n += \$1 } END { print n }' | cat"
    kill_soon make -s -j2 -B -C "$here/killed"
    kill_soon sh -c 'for i in 1 2 3 4 5 6 7 8; do sh -c "sleep 100 | cat" & done; wait'
    [ "$(sqlite3 "$work/rows.db" 'pragma integrity_check')" = ok ]
}

"round_$name"

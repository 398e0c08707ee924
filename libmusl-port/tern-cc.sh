#!/bin/sh
# tern-cc: the cross compiler with Tern's C library. Static programs only.
#
#   tern-cc [--profile=full|small] GCC-OPTION...
#
# A profile says which system calls a program has: `full` are those of POSIX, for a program that the
# posix server runs; `small` is a server's: memory, threads, time and the log.
profile=full
case ${1-} in
--profile=*)
    profile=${1#--profile=}
    shift
    ;;
esac
exec @CC@ -specs="@MUSL@/lib/tern-$profile.specs" -nostdinc -isystem @MUSL@/include \
    -isystem @TOP@/include -isystem @GCC_INCLUDE@ -idirafter @MUSL@/include-linux -static -fno-pie -no-pie "$@"

#!/usr/bin/env bash
# Boots Tern in QEMU on this terminal; see usage(). The exit status is the guest's.
set -eu

usage()
{
    cat <<'END'
usage: scripts/qemu-run.sh [option...]
Installs what is missing, builds, and boots Tern on this terminal. Powering off ends it.
Ctrl-A X quits QEMU at any time.

  --run CMD       run CMD with sh and exit with its status (not available in this build)
  --disk FILE     attach a disk (not available in this build)
  --fresh         start with a new root disk (not available in this build)
  --smp N         harts, 1 to 8 (default 2)
  --mem M         memory in MiB, or with suffix M or G; 64 MiB to 8 GiB (default 512)
  --timeout S     kill it after S seconds; the exit status is then 124
  --icount        one instruction is one nanosecond of guest time: figures repeat exactly
  --gdb           wait for a debugger on port 1234
  --trace ITEMS   QEMU's own trace (int, in_asm, ...: see qemu -d help) in build/qemu-trace.log
  --bundle FILE   boot bundle, a ustar archive that holds `init` (default: examples/pingpong)
  --kernel FILE   kernel to boot instead of build/kernel.elf
  --append TEXT   the kernel's command line

Exit status: the guest's; 2 for a wrong option, 124 after --timeout.
END
}

fail()
{
    echo "qemu-run: $*" >&2
    exit 2
}

# number NAME VALUE MIN MAX
number()
{
    if ! [[ $2 =~ ^[0-9]{1,6}$ ]] || ((10#$2 < $3 || 10#$2 > $4)); then
        fail "$1 must be a number from $3 to $4, not '$2'"
    fi
}

mebibytes()
{
    case $1 in
    *[Gg]) number "--mem in GiB" "${1%?}" 1 8; echo $((10#${1%?} * 1024)) ;;
    *) number "--mem in MiB" "${1%[Mm]}" 64 8192; echo $((10#${1%[Mm]})) ;;
    esac
}

top=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$top/build}
smp=2 mem=512 timeout='' gdb='' bundle='' kernel=''
qemu=(qemu-system-riscv64 -machine virt -cpu rv64 -nographic -serial mon:stdio -bios default
    -global virtio-mmio.force-legacy=false -no-reboot)

while [ $# -gt 0 ]; do
    case $1 in
    --run | --disk | --smp | --mem | --timeout | --trace | --bundle | --kernel | --append)
        [ $# -ge 2 ] || fail "$1 needs an argument"
        ;;
    esac
    case $1 in
    --run | --disk | --fresh) fail "not available in this build: $1" ;;
    --smp) number --smp "$2" 1 8; smp=$2; shift ;;
    --mem) mem=$(mebibytes "$2"); shift ;;
    --timeout) number --timeout "$2" 1 999999; timeout=$2; shift ;;
    --icount) qemu+=(-icount shift=0) ;;
    --gdb) gdb=yes; qemu+=(-s -S) ;;
    --trace) qemu+=(-d "$2" -D "$build/qemu-trace.log"); shift ;;
    --bundle) bundle=$2; shift ;;
    --kernel) kernel=$2; shift ;;
    --append) qemu+=(-append "$2"); shift ;;
    -h | --help) usage; exit 0 ;;
    *) fail "unknown option '$1' (--help lists them)" ;;
    esac
    shift
done

"$top/scripts/install-deps.sh" run
if [ -z "$kernel" ] || [ -z "$bundle" ]; then
    make -s -j2 -C "$top" BUILD="$build" kernel bundles >&2
fi
kernel=${kernel:-$build/kernel.elf}
bundle=${bundle:-$build/bundle/pingpong.tar}
for file in "$kernel" "$bundle"; do
    [ -r "$file" ] || fail "cannot read '$file'"
done
qemu+=(-smp "$smp" -m "${mem}M" -kernel "$kernel" -initrd "$bundle")

[ -z "$gdb" ] ||
    echo "waiting for: gdb-multiarch $kernel -ex 'target remote :1234'" >&2
if [ -n "$timeout" ]; then
    exec timeout --foreground -k 5 "$timeout" "${qemu[@]}"
fi
exec "${qemu[@]}"

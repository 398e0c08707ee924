#!/usr/bin/env bash
# Boots Tern in QEMU on this terminal; see usage(). The exit status is the guest's.
set -eu

usage()
{
    cat <<'END'
usage: scripts/qemu-run.sh [option...]
Installs what is missing, builds, and boots Tern to a shell on this terminal. Leaving the shell ends it.
Ctrl-A X quits QEMU at any time.

  --run CMD       boot, run CMD with sh, print its output alone, exit with its status; its input
                  is empty
  --disk FILE     attach an ext2, 3 or 4 image, which is mounted on /mnt/0; the next on /mnt/1, and
                  so on up to /mnt/5
  --fresh         start with a new root disk; else build/disk.ext4 keeps what was written to it
                  (or the file that TERN_DISK names)
  --smp N         harts, 1 to 8 (default 2)
  --mem M         memory in MiB, or with suffix M or G; 64 MiB to 8 GiB (default 512)
  --timeout S     kill it after S seconds; the exit status is then 124
  --icount        one instruction is one nanosecond of guest time: figures repeat exactly
  --gdb           wait for a debugger on port 1234
  --trace ITEMS   QEMU's own trace (int, in_asm, ...: see qemu -d help) in build/qemu-trace.log
  --bundle FILE   boot bundle, a ustar archive that holds `init`; there is no root disk then,
                  and disks have the numbers from 0 on (up to 7)
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

check_disk()
{
    if ! [ -f "$1" ] || ! [ -r "$1" ] || ! [ -w "$1" ]; then
        fail "cannot read and write the disk '$1'"
    fi
}

check_differ()
{
    while [ $# -gt 1 ]; do
        for other in "${@:2}"; do
            [ ! "$1" -ef "$other" ] || fail "the disk '$other' is there twice"
        done
        shift
    done
}

# disk FILE: the next disk, on the virtio bus with its number. The last one is the random source's.
disks=0
disk()
{
    local file
    # QEMU takes what is before a colon for a protocol, but for absolute names, and a comma must be doubled.
    file=$(realpath "$1")
    qemu+=(-drive "file=${file//,/,,},if=none,id=disk$disks,format=raw,discard=unmap"
        -device "virtio-blk-device,drive=disk$disks,bus=virtio-mmio-bus.$disks")
    disks=$((disks + 1))
}

# The user's disk, which outlives builds; made of the root image when there is none yet. QEMU inherits
# the lock: a command waits for it, a person is told. The lock's file also says when the disk was made.
root_disk()
{
    local root=${TERN_DISK:-$build/disk.ext4} file
    [ -w "$(dirname "$root")" ] || fail "cannot write beside the root disk '$root'"
    [ ! -e "$root" ] || check_disk "$root"
    for file in ${user_disks[@]+"${user_disks[@]}"}; do
        [ ! "$file" -ef "$root" ] || fail "the disk '$file' is the root disk already"
    done
    exec 9>> "$root.lock"
    if [ -n "$has_command" ]; then
        flock 9
    else
        flock -n 9 || fail "another Tern is running on $root"
    fi
    if [ -n "$fresh" ] || ! [ -e "$root" ]; then
        cp --sparse=always --reflink=auto "$build/root.ext4" "$root.new"
        mv "$root.new" "$root"
        touch "$root.lock"
    elif [ "$build/root.ext4" -nt "$root.lock" ]; then
        echo "qemu-run: $root was made of an older root image; --fresh makes a new one" >&2
    fi
    disk "$root"
}

# quote TEXT: as one word of sh.
quote()
{
    printf "'%s'" "${1//\'/\'\\\'\'}"
}

# What the first shell is told to do. It has no other way to hear of the command, or of the terminal's
# kind and size.
first_commands()
{
    local rows=0 columns=0
    echo "cd /root"
    if [ -n "$has_command" ]; then
        echo ". /etc/profile; exec tern-run $mark $(quote "$command")"
    else
        read -r rows columns < <(stty size 2> /dev/null) || true
        echo "stty rows $rows cols $columns; export TERM=$(quote "${TERM:-xterm}")"
        echo "exec sh -l"
    fi
}

# The standard bundle and these commands, as file 8: it has no name that somebody would have to remove.
start_bundle()
{
    local scratch
    scratch=$(mktemp -d "$build/run.XXXXXX")
    mark=$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
    first_commands > "$scratch/run"
    cp "$build/bundle/system.tar" "$scratch/bundle.tar"
    tar --format=ustar --owner=0 --group=0 -C "$scratch" -rf "$scratch/bundle.tar" run
    exec 8< "$scratch/bundle.tar"
    rm -r "$scratch"
    bundle=/dev/fd/8
}

top=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$top/build}
smp=2 mem=512 timeout='' gdb='' bundle='' kernel='' has_command='' command='' fresh='' user_disks=()
qemu=(qemu-system-riscv64 -machine virt -cpu rv64 -display none -bios default
    -global virtio-mmio.force-legacy=false
    -device "virtio-rng-device,bus=virtio-mmio-bus.7")

while [ $# -gt 0 ]; do
    case $1 in
    --run | --disk | --smp | --mem | --timeout | --trace | --bundle | --kernel | --append)
        [ $# -ge 2 ] || fail "$1 needs an argument"
        ;;
    esac
    case $1 in
    --run) has_command=yes; command=$2; shift ;;
    --fresh) fresh=yes ;;
    --disk) check_disk "$2"; user_disks+=("$2"); shift ;;
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
bundle_is_own=$bundle
((${#user_disks[@]} <= (${#bundle} ? 7 : 6))) || fail "at most 7 disks, the root disk included"
check_differ ${user_disks[@]+"${user_disks[@]}"}
[ -z "$bundle" ] || [ -z "$has_command$fresh" ] || fail "--run and --fresh are for the standard bundle"

"$top/scripts/install-deps.sh" run
targets=()
[ -n "$kernel" ] || targets+=(kernel)
if [ -z "$bundle" ]; then
    targets+=("${build#"$top"/}/bundle/system.tar" image)
else
    # A bundle of the build's own is brought up to date as well, whichever it is.
    case $(realpath -m "$bundle") in
    "$build"/bundle/*.tar) targets+=("${build#"$top"/}/bundle/$(basename "$bundle")") ;;
    esac
fi
((!${#targets[@]})) || make -s -j2 -C "$top" BUILD="$build" "${targets[@]}" >&2
kernel=${kernel:-$build/kernel.elf}

if [ -z "$bundle" ]; then
    root_disk
    start_bundle
fi
for file in ${user_disks[@]+"${user_disks[@]}"}; do
    disk "$file"
done
for file in "$kernel" "$bundle"; do
    if ! [ -r "$file" ] || [ -d "$file" ]; then
        fail "cannot read '$file'"
    fi
done
qemu+=(-smp "$smp" -m "${mem}M" -kernel "$kernel" -initrd "$bundle")

[ -z "$gdb" ] ||
    echo "waiting for: gdb-multiarch $kernel -ex 'target remote :1234'" >&2
# A command's machine ends when it would start again, and so does what --bundle brings.
[ -z "$has_command$bundle_is_own" ] || qemu+=(-no-reboot)
if [ -n "$has_command" ]; then
    qemu=("$top/scripts/run-command.py" "$mark" "${qemu[@]}" -monitor none -serial stdio)
else
    qemu+=(-serial mon:stdio)
    if [ -z "$bundle_is_own" ] && [ -t 0 ]; then
        qemu=("$top/scripts/run-terminal.py" "${qemu[@]}")
    fi
fi
if [ -n "$timeout" ]; then
    qemu=(timeout --foreground -k 5 "$timeout" "${qemu[@]}")
fi
exec "${qemu[@]}"

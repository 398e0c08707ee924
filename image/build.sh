#!/usr/bin/env bash
# build.sh: the root disk $BUILD/root.ext4, made without root's rights of the tree $BUILD/image.
#
# The tree is put together from image/skeleton, the ports, Tern's own programs and what tcc compiles
# with. mke2fs copies it; owners and times, which it takes from this machine, are then set with
# debugfs. So the same content gives the same bytes.
set -eu

SIZE=256M
UUID=7465726e-0000-4000-8000-000000000001
HASH_SEED=7465726e-0000-4000-8000-000000000002
TIME=1700000000
PATH=$PATH:/usr/sbin:/sbin

top=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "${BUILD:-$top/build}" && pwd)
cross=${CROSS:-riscv64-linux-gnu-}
tree=$build/image image=$build/root.ext4

put_system()
{
    mkdir -p "$tree"/{bin,dev,etc,home/user,proc,root,run,sbin,tmp,usr/local/bin,var/tmp,var/log}
    mkdir -p "$tree"/mnt/{0,1,2,3,4,5}
    cp -r "$top/image/skeleton/." "$tree"
    cp "$build"/image-programs/* "$tree/sbin"
    "${cross}strip" "$tree"/sbin/tern-*
    chmod 1777 "$tree/tmp" "$tree/var/tmp"
    chmod 700 "$tree/root"
}

put_ports()
{
    local port
    for port in "$build"/ports/*/root; do
        cp -r "$port/." "$tree"
    done
}

# What programs are linked with, emu's address included, for tcc.
put_library()
{
    local library=$tree/usr/lib
    mkdir -p "$library" "$tree/usr/include"
    cp -r "$build/musl/include/." "$tree/usr/include"
    cp "$build"/musl/lib/{crt1,crti,crtn}.o "$build"/musl/lib/lib*.a "$library"
    rm -f "$library"/libemu-*.a
    "${cross}ar" rsD "$library/libc.a" "$build/emu/program/entry.o" 2> /dev/null
}

# debugfs's commands that give every file of the tree to root (/home/user to its user) and one time.
owners_and_times()
{
    local path owner field
    while read -r path; do
        owner=0
        case $path in /home/user*) owner=1000 ;; esac
        for field in "uid $owner" "gid $owner" "atime @$TIME" "ctime @$TIME" "mtime @$TIME" \
            "crtime @$TIME" "atime_extra 0" "ctime_extra 0" "mtime_extra 0" "crtime_extra 0"; do
            echo "sif \"$path\" $field"
        done
    done < <(cd "$tree" && find . -printf '/%P\n' && echo /lost+found)
}

rm -rf "$tree"
put_system
put_ports
put_library
chmod -R u+rwX,go-w,go+rX "$tree"/{bin,etc,home,mnt,sbin,usr}
chmod u+s "$tree/bin/busybox-setuid"
export E2FSPROGS_FAKE_TIME=$TIME
rm -f "$image.new"
mke2fs -q -F -t ext4 -b 4096 -m 1 -N 32768 -L tern -U $UUID -J size=8 \
    -E "hash_seed=$HASH_SEED,root_owner=0:0,lazy_itable_init=0" -d "$tree" "$image.new" $SIZE
owners_and_times > "$build/image.debugfs"
debugfs -w -f "$build/image.debugfs" "$image.new" > "$build/image.log" 2>&1
mv "$image.new" "$image"
echo "built $image: $(du -m "$image" | cut -f1) MiB of $SIZE"

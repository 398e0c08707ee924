# BusyBox's default configuration without what off.txt lists, linked statically, with `date +%N`. It is there
# twice: su and passwd begin with root's rights, all else must not.
package=busybox

build()
{
    local option
    make -s defconfig HOSTCC="$HOST_CC"
    for option in $(grep -v '^#' "$recipe/off.txt"); do
        sed -i "s/^CONFIG_$option=.*/# CONFIG_$option is not set/" .config
    done
    for option in STATIC FEATURE_DATE_NANO; do
        sed -i "s/^# CONFIG_$option is not set/CONFIG_$option=y/" .config
    done
    yes '' | make -s oldconfig HOSTCC="$HOST_CC"
    make -j2 CC="$CC" AR="$AR" HOSTCC="$HOST_CC" STRIP="$STRIP" SKIP_STRIP=n busybox
    cp .config "$ports/$name/config" # its own tests ask for it
    make -s install CC="$CC" AR="$AR" HOSTCC="$HOST_CC" STRIP="$STRIP" CONFIG_PREFIX="$root"
    cp "$root/bin/busybox" "$root/bin/busybox-setuid" # image/build.sh sets the mode
    ln -sf busybox-setuid "$root/bin/su"
    ln -sf ../../bin/busybox-setuid "$root/usr/bin/passwd"
}

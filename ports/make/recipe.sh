# Debian's source package comes without a configure script; config.h here holds the answers.
# make's own glob and fnmatch are used because it relies on extensions that musl does not have.
package=make-dfsg

build()
{
    cp "$recipe/config.h" src/config.h
    cp lib/glob.in.h lib/glob.h
    cp lib/fnmatch.in.h lib/fnmatch.h
    rm src/{amiga,remote-cstms,vms}*.c
    printf '%s\n' src/*.c lib/{glob,fnmatch}.c |
        xargs -P 2 -n 8 $CC $CFLAGS -DHAVE_CONFIG_H -DLIBDIR='"/usr/lib"' \
            -DINCLUDEDIR='"/usr/include"' -DLOCALEDIR='"/usr/share/locale"' -Isrc -Ilib -c
    $CC $LDFLAGS -o make ./*.o
    program /usr/bin make
}

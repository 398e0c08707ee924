# The interpreter and the compiler. Debian's Makefile wants libtool, and lua is only a list of files.
package=lua5.4

build()
{
    local flags="$CFLAGS -DLUA_USE_POSIX -DLUA_COMPAT_5_3" source
    cd src
    echo "#define DEB_HOST_MULTIARCH \"tern\"" > lua5.4-deb-multiarch.h # made by Debian's rules
    for source in *.c; do
        echo "$source"
    done | xargs -P 2 -n 8 $CC $flags -c
    $CC $LDFLAGS -o lua $(ls *.o | grep -v '^luac\.o$') -lm
    $CC $LDFLAGS -o luac $(ls *.o | grep -v '^lua\.o$') -lm
    program /usr/bin lua
    program /usr/bin luac
}

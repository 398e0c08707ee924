# The library for other ports, and minigzip.
package=zlib

build()
{
    CHOST=riscv64-linux-musl CC=$CC CFLAGS=$CFLAGS AR=$AR RANLIB=$RANLIB \
        ./configure --prefix=/usr --static
    make -j2 libz.a minigzip
    program /usr/bin minigzip
    mkdir -p "$root/usr/include" "$root/usr/lib"
    cp zlib.h zconf.h "$root/usr/include"
    cp libz.a "$root/usr/lib"
}

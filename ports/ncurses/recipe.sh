# A library for less and nano. The terminals that matter are compiled in; a terminfo
# database on the disk is not needed.
package=ncurses

build()
{
    configure --without-cxx --without-cxx-binding --without-ada --without-manpages \
        --without-tests --without-progs --without-debug --without-gpm --disable-db-install \
        --disable-widec --with-fallbacks=vt100,vt220,linux,xterm,xterm-256color,ansi,screen \
        --with-build-cc="$HOST_CC" --disable-home-terminfo --enable-termcap=no \
        --with-default-terminfo-dir=/usr/share/terminfo
    make -j2 -C include
    make -j2 -C ncurses
    mkdir -p "$root/usr/include" "$root/usr/lib"
    cp include/*.h "$root/usr/include"
    cp lib/libncurses.a "$root/usr/lib"
    ln -sf libncurses.a "$root/usr/lib/libtinfo.a"
}

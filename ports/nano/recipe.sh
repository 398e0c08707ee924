package=nano
needs=ncurses

build()
{
    configure --disable-nls --disable-libmagic --disable-utf8 --enable-color \
        --disable-extra --disable-speller CPPFLAGS="-I$ports/ncurses/root/usr/include" \
        NCURSES_CFLAGS="-I$ports/ncurses/root/usr/include" \
        NCURSES_LIBS="-L$ports/ncurses/root/usr/lib -lncurses"
    make -j2 -C lib
    make -j2 -C src nano
    program /usr/bin src/nano
    mkdir -p "$root/usr/share/nano" "$root/etc"
    cp syntax/{c,sh,makefile,lua,awk}.nanorc "$root/usr/share/nano"
    echo 'include /usr/share/nano/*.nanorc' > "$root/etc/nanorc"
}

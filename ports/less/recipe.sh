package=less
needs=ncurses

build()
{
    configure --with-regex=posix CPPFLAGS="-I$ports/ncurses/root/usr/include" \
        LIBS="-L$ports/ncurses/root/usr/lib"
    make -j2 less lesskey lessecho
    program /usr/bin less
    program /usr/bin lesskey
    program /usr/bin lessecho
}

# The amalgamation, one large C file, is made on this machine with tclsh; then that is compiled.
package=sqlite3

build()
{
    make -j2 -f main.mk TOP=. BCC="$HOST_CC" TCCX="$HOST_CC" sqlite3.c shell.c
    $CC $CFLAGS -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_ENABLE_MATH_FUNCTIONS -DHAVE_USLEEP=1 \
        -DSQLITE_ENABLE_FTS5 -DHAVE_FDATASYNC=1 -c sqlite3.c &
    $CC $CFLAGS -DSQLITE_OMIT_LOAD_EXTENSION -c shell.c
    wait $!
    $CC $LDFLAGS -o sqlite3 shell.o sqlite3.o -lm
    program /usr/bin sqlite3
    mkdir -p "$root/usr/include" "$root/usr/lib"
    cp sqlite3.h "$root/usr/include"
    ${AR} rcs "$root/usr/lib/libsqlite3.a" sqlite3.o
}

# Its build runs bc itself to translate the mathematics library. So it is built twice: first for this
# machine, then, with the translation in place, for Tern.
package=bc

build()
{
    sh ./configure -q CC="$HOST_CC"
    make -j2 -C lib
    make -C bc libmath.h
    rm -f lib/*.[oa] bc/*.o
    configure --without-readline
    # -o: translated already
    make -j2 -C lib
    make -j2 -C bc -o libmath.h bc
    make -j2 -C dc dc
    program /usr/bin bc/bc
    program /usr/bin dc/dc
}

# Debian adds priv.c to Makefile.am; Makefile.in, which automake would make of it, is told the same.
package=dash

build()
{
    sed -i 's/parser\.c /&priv.c /; s/parser\.\$(OBJEXT) /&priv.$(OBJEXT) /' src/Makefile.in
    configure
    make -j2 -C src CC_FOR_BUILD="$HOST_CC"
    program /bin src/dash
}

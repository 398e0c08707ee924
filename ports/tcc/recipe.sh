# Headers and library of what tcc compiles are put on the disk by image/build.sh.
#
# Two changes to the source. Programs are linked statically without being asked for, because there is no
# dynamic linker. And the difference of two pointers is divided with its sign: this version divides
# unsigned, so a negative difference is wrong (Lua's tables, for one, do not survive that).
#
# HAVE_SELINUX: `tcc -run` maps what it has compiled twice, to write it and to run it; no page is both.
package=tcc

build()
{
    sed -i 's/s->nocommon = 1;/&\n    s->static_link = 1;/' libtcc.c
    grep -q 's->static_link = 1;$' libtcc.c
    sed -i "/^    case TOK_PDIV:\$/d; 0,/^    case '\/':\$/s||    case TOK_PDIV:\n&|" riscv64-gen.c
    grep -A2 'case TOK_PDIV:' riscv64-gen.c | grep -q ' div d'
    echo "#define TCC_VERSION \"$(cat VERSION)\"" > config.h
    $CC $CFLAGS $LDFLAGS -DTCC_TARGET_RISCV64 -DONE_SOURCE=1 -DCONFIG_TCC_STATIC -DTCC_MUSL -DHAVE_SELINUX \
        -DCONFIG_TCCDIR='"/usr/lib/tcc"' -DCONFIG_TCC_CRTPREFIX='"/usr/lib"' \
        -DCONFIG_TCC_LIBPATHS='"{B}:/usr/lib"' \
        -DCONFIG_TCC_SYSINCLUDEPATHS='"{B}/include:/usr/include"' -o tcc tcc.c -lm
    # tcc links position-independent or medany code only.
    $CC $CFLAGS -mcmodel=medany -c lib/lib-arm64.c lib/fetch_and_add_riscv64.S lib/dsohandle.c
    program /usr/bin tcc
    ln -s tcc "$root/usr/bin/cc"
    mkdir -p "$root/usr/lib/tcc"
    cp -r include "$root/usr/lib/tcc/include"
    $AR rcs "$root/usr/lib/tcc/libtcc1.a" lib-arm64.o fetch_and_add_riscv64.o dsohandle.o
}

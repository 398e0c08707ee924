package=mawk

build()
{
    configure --with-builtin-srand --with-builtin-regex
    make -j2 mawk
    program /usr/bin mawk
}

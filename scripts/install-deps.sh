#!/usr/bin/env bash
# install-deps.sh run|test: makes sure that what is needed to run Tern (or also to test it) is
# here. On Debian, what is missing is installed with apt-get; elsewhere it is listed.
# Everything it says goes to stderr; when nothing is missing it says nothing.
set -eu

usage()
{
    echo "usage: install-deps.sh run|test" >&2
    exit 2
}

# Lines of `package probe`: the package is there when the probe, a command or a path, is.
needed_to_run()
{
    cat <<'END'
make make
gcc-riscv64-linux-gnu riscv64-linux-gnu-gcc
binutils-riscv64-linux-gnu riscv64-linux-gnu-ld
linux-libc-dev-riscv64-cross /usr/riscv64-linux-gnu/include/linux/fs.h
qemu-system-misc qemu-system-riscv64
opensbi /usr/share/qemu/opensbi-riscv64-generic-fw_dynamic.bin
gcc gcc
libc6-dev /usr/include/stdio.h
python3 python3
tcl tclsh
e2fsprogs /usr/sbin/mke2fs
dpkg-dev dpkg-source
patch patch
xz-utils xz
mawk awk
bzip2 bzip2
ed ed
ca-certificates /etc/ssl/certs
END
}

needed_to_test()
{
    local clang_version
    clang_version=$(clang --version 2>/dev/null | sed -n 's/.*clang version \([0-9]*\).*/\1/p')
    clang_version=${clang_version:-14}
    cat <<END
git git
clang clang
libclang-rt-$clang_version-dev /usr/lib/llvm-$clang_version/lib/clang
clang-format clang-format
cppcheck cppcheck
shellcheck shellcheck
libcmocka-dev /usr/include/cmocka.h
python3 /usr/bin/python3
python3-pytest /usr/lib/python3/dist-packages/pytest
python3-pexpect /usr/lib/python3/dist-packages/pexpect
gdb-multiarch gdb-multiarch
END
}

# A browser to test the study page with. It is large: where it cannot be had the rest is tested.
needed_to_browse()
{
    cat <<'END'
chromium /usr/bin/chromium
chromium-driver /usr/bin/chromedriver
fonts-dejavu-core /usr/share/fonts/truetype/dejavu
END
}

missing_packages()
{
    local package probe
    while read -r package probe; do
        command -v "$probe" > /dev/null || [ -e "$probe" ] || echo "$package"
    done
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo > /dev/null; then
        sudo "$@"
    else
        echo "install-deps: root or sudo is needed for: $*" >&2
        return 1
    fi
}

# The package lists are refreshed only when there are none or when they turn out to be stale.
install()
{
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q)
    echo "installing: $*" >&2
    [ -n "$(find /var/lib/apt/lists -name '*_Packages*' -print -quit)" ] ||
        as_root "${apt[@]}" update >&2
    as_root "${apt[@]}" install -y --no-install-recommends "$@" >&2 && return
    as_root "${apt[@]}" update >&2
    as_root "${apt[@]}" install -y --no-install-recommends "$@" >&2
}

check_qemu_version()
{
    local version
    version=$(qemu-system-riscv64 --version | sed -n '1s/.*version \([0-9]*\)\..*/\1/p')
    if [ "${version:-0}" -lt 7 ]; then
        echo "install-deps: QEMU 7.0 or later is needed; this is version ${version:-unknown}" >&2
        exit 1
    fi
}

[ $# = 1 ] || usage
case $1 in
run) needed=$(needed_to_run) ;;
test) needed=$(needed_to_run; needed_to_test) ;;
*) usage ;;
esac

missing=$(missing_packages <<< "$needed")
if [ -n "$missing" ]; then
    if ! command -v apt-get > /dev/null; then
        echo "install-deps: this is not a Debian system; please install (Debian's names):" \
            "${missing//$'\n'/ }" >&2
        exit 1
    fi
    # shellcheck disable=SC2086 # one word per package
    install $missing
    missing=$(missing_packages <<< "$needed")
    if [ -n "$missing" ]; then
        echo "install-deps: still missing: ${missing//$'\n'/ }" >&2
        exit 1
    fi
fi
check_qemu_version

if [ "$1" = test ]; then
    missing=$(missing_packages < <(needed_to_browse))
    # shellcheck disable=SC2086 # one word per package
    if [ -n "$missing" ] && ! { command -v apt-get > /dev/null && install $missing; }; then
        echo "install-deps: the study page will not be tested without: ${missing//$'\n'/ }" >&2
    fi
fi

"""What the tests of study/ share: its modules on the path, the cross tools, the known guest."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CROSS = os.environ.get("CROSS", "riscv64-linux-gnu-")
# nmagic: QEMU starts a kernel at its lowest address, so no ELF header may be loaded before it.
# no-relax: relaxed addresses count on gp, and change the number of instructions.
GUEST_LINK = ("-nostdlib", "-static", "-no-pie", "-Wl,--build-id=none,--no-relax,--nmagic",
              "-Wl,-Ttext=0x80200000")
sys.path.insert(0, os.path.join(TOP, "study"))


def run(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def assemble(source, output, *options):
    """An ELF file made from assembly text or a file of it."""
    run(CROSS + "gcc", "-march=rv64gc", "-mabi=lp64d", "-fno-pie", *options, "-o", str(output),
        str(source))
    return str(output)


def build_payload(folder):
    """(kernel, bundle): the known guest, which is kernel and user program in one."""
    elf = assemble(os.path.join(HERE, "payload.S"), folder / "init", *GUEST_LINK)
    bundle = str(folder / "bench.tar")
    run("tar", "--format=ustar", "-C", str(folder), "-cf", bundle, "init")
    return elf, bundle

"""What the tests of study/ share: its modules on the path, the cross tools, the known guest."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CROSS = os.environ.get("CROSS", "riscv64-linux-gnu-")
sys.path.insert(0, os.path.join(TOP, "study"))


def run(*command):
    return subprocess.run(command, check=True, text=True, capture_output=True).stdout


def assemble(source, output, *options):
    """An ELF file made from assembly text or a file of it."""
    run(CROSS + "gcc", "-march=rv64gc", "-mabi=lp64d", *options, "-o", str(output), str(source))
    return str(output)


def build_payload(folder):
    """(kernel, bundle): the known guest, which is kernel and user program in one."""
    # Relaxed addresses would count on gp, and change the number of instructions.
    elf = assemble(os.path.join(HERE, "payload.S"), folder / "init", "-nostdlib", "-static",
                   "-no-pie", "-Wl,--build-id=none,--no-relax", "-Wl,-Ttext=0x80200000")
    bundle = str(folder / "bench.tar")
    run("tar", "--format=ustar", "-C", str(folder), "-cf", bundle, "init")
    return elf, bundle

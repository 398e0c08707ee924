"""Starts the machine for the tests: QEMU with a kernel and a boot bundle, console as text."""
import io
import os
import subprocess
import tarfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
KERNEL = os.path.join(BUILD, "kernel.elf")
DEBUG_KERNEL = os.path.join(BUILD, "debug", "kernel.elf")
TIME_LIMIT = 60


def bundle(name):
    return os.path.join(BUILD, "bundle", name + ".tar")


def make_bundle(path, files):
    """A ustar archive with the given {name: bytes}."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return str(path)


def script(*command, **options):
    """A command of the repository; the result has stdout, stderr and returncode."""
    return subprocess.run([os.path.join(TOP, command[0]), *command[1:]], cwd=TOP, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, check=False,
                          timeout=TIME_LIMIT, errors="replace", **options)


class Boot:
    """One run of the machine until it powers off: its console and QEMU's exit status."""

    def __init__(self, *, kernel=KERNEL, initrd=None, append=None, smp=1, memory="128M",
                 cpu="rv64"):
        command = ["qemu-system-riscv64", "-machine", "virt", "-cpu", cpu, "-smp", str(smp),
                   "-m", memory, "-nographic", "-serial", "mon:stdio", "-bios", "default",
                   "-no-reboot", "-kernel", kernel]
        command += ["-initrd", initrd] if initrd else []
        command += ["-append", append] if append else []
        result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                check=False, timeout=TIME_LIMIT)
        self.status = result.returncode
        self.console = result.stdout.decode(errors="replace").replace("\r", "")

    def __repr__(self):
        return f"status {self.status}\n{self.console}"

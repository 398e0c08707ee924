"""Starts the machine for the tests: QEMU with a kernel and a boot bundle, console as text."""
import io
import os
import struct
import subprocess
import tarfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
KERNEL = os.path.join(BUILD, "kernel.elf")
DEBUG_KERNEL = os.path.join(BUILD, "debug", "kernel.elf")
# Of seconds, and generous: what goes well ends long before, also where the machine below has other work.
TIME_LIMIT = 600


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


def whole_system(path, command, *, manifest="", programs=()):
    """The standard bundle whose first shell runs a command; further servers may be in it."""
    with tarfile.open(bundle("system")) as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}
    files["manifest"] += manifest.encode()
    files["run"] = command.encode()
    for name in programs:
        with open(os.path.join(BUILD, "servers", name), "rb") as file:
            files[name] = file.read()
    return make_bundle(path, files)


def symbol(kernel, name):
    """The address of a symbol of the kernel."""
    listing = subprocess.run(["riscv64-linux-gnu-nm", kernel], text=True, capture_output=True,
                             check=True).stdout
    return next(int(line.split()[0], 16) for line in listing.splitlines()
                if line.split()[-1] == name)


def patched_kernel(path, name, code):
    """A copy of the kernel in which the function `name` begins with other instructions."""
    with open(KERNEL, "rb") as file:
        image = bytearray(file.read())
    headers, size, count = (*struct.unpack_from("<Q", image, 32),
                            *struct.unpack_from("<HH", image, 54))
    for at in range(headers, headers + size * count, size):
        offset, address = struct.unpack_from("<QQ", image, at + 8)
        place = symbol(KERNEL, name) - address
        if 0 <= place < struct.unpack_from("<Q", image, at + 32)[0]:
            image[offset + place:offset + place + len(code)] = code
            break
    path.write_bytes(image)
    return str(path)


def script(*command, **options):
    """A command of the repository; the result has stdout, stderr and returncode."""
    return subprocess.run([os.path.join(TOP, command[0]), *command[1:]], cwd=TOP, text=True,
                          capture_output=True, stdin=subprocess.DEVNULL, check=False,
                          timeout=TIME_LIMIT, errors="replace", **options)


class Boot:
    """One run of the machine until it powers off: its console and QEMU's exit status."""

    def __init__(self, *, kernel=KERNEL, initrd=None, append=None, smp=1, memory="128M",
                 cpu="rv64", options=(), time_limit=TIME_LIMIT):
        command = ["qemu-system-riscv64", "-machine", "virt", "-cpu", cpu, "-smp", str(smp),
                   "-m", memory, "-nographic", "-serial", "mon:stdio", "-bios", "default",
                   "-no-reboot", "-global", "virtio-mmio.force-legacy=false", "-kernel", kernel,
                   *options]
        command += ["-initrd", initrd] if initrd else []
        command += ["-append", append] if append else []
        try:
            result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                    check=False, timeout=time_limit)
            self.status, console = result.returncode, result.stdout
        except subprocess.TimeoutExpired as end:
            # What it had said tells a machine that hangs from one that is slow.
            self.status, console = f"none after {time_limit} seconds", end.stdout or b""
        self.console = console.decode(errors="replace").replace("\r", "")

    def __repr__(self):
        return f"status {self.status}\n{self.console}"

"""The machine that is measured: QEMU's `virt` board with a kernel and a boot bundle.

With icount one instruction is one nanosecond of guest time, so figures repeat to the digit.
"""
import os
import subprocess
import tempfile
import threading

QEMU = "qemu-system-riscv64"
MEMORY = "1G"
CONSOLE_TAIL = 12  # lines of console that explain a failure


class GuestError(Exception):
    """The guest could not be started, did not end in time, or ended badly."""


def command_line(kernel, bundle, *, harts=1, icount=True, append="", memory=MEMORY,
                 disk=None, disk_speed=0, images=()):
    """QEMU's arguments; the console is its standard input and output. With disks come random numbers.

    What the guest writes to `images`, disks like `disk`, is lost.
    """
    command = [QEMU, "-machine", "virt", "-cpu", "rv64", "-smp", str(harts), "-m", memory,
               "-display", "none", "-monitor", "none", "-serial", "stdio", "-bios", "default",
               "-global", "virtio-mmio.force-legacy=false", "-no-reboot", "-kernel", kernel]
    command += ["-initrd", bundle] if bundle else []
    command += ["-append", append] if append else []
    command += ["-icount", "shift=0"] if icount else []
    command += ["-drive", f"file={disk},format=raw,if=none,id=disk,"
                f"throttling.iops-total={disk_speed}",
                "-device", "virtio-blk-device,drive=disk,bus=virtio-mmio-bus.0"] if disk else []
    for number, image in enumerate(images):
        command += ["-drive", f"file={image},format=raw,if=none,id=image{number},snapshot=on",
                    "-device", f"virtio-blk-device,drive=image{number},bus=virtio-mmio-bus.{number}"]
    command += ["-device", "virtio-rng-device,bus=virtio-mmio-bus.7"] if disk or images else []
    return command


def check_files(*paths):
    for path in paths:
        if path and not os.access(path, os.R_OK):
            raise GuestError(f"cannot read '{path}' (has it been built?)")


def start(command, **options):
    """A process that runs QEMU, its standard input empty if `options` do not say otherwise."""
    try:
        return subprocess.Popen(command, **{"stdin": subprocess.DEVNULL, **options})
    except FileNotFoundError:
        raise GuestError(f"{QEMU} is not installed") from None


def tail(console):
    return "".join(f"\n  | {line}" for line in console.splitlines()[-CONSOLE_TAIL:])


def read_until(process, text):
    """What the guest says up to this text, or its end."""
    output = b""
    while text not in output and (new := process.stdout.read1()):
        output += new
    return output


def run_to_end(kernel, bundle, *, timeout, prompt=b"", typed=b"", **options):
    """Boot, wait for power-off, return the console's text. Any status but 0 is an error.

    What is to be `typed` waits for the prompt: before that nobody listens.
    """
    check_files(kernel, bundle, *options.get("images", ()))
    command = command_line(kernel, bundle, **options)
    with start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
               stderr=subprocess.STDOUT) as process:
        watch = threading.Timer(timeout, process.kill)
        watch.start()
        before = read_until(process, prompt)
        watch.cancel()
        try:
            output, _ = process.communicate(typed, timeout=timeout)
            problem = process.returncode and f"the guest ended with status {process.returncode}"
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            problem = f"the guest did not power off within {timeout} s"
    console = (before + output).decode(errors="replace").replace("\r", "")
    if problem:
        raise GuestError(f"{bundle or kernel}: {problem}; its console ended:{tail(console)}")
    return console


class StoppedMachine:
    """A machine that stands at its first instruction and waits for a debugger on a socket."""

    def __init__(self, kernel, bundle, **options):
        check_files(kernel, bundle)
        # A folder of its own with a short path: a socket's path has at most 107 characters.
        self.folder = tempfile.TemporaryDirectory(prefix="tern-gdb-", dir="/tmp")
        self.socket = os.path.join(self.folder.name, "gdb")
        self.log = os.path.join(self.folder.name, "console")
        command = command_line(kernel, bundle, **options)
        command += ["-S", "-gdb", f"unix:{self.socket},server=on,wait=off"]
        try:
            with open(self.log, "wb") as log:
                self.process = start(command, stdout=log, stderr=subprocess.STDOUT)
        except GuestError:
            self.folder.cleanup()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def console(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read().replace("\r", "")

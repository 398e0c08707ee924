"""A machine that tests type at: init, servers and a manifest in a boot bundle of their own."""
import os
import re
import termios

import pexpect

from machine import BUILD, KERNEL, TOP, make_bundle

SERVERS = os.path.join(BUILD, "servers")
TIME_LIMIT = 300


def program(name):
    with open(os.path.join(SERVERS, name), "rb") as file:
        return file.read()


def console_block():
    """What the standard manifest says of the console."""
    with open(os.path.join(TOP, "servers", "manifest"), encoding="utf-8") as file:
        return re.search(r"^server console\n(\s.*\n)*?(?=\n|\Z)", file.read(), re.M)[0]


def system_bundle(path, manifest, programs=("console", "terminal", "crasher")):
    """A bundle with init, a manifest of this text and programs of the build."""
    files = {"init": program("init"), "manifest": manifest.encode()}
    files.update({name: program(name) for name in programs})
    return make_bundle(path, files)


TERMINAL = """
server terminal
	arguments {mode}
	port console console 0
	port init init 1
	restart shutdown
"""


def send_as_it_is():
    """In QEMU's process: its terminal must not turn \\n into \\r\\n; Tern has done so."""
    settings = termios.tcgetattr(0)
    settings[1] &= ~termios.ONLCR
    termios.tcsetattr(0, termios.TCSANOW, settings)


class Conversation(pexpect.spawn):
    """QEMU with its console; `end` waits for power off and returns QEMU's status."""

    def __init__(self, bundle, *, smp=2, append=None, icount=False, kernel=KERNEL,
                 memory="128M", options=()):
        arguments = ["-machine", "virt", "-cpu", "rv64", "-smp", str(smp), "-m", memory,
                     "-nographic", "-serial", "mon:stdio", "-bios", "default", "-no-reboot",
                     "-kernel", kernel, "-initrd", bundle]
        arguments += ["-append", append] if append else []
        arguments += ["-icount", "shift=0"] if icount else []
        arguments += options
        super().__init__("qemu-system-riscv64", arguments, timeout=TIME_LIMIT, encoding="utf-8",
                         codec_errors="replace", echo=False,
                         preexec_fn=send_as_it_is)
        self.delaybeforesend = None
        self.setwinsize(50, 200)

    def end(self):
        self.expect(pexpect.EOF)
        self.close()
        return self.exitstatus


def start(tmp_path, mode, *, manifest=None, **options):
    """Boots the console and what `manifest` says, with a terminal program in this mode."""
    text = console_block() + (manifest or TERMINAL).format(mode=mode)
    return Conversation(system_bundle(tmp_path / "bundle.tar", text), **options)

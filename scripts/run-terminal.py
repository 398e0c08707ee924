#!/usr/bin/env python3
"""run-terminal.py QEMU...: runs QEMU on this terminal and tells the guest when its size changes.

QEMU passes on what is typed, and nothing else: a serial line knows no size. So the size goes among what is
typed, as telnet's option NAWS, which the guest's console takes out again (lib/tty/size_report.h). It is
sent when the window changes; and once more in front of the next key, since at a start nobody may have
been there to take it: that counts for the first key as well, and after each reboot of the guest.

QEMU's exit status is this program's.
"""
import contextlib
import ctypes
import fcntl
import os
import selectors
import signal
import struct
import subprocess
import sys
import termios
import tty

IAC, SE, REPORT = b"\xff", b"\xff\xf0", b"\xff\xfa\x1f"
QEMU_ESCAPE = b"\x01"  # Ctrl-A, which QEMU takes for itself unless it is doubled
STARTED = b"OpenSBI v"  # what the firmware says first
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """In QEMU's process before it becomes QEMU: however this program ends, QEMU ends with it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def size_report():
    """The terminal's size, as it has to be written to QEMU."""
    rows, columns, _, _ = struct.unpack("4H", fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(8)))
    size = struct.pack(">HH", columns, rows).replace(IAC, IAC + IAC)
    return (REPORT + size + SE).replace(QEMU_ESCAPE, QEMU_ESCAPE * 2)


def read(descriptor):
    """What there is; nothing at the end, and when the terminal is gone."""
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        return b""


def write(descriptor, data):
    """All of `data`."""
    while data:
        data = data[os.write(descriptor, data):]


class Line:
    """Between the terminal and QEMU."""

    def __init__(self, qemu):
        self.qemu = qemu
        self.is_to_report = True
        self.last = b""
        self.resized, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        self.selector = selectors.DefaultSelector()
        for source, take in ((0, self.take_typed), (qemu.stdout.fileno(), self.take_shown),
                             (self.resized, self.take_resize)):
            self.selector.register(source, selectors.EVENT_READ, take)

    def send(self, data):
        """To QEMU, which may have ended."""
        try:
            write(self.qemu.stdin.fileno(), data)
        except BrokenPipeError:
            pass

    def take_typed(self, data):
        """From the terminal. Its end is the machine's."""
        if not data:
            self.qemu.kill()
            self.selector.unregister(0)
            return
        self.send((size_report() if self.is_to_report else b"") + data)
        self.is_to_report = False

    def take_shown(self, data):
        """From QEMU."""
        write(1, data)
        seen = self.last + data
        self.is_to_report |= STARTED in seen
        self.last = seen[1 - len(STARTED):]

    def take_resize(self, _):
        """The window has another size."""
        self.send(size_report())
        self.is_to_report = True

    def run(self):
        """Until QEMU says no more."""
        while True:
            for key, _ in self.selector.select():
                data = read(key.fd)
                if key.fd == self.qemu.stdout.fileno() and not data:
                    return
                key.data(data)


def make_raw():
    """Keys go through one by one, Ctrl-C too; what is shown is processed as before."""
    output = termios.tcgetattr(0)[1]
    tty.setraw(0)
    settings = termios.tcgetattr(0)
    settings[1] = output
    termios.tcsetattr(0, termios.TCSANOW, settings)


def main():
    """Status of QEMU; 128 and the signal if one ended it."""
    old = termios.tcgetattr(0)
    qemu = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            close_fds=False, preexec_fn=die_with_parent)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: qemu.kill())
    signal.signal(signal.SIGWINCH, lambda *_: None)
    try:
        make_raw()
        Line(qemu).run()
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, old)
    status = qemu.wait()
    return status if status >= 0 else 128 - status


sys.exit(main())

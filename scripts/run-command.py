#!/usr/bin/env python3
"""run-command.py MARK QEMU...: runs QEMU and takes a command's output out of what the console says.

The other end is image/programs/tern-run.c: lines that begin with 0x1e MARK are the command's, and go
to standard output or standard error with the very bytes that it wrote. Other lines are the firmware's,
the kernel's and the servers'. Those between the command's begin and end are passed on to standard
error; all of them are if the machine fails before the command has ended: then they explain it. QEMU's exit status,
which is the guest's, is this program's.
"""
import ctypes
import os
import re
import signal
import subprocess
import sys

ESCAPED = re.compile(b"\x10(.)", re.DOTALL)


def decode(data):
    """The bytes that were sent as `data`."""
    return ESCAPED.sub(lambda match: bytes([match[1][0] ^ 0x40]), data)


def write(descriptor, data):
    """All of `data`. If nobody reads any more, this program and QEMU end by SIGPIPE."""
    while data:
        data = data[os.write(descriptor, data):]


class Output:
    """What has been read so far, and what to do with it."""

    def __init__(self, mark):
        self.mark = b"\x1e" + mark
        self.unfinished = b""
        self.others = []
        self.is_running = False
        self.has_ended = False

    def take_own(self, kind, data):
        """A line of the command's."""
        if kind == b"o":
            write(1, decode(data))
        elif kind == b"e":
            write(2, decode(data))
        else:
            self.is_running = kind == b"b"
            self.has_ended = kind == b"x"

    def take_other(self, line):
        """A line of somebody else's."""
        if self.is_running:
            write(2, line + b"\n")
        else:
            self.others.append(line + b"\n")

    def feed(self, data):
        """More of the console's bytes."""
        *lines, self.unfinished = (self.unfinished + data).split(b"\n")
        for line in lines:
            before, found, own = line.partition(self.mark)
            if before.strip(b"\r"):
                self.take_other(before.strip(b"\r"))
            if found:
                self.take_own(own[:1], own[1:])

    def finish(self, has_failed):
        """The console says no more."""
        if self.unfinished:
            self.take_other(self.unfinished)
        if has_failed and not self.has_ended:
            write(2, b"".join(self.others))


PR_SET_PDEATHSIG = 1


def die_with_parent():
    """In QEMU's process before it becomes QEMU: however this program ends, QEMU ends with it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main():
    """Status of QEMU; 128 and the signal if one ended it."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    output = Output(sys.argv[1].encode())
    qemu = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            close_fds=False, preexec_fn=die_with_parent)
    signal.signal(signal.SIGTERM, lambda *_: qemu.kill())
    signal.signal(signal.SIGINT, lambda *_: qemu.kill())
    while data := os.read(qemu.stdout.fileno(), 1 << 16):
        output.feed(data)
    status = qemu.wait()
    output.finish(status != 0)
    return status if status >= 0 else 128 - status


sys.exit(main())

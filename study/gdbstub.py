"""A client of QEMU's gdb stub: the few packets of GDB's remote protocol that a tracer needs.

Why not gdb itself: single-stepping through its Python interface is slower, prints into the figures,
and would make gdb-multiarch a requirement of `make bench`. What goes wrong is a GdbError that says
what was asked for and what came back; nothing here waits without a time limit.
"""
import re
import socket
import time

PC = 32  # registers 0 to 31 are x0 to x31
CORE_REGISTERS = 33
REGISTER_BYTES = 8
MEMORY_CHUNK = 1024  # bytes; twice as many digits fit well into one packet of QEMU's
ATTEMPTS = 3

# Bits of the packet Qqemu.sstep: whether a step masks interrupts, and stops the timers.
SSTEP_ENABLE, SSTEP_NOIRQ, SSTEP_NOTIMER = 1, 2, 4
UNDISTURBED = SSTEP_ENABLE | SSTEP_NOIRQ | SSTEP_NOTIMER


class GdbError(Exception):
    """The stub refused something, answered nonsense, or is gone."""


def checksum(payload):
    return sum(payload) & 0xff


def encode_packet(payload):
    """Frame a payload; the four special characters are escaped."""
    escaped = re.sub(rb"[#$}*]", lambda match: bytes((0x7d, match[0][0] ^ 0x20)), payload)
    return b"$" + escaped + b"#" + b"%02x" % checksum(escaped)


def decode_payload(data):
    """Undo escapes (`}c`) and run lengths (`c*n`) of a received payload."""
    out = bytearray()
    at = 0
    while at < len(data):
        byte = data[at]
        at += 1
        if byte not in b"}*":
            out.append(byte)
            continue
        if at == len(data) or (byte == 0x2a and not out):
            raise GdbError(f"malformed packet {bytes(data)!r}")
        if byte == 0x7d:
            out.append(data[at] ^ 0x20)
        else:
            out += out[-1:] * (data[at] - 29)
        at += 1
    return bytes(out)


def open_socket(address, timeout):
    """Connect to a Unix socket's path or a (host, port); QEMU may still be starting."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    deadline = time.monotonic() + timeout
    while True:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.connect(address)
            if family == socket.AF_INET:  # small packets back and forth: never delay them
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as error:
            connection.close()
            if time.monotonic() > deadline:
                raise GdbError(f"no gdb stub at {address}: {error}") from error
            time.sleep(0.02)


class Link:
    """Packets over a socket: framing, checksums, acknowledgements, time limits."""

    def __init__(self, connection):
        self.connection = connection
        self.buffer = bytearray()

    def close(self):
        self.connection.close()

    def _byte(self, deadline):
        if not self.buffer:
            try:
                self.connection.settimeout(max(deadline - time.monotonic(), 0.001))
                received = self.connection.recv(65536)
            except TimeoutError:
                raise GdbError("the gdb stub did not answer in time") from None
            except OSError as error:
                raise GdbError(f"the connection to the gdb stub broke: {error}") from error
            if not received:
                raise GdbError("the gdb stub closed the connection (has the guest ended?)")
            self.buffer += received
        return self.buffer.pop(0)

    def _transmit(self, data):
        try:
            self.connection.sendall(data)
        except OSError as error:
            raise GdbError(f"the connection to the gdb stub broke: {error}") from error

    def send(self, payload, timeout):
        """Send a packet until it is acknowledged."""
        deadline = time.monotonic() + timeout
        for _ in range(ATTEMPTS):
            self._transmit(encode_packet(payload))
            answer = self._byte(deadline)
            if answer == ord("+"):
                return
            if answer != ord("-"):
                raise GdbError(f"expected an acknowledgement of {payload!r}, got {answer:#x}")
        raise GdbError(f"the stub refused {payload!r} {ATTEMPTS} times: bad checksum")

    def receive(self, timeout):
        """The next packet's payload; one with a bad checksum is asked for again."""
        deadline = time.monotonic() + timeout
        for _ in range(ATTEMPTS):
            while self._byte(deadline) != ord("$"):
                pass
            data = bytearray()
            while (byte := self._byte(deadline)) != ord("#"):
                data.append(byte)
            digits = bytes((self._byte(deadline), self._byte(deadline)))
            if digits.lower() == b"%02x" % checksum(data):
                self._transmit(b"+")
                return decode_payload(data)
            self._transmit(b"-")
        raise GdbError(f"{ATTEMPTS} packets in a row had a bad checksum")


class GdbClient:
    """A stopped machine: its registers and memory, breakpoints, steps."""

    def __init__(self, address, timeout=60):
        self.timeout = timeout
        self.link = Link(open_socket(address, timeout))
        self.numbers = None
        try:
            self.request("qSupported:xmlRegisters=riscv")
        except GdbError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.link.close()

    def request(self, text):
        """Send a packet, return the answer's text; error answers become exceptions."""
        self.link.send(text.encode("ascii"), self.timeout)
        answer = self.link.receive(self.timeout).decode("latin-1")
        if re.fullmatch(r"E[0-9a-fA-F]{2}", answer):
            raise GdbError(f"the gdb stub answers '{text}' with error {answer[1:]}")
        return answer

    def _expect_ok(self, text):
        answer = self.request(text)
        if answer != "OK":
            raise GdbError(f"the gdb stub answers '{text}' with '{answer or 'not supported'}'")

    def _bytes(self, text, length):
        """The answer as exactly `length` bytes of hexadecimal digits."""
        answer = self.request(text)
        try:
            data = bytes.fromhex(answer)
        except ValueError:
            raise GdbError(f"the gdb stub answers '{text}' with '{answer}', no digits") from None
        if len(data) != length:
            raise GdbError(f"'{text}' gave {len(data)} bytes instead of {length}")
        return data

    # ------------------------------------------------------------------------------ registers

    def registers(self):
        """x0 to x31 and the pc, as a list of 33 numbers."""
        data = self._bytes("g", CORE_REGISTERS * REGISTER_BYTES)
        return [int.from_bytes(data[at:at + REGISTER_BYTES], "little")
                for at in range(0, len(data), REGISTER_BYTES)]

    def register(self, which):
        """One register by number, or by its name in the target description (satp, priv, …)."""
        number = which if isinstance(which, int) else self.register_number(which)
        return int.from_bytes(self._bytes(f"p{number:x}", REGISTER_BYTES), "little")

    def register_number(self, name):
        if self.numbers is None:
            self.numbers = self._describe("target.xml", 0, {})[1]
        if name not in self.numbers:
            raise GdbError(f"the target description has no register '{name}'")
        return self.numbers[name]

    def _describe(self, annex, following, numbers):
        """Number the registers of a description: as its regnum says, else after the last one.

        No XML parser: QEMU uses the prefix xi: without declaring it, which is not well-formed.
        """
        for tag, text in re.findall(r"<(xi:include|reg)\s([^>]*)>", self._transfer(annex)):
            attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', text))
            if tag == "xi:include":
                following, _ = self._describe(attributes["href"], following, numbers)
            else:
                following = int(attributes.get("regnum", following))
                numbers[attributes["name"]] = following
                following += 1
        return following, numbers

    def _transfer(self, annex):
        """A whole document of the target description, which comes in pieces."""
        document = ""
        while True:
            piece = self.request(f"qXfer:features:read:{annex}:{len(document):x},{MEMORY_CHUNK:x}")
            if piece[:1] not in ("m", "l"):
                raise GdbError(f"the gdb stub has no target description '{annex}'")
            document += piece[1:]
            if piece[0] == "l":
                return document

    # --------------------------------------------------------------------------------- memory

    def read_memory(self, address, length):
        """Bytes at a virtual address, as the hart's present address space and mode see them."""
        data = b""
        while len(data) < length:
            size = min(length - len(data), MEMORY_CHUNK)
            try:
                data += self._bytes(f"m{address + len(data):x},{size:x}", size)
            except GdbError as error:
                raise GdbError(f"cannot read {size} bytes at {address + len(data):#x}: "
                               f"{error}") from error
        return data

    # -------------------------------------------------------------------------------- running

    def set_breakpoint(self, address, hardware=False):
        """QEMU compares addresses and patches nothing: the page need not be there yet."""
        self._expect_ok(f"Z{int(hardware)},{address:x},2")

    def clear_breakpoint(self, address, hardware=False):
        self._expect_ok(f"z{int(hardware)},{address:x},2")

    def set_step_mode(self, bits=UNDISTURBED):
        """Whether interrupts and timers are held back while single-stepping."""
        self._expect_ok(f"Qqemu.sstep={bits:#x}")

    def threads(self):
        """The harts, as the stub's thread names."""
        names, answer = [], self.request("qfThreadInfo")
        while answer.startswith("m"):
            names += answer[1:].split(",")
            answer = self.request("qsThreadInfo")
        return names

    def select_thread(self, thread):
        """The hart whose registers and memory are read from now on."""
        self._expect_ok(f"Hg{thread}")

    def step(self, thread=None):
        """One instruction on one hart; with a thread name the other harts stand still."""
        self._resume(f"vCont;s:{thread}" if thread else "s", self.timeout)

    def resume(self, timeout):
        """Run until a breakpoint. At a breakpoint's own address, step off it first."""
        self._resume("c", timeout)

    def _resume(self, text, timeout):
        self.link.send(text.encode("ascii"), self.timeout)
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            try:
                answer = self.link.receive(left).decode("latin-1")
            except GdbError as error:
                raise GdbError(f"the guest did not stop again after '{text}': {error}") from error
            if answer[:1] in ("T", "S"):
                return
            if answer[:1] != "O":  # O: text that the guest prints
                raise GdbError(f"the guest ended while it was watched ('{answer}')")

"""The gdb client against a scripted stub: framing, retries, and what it says when things fail."""
import socket
import threading

import pytest
import toolbox  # noqa: F401 (puts study/ on the path)

import gdbstub


def frame(payload):
    return gdbstub.encode_packet(payload)


class Stub:
    """Answers each packet with the bytes that the script holds for it; records all it receives."""

    def __init__(self, script):
        self.near, far = socket.socketpair()
        self.script = {b"$qSupported:xmlRegisters=riscv": [b"+" + frame(b"PacketSize=1000")]}
        self.script |= script
        self.received = []
        self.thread = threading.Thread(target=self.serve, args=(far,), daemon=True)
        self.thread.start()

    def serve(self, far):
        pending = b""
        with far:
            while data := far.recv(4096):
                pending = (pending + data).lstrip(b"+")
                while b"#" in pending and len(pending) >= pending.index(b"#") + 3:
                    end = pending.index(b"#")
                    self.received.append(pending[:end + 3])
                    request, pending = pending[:end], pending[end + 3:].lstrip(b"+")
                    answers = self.script.get(request)
                    if not answers:
                        return
                    far.sendall(answers.pop(0) if len(answers) > 1 else answers[0])


@pytest.fixture(name="connect")
def fixture_connect(monkeypatch):
    clients = []

    def connect(script, timeout=60):
        stub = Stub(script)
        monkeypatch.setattr(gdbstub, "open_socket", lambda *_: stub.near)
        clients.append(gdbstub.GdbClient("stub", timeout))
        return clients[-1], stub

    yield connect
    for client in clients:
        client.close()


def test_frame_has_checksum_and_escapes():
    assert frame(b"g") == b"$g#67"
    assert frame(b"a}b") == b"$a}]b#" + b"%02x" % (sum(b"a}]b") & 0xff)


def test_payload_undoes_run_lengths_and_escapes():
    assert gdbstub.decode_payload(b"0* ") == b"0000"
    assert gdbstub.decode_payload(b"a}\x03b") == b"a#b"
    with pytest.raises(gdbstub.GdbError):
        gdbstub.decode_payload(b"*")


def test_registers_are_little_endian(connect):
    data = b"".join(number.to_bytes(8, "little") for number in range(33))
    client, _ = connect({b"$g": [b"+" + frame(data.hex().encode())]})
    assert client.registers() == list(range(33))


def test_bad_checksum_is_asked_for_again(connect):
    client, _ = connect({b"$m10,2": [b"+$beef#00" + frame(b"beef")]})
    assert client.read_memory(0x10, 2) == b"\xbe\xef"


def test_refused_packet_is_sent_again(connect):
    client, stub = connect({b"$m10,1": [b"-", b"+" + frame(b"7f")]})
    assert client.read_memory(0x10, 1) == b"\x7f"
    assert stub.received.count(b"$m10,1#" + b"%02x" % (sum(b"m10,1") & 0xff)) == 2


def test_large_reads_are_split(connect):
    chunk = gdbstub.MEMORY_CHUNK
    client, _ = connect({b"$m0,%x" % chunk: [b"+" + frame(b"11" * chunk)],
                         b"$m%x,1" % chunk: [b"+" + frame(b"22")]})
    assert client.read_memory(0, chunk + 1) == b"\x11" * chunk + b"\x22"


def test_unreadable_memory_names_the_address(connect):
    client, _ = connect({b"$m10,2": [b"+" + frame(b"E14")]})
    with pytest.raises(gdbstub.GdbError, match="cannot read 2 bytes at 0x10"):
        client.read_memory(0x10, 2)


def test_short_answer_is_an_error(connect):
    client, _ = connect({b"$m10,2": [b"+" + frame(b"be")]})
    with pytest.raises(gdbstub.GdbError, match="1 bytes instead of 2"):
        client.read_memory(0x10, 2)


def test_unsupported_packet_is_an_error(connect):
    client, _ = connect({b"$Z1,10,2": [b"+" + frame(b"")]})
    with pytest.raises(gdbstub.GdbError, match="not supported"):
        client.set_breakpoint(0x10, hardware=True)


def test_registers_are_numbered_from_the_description(connect):
    target = b'<target><xi:include href="a.xml"/><xi:include href="b.xml"/></target>'
    client, _ = connect({
        b"$qXfer:features:read:target.xml:0,400": [b"+" + frame(b"l" + target)],
        b"$qXfer:features:read:a.xml:0,400": [b"+" + frame(b'm<reg name="x0"/>')],
        b"$qXfer:features:read:a.xml:10,400": [b"+" + frame(b'l<reg name="x1"/>')],
        b"$qXfer:features:read:b.xml:0,400":
            [b"+" + frame(b'l<reg name="satp" bitsize="64" regnum="449"/><reg name="next"/>')],
        b"$p1c1": [b"+" + frame(b"0500000000000090")],
    })
    assert client.register("satp") == 0x9000000000000005
    assert client.register_number("x1") == 1
    assert client.register_number("next") == 450
    with pytest.raises(gdbstub.GdbError, match="no register 'pmp'"):
        client.register("pmp")


def test_step_of_one_hart_names_it(connect):
    client, stub = connect({b"$vCont;s:2": [b"+" + frame(b"T05thread:02;")]})
    client.step("2")
    assert stub.received[-1].startswith(b"$vCont;s:2#")


def test_guest_that_never_stops_is_an_error(connect):
    client, _ = connect({b"$c": [b"+"]})
    with pytest.raises(gdbstub.GdbError, match="did not stop again after 'c'.*in time"):
        client.resume(0.1)


def test_guest_that_ends_is_an_error(connect):
    client, _ = connect({b"$c": [b"+" + frame(b"O48") + frame(b"W00")]})
    with pytest.raises(gdbstub.GdbError, match="ended"):
        client.resume(5)


def test_closed_connection_is_an_error(connect):
    client, _ = connect({})
    with pytest.raises(gdbstub.GdbError, match="closed|broke"):
        client.registers()


def test_absent_stub_is_an_error(tmp_path):
    with pytest.raises(gdbstub.GdbError, match="no gdb stub"):
        gdbstub.GdbClient(str(tmp_path / "absent"), timeout=0.05)

"""Typing at the console server: editing, raw mode, signals, lines in between, restarts."""
import re
import time

import pexpect
import pytest

from conversation import TERMINAL, start
from machine import patched_kernel


def ready(tmp_path, program, **options):
    """The program has set its terminal up and reads."""
    machine = start(tmp_path, program, **options)
    machine.expect("ready\r\n")
    return machine


def test_line_is_echoed_and_read(tmp_path):
    machine = ready(tmp_path, "echo")
    machine.send("hello\r")
    machine.expect_exact("hello\r\n6: hello\r\n")
    machine.send("quit\r")
    assert machine.end() == 0


def test_line_is_edited_before_it_is_read(tmp_path):
    machine = ready(tmp_path, "echo")
    machine.send("hellp\x7fo wrong\x17right\r")
    machine.expect_exact("hellp\b \bo wrong" + "\b \b" * 5 + "right\r\n12: hello right\r\n")
    machine.send("all of this is gone\x15this is not\r")
    machine.expect_exact("\r\n12: this is not\r\n")
    machine.send("\x16\x03literally\r")
    machine.expect_exact("11: \x03literally\r\n")
    machine.send("no end\x04\x04")
    machine.expect_exact("6: no end")
    machine.expect_exact("end of file\r\n")
    assert machine.end() == 0


def test_long_line_arrives_whole(tmp_path):
    machine = ready(tmp_path, "echo")
    for _ in range(10):
        machine.send("0123456789" * 5)
        time.sleep(0.05)
    machine.send("\r")
    machine.expect_exact("501: " + "0123456789" * 50 + "\r\n")
    machine.send("quit\r")
    assert machine.end() == 0


def test_raw_mode_gives_each_byte_unechoed(tmp_path):
    machine = ready(tmp_path, "raw")
    for byte, shown in (("a", "<61>"), ("\x7f", "<7f>"), ("\x04", "<04>"), ("\r", "<0a>")):
        machine.send(byte)
        machine.expect(r"<..>")
        assert (machine.before, machine.after) == ("", shown)
    machine.send("q")
    assert machine.end() == 0


def test_read_ends_by_time(tmp_path):
    machine = start(tmp_path, "time")
    machine.expect(r"nothing: 0 after (\d+) tenths\r\nready\r\n")
    assert 3 <= int(machine.match[1]) < 1000
    machine.send("abc")
    machine.expect("pause: 3\r\n")
    assert machine.end() == 0


def test_signals_are_events(tmp_path):
    machine = ready(tmp_path, "signals")
    machine.send("typed away\x03")
    machine.expect_exact("typed away^C")
    machine.expect_exact("signal 2\r\n")
    machine.send("\x1a")
    machine.expect_exact("signal 20\r\n")
    machine.expect_exact("signal 28\r\n")
    machine.send("\x1c")
    machine.expect_exact("signal 3\r\n")
    assert machine.end() == 0


def test_poll_notifies_of_input(tmp_path):
    machine = ready(tmp_path, "poll")
    machine.send("half")
    machine.send(" a line\r")
    machine.expect_exact("polled 1, half a line\r\n")
    assert machine.end() == 0


def test_output_stops_and_goes_on(tmp_path):
    machine = ready(tmp_path, "echo")
    machine.send("\x13one\r")
    with pytest.raises(Exception):
        machine.expect_exact("4: one", timeout=1)
    machine.send("\x11")
    machine.expect_exact("4: one\r\n")
    machine.send("quit\r")
    assert machine.end() == 0


def test_lines_of_others_stay_whole(tmp_path):
    machine = ready(tmp_path, "background", manifest=TERMINAL + "\tport other console 7\n")
    machine.expect_exact("prompt> \r\n")
    assert machine.end() == 0
    lines = machine.before.split("\r\n")
    assert "half of a line" in lines
    assert "terminal: a line of the log" in lines
    assert [line for line in lines if line.startswith("active line")] == \
        [f"active line {i}" for i in range(200)]
    assert [line for line in lines if line.startswith("terminal: log")] == \
        [f"terminal: log line {i}" for i in range(200)]
    assert lines.count("other line") == 200
    assert "now active" in lines
    known = r"(active line \d+|terminal: log line \d+|other line|now active|half of a line|" \
        r"terminal: a line of the log|init: .*|)$"
    assert [line for line in lines if not re.match(known, line)] == []


def test_nonsense_is_refused(tmp_path):
    machine = start(tmp_path, "nonsense", manifest=TERMINAL + "\tport other console 7\n")
    machine.expect_exact("most refused, settings as before, console 0 restarts\r\n")
    assert machine.end() == 0


def test_panic_reaches_the_wire(tmp_path):
    kernel = patched_kernel(tmp_path / "kernel.elf", "sys_null", bytes(4))
    machine = start(tmp_path, "panic", kernel=kernel)
    machine.expect_exact("unfinished")
    machine.expect_exact("terminal: logged before the panic\r\n")
    machine.expect("error: panic on hart [01]: trap in the kernel: cause 2")
    machine.expect_exact("backtrace:")
    assert machine.end() == 101


def survive(machine):
    """Types while the console dies 50 times; the worst time in which it was back, in ms."""
    machine.expect("ready\r\n")
    for _ in range(20000):
        machine.send("x")
        if machine.expect([r"restart_ms worst (\d+\.\d+) last (\d+\.\d+)\r\n",
                           pexpect.TIMEOUT], timeout=0.03) == 0:
            break
    worst = float(machine.match[1])
    assert machine.end() == 0
    return worst


@pytest.mark.parametrize("harts", [1, 4])
def test_killed_console_loses_no_client(tmp_path, harts):
    survive(start(tmp_path, "survive", smp=harts))


def test_console_is_back_within_50_ms(tmp_path):
    """Where an instruction takes a nanosecond. While the guest sleeps it still hears of this machine's
    delays: so it is enough that one of a few tries is good."""
    times = []
    while len(times) < 5 and (not times or times[-1] >= 50):
        times.append(survive(start(tmp_path, "survive", smp=1, icount=True)))
    print("restart_ms", times)
    assert 0 < times[-1] < 50

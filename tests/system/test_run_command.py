"""scripts/run-command.py tells a command's output from everything else on the console."""
import os
import subprocess

from machine import TOP

MARK = "0123456789abcdef"
BOOT = b"OpenSBI v1.1\r\n[0.1] info: Tern\r\n"


def own(kind, data=b""):
    """A line as tern-run sends it."""
    for byte in (0x10, 0x0a, 0x0d):
        data = data.replace(bytes([byte]), bytes([0x10, byte ^ 0x40]))
    return b"\x1e" + MARK.encode() + kind + data + b"\n"


def run(tmp_path, console, status=0):
    """The filter over what a machine says that ends with `status`."""
    said = tmp_path / "console"
    said.write_bytes(console)
    return subprocess.run([os.path.join(TOP, "scripts/run-command.py"), MARK, "sh", "-c",
                           f"cat {said}; exit {status}"], capture_output=True, check=False,
                          timeout=300)


def test_every_byte_comes_through(tmp_path):
    data = bytes(range(256)) * 40 + b"\x10\x4a\x1e\n\n\r\n\x10"
    result = run(tmp_path, BOOT + own(b"b") + own(b"o", data) + own(b"x", b"0"))
    assert (result.stdout, result.stderr, result.returncode) == (data, b"", 0)


def test_the_two_outputs_are_kept_apart(tmp_path):
    console = own(b"b") + own(b"o", b"one\n") + own(b"e", b"two\n") + own(b"o", b"three")
    result = run(tmp_path, BOOT + console + own(b"x", b"7"), 7)
    assert (result.stdout, result.stderr, result.returncode) == (b"one\nthree", b"two\n", 7)


def test_lines_of_the_log_between_are_told_on_standard_error(tmp_path):
    console = own(b"b") + own(b"o", b"one") + b"[1.0] pipe: died\r\n" + own(b"o", b"two")
    result = run(tmp_path, BOOT + console + own(b"x", b"0") + b"[2.0] power off\r\n")
    assert (result.stdout, result.stderr) == (b"onetwo", b"[1.0] pipe: died\n")


def test_a_line_of_the_log_without_an_end_does_not_hide_output(tmp_path):
    result = run(tmp_path, own(b"b") + b"half a line" + own(b"o", b"one") + own(b"x", b"0"))
    assert (result.stdout, result.stderr) == (b"one", b"half a line\n")


def test_a_machine_that_fails_before_the_end_is_explained(tmp_path):
    result = run(tmp_path, BOOT + own(b"b") + own(b"o", b"one") + b"panic: here", 1)
    assert (result.stdout, result.returncode) == (b"one", 1)
    assert b"panic: here" in result.stderr and b"OpenSBI" in result.stderr


def test_other_marks_are_not_taken(tmp_path):
    forged = own(b"o", b"no").replace(b"0123", b"3210")
    result = run(tmp_path, own(b"b") + forged + own(b"x", b"0"))
    assert result.stdout == b""

"""init: what the manifest says happens, its mistakes are named, and dead servers come back."""
import subprocess
import time

import pexpect
import pytest

from conversation import (TERMINAL, Conversation, program, console_block, start,
                          system_bundle)
from machine import BUILD, bundle, make_bundle

BLOCK = "server crasher\n\tlistener\n"

MISTAKES = [
    ("server crasher\n\tpriority 99\n",
     "manifest:2: priority must be a number from 1 to 31, not '99'"),
    ("server a\n\tport p b 1\nserver b\n\tlistener\n",
     "manifest:2: server 'b' starts later, in line 3: calls only go downwards"),
    ("# nothing\n", "the manifest names no server"),
    ("server absent\n", "manifest:1: the program 'absent' of server 'absent' is not in the bundle"),
    (BLOCK + "\tregisters r device no-such-chip 0\n",
     "manifest:3: 'r' cannot be given to server 'crasher': error -19"),
    (BLOCK + "\tinterrupt i virtio 99 0\n",
     "manifest:3: 'i' cannot be given to server 'crasher': error -19"),
    (BLOCK + "\tregisters r physical 0x80000000 0x1000\n",
     "manifest:3: 'r' cannot be given to server 'crasher': error -19"),
]


@pytest.mark.parametrize("text, message", MISTAKES, ids=[m[1][:40] for m in MISTAKES])
def test_mistake_names_line_and_reason(tmp_path, text, message):
    machine = Conversation(system_bundle(tmp_path / "bundle.tar", text))
    machine.expect_exact("init: ")
    machine.expect_exact(message + "\r\n")
    assert machine.end() == 1


def test_manifest_is_chosen_on_the_command_line(tmp_path):
    files = {name: program(name) for name in ("init", "console", "terminal")}
    files["other"] = (console_block() + TERMINAL.format(mode="shutdown")).encode()
    archive = make_bundle(tmp_path / "bundle.tar", files)
    machine = Conversation(archive)
    machine.expect_exact("init: manifest: there is no such file in the boot bundle\r\n")
    assert machine.end() == 1
    machine = Conversation(archive, append="verbose manifest=other")
    machine.expect_exact("shutting down\r\n")
    assert machine.end() == 42


def test_program_that_ends_ends_the_system_with_its_status(tmp_path):
    machine = start(tmp_path, "no-such-mode")
    machine.expect_exact("terminal: no such mode: 2\r\n")
    assert machine.end() == 1


CRASHER = """
server crasher
	listener
	restart always 4
""" + TERMINAL + "\tport crasher crasher 1\n"


def test_server_that_crashes_at_once_is_given_up(tmp_path):
    machine = start(tmp_path, "crasher", manifest=CRASHER)
    machine.expect_exact("call: -32\r\n")
    said = machine.before
    machine.expect_exact("console: running, 0 restarts, status 0\r\n")
    machine.expect_exact("crasher: given up, 3 restarts, status 139\r\n")
    machine.expect_exact("terminal: running, 0 restarts, status 0\r\n")
    said += machine.before
    assert machine.end() == 0
    said += machine.before
    assert "init: server 'crasher' died with status 139 (a fault) after" in said
    assert "init: server 'crasher' is started again in 10 ms" in said
    assert "init: server 'crasher' is started again in 20 ms" in said
    assert "init: server 'crasher' is given up after 4 early deaths in a row" in said


def test_what_is_no_program_is_given_up(tmp_path):
    text = console_block() + CRASHER.format(mode="crasher")
    files = {name: program(name) for name in ("init", "console", "terminal")}
    files.update({"manifest": text.encode(), "crasher": b"no program"})
    machine = Conversation(make_bundle(tmp_path / "bundle.tar", files))
    machine.expect_exact("crasher: given up, 0 restarts, status 0\r\n")
    assert machine.end() == 0


def test_optional_server_without_its_device_is_left_out(tmp_path):
    machine = start(tmp_path, "crasher", manifest=CRASHER.replace(
        "listener\n", "listener\n\toptional\n\tregisters r virtio 99 0\n", 1))
    machine.expect_exact("init: server 'crasher' is not started: there is no 'r'\r\n")
    assert machine.end() == 1


def test_memory_beyond_the_quota_is_the_servers_own_trouble(tmp_path):
    machine = start(tmp_path, "crasher", manifest=CRASHER.replace(
        "listener\n", "listener\n\tmemory 256K\n\tprogram terminal\n", 1))
    machine.expect_exact("console: running, 0 restarts, status 0\r\n")
    assert machine.end() == 0


DEAF = """
server crasher
	arguments 100000
	listener
	stop 300
""" + TERMINAL


def seconds_until_it_is_killed(tmp_path):
    """As it is seen from here: both lines may be read late, and so in one moment."""
    machine = start(tmp_path, "shutdown", manifest=DEAF)
    machine.expect_exact("shutting down\r\n")
    begin = time.monotonic()
    machine.expect_exact("init: server 'crasher' did not stop within 300 ms and is killed\r\n")
    seconds = time.monotonic() - begin
    assert machine.end() == 42
    assert "server 'console'" not in machine.before
    return seconds


def test_shutdown_waits_and_then_kills(tmp_path):
    assert any(seconds_until_it_is_killed(tmp_path) > 0.25 for _ in range(5))


def test_standard_manifest_starts_without_a_word():
    machine = Conversation(bundle("servers"))
    machine.expect("starting init\r\n")
    with pytest.raises(pexpect.TIMEOUT):
        machine.expect("init: .*died|init: .*(cannot|given up)|panic|fatal", timeout=3)
    machine.close(force=True)


def test_build_refuses_a_wrong_manifest(tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("server a\nport p b 1\n")
    result = subprocess.run([f"{BUILD}/host/manifest-check", wrong], text=True,
                            capture_output=True, check=False)
    assert result.returncode == 1
    assert result.stderr == f"{wrong}:2: there is no server 'b'\n"
    wrong.write_text("server a\n")
    result = subprocess.run([f"{BUILD}/host/manifest-check", wrong, "x/b"], text=True,
                            capture_output=True, check=False)
    assert f"{wrong}:1: the program 'a' of server 'a' is not in the bundle" in result.stderr

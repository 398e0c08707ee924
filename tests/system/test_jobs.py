"""Job control at the shell, as a person does it: ^C, ^Z, ^\\, fg, bg, terminals in the background, /proc."""
import os
import re
import shutil
import time

import pexpect
import pytest

from machine import BUILD, TOP

SCRIPT = os.path.join(TOP, "scripts/qemu-run.sh")
PROMPT = r"[#$] $"
LIMIT = 300


class Shell(pexpect.spawn):
    """A shell on a copy of the root disk."""

    def __init__(self, folder):
        disk = os.path.join(folder, "root.ext4")
        shutil.copyfile(os.path.join(BUILD, "root.ext4"), disk)
        bundle = os.path.join(BUILD, "bundle/system.tar")
        super().__init__(SCRIPT, ["--bundle", bundle, "--disk", disk, "--timeout", "2400"],
                         timeout=LIMIT, encoding="utf-8", codec_errors="replace")
        self.expect(PROMPT)

    def run(self, text):
        """What the command prints until the next prompt."""
        self.send(text + "\r")
        self.expect(re.escape(text) + r"\r+\n")
        self.expect(PROMPT)
        return self.before

    def hold(self, text):
        """A command that stays in the foreground."""
        self.send(text + "\r")
        self.expect(r"\n")
        time.sleep(1)

    def press(self, key, tries=1):
        """A key that brings the prompt back; pressed again if the command was not there yet."""
        self.send(key)
        while tries > 1 and self.expect([PROMPT, pexpect.TIMEOUT], timeout=10):
            tries -= 1
            self.send(key)
        if tries <= 1:
            self.expect(PROMPT)
        return self.before

    def signal(self, key):
        """A key that sends a signal."""
        return self.press(key, tries=20)

    def run_until(self, text, wanted):
        """What the command prints when that is in it at last."""
        for _ in range(60):
            said = self.run(text)
            if wanted in said:
                break
            time.sleep(1)
        return said


@pytest.fixture(name="shell", scope="module")
def fixture_shell(tmp_path_factory):
    """One shell for all of these tests."""
    shell = Shell(tmp_path_factory.mktemp("jobs"))
    yield shell
    shell.close(force=True)


def test_interrupt_ends_the_foreground(shell):
    shell.hold("sleep 100")
    shell.signal("\x03")
    assert "130" in shell.run("echo $?")


def test_quit_ends_the_foreground(shell):
    shell.hold("sleep 100")
    shell.signal("\x1c")
    assert "131" in shell.run("echo $?")


def test_a_pipeline_is_interrupted_as_one(shell):
    shell.hold("sleep 100 | cat | cat")
    shell.signal("\x03")
    assert "sleep" not in shell.run("ps | grep -v grep | grep sleep")


def test_a_job_is_stopped_and_goes_on(shell):
    shell.hold("sleep 100")
    assert "Stopped" in shell.signal("\x1a")
    assert "Stopped" in shell.run("jobs")
    shell.run("bg")
    assert "Running" in shell.run("jobs")
    shell.hold("fg")
    shell.signal("\x03")
    assert "sleep" not in shell.run("jobs")


def test_reading_in_the_background_stops(shell):
    shell.run("cat &")
    assert "tty input" in shell.run_until("jobs", "tty input")
    shell.hold("fg")
    shell.hold("hello")
    assert "hello" in shell.press("\x04")


def test_proc_tells_of_processes(shell):
    shell.run("sleep 77 &")
    assert "sleep 77" in shell.run_until("ps", "sleep 77")  # until then it is a shell as well
    assert shell.run("pidof sleep").split()[0].isdigit()
    assert "Mem:" in shell.run("free")
    assert "COMMAND" in shell.run("top -b -n 1 | head -5")
    assert "/proc" in shell.run("mount")
    shell.run("kill %1; wait")


def test_exit_powers_off_with_the_status(shell):
    shell.send("exit 3\r")
    shell.expect(pexpect.EOF)
    shell.close()
    assert shell.exitstatus == 3

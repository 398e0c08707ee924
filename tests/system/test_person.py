"""A person at the terminal: editing, job control, full-screen programs, and what is there next time."""
import os
import subprocess

import pexpect
import pytest

from conversation import send_as_it_is
from machine import TOP

PROMPT = "tern:/root# "
ESCAPE, UP, CTRL_C, CTRL_X, CTRL_Z = "\x1b", "\x1b[A", "\x03", "\x18", "\x1a"


class Person(pexpect.spawn):
    """Somebody who has typed scripts/qemu-run.sh and waits for the prompt."""

    def __init__(self, disk, *options):
        super().__init__(os.path.join(TOP, "scripts/qemu-run.sh"), ["--timeout", "1500", *options],
                         timeout=300, encoding="utf-8", codec_errors="replace", echo=False,
                         dimensions=(24, 80), preexec_fn=send_as_it_is, env={**os.environ, "TERN_DISK": disk,
                                                   "TERM": "xterm"})
        self.expect_exact(PROMPT)

    def type(self, line):
        """A line at the prompt; what was shown until the next one."""
        self.sendline(line)
        self.expect_exact(PROMPT)
        return self.before.replace("\r", "").partition("\n")[2]

    def key(self, key, wanted):
        """A key that brings this; again if it came before there was a command for it."""
        for _ in range(20):
            self.send(key)
            if self.expect_exact([wanted, pexpect.TIMEOUT], timeout=15) == 0:
                return
        raise AssertionError(f"{key!r} does not bring {wanted!r}")

    def finish(self):
        """After the last command: the exit status."""
        self.expect(pexpect.EOF)
        self.close()
        return self.exitstatus


@pytest.fixture(name="disk", scope="module")
def fixture_disk(tmp_path_factory):
    return str(tmp_path_factory.mktemp("disk") / "root.ext4")


@pytest.fixture(name="person", scope="module")
def fixture_person(disk):
    """One session for the tests that leave the shell as it was."""
    person = Person(disk, "--fresh")
    yield person
    person.close(force=True)


def test_the_banner_tells_how_to_leave(person):
    assert "help tern" in person.before
    assert "powers off" in person.before and "Ctrl-A X" in person.before


def test_the_terminal_is_known(person):
    assert person.type("stty size; echo $TERM") == "24 80\nxterm\n"


def test_names_have_colours_on_a_terminal_only(person):
    assert "\x1b[1;34mtern" in person.type("ls /usr/share")
    assert "\x1b" not in person.type("ls /usr/share | cat")


def test_the_line_can_be_edited_and_comes_back(person):
    for _ in range(5):  # an arrow is one key only if all of its bytes come soon
        shown = person.type("echo twoo\x7f\x1b[D\x1b[D\x1b[Done\x1b[C\x1b[C\x1b[C")
        if shown == "onetwo\n":
            break
    assert shown == "onetwo\n"
    person.key(UP, "echo onetwo")
    assert person.type("") == "onetwo\n"


def test_help_tern(person):
    person.sendline("help tern")
    person.expect("TERN.*Leave:")
    person.expect("top, then q(.*\n)+.*tern/help")
    person.send("q")
    person.expect_exact(PROMPT)


def test_ctrl_c_ends_the_command_and_not_the_shell(person):
    person.sendline("echo begun; sleep 1000")
    person.expect("begun\r\n")
    person.key(CTRL_C, PROMPT)
    assert person.type("echo $?") == "130\n"


def test_jobs_are_stopped_and_go_on(person):
    person.sendline("sh -c 'echo begun; sleep 1000'")
    person.expect("begun\r\n")
    person.key(CTRL_Z, "Stopped")
    person.expect_exact(PROMPT)
    assert "Stopped" in person.type("jobs")
    person.type("bg")
    assert "Running" in person.type("jobs")
    person.sendline("fg")
    person.expect("sleep 1000")
    person.key(CTRL_C, PROMPT)
    assert person.type("jobs") == ""


def test_a_job_in_the_background_must_not_read(person):
    person.type("cat &")
    for _ in range(60):
        jobs = person.type("sleep 1; jobs")
        if "Stopped" in jobs:
            break
    assert "Stopped" in jobs
    person.type("kill -9 %1; wait")


def test_vi_edits_a_file(person):
    person.sendline("vi note")
    person.expect("note.* 1/1")
    person.send("ihello world" + ESCAPE)
    person.expect("hello world")
    person.send(":wq\r")
    person.expect_exact(PROMPT)
    assert person.type("cat note") == "hello world\n"


def test_vi_can_be_stopped_and_goes_on(person):
    person.sendline("vi note")
    person.expect("note.* 1/1")
    person.key(CTRL_Z, PROMPT)
    person.sendline("fg")
    person.expect("note.* 1/1")
    person.send(":q\r")
    person.expect_exact(PROMPT)


def test_nano_edits_a_file(person):
    person.sendline("nano other")
    person.expect("GNU nano")
    person.expect("Exit")
    person.send("by nano" + CTRL_X)
    person.expect("Save modified buffer")
    person.send("y\r")
    person.expect_exact(PROMPT)
    assert person.type("cat other") == "by nano\n"


def test_an_edited_file_goes_through_awk_and_sort(person):
    person.sendline("vi birds")
    person.expect("birds.* 1/1")
    person.send("i30 tern\r10 gull\r20 skua" + ESCAPE)
    person.expect("20 skua")
    person.send(":wq\r")
    person.expect_exact(PROMPT)
    assert person.type("awk '{ print $2, $1 / 10 }' birds | sort") == "gull 1\nskua 2\ntern 3\n"


SIX = """#include <stdio.h>
int main(void)
{
return printf("six times seven is %d\\n", 6 * 7) != 22;
}
"""


def test_a_typed_c_program_is_compiled_and_run(person):
    person.sendline("cat > six.c")
    for line in SIX.splitlines():
        person.sendline(line)
        person.expect_exact(line)
    person.sendcontrol("d")
    person.expect_exact(PROMPT)
    assert person.type("cc -o six six.c && ./six; echo $?") == "six times seven is 42\n0\n"


def test_sqlite_answers_questions(person):
    person.sendline("sqlite3 birds.db")
    person.expect("sqlite> ")
    for line in ".mode list", ".separator ' '", "create table bird(n, name);", ".import birds bird":
        person.sendline(line)
        person.expect("sqlite> ")
    person.sendline("select name from bird")
    person.expect(r"\.\.\.> ")
    person.sendline("where n > 15 order by n;")
    person.expect("skua\r\ntern\r\nsqlite> ")
    person.sendline(".quit")
    person.expect_exact(PROMPT)


def test_less_shows_pages(person):
    person.sendline("seq 100 | less")
    person.expect("23\r\n:")
    person.send(" ")
    person.expect("46\r\n:")
    person.send("q")
    person.expect_exact(PROMPT)


def test_top_shows_processes(person):
    person.sendline("top")
    person.expect("Mem:.*free")
    person.expect("sh -l")
    person.send("q")
    person.expect_exact(PROMPT)


def test_the_window_can_be_resized_by_hand(person):
    assert person.type("stty rows 30 cols 90; stty size") == "30 90\n"


def test_poweroff_leaves_a_clean_disk_with_the_files(disk, person):
    person.sendline("poweroff")
    assert person.finish() == 0
    check = subprocess.run(["/usr/sbin/e2fsck", "-fn", disk], text=True, capture_output=True,
                           check=False)
    assert check.returncode == 0, check.stdout
    again = Person(disk)
    assert again.type("cat note other") == "hello world\nby nano\n"
    assert again.type("./six") == "six times seven is 42\n"
    assert again.type("sqlite3 birds.db 'select sum(n) from bird'") == "60\n"
    again.sendline("exit 5")
    assert again.finish() == 5

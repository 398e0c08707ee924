"""The terminal as programs see it: a window whose size changes, pseudo-terminals, reboot."""
import os
import subprocess

import pytest

from test_person import CTRL_C, PROMPT, Person


@pytest.fixture(name="disk", scope="module")
def fixture_disk(tmp_path_factory):
    return str(tmp_path_factory.mktemp("terminal") / "root.ext4")


@pytest.fixture(name="person", scope="module")
def fixture_person(disk):
    person = Person(disk, "--fresh")
    yield person
    person.close(force=True)


def resize(person, rows, columns):
    """At the prompt: the shell is told, and shows its line again."""
    person.setwinsize(rows, columns)
    person.expect_exact(PROMPT)


def test_a_new_window_size_is_known_at_the_prompt(person):
    resize(person, 30, 300)
    assert person.type("stty size") == "30 300\n"
    resize(person, 255, 257)  # bytes that QEMU and the report must both have twice
    assert person.type("stty size") == "255 257\n"


def test_the_size_changes_while_a_program_draws_the_screen(person):
    resize(person, 24, 80)
    person.type("seq 100 > lines")
    person.sendline("vi lines")
    person.expect("lines.* 1/100")
    person.setwinsize(40, 80)
    person.expect("\x1b\\[40;1H")  # the status line, on the new last line
    person.sendline(":q")
    person.expect_exact(PROMPT)


def test_a_program_hears_of_the_new_size(person):
    person.sendline("sh -c 'trap \"stty size; exit\" WINCH; echo begun; while :; do sleep 1; done'")
    person.expect("begun\r")
    person.setwinsize(50, 100)
    person.expect("50 100")
    person.expect_exact(PROMPT)


def test_bytes_that_only_begin_like_a_report_are_typed(person):
    person.sendline("stty raw -echo; echo begun; head -c 4 | od -An -tx1; stty sane")
    person.expect("begun\r?\n")
    os.write(person.child_fd, b"\xff\xfa\x1fa")
    person.expect("ff fa 1f 61")
    person.expect_exact(PROMPT)


def test_tty_names_the_terminal(person):
    assert person.type("tty; tty < /dev/tty") == "/dev/console\n/dev/tty\n"
    assert person.type("setsid sh -c 'echo > /dev/tty' 2>&1 | cat").endswith("No such device or address\n")


def test_a_shell_runs_in_a_pseudo_terminal(person):
    person.sendline("script -q log")
    person.expect_exact(PROMPT)
    assert person.type("tty") == "/dev/pts/0\n"
    assert person.type("ls /dev/pts; stty size") == "\x1b[1;35m0\x1b[m\n50 100\n"
    person.sendline("echo begun; sleep 1000")
    person.expect("begun\r\n")
    person.key(CTRL_C, PROMPT)
    person.sendline("exit")
    person.expect_exact(PROMPT)
    assert person.type("grep -q /dev/pts/0 log && echo logged") == "logged\n"
    assert "devpts on /dev/pts type devpts" in person.type("mount")


def test_reboot_starts_the_machine_again_with_its_files(disk, person):
    person.type("echo kept > kept")
    resize(person, 33, 90)
    person.sendline("reboot")
    person.expect("OpenSBI v")
    person.expect("Leave|powers off")
    person.expect_exact(PROMPT)
    person.sendline("echo the 'first key brings the size'")
    person.expect("\nthe first key brings the size")
    person.expect_exact(PROMPT)
    assert person.type("cat kept; stty size") == "kept\n33 90\n"
    person.sendline("poweroff")
    assert person.finish() == 0
    check = subprocess.run(["/usr/sbin/e2fsck", "-fn", disk], text=True, capture_output=True,
                           check=False)
    assert check.returncode == 0, check.stdout

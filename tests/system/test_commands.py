"""What a person types wrong is answered clearly, before anything is built or started."""
import os
import re
import subprocess

import pytest

from machine import KERNEL, TOP, bundle, script

WRONG = [
    (["--smp", "0"], "--smp must be a number from 1 to 8, not '0'"),
    (["--smp", "9"], "--smp must be a number from 1 to 8, not '9'"),
    (["--smp", "two"], "--smp must be a number from 1 to 8, not 'two'"),
    (["--smp"], "--smp needs an argument"),
    (["--mem", "63"], "--mem in MiB must be a number from 64 to 8192, not '63'"),
    (["--mem", "8193M"], "--mem in MiB must be a number from 64 to 8192, not '8193'"),
    (["--mem", "9G"], "--mem in GiB must be a number from 1 to 8, not '9'"),
    (["--mem", "0G"], "--mem in GiB must be a number from 1 to 8, not '0'"),
    (["--mem", "-128"], "not '-128'"),
    (["--mem", ""], "not ''"),
    (["--timeout", "0"], "--timeout must be a number from 1 to 999999, not '0'"),
    (["--timeout", "1.5"], "not '1.5'"),
    (["--bundle", "/nonexistent", "--kernel", "/dev/null"], "cannot read '/nonexistent'"),
    (["--kernel", "/nonexistent", "--bundle", "/dev/null"], "cannot read '/nonexistent'"),
    (["--bogus"], "unknown option '--bogus'"),
    (["bogus"], "unknown option 'bogus'"),
    (["--run", "ls", "--bundle", "/dev/null"], "--run and --fresh are for the standard bundle"),
    (["--run"], "--run needs an argument"),
    (["--disk", "/nonexistent.ext4"], "cannot read and write the disk '/nonexistent.ext4'"),
    (["--disk", "/"], "cannot read and write the disk '/'"),
    (["--disk", __file__] * 7, "at most 7 disks, the root disk included"),
    (["--disk", __file__] * 8 + ["--bundle", "/dev/null"], "at most 7 disks"),
    (["--disk"], "--disk needs an argument"),
    (["--disk", __file__] * 2, "is there twice"),
    (["--kernel", "/", "--bundle", "/dev/null"], "cannot read '/'"),
    (["--fresh", "--bundle", "/dev/null"], "--run and --fresh are for the standard bundle"),
]


@pytest.mark.parametrize("options, message", WRONG, ids=[" ".join(w[0][:2]) for w in WRONG])
def test_wrong_option_is_refused(options, message):
    result = script("scripts/qemu-run.sh", *options)
    assert (result.returncode, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_root_disk_that_cannot_be_is_refused(tmp_path):
    for disk, message in ((tmp_path / "none" / "root.ext4", "cannot write beside the root disk"),
                          (tmp_path, "cannot read and write the disk")):
        result = script("scripts/qemu-run.sh", "--run", "true",
                        env={**os.environ, "TERN_DISK": str(disk)})
        assert result.returncode == 2 and message in result.stderr


def test_every_option_is_in_the_help():
    result = script("scripts/qemu-run.sh", "--help")
    with open(os.path.join(TOP, "scripts/qemu-run.sh"), encoding="utf-8") as file:
        cases = re.findall(r"^    ([-a-z |]+)\) ", file.read(), re.M)
    known = set(re.findall(r"--[a-z]+", " ".join(cases))) - {"--help"}
    assert result.returncode == 0
    assert len(known) >= 12
    assert [option for option in known if f"  {option} " not in result.stdout] == []


def test_timeout_ends_with_124():
    result = script("scripts/qemu-run.sh", "--kernel", KERNEL, "--bundle", bundle("pingpong"),
                    "--gdb", "--timeout", "1")
    assert result.returncode == 124
    assert "gdb-multiarch" in result.stderr


def test_bundles_of_the_build_are_made_when_they_are_named():
    os.unlink(bundle("echo"))
    result = script("scripts/qemu-run.sh", "--bundle", bundle("echo"), "--timeout", "500")
    assert result.returncode == 0, result.stderr
    assert "is \"lanac a nalp a nam a\"" in result.stdout


def test_gdb_reads_registers_and_symbols():
    command = [os.path.join(TOP, "scripts/qemu-run.sh"), "--kernel", KERNEL, "--bundle",
               bundle("pingpong"), "--gdb", "--timeout", "300"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as machine:
        gdb = subprocess.run(
            ["gdb-multiarch", "-batch", "-ex", "set tcp connect-timeout 200",
             "-ex", "target remote :1234", "-ex", "tbreak kernel_start", "-ex", "continue",
             "-ex", "backtrace 1", "-ex", "kill", KERNEL],
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, timeout=300)
        machine.wait(timeout=350)
    assert "#0  kernel_start" in gdb.stdout, gdb.stdout + gdb.stderr


def test_trace_is_written(tmp_path):
    environment = {**os.environ, "BUILD": str(tmp_path)}
    result = script("scripts/qemu-run.sh", "--kernel", KERNEL, "--bundle", bundle("pingpong"),
                    "--trace", "int", "--timeout", "500", env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    trace = (tmp_path / "qemu-trace.log").read_text(errors="replace")
    assert "riscv_cpu_do_interrupt" in trace


def test_unknown_suite_lists_the_valid_ones():
    result = script("tests/run.sh", "bogus")
    assert result.returncode == 2
    assert "no suite 'bogus'" in result.stderr
    assert "lint host" in result.stderr


def test_install_deps_needs_to_know_what_for():
    result = script("scripts/install-deps.sh")
    assert result.returncode == 2
    assert "usage: install-deps.sh run|test" in result.stderr


def test_install_deps_is_silent_when_nothing_is_missing():
    result = script("scripts/install-deps.sh", "test")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.fixture(name="bare_path")
def fixture_bare_path(tmp_path):
    """A PATH with the basic tools alone: no apt-get, no cross compiler."""
    for tool in ("bash", "env", "cat", "id", "sed", "dirname"):
        os.symlink(f"/bin/{tool}", tmp_path / tool)
    return {**os.environ, "PATH": str(tmp_path)}


def test_install_deps_lists_what_is_missing_without_apt(bare_path):
    result = script("scripts/install-deps.sh", "run", env=bare_path)
    assert result.returncode == 1
    assert "not a Debian system" in result.stderr
    assert "gcc-riscv64-linux-gnu" in result.stderr
    assert "qemu-system-misc" in result.stderr


def test_old_qemu_is_refused(tmp_path):
    fake = tmp_path / "qemu-system-riscv64"
    fake.write_text("#!/bin/sh\necho 'QEMU emulator version 6.2.0'\n")
    fake.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    result = script("scripts/install-deps.sh", "run", env=environment)
    assert result.returncode == 1
    assert "QEMU 7.0 or later is needed; this is version 6" in result.stderr

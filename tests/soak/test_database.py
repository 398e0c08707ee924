"""A database of which each transaction is on disk when it is acknowledged: the machine is killed in the middle."""
import os
import random
import re
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../system"))

from disks import device  # noqa: E402
from machine import BUILD, KERNEL, whole_system  # noqa: E402
from test_files import e2fsck  # noqa: E402

DATABASE = "/root/bank.db"
CREATE = f"sqlite3 {DATABASE} 'create table t(n integer primary key, text)'"
# With less than `extra` SQLite does not wait until the journal's end, which is the commit, is on disk.
WORK = """seq {first} 1000000 | awk 'BEGIN {{ print "pragma synchronous=extra;" }}
    {{ print "begin; insert into t values(" $1 ", \\047row " $1 "\\047);"
    print "commit; select \\047done \\047 || " $1 ";" }}' | sqlite3 """ + DATABASE
CHECK = f"""sqlite3 {DATABASE} "select 'whole ' || integrity_check from pragma_integrity_check;
    select 'rows ' || count(*) || ' ' || max(n) || ' ' || sum(text = 'row ' || n) from t" """


def start(folder, command):
    """The machine, with its console as output."""
    initrd = whole_system(folder / "bundle.tar", ". /etc/profile; " + command)
    file = {"driver": "file", "filename": str(folder / "root.ext4"), "discard": "unmap"}
    return subprocess.Popen(
        ["qemu-system-riscv64", "-machine", "virt", "-smp", "2", "-m", "512M", "-display", "none",
         "-serial", "stdio", "-monitor", "none", "-bios", "default", "-no-reboot",
         "-global", "virtio-mmio.force-legacy=false",
         "-device", "virtio-rng-device,bus=virtio-mmio-bus.7",
         *device(0, file, is_flushed=False),
         "-kernel", KERNEL, "-initrd", initrd],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace")


def run(folder, command):
    with start(folder, command) as machine:
        output = machine.stdout.read()
    assert machine.returncode == 0, output
    return output


def work_until(folder, first, last):
    """
    Transactions, until the machine is killed when `last` is acknowledged. What was acknowledged last, since
    it goes on until it dies, and how long it took until then.
    """
    with start(folder, WORK.format(first=first)) as machine:
        for line in machine.stdout:
            if line.startswith(f"done {first}\n"):
                begin = time.monotonic()
            if line.startswith(f"done {last}\n"):
                machine.kill()
                seconds = time.monotonic() - begin
                rest = re.findall(r"^done (\d+)\n", machine.stdout.read(), re.M)
                return int(rest[-1]) if rest else last, seconds
    raise AssertionError("the machine ended before it was killed")


def check(folder, acknowledged):
    """The database is whole and has what was acknowledged; how many transactions it has."""
    output = run(folder, CHECK)
    assert "whole ok" in output, output
    count, last, good = map(int, re.search(r"rows (\d+) (\d+) (\d+)", output).groups())
    assert count == last == good, output
    assert acknowledged <= count <= acknowledged + 500
    return count


@pytest.mark.parametrize("count", [int(os.environ.get("TRANSACTIONS", "2000"))])
def test_acknowledged_transactions_survive_a_killed_machine(tmp_path, count):
    image = tmp_path / "root.ext4"
    subprocess.run(["cp", "--sparse=always", os.path.join(BUILD, "root.ext4"), image], check=True)
    run(tmp_path, CREATE)
    first = random.SystemRandom().randrange(count // 3, count * 2 // 3)
    last, seconds = work_until(tmp_path, 1, first)
    there = check(tmp_path, last)
    last, more = work_until(tmp_path, there + 1, max(count, there + 2))
    there = check(tmp_path, last)
    print(f"{there} transactions, {(seconds + more) / count * 1000:.1f} ms each")
    assert e2fsck(image, "-fn").returncode == 0

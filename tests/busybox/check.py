#!/usr/bin/env python3
"""check.py ci|all: runs BusyBox's own tests inside Tern and compares with tests/busybox/expected.

`expected` says of each group how many tests pass, and names each test that does not, with the reason. What
fails or passes against it, and a number that is another one, is a FAIL of the group. Some tests of the shell
let tenths of a second decide: a group with a wrong result is run again, twice. `ci` is for the groups that are
not marked as slow.
"""
import collections
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.abspath(os.environ.get("BUILD", os.path.join(TOP, "build")))
IMAGE = os.path.join(BUILD, "busybox/tests.ext4")
TIME_LIMIT = 1500
ATTEMPTS = 3


class Expected:
    """The file: `group NAME PASSES [slow]`, then `fail NAME` or `skip NAME`, each with `# reason`."""

    def __init__(self, path):
        self.passes, self.slow, self.others = {}, set(), collections.defaultdict(list)
        group = None
        with open(path, encoding="utf-8") as file:
            for line in file:
                word, _, rest = line.split("  # ")[0].strip().partition(" ")
                if word == "group":
                    group, passes, *slow = rest.split()
                    self.passes[group] = int(passes)
                    self.slow |= {group} if slow else set()
                elif word in ("fail", "skip"):
                    self.others[group].append((word.upper(), rest))
                elif word and not word.startswith("#"):
                    raise ValueError(f"{path}: {line}")


def groups_there():
    """The groups of tests that the disk holds."""
    tree = os.path.join(BUILD, "busybox/tree")
    suite, shell = os.path.join(tree, "testsuite"), os.path.join(tree, "ash")
    names = {name[:-6] for name in os.listdir(suite) if name.endswith(".tests")}
    names |= {name for name in os.listdir(suite)
              if os.path.isdir(os.path.join(suite, name)) and not name.startswith(".")}
    names |= {name for name in os.listdir(shell) if name.startswith("ash-")}
    return names - {"mount.testroot"}


def run(groups):
    """What the driver inside Tern says of these groups."""
    command = [os.path.join(TOP, "scripts/qemu-run.sh"), "--smp", "2", "--fresh", "--disk", IMAGE,
               "--timeout", str(TIME_LIMIT), "--run", "/mnt/0/run.sh " + " ".join(sorted(groups))]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
                            env={**os.environ, "TERN_DISK": os.path.join(BUILD, "busybox/root.ext4")})
    if result.returncode:
        print(result.stderr.decode(errors="replace")[-3000:])
        print(f"FAIL busybox: as a whole: status {result.returncode}")
    return result.stdout.decode(errors="replace")


def log(group):
    """What the tests of a group said."""
    return subprocess.run(["/usr/sbin/debugfs", "-R", f"cat /log/{group}", IMAGE], check=False,
                          capture_output=True).stdout.decode(errors="replace")


def mistakes(group, expected, output):
    """What is not as expected of a group, and how many of its tests pass in how many seconds."""
    results = re.findall(rf"^(PASS|FAIL|SKIP) {re.escape(group)}: (.*)$", output, re.M)
    ended = re.search(rf"^END {re.escape(group)} (\d+)$", output, re.M)
    passes = sum(kind == "PASS" for kind, _ in results)
    got = collections.Counter((kind, name.strip()) for kind, name in results if kind != "PASS")
    wanted = collections.Counter(expected.others[group])
    wrong = [f"{kind} {name}" for kind, name in got - wanted]
    wrong += [f"not {kind} {name}" for kind, name in wanted - got]
    if passes != expected.passes[group]:
        wrong.append(f"{passes} tests pass, not {expected.passes[group]}")
    if not ended:
        wrong.append("it did not end")
    return wrong, passes, ended and ended[1]


def judge(groups, expected, output):
    """Prints a line for each group that is as expected; those that are not."""
    bad = {}
    for group in groups:
        wrong, passes, seconds = mistakes(group, expected, output)
        if wrong:
            bad[group] = "; ".join(wrong)
        else:
            print(f"PASS busybox: {group}: {passes} tests, {seconds} s")
    return bad


def main():
    expected = Expected(os.path.join(HERE, "expected"))
    groups, there = set(expected.passes), groups_there()
    if groups != there:
        print(f"FAIL busybox: groups in `expected` and on the disk differ: {groups ^ there}")
    bad = sorted(groups & there - (expected.slow if sys.argv[1] == "ci" else set()))
    for _ in range(ATTEMPTS):
        bad = judge(bad, expected, run(bad)) if bad else {}
    for group, wrong in bad.items():
        print(log(group)[-4000:])
        print(f"FAIL busybox: {group}: {wrong}")
    return 1 if bad or groups != there else 0


if __name__ == "__main__":
    sys.exit(main())

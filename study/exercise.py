#!/usr/bin/python3
"""exercise.py NUMBER...: what the answer to an exercise of docs/study.md does to the fast path.

Applies study/exercises/NUMBER-*.patch to a copy of this tree, builds that, records the fast and the
slow path there and here, and prints the difference step by step. Nothing in this tree changes.
"""
import argparse
import glob
import os
import shutil
import sys
import tempfile

import compare
import dwarf
import elf
import qemu
import recorder
import scenario
import steps
import trace

STUDY = os.path.dirname(os.path.abspath(__file__))
SCENARIOS = ("fast", "slow")
REUSED = ("obj", "include", "sources", "user")  # of this build; make sees what the patch changes


def patch_of(number):
    found = glob.glob(os.path.join(STUDY, "exercises", f"{number}-*.patch"))
    if len(found) != 1:
        raise compare.CompareError(f"there is no exercise {number}")
    return found[0]


def copy_tree(own_build, folder):
    """This tree as it is, changes included, and what has been built of it."""
    tree = os.path.join(folder, "tree")
    names = compare.run("git", "-C", elf.TOP, "ls-files", "-z", "-co", "--exclude-standard")
    for name in names.decode().split("\0"):
        source = os.path.join(elf.TOP, name)
        if name and os.path.isfile(source):
            os.makedirs(os.path.dirname(os.path.join(tree, name)), exist_ok=True)
            shutil.copy2(source, os.path.join(tree, name))
    for name in REUSED:
        if os.path.isdir(os.path.join(own_build, name)):
            shutil.copytree(os.path.join(own_build, name), os.path.join(tree, "build", name),
                            symlinks=True)
    return tree


def record(kernel_path, bundles, folder):
    """(recordings of the fast and the slow path, steps) of a kernel."""
    kernel, types = recorder.Image(recorder.KERNEL, kernel_path), dwarf.Types(kernel_path)
    entries = [entry for entry in scenario.load() if entry["name"] in SCENARIOS]
    return ([scenario.record(entry, kernel, types, bundles, folder) for entry in entries],
            steps.Steps(kernel_path))


def try_out(number, build):
    """The comparison of this kernel with the one that has the answer in it."""
    with tempfile.TemporaryDirectory(prefix="tern-exercise-") as folder:
        tree = copy_tree(os.path.abspath(build), folder)
        compare.run("patch", "-p1", "--no-backup-if-mismatch", "-d", tree, "-i", patch_of(number))
        kernel, bundles = compare.build(tree, build)
        mine, my_steps = record(os.path.join(build, "kernel.elf"),
                                os.path.join(build, "bundle"), folder)
        its, its_steps = record(kernel, bundles, folder)
        return {"revision": "this tree", "scenarios": [
            compare.compare(old, new, my_steps, its_steps) for old, new in zip(mine, its)]}


def main():
    parser = argparse.ArgumentParser(description="Try the answers to the exercises.")
    parser.add_argument("number", nargs="+", type=int)
    options = parser.parse_args()
    try:
        for number in options.number:
            print(f"Exercise {number}: {os.path.basename(patch_of(number))}")
            compare.print_summary(try_out(number, os.environ.get("BUILD", "build")))
    except (compare.CompareError, elf.ElfError, qemu.GuestError, trace.TraceError) as error:
        print(f"exercise: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

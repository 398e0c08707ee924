"""What a change did to the path: the same scenarios on the kernel of another revision.

The revision is unpacked and built beside this build; its benchmark is traced as this one's is. The
instructions of each trap are then aligned, as diff aligns lines: what is only in the old trace was
removed, what is only in the new one was added. Addresses do not count, names do.
"""
import difflib
import os
import re
import shutil
import subprocess
import tarfile

import elf
import recorder
import report
import scenario
import steps
import dwarf

SCENARIOS = ("fast", "slow", "handle", "notify")
ADDRESS = re.compile(r"[0-9a-f]{6,} <([^>+]*)(\+0x[0-9a-f]+)?>")
LONG_AGO = 946684800  # older than anything that was built or fetched
BUILD_TIMEOUT = 1800


class CompareError(Exception):
    """The revision does not exist, or cannot be built."""


def run(*command, **options):
    try:
        return subprocess.run(command, check=True, capture_output=True, timeout=BUILD_TIMEOUT,
                              **options).stdout
    except subprocess.CalledProcessError as error:
        raise CompareError(f"{' '.join(command)}: {error.stderr.decode(errors='replace')[-2000:]}"
                           ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CompareError(f"{' '.join(command)}: {error}") from error


def unpack(revision, folder):
    """The tree of a revision, its files older than what is fetched for it."""
    archive = os.path.join(folder, "revision.tar")
    run("git", "-C", elf.TOP, "archive", "--output", archive, revision)
    tree = os.path.join(folder, "tree")
    with tarfile.open(archive) as content:
        content.extractall(tree)
    for path, _, names in os.walk(tree):
        for name in names:
            os.utime(os.path.join(path, name), (LONG_AGO, LONG_AGO), follow_symlinks=False)
    return tree


def build(tree, own_build):
    """(kernel, folder of bundles) of a tree; third-party sources are taken from this build."""
    target = os.path.join(tree, "build")
    sources = os.path.join(own_build, "sources")
    if os.path.isdir(sources) and not os.path.isdir(target):
        shutil.copytree(sources, os.path.join(target, "sources"), symlinks=True)
    run("make", "-C", tree, "-j2", "BUILD=build", "kernel", "build/bundle/bench.tar",
        env=os.environ | {"MAKEFLAGS": "", "MAKELEVEL": ""})
    return os.path.join(target, "kernel.elf"), os.path.join(target, "bundle")


def normal(text):
    """An instruction without addresses, which every change moves."""
    return ADDRESS.sub(r"<\1>", text)


def without_distance(before, text):
    """The second half of an address relative to the pc: the distance says nothing."""
    first, second = before.split(), text.split()
    if len(first) == 2 and len(second) == 2 and first[0] == "auipc":
        target = first[1].split(",")[0]
        return f"{second[0]} " + re.sub(rf"{target},-?\d+$|-?\d+\({target}\)$",
                                        f"{target},<distance>", second[1])
    return text


class Trap:
    """The instructions of one trap, and the step that each belongs to: its number or function."""

    def __init__(self, recording, steps_of, first, last):
        self.texts, self.keys, self.titles = [], [], {}
        for step in recording.steps[first:last]:
            record = steps_of.at(step.pc) if step.image is recording.kernel else None
            name, _ = report.function_of(step.image, step.pc)
            text = normal(step.image.instruction(step.pc).text)
            self.texts.append(without_distance(self.texts[-1] if self.texts else "", text))
            self.keys.append(record.number if record else name)
            self.titles[self.keys[-1]] = (f"{record.number}. {record.title}" if record
                                          else f"{name}()")


def traps(recording, steps_of):
    return [Trap(recording, steps_of, first, last)
            for first, last in report.traps_of(recording.steps)]


def align(old, new, has_steps):
    """Rows {title, before, after, removed, added} of a trap, in the new one's order of steps.

    A kernel without names for its steps gets them from what stands at the same place in the new.
    """
    rows = {}

    def row(key):
        return rows.setdefault(key, {"title": (old.titles | new.titles)[key], "before": 0,
                                     "after": 0, "removed": [], "added": []})
    matcher = difflib.SequenceMatcher(None, old.texts, new.texts, autojunk=False)
    for kind, old_first, old_last, first, last in matcher.get_opcodes():
        for at in range(first, last):
            row(new.keys[at])["after"] += 1
            if kind != "equal":
                row(new.keys[at])["added"].append(new.texts[at])
        near = new.keys[min(first, len(new.keys) - 1)]
        for at in range(old_first, old_last):
            if kind == "equal":
                key = new.keys[first + at - old_first]
            else:
                key = old.keys[at] if has_steps else near
                row(key)["removed"].append(old.texts[at])
            row(key)["before"] += 1
    return list(rows.values())


def compare(old, new, old_steps, new_steps):
    """One scenario: its traps side by side."""
    found = []
    for before, after in zip(traps(old, old_steps), traps(new, new_steps)):
        found.append({"before": len(before.texts), "after": len(after.texts),
                      "phases": align(before, after, bool(old_steps.records))})

    def executed(recording):
        return sum(not step.is_trapped for step in recording.steps)
    return {"title": new.scenario["title"], "name": new.scenario["name"],
            "before": executed(old), "after": executed(new), "traps": found}


def record_base(entries, kernel_path, bundles, own_bundles, folder):
    """The scenarios on the other kernel, with its own benchmark if that has the labels."""
    kernel = recorder.Image(recorder.KERNEL, kernel_path)
    types = dwarf.Types(kernel_path)
    for choice in (bundles, own_bundles):
        try:
            return [scenario.record(entry, kernel, types, choice, folder) for entry in entries]
        except elf.ElfError as error:
            problem = error
    raise CompareError(f"no benchmark fits: {problem}")


def with_revision(options, recordings, folder):
    """What the page shows of a comparison with a git revision."""
    name = run("git", "-C", elf.TOP, "describe", "--always", options.base).decode().strip()
    tree = unpack(options.base, folder)
    own_build = os.path.dirname(os.path.abspath(options.kernel))
    kernel, bundles = build(tree, own_build)
    mine = [recording for recording in recordings if recording.scenario["name"] in SCENARIOS]
    base = record_base([recording.scenario for recording in mine], kernel, bundles,
                       options.bundle_dir, folder)
    old_steps, new_steps = steps.Steps(kernel), steps.Steps(options.kernel)
    return {"revision": name, "scenarios": [compare(old, new, old_steps, new_steps)
                                            for old, new in zip(base, mine)]}


def print_summary(found):
    """The same as text, for the terminal."""
    for entry in found["scenarios"]:
        print(f"{entry['title']}: {entry['before']} -> {entry['after']} instructions, "
              f"compared with {found['revision']}")
        for number, trap in enumerate(entry["traps"], 1):
            for row in trap["phases"]:
                if not row["removed"] and not row["added"]:
                    continue
                print(f"  trap {number}, {row['title']}: {row['before']} -> {row['after']}")
                for sign, texts in (("-", row["removed"]), ("+", row["added"])):
                    print("".join(f"    {sign} {text}\n" for text in texts), end="")

#!/usr/bin/python3
"""docs.py [ROOT]: what the documents say of the code, where a program can tell.

- every system call's comment says whether it can block and what it returns, and docs/syscalls.md has it;
- docs/posix.md names every call of emu's table, and counts tests as the lists of what is expected do;
- links between documents lead somewhere.
"""
import collections
import glob
import os
import re
import sys

COMMENTED = re.compile(r"/\*((?:(?!\*/).)*)\*/\n(?:static inline tern_result tern_\w+\([^{;]*\)\n\{.*?\n\}\n\s*)+",
                       re.DOTALL)
STUB = re.compile(r"^static inline tern_result (tern_\w+)\(", re.MULTILINE)
BLOCKS = re.compile(r"\b(never blocks?|may block|blocks\.|blocks,|works in steps|lets interrupts|waits? )",
                    re.IGNORECASE)
RETURNS = re.compile(r"\b(returns?|results as|errors also)\b", re.IGNORECASE)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def system_calls():
    """Comments of the calls, and the index."""
    index = set(re.findall(r"^\| -(\d+) \| `tern_(\w+)` \| `(tern/\w+\.h)` \|$",
                           read("docs/syscalls.md"), re.MULTILINE))
    numbers = {name: number for number, name
               in re.findall(r"X\((\d+), (\w+)\)", read("include/tern/syscall.h"))}
    declared = set()
    for path in sorted(glob.glob("include/tern/*.h")):
        for part in COMMENTED.finditer(read(path)):
            comment = re.sub(r"\s*\n \* ?", " ", part[1])
            for stub in STUB.findall(part[0]):
                name = stub.removeprefix("tern_")
                if name not in numbers:
                    continue
                declared.add((numbers[name], name, path.removeprefix("include/")))
                if not BLOCKS.search(comment):
                    yield f"{path}: {stub}: can it block?"
                if not RETURNS.search(comment):
                    yield f"{path}: {stub}: what does it return?"
    for number, name, path in sorted(declared ^ index):
        yield f"docs/syscalls.md: -{number} tern_{name} of {path} is only there or only in the headers"
    for name in sorted(numbers.keys() - {name for _, name, _ in declared}):
        yield f"include/tern: tern_{name} has no comment"


def posix_calls(document):
    """Calls in emu's table that no row of the document names."""
    emu = "libmusl-port/emu/full/"
    lists = "".join(map(read, (emu + "table.c", emu + "files.h", emu + "signal.h")))
    rows = " ".join(line.split("|")[1] for line in document.splitlines() if line.startswith("|"))
    named = set(re.findall(r"\w+", rows))
    for name in re.findall(r"\b(?:CALL|X)\((\w+), emu_", lists):
        if not {name, re.sub("^[lf](?=(set|get|list|remove)xattr)", "", name)} & named:
            yield f"docs/posix.md: no row for {name}"


def count_of(document, pattern):
    found = re.search(pattern, document, re.MULTILINE)
    return int(found[1].replace(",", "")) if found else None


def test_counts(document):
    """What the document's tables count, and what the lists do: (pattern, number)."""
    entries = [line.split()[:3] for line in read("tests/pts/expected").splitlines()
               if line.strip() and not line.startswith("#")]
    reasons = collections.Counter(reason for _, _, reason in entries)
    by_chance = sum(result.startswith("PASS|") for _, result, _ in entries)
    untested = sum(result in ("UNTESTED", "UNSUPPORTED") for _, result, _ in entries)
    programs = count_of(document, r"interfaces ([\d,]+) compile")
    yield r"^\| pass \| ([\d,]+) and", programs - len(entries)
    yield r"^\| pass \| [\d,]+ and (\d+) by chance", by_chance
    yield r"^\| unsupported, untested \| (\d+)", untested
    yield r"^\| fail, unresolved, signal, no end \| (\d+)", len(entries) - by_chance - untested
    for reason, number in reasons.items():
        yield rf"^\| {reason} \| (\d+) \|", number
    lines = [line.split() for line in read("tests/busybox/expected").splitlines()]
    passes = sum(int(words[2]) for words in lines if words[:1] == ["group"])
    skips, failures = (sum(words[:1] == [kind] for words in lines) for kind in ("skip", "fail"))
    yield r"of ([\d,]+) tests [\d,]+ pass, ", passes + skips + failures
    yield r"of [\d,]+ tests ([\d,]+) pass, ", passes
    yield r"pass, (\d+) are$", skips


def posix_counts(document):
    for pattern, number in test_counts(document):
        said = count_of(document, pattern)
        if said != number:
            yield f"docs/posix.md: {pattern} is {number}, not {said}"
    for part in re.findall(r"^\| \*\*.*(?:\n\| [^*].*)+", document, re.MULTILINE):
        total, *parts = map(int, re.findall(r"^\|[^|]*\| \**(\d+)", part, re.MULTILINE))
        if total != sum(parts):
            yield f"docs/posix.md: {part.splitlines()[0]} but its rows make {sum(parts)}"


def links():
    for path in ["README.md", "CONTRIBUTING.md", "ports/README.md", *glob.glob("docs/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(path)):
            if not os.path.exists(os.path.join(os.path.dirname(path), target)):
                yield f"{path}: there is no {target}"


def main():
    if len(sys.argv) > 1:
        os.chdir(sys.argv[1])
    document = read("docs/posix.md")
    wrong = [*system_calls(), *posix_calls(document), *posix_counts(document), *links()]
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main())

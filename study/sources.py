"""Source lines of addresses, with what was inlined, and the excerpts that the page carries."""
import functools
import os

import elf

TOP = elf.TOP
CONTEXT = 7  # lines before and after each that is shown


def chains(path, addresses):
    """{address: [(function, file, line)]}, the innermost first."""
    wanted = sorted(addresses)
    output = elf.run_tool("addr2line", "-a", "-i", "-f", "-e", path,
                          *(f"{address:#x}" for address in wanted)).splitlines()
    found, current, at = {}, None, 0
    while at < len(output):
        if output[at].startswith("0x"):
            current = found.setdefault(int(output[at], 16), [])
            at += 1
            continue
        function, place = output[at], output[at + 1].split(" (")[0]
        file, _, line = place.rpartition(":")
        if not file.startswith("??") and line.isdigit() and int(line):
            current.append((function.split(".")[0], normal(file), int(line)))
        at += 2
    return found


@functools.lru_cache(maxsize=None)
def normal(path):
    """As the repository names it, if it is a file of it, wherever it was compiled."""
    parts = os.path.normpath(path).split(os.sep)
    for at in range(len(parts)):
        found = os.path.join(*parts[at:])
        if os.path.isfile(os.path.join(TOP, found)):
            return found
    return os.path.basename(path)


class Sources:
    """Collects which lines are wanted."""

    def __init__(self):
        self.files, self.names = {}, []

    def place(self, function, file, line):
        """A place as the page knows it: [function, number of the file, line]."""
        if file not in self.files:
            self.files[file] = (len(self.names), set())
            self.names.append(file)
        number, lines = self.files[file]
        lines.add(line)
        return [function, number, line]

    def excerpts(self):
        """[[file, {line: text}]] with some context; no text where the file is not here."""
        found = []
        for file in self.names:
            wanted = self.files[file][1]
            try:
                with open(os.path.join(TOP, file), encoding="utf-8") as source:
                    text = source.read().splitlines()
            except OSError:
                text = []
            near = {number for line in wanted
                    for number in range(line - CONTEXT, line + CONTEXT + 1)}
            found.append([file, {number: text[number - 1] for number in sorted(near)
                                 if 0 < number <= len(text)}])
        return found

#!/usr/bin/python3
"""unused.py [ROOT]: macros and functions that nothing names.

The compiler finds static functions; here are macros, inline functions in headers, and functions that
are declared and defined but never called: a function is not used if only lines that begin in column 0
(definitions and declarations) name it. include/ is the interface, which has more than one tree needs.
"""
import collections
import re
import sys

import source

CODE = (".c", ".h", ".S")
OTHERS = (".ld", ".mk", ".sh", ".py", ".sed", ".awk", ".in")
WORD = re.compile(r"\w+")
DEFINE = re.compile(r"#\s*define\s+(\w+)")
PASTED = re.compile(r"(\w+)\s*##|##\s*(\w+)")
# What others look for: libraries, the C library's headers, the C library itself.
ENTRIES = re.compile(r"main|LLVMFuzzer\w+|blkid_\w+|_GNU_SOURCE|__syscall\d|__SYSCALL_LL_[EO]|IPC_64")


def strip(text):
    """Without comments and strings."""
    return source.TOKEN.sub(lambda match: "\n" * match.group(0).count("\n"), text)


class Tree:
    def __init__(self, root):
        self.words, self.uses = collections.Counter(), collections.Counter()
        self.macros, self.functions, self.pasted = [], [], set()
        for path in source.find(root, source.LAYERS + ["linker", "scripts"], CODE + OTHERS):
            text = source.read(root, path)
            if path.endswith(CODE):
                self.add_code(path, text)
            else:
                self.words.update(WORD.findall(text))
                self.uses.update(WORD.findall(text))

    def add_code(self, path, text):
        stripped = strip(text)
        is_interface = path.startswith("include/")
        for line in stripped.split("\n"):
            define = DEFINE.match(line)
            if define:
                if not is_interface:
                    self.macros.append((path, define.group(1)))
                line = line[define.end():]
                for pair in PASTED.findall(line):
                    self.pasted.update(part for part in pair if part)
            self.words.update(WORD.findall(line))
            if define or path.endswith(".S") or line[:1] in "\t #":
                self.uses.update(WORD.findall(line))
            elif "=" in line:
                self.uses.update(WORD.findall(line.split("=", 1)[1]))
        if path.endswith((".c", ".h")) and not is_interface:
            self.functions += [(path, name) for name, _ in source.functions(text)]

    def is_pasted(self, name):
        return any(len(part) > 2 and (name.startswith(part) or name.endswith(part))
                   for part in self.pasted)

    def unused(self):
        found = [(path, f"macro {name}") for path, name in self.macros
                 if not self.words[name] and not name.endswith("_H")]
        found += [(path, name) for path, name in self.functions if not self.uses[name]]
        return [(path, what) for path, what in found
                if not self.is_pasted(what.split()[-1]) and
                not ENTRIES.fullmatch(what.split()[-1])]


def main():
    unused = Tree(sys.argv[1] if len(sys.argv) > 1 else ".").unused()
    for path, name in unused:
        print(f"{path}: {name} is not used")
    return 1 if unused else 0


if __name__ == "__main__":
    sys.exit(main())

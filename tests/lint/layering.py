#!/usr/bin/python3
"""layering.py [ROOT]: who may include whom.

    servers -> lib -> include <- kernel -> arch interface

A folder may include its own files by their plain name, and by prefix what RULES allows it.
"""
import re
import sys

import source

ABI = ["tern/", "proto/"]
# folder: prefixes of "..." includes, names of <...> includes beside the compiler's own
RULES = {
    "include": (ABI, []),
    "kernel": (["kernel/", "arch/", "tern/", "generated/"], ["string.h"]),
    "arch": (["kernel/", "arch/", "tern/", "generated/"], ["string.h", "libfdt.h"]),
    "lib": (["lib/"] + ABI, ["*"]),
    "servers": (["lib/"] + ABI, ["*"]),
    "libmusl-port": (["lib/launch/elf.h", "../"] + ABI, ["*"]),
    "examples": (["lib/"] + ABI, ["*"]),
    "tests/kernel": (["lib/", "servers/"] + ABI, ["*"]),
    "tests/musl": (["lib/", "tests/musl/"] + ABI, ["*"]),
    "tests/programs": (["lib/", "tests/musl/"] + ABI, ["*"]),
}
# What a freestanding compiler brings along: no library behind it.
COMPILER = ["stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "stdatomic.h", "limits.h",
            "stdalign.h", "stdnoreturn.h"]
# The architecture stays out of kernel/: its name and its instructions. The one exception emits
# markers for the build, not instructions.
FOREIGN_TO_KERNEL = re.compile(r"risc-?v|__asm__|\basm\b", re.I)
MAY_USE_ASM = "kernel/asm_offsets.c"


def allowed(rules, path, name, is_system):
    prefixes, system = rules
    if is_system:
        return name in COMPILER or name in system or "*" in system
    return "/" not in name and path.count("/") > 1 or name.startswith(tuple(prefixes))


def violations(root):
    for folder, rules in RULES.items():
        for path in source.find(root, [folder], (".c", ".h", ".S")):
            text = source.read(root, path)
            for number, name, is_system in source.includes(text):
                if not allowed(rules, path, name, is_system):
                    yield f"{path}:{number}: {folder}/ must not include {name}"
            if folder == "kernel" and path != MAY_USE_ASM:
                for number, line in enumerate(text.splitlines(), 1):
                    if FOREIGN_TO_KERNEL.search(line):
                        yield f"{path}:{number}: the architecture does not belong in kernel/"


def main():
    found = list(violations(sys.argv[1] if len(sys.argv) > 1 else "."))
    for violation in found:
        print(violation)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

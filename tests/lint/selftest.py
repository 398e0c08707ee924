#!/usr/bin/python3
"""The checks check: each must find a violation planted in a small tree, and pass the clean one."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import measures

FOLDER = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(FOLDER))
CLEAN = {
    "Makefile": "all:\n",
    "include/tern/types.h": "#include <stdint.h>\n",
    "kernel/thread.h": '#include "arch/cpu.h"\n#include "tern/types.h"\n',
    "kernel/thread.c": '#include "kernel/thread.h"\n\nint main(void)\n{\n\treturn 0;\n}\n',
    "arch/riscv/include/arch/cpu.h": '#include "tern/types.h"\n',
    "servers/one/main.c": '#include "tern/types.h"\n#include "own.h"\n',
    "servers/one/own.h": "",
}


class Planted(unittest.TestCase):
    def run_check(self, check, changes):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**CLEAN, **changes}.items():
                os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            return subprocess.run([sys.executable, os.path.join(FOLDER, check), root],
                                  capture_output=True, text=True, check=False)

    def refused(self, check, path, text, message):
        result = self.run_check(check, {path: text})
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(message, result.stdout)

    def test_clean_tree_passes(self):
        for check in ("layering.py", "measures.py", "unused.py"):
            result = self.run_check(check, {})
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_server_includes_kernel(self):
        self.refused("layering.py", "servers/one/main.c", '#include "kernel/thread.h"\n',
                     "servers/one/main.c:1")

    def test_server_includes_another_server(self):
        self.refused("layering.py", "servers/one/main.c", '#include "servers/two/own.h"\n',
                     "must not include servers/two/own.h")

    def test_path_out_of_the_folder(self):
        self.refused("layering.py", "servers/one/main.c", '#include "../two/own.h"\n',
                     "must not include ../two/own.h")

    def test_abi_includes_kernel(self):
        self.refused("layering.py", "include/tern/types.h", '#include "kernel/thread.h"\n',
                     "include/ must not include")

    def test_kernel_includes_a_c_library(self):
        self.refused("layering.py", "kernel/thread.c", "#include <stdio.h>\n", "stdio.h")

    def test_kernel_names_the_architecture(self):
        self.refused("layering.py", "kernel/thread.c", "/* RISC-V only */\n", "does not belong")

    def test_kernel_uses_inline_assembly(self):
        self.refused("layering.py", "kernel/thread.c", '__asm__("nop");\n', "does not belong")

    def test_comments_are_not_includes(self):
        result = self.run_check("layering.py",
                                {"kernel/thread.c": '/*\n#include "servers/x.h"\n*/\n'})
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_function_that_nobody_calls(self):
        self.refused("unused.py", "kernel/new.c", "int f(void)\n{\n\treturn 0;\n}\n",
                     "kernel/new.c: f is not used")

    def test_macro_that_only_a_comment_names(self):
        self.refused("unused.py", "kernel/new.h", "#define LIMIT 4\n/* not above LIMIT */\n",
                     "kernel/new.h: macro LIMIT is not used")

    def test_long_function(self):
        body = "\tx();\n" * 60
        self.refused("measures.py", "kernel/long.c", f"void f(void)\n{{\n{body}}}\n",
                     "kernel/long.c:f (63)")

    def test_long_file(self):
        self.refused("measures.py", "kernel/long.c", "int x;\n" * 701, "kernel/long.c (701)")

    def test_long_makefile(self):
        self.refused("measures.py", "Makefile", "x:\n" * 201, "FAIL lint: Makefile: 201 lines")

    def test_large_kernel(self):
        files = measures.KERNEL_CODE_LIMIT // 690 + 1
        changes = {f"kernel/f{i}.c": "int x;\n" * 690 for i in range(files)}
        result = self.run_check("measures.py", changes)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn("FAIL lint: kernel: ", result.stdout)

    def test_circular_includes(self):
        self.refused("measures.py", "arch/riscv/include/arch/cpu.h",
                     '#include "kernel/thread.h"\n',
                     "arch/riscv/include/arch/cpu.h -> kernel/thread.h -> ")

    def document_refused(self, path, old, new, message):
        """docs.py reads documents and what they are about: a tree of links to the real ones, but for one."""
        with tempfile.TemporaryDirectory() as root:
            for name in os.listdir(TOP):
                if name not in ("docs", "include", ".git"):
                    os.symlink(os.path.join(TOP, name), os.path.join(root, name))
            for folder in ("docs", "include"):
                shutil.copytree(os.path.join(TOP, folder), os.path.join(root, folder))
            with open(os.path.join(root, path), "r+", encoding="utf-8") as file:
                text = file.read()
                self.assertIn(old, text)
                file.seek(0)
                file.truncate()
                file.write(text.replace(old, new))
            result = subprocess.run([sys.executable, os.path.join(FOLDER, "docs.py"), root],
                                    capture_output=True, text=True, check=False)
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(message, result.stdout)

    def test_system_call_that_does_not_say_whether_it_blocks(self):
        self.document_refused("include/tern/system.h", "Never blocks.", "", "can it block?")

    def test_system_call_that_the_index_lacks(self):
        self.document_refused("docs/syscalls.md", "| -57 | `tern_null` | `tern/system.h` |\n", "", "-57")

    def test_posix_call_without_a_row(self):
        self.document_refused("docs/posix.md", "close_range", "", "no row for close_range")

    def test_count_that_is_not_the_lists(self):
        self.document_refused("docs/posix.md", "| wx | 1 |", "| wx | 2 |", "wx")

    def test_link_to_nowhere(self):
        self.document_refused("docs/architecture.md", "(musl.md)", "(nusl.md)", "there is no nusl.md")


if __name__ == "__main__":
    unittest.main()

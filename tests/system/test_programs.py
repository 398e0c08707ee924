"""Programs with the C library, seen from outside: what they print, how they end, how they are built."""
import os
import subprocess

import pytest

from machine import BUILD, Boot, bundle, make_bundle

TERN_CC = os.path.join(BUILD, "bin", "tern-cc")


def build(folder, source, *options):
    """A program from C source; its path."""
    path = folder / "program"
    (folder / "program.c").write_text(source)
    subprocess.run([TERN_CC, "--profile=small", *options, "-O2", "-Wall", "-Werror", "-o", path, folder / "program.c"],
                   check=True, timeout=600)
    return path


def boot_program(folder, source, *options):
    path = build(folder, source, *options)
    return Boot(initrd=make_bundle(folder / "bundle.tar", {"init": path.read_bytes()}), smp=2)


def lines(boot):
    return boot.console.splitlines()


def test_hello_world(tmp_path):
    boot = boot_program(tmp_path, '#include <stdio.h>\nint main(void) { puts("hello, world"); }\n')
    assert boot.status == 0, boot
    assert "hello, world" in lines(boot), boot


@pytest.mark.parametrize("status", [0, 1, 42, 127])
def test_status_of_the_first_process_is_the_machines(tmp_path, status):
    boot = boot_program(tmp_path, "int main(void) { return %d; }\n" % status)
    assert boot.status == status, boot


def test_libraries_of_their_own_names_are_there(tmp_path):
    source = """#include <math.h>
        #include <pthread.h>
        #include <stdatomic.h>
        #include <tern/ipc.h>
        int main(int argc, char **argv) { return argv[0] ? lround(sqrt(49.0 * argc)) : 0; }
        """
    boot = boot_program(tmp_path, source, "-pthread", "-lm", "-lpthread")
    assert boot.status == 7, boot


def test_output_without_an_end_is_printed(tmp_path):
    boot = boot_program(tmp_path, '#include <stdio.h>\nint main(void) { printf("no end"); }\n')
    assert "no end" in lines(boot), boot


def test_output_of_launched_programs_has_their_name():
    boot = Boot(initrd=bundle("launch"), smp=2)
    for line in ("child: a whole line", "child: PASS as if the test said so",
                 "child: and one without an end"):
        assert lines(boot).count(line) == 1, boot


def test_missing_calls_are_named_on_request():
    boot = Boot(initrd=bundle("launch"), smp=2)
    assert lines(boot).count("child: emu: no system call 56") == 1, boot


def test_nothing_of_the_machines_own_c_library_is_used(tmp_path):
    path = build(tmp_path, "#include <stdio.h>\nint main(void) { return puts(\"text\"); }\n", "-g")
    with open(path, "rb") as file:
        text = file.read()
    assert b"glibc" not in text and b"GLIBC" not in text
    listing = subprocess.run(["riscv64-linux-gnu-readelf", "-lW", path], check=True, timeout=600,
                             capture_output=True, text=True).stdout
    assert "INTERP" not in listing and "RWE" not in listing

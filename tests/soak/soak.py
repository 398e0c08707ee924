#!/usr/bin/env python3
"""soak.py SECONDS: programs of all kinds at once on four harts, while programs and servers are killed.

What runs inside Tern is soak.sh, on a disk with Lua's source; killer (tests/programs) kills servers. The
pipe server, whose death programs notice, dies in the third quarter of the time. Prints PASS and FAIL lines.
"""
import os
import random
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests/system"))

from disks import device  # noqa: E402
from machine import BUILD, KERNEL, whole_system  # noqa: E402

WORKERS = ("pipes", "compile", "make", "sqlite", "kill")
BOOT = 30  # seconds: by then the first rounds are over, unless this machine is very busy
KILLER = """
server killer
	arguments {seed} {pause} {begin} {end} virtio-blk console virtio-rng pipe
	port init init 1
	restart never
"""
PAUSE_MS = 1000

# Pages that caches keep: see docs/soak.md.
TOLERANCE_KIB = 4096

LUA_MAKEFILE = """OBJECTS := $(filter-out luac.o,$(patsubst %.c,%.o,$(wildcard *.c)))
lua: $(OBJECTS)
	tcc -o $@ $^ -lm
%.o: %.c
	tcc -DLUA_USE_POSIX -c -o $@ $<
clean:
	rm -f *.o lua
"""


def make_disk(folder, image):
    """Lua's source twice, one of them to be killed, and the scripts."""
    source = os.path.join(BUILD, "sources/lua5.4/src")
    for name in "lua", "killed":
        os.makedirs(os.path.join(folder, name))
        for file in os.listdir(source):
            if file.endswith((".c", ".h")):
                put(os.path.join(source, file), os.path.join(folder, name, file))
        with open(os.path.join(folder, name, "lua5.4-deb-multiarch.h"), "w", encoding="ascii") as file:
            file.write('#define DEB_HOST_MULTIARCH "tern"\n')
        with open(os.path.join(folder, name, "Makefile"), "w", encoding="ascii") as file:
            file.write(LUA_MAKEFILE)
    for name in "soak.sh", "round.sh":
        put(os.path.join(HERE, name), os.path.join(folder, name))
    subprocess.run(["/usr/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, image, "128M"],
                   check=True, capture_output=True)


def put(source, target):
    with open(source, "rb") as old, open(target, "wb") as new:
        new.write(old.read())


def bundle(path, seconds, seed):
    """The whole system with the killer."""
    begin, end = BOOT + seconds // 2, BOOT + seconds * 3 // 4
    return whole_system(path, f". /etc/profile; exec sh /mnt/0/soak.sh {seconds} {begin} {end}",
                        manifest=KILLER.format(seed=seed, pause=PAUSE_MS, begin=begin, end=end),
                        programs=("killer",))


def run(folder, seconds, seed):
    """The machine's status and console, and the two disks afterwards."""
    root, disk = os.path.join(folder, "root.ext4"), os.path.join(folder, "soak.ext4")
    subprocess.run(["cp", "--sparse=always", os.path.join(BUILD, "root.ext4"), root], check=True)
    make_disk(os.path.join(folder, "tree"), disk)
    command = ["timeout", "-k", "5", str(10 * seconds + 900), "qemu-system-riscv64", "-machine", "virt",
               "-cpu", "rv64", "-smp", "4", "-m", "512M", "-display", "none", "-serial", "stdio",
               "-monitor", "none", "-bios", "default", "-no-reboot",
               "-global", "virtio-mmio.force-legacy=false",
               "-device", "virtio-rng-device,bus=virtio-mmio-bus.7",
               *device(0, {"driver": "file", "filename": root, "discard": "unmap"},
                       is_flushed=False),
               *device(1, {"driver": "file", "filename": disk, "discard": "unmap"},
                       is_flushed=False),
               "-kernel", KERNEL, "-initrd", bundle(os.path.join(folder, "bundle.tar"), seconds, seed)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        console = b""
        for line in machine.stdout:
            console += line
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
    return machine.returncode, console.decode(errors="replace").replace("\r", ""), (root, disk)


def judge(name, good, why=""):
    print(f"PASS {name}" if good else f"{why}\nFAIL {name}")
    return bool(good)


def main():
    seconds = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.SystemRandom().randrange(1 << 32)
    folder = os.path.join(BUILD, "soak")
    subprocess.run(["rm", "-rf", folder], check=True)
    os.makedirs(folder)
    print(f"seed {seed}")
    status, console, disks = run(folder, seconds, seed)
    rounds = dict(re.findall(r"^rounds (\w+) (\d+)$", console, re.M))
    memory = [int(number) for number in re.findall(r"^memory (\d+)$", console, re.M)]
    failures = re.findall(r"^FAIL .*", console, re.M)
    deaths = len(re.findall(r"^init: server .* died", console, re.M))
    left = re.findall(r"^ *\d+ +\d+ (?!.*(?:soak\.sh|ps -o)).*", console.partition("PID   PPID")[2], re.M)
    print(f"rounds {rounds}, {deaths} deaths of servers, memory {memory}")
    results = [
        judge("it ends", status == 0 and "\nsoak: over\n" in console, f"status {status}"),
        judge("every round is right", not failures and set(rounds) == set(WORKERS),
              "\n".join(failures)),
        judge("no program is left", "PID   PPID" in console and not left, "\n".join(left)),
        judge("memory is conserved", len(memory) == 2 and memory[0] - memory[1] <= TOLERANCE_KIB,
              f"{memory}")]
    for disk in disks:
        check = subprocess.run(["/usr/sbin/e2fsck", "-fn", disk], text=True, capture_output=True,
                               check=False)
        results.append(judge(f"{os.path.basename(disk)} is clean", check.returncode == 0, check.stdout))
    return 0 if all(results) else 1


sys.exit(main())

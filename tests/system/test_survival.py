"""The kill test: servers die at random moments under clients of the disk, of pipes and of the terminal."""
import os
import random
import re
import subprocess

import pexpect

from conversation import SERVERS, Conversation, system_bundle
from disks import SIZE, device, pattern
from machine import BUILD, TOP, Boot, whole_system
from test_files import e2fsck, file_of

REWIND = 16  # bytes that a new console may show again

SURVIVOR = """
server extfs
	priority 20
	memory 64M
	listener 256
	port disk virtio-blk 256
	pager

server survivor
	arguments {seed}
	memory 16M
	port files extfs 1
	port pipe pipe 1
	port console console 0 shared
	port init init 1
	restart shutdown
"""


def make_image(folder, image):
    """An ext4 file system with a file that nobody has read yet."""
    (folder / "content").mkdir()
    (folder / "content" / "cold").write_bytes(pattern(0, 16 * SIZE))
    subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(folder / "content"),
                    str(image), "128M"], check=True, capture_output=True)


def manifest(seed):
    with open(os.path.join(TOP, "servers", "manifest"), encoding="utf-8") as file:
        return file.read() + SURVIVOR.format(seed=seed)


def is_shown(expected, shown):
    """Is `shown` what is expected, but for up to REWIND bytes that come again, any number of times?"""
    places = {0}
    for character in shown:
        reach = {place - back for place in places for back in range(REWIND + 1) if place >= back}
        places = {place + 1 for place in reach
                  if place < len(expected) and expected[place] == character}
    return len(expected) in places


def test_shown_lines_may_come_again():
    assert is_shown("<1>\n<2>\n", "<1>\n<2>\n")
    assert is_shown("<1>\n<2>\n", "<1>\n<<1>\n<2>\n>\n")
    assert not is_shown("<1>\n<2>\n", "<1>\n")
    assert not is_shown("<1>\n<2>\n", "<1>\n<3>\n")


def type_until_over(machine):
    """All output, while keys are pressed twenty times a second."""
    output, tries = "", 0
    while tries < 40000:
        found = machine.expect([r"survivor: all is well\r\n", pexpect.EOF, pexpect.TIMEOUT],
                               timeout=0.05)
        if found == 0:
            return output + machine.before + machine.after
        if found == 1:
            return output + machine.before
        machine.send("x")
        tries += 1
    return machine.before


def test_clients_survive_two_hundred_deaths(tmp_path):
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    image = tmp_path / "image"
    make_image(tmp_path, image)
    servers = sorted(name for name in os.listdir(os.path.join(TOP, "servers"))
                     if os.path.exists(os.path.join(SERVERS, name)))
    initrd = system_bundle(tmp_path / "bundle.tar", manifest(seed), (*servers, "survivor"))
    options = [*device(0, {"driver": "file", "filename": str(image)}),
               "-device", "virtio-rng-device,bus=virtio-mmio-bus.7",
               "-global", "virtio-mmio.force-legacy=false"]
    machine = Conversation(initrd, options=options, memory="256M")
    output = type_until_over(machine)
    assert "survivor: all is well" in output, f"seed {seed}: {output[-3000:]}"
    lines, typed, whole, broken = map(int, re.search(
        r"survivor: lines (\d+) typed (\d+) pipes (\d+) whole (\d+) broken", output).groups())
    print(f"{lines} lines, {typed} typed, {whole} pipes whole, {broken} broken")
    assert lines > 100 and typed > 20 and whole > 10 and broken > 10
    # The first line may stand behind what the boot messages left on the screen.
    own = "".join(line + "\n" for line in output.split("\r\n")
                  if re.fullmatch(r"[<>\d]*", line) and line and line != "<0>")
    assert is_shown("".join(f"<{number}>\n" for number in range(1, lines)), own)
    assert machine.end() == 0
    check = e2fsck(image, "-p")
    assert check.returncode in (0, 1), check.stdout
    assert e2fsck(image, "-fn").returncode == 0


KILLER = """
server killer
	arguments 1 2000 {begin} {end} posix
	port init init 1
	restart never
"""


def lines_until_the_posix_server_dies(tmp_path, begin):
    """How many lines a program has written when the server is killed, from second `begin` on."""
    image = tmp_path / "root.ext4"
    subprocess.run(["cp", "--sparse=always", os.path.join(BUILD, "root.ext4"), image], check=True)
    initrd = whole_system(tmp_path / "bundle.tar",
                          "while echo kept >> /root/kept; do sleep 0.1; done",
                          manifest=KILLER.format(begin=begin, end=begin + 100), programs=("killer",))
    # What is flushed need not be on this machine's disk, however long that takes.
    file = {"driver": "file", "filename": str(image), "discard": "unmap"}
    boot = Boot(initrd=initrd, smp=2, memory="512M",
                options=[*device(0, file, is_flushed=False),
                         "-device", "virtio-rng-device,bus=virtio-mmio-bus.7"])
    assert boot.status == 9, boot
    assert "did not stop" not in boot.console, boot
    assert e2fsck(image, "-fn").returncode == 0
    return file_of(image, "/root/kept").count(b"kept\n")


def test_files_are_written_when_the_posix_server_dies(tmp_path):
    """It ends the system, but init tells the file servers to end, and waits for them."""
    # On a slow machine the program may not have come far by then.
    assert any(lines_until_the_posix_server_dies(tmp_path, begin) > 10 for begin in (8, 40, 200))

"""Disks: the tests in the guest, and what is on the images afterwards."""
import os
import re

import pytest

from conversation import system_bundle
from disks import SIZE, Disks, device, pattern
from machine import DEBUG_KERNEL, KERNEL, TOP, Boot, bundle

# Where the guest's writers work: see tests/kernel/disk/deaths.c and writes.c.
WRITERS = 5 * SIZE + 65536
WRITERS_END = WRITERS + 64 * 4096


def inverted(start, length):
    return bytes(byte ^ 0xff for byte in pattern(start, length))


def check_big(image):
    """What the guest's tests have left of the pattern, and put in its place."""
    expected = bytearray(pattern(0, 8 * SIZE))
    expected[SIZE:2 * SIZE] = inverted(SIZE, SIZE)
    part = 2 * SIZE + 512
    expected[part:part + 80 * 512] = inverted(part, 80 * 512)
    for start, length in (3 * SIZE + 512, 65536), (3 * SIZE + 131072, 8192):
        expected[start:start + length] = bytes(length)
    for start, end in ((0, 4 * SIZE), (5 * SIZE, WRITERS), (WRITERS_END, 8 * SIZE)):
        assert image[start:end] == expected[start:end], f"bytes {start} to {end}"
    assert image[WRITERS:WRITERS_END] != expected[WRITERS:WRITERS_END]


@pytest.mark.parametrize("kernel, harts", [(KERNEL, 1), (KERNEL, 2), (KERNEL, 4),
                                           (DEBUG_KERNEL, 1), (DEBUG_KERNEL, 4)],
                         ids=["1", "2", "4", "debug-1", "debug-4"])
def test_disks(kernel, harts, tmp_path):
    disks = Disks(tmp_path)
    boot = Boot(kernel=kernel, initrd=bundle("disk"), smp=harts, options=disks.options,
                time_limit=1800)
    assert boot.status == 0, boot
    assert boot.console.count("\nPASS ") == 16, boot
    check_big(disks.big.read_bytes())
    assert disks.odd.read_bytes() == pattern(0, SIZE + 512)
    assert disks.read_only.read_bytes() == pattern(0, SIZE)
    assert disks.bad.read_bytes() == pattern(0, SIZE)


def test_old_devices_are_no_disks(tmp_path):
    """A device that only speaks the legacy interface is left alone, and its disk is not there."""
    disks = Disks(tmp_path)
    boot = Boot(initrd=bundle("disk"), append="only=0",
                options=["-global", "virtio-mmio.force-legacy=true", *disks.options])
    assert boot.status == 1
    assert "FAIL cannot go on: a driver that answers" in boot.console


def test_instructions_per_kib(tmp_path):
    """64 MiB in steps of 64 KiB. Linux takes 1169 for a cold read through its file system."""
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(64 * SIZE)
    boot = Boot(initrd=bundle("disk"), append="figures=1", memory="512M",
                options=["-icount", "shift=0",
                         *device(0, {"driver": "file", "filename": str(image)})])
    figures = {name: int(value) for name, value
               in re.findall(r"^FIGURE (\w+) (\d+) per KiB$", boot.console, re.M)}
    assert boot.status == 0, boot
    assert figures["read_cold"] <= 750
    assert figures["memobj_to_disk"] <= 160


DEVICES = """
server drivers
	port disk virtio-blk 0
	port random virtio-rng 0
	port init init 1
	restart shutdown
"""


def block(name):
    """What the standard manifest says of a server."""
    with open(os.path.join(TOP, "servers", "manifest"), encoding="utf-8") as file:
        return re.search(rf"^server {name}\n(\t.*\n)+", file.read(), re.M)[0]


def test_drivers_of_the_system_are_killed_under_a_client(tmp_path):
    """The programs as init runs them; one instruction a nanosecond, so the times are figures, but
    for a sleeping guest, which hears of this machine's delays: one of a few tries must be good."""
    image = tmp_path / "image"
    image.write_bytes(pattern(0, SIZE))
    restarts = []
    initrd = system_bundle(tmp_path / "bundle.tar",
                            block("virtio-blk") + block("virtio-rng") + DEVICES,
                            programs=("virtio-blk", "virtio-rng", "drivers"))
    while len(restarts) < 5 and (not restarts or restarts[-1] >= 50000):
        boot = Boot(initrd=initrd, options=[
            "-icount", "shift=0", "-device", "virtio-rng-device,bus=virtio-mmio-bus.7",
            *device(0, {"driver": "file", "filename": str(image)})])
        assert boot.status == 0, boot
        assert "drivers: all is well" in boot.console
        restart = re.search(r"virtio-blk was restarted in (\d+) us", boot.console)
        restarts.append(int(restart.group(1)))
    assert restarts[-1] < 50000, restarts


def test_deaths_with_one_instruction_a_nanosecond(tmp_path):
    """The host's load does not count here: many rounds between two deaths."""
    disks = Disks(tmp_path)
    boot = Boot(initrd=bundle("disk"), append="only=14",
                options=["-icount", "shift=0", *disks.options])
    assert boot.status == 0, boot
    assert "PASS dead_drivers_lose_nothing" in boot.console


def test_disk_larger_than_memory(tmp_path):
    """Pages come and go: a FILL that finds no memory is tried again, not failed."""
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(64 * SIZE)
    boot = Boot(initrd=bundle("disk"), append="figures=1", memory="64M",
                options=device(0, {"driver": "file", "filename": str(image)}))
    assert boot.status == 0, boot
    assert "FIGURE memobj_to_disk" in boot.console

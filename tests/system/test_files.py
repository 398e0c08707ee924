"""extfs on a disk image: what the guest leaves is sound, also when QEMU is killed under load."""
import random
import re
import subprocess
import time

import pytest

from disks import device
from machine import KERNEL, Boot, bundle


def make_image(path, options, size="128M"):
    subprocess.run(["mke2fs", "-q", "-F", *options, str(path), size], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def e2fsck(path, mode):
    return subprocess.run(["e2fsck", mode, str(path)], capture_output=True, check=False, text=True)


def disk(path):
    return device(0, {"driver": "file", "filename": str(path)})


def file_of(path, name):
    """The content of a file on an image."""
    result = subprocess.run(["debugfs", "-R", f"cat {name}", str(path)], capture_output=True,
                            check=True)
    return result.stdout


def expected(length, seed):
    return bytes((i * seed + (i >> 9)) & 0xff for i in range(length))


@pytest.mark.parametrize("options", [["-t", "ext4"], ["-t", "ext4", "-b", "1024"],
                                     ["-t", "ext2", "-b", "4096"]], ids=["ext4", "1k", "ext2"])
def test_image_is_sound_afterwards(options, tmp_path):
    image = tmp_path / "image"
    make_image(image, options)
    boot = Boot(initrd=bundle("disk-files"), smp=2, memory="512M", options=disk(image),
                time_limit=1800)
    assert boot.status == 0, boot
    check = e2fsck(image, "-fn")
    assert check.returncode == 0, check.stdout
    assert file_of(image, "dir/large") == expected(1 << 20, 7)


def command_line(image):
    return ["qemu-system-riscv64", "-machine", "virt", "-smp", "2", "-m", "256M", "-nographic",
            "-bios", "default", "-global", "virtio-mmio.force-legacy=false", "-kernel", KERNEL,
            "-initrd", bundle("disk-load"), *disk(image)]


def run_and_kill(image, seconds):
    """The machine works for so long; how many bytes of the log it has said to be on disk."""
    with subprocess.Popen(command_line(image), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL) as machine:
        output = b""
        for line in machine.stdout:
            output += line
            if b"synced" in line:
                break
        time.sleep(seconds)
        machine.kill()
        output += machine.stdout.read()
    assert b"got" not in output, output
    return int(re.findall(rb"synced (\d+)\r?\n", output)[-1])


@pytest.mark.parametrize("group", range(3))
def test_killed_machine_loses_nothing_synced(tmp_path, group):
    """Ten deaths in each group, at random moments under load."""
    image = tmp_path / "image"
    generator = random.Random(4711 + group)
    for _ in range(10):
        make_image(image, ["-t", "ext4"], "32M")
        synced = run_and_kill(image, generator.uniform(0, 0.6))
        repair = e2fsck(image, "-p")
        assert repair.returncode in (0, 1), repair.stdout
        check = e2fsck(image, "-fn")
        assert check.returncode == 0, check.stdout
        assert file_of(image, "log")[:synced] == expected(synced, 7)

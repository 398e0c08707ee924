"""Disk images for tests, and the options that attach them to the machine."""
import array
import json

SIZE = 1 << 20
SECTOR = 512


def word(offset):
    """The 64-bit word that a test image has at a byte offset."""
    return (offset // 8 + 1) * 0x9e3779b97f4a7c15 & (1 << 64) - 1


def pattern(start, length):
    return array.array("Q", (word(at) for at in range(start, start + length, 8))).tobytes()


def device(number, node, read_only=False, is_flushed=True):
    """
    QEMU's options for disk `number` over a block device node. Not flushed: what the guest flushes is in
    the host's memory then, which is enough where QEMU is killed and the host is not.
    """
    return ["-blockdev", json.dumps({"driver": "raw", "node-name": f"disk{number}",
                                     "discard": "unmap", "read-only": read_only,
                                     "cache": {"no-flush": not is_flushed}, "file": node}),
            "-device", f"virtio-blk-device,drive=disk{number},bus=virtio-mmio-bus.{number}"]


def bad_file(path, read_sector, write_sector):
    """A file of which one sector cannot be read and one not be written; it cannot be flushed."""
    errors = [{"event": "none", "iotype": "read", "sector": read_sector},
              {"event": "none", "iotype": "write", "sector": write_sector},
              {"event": "none", "iotype": "flush"}]
    return {"driver": "blkdebug", "image": {"driver": "file", "filename": str(path)},
            "inject-error": [{**error, "errno": 5} for error in errors]}


def slow(path, operations):
    """A file that does so many operations a second."""
    return ["-object", f"throttle-group,id=slow,x-iops-total={operations}"], {
        "driver": "throttle", "throttle-group": "slow",
        "file": {"driver": "file", "filename": str(path)}}


class Disks:
    """The disks that tests/kernel/disk wants, and the options for them."""

    def __init__(self, folder):
        self.big, self.odd, self.read_only, self.bad, self.slow = (
            folder / name for name in ("big", "odd", "read-only", "bad", "slow"))
        self.big.write_bytes(pattern(0, 8 * SIZE))
        self.odd.write_bytes(pattern(0, SIZE + SECTOR))
        self.read_only.write_bytes(pattern(0, SIZE))
        self.bad.write_bytes(pattern(0, SIZE))
        self.slow.write_bytes(pattern(0, SIZE))
        group, slow_file = slow(self.slow, 60)
        self.options = [
            *device(0, {"driver": "file", "filename": str(self.big), "discard": "unmap"}),
            *device(1, {"driver": "file", "filename": str(self.odd)}),
            *device(2, {"driver": "file", "filename": str(self.read_only), "read-only": True},
                    read_only=True),
            *device(3, bad_file(self.bad, 100 * 8, 150 * 8)),
            *group, *device(4, slow_file)]

"""The steps of the fast path, as the kernel's ELF file names them.

Each STEP in arch/riscv/ipc_fastpath.S leaves a record in a section that is not loaded: address,
number, budget, title. A step goes on to the next record; a record with number 0 ends the last one.
"""
import bisect
import struct
from typing import NamedTuple

import elf

SECTION = ".tern.steps"
HEAD = struct.Struct("<QII")
ALIGNMENT = 8


class Step(NamedTuple):
    address: int
    number: int
    budget: int
    title: str


def parse(data):
    """The records of the section, in order of address."""
    found, at = [], 0
    while at + HEAD.size <= len(data):
        address, number, budget = HEAD.unpack_from(data, at)
        end = data.index(b"\0", at + HEAD.size)
        found.append(Step(address, number, budget, data[at + HEAD.size:end].decode()))
        at = (end + ALIGNMENT) // ALIGNMENT * ALIGNMENT
    return sorted(found)


class Steps:
    """Which step an address belongs to."""

    def __init__(self, path):
        self.records = parse(elf.section(path, SECTION))
        self.addresses = [record.address for record in self.records]

    def at(self, address):
        """The record of the step that an address is in, or None."""
        index = bisect.bisect_right(self.addresses, address) - 1
        found = self.records[index] if index >= 0 else None
        return found if found and found.number else None

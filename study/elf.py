"""What an ELF file says about addresses: symbols, steps within a function, bytes, source lines.

binutils does the reading, as it does in the build; a missing tool or symbol is an ElfError.
"""
import bisect
import functools
import os
import re
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CROSS = os.environ.get("CROSS", "riscv64-linux-gnu-")


class ElfError(Exception):
    """The file cannot be read, or lacks what was asked for."""


def run_tool(tool, *arguments):
    """Output of one of the cross binutils."""
    try:
        return subprocess.run([CROSS + tool, *arguments], check=True, text=True,
                              capture_output=True).stdout
    except FileNotFoundError:
        raise ElfError(f"{CROSS}{tool} is not installed") from None
    except subprocess.CalledProcessError as error:
        raise ElfError(f"{CROSS}{tool}: {error.stderr.strip()}") from error


def section(path, name):
    """The bytes of a section; none if the file has no such section."""
    with tempfile.NamedTemporaryFile(prefix="tern-section-") as output:
        if re.search(rf"\s{re.escape(name)}\s", run_tool("readelf", "-S", "-W", path)):
            run_tool("objcopy", "-O", "binary", "--only-section", name,
                     "--set-section-flags", f"{name}=alloc,contents", path, output.name)
        with open(output.name, "rb") as file:
            return file.read()


def disassemble(path, *options):
    """{address: (bytes, text)} of a whole file."""
    found = {}
    for line in run_tool("objdump", "-d", "--wide", *options, path).splitlines():
        fields = line.split("\t")
        if len(fields) < 3 or not fields[0].strip().endswith(":"):
            continue
        digits = fields[1].strip()  # printed as a number: most significant byte first
        code = bytes.fromhex(digits.replace(" ", ""))[::-1]
        text = " ".join(fields[2:]).split(" # ")[0]  # objdump guesses at tp-relative symbols
        found[int(fields[0].strip()[:-1], 16)] = (code, text.strip())
    return found


class Elf:
    """One ELF file's symbols, by name and by address."""

    def __init__(self, path):
        self.path = path
        self.by_name = {}
        labels, data = {}, {}
        for line in run_tool("nm", "-n", path).splitlines():
            address, kind, name = (line.split() + ["", ""])[:3]
            # Neither what is undefined nor mapping symbols ($x) and absolute constants.
            if not name or kind in "UwaA" or name.startswith("$"):
                continue
            self.by_name[name] = int(address, 16)
            if kind in "tTW":
                labels.setdefault(int(address, 16), name)
            elif kind in "dDbBrR":
                data.setdefault(int(address, 16), name)
        if not self.by_name:
            raise ElfError(f"{path} has no symbols (stripped?)")
        self.addresses = sorted(labels)
        self.names = [labels[address] for address in self.addresses]
        self.data = sorted(data.items())

    def address(self, name):
        if name not in self.by_name:
            raise ElfError(f"{self.path} has no symbol '{name}'")
        return self.by_name[name]

    def label(self, address):
        """The nearest code label at or before an address, and the distance; None before all."""
        at = bisect.bisect_right(self.addresses, address) - 1
        return (self.names[at], address - self.addresses[at]) if at >= 0 else None

    def data_symbol(self, address):
        """The data symbol at or before an address of the image's data, or None outside of it."""
        if not self.data or not self.data[0][0] <= address <= self.data[-1][0]:
            return None
        return self.data[bisect.bisect_right(self.data, (address, "\x7f")) - 1][1]

    def symbolize(self, address):
        """`name+0x10` for people."""
        found = self.label(address)
        if not found:
            return f"{address:#x}"
        name, distance = found
        return f"{name}+{distance:#x}" if distance else name

    @functools.cached_property
    def instructions(self):
        """Disassembly of the whole file: {address: (bytes, text)}."""
        return disassemble(self.path)

    def code_at(self, address):
        """The bytes of the instruction at an address of this file."""
        if address not in self.instructions:
            raise ElfError(f"{self.path} has no instruction at {address:#x}")
        return self.instructions[address][0]

    def source_lines(self, addresses):
        """{address: 'file:line'} for addresses that have debug information."""
        wanted = sorted(set(addresses))
        lines = run_tool("addr2line", "-e", self.path,
                         *(f"{address:#x}" for address in wanted)).splitlines()
        return {address: line.split(" (")[0].removeprefix(TOP + "/")
                for address, line in zip(wanted, lines)
                if not line.startswith("??") and not line.endswith(":?")}

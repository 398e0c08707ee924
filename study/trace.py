#!/usr/bin/python3
"""trace.py: every instruction between two labels of a user program, kernel included.

Boots a bundle, lets the program pass the first label until caches of any kind are warm, and then
single-steps to the second one: the shipped kernel, no instrumentation. Between the labels stands
one call through a port, so the two traps in there are the call and the answer. From the steps come
the figures of the fast path: instructions by direction, cache lines by kind.

Interrupts and timers are held back while stepping, as a debugger does: what is counted is the path
itself. Lines are those of virtual addresses; a page that the kernel reached through two mappings
would count twice. Accesses of the page-table walker do not count.
"""
import argparse
import json
import os
import sys
import tarfile
import tempfile
from typing import NamedTuple

import elf
import gdbstub
import qemu
import riscv_decode

LINE = 64
SRET = bytes.fromhex("73002010")
MODES = {0: "user", 1: "kernel", 3: "firmware"}
STEP_LIMIT = 100_000
WARM_UP = 64
BOOT_TIMEOUT = 600


class TraceError(Exception):
    """The guest did not do what the trace expects of it."""


class Step(NamedTuple):
    """One executed instruction and what it touched."""
    pc: int
    mode: str
    satp: int  # the address space that it ran in
    code: bytes
    accesses: list


def lines_of(address, size):
    """Numbers of the cache lines that a range touches."""
    return range(address // LINE, (address + size - 1) // LINE + 1)


def data_lines(steps):
    return {line for step in steps for access in step.accesses
            for line in lines_of(access.address, access.size)}


def code_lines(steps):
    return {line for step in steps for line in lines_of(step.pc, len(step.code))}


def split_traps(steps):
    """The runs of steps outside user mode, each from the trap's entry to its sret."""
    traps, inside = [], False
    for step in steps:
        if step.mode == "user":
            inside = False
            continue
        if not inside:
            traps.append([])
        traps[-1].append(step)
        inside = True
    for trap in traps:
        if trap[-1].code != SRET:
            raise TraceError(f"a trap ended at {trap[-1].pc:#x} with {trap[-1].code.hex()}, "
                             "which is no sret: the label is inside the kernel, or a step was lost")
    return traps


def describe_trap(trap):
    """What one trap cost."""
    kernel = [step for step in trap if step.mode == "kernel"]
    kinds = [access.kind for step in kernel for access in step.accesses]
    return {
        "instructions": len(kernel),
        "firmware_instructions": len(trap) - len(kernel),
        "loads": sum(kind in riscv_decode.READING for kind in kinds),
        "stores": sum(kind in riscv_decode.WRITING for kind in kinds),
        "data_lines": len(data_lines(kernel)),
        "code_lines": len(code_lines(kernel)),
    }


def figures_of(steps):
    """The fast path's figures: exactly two traps, the call and the answer."""
    traps = split_traps(steps)
    if len(traps) != 2:
        sizes = ", ".join(str(len(trap)) for trap in traps) or "none"
        raise TraceError(f"expected two traps, the call and the answer, but there were "
                         f"{len(traps)} (instructions in each: {sizes})")
    kernel = [step for step in steps if step.mode == "kernel"]
    call, reply = (describe_trap(trap)["instructions"] for trap in traps)
    return {"call_oneway": call, "reply_oneway": reply,
            "fastpath_dlines": len(data_lines(kernel)), "fastpath_ilines": len(code_lines(kernel))}


class Tracer:
    """Drives a stopped machine through one traced stretch of a user program."""

    def __init__(self, client, program):
        self.client = client
        self.program = program
        client.set_step_mode(gdbstub.UNDISTURBED)

    def read_instruction(self, pc):
        """Half by half: the second one may lie on a page that is not there."""
        code = self.client.read_memory(pc, 2)
        if riscv_decode.instruction_length(code) == 4:
            code += self.client.read_memory(pc + 2, 2)
        return code

    def is_program_at(self, address):
        """Several programs have code at the same address: is it ours that runs now?"""
        if self.client.registers()[gdbstub.PC] != address:
            return False
        try:
            return self.read_instruction(address) == self.program.code_at(address)
        except gdbstub.GdbError:
            return False

    def run_to(self, symbol, hits, timeout):
        """Run until the program passes a symbol for the `hits`-th time."""
        address = self.program.address(symbol)
        while hits:
            self.client.set_breakpoint(address)
            self.client.resume(timeout)
            self.client.clear_breakpoint(address)
            hits -= self.is_program_at(address)
            if hits:
                self.client.step()  # or it would stop here again

    def step(self):
        """Execute one instruction and say what it was."""
        registers = self.client.registers()
        pc = registers[gdbstub.PC]
        code = self.read_instruction(pc)
        mode = self.client.register("priv")
        record = Step(pc, MODES.get(mode, str(mode)), self.client.register("satp"), code,
                      riscv_decode.decode_accesses(code, registers))
        self.client.step()
        return record

    def record_to(self, symbol, limit):
        """Step until this same address space arrives at a symbol."""
        end = self.program.address(symbol)
        home = self.client.register("satp")
        steps = []
        while True:
            steps.append(self.step())
            pc = self.client.registers()[gdbstub.PC]
            if pc == end and self.client.register("satp") == home:
                return steps
            if len(steps) >= limit:
                raise TraceError(f"'{symbol}' was not reached within {limit} instructions")


def extract_program(bundle, member, folder):
    """A program of the bundle, as an ELF file of its own, so that symbols and code agree."""
    try:
        with tarfile.open(bundle) as archive:
            content = archive.extractfile(member).read()
    except (OSError, KeyError, tarfile.TarError) as error:
        raise TraceError(f"no '{member}' in the bundle {bundle}: {error}") from error
    path = os.path.join(folder, os.path.basename(member))
    with open(path, "wb") as file:
        file.write(content)
    return elf.Elf(path)


def record(kernel, bundle, program, *, start="study_call", end="study_call_end",
           warm_up=WARM_UP, limit=STEP_LIMIT, timeout=BOOT_TIMEOUT, **options):
    """Boot, warm up, and return the steps from `start` to `end` of the program."""
    for symbol in (start, end):
        program.address(symbol)  # say what is missing before booting
    with qemu.StoppedMachine(kernel, bundle, **options) as machine:
        try:
            with gdbstub.GdbClient(machine.socket) as client:
                tracer = Tracer(client, program)
                tracer.run_to(start, warm_up + 1, timeout)
                return tracer.record_to(end, limit)
        except gdbstub.GdbError as error:
            raise TraceError(f"{error}; the console ended:"
                             f"{qemu.tail(machine.console())}") from error


def as_json(steps, kernel, program):
    """The whole trace for the report: addresses as text, symbols, source lines."""
    images = {"user": program, "kernel": kernel}
    sources = {mode: image.source_lines(step.pc for step in steps if step.mode == mode)
               for mode, image in images.items()}
    listed = []
    for step in steps:
        image = images.get(step.mode)
        text = image.instructions.get(step.pc, (b"", ""))[1] if image else ""
        listed.append({
            "pc": f"{step.pc:#x}", "mode": step.mode, "satp": f"{step.satp:#x}",
            "code": step.code.hex(), "text": text,
            "symbol": image.symbolize(step.pc) if image else "",
            "source": sources.get(step.mode, {}).get(step.pc, ""),
            "accesses": [[access.kind, f"{access.address:#x}", access.size]
                         for access in step.accesses],
        })
    return {"figures": figures_of(steps), "steps": listed,
            "traps": [describe_trap(trap) for trap in split_traps(steps)]}


def trace(kernel, bundle, *, member="init", **options):
    """Trace one call of a bundle's program; the dictionary that as_json describes."""
    with tempfile.TemporaryDirectory(prefix="tern-trace-") as folder:
        qemu.check_files(kernel, bundle)
        program = extract_program(bundle, member, folder)
        return as_json(record(kernel, bundle, program, **options), elf.Elf(kernel), program)


def main():
    parser = argparse.ArgumentParser(description="Record every instruction of one call.")
    parser.add_argument("--kernel", default="build/kernel.elf")
    parser.add_argument("--bundle", default="build/bundle/bench.tar")
    parser.add_argument("--member", default="init", help="the program in the bundle")
    parser.add_argument("--start", default="study_call", help="label to begin at")
    parser.add_argument("--end", default="study_call_end", help="label to end at")
    parser.add_argument("--warm-up", type=int, default=WARM_UP, help="times to pass it before")
    parser.add_argument("--append", default="", help="the kernel's command line")
    parser.add_argument("--out", default="build/bench/trace.json")
    options = parser.parse_args()
    try:
        result = trace(options.kernel, options.bundle, member=options.member,
                       start=options.start, end=options.end, warm_up=options.warm_up,
                       append=options.append)
    except (TraceError, elf.ElfError, qemu.GuestError) as error:
        print(f"trace: {error}", file=sys.stderr)
        return 1
    os.makedirs(os.path.dirname(os.path.abspath(options.out)), exist_ok=True)
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
    for name, number in result["figures"].items():
        print(f"{name:20} {number:6}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

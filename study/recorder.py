"""Records one turn of a scenario: every instruction, what it read and wrote, and what lay there.

The machine is stepped as trace.py does it, on the shipped kernel, with interrupts and timers held
back. Each step is checked: the code in memory is that of the ELF file, and no register has changed
that the instruction does not write.
"""
import functools
from typing import NamedTuple

import elf
import gdbstub
import objects
import operands
import riscv_decode
import trace

KERNEL = "kernel"
LAST_FUNCTION = 1 << 16  # bytes that the code behind the last symbol may have


class Instruction(NamedTuple):
    """What the ELF file says of one instruction."""
    code: bytes
    text: str
    operands: operands.Operands
    stored: str  # the register whose value a store or an atomic writes, or ""


class Image:
    """A program or the kernel: its instructions, symbols and source lines."""

    def __init__(self, name, path):
        self.name = name
        self.elf = elf.Elf(path)

    @functools.cached_property
    def raw(self):
        """{address: text without aliases}, which is what can be decoded."""
        return elf.disassemble(self.elf.path, "-M", "no-aliases")

    @functools.lru_cache(maxsize=None)
    def instruction(self, pc):
        """None if there is no instruction of this image."""
        if not self.elf.addresses[0] <= pc < self.elf.addresses[-1] + LAST_FUNCTION or pc not in self.elf.instructions:
            return None
        code, text = self.elf.instructions[pc]
        raw = self.raw[pc][1]
        mnemonic, words = operands.split(raw)
        stored = ""
        if mnemonic in operands.STORES:
            stored = operands.canonical(words[0])
        elif mnemonic.startswith(("amo", "sc.")):
            stored = operands.canonical(words[1])
        return Instruction(code, text, operands.decode(raw), stored)


class Access(NamedTuple):
    kind: str
    address: int
    size: int
    before: object  # a number; None: not readable
    after: object


class Step(NamedTuple):
    """One instruction that was begun; a faulting one is begun twice."""
    pc: int
    image: Image
    mode: str
    satp: int
    is_trapped: bool  # it faulted: it has not been executed
    reads: dict
    writes: dict
    accesses: list


class Recorder(trace.Tracer):
    """Drives the machine; `images` are the kernel's and the bundle's programs."""

    def __init__(self, client, program, kernel, images, types):
        super().__init__(client, program.elf)
        self.kernel, self.images = kernel, images
        self.chosen = {}  # (space, pc): image
        self.objects = objects.Objects(types, kernel.elf, client.read_memory)

    def image_at(self, mode, satp, pc):
        """Whose code the memory holds there; programs share addresses, so the bytes decide."""
        if mode != "user":
            return self.kernel
        if (satp, pc) not in self.chosen:
            code = self.read_instruction(pc)
            last = self.chosen.get(satp)
            for image in ([last] if last else []) + self.images:
                found = image.instruction(pc)
                if found and found.code == code:
                    self.chosen[satp, pc] = self.chosen[satp] = image
                    break
            else:
                raise trace.TraceError(f"no program of the bundle has {code.hex()} at {pc:#x}")
        return self.chosen[satp, pc]

    def value(self, name, registers):
        """A register by name, or None if the stub does not know it."""
        if name in operands.NUMBER:
            return registers[operands.NUMBER[name]]
        if name == "priv" or self.client.register_number("priv") and name in self.client.numbers:
            return self.client.register(name)
        return None

    def memory(self, address, size):
        try:
            return int.from_bytes(self.client.read_memory(address, size), "little")
        except gdbstub.GdbError:
            return None

    def step_once(self, before, mode, satp):
        """Execute one instruction; returns the step and (registers, mode, satp) after it."""
        pc = before[gdbstub.PC]
        image = self.image_at(mode, satp, pc)
        instruction = image.instruction(pc)
        if not instruction:
            raise trace.TraceError(f"no instruction of the kernel at {pc:#x}")
        reads = {name: self.value(name, before) for name in instruction.operands.reads}
        touched = riscv_decode.decode_accesses(instruction.code, before)
        old = [self.memory(access.address, access.size) for access in touched]
        self.client.step()
        after = self.client.registers()
        new_mode = self.client.register("priv")
        new_mode = trace.MODES.get(new_mode, str(new_mode))
        new_satp = self.client.register("satp")
        is_call = instruction.text == "ecall"
        is_trapped = mode == "user" and new_mode != "user" and not is_call
        names = instruction.operands.writes if not is_trapped else ()
        if is_trapped or is_call:
            names += operands.TRAP_WRITES
        writes = {name: self.value(name, after) for name in names}
        self.check(pc, before, after, writes)
        accesses = [] if is_trapped and not touched else [
            self.access(found, was, instruction, reads, writes, is_trapped)
            for found, was in zip(touched, old)]
        return (Step(pc, image, mode, satp, is_trapped, reads, writes, accesses),
                (after, new_mode, new_satp))

    def check(self, pc, before, after, writes):
        for number in range(1, 32):
            if before[number] != after[number] and operands.INTEGER[number] not in writes:
                raise trace.TraceError(f"{operands.INTEGER[number]} changed at {pc:#x}, which "
                                       "does not write it: a step was lost, or is read wrongly")

    def access(self, found, was, instruction, reads, writes, is_trapped):
        """With the values before and after."""
        kind, address, size = found
        if is_trapped:
            return Access("fault", address, size, was, was)
        if kind in ("load", "lr"):
            return Access(kind, address, size, was, was)
        value = reads.get(instruction.stored, 0)
        value = None if value is None else value & ((1 << 8 * size) - 1)
        if kind == "sc" and any(writes.values()):
            return Access(kind, address, size, was, was)
        if kind == "amo":
            value = self.memory(address, size)
        return Access(kind, address, size, was, value)

    def learn(self, step):
        for access in step.accesses:
            if access.size == 8 and step.mode == KERNEL:
                for value in {access.before, access.after} - {None}:
                    try:
                        self.objects.learn(access.address, value)
                    except gdbstub.GdbError:
                        pass  # it points at nothing: no pointer after all

    def record_turn(self, end, limit):
        """(registers at the beginning, steps) until this same space arrives at `end` (again)."""
        first = before = self.client.registers()
        mode, satp = "user", self.client.register("satp")
        home, steps = satp, []
        while True:
            step, (before, mode, satp) = self.step_once(before, mode, satp)
            steps.append(step)
            self.learn(step)
            if before[gdbstub.PC] == end and satp == home and mode == "user":
                break
            if len(steps) >= limit:
                raise trace.TraceError(f"{end:#x} was not reached within {limit} instructions")
        for step in steps:  # what was known too late the first time
            self.learn(step)
        return first, steps

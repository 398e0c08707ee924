"""Which memory an instruction touches: decodes loads, stores and atomics of RV64IMAFDC.

Only what is needed to count accesses and cache lines. An encoding that is no memory access, or
none that is defined, has no accesses: the hart would trap instead.
"""
from typing import NamedTuple

MASK = (1 << 64) - 1
SP = 2

READING = {"load", "lr", "amo"}
WRITING = {"store", "sc", "amo"}

# The major opcodes, and what their funct3 selects: bytes per access.
LOAD, LOAD_FP, STORE, STORE_FP, AMO = 0x03, 0x07, 0x23, 0x27, 0x2f
LOAD_SIZES = {0: 1, 1: 2, 2: 4, 3: 8, 4: 1, 5: 2, 6: 4}
STORE_SIZES = {0: 1, 1: 2, 2: 4, 3: 8}
WIDE_SIZES = {2: 4, 3: 8}  # floating point and atomics
AMO_KINDS = {0b00010: "lr", 0b00011: "sc"} | dict.fromkeys(
    (0b00000, 0b00001, 0b00100, 0b01000, 0b01100, 0b10000, 0b10100, 0b11000, 0b11100), "amo")

# Compressed, by (quadrant, funct3); floating point where its table says so.
COMPRESSED = {
    (0, 1): ("load", 8), (0, 2): ("load", 4), (0, 3): ("load", 8),
    (0, 5): ("store", 8), (0, 6): ("store", 4), (0, 7): ("store", 8),
    (2, 1): ("load", 8), (2, 2): ("load", 4), (2, 3): ("load", 8),
    (2, 5): ("store", 8), (2, 6): ("store", 4), (2, 7): ("store", 8),
}
TO_REGISTER = {(2, 2), (2, 3)}  # c.lwsp and c.ldsp, which are reserved with x0 as destination


class Access(NamedTuple):
    """One access: load, store, lr, sc or amo (which reads and writes)."""
    kind: str
    address: int
    size: int


class Operand(NamedTuple):
    """The same before the registers are known."""
    kind: str
    base: int
    offset: int
    size: int


def bits(word, high, low):
    return word >> low & ((1 << (high - low + 1)) - 1)


def signed(value, width):
    return value - (1 << width) if value >> (width - 1) else value


def instruction_length(code):
    """2 or 4, from the first byte alone."""
    if code[0] & 3 != 3:
        return 2
    if code[0] & 0x1c != 0x1c:
        return 4
    raise ValueError(f"instruction longer than 32 bits: {code[:2].hex()}")


def decode_full(word):
    """The memory operand of a 32-bit instruction, or None."""
    opcode, selector, base = bits(word, 6, 0), bits(word, 14, 12), bits(word, 19, 15)
    if opcode in (LOAD, LOAD_FP):
        size = (LOAD_SIZES if opcode == LOAD else WIDE_SIZES).get(selector)
        return size and Operand("load", base, signed(bits(word, 31, 20), 12), size)
    if opcode in (STORE, STORE_FP):
        size = (STORE_SIZES if opcode == STORE else WIDE_SIZES).get(selector)
        offset = signed(bits(word, 31, 25) << 5 | bits(word, 11, 7), 12)
        return size and Operand("store", base, offset, size)
    if opcode == AMO:
        size, kind = WIDE_SIZES.get(selector), AMO_KINDS.get(bits(word, 31, 27))
        return size and kind and Operand(kind, base, 0, size)
    return None


def stack_offset(word, kind, size):
    """The scattered immediate of c.lwsp, c.ldsp, c.swsp, c.sdsp."""
    if kind == "load" and size == 4:
        return bits(word, 12, 12) << 5 | bits(word, 6, 4) << 2 | bits(word, 3, 2) << 6
    if kind == "load":
        return bits(word, 12, 12) << 5 | bits(word, 6, 5) << 3 | bits(word, 4, 2) << 6
    if size == 4:
        return bits(word, 12, 9) << 2 | bits(word, 8, 7) << 6
    return bits(word, 12, 10) << 3 | bits(word, 9, 7) << 6


def register_offset(word, size):
    """The scattered immediate of c.lw, c.ld, c.sw, c.sd."""
    if size == 4:
        return bits(word, 12, 10) << 3 | bits(word, 6, 6) << 2 | bits(word, 5, 5) << 6
    return bits(word, 12, 10) << 3 | bits(word, 6, 5) << 6


def decode_compressed(word):
    """The memory operand of a 16-bit instruction, or None."""
    form = (bits(word, 1, 0), bits(word, 15, 13))
    if form not in COMPRESSED or (form in TO_REGISTER and not bits(word, 11, 7)):
        return None
    kind, size = COMPRESSED[form]
    if form[0] == 2:
        return Operand(kind, SP, stack_offset(word, kind, size), size)
    return Operand(kind, 8 + bits(word, 9, 7), register_offset(word, size), size)


def decode_accesses(code, registers):
    """The accesses of the instruction in `code`, given x0 to x31 before it executes."""
    length = instruction_length(code)
    if len(code) < length:
        raise ValueError(f"instruction cut short: {code.hex()}")
    word = int.from_bytes(code[:length], "little")
    operand = decode_full(word) if length == 4 else decode_compressed(word)
    if not operand:
        return []
    address = (registers[operand.base] + operand.offset) & MASK
    return [Access(operand.kind, address, operand.size)]

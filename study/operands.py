"""Which registers an instruction reads and writes, from objdump's text without aliases.

Every form has its destination first but for stores, branches and jumps; compressed forms with two
operands also read their destination. The recorder checks each step against this: a register that
changes without being named here stops it.
"""
import re
from typing import NamedTuple

INTEGER = ("zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 "
           "s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6").split()
NUMBER = {name: number for number, name in enumerate(INTEGER)} | {"fp": 8}
FLOATING = re.compile(r"f[ast]\d+")
MEMORY = re.compile(r"(-?\w*)\((\w+)\)")

STORES = {"sb", "sh", "sw", "sd", "fsw", "fsd", "c.sw", "c.sd", "c.swsp", "c.sdsp", "c.fsd",
          "c.fsdsp"}
BRANCHES = {"beq", "bne", "blt", "bge", "bltu", "bgeu", "c.beqz", "c.bnez"}
NOT_WRITING = {"c.j", "c.jr", "ecall", "ebreak", "c.ebreak", "sret", "mret", "wfi", "fence",
               "fence.i", "sfence.vma", "c.nop", "fence.tso", "unimp", "c.unimp"}
# Compressed forms that compute rd = rd op operand.
TWO_OPERANDS = {"c.add", "c.addw", "c.sub", "c.subw", "c.and", "c.or", "c.xor", "c.andi", "c.addi",
                "c.addiw", "c.slli", "c.srli", "c.srai", "c.addi16sp"}
FLAGS = ("sstatus",)
# What an ecall or an sret does besides changing the mode; traps write the same as an ecall.
TRAP_WRITES = ("sepc", "scause", "stval", "sstatus")


class Operands(NamedTuple):
    """Names of registers: integer (ABI names), floating point, CSRs."""
    reads: tuple
    writes: tuple


def is_register(word):
    return word in NUMBER or FLOATING.fullmatch(word)


def registers_in(word):
    """The registers of one operand: itself, or the base of an address."""
    memory = MEMORY.fullmatch(word)
    word = memory[2] if memory else word
    return [canonical(word)] if is_register(word) else []


def canonical(name):
    return INTEGER[NUMBER[name]] if name in NUMBER else name


def of_csr(mnemonic, words):
    """csrrw rd,csr,rs: reads the CSR unless rd is zero, writes it unless rs is zero."""
    target, csr, source = words
    is_exchange = mnemonic.startswith("csrrw")
    reads = ([canonical(source)] if is_register(source) else [])
    reads += [csr] if target != "zero" or not is_exchange else []
    writes = [csr] if is_exchange or source not in ("zero", "0") else []
    return reads, [canonical(target)] + writes


def split(text):
    """('ld', ['t6', '16(tp)']) of a line of disassembly."""
    mnemonic, _, rest = text.partition(" ")
    rest = re.sub(r"<[^>]*>", "", rest)
    return mnemonic, [word.strip() for word in rest.split(",") if word.strip()]


def decode(text):
    """The operands of an instruction, given as `objdump -M no-aliases` prints it."""
    mnemonic, words = split(text)
    if mnemonic == "sret":
        return Operands(("sepc", "sstatus"), FLAGS)
    if mnemonic == "ecall":
        return Operands((), ())
    if mnemonic.startswith("csr"):
        reads, writes = of_csr(mnemonic, words)
    elif mnemonic in STORES or mnemonic in BRANCHES or mnemonic in NOT_WRITING:
        reads, writes = sum(map(registers_in, words), []), []
    elif mnemonic == "c.jalr":
        reads, writes = registers_in(words[0]), ["ra"]
    else:
        writes = registers_in(words[0])
        reads = sum(map(registers_in, words if mnemonic in TWO_OPERANDS else words[1:]), [])
    return Operands(tuple(name for name in dict.fromkeys(reads) if name != "zero"),
                    tuple(name for name in dict.fromkeys(writes) if name != "zero"))

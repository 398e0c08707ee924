"""The decoder against objdump: what both say about every form of load, store and atomic."""
import re

import pytest
import toolbox

import elf
import riscv_decode

SIZES = {"b": 1, "h": 2, "w": 4, "d": 8}
OFFSETS = (0, 1, 7, 8, 64, 255, 2047, -1, -8, -2048)
REGISTERS = [0] + [0x1000_0000_0000 * number + 0x123450 for number in range(1, 32)]
# No memory operand: arithmetic, jumps, CSRs, fences, conversions, of both lengths.
OTHERS = """
    add x5, x6, x7 ; addi x8, x8, -1 ; c.addi x8, 1 ; c.mv x8, x9 ; c.add x8, x9 ; c.nop
    c.li x8, 5 ; c.lui x8, 1 ; c.slli x8, 3 ; c.addi4spn x8, x2, 16 ; c.addi16sp x2, 32
    lui x5, 74565 ; auipc x5, 1 ; csrrw x4, sscratch, x4 ; fence r, r ; fence.i ; sret ; ecall
    mul x5, x6, x7 ; sfence.vma ; fadd.d f1, f2, f3 ; fcvt.d.l f1, x5 ; c.jr x1 ; c.ebreak ; wfi
"""


def full_forms():
    names = ["lb", "lh", "lw", "ld", "lbu", "lhu", "lwu", "sb", "sh", "sw", "sd",
             "flw", "fld", "fsw", "fsd"]
    for at, name in enumerate(names):
        register = "f" if name.startswith("f") else "x"
        for step, offset in enumerate(OFFSETS):
            yield f"{name} {register}{at + 1}, {offset}(x{(at + 3 * step) % 32})"


def atomic_forms():
    names = ["amoadd", "amoswap", "amoxor", "amoor", "amoand", "amomin", "amomax", "amominu",
             "amomaxu", "sc"]
    for width in "wd":
        for order in ("", ".aq", ".rl", ".aqrl"):
            yield f"lr.{width}{order} x5, (x12)"
            yield from (f"{name}.{width}{order} x5, x6, (x{at + 7})"
                        for at, name in enumerate(names))


def compressed_forms():
    """Every offset that each form can express."""
    for name, scale in (("w", 4), ("d", 8)):
        for index in range(32):
            base = 8 + index % 8
            yield f"c.l{name} x9, {index * scale}(x{base})"
            yield f"c.s{name} x9, {index * scale}(x{base})"
        for index in range(64):
            yield f"c.l{name}sp x{1 + index % 31}, {index * scale}(x2)"
            yield f"c.s{name}sp x{index % 32}, {index * scale}(x2)"
    for index in range(32):
        yield f"c.fld f9, {index * 8}(x{8 + index % 8})"
        yield f"c.fsd f9, {index * 8}(x{8 + index % 8})"
    for index in range(64):
        yield f"c.fldsp f{index % 32}, {index * 8}(x2)"
        yield f"c.fsdsp f{index % 32}, {index * 8}(x2)"


def expected_access(mnemonic, operands):
    """What objdump's text means, read independently of the encoding."""
    plain = mnemonic.removeprefix("c.").removesuffix("sp")
    where = re.search(r"(-?\d*)\(x(\d+)\)$", operands)
    atomic = re.fullmatch(r"(lr|sc|amo\w+)\.([wd])(\.\w+)?", plain)
    ordinary = re.fullmatch(r"f?([ls])([bhwd])u?", plain)
    if not atomic and not ordinary:
        return []
    if atomic:
        kind, size = atomic[1][:3], SIZES[atomic[2]]
    else:
        kind, size = {"l": "load", "s": "store"}[ordinary[1]], SIZES[ordinary[2]]
    address = REGISTERS[int(where[2])] + int(where[1] or 0)
    return [(kind, address & riscv_decode.MASK, size)]


def disassemble(path):
    """(bytes, mnemonic, operands) of each instruction."""
    listing = toolbox.run(toolbox.CROSS + "objdump", "-d", "-M", "numeric,no-aliases", path)
    for line in listing.splitlines():
        fields = line.split("\t")
        if len(fields) >= 3:
            operands = fields[3].split(" <")[0].split(" # ")[0] if len(fields) > 3 else ""
            yield bytes.fromhex(fields[1].strip())[::-1], fields[2].strip(), operands.strip()


@pytest.fixture(scope="module", name="sample")
def fixture_sample(tmp_path_factory):
    folder = tmp_path_factory.mktemp("decode")
    others = [text.strip() for text in OTHERS.replace("\n", ";").split(";") if text.strip()]
    wide = [".option norvc", *full_forms(), *atomic_forms(), ".option rvc"]
    source = folder / "sample.s"
    source.write_text("\n".join([*wide, *compressed_forms(), *others, ""]))
    path = toolbox.assemble(source, folder / "sample.o", "-c")
    return list(disassemble(path))


def test_every_form_agrees_with_objdump(sample):
    wrong = [f"{code.hex()} {mnemonic} {operands}" for code, mnemonic, operands in sample
             if riscv_decode.decode_accesses(code, REGISTERS)
             != expected_access(mnemonic, operands)]
    assert not wrong


def test_lengths_agree_with_objdump(sample):
    assert all(riscv_decode.instruction_length(code) == len(code) for code, _, _ in sample)


def test_sample_has_every_kind(sample):
    kinds = [access.kind for code, _, _ in sample
             for access in riscv_decode.decode_accesses(code, REGISTERS)]
    assert set(kinds) == {"load", "store", "lr", "sc", "amo"}
    assert len(kinds) > 600
    assert any(not riscv_decode.decode_accesses(code, REGISTERS) for code, _, _ in sample)


def test_address_wraps_around():
    load = bytes.fromhex("83b2f2ff")  # ld x5, -1(x5)
    assert riscv_decode.decode_accesses(load, [0] * 32) == [("load", 2**64 - 1, 8)]


@pytest.mark.parametrize("code", ["0240", "0260", "83f20200", "af420300", "2fa00290"])
def test_reserved_encodings_touch_nothing(code):
    assert riscv_decode.decode_accesses(bytes.fromhex(code), REGISTERS) == []


@pytest.mark.parametrize("code", ["1f00", "83b2"])
def test_too_long_or_cut_short_is_an_error(code):
    with pytest.raises(ValueError):
        riscv_decode.decode_accesses(bytes.fromhex(code), REGISTERS)


def test_elf_finds_labels_and_code(tmp_path):
    kernel, _ = toolbox.build_payload(tmp_path)
    image = elf.Elf(kernel)
    entry = image.address("trap_entry")
    assert image.symbolize(entry) == "trap_entry"
    assert image.symbolize(entry + 4) == "trap_entry+0x4"
    assert image.symbolize(0) == "0x0"
    assert image.code_at(image.address("study_call")) == bytes.fromhex("73000000")
    with pytest.raises(elf.ElfError, match="no symbol 'nowhere'"):
        image.address("nowhere")
    with pytest.raises(elf.ElfError, match="no instruction"):
        image.code_at(entry + 1)
    with pytest.raises(elf.ElfError):
        elf.Elf(str(tmp_path / "absent"))

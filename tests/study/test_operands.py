"""Registers read and written, form by form, and the copies of message words that rest on them."""
import types

import pytest
import toolbox  # noqa: F401: puts study/ on the path

import operands
import recorder
import words

FORMS = [
    ("ld t6,16(tp)", "tp", "t6"),
    ("sd s0,64(t6)", "s0 t6", ""),
    ("c.sdsp ra,40(sp)", "ra sp", ""),
    ("c.ldsp ra,40(sp)", "sp", "ra"),
    ("c.add a5,a4", "a5 a4", "a5"),
    ("c.mv s0,a0", "a0", "s0"),
    ("c.li a7,1", "", "a7"),
    ("c.addi sp,-48", "sp", "sp"),
    ("c.addi4spn a0,sp,16", "sp", "a0"),
    ("c.addi16sp sp,-64", "sp", "sp"),
    ("bne t3,a0,ffffffff8020048a <slow_call>", "t3 a0", ""),
    ("c.beqz t2,ffffffff8020048a <slow_call>", "t2", ""),
    ("c.j ffffffff8020034a <fast_switch>", "", ""),
    ("jal ra,ffffffff80201234 <memset>", "", "ra"),
    ("c.jalr t5", "t5", "ra"),
    ("jalr zero,0(ra)", "ra", ""),
    ("amoswap.w.aq t3,tp,(t4)", "tp t4", "t3"),
    ("amoswap.w.rl zero,zero,(t4)", "t4", ""),
    ("lr.d.aq t2,(t3)", "t3", "t2"),
    ("sc.d t5,t2,(t3)", "t2 t3", "t5"),
    ("csrrw tp,sscratch,tp", "tp sscratch", "tp sscratch"),
    ("csrrs t6,scause,zero", "scause", "t6"),
    ("csrrw zero,satp,ra", "ra", "satp"),
    ("csrrwi zero,sstatus,2", "", "sstatus"),
    ("lui t0,0x12345", "", "t0"),
    ("fsd fs0,8(a0)", "fs0 a0", ""),
    ("fld fs0,8(a0)", "a0", "fs0"),
    ("fence r,r", "", ""),
    ("sret", "sepc sstatus", "sstatus"),
]


@pytest.mark.parametrize("text, reads, writes", FORMS, ids=[form[0] for form in FORMS])
def test_operands_of(text, reads, writes):
    found = operands.decode(text)
    assert (set(found.reads), set(found.writes)) == (set(reads.split()), set(writes.split()))


def made_up(text, writes=None, accesses=(), stored=""):
    """A step of a recording, as far as words.py looks at it."""
    instruction = types.SimpleNamespace(text=text, stored=stored)
    image = types.SimpleNamespace(instruction=lambda pc: instruction)
    return types.SimpleNamespace(
        pc=0, image=image, writes=writes or {},
        accesses=[recorder.Access(kind, address, 8, 0, 0) for kind, address in accesses])


def places_of(steps):
    recording = types.SimpleNamespace(registers=list(range(100, 132)), steps=steps)
    return [[part[1] for part in word["places"]]
            for word in words.follow(recording, lambda address: f"[{address}]")]


def test_words_stay_in_their_registers():
    found = places_of([made_up("ecall"), made_up("li a0,0", {"a0": 0})])
    assert found == [[[name]] for name in words.WORDS]


def test_word_is_followed_through_memory_and_copies():
    found = places_of([made_up("ecall"),
                       made_up("sd a1,0(t6)", accesses=[("store", 64)], stored="a1"),
                       made_up("li a1,0", {"a1": 0}),
                       made_up("ld a4,0(t6)", {"a4": 1}, [("load", 64)]),
                       made_up("mv s0,a4", {"s0": 1}),
                       made_up("sd zero,0(t6)", accesses=[("store", 64)], stored="zero")])
    assert found[0] == [["a1"], ["a1", "[64]"], ["[64]"], ["a4", "[64]"], ["a4", "s0", "[64]"],
                        ["a4", "s0"]]
    assert found[3] == [["a4"], []]


def test_words_are_those_at_the_first_ecall():
    recording = types.SimpleNamespace(registers=list(range(100, 132)), steps=[
        made_up("li a1,7", {"a1": 7}), made_up("ecall")])
    first, second = words.follow(recording, str)[:2]
    assert (first["value"], first["places"]) == ("7", [[1, ["a1"]]])
    assert second["value"] == f"{112:x}"

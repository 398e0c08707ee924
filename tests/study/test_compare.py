"""Aligning two traces: what was added, what was removed, and in which step."""
import types

import toolbox  # noqa: F401: puts study/ on the path

import compare


def trap(*steps):
    """A trap from (step, text) pairs."""
    made = types.SimpleNamespace(texts=[text for _, text in steps],
                                 keys=[key for key, _ in steps],
                                 titles={key: f"{key}." for key, _ in steps})
    return made


def rows(old, new, has_steps=True):
    return {row["title"]: (row["before"], row["after"], row["removed"], row["added"])
            for row in compare.align(old, new, has_steps)}


def test_equal_traps_have_no_difference():
    same = trap((1, "a"), (2, "b"))
    assert rows(same, same) == {"1.": (1, 1, [], []), "2.": (1, 1, [], [])}


def test_removed_instructions_count_where_they_were():
    assert rows(trap((1, "a"), (2, "b"), (2, "c"), (3, "d")), trap((1, "a"), (3, "d"))) == {
        "1.": (1, 1, [], []), "2.": (2, 0, ["b", "c"], []), "3.": (1, 1, [], [])}


def test_added_instructions_count_where_they_are():
    found = rows(trap((1, "a"), (3, "d")), trap((1, "a"), (1, "x"), (3, "d")))
    assert found["1."] == (1, 2, [], ["x"])


def test_kernel_without_steps_gets_those_of_the_new_one():
    old = trap(("trap_entry", "a"), ("trap_entry", "b"), ("trap_entry", "c"))
    found = rows(old, trap((1, "a"), (2, "c")), has_steps=False)
    assert found == {"1.": (1, 1, [], []), "2.": (2, 1, ["b"], [])}


def test_addresses_do_not_count():
    assert (compare.normal("bnez t3,ffffffff8020048a <slow_call>")
            == compare.normal("bnez t3,ffffffff80200482 <slow_call+0x8>"))
    assert (compare.without_distance("auipc t4,0x18", "add t4,t4,612")
            == compare.without_distance("auipc t4,0x18", "add t4,t4,676"))
    assert compare.without_distance("nop", "add t4,t4,612") == "add t4,t4,612"

"""The tracer on a guest whose every instruction is known, and its counting on made-up steps."""
import json

import pytest
import toolbox

import elf
import trace

NOP = bytes.fromhex("13000000")


TIMEOUT = 200  # seconds; a guest that runs away must not stop the tests for long


def step(pc, mode, code=NOP, accesses=()):
    accesses = [trace.riscv_decode.Access(*access) for access in accesses]
    return trace.Step(pc, mode, 0, code, accesses)


@pytest.fixture(scope="module", name="payload")
def fixture_payload(tmp_path_factory):
    return toolbox.build_payload(tmp_path_factory.mktemp("payload"))


@pytest.fixture(scope="module", name="traced")
def fixture_traced(payload):
    return trace.trace(*payload, timeout=TIMEOUT, warm_up=3)


def test_instructions_of_both_directions_are_exact(traced):
    assert traced["figures"] == {"call_oneway": 9, "reply_oneway": 8,
                                 "fastpath_dlines": 3, "fastpath_ilines": 2}


def test_user_code_between_the_labels_is_recorded(traced):
    user = [record["text"] for record in traced["steps"] if record["mode"] == "user"]
    assert user == ["ecall", "li a7,1", "ecall"]


def test_traps_are_described(traced):
    assert traced["traps"] == [
        {"instructions": 9, "firmware_instructions": 0, "loads": 2, "stores": 2,
         "data_lines": 2, "code_lines": 1},
        {"instructions": 8, "firmware_instructions": 0, "loads": 1, "stores": 0,
         "data_lines": 1, "code_lines": 2}]


def test_addresses_and_symbols_are_recorded(traced, payload):
    image = elf.Elf(payload[0])
    record = traced["steps"][2]
    assert record["symbol"] == "trap_entry+0x4"
    assert record["accesses"] == [["load", f"{image.address('shared') + 56:#x}", 8]]


def test_a_second_trace_is_the_same(traced, payload):
    assert trace.trace(*payload, timeout=TIMEOUT, warm_up=5) == traced
    json.dumps(traced)


def test_guest_that_ends_too_early_is_an_error(payload):
    with pytest.raises(trace.TraceError, match="BENCH payload 17"):
        trace.trace(*payload, timeout=TIMEOUT, warm_up=500)


def test_end_that_is_never_reached_is_an_error(payload):
    with pytest.raises(trace.TraceError, match="'_start' was not reached within 60"):
        trace.trace(*payload, timeout=TIMEOUT, end="_start", limit=60)


def test_unknown_label_is_an_error(payload):
    with pytest.raises(elf.ElfError, match="no symbol 'nowhere'"):
        trace.trace(*payload, timeout=TIMEOUT, start="nowhere")


def test_bundle_without_the_program_is_an_error(payload):
    with pytest.raises(trace.TraceError, match="no 'absent'"):
        trace.trace(*payload, timeout=TIMEOUT, member="absent")


def test_access_across_a_line_touches_both():
    assert trace.data_lines([step(0, "kernel", accesses=[("load", 60, 8)])]) == {0, 1}
    assert trace.code_lines([step(62, "kernel")]) == {0, 1}


def test_user_accesses_do_not_count():
    steps = [step(0, "user", accesses=[("load", 0, 8)]),
             step(64, "kernel", trace.SRET, [("load", 640, 8)]),
             step(0, "user"), step(64, "kernel", trace.SRET)]
    assert trace.figures_of(steps) == {"call_oneway": 1, "reply_oneway": 1,
                                       "fastpath_dlines": 1, "fastpath_ilines": 1}


def test_other_number_of_traps_is_an_error():
    with pytest.raises(trace.TraceError, match="there were 1 "):
        trace.figures_of([step(0, "user"), step(64, "kernel", trace.SRET)])


def test_trap_without_sret_is_an_error():
    with pytest.raises(trace.TraceError, match="no sret"):
        trace.split_traps([step(64, "kernel"), step(0, "user")])

"""The recorded turns of this build's kernel: counts, steps, objects, words; exercises' answers."""
import json
import os
import re

import pytest
import toolbox

import bench
import dwarf
import exercise
import recorder
import report
import scenario
import steps
import study
import trace

BUILD = os.environ.get("BUILD", os.path.join(toolbox.TOP, "build"))
KERNEL, BUNDLES = os.path.join(BUILD, "kernel.elf"), os.path.join(BUILD, "bundle")
# What each answer makes of: call, reply, round trip, round trip through the C path.
ANSWERS = {1: (90, 85, 182, 453), 2: (87, 80, 174, 474), 3: (93, 86, 186, 454)}


def by_name(name):
    return next(entry for entry in scenario.load() if entry["name"] == name)


@pytest.fixture(scope="module", name="content")
def fixture_content(tmp_path_factory):
    """The report of the three scenarios that every other thing is explained with."""
    folder = str(tmp_path_factory.mktemp("study"))
    options = study.parse_options(["--kernel", KERNEL, "--bundle-dir", BUNDLES, "--only", "fast",
                                   "--only", "slow", "--only", "same"])
    return study.build_report(options, folder)[0]


def found(content, name):
    return next(entry for entry in content["scenarios"] if entry["name"] == name)


def test_counts_are_the_benchmarks_to_the_instruction(content):
    figures = trace.trace(KERNEL, os.path.join(BUNDLES, "bench.tar"), append="study=1")["figures"]
    fast = found(content, "fast")
    assert figures == {"call_oneway": fast["traps"][0]["instructions"],
                       "reply_oneway": fast["traps"][1]["instructions"],
                       "fastpath_dlines": fast["data_lines"],
                       "fastpath_ilines": fast["code_lines"]}
    for entry in content["scenarios"]:
        assert entry["total"] == entry["bench"], entry["name"]


def test_a_count_that_differs_is_refused():
    entry = {"name": "x", "total": 190, "bench": 191, "is_mean": False}
    with pytest.raises(study.StudyError, match="took 190 .* counts 191"):
        study.check(entry)


def test_budgets_of_the_steps_fit_into_the_bars(content):
    for trap, limit in zip(found(content, "fast")["traps"], found(content, "fast")["trap_limits"]):
        assert sum(budget for _, _, budget in trap["phases"]) <= limit
        assert all(count <= budget for _, count, budget in trap["phases"])


def test_every_instruction_of_the_fast_path_is_in_a_step(content):
    for trap in found(content, "fast")["traps"]:
        kinds = {content["phases"][phase]["kind"] for phase, _, _ in trap["phases"]}
        assert kinds == {"step"}
    assert "sys_call" in {phase["name"] for phase in content["phases"]}


def test_every_line_of_the_fast_path_belongs_to_a_known_structure(content):
    fast = found(content, "fast")
    names = [fast["owners"][line["owner"]]["structure"] for line in fast["lines"]]
    assert sorted(set(names)) == ["struct " + name for name in (
        "client_port", "handle_slot", "hart", "listener", "process", "thread")]
    assert len(names) == fast["data_lines"]


def test_words_never_leave_their_registers_on_the_fast_path(content):
    for word in found(content, "fast")["words"]:
        assert [places for _, places in word["places"]] == [[word["register"]]]


def test_words_go_through_both_frames_on_the_c_path(content):
    for index, word in enumerate(found(content, "slow")["words"]):
        everywhere = {place for _, places in word["places"] for place in places}
        for thread in (1, 2):
            assert f"thread {thread} frame.words[{index}]" in everywhere
        assert word["register"] in word["places"][-1][1]


def test_source_lines_are_the_repositorys(content):
    files = dict(content["files"])
    assert "kernel/receive.c" in files and "arch/riscv/ipc_fastpath.S" in files
    assert not [name for name in files if name.startswith("/")]
    for name, lines in files.items():
        with open(os.path.join(toolbox.TOP, name), encoding="utf-8") as file:
            text = file.read().splitlines()
        assert all(text[int(number) - 1] == line for number, line in lines.items()), name


def test_page_needs_nothing_from_elsewhere_and_is_small(content, tmp_path):
    study.write(content, str(tmp_path / "index.html"))
    page = (tmp_path / "index.html").read_text()
    assert "/* insert" not in page
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)|@import|url\(|fetch\(""", page)
    assert set(re.findall(r"https?://[^\s\"')]+", page)) <= {"http://www.w3.org/2000/svg"}
    assert json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1]) is not None


def test_page_that_is_too_large_is_refused(content, tmp_path):
    with pytest.raises(study.StudyError, match="bytes, more than"):
        study.write({**content, "notes": ["x" * study.PAGE_LIMIT]}, str(tmp_path / "index.html"))


def test_all_scenarios_name_figures_of_the_benchmark():
    bars = {}
    for name in ("", "memory_", "servers_"):
        bars |= bench.read_json(os.path.join(study.STUDY, f"{name}bars.json"))
    names = [entry["name"] for entry in scenario.load()]
    assert len(names) == len(set(names))
    for entry in scenario.load():
        assert entry["figure"] in bars or "program" in entry, entry["name"]


def test_page_fault_is_begun_twice_and_counted_once(tmp_path):
    kernel = recorder.Image(recorder.KERNEL, KERNEL)
    recording = scenario.record(by_name("fault"), kernel, dwarf.Types(KERNEL), BUNDLES,
                                str(tmp_path))
    faults = [index for index, step in enumerate(recording.steps) if step.is_trapped]
    pc = recording.steps[faults[0]].pc
    assert all(recording.steps[index].pc == pc and recording.steps[index].mode == "user"
               for index in faults)
    assert sum(step.pc == pc and step.mode == "user" for step in recording.steps) > len(faults)
    result = report.Report(kernel, steps.Steps(KERNEL), dwarf.Types(KERNEL))
    result.add(recording, None)
    assert result.scenarios[0]["executed"] == len(recording.steps) - len(faults)


@pytest.mark.parametrize("number", sorted(ANSWERS))
def test_answer_to_exercise_applies_and_counts(number):
    fast, slow = exercise.try_out(number, BUILD)["scenarios"]
    call, reply = (trap["after"] for trap in fast["traps"])
    assert (call, reply, fast["after"], slow["after"]) == ANSWERS[number]
    assert (fast["before"], slow["before"]) != (fast["after"], slow["after"])

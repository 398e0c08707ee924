"""The benchmark driver: what it reads, how it judges, and its exit status end to end."""
import json

import pytest
import toolbox

import bench
import qemu

BARS = {"cost": {"at_most": 100}, "plain": None, "one": None,
        "many": {"percent_above": 2, "of": "one"}, "depth": {"at_least": 2}}
GOOD = {"cost": 100, "plain": 7, "one": 100, "many": 102, "depth": 2}


@pytest.fixture(autouse=True)
def fixture_time_limits(monkeypatch):
    """A guest that runs away must not stop the tests for long."""
    for name in ("ICOUNT_TIMEOUT", "SCALING_TIMEOUT"):
        monkeypatch.setattr(bench, name, 200)


def verdicts(figures):
    return {row[0]: row[3] for row in bench.check(figures, BARS)}


def test_console_gives_figures():
    assert bench.parse_console("boot\nBENCH a 12\nBENCH b 1.5\nend\n") == {"a": 12, "b": 1.5}


@pytest.mark.parametrize("console", [
    "BENCH a\n", "BENCH a b\n", "BENCH a 1 2\n", "BENCH a nan\n", "BENCHMARK a 1\n",
    "BENCH a 1\nBENCH a 1\n", "nothing\n", ""])
def test_garbled_console_is_an_error(console):
    with pytest.raises(bench.BenchError):
        bench.parse_console(console)


def test_figures_at_their_bars_pass():
    assert verdicts(GOOD) == {"cost": "pass", "plain": "-", "one": "-", "many": "pass",
                              "depth": "pass"}
    assert not list(bench.failures(bench.check(GOOD, BARS)))


@pytest.mark.parametrize("name, figure", [("cost", 101), ("many", 103), ("depth", 1.9)])
def test_figure_beyond_its_bar_fails(name, figure):
    figures = GOOD | {name: figure}
    assert verdicts(figures)[name] == "FAIL"
    assert name in "".join(bench.failures(bench.check(figures, BARS)))


@pytest.mark.parametrize("name", BARS)
def test_missing_figure_is_a_failure(name):
    figures = {key: value for key, value in GOOD.items() if key != name}
    assert verdicts(figures)[name] == "missing"
    assert f"'{name}' is missing" in "".join(bench.failures(bench.check(figures, BARS)))


def test_figure_without_a_row_is_shown():
    assert verdicts(GOOD | {"extra": 1})["extra"] == "-"


def test_failed_run_does_not_hide_the_others():
    def fail():
        raise bench.BenchError("broken")
    figures, problems = bench.collect([("first", fail), ("second", lambda: {"a": 1})])
    assert figures == {"a": 1}
    assert problems == ["first: broken"]


def test_figure_of_two_runs_is_a_problem():
    figures, problems = bench.collect([("first", lambda: {"a": 1}), ("second", lambda: {"a": 2})])
    assert figures == {"a": 1}
    assert "'a'" in problems[0]


@pytest.mark.parametrize("figures, least", [([7, 3, 2], 3), ([7, 6, 6], 6), ([7, 8, 1], 1), ([9, 8, 7, 1], 7)])
def test_the_least_counts_of_figures_that_wait(figures, least):
    runs = iter(figures)
    bars = {"wait": {"at_most": 5, "waits": True}, "cost": {"at_most": 5}}
    found, problems = bench.collect_patiently([("run", lambda: {"wait": next(runs), "cost": 9})], bars)
    assert (found, problems) == ({"wait": least, "cost": 9}, [])


@pytest.mark.parametrize("figures, most", [([1, 3, 9], 3), ([1, 0, 1], 1), ([0, 1, 2], 2)])
def test_the_most_counts_where_more_is_better(figures, most):
    runs = iter(figures)
    bars = {"depth": {"at_least": 2, "waits": True}}
    assert bench.collect_patiently([("run", lambda: {"depth": next(runs)})], bars) == ({"depth": most}, [])


def test_a_cost_is_taken_once():
    runs = iter([9])
    found = bench.collect_patiently([("run", lambda: {"cost": next(runs)})], {"cost": {"at_most": 5}})
    assert found == ({"cost": 9}, [])


def test_shipped_bars_are_well_formed():
    bars = bench.read_json(toolbox.TOP + "/study/bars.json")
    for bar in bars.values():
        assert bar is None or set(bar) - {"goal"} == {"at_most"} or (
            set(bar) == {"percent_above", "of"} and bar["of"] in bars)


def test_check_judges_existing_figures(tmp_path, capsys):
    (tmp_path / "bars").write_text(json.dumps(BARS))
    (tmp_path / "ipc").write_text(json.dumps(GOOD))
    arguments = ["--check", "--bars", str(tmp_path / "bars"), "--out", str(tmp_path / "ipc")]
    assert bench.main(arguments) == 0
    (tmp_path / "ipc").write_text(json.dumps(GOOD | {"cost": 101}))
    assert bench.main(arguments) == 1
    assert "'cost' is 101, the bar is <= 100" in capsys.readouterr().err
    (tmp_path / "ipc").unlink()
    assert bench.main(arguments) == 1


def test_all_runs_end_to_end(tmp_path, capsys):
    kernel, _ = toolbox.build_payload(tmp_path)
    expected = {"payload": 17, "scaling_pairs_1": 1000, "scaling_pairs_4": 3900.5,
                "call_oneway": 9, "reply_oneway": 8, "fastpath_dlines": 3, "fastpath_ilines": 2,
                "pairs_1_hart": 1000, "pairs_4_harts": 3900.5}
    (tmp_path / "bars").write_text(json.dumps({name: {"at_most": 5000} for name in expected}))
    out = tmp_path / "out" / "ipc.json"
    arguments = ["--kernel", kernel, "--bundle-dir", str(tmp_path), "--out", str(out),
                 "--bars", str(tmp_path / "bars")]
    assert bench.main(arguments) == 0, capsys.readouterr().err
    assert json.loads(out.read_text()) == expected
    assert len(json.loads((out.parent / "trace.json").read_text())["steps"]) == 9 + 8 + 3


def test_absent_bundle_is_explained(tmp_path, capsys):
    kernel, bundle = toolbox.build_payload(tmp_path)
    with pytest.raises(qemu.GuestError, match="cannot read"):
        qemu.run_to_end(kernel, bundle + ".absent", timeout=5)
    arguments = ["--kernel", kernel, "--bundle-dir", str(tmp_path / "absent"),
                 "--out", str(tmp_path / "ipc.json")]
    assert bench.main(arguments) == 1
    assert "bench.tar' (has it been built?)" in capsys.readouterr().err


def test_guest_without_an_end_is_stopped(tmp_path):
    source = tmp_path / "loop.s"
    source.write_text(".globl _start\n_start: j _start\n")
    kernel = toolbox.assemble(source, tmp_path / "loop", *toolbox.GUEST_LINK)
    with pytest.raises(qemu.GuestError, match="did not power off within 2 s"):
        qemu.run_to_end(kernel, "", timeout=2)

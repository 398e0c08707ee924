#!/usr/bin/python3
"""bench.py: runs the benchmarks, compares each figure with its bar, writes them as JSON.

What it runs, in this order:
  figures   each bundle bench*.tar on one hart, one instruction per nanosecond (icount). The guest
            prints lines `BENCH name number` and powers off.
  trace     bench.tar with `study=1` on its command line, single-stepped from the label study_call
            to study_call_end (see trace.py): the fast path's instructions and cache lines.
  scaling   bench.tar with `scaling=1`, on 1 and on 4 harts in plain emulation; the guest prints
            `BENCH scaling_pairs_HARTS number`, round trips a second of all pairs together.

With --boot ROOT PROGRAMS there is one figure: the time from reset to the shell's prompt on the root disk
ROOT, as bench/uptime on the disk PROGRAMS tells it. What the processor waits for the disk is in it.

With --bundle NAME (once or more often) only these bundles' figures are taken, on one hart with icount.
Bundles that need devices (see DISKS) get a new disk with an ext4 file system, and random numbers.

bars.json names every figure that must be there, and its bar: none (null), {"at_most": number},
{"at_least": number}, or
{"percent_above": p, "of": name}, for a cost that must not grow. A "goal" beside at_most is where
the figure should get to; until then at_most keeps it from getting worse; "linux" is what the tuned Linux
takes. "waits": what the processor waits for the host's disk is in the figure, so if it misses its bar it
is taken again, and the best of three counts. The exit status is 1 when a run fails, a figure is missing or a bar is missed.
"""
import argparse
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import elf
import qemu
import trace

STUDY = os.path.dirname(os.path.abspath(__file__))
BUNDLE = "bench.tar"
ICOUNT_TIMEOUT = 600
SCALING_TIMEOUT = 600
BOOT_TIMEOUT = 600
SCALING_NAMES = {1: "pairs_1_hart", 4: "pairs_4_harts"}
# Bundle: its disk's size, and how many operations it does a second (0: as many as it can). A disk that
# answers from the host's memory is faster than the emulated processor asks.
DISKS = {"filebench.tar": ("1G", 200), "restartbench.tar": ("32M", 0)}
TRIES = 3  # of figures that contain waiting
NUMBER = re.compile(r"-?\d+(\.\d+)?")


class BenchError(Exception):
    """A run's output is not what it should be."""


def parse_console(console):
    """The figures on a console; a BENCH line that is garbled or repeated is an error."""
    figures = {}
    for line in console.splitlines():
        if not line.startswith("BENCH"):
            continue
        fields = line.split()
        if len(fields) != 3 or fields[0] != "BENCH" or not NUMBER.fullmatch(fields[2]):
            raise BenchError(f"malformed line '{line.strip()}'")
        name, text = fields[1:]
        if name in figures:
            raise BenchError(f"'{name}' is reported twice")
        figures[name] = float(text) if "." in text else int(text)
    if not figures:
        raise BenchError(f"no BENCH line; the console ended:{qemu.tail(console)}")
    return figures


# ------------------------------------------------------------------------------------- the runs

def make_disk(path, size):
    try:
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", path, size], check=True,
                       capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"cannot make a disk: {error}") from error


def copy_disk(source, path):
    try:
        shutil.copyfile(source, path)
    except OSError as error:
        raise BenchError(f"cannot read {source}: {error}") from error


def run_figures(kernel, bundle, image=None):
    """The guest may write to its disk: it is a new one, or a copy of `image`."""
    size, speed = DISKS.get(os.path.basename(bundle), (None, 0))
    if not size and not image:
        return parse_console(qemu.run_to_end(kernel, bundle, timeout=ICOUNT_TIMEOUT))
    with tempfile.TemporaryDirectory(prefix="tern-bench-") as folder:
        disk = os.path.join(folder, "disk")
        if image:
            copy_disk(image, disk)
        else:
            make_disk(disk, size)
        return parse_console(qemu.run_to_end(kernel, bundle, timeout=ICOUNT_TIMEOUT, disk=disk,
                                             disk_speed=speed))


def run_boot(kernel, bundle, images):
    return parse_console(qemu.run_to_end(kernel, bundle, timeout=BOOT_TIMEOUT, images=images,
                                         prompt=b"tern:/# ", typed=b"/mnt/0/bench/uptime\nexit\n"))


def run_scaling(kernel, bundle, harts):
    """Time here is the emulating machine's, so this figure varies: it has no bar."""
    console = qemu.run_to_end(kernel, bundle, timeout=SCALING_TIMEOUT, harts=harts,
                              icount=False, append="scaling=1")
    figures, name = parse_console(console), f"scaling_pairs_{harts}"
    if name not in figures:
        raise BenchError(f"no figure '{name}' but {', '.join(figures)}")
    return {SCALING_NAMES[harts]: figures[name]}


def run_trace(kernel, bundle, path):
    result = trace.trace(kernel, bundle, append="study=1")
    write_json(path, result)
    return result["figures"]


def plan_runs(kernel, folder, trace_path):
    """(what it is, function that returns figures) for each run."""
    main = os.path.join(folder, BUNDLE)
    found = sorted(glob.glob(os.path.join(folder, "bench*.tar"))) or [main]
    runs = [(f"figures of {os.path.basename(bundle)}",
             lambda bundle=bundle: run_figures(kernel, bundle)) for bundle in found]
    runs.append(("trace of the fast path", lambda: run_trace(kernel, main, trace_path)))
    runs += [(f"scaling, harts: {harts}", lambda harts=harts: run_scaling(kernel, main, harts))
             for harts in SCALING_NAMES]
    return runs


def plan(options):
    if options.boot:
        return [("boot to the prompt", lambda: run_boot(
            options.kernel, os.path.join(options.bundle_dir, "system.tar"), options.boot))]
    if not options.bundle:
        trace_path = os.path.join(os.path.dirname(options.out), "trace.json")
        return plan_runs(options.kernel, options.bundle_dir, trace_path)
    return [(f"figures of {name}", lambda name=name: run_figures(
        options.kernel, os.path.join(options.bundle_dir, name), options.disk)) for name in options.bundle]


def collect(runs):
    """All figures, and what went wrong: one failed run does not hide the others' figures."""
    figures, problems = {}, []
    for name, function in runs:
        print(f"bench: {name}", file=sys.stderr, flush=True)
        try:
            new = function()
        except (BenchError, qemu.GuestError, trace.TraceError, elf.ElfError) as error:
            problems.append(f"{name}: {error}")
            continue
        problems += [f"{name}: '{twice}' has been reported by an earlier run as well"
                     for twice in sorted(figures.keys() & new.keys())]
        figures = new | figures
    return figures, problems


# ------------------------------------------------------------------------------------- the bars

def limit_of(bar, figures):
    """The highest figure that passes, or None if there is no bar or nothing to compare with."""
    if bar is None:
        return None
    if "at_most" in bar:
        return bar["at_most"]
    reference = figures.get(bar["of"])
    # Cut to six digits: 100 * 1.02 must be 102.
    return None if reference is None else round(reference * (1 + bar["percent_above"] / 100), 6)


def judge_least(name, limit, figures):
    if name not in figures:
        return f">= {limit}", "missing"
    return f">= {limit}", "pass" if figures[name] >= limit else "FAIL"


def judge(name, bar, figures):
    """(the bar as text, verdict): pass, FAIL, missing, or - for a figure without a bar."""
    if bar and "at_least" in bar:
        return judge_least(name, bar["at_least"], figures)
    limit = limit_of(bar, figures)
    text = "-" if limit is None else f"<= {limit:.10g}"
    for note in ("goal", "linux"):
        if bar and note in bar:
            text += f", {note} {bar[note]}"
    if name not in figures:
        return text, "missing"
    if bar is None:
        return text, "-"
    if limit is None:
        return f"needs {bar['of']}", "FAIL"
    return text, "pass" if figures[name] <= limit else "FAIL"


def check(figures, bars):
    """Rows (name, figure, bar, verdict): the required names in their order, then any others."""
    names = list(bars) + sorted(figures.keys() - bars.keys())
    return [(name, figures.get(name), *judge(name, bars.get(name), figures)) for name in names]


def print_table(rows):
    print(f"{'name':28} {'figure':>14}  {'bar':34} result")
    for name, figure, bar, verdict in rows:
        shown = "" if figure is None else f"{figure:.10g}"
        print(f"{name:28} {shown:>14}  {bar:34} {verdict}")


def failures(rows):
    """A sentence for each bar that was missed and each figure that is not there."""
    for name, figure, bar, verdict in rows:
        if verdict == "missing":
            yield f"'{name}' is missing: no run reported it"
        elif verdict == "FAIL":
            yield f"'{name}' is {figure:.10g}, the bar is {bar}"


def best(bar, *figures):
    return max(figures) if "at_least" in bar else min(figures)


def collect_patiently(runs, bars):
    """As collect; but of a figure that waits for the host, whose disk may be slow just now, the best."""
    figures, problems = collect(runs)
    for _ in range(1, TRIES):
        late = [name for name, bar in bars.items()
                if bar and bar.get("waits") and judge(name, bar, figures)[1] == "FAIL"]
        if problems or not late:
            break
        again, problems = collect(runs)
        figures |= {name: best(bars[name], figures[name], again.get(name, figures[name])) for name in late}
    return figures, problems


# ------------------------------------------------------------------------------------- the files

def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        raise BenchError(f"cannot read {path}: {error}") from error


def write_json(path, content):
    """Never half a file: tools outside read it."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(content, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)


def parse_options(arguments):
    build = os.environ.get("BUILD", "build")
    parser = argparse.ArgumentParser(description="Run the benchmarks and compare with the bars.")
    parser.add_argument("--kernel", default=os.path.join(build, "kernel.elf"))
    parser.add_argument("--bundle-dir", default=os.path.join(build, "bundle"))
    parser.add_argument("--out", default=os.path.join(build, "bench", "ipc.json"),
                        help="figures as JSON; the trace goes beside it as trace.json")
    parser.add_argument("--bundle", action="append",
                        help="take the figures of this bundle (and others so named) alone")
    parser.add_argument("--disk", help="the image of the disk that the bundle's system wants")
    parser.add_argument("--boot", nargs=2, metavar=("ROOT", "PROGRAMS"),
                        help="time the way to the prompt alone, on these disks")
    parser.add_argument("--bars", default=os.path.join(STUDY, "bars.json"))
    parser.add_argument("--check", action="store_true",
                        help="run nothing, compare the figures in --out with the bars")
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_options(arguments)
    try:
        bars = read_json(options.bars)
        if options.check:
            figures, problems = read_json(options.out), []
        else:
            figures, problems = collect_patiently(plan(options), bars)
            write_json(options.out, figures)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    rows = check(figures, bars)
    print_table(rows)
    problems += failures(rows)
    for problem in problems:
        print(f"bench: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

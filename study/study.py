#!/usr/bin/python3
"""study.py: records the scenarios, compares them with the benchmark, writes the page.

Every scenario is traced on the kernel as it is shipped, and its program is also run to its end, as the
benchmark runs it: the instructions that were stepped must be as many as the program counted. With
--base the fast and the slow path are also traced on the kernel of a git revision.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile

import assemble
import bench
import compare
import dwarf
import elf
import qemu
import recorder
import report
import scenario
import steps
import trace

STUDY = os.path.dirname(os.path.abspath(__file__))
PAGE_LIMIT = 3 << 20
NOTES = [
    "Everything above comes from the trace and from the kernel's ELF file: step names and budgets "
    "from records that arch/riscv/ipc_fastpath.S leaves in it, fields from its debug information, "
    "objects by following the pointers that the kernel itself loads.",
    "Interrupts and timers are held back while stepping, so what is shown is the path itself. A "
    "cache line is 64 bytes of virtual address; accesses of the page-table walker do not count.",
]


class StudyError(Exception):
    """A count is not what it must be."""


def say(text):
    print(f"study: {text}", file=sys.stderr, flush=True)


def measure(kernel, bundles, entry, folder):
    """What the scenario's own program says its turn costs."""
    path = os.path.join(bundles, entry["bundle"])
    with scenario.disk_of(entry, bundles, folder) as disk:
        console = qemu.run_to_end(kernel, path, timeout=scenario.BOOT_TIMEOUT,
                                  append=entry["append"], disk=disk)
    return bench.parse_console(console)[entry["figure"]]


def check(found):
    """Complains unless a scenario's count is the benchmark's."""
    if found["bench"] is not None and not found["is_mean"] and found["bench"] != found["total"]:
        raise StudyError(f"scenario '{found['name']}' took {found['total']} instructions when it was "
                         f"traced, but the benchmark counts {found['bench']}")


def add_limits(found, bars):
    """The benchmark's bars of the two directions, where they apply."""
    if found["name"] == "fast":
        found["trap_limits"] = [bars[name]["at_most"] for name in ("call_oneway", "reply_oneway")]


def first_line(*command):
    output = subprocess.run(command, check=True, text=True, capture_output=True).stdout
    return output.splitlines()[0]


def revision():
    """What is studied, as git names it."""
    try:
        return first_line("git", "-C", STUDY, "describe", "--always", "--dirty")
    except (OSError, subprocess.CalledProcessError):
        return "a tree without git"


def made():
    return {"revision": revision(), "compiler": first_line(elf.CROSS + "gcc", "--version"),
            "emulator": first_line(qemu.QEMU, "--version").split(" (")[0]}


def record_all(entries, kernel, bundles, folder):
    """(recordings, figures) of all scenarios; the benchmarks run beside the tracer."""
    types = dwarf.Types(kernel.elf.path)
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        figures = {entry["name"]: pool.submit(measure, kernel.elf.path, bundles, entry, folder)
                   for entry in entries}
        recordings = []
        for entry in entries:
            say(entry["title"])
            recordings.append(scenario.record(entry, kernel, types, bundles, folder))
        return types, recordings, {name: figure.result() for name, figure in figures.items()}


def build_report(options, folder):
    kernel = recorder.Image(recorder.KERNEL, options.kernel)
    entries = [entry for entry in scenario.load(options.scenarios)
               if not options.only or entry["name"] in options.only]
    types, recordings, figures = record_all(entries, kernel, options.bundle_dir, folder)
    result = report.Report(kernel, steps.Steps(options.kernel), types)
    bars = bench.read_json(os.path.join(STUDY, "bars.json"))
    for recording in recordings:
        result.add(recording, figures[recording.scenario["name"]])
        add_limits(result.scenarios[-1], bars)
        check(result.scenarios[-1])
    result.add_sources(recordings)
    content = result.result()
    content.update(made=made(), notes=NOTES, base=None,
                   kernels=bench.read_json(os.path.join(STUDY, "kernels.json")))
    return content, recordings


def summary(content):
    for found in content["scenarios"]:
        verdict = "mean" if found["is_mean"] else "equal"
        print(f"{found['title']:36} {found['total']:6} instructions, benchmark {found['bench']:6} "
              f"({verdict}), {found['data_lines']:3} data lines, {found['code_lines']:3} code lines")


def write(content, out):
    text = assemble.page(content)
    if len(text.encode()) > PAGE_LIMIT:
        raise StudyError(f"the page has {len(text.encode())} bytes, more than {PAGE_LIMIT}")
    os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
    with open(out + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(out + ".new", out)


def parse_options(arguments):
    build = os.environ.get("BUILD", "build")
    parser = argparse.ArgumentParser(description="Record the scenarios and write the page.")
    parser.add_argument("--kernel", default=os.path.join(build, "kernel.elf"))
    parser.add_argument("--bundle-dir", default=os.path.join(build, "bundle"))
    parser.add_argument("--scenarios", default=os.path.join(STUDY, "scenarios.json"))
    parser.add_argument("--only", action="append", help="record this scenario alone; repeatable")
    parser.add_argument("--base", help="compare with this git revision")
    parser.add_argument("--out", default=os.path.join(build, "study", "index.html"))
    return parser.parse_args(arguments)


def main(arguments=None):
    options = parse_options(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="tern-study-") as folder:
            content, recordings = build_report(options, folder)
            if options.base:
                content["base"] = compare.with_revision(options, recordings, folder)
                compare.print_summary(content["base"])
        write(content, options.out)
    except (StudyError, trace.TraceError, elf.ElfError, qemu.GuestError, bench.BenchError,
            compare.CompareError) as error:
        print(f"study: {error}", file=sys.stderr)
        return 1
    summary(content)
    print(f"{options.out}: {os.path.getsize(options.out) >> 10} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Scenarios: what to boot, where to begin, where to end. scenarios.json lists them.

A scenario's bundle holds `init` and perhaps further programs. `begin` is a label of init, or of the
program on the disk: "disk" and "program" name them in the build's folder. The turn that is traced begins
at its pass number `passes` and ends at `end`. `figure` is what `make bench` calls the same turn; "loop" says how many of the turn's
instructions the benchmark takes off for its own loop, "is_mean" that the benchmark's figure is a mean of
turns that differ.
"""
import contextlib
import json
import os
import shutil
import tarfile
import tempfile
from typing import NamedTuple

import gdbstub
import objects
import qemu
import recorder
import trace

STUDY = os.path.dirname(os.path.abspath(__file__))
LIMIT = 100_000
BOOT_TIMEOUT = 600


class Recording(NamedTuple):
    """All that was seen of a scenario."""
    scenario: dict
    registers: list  # at the beginning
    steps: list
    objects: objects.Objects
    kernel: recorder.Image


def load(path=os.path.join(STUDY, "scenarios.json")):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def programs(bundle, folder):
    """The ELF files of a bundle as images, by name."""
    images = {}
    with tarfile.open(bundle) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member).read() if member.isfile() else b""
            if not content.startswith(b"\x7fELF"):
                continue
            path = os.path.join(folder, os.path.basename(bundle) + "." + member.name)
            with open(path, "wb") as file:
                file.write(content)
            images[member.name] = recorder.Image(member.name, path)
    return images


@contextlib.contextmanager
def disk_of(scenario, bundles, folder):
    """The path of a copy of the scenario's disk, or None: the guest may write to it."""
    if "disk" not in scenario:
        yield None
        return
    with tempfile.NamedTemporaryFile(dir=folder) as copy:
        source = os.path.join(bundles, "..", scenario["disk"])
        qemu.check_files(source)
        shutil.copyfile(source, copy.name)
        yield copy.name


def record(scenario, kernel, types, bundles, folder):
    """Boot, go to the turn, record it."""
    bundle = os.path.join(bundles, scenario["bundle"])
    qemu.check_files(kernel.elf.path, bundle)
    images = programs(bundle, folder)
    program = images["init"]
    if "program" in scenario:
        program = recorder.Image(os.path.basename(scenario["program"]),
                                 os.path.join(bundles, "..", scenario["program"]))
        images = {program.name: program} | images
    end = program.elf.address(scenario["end"])
    program.elf.address(scenario["begin"])
    with (disk_of(scenario, bundles, folder) as disk,
          qemu.StoppedMachine(kernel.elf.path, bundle, append=scenario["append"],
                              disk=disk) as machine):
        try:
            with gdbstub.GdbClient(machine.socket) as client:
                stepper = recorder.Recorder(client, program, kernel, list(images.values()), types)
                stepper.run_to(scenario["begin"], scenario["passes"] + 1, BOOT_TIMEOUT)
                registers, steps = stepper.record_turn(end, LIMIT)
        except gdbstub.GdbError as error:
            raise trace.TraceError(f"{scenario['name']}: {error}; the console ended:"
                                   f"{qemu.tail(machine.console())}") from error
    return Recording(scenario, registers, steps, stepper.objects, kernel)

"""Turns recordings into what the page shows, as plain lists: nothing here is known beforehand.

A *phase* is a run of instructions with one name: a step of the fast path, a function of the
kernel, or a program's code. A *trap* is what runs between a program's ecall (or fault) and sret.
"""
import itertools

import operands
import riscv_decode
import sources
import trace
import words

KERNEL, USER = "kernel", "user"
CSRS = ("sepc", "scause", "stval", "sstatus", "sscratch", "satp", "instret", "time", "cycle")
REGISTERS = operands.INTEGER[:] + list(CSRS)
STACK_REACH = 8192  # bytes around the kernel's stack pointer that are its stack


class Table:
    """Numbers things in the order in which they come."""

    def __init__(self):
        self.numbers, self.items = {}, []

    def number(self, key, make=lambda: None):
        if key not in self.numbers:
            self.numbers[key] = len(self.items)
            self.items.append(make())
        return self.numbers[key]


def function_of(image, pc):
    """(function, offset); link-time optimisation's suffixes say nothing to a reader."""
    found = image.elf.label(pc)
    if not found:
        return "?", 0
    return found[0].split(".")[0] or found[0], found[1]


def is_kernel(step):
    return step.mode == KERNEL


def traps_of(steps):
    """[(first, last + 1)] of each run outside user mode."""
    found = []
    for inside, group in itertools.groupby(enumerate(steps), lambda item: item[1].mode != USER):
        group = list(group)
        if inside:
            found.append((group[0][0], group[-1][0] + 1))
    return found


class Report:
    """All scenarios share one table of instructions, phases and source lines."""

    def __init__(self, kernel, steps, types):
        self.kernel, self.steps, self.types = kernel, steps, types
        self.code, self.phases = Table(), Table()
        self.sources = sources.Sources()
        self.structures = {}
        self.scenarios = []

    # --------------------------------------------------------------------------- instructions

    def phase_of(self, image, pc):
        """The number of the phase that an instruction belongs to."""
        step = self.steps.at(pc) if image is self.kernel else None
        name, _ = function_of(image, pc)
        if step:
            return self.phases.number(("step", step.number, step.title), lambda: {
                "kind": "step", "number": step.number, "name": step.title})
        kind = "function" if image is self.kernel else "program"
        owner = "" if image is self.kernel else image.name
        return self.phases.number((kind, owner, name), lambda: {
            "kind": kind, "name": name, "image": owner})

    def code_of(self, step):
        """The number of an instruction in the table of instructions."""
        def describe():
            instruction = step.image.instruction(step.pc)
            name, offset = function_of(step.image, step.pc)
            return [f"{step.pc:x}", instruction.code[::-1].hex(), instruction.text.replace("\t", " "),
                    step.image.name, name, offset, self.phase_of(step.image, step.pc), []]
        return self.code.number((step.image.name, step.image.elf.path, step.pc), describe)

    def add_sources(self, recordings):
        """Where each instruction comes from, with the functions that were inlined there."""
        wanted = {}
        for recording in recordings:
            for step in recording.steps:
                wanted.setdefault(step.image.elf.path, set()).add(step.pc)
        chains = {path: sources.chains(path, addresses) for path, addresses in wanted.items()}
        for (_, path, pc), number in self.code.numbers.items():
            self.code.items[number][7] = [self.sources.place(*place)
                                          for place in chains[path].get(pc, [])]

    # -------------------------------------------------------------------------------- memory

    def describe_structure(self, kind):
        name = self.types.name(kind)
        if name not in self.structures:
            self.structures[name] = {
                "size": self.types.size(kind),
                "fields": [[field.offset, field.size, field.path, self.types.name(field.type)]
                           for field in self.types.fields(kind)]}
        return name

    def lines_of(self, recording):
        """The cache lines of the data that kernel code touched: by object where one is known."""
        lines, table, seen = Table(), Table(), {}
        objects = recording.objects
        touched = []
        for step in recording.steps:
            here = []
            stack = dict(step.reads).get("sp")
            for access in step.accesses if is_kernel(step) else []:
                owner = self.owner_of(objects, recording.kernel, access.address, table, seen, stack)
                here += [lines.number(line, lambda line=line, owner=owner: {
                    "address": f"{line * trace.LINE:x}", "owner": owner[0],
                    "offset": line * trace.LINE - owner[1]})
                         for line in trace.lines_of(access.address, access.size)]
            touched.append(here)
        return lines.items, table.items, touched

    def owner_of(self, objects, kernel, address, table, seen, stack):
        """(number of the object, its address) of an address in the kernel's memory."""
        found = objects.find(address)
        if found and self.types.size(objects.element_kind(found[0])):
            region, element, offset = found
            kind = objects.element_kind(region)
            name = self.describe_structure(kind)
            number = table.number(address - offset, lambda: self.new_object(
                seen, region.name, name, address - offset,
                element if region.kind.tag == "array_type" else None))
            return number, address - offset
        if stack is not None and abs(address - stack) < STACK_REACH:
            return table.number("stack", lambda: self.new_object(
                seen, "kernel stack", "", 0, None)), 0
        return self.unknown_owner(kernel, address, table, seen)

    def unknown_owner(self, kernel, address, table, seen):
        """Not reached by a typed pointer: the kernel's own tables have symbols, the rest not."""
        name = kernel.elf.data_symbol(address)
        if name:
            return table.number(name, lambda: self.new_object(seen, name, "", 0, None)), 0
        return table.number("memory", lambda: self.new_object(
            seen, "other memory of the kernel", "", 0, None)), 0

    def new_object(self, seen, variable, structure, address, element):
        """Several objects of one type are numbered as they appear."""
        name = variable
        if not variable:
            name = structure.split(" ", 1)[-1]
            seen[name] = seen.get(name, 0) + 1
            name = f"{name} {seen[name]}"
        elif element is not None:
            name = f"{variable}[{element}]"
        return {"name": name, "structure": structure, "address": f"{address:x}"}

    # ------------------------------------------------------------------------------ scenarios

    def runs_of(self, steps, spaces):
        """[[first step, mode, space]]: where mode or address space change."""
        runs = []
        for index, step in enumerate(steps):
            run = [step.mode, spaces.number(step.satp, lambda step=step: f"{step.satp:x}")]
            if not runs or runs[-1][1:] != run:
                runs.append([index] + run)
        return runs

    def encode(self, step, lines):
        """One step: instruction, is trapped, written registers, CSRs read, accesses, lines."""
        def pairs(registers, names):
            return [part for name, value in registers.items() if name in names and value is not None
                    for part in (REGISTERS.index(name), f"{value:x}")]
        accesses = [[access.kind, f"{access.address:x}", access.size,
                     *("" if value is None else f"{value:x}"
                       for value in (access.before, access.after))] for access in step.accesses]
        return [self.code_of(step), int(step.is_trapped), pairs(step.writes, REGISTERS),
                pairs(step.reads, CSRS), accesses, lines]

    def trap_row(self, steps, first, last, table):
        """What a trap cost, phase by phase in order of appearance, with the budgets."""
        rows, budgets = {}, {}
        for step in steps[first:last]:
            phase = self.phase_of(step.image, step.pc)
            rows[phase] = rows.get(phase, 0) + (not step.is_trapped)
            record = self.steps.at(step.pc) if step.image is self.kernel else None
            if record:
                budgets.setdefault(phase, {})[record.address] = record.budget
        kernel = [step for step in steps[first:last] if is_kernel(step)]
        kinds = [access.kind for step in kernel for access in step.accesses]
        table.append({
            "first": first, "last": last, "instructions": len(kernel),
            "loads": sum(kind in riscv_decode.READING for kind in kinds),
            "stores": sum(kind in riscv_decode.WRITING for kind in kinds),
            "data_lines": len(trace.data_lines(kernel)), "code_lines": len(code_lines(kernel)),
            "phases": [[phase, count, sum(budgets[phase].values()) if phase in budgets else None]
                       for phase, count in rows.items()]})

    def add(self, recording, figures):
        """One scenario. `figures` is what the benchmark says of it."""
        steps, scenario = recording.steps, recording.scenario
        spaces, traps = Table(), []
        runs = self.runs_of(steps, spaces)
        lines, owners, touched = self.lines_of(recording)
        for first, last in traps_of(steps):
            self.trap_row(steps, first, last, traps)
        kernel = [step for step in steps if is_kernel(step)]
        executed = sum(not step.is_trapped for step in steps)
        self.scenarios.append({
            **{key: scenario.get(key) for key in ("name", "title", "what", "figure")},
            "loop": scenario.get("loop", 0), "is_mean": scenario.get("is_mean", False),
            "bench": figures, "total": executed - scenario.get("loop", 0),
            "executed": executed, "kernel": len(kernel),
            "data_lines": len(trace.data_lines(kernel)), "code_lines": len(code_lines(kernel)),
            "registers": [f"{value:x}" for value in recording.registers[:32]],
            "runs": runs, "spaces": spaces.items, "lines": lines, "owners": owners, "traps": traps,
            "programs": self.programs_of(steps, spaces),
            "steps": [self.encode(step, here) for step, here in zip(steps, touched)],
            "words": words.follow(recording, lambda address: self.place_name(
                recording, owners, address)),
        })

    def programs_of(self, steps, spaces):
        """Which program runs in each space."""
        found = [""] * len(spaces.items)
        for step in steps:
            if step.mode == USER:
                found[spaces.numbers[step.satp]] = step.image.name
        return found

    def place_name(self, recording, owners, address):
        """`thread 1 frame.words[0]` for an address."""
        found = recording.objects.find(address)
        if not found:
            return f"memory {address:#x}"
        region, _, offset = found
        base = f"{address - offset:x}"
        name = next((owner["name"] for owner in owners if owner["address"] == base), region.name)
        field = recording.objects.field(address)
        return f"{name} {field.path}" if field else name

    def result(self):
        return {"registers": REGISTERS, "code": self.code.items, "phases": self.phases.items,
                "files": self.sources.excerpts(), "structures": self.structures,
                "scenarios": self.scenarios, "line": trace.LINE}


def code_lines(steps):
    return {line for step in steps
            for line in trace.lines_of(step.pc, len(step.image.instruction(step.pc).code))}


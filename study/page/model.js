// What the trace says, made easy to ask: instructions, register values at any step, owners of
// addresses. The data's form is written down in study/report.py.

const data = JSON.parse(document.getElementById("data").textContent);
const SNAPSHOT_EVERY = 64;
const ZERO = 0n;

const hex = (text) => (text === "" ? ZERO : BigInt("0x" + text));
const scenarioOf = (name) => data.scenarios.find((scenario) => scenario.name === name);

const codeAt = (scenario, at) => {
  const [pc, bytes, text, image, name, offset, phase, places] =
    data.code[scenario.steps[at][0]];
  return { pc, bytes, text, image, name, offset, phase, places };
};

const phaseAt = (scenario, at) => codeAt(scenario, at).phase;
const isTrapped = (scenario, at) => scenario.steps[at][1] === 1;
const accessesAt = (scenario, at) => scenario.steps[at][4].map(
  ([kind, address, size, before, after]) => ({ kind, address, size, before, after }));

/** Mode and address space at a step. */
function runAt(scenario, at) {
  let found = scenario.runs[0];
  for (const run of scenario.runs) {
    if (run[0] <= at) found = run;
  }
  return { mode: found[1], space: found[2] };
}

/** Pairs of a flat list [register, value, register, value, ...]. */
function* pairs(flat) {
  for (let i = 0; i < flat.length; i += 2) yield [flat[i], flat[i + 1]];
}

/** Register values before step `at`, by number; undefined where nothing is known yet. */
function registersBefore(scenario, at) {
  scenario.snapshots ??= [scenario.registers.slice()];
  const nearest = Math.min(Math.floor(at / SNAPSHOT_EVERY), scenario.snapshots.length - 1);
  const values = scenario.snapshots[nearest].slice();
  for (let i = nearest * SNAPSHOT_EVERY; i < at; i++) {
    if (i % SNAPSHOT_EVERY === 0 && !scenario.snapshots[i / SNAPSHOT_EVERY]) {
      scenario.snapshots[i / SNAPSHOT_EVERY] = values.slice();
    }
    const [, , writes, reads] = scenario.steps[i];
    for (const [register, value] of pairs(reads)) values[register] = value;
    for (const [register, value] of pairs(writes)) values[register] = value;
  }
  return values;
}

/** The object that an address lies in, as {owner, offset}; null if none is known. */
function ownerOf(scenario, address) {
  scenario.ranges ??= scenario.owners.map((owner) => ({
    owner, start: hex(owner.address),
    size: owner.structure ? BigInt(data.structures[owner.structure].size) : ZERO,
  })).filter((range) => range.size > ZERO);
  const at = typeof address === "bigint" ? address : hex(address);
  const range = scenario.ranges.find(({ start, size }) => at >= start && at < start + size);
  return range ? { owner: range.owner, offset: Number(at - range.start) } : null;
}

const fieldsAt = (structure, offset) => data.structures[structure].fields.filter(
  ([start, size]) => start <= offset && offset < start + Math.max(size, 1));

/** `thread 1 · caller_token` for an address, or an empty text. */
function placeName(scenario, address) {
  const found = ownerOf(scenario, address);
  if (!found) return "";
  const fields = fieldsAt(found.owner.structure, found.offset);
  const name = fields.map((field) => field[2]).join(" / ") || `+${found.offset}`;
  return `${found.owner.name} · ${name}`;
}

/** What a value points at, for people: the object that begins there. */
function pointee(scenario, value) {
  if (!value || value.length < 16) return "";
  const found = ownerOf(scenario, value);
  return found ? found.owner.name + (found.offset ? ` + ${found.offset}` : "") : "";
}

/** The lines of code that an instruction lies on. */
function codeLinesOf({ pc, bytes }) {
  const size = BigInt(data.line), start = hex(pc), end = start + BigInt(bytes.length / 2 - 1);
  const lines = [];
  for (let line = start / size; line <= end / size; line++) lines.push(line.toString(16));
  return lines;
}

/** When the kernel first touches each cache line: {data, code}, each line -> {first, names}. */
function firstTouches(scenario) {
  if (!scenario.firsts) {
    const found = { data: new Map(), code: new Map() };
    const note = (lines, line, first, name) => {
      const entry = lines.get(line) ?? { first, names: new Set() };
      entry.names.add(name);
      lines.set(line, entry);
    };
    scenario.steps.forEach((step, index) => {
      if (runAt(scenario, index).mode !== "kernel") return;
      const code = codeAt(scenario, index);
      for (const line of step[5]) note(found.data, line, index, code.name);
      for (const line of codeLinesOf(code)) note(found.code, line, index, code.name);
    });
    scenario.firsts = found;
  }
  return scenario.firsts;
}

/** Every access of the kernel to a field of a known object: [{index, key, reads, writes}]. */
function fieldAccesses(scenario) {
  if (!scenario.fieldAccesses) {
    scenario.fieldAccesses = scenario.steps.flatMap((step, index) => {
      if (runAt(scenario, index).mode !== "kernel") return [];
      return accessesAt(scenario, index).flatMap(({ kind, address, size }) => {
        const place = ownerOf(scenario, address);
        if (!place) return [];
        return data.structures[place.owner.structure].fields
          .filter(([start, length]) => start < place.offset + size
            && place.offset < start + Math.max(length, 1))
          .map(([start]) => ({ index, key: `${place.owner.address}/${start}`,
            reads: kind !== "store", writes: !["load", "lr", "fault"].includes(kind) }));
      });
    });
  }
  return scenario.fieldAccesses;
}

/** [[phase, first, last + 1]] of a scenario, in order. */
function segments(scenario) {
  if (!scenario.segments) {
    scenario.segments = [];
    scenario.steps.forEach((step, at) => {
      const phase = phaseAt(scenario, at);
      const last = scenario.segments[scenario.segments.length - 1];
      const run = runAt(scenario, at);
      const key = `${phase}/${run.mode}/${run.space}`;
      if (last && last.key === key) last.end = at + 1;
      else scenario.segments.push({ key, phase, start: at, end: at + 1, ...run });
    });
  }
  return scenario.segments;
}

const phaseTitle = (phase) => {
  const { kind, number, name } = data.phases[phase];
  return kind === "step" ? `${number}. ${name}` : `${name}()`;
};

function hueOf(name) {
  let hue = 7;
  for (const letter of name) hue = (hue * 31 + letter.charCodeAt(0)) % 360;
  return hue;
}

const images = [...new Set(data.phases.map(({ image }) => image).filter(Boolean))];

/** Programs are grey; those after the first have a tint, since several may share a space. */
const programColour = (image) => (image === images[0] ? "var(--program)"
  : `hsl(${images.indexOf(image) * 137 % 360} 18% var(--lightness))`);

/** A colour for a phase: the steps have theirs, functions get one from their name. */
function phaseColour(phase) {
  const { kind, number, name, image } = data.phases[phase];
  if (kind === "step") return `var(--s${number})`;
  if (kind === "program") return programColour(image);
  return `hsl(${hueOf(name)} var(--saturation) var(--lightness))`;
}

const spaceName = (scenario, space) => {
  const letter = String.fromCharCode(65 + space);
  return scenario.programs[space] ? `space ${letter} (${scenario.programs[space]})`
    : `space ${letter}`;
};

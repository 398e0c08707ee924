// Two scenarios side by side; what a change did; other kernels.

/** {title: [count, colour]} over a whole scenario. */
function countsByPhase(scenario) {
  const counts = new Map();
  scenario.steps.forEach((step, at) => {
    const phase = phaseAt(scenario, at), title = phaseTitle(phase);
    const entry = counts.get(title) ?? { count: 0, phase };
    entry.count += isTrapped(scenario, at) ? 0 : 1;
    counts.set(title, entry);
  });
  return counts;
}

function compareTotals(left, right) {
  const sum = (scenario, key) => scenario.traps.reduce((total, trap) => total + trap[key], 0);
  const rows = [["instructions, all", left.total, right.total],
    ["instructions, kernel", left.kernel, right.kernel],
    ["traps", left.traps.length, right.traps.length],
    ["loads", sum(left, "loads"), sum(right, "loads")],
    ["stores", sum(left, "stores"), sum(right, "stores")],
    ["data lines", left.data_lines, right.data_lines],
    ["code lines", left.code_lines, right.code_lines]];
  return table(["", [left.title, "n"], [right.title, "n"], ["ratio", "n"]],
    rows.map(([name, a, b]) => [name, [number(a), "n"], [number(b), "n"],
      [a ? `× ${(b / a).toFixed(2)}` : "", "n"]]));
}

function compareSteps(left, right) {
  const a = countsByPhase(left), b = countsByPhase(right);
  const titles = [...new Set([...a.keys(), ...b.keys()])];
  const most = Math.max(...[...a.values(), ...b.values()].map(({ count }) => count));
  const phase = (title) => (a.get(title) ?? b.get(title)).phase;
  const half = (entry) => (entry ? bar(entry.count, null, most, phaseColour(entry.phase)) : "");
  return table(["step or function", ["left", "n"], "", ["right", "n"], ""],
    titles.map((title) => [el("span", {}, chip(phaseColour(phase(title))), ` ${title}`),
      [a.has(title) ? number(a.get(title).count) : "", "n"], half(a.get(title)),
      [b.has(title) ? number(b.get(title).count) : "", "n"], half(b.get(title))]));
}

function drawCompare(left, right, show) {
  const host = byId("compare"), width = host.clientWidth;
  const longest = Math.max(left.steps.length, right.steps.length);
  const pictures = [left, right].map((scenario) => el("div", { class: "scroll" },
    el("h3", {}, scenario.title, el("small", {}, `${number(scenario.total)} instructions`)),
    drawTimeline(scenario, width, 1, (at) => show(scenario.name, at), longest).image));
  host.replaceChildren(...pictures, el("h3", {}, "In numbers"),
    el("div", { class: "wide" }, compareTotals(left, right)),
    el("h3", {}, "By step and function"), el("div", { class: "wide" }, compareSteps(left, right)));
}

function instructionList(texts, name) {
  if (!texts.length) return "";
  return el("details", {}, el("summary", { class: name }, `${texts.length} ${name}`),
    el("code", {}, texts.map((text) => el("div", {}, text))));
}

function drawBase() {
  if (!data.base) return;
  byId("base-section").hidden = false;
  byId("base-name").textContent = `from ${data.base.revision} to this kernel`;
  byId("base").replaceChildren(...data.base.scenarios.flatMap((scenario) => [
    el("h3", {}, scenario.title, el("small", {}, `${scenario.before} → ${scenario.after}`)),
    ...scenario.traps.map((trap, index) => el("div", { class: "wide" },
      el("h4", {}, `Trap ${index + 1}: ${trap.before} → ${trap.after} instructions`),
      table(["step", ["before", "n"], ["after", "n"], ["", "n"], "removed", "added"],
        trap.phases.map((row) => [row.title, [String(row.before), "n"], [String(row.after), "n"],
          [row.after === row.before ? "0" : `${row.after > row.before ? "+" : "−"}${
            Math.abs(row.after - row.before)}`,
          `n ${row.after > row.before ? "over" : row.after < row.before ? "under" : ""}`],
          instructionList(row.removed, "removed"), instructionList(row.added, "added")]))))]));
}

function drawKernels() {
  const { about, columns, rows } = data.kernels;
  const fast = scenarioOf("fast"), ours = fast.traps.map((trap) => trap.instructions);
  const own = { system: "Tern, this trace", configuration: fast.what, source: "this page",
    call: ours[0], reply: ours[1], kernel: fast.kernel, user: fast.total,
    lines: `${fast.data_lines} / ${fast.code_lines}`, comparable: "" };
  const cells = (row) => columns.map(({ key, is_number: isNumber }) => {
    const value = row[key] ?? "";
    return isNumber ? [typeof value === "number" ? number(value) : value, "n"] : value;
  });
  byId("kernels").replaceChildren(...about.map((text) => el("p", {}, text)),
    el("div", { class: "wide" }, table(
      columns.map(({ title, is_number: isNumber }) => (isNumber ? [title, "n"] : title)),
      [own, ...rows].map(cells))));
}

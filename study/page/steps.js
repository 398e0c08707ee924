// The step table: what each step of each trap takes, against its budget.

function bar(count, budget, most, colour) {
  const percent = (value) => `${100 * value / most}%`;
  return el("div", { class: "bar", title: budget === null ? `${count}` : `${count} of ${budget}` },
    el("i", { style: `width:${percent(count)};background:${colour}` }),
    budget === null ? null : el("b", { style: `left:${percent(budget)}` }));
}

function stepRow([phase, count, budget], most) {
  const verdict = budget === null ? "" : count > budget ? [`+${count - budget}`, "n over"]
    : [count === budget ? "0" : `−${budget - count}`, "n under"];
  return [el("span", {}, chip(phaseColour(phase)), ` ${phaseTitle(phase)}`), [number(count), "n"],
    [budget === null ? "" : number(budget), "n"], verdict,
    bar(count, budget, most, phaseColour(phase))];
}

/** Phases of a trap; the many of the C path are sorted by cost, steps stay in their order. */
function drawTrap(trap, title, limit) {
  const isFast = trap.phases.every(([phase]) => data.phases[phase].kind === "step");
  const rows = isFast ? trap.phases : trap.phases.slice().sort((a, b) => b[1] - a[1]);
  const most = Math.max(...rows.map(([, count, budget]) => Math.max(count, budget ?? 0)));
  const budgets = isFast ? rows.reduce((sum, row) => sum + row[2], 0) : null;
  const totals = [["all", [number(trap.instructions), "n"],
    [budgets === null ? "" : number(budgets), "n"],
    budgets === null ? "" : [`−${budgets - trap.instructions}`, "n under"],
    ""]];
  return el("div", { class: "wide" }, el("h3", {}, title,
    el("small", {}, `${trap.loads} loads, ${trap.stores} stores, ${trap.data_lines} data lines, `
      + `${trap.code_lines} code lines${limit ? `; the benchmark’s bar is ${limit}` : ""}`)),
  table(["step", ["actual", "n"], ["budget", "n"], ["", "n"], ""],
    rows.map((row) => stepRow(row, most)), totals));
}

function drawSteps(scenario) {
  const limits = scenario.trap_limits ?? [];
  const tables = scenario.traps.map((trap, index) => drawTrap(trap,
    `Trap ${index + 1}: ${spaceName(scenario, runAt(scenario, trap.first).space)} enters`,
    limits[index]));
  byId("steps").replaceChildren(el("div", { class: "tables" }, tables));
}

// State, keys, and what is drawn when it changes. The address after # is the state: #slow:17.

const HELP = [[["←", "→"], "one instruction"], [["Shift ←", "Shift →"], "ten instructions"],
  [["[", "]"], "to the previous or next step"], [["Home", "End"], "to the ends"],
  [["1", "9"], "scenarios"], [["+", "−"], "zoom"]];
const PAGE_STEP = 10;

const state = { scenario: data.scenarios[0], at: 0, zoom: 0, drawn: null };

const clamp = (at, scenario) => Math.max(0, Math.min(at, scenario.steps.length - 1));

function choose(at) {
  state.at = clamp(at, state.scenario);
  drawPosition();
}

/** The beginning of the step before or behind the present one. */
function otherPhase(direction) {
  const all = segments(state.scenario);
  const index = all.findIndex(({ start, end }) => start <= state.at && state.at < end);
  if (direction < 0 && state.at > all[index].start) return all[index].start;
  return all[Math.max(0, Math.min(index + direction, all.length - 1))].start;
}

function drawPosition() {
  const { scenario, at, drawn } = state;
  byId("position").textContent = `${at + 1} of ${scenario.steps.length}`;
  const x = drawCursor(scenario, drawn, at), host = byId("timeline");
  if (x < host.scrollLeft + drawn.left || x > host.scrollLeft + host.clientWidth - 40) {
    host.scrollLeft = x - host.clientWidth / 2;
  }
  drawInstruction(scenario, at, choose);
  drawRegisters(scenario, at);
  drawMemory(scenario, at);
  drawWords(scenario, at);
  history.replaceState(null, "", `#${scenario.name}:${at + 1}`);
}

function drawLegend(scenario) {
  const seen = [...new Set(segments(scenario).map(({ phase }) => phase))];
  const steps = seen.filter((phase) => data.phases[phase].kind === "step")
    .sort((a, b) => data.phases[a].number - data.phases[b].number);
  const byNumber = new Map();
  for (const phase of steps) {
    const { number: step, name } = data.phases[phase];
    const entry = byNumber.get(step) ?? { phase, names: [] };
    entry.names.push(name);
    byNumber.set(step, entry);
  }
  const programs = [...new Set(seen.filter((phase) => data.phases[phase].kind === "program")
    .map((phase) => data.phases[phase].image))];
  const others = seen.filter((phase) => data.phases[phase].kind === "function").length;
  byId("legend").replaceChildren(...[...byNumber].map(([step, { phase, names }]) =>
    el("span", {}, chip(phaseColour(phase)), `${step}. ${names.join(" / ")}`)),
  ...programs.map((image) => el("span", {}, chip(programColour(image)), `program ${image}`)),
  others > 6 ? el("span", {}, "other colours: functions of the kernel; point at them") : "");
}

function drawTimelineHost() {
  const host = byId("timeline");
  state.drawn = drawTimeline(state.scenario, host.clientWidth || 900, 2 ** state.zoom, choose);
  host.replaceChildren(state.drawn.image);
}

function tile(name, value, note = "") {
  return el("div", {}, el("dt", {}, name), el("dd", { "data-tile": name }, value,
    note ? el("small", {}, note) : null));
}

function benchTile({ bench, figure, is_mean: isMean, total }) {
  if (bench === null || bench === undefined) return null;
  if (isMean) return tile("mean of all turns", number(bench), figure);
  return tile("make bench", number(bench), bench === total ? `the same, ${figure}` : figure);
}

function drawOverview(scenario) {
  byId("what").replaceChildren(el("b", {}, scenario.title), `: ${scenario.what}.`,
    scenario.loop ? ` Of one turn of the benchmark’s loop, ${scenario.executed} instructions, the `
      + `loop’s own ${scenario.loop} are not counted.` : "");
  const traps = scenario.traps.length === 2
    ? [tile("call", number(scenario.traps[0].instructions)),
      tile("reply", number(scenario.traps[1].instructions))]
    : [tile("traps", String(scenario.traps.length))];
  byId("tiles").replaceChildren(...[tile("instructions", number(scenario.total)),
    benchTile(scenario), ...traps, tile("in the kernel", number(scenario.kernel)),
    tile("data lines", String(scenario.data_lines)),
    tile("code lines", String(scenario.code_lines))].filter(Boolean));
}

function drawTabs() {
  byId("tabs").replaceChildren(...data.scenarios.map((scenario, index) => el("button", {
    role: "tab", "data-scenario": scenario.name, title: `key ${index + 1}`,
    "aria-selected": String(scenario === state.scenario),
    onclick: () => show(scenario.name, 0) }, scenario.title)));
}

function show(name, at) {
  state.scenario = scenarioOf(name) ?? data.scenarios[0];
  state.at = clamp(at, state.scenario);
  drawTabs();
  drawOverview(state.scenario);
  drawTimelineHost();
  drawLegend(state.scenario);
  drawSteps(state.scenario);
  drawPosition();
}

function drawChosenPair() {
  drawCompare(scenarioOf(byId("left").value), scenarioOf(byId("right").value), (name, at) => {
    show(name, at);
    byId("timeline-section").scrollIntoView();
  });
}

function fillSelect(id, chosen) {
  byId(id).replaceChildren(...data.scenarios.map(({ name, title }) => el("option", {
    value: name, ...(name === chosen ? { selected: "" } : {}) }, title)));
  byId(id).addEventListener("change", drawChosenPair);
}

function zoomTo(zoom) {
  state.zoom = Math.max(0, Math.min(zoom, Number(byId("zoom").max)));
  byId("zoom").value = state.zoom;
  drawTimelineHost();
  drawPosition();
}

const KEYS = {
  ArrowLeft: (event) => choose(state.at - (event.shiftKey ? PAGE_STEP : 1)),
  ArrowRight: (event) => choose(state.at + (event.shiftKey ? PAGE_STEP : 1)),
  "[": () => choose(otherPhase(-1)), "]": () => choose(otherPhase(1)),
  Home: () => choose(0), End: () => choose(state.scenario.steps.length - 1),
  "+": () => zoomTo(state.zoom + 1), "-": () => zoomTo(state.zoom - 1),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^(INPUT|SELECT)$/.test(event.target.tagName)) return;
  const scenario = /^[1-9]$/.test(event.key) ? data.scenarios[Number(event.key) - 1] : null;
  if (scenario) show(scenario.name, 0);
  else if (KEYS[event.key]) KEYS[event.key](event);
  else return;
  event.preventDefault();
}

function drawHelp() {
  byId("help").replaceChildren(el("p", {}, ...HELP.flatMap(([keys, text]) => [
    ...keys.flatMap((key) => [el("kbd", {}, key), " "]), `${text}.  `])),
  ...data.notes.map((note) => el("p", {}, note)));
}

function start() {
  const { revision, compiler, emulator } = data.made;
  byId("provenance").textContent = `Recorded from ${revision} as built by ${compiler}, `
    + `run by ${emulator}.`;
  const buttons = { first: () => 0, last: () => state.scenario.steps.length - 1,
    previous: () => state.at - 1, next: () => state.at + 1,
    "previous-phase": () => otherPhase(-1), "next-phase": () => otherPhase(1) };
  for (const [id, where] of Object.entries(buttons)) {
    byId(id).addEventListener("click", () => choose(where()));
  }
  byId("zoom").addEventListener("input", (event) => zoomTo(Number(event.target.value)));
  document.addEventListener("keydown", onKey);
  const [name, at] = location.hash.slice(1).split(":");
  show(name || data.scenarios[0].name, Number(at || 1) - 1);
  fillSelect("left", data.scenarios[0].name);
  fillSelect("right", (scenarioOf("slow") ?? data.scenarios[0]).name);
  drawChosenPair();
  drawBase();
  drawKernels();
  drawHelp();
  window.addEventListener("resize", () => { drawTimelineHost(); drawPosition(); drawChosenPair(); });
}

start();

// The chosen instruction: where it stands, what it does, its source.

const LISTING_BEFORE = 9;
const LISTING_AFTER = 13;
const SOURCE_AROUND = 7;

const pad = (value) => value.padStart(4, " ");

function listingRow(scenario, index, at, choose) {
  const code = codeAt(scenario, index);
  return el("div", { class: index === at ? "row here" : "row", "data-step": index,
    style: `border-left-color:${phaseColour(code.phase)}`, onclick: () => choose(index) },
  el("span", { class: "number" }, pad(String(index + 1))),
  el("span", { class: "address" }, code.pc.slice(-8)),
  el("span", {}, code.text.replace(/ /, "\u00a0\u00a0").replace(/[0-9a-f]{8,} (<.*>)/, "$1")));
}

function drawListing(scenario, at, choose) {
  const first = Math.max(0, Math.min(at - LISTING_BEFORE,
    scenario.steps.length - LISTING_BEFORE - LISTING_AFTER));
  const last = Math.min(first + LISTING_BEFORE + LISTING_AFTER, scenario.steps.length);
  const rows = [];
  let phase = -1;
  for (let index = first; index < last; index++) {
    const run = runAt(scenario, index);
    const key = `${phaseAt(scenario, index)}/${laneKey(run)}`;
    if (key !== phase) {
      rows.push(el("div", { class: "head" },
        `${phaseTitle(phaseAt(scenario, index))}, ${run.mode}, ${spaceName(scenario, run.space)}`));
    }
    phase = key;
    rows.push(listingRow(scenario, index, at, choose));
  }
  byId("listing").replaceChildren(...rows);
}

/** Cache lines so far, and what this instruction adds to them. */
function linesSoFar(scenario, at) {
  const { data: dataLines, code } = firstTouches(scenario);
  const upTo = (lines) => [...lines.values()].filter(({ first }) => first <= at).length;
  const fresh = [...dataLines].filter(([, { first }]) => first === at).map(([line]) => line);
  return { data: upTo(dataLines), code: upTo(code), fresh };
}

function lineName(scenario, index) {
  const { owner, offset, address } = scenario.lines[index];
  const { name, structure } = scenario.owners[owner];
  return structure ? `${name}, line ${Math.floor(offset / data.line)}` : `${name}, ${address}`;
}

function describeAccess(scenario, { kind, address, size, before, after }) {
  const place = placeName(scenario, address);
  const values = kind === "load" || kind === "lr" || kind === "fault"
    ? `0x${before}` : `0x${before} → 0x${after}`;
  return [kind, el("code", {}, place || `0x${address}`), [String(size), "n"],
    el("code", {}, before === "" && after === "" ? "not there" : values)];
}

function drawEffect(scenario, at) {
  const code = codeAt(scenario, at), run = runAt(scenario, at), lines = linesSoFar(scenario, at);
  const accesses = accessesAt(scenario, at);
  const where = code.offset ? `${code.name}+${code.offset}` : code.name;
  const parts = [el("p", { style: "margin:0 0 6px" },
    el("code", { style: "font-weight:600;font-size:1.05em" }, code.text), el("br"),
    `${code.image}, ${where}, ${run.mode} mode, ${spaceName(scenario, run.space)}`,
    isTrapped(scenario, at) ? el("b", { class: "over" }, " faults here: not executed") : null)];
  if (accesses.length) {
    parts.push(table(["memory", "where", ["bytes", "n"], "value"],
      accesses.map((access) => describeAccess(scenario, access))));
  }
  parts.push(el("p", { style: "margin:6px 0 0" },
    `Cache lines of the kernel so far: data ${lines.data} of ${scenario.data_lines}, `
    + `code ${lines.code} of ${scenario.code_lines}`,
    lines.fresh.length ? el("b", {}, `; new: ${lines.fresh.map((line) =>
      lineName(scenario, line)).join(", ")}`) : null));
  byId("effect").replaceChildren(...parts);
}

function drawSource(scenario, at) {
  const places = codeAt(scenario, at).places;
  if (!places.length) {
    byId("source").replaceChildren(el("div", { class: "file" }, "No source line is known."));
    return;
  }
  const [, file, line] = places[0], [name, lines] = data.files[file];
  const chain = places.slice(1).map(([, , outer], index) =>
    ` ← ${places[index + 1][0]} (${data.files[places[index + 1][1]][0]}:${outer})`).join("");
  const rows = [el("div", { class: "file" }, `${name}:${line}`
    + (places.length > 1 ? `, ${places[0][0]}${chain}` : ""))];
  for (let at_line = line - SOURCE_AROUND; at_line <= line + SOURCE_AROUND; at_line++) {
    if (lines[at_line] === undefined) continue;
    rows.push(el("div", { class: at_line === line ? "row here" : "row" },
      el("span", { class: "number" }, pad(String(at_line))),
      el("span", {}, lines[at_line].replace(/\t/g, "    "))));
  }
  byId("source").replaceChildren(...rows);
}

function drawInstruction(scenario, at, choose) {
  byId("instruction-name").textContent = `${at + 1} of ${scenario.steps.length}, `
    + phaseTitle(phaseAt(scenario, at));
  drawListing(scenario, at, choose);
  drawEffect(scenario, at);
  drawSource(scenario, at);
}

// Maps of the structures that are touched, line by line; the fields are the debug information's.

const KEY = [["var(--read)", "read so far"], ["var(--write)", "written so far"],
  ["var(--both)", "read and written"], ["var(--later)", "not yet, or never (dashed: later)"]];

/** What has happened to each field up to `at`: "owner/offset" -> {r, w, now}; empty: later. */
function touches(scenario, at) {
  const found = new Map();
  for (const { index, key, reads, writes } of fieldAccesses(scenario)) {
    const state = found.get(key) ?? { r: false, w: false, now: false };
    found.set(key, state);
    if (index > at) continue;
    state.r ||= reads;
    state.w ||= writes;
    state.now ||= index === at;
  }
  return found;
}

/** Fields as boxes: members of a union share one, bytes that belong to nobody stay empty. */
function boxesOf(structure, start, length) {
  const boxes = new Map();
  for (const [offset, size, path] of data.structures[structure].fields) {
    if (offset >= start + length || offset + Math.max(size, 1) <= start) continue;
    const box = boxes.get(offset) ?? { offset, size: 0, names: [] };
    box.size = Math.max(box.size, size, 1);
    box.names.push(path);
    boxes.set(offset, box);
  }
  return [...boxes.values()].sort((a, b) => a.offset - b.offset);
}

function drawBox(box, start, length, state) {
  const from = Math.max(box.offset, start), to = Math.min(box.offset + box.size, start + length);
  const name = box.names.join(" / ");
  const classes = ["field", state ? (state.r || state.w ? "" : "later") : "",
    state?.r ? "r" : "", state?.w ? "w" : "", state?.now ? "now" : ""];
  return el("div", { class: classes.filter(Boolean).join(" "), title: `+${box.offset}: ${name}`,
    style: `grid-column:${from - start + 2} / span ${to - from}` }, name);
}

function drawLine(owner, start, length, found, label) {
  const boxes = boxesOf(owner.structure, start, length);
  return el("div", { class: "cacheline" }, el("span", { class: "label" }, label),
    boxes.map((box) => drawBox(box, start, length, found.get(`${owner.address}/${box.offset}`))));
}

function drawObject(scenario, number, found, bytes) {
  const owner = scenario.owners[number], size = data.structures[owner.structure].size;
  const starts = scenario.lines.filter((line) => line.owner === number)
    .map((line) => line.offset).sort((a, b) => a - b);
  const rows = starts.flatMap((start) => {
    const parts = [];
    for (let part = 0; part < data.line; part += bytes) {
      if (start + part >= size || start + part + bytes <= 0) continue;
      parts.push(drawLine(owner, start + part, bytes, found,
        part ? "" : `line ${Math.floor(start / data.line)}`));
    }
    return parts;
  });
  const all = Math.ceil(size / data.line);
  return el("div", { class: "object" }, el("h4", {}, owner.name,
    el("small", {}, `${owner.structure}, ${size} bytes at ${owner.address}; `
      + `${starts.length} of ${all} ${all === 1 ? "line" : "lines"}`)), rows);
}

/** Lines without a known structure: the stack, tables, page tables. */
function drawPlain(scenario, number, at) {
  const owner = scenario.owners[number], here = scenario.steps[at][5];
  const lines = [...firstTouches(scenario).data].filter(([line]) =>
    scenario.lines[line].owner === number);
  return el("div", { class: "object" }, el("h4", {}, owner.name,
    el("small", {}, `${lines.length} ${lines.length === 1 ? "line" : "lines"}`)),
  el("div", { class: "squares" }, lines.map(([line, { first, names }]) =>
    drawSquare(scenario.lines[line].address, first <= at, here.includes(line), names))));
}

/** One cache line, with the last digits of its address. */
function drawSquare(address, isSeen, isNow, names) {
  return el("span", { class: `square${isSeen ? " seen" : ""}${isNow ? " now" : ""}`,
    title: `${address}: ${[...names].join(", ")}` }, address.slice(-5));
}

function drawCode(scenario, at) {
  const isKernel = runAt(scenario, at).mode === "kernel";
  const here = isKernel ? codeLinesOf(codeAt(scenario, at)) : [];
  const lines = [...firstTouches(scenario).code].sort(([a], [b]) => (hex(a) < hex(b) ? -1 : 1));
  const address = (line) => (hex(line) * BigInt(data.line)).toString(16);
  byId("code-lines").replaceChildren(el("div", { class: "squares" },
    lines.map(([line, { first, names }]) =>
      drawSquare(address(line), first <= at, here.includes(line), names))),
  el("p", { style: "margin:0;color:var(--soft);font-size:0.85rem" },
    `${lines.length} lines of ${data.line} bytes; each with the last digits of its address.`));
}

function drawMemory(scenario, at) {
  const found = touches(scenario, at);
  const bytes = window.matchMedia("(max-width: 760px)").matches ? data.line / 2 : data.line;
  const used = new Set(scenario.lines.map((line) => line.owner));
  byId("memory-key").replaceChildren(...KEY.map(([colour, text]) =>
    el("span", {}, chip(colour), text)));
  byId("memory").replaceChildren(...scenario.owners.flatMap((owner, number) => {
    if (!used.has(number)) return [];
    return owner.structure ? drawObject(scenario, number, found, bytes)
      : drawPlain(scenario, number, at);
  }));
  drawCode(scenario, at);
}

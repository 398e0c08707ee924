// All registers before and after the chosen instruction.

const INTEGERS = 32;

const shown = (value) => (value === undefined ? "" : `0x${value}`);

function drawRegister(scenario, index, before, after, isRead, isWritten) {
  const target = pointee(scenario, after);
  const value = isWritten && before !== after && before !== undefined
    ? [el("s", {}, shown(before)), " → ", shown(after)]
    : [shown(after), isWritten ? " (same)" : null];
  return el("div", { class: `${isRead ? "read " : ""}${isWritten ? "changed" : ""}`,
    "data-register": data.registers[index] },
  el("span", { class: "name" }, data.registers[index]),
  el("span", { class: "value" }, value, target ? el("em", {}, `→ ${target}`) : null));
}

/** Integer registers that the text of an instruction names and does not write first. */
function readBy(scenario, at) {
  const { text } = codeAt(scenario, at);
  const named = new Set(text.match(/\b(zero|ra|sp|gp|tp|fp|[ast]\d{1,2})\b/g) ?? []);
  const words = text.replace(/^\S+\s*/, "").split(",");
  const isStore = /^(s[bhwd]|fs[wd]|b|sc\.)/.test(text) || words.length < 2;
  const target = words[0]?.trim();
  const again = words.slice(1).some((word) => new RegExp(`\\b${target}\\b`).test(word));
  if (!isStore && !again) named.delete(target);
  return named;
}

function drawRegisters(scenario, at) {
  const before = registersBefore(scenario, at), after = before.slice();
  const [, , writes, csrReads] = scenario.steps[at];
  const written = new Set(), read = new Set();
  for (const [register, value] of pairs(csrReads)) {
    before[register] ??= value;
    after[register] ??= value;
    read.add(register);
  }
  for (const [register, value] of pairs(writes)) {
    written.add(register);
    after[register] = value;
  }
  const named = readBy(scenario, at);
  const cells = [];
  data.registers.forEach((name, index) => {
    if (index === 0 || (index >= INTEGERS && after[index] === undefined)) return;
    cells.push(drawRegister(scenario, index, before[index], after[index],
      read.has(index) || named.has(name), written.has(index)));
  });
  byId("registers").replaceChildren(...cells);
}

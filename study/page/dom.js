// Making elements.

const SVG = "http://www.w3.org/2000/svg";
const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const el = (name, attributes = {}, ...children) =>
  fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

const chip = (colour) => el("i", { class: "chip", style: `background:${colour}` });
const number = (value) => Number(value).toLocaleString("en-US");

/** A table of rows; a cell is a node, a text, or [text, class]. */
function table(heads, rows, totals = []) {
  const cell = (content, tag = "td") => (Array.isArray(content)
    ? el(tag, { class: content[1] }, content[0]) : el(tag, {}, content ?? ""));
  return el("table", {},
    el("thead", {}, el("tr", {}, heads.map((head) => cell(head, "th")))),
    el("tbody", {}, rows.map((row) => el("tr", {}, row.map((content) => cell(content)))),
      totals.map((row) => el("tr", { class: "total" }, row.map((content) => cell(content))))));
}

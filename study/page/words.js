// Where each message word lies at every moment: in registers, in memory, or in both.

const isRegister = (place) => data.registers.includes(place);

function placeColour(places) {
  const inRegister = places.some(isRegister), inMemory = places.some((place) => !isRegister(place));
  if (inRegister && inMemory) return "var(--both)";
  return inRegister ? "var(--read)" : inMemory ? "var(--write)" : "transparent";
}

function drawWord(scenario, word, index, at) {
  const all = scenario.steps.length, strip = [];
  word.places.forEach(([start, places], part) => {
    const end = word.places[part + 1]?.[0] ?? all;
    strip.push(svg("rect", { x: start, y: 0, width: end - start, height: 14,
      style: `fill:${placeColour(places)}` }, svg("title", {}, places.join(", ") || "nowhere")));
  });
  strip.push(svg("rect", { x: at, y: 0, width: Math.max(all / 400, 1), height: 14,
    style: "fill:var(--ink)" }));
  const now = word.places.filter(([start]) => start <= at).pop();
  return el("div", { class: "word" },
    el("span", {}, el("b", {}, `w${index} `), el("code", {}, `0x${word.value}`)),
    svg("svg", { viewBox: `0 0 ${all} 14`, width: "100%", height: 14,
      preserveAspectRatio: "none" }, strip),
    el("code", {}, now ? now[1].join(", ") || "nowhere" : "not yet sent"));
}

function drawWords(scenario, at) {
  const moves = scenario.words.reduce((sum, word) => sum + word.places.length - 1, 0);
  byId("words").replaceChildren(
    el("div", { class: "key", style: "margin:0 0 8px" },
      el("span", {}, chip("var(--read)"), "in a register"),
      el("span", {}, chip("var(--write)"), "in memory"),
      el("span", {}, chip("var(--both)"), "in both"),
      el("span", {}, moves ? `${moves} changes of place` : "never moved: the words stay in the "
        + "registers in which they were sent")),
    ...scenario.words.map((word, index) => drawWord(scenario, word, index, at)));
}

// The round trip to scale: one lane for each program's space, one for the kernel; colour by step.

const LANE = 34;
const TOP = 24;
const NAME = 128; // pixels left of the lanes
const NARROW_NAME = 74;
const NARROWEST = 280;

/** Lanes from top to bottom: the first space's program, the kernel, the other programs. */
function lanesOf(scenario) {
  const spaces = scenario.spaces.map((_, index) => index);
  return [`user/${spaces[0]}`, "kernel", ...spaces.slice(1).map((space) => `user/${space}`)];
}

const laneKey = ({ mode, space }) => (mode === "user" ? `user/${space}` : "kernel");

function laneTitle(scenario, lane) {
  if (lane === "kernel") return "kernel";
  return spaceName(scenario, Number(lane.split("/")[1]));
}

/** Round steps of an axis, so that labels do not touch. */
function tickEvery(scale) {
  return [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000].find((step) => step * scale >= 46) ?? 5000;
}

function drawSegment(scenario, segment, scale, left, lanes) {
  const lane = lanes.indexOf(laneKey(segment));
  const x = left + segment.start * scale, width = (segment.end - segment.start) * scale;
  const y = TOP + lane * LANE + 2;
  const { kind, number: step, name } = data.phases[segment.phase];
  const count = segment.end - segment.start;
  const parts = [svg("rect", { x, y, width: Math.max(width, 0.6), height: LANE - 4, rx: 2,
    style: `fill:${phaseColour(segment.phase)}` },
  svg("title", {}, `${phaseTitle(segment.phase)}: ${count} instructions`))];
  const label = kind === "step" ? String(step) : name;
  if (width > label.length * 6.6 + 4) {
    parts.push(svg("text", { class: "on", x: x + width / 2, y: y + 19 }, label));
  }
  return parts;
}

function drawAxis(scenario, scale, left, bottom) {
  const every = tickEvery(scale), marks = [];
  for (let at = 0; at <= scenario.steps.length; at += every) {
    marks.push(svg("line", { class: "tick", x1: left + at * scale, x2: left + at * scale,
      y1: TOP, y2: bottom }), svg("text", { class: "faint", x: left + at * scale + 2,
      y: bottom + 12 }, String(at)));
  }
  return marks;
}

/** What each trap costs, above the lanes. */
function drawTraps(scenario, scale, left) {
  return scenario.traps.flatMap((trap) => {
    const x = left + trap.first * scale, end = left + trap.last * scale;
    const parts = [svg("path", { class: "bracket", d: `M${x + 1} ${TOP - 2}V${TOP - 7}H${end - 1}V${TOP - 2}` })];
    const long = `${trap.instructions} instructions`;
    const text = end - x > 110 ? long : end - x > 26 ? String(trap.instructions) : "";
    if (text) parts.push(svg("text", { x: (x + end) / 2, y: TOP - 10, "text-anchor": "middle" }, text));
    return parts;
  });
}

/** Gaps between instructions, where they are wide enough to be seen. */
function drawGaps(scenario, scale, left, height) {
  if (scale < 3.5) return [];
  const d = scenario.steps.map((_, at) => `M${left + at * scale} ${TOP}v${height}`).join("");
  return [svg("path", { class: "gap", d, "stroke-width": 0.7, "pointer-events": "none" })];
}

/** Draws a timeline; `choose` is called with the step that is clicked. */
function drawTimeline(scenario, space, zoom, choose, longest = scenario.steps.length) {
  const width = Math.max(space, NARROWEST);
  const left = width < 600 ? NARROW_NAME : NAME;
  const scale = (width - left - 4) / longest * zoom;
  const lanes = lanesOf(scenario), height = lanes.length * LANE;
  const total = left + scenario.steps.length * scale + 4;
  const image = svg("svg", { width: total, height: TOP + height + 18, role: "img",
    "aria-label": `${scenario.title}: ${scenario.total} instructions` });
  lanes.forEach((lane, index) => {
    const title = laneTitle(scenario, lane);
    image.append(svg("rect", { class: "lane", x: left, y: TOP + index * LANE + 2,
      width: scenario.steps.length * scale, height: LANE - 4 }),
    svg("text", { x: 0, y: TOP + index * LANE + 21 },
      left === NARROW_NAME ? title.replace(/ \(.*/, "") : title));
  });
  image.append(...drawAxis(scenario, scale, left, TOP + height),
    ...segments(scenario).flatMap((segment) => drawSegment(scenario, segment, scale, left, lanes)),
    ...drawGaps(scenario, scale, left, height), ...drawTraps(scenario, scale, left));
  image.addEventListener("click", (event) => {
    const x = event.clientX - image.getBoundingClientRect().left - left;
    choose(Math.min(Math.max(Math.floor(x / scale), 0), scenario.steps.length - 1));
  });
  return { image, scale, left, lanes };
}

/** The frame around the chosen instruction. */
function drawCursor(scenario, drawn, at) {
  drawn.image.querySelector(".cursor")?.remove();
  const lane = drawn.lanes.indexOf(laneKey(runAt(scenario, at)));
  const width = Math.max(drawn.scale, 3);
  const x = drawn.left + at * drawn.scale + (drawn.scale - width) / 2;
  drawn.image.append(svg("path", { class: "cursor",
    d: `M${x - 1} ${TOP + lane * LANE}h${width + 2}v${LANE}h${-width - 2}z`
      + `M${x + width / 2} ${TOP}V${TOP + lane * LANE}`
      + `M${x + width / 2} ${TOP + (lane + 1) * LANE}V${TOP + drawn.lanes.length * LANE}` }));
  return x;
}

// Elements and small pictures. Text only ever becomes text: nothing here reads markup.

function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function s(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return element;
}

// A long name may break after its underscores; the longest are cut.
function breakable(name, before = "") {
  return h("span", { class: "clamp", title: name }, before ? h("span", { class: "from" }, before) : null, wrapped(name));
}

function wrapped(name) {
  return name.split(/(?<=_)/).flatMap((part, i) => (i ? [h("wbr"), part] : [part]));
}

// Where a name of any length would push all else away.
function short(name, most = 60) {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

function spaced(name) {
  return name.replaceAll("_", " ");
}

function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "–";
  const text = value.toFixed(digits);
  return text.replace("-", "−");
}

function signed(value) {
  return value > 0 ? `+${number(value)}` : number(value);
}

// A change by training, with its sign. Where lower is better a minus is a gain, so words say which.
function gainText(value, direction) {
  const name = { "1": "better", "-1": "worse" }[Math.sign(direction * (value ?? 0))];
  return h("span", { class: `gain ${name ?? ""}` }, Number.isFinite(value) ? signed(value) : "–", direction < 0 && name ? ` ${name}` : null);
}

function count(n, one, many = `${one}s`) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}

function scaled(domain, size, margin = 4) {
  const [low, high] = domain;
  return (value) => margin + (Math.min(Math.max(value, low), high) - low) / (high - low) * (size - 2 * margin);
}

// Where values lie across a picture of any width: what is drawn there keeps its own size.
function across(domain) {
  const at = scaled(domain, 100, 0);
  return (value) => `${at(value).toFixed(2)}%`;
}

function band([low, high], domain, middle, height) {
  const at = scaled(domain, 100, 0);
  return s("rect", { x: `${at(low).toFixed(2)}%`, width: `${Math.max(at(high) - at(low), 0.5).toFixed(2)}%`, y: middle - height / 2, height, rx: 2, class: "interval" });
}

function upright(x, middle, height, name) {
  return s("line", { x1: x, x2: x, y1: middle - height / 2, y2: middle + height / 2, class: name });
}

// The mean as a line over its 95 % interval, beside what chance and a perfect code score.
function scoreBar({ after, low, high, chance, reference }, domain) {
  const x = across(domain), middle = 10;
  const inside = (value) => Number.isFinite(value) && value >= domain[0] && value <= domain[1];
  const marks = [s("line", { x1: 0, x2: "100%", y1: middle, y2: middle, class: "axis" })];
  if (inside(chance)) marks.push(upright(x(chance), middle, 12, "chance"));
  if (inside(reference)) marks.push(upright(x(reference), middle, 12, "reference"));
  if (Number.isFinite(low)) marks.push(band([low, high], domain, middle, 12));
  marks.push(upright(x(after), middle, 18, "mean"));
  return s("svg", { height: 20, class: "bar", "aria-hidden": true }, marks);
}

// Which ranks the row takes when its seeds and those of the others are drawn again.
function rankBar(low, high, of) {
  const x = scaled([0, of], 44, 0);
  const width = Math.max(x(high) - x(low - 1), 3);
  return s("svg", { viewBox: "0 0 44 4", class: "ranks", "aria-hidden": true },
    s("rect", { width: 44, height: 4, rx: 2, class: "axis" }),
    s("rect", { x: Math.min(x(low - 1), 44 - width), width, height: 4, rx: 2, class: "dot" }));
}

function slope(before, after, domain) {
  const y = (value) => 26 - scaled(domain, 26, 3)(value);
  return s("svg", { viewBox: "0 0 40 26", class: "slope", "aria-hidden": true },
    s("line", { x1: 5, x2: 35, y1: y(before), y2: y(after) }),
    s("circle", { cx: 5, cy: y(before), r: 2.5, class: "hollow" }),
    s("circle", { cx: 35, cy: y(after), r: 2.5, class: "dot" }));
}

// Each seed before and after, and their mean: what fine-tuning does to the score.
function slopes(before, after, domain) {
  const y = (value) => 120 - scaled(closer([...before, ...after], domain), 120, 10)(value);
  const lines = [];
  before.forEach((value, i) => {
    if (value === null || after[i] === null) return;
    lines.push(s("line", { x1: 60, x2: 240, y1: y(value), y2: y(after[i]), class: "seed" }),
      s("circle", { cx: 60, cy: y(value), r: 3, class: "hollow" }), s("circle", { cx: 240, cy: y(after[i]), r: 3, class: "dot" }));
  });
  const ends = [mean(before), mean(after)];
  if (ends.every(Number.isFinite)) {
    lines.push(s("line", { x1: 60, x2: 240, y1: y(ends[0]), y2: y(ends[1]), class: "mean" }),
      s("text", { x: 50, y: y(ends[0]) + 4, "text-anchor": "end" }, number(ends[0])),
      s("text", { x: 250, y: y(ends[1]) + 4 }, number(ends[1])));
  }
  return s("svg", { viewBox: "0 0 300 138", class: "slopes", role: "img", "aria-label": `mean ${number(ends[0])} before, ${number(ends[1])} after` },
    lines, s("text", { x: 60, y: 134, "text-anchor": "middle", class: "faint" }, "before"),
    s("text", { x: 240, y: 134, "text-anchor": "middle", class: "faint" }, "after"));
}

// The part of a scale where values are, but a third of it at least: small changes shall look small.
function closer(values, domain) {
  const present = values.filter((value) => value !== null);
  if (!present.length) return domain;
  const low = Math.min(...present), high = Math.max(...present);
  const spare = Math.max(0, (domain[1] - domain[0]) / 3 - (high - low)) / 2;
  return [low - spare, high + spare];
}

// Seeds of one quantity as dots, hollow before and full after, over the interval of the mean.
function dots(quantity, domain) {
  const x = across(domain), middle = 11;
  const marks = [s("line", { x1: 0, x2: "100%", y1: middle, y2: middle, class: "axis" })];
  if (quantity.interval) marks.push(band(quantity.interval, domain, middle, 12));
  for (const value of quantity.before ?? []) if (value !== null) marks.push(s("circle", { cx: x(value), cy: middle, r: 3, class: "hollow" }));
  for (const value of quantity.after) if (value !== null) marks.push(s("circle", { cx: x(value), cy: middle, r: 3, class: "dot" }));
  const average = mean(quantity.after);
  if (Number.isFinite(average)) marks.push(upright(x(average), middle, 18, "mean"));
  return s("svg", { height: 22, class: "dots", "aria-hidden": true }, marks);
}

// An association matrix: latents down, factors across.
function matrixTable(matrix, factors) {
  const largest = Math.max(1e-9, ...matrix.flat());
  const rows = matrix.map((latents, i) => h("tr", {}, h("th", { scope: "row" }, String(i)),
    latents.map((value) => shaded(value === null ? "·" : value.toFixed(2).replace(/^0/, ""), value / largest))));
  const head = h("tr", {}, h("th", {}, ""), factors.map((name) => h("th", { scope: "col" }, h("span", {}, spaced(name)))));
  return h("table", { class: "matrix" }, h("thead", {}, head), h("tbody", {}, rows));
}

// A cell whose ground is the stronger the nearer `share` is to 1.
function shaded(content, share, name = "shaded") {
  const cell = h("td", { class: name }, content);
  cell.style.setProperty("--share", Math.max(0, share).toFixed(2));
  return cell;
}

// What the badges mean is written once, beside the legend.
function trackBadge(board, track) {
  const [word, meaning] = board.tracks[track];
  return h("span", { class: `badge ${track}`, title: meaning }, word);
}

function stateMark(board, state) {
  const [mark, meaning] = Object.hasOwn(board.states, state) ? board.states[state] : ["?", ""];
  return h("span", { class: `state ${state}`, title: meaning }, h("i", { "aria-hidden": true }, mark), ` ${state}`);
}

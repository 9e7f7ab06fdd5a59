// What a reader learns before touching the table, and the two matrices below it.

// Who leads, how sure that is, and on which images.
function headline(board, group, metric) {
  if (!group) return ["Nothing is ranked in this view."];
  const [first, second] = group;
  const name = (row) => h("b", {}, short(board.text("model", row)));
  const track = board.text("track", first);
  const place = [" on ", h("b", {}, short(board.text("target", first), 120)), ` by ${short(metric)}, `, h("span", { class: track }, `${track} images`)];
  if (second === undefined) return [name(first), " is alone", ...place, ": nothing to compare with yet."];
  const { sure, said } = certainty(board, group, metric);
  return sure ? [name(first), " leads", ...place, `: ${said}.`]
    : [name(first), " is ahead of ", name(second), ...place, ", ", h("em", {}, "but not surely"), `: ${said}.`];
}

function certainty(board, group, metric) {
  const [first] = group;
  const { rank_high: high, rank_low: low } = board.scores(metric);
  if (group.length === 1) return { sure: false, said: "alone, nothing to compare with" };
  if (group.some((row) => low[row] === 1 && board.columns.seeds[row] < 2)) return { sure: false, said: "a row of one seed may have any rank" };
  const rivals = group.filter((row) => row !== first && low[row] === 1).length;
  const few = board.columns.seeds[first] < board.few ? `, but of ${count(board.columns.seeds[first], "seed")} only` : "";
  if (!rivals && high[first] === 1) return { sure: true, said: `first of ${group.length} in at least 95 % of redraws of the seeds${few}` };
  return { sure: false, said: `rank 1 to ${high[first]} of ${group.length} when seeds are redrawn${few}` };
}

// A card for the best row of each group, official groups first; an empty one if there are none.
function leaders(board, view, go) {
  const groups = board.groups(view.metric, { ...view, target: "", track: "" });
  const shown = groups.slice(0, 6);
  const names = shown.map(([first]) => cardName(board, first));
  const twice = (place) => names.filter((name) => name === names[place]).length > 1;
  const cards = shown.map((group, place) => leaderCard(board, view, group, go, twice(place)));
  if (!groups.some(([first]) => board.text("track", first) === "official")) cards.unshift(emptyCard());
  const more = groups.length - 6;
  return more > 0 ? [...cards, h("p", { class: "faint more" }, `and ${count(more, "more group")} in the table`)] : cards;
}

function emptyCard() {
  const card = h("button", { type: "button", class: "card empty" },
    h("span", { class: "where" }, "makers’ images", trackBadge("official")),
    h("b", {}, "Nothing ranked yet"), h("small", {}, "Ranked here is only what others have checked. See what is missing."));
  card.addEventListener("click", () => {
    const section = document.getElementById("official");
    section.scrollIntoView();
    section.querySelector("button")?.focus({ preventScroll: true });
  });
  return card;
}

function cardName(board, row) {
  return ["track", "kind", "target"].map((column) => board.text(column, row)).join("\n");
}

// `told` says what sets the group apart from one of the same name.
function leaderCard(board, view, group, go, told) {
  const [first] = group;
  const scores = board.scores(view.metric);
  const target = board.text("target", first), track = board.text("track", first);
  const { sure, said } = certainty(board, group, view.metric);
  const chosen = view.target === target && view.track === track;
  const card = h("button", { type: "button", class: `card ${track}`, "aria-pressed": String(chosen), title: board.group(view.metric, first) },
    h("span", { class: "where" }, h("span", {}, board.text("kind", first) === "source" ? "" : "→ ", wrapped(short(target, 120))), trackBadge(track)),
    told ? h("small", {}, short(board.settings(view.metric, first), 120)) : null,
    h("b", {}, short(board.text("model", first))),
    h("span", { class: "score" }, number(scores.after[first]), scoreBar(scores, first)),
    h("small", {}, `${sure || group.length === 1 ? "" : "not sure: "}${said}`));
  card.addEventListener("click", () => go(chosen ? { target: "", track: "" } : { target, track }));
  return card;
}

// Source by target, a matrix for each track: the gain of the best row of each pair in view.
function gainMatrices(board, rows, metric, onPick) {
  const { after, gain } = board.scores(metric);
  const sign = board.higher(metric) ? 1 : -1;
  const best = new Map([["official", new Map()], ["rendered", new Map()]]);
  for (const row of rows) {
    if (!Number.isFinite(gain[row]) || ["refuted", "published"].includes(board.text("state", row))) continue;
    const pairs = best.get(board.text("track", row));
    const pair = `${board.columns.source[row]} ${board.columns.target[row]}`;
    if (pairs && (!pairs.has(pair) || sign * (after[row] - after[pairs.get(pair)]) > 0)) pairs.set(pair, row);
  }
  const found = [...best.values()].flatMap((pairs) => [...pairs.values()]);
  if (!found.length) return [h("p", { class: "faint" }, "No transfer in view has a gain in this metric.")];
  const most = Math.max(...found.map((row) => Math.abs(gain[row])), 1e-9);
  const cell = (row) => {
    if (row === undefined) return h("td", { class: "faint" }, "·");
    const button = h("button", { type: "button", title: `${short(board.text("model", row))}: ${number(after[row])} after` }, signed(gain[row]));
    button.addEventListener("click", () => onPick({ source: board.text("source", row), target: board.text("target", row), track: board.text("track", row) }));
    return shaded(button, Math.abs(gain[row]) / most, sign * gain[row] < 0 ? "loss" : "shaded");
  };
  return [...best].filter(([, pairs]) => pairs.size).map(([track, pairs]) => {
    const [sources, targets] = ["source", "target"].map((column) => distinct(board, column, [...pairs.values()]));
    const row = (source, target) => pairs.get(`${board.names.source.indexOf(source)} ${board.names.target.indexOf(target)}`);
    return h("table", { class: "gains" }, h("caption", {}, trackBadge(track)),
      h("thead", {}, h("tr", {}, h("th", {}, "source ↓ target →"), targets.map((name) => h("th", { scope: "col" }, short(name))))),
      h("tbody", {}, sources.map((source) => h("tr", {}, h("th", { scope: "row" }, short(source)), targets.map((target) => cell(row(source, target)))))));
  });
}

function distinct(board, column, rows) {
  return [...new Set(rows.map((row) => board.text(column, row)))].sort().slice(0, 30);
}

// Pairs down, models across: how far each cell of the official table is, and what fills it.
function officialTable(board, { onOpen, onPick }) {
  const unique = (values) => [...new Set(values)];
  const cells = board.official;
  const pairs = unique(cells.map(pairOf)), settings = unique(cells.map(settingOf));
  const panel = h("div", { id: "filling", role: "region", "aria-label": "What fills the chosen cell", hidden: true });
  const buttons = [];
  const choose = (cell, button) => {
    const opening = button.getAttribute("aria-expanded") === "false";
    for (const other of buttons) other.setAttribute("aria-expanded", String(opening && other === button));
    panel.hidden = !opening;
    if (opening) panel.replaceChildren(...filling(cell, onPick));
  };
  const shown = (pair, setting) => {
    const cell = cells.find((each) => pairOf(each) === pair && settingOf(each) === setting);
    if (!cell) return h("td", {});
    const state = cell.verified >= cell.wanted ? "full" : cell.verified + cell.waiting ? "partly" : "none";
    const button = h("button", { type: "button", class: state, "aria-expanded": "false", "aria-controls": "filling",
      "aria-label": `${pair}, ${setting}: ${cell.verified} of ${count(cell.wanted, "seed")} checked, ${cell.waiting} waiting` },
    `${cell.verified} of ${cell.wanted}`, cell.waiting ? h("small", {}, `${cell.waiting} to check`) : null);
    button.addEventListener("click", () => choose(cell, button));
    buttons.push(button);
    return h("td", {}, button);
  };
  const published = publishedRows(board);
  const beside = (pair) => h("td", {}, (published.get(pair) ?? []).map((row) => {
    const button = h("button", { type: "button", class: "none" }, stateMark("published"), h("small", {}, "not reproduced"));
    button.addEventListener("click", () => onOpen(row));
    return button;
  }));
  const head = settings.map((setting) => h("th", { scope: "col" }, setting.split(", ").map((part, i) => (i ? h("small", {}, part) : part))));
  return [h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Official table" }, h("table", { class: "official-table" },
    h("thead", {}, h("tr", {}, h("th", {}, "source → target"), head, h("th", { scope: "col" }, "in a paper"))),
    h("tbody", {}, pairs.map((pair) => h("tr", {}, h("th", { scope: "row" }, wrapped(pair)), settings.map((setting) => shown(pair, setting)), beside(pair)))))), panel];
}

function pairOf({ source, target }) {
  return `${source} → ${target}`;
}

function settingOf({ model, setting }) {
  return `${model}, ${setting}`;
}

function publishedRows(board) {
  const rows = new Map();
  for (let row = 0; row < board.length; row++) {
    if (board.text("state", row) !== "published") continue;
    const pair = pairOf({ source: board.text("source", row), target: board.text("target", row) });
    rows.set(pair, [...(rows.get(pair) ?? []), row]);
  }
  return rows;
}

function filling(cell, onPick) {
  const said = [`${cell.verified} of ${count(cell.wanted, "seed")} checked`];
  if (cell.waiting) said.push(`${cell.waiting} on the board and waiting for a check`);
  const parts = [h("h3", {}, `${pairOf(cell)}, ${settingOf(cell)} `, h("small", {}, said.join(", ")))];
  const acts = [], done = h("span", { role: "status", class: "faint" });
  if (cell.commands.length) {
    const text = cell.commands.join(" && \\\n");
    const code = h("pre", { tabindex: 0 }, text);
    const copy = h("button", { type: "button" }, "Copy");
    copy.addEventListener("click", async () => { done.textContent = await copied(text, code); });
    parts.push(code);
    acts.push(copy);
  }
  if (cell.verified + cell.waiting) {
    const show = h("button", { type: "button" }, "Show its rows");
    show.addEventListener("click", () => onPick({ source: cell.source, target: cell.target, model: cell.model, track: "official" }));
    acts.push(show);
  }
  return [...parts, h("p", { class: "acts" }, acts, done)];
}

async function copied(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return "Copied.";
  } catch {
    getSelection().selectAllChildren(shown); // where pages may not touch the clipboard
    return "Selected: copy it with the keyboard.";
  }
}

// What a reader learns before touching the table, and the two matrices below it.

// Who leads, how sure that is, and on which images.
function headline(board, group, metric) {
  if (!group) return ["Nothing is ranked in this view."];
  const [first, second] = group;
  const name = (row) => h("b", {}, short(row.model));
  const place = [" on ", h("b", {}, short(first.target, 120)), ` by ${short(metric)}, `, h("span", { class: first.track }, imagesOf(board, first))];
  if (second === undefined) return [name(first), " is alone", ...place, ": nothing to compare with yet."];
  const { sure, reason } = certainty(board, group, metric);
  return sure ? [name(first), " leads", ...place, `: ${reason}.`]
    : [name(first), " is ahead of ", name(second), ...place, ", ", h("em", {}, "but not surely"), `: ${reason}.`];
}

function imagesOf(board, { track }) {
  const word = board.tracks[track][0].toLowerCase();
  return word.endsWith("images") ? word : `${word} images`;
}

function certainty(board, group, metric) {
  const [first] = group;
  const best = (row) => board.score(row, metric).rank_low, worst = board.score(first, metric).rank_high;
  if (group.length === 1) return { sure: false, reason: "alone, nothing to compare with" };
  if (group.some((row) => best(row) === 1 && row.seeds < 2)) return { sure: false, reason: "a row of one seed may have any rank" };
  const rivals = group.some((row) => row !== first && best(row) === 1);
  const few = first.seeds < board.few ? `, but of ${count(first.seeds, "seed")} only` : "";
  if (!rivals && worst === 1) return { sure: true, reason: `first of ${group.length} in at least 95 % of redraws of the seeds${few}` };
  return { sure: false, reason: `rank 1 to ${worst} of ${group.length} when seeds are redrawn${few}` };
}

// A card for the best row of each group, official groups first; an empty one if there are none.
function leaders(board, view, go) {
  const groups = board.rankedGroups(view.metric, { ...view, target: "", track: "" });
  const shown = groups.slice(0, 6), name = ([row]) => [row.track, row.kind, row.target].join("\n");
  const twice = (group) => shown.filter((other) => name(other) === name(group)).length > 1;
  const cards = shown.map((group) => leaderCard(board, view, group, go, twice(group)));
  if (!groups.some(([first]) => first.track === "official")) cards.unshift(emptyCard(board));
  const more = groups.length - 6;
  return more > 0 ? [...cards, h("p", { class: "faint more" }, `and ${count(more, "more group")} in the table`)] : cards;
}

function emptyCard(board) {
  const card = h("button", { type: "button", class: "card empty" },
    h("span", { class: "where" }, "makers' images", trackBadge(board, "official")),
    h("b", {}, "Nothing ranked yet"), h("small", {}, "Ranked is what the keeper of the board trained itself. See what is missing."));
  card.addEventListener("click", () => {
    const section = document.getElementById("official");
    section.scrollIntoView();
    section.querySelector("button")?.focus({ preventScroll: true });
  });
  return card;
}

// `twice`: another card has this target, so this one says what sets its group apart.
function leaderCard(board, view, group, go, twice) {
  const [first] = group, { target, track, kind } = first;
  const score = board.score(first, view.metric);
  const { sure, reason } = certainty(board, group, view.metric);
  const chosen = view.target === target && view.track === track;
  const card = h("button", { type: "button", class: `card ${track}`, "aria-pressed": String(chosen), title: score.group },
    h("span", { class: "where" }, h("span", {}, kind === "source" ? "" : "→ ", wrapped(short(target, 120))), trackBadge(board, track)),
    twice ? h("small", {}, short(score.settings, 120)) : null,
    h("b", {}, short(first.model)),
    h("span", { class: "score" }, number(score.after), scoreBar(score, board.domain(view.metric))),
    h("small", {}, `${sure || group.length === 1 ? "" : "not sure: "}${reason}`));
  card.addEventListener("click", () => go(chosen ? { target: "", track: "" } : { target, track }));
  return card;
}

// Source by target, a matrix for each track: the gain of the best row of each pair.
function gainMatrices(board, rows, metric, onPick) {
  const gain = (row) => board.score(row, metric).gain, direction = board.direction(metric);
  const best = [...rows].filter((row) => Number.isFinite(gain(row))).sort(by((row) => board.score(row, metric).after, -direction || -1));
  if (!best.length) return [h("p", { class: "faint" }, "No ranked transfer in view has a gain in this metric.")];
  const most = Math.max(...best.map((row) => Math.abs(gain(row))), 1e-9);
  const cell = (row) => {
    if (!row) return h("td", { class: "faint" }, "·");
    const button = h("button", { type: "button", title: `${short(row.model)}: ${number(board.score(row, metric).after)} after` }, gainText(gain(row), direction));
    button.addEventListener("click", () => onPick({ source: row.source, target: row.target, track: row.track }));
    return shaded(button, Math.abs(gain(row)) / most, direction * gain(row) < 0 ? "loss" : "shaded");
  };
  return Object.keys(board.tracks).map((track) => best.filter((row) => row.track === track)).filter((own) => own.length).map((own) => {
    const names = (column) => [...new Set(own.map((row) => row[column]))].sort().slice(0, 30);
    const pair = (source, target) => own.find((row) => row.source === source && row.target === target);
    const targets = names("target");
    return h("table", { class: "gains" }, h("caption", {}, trackBadge(board, own[0].track)),
      h("thead", {}, h("tr", {}, h("th", {}, "source ↓ target →"), targets.map((name) => h("th", { scope: "col" }, short(name))))),
      h("tbody", {}, names("source").map((source) => h("tr", {}, h("th", { scope: "row" }, short(source)), targets.map((target) => cell(pair(source, target)))))));
  });
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
  const published = board.rows.filter((row) => row.state === "published");
  const beside = (pair) => h("td", {}, published.filter((row) => pairOf(row) === pair).map((row) => {
    const button = h("button", { type: "button", class: "none" }, stateMark(board, "published"), h("small", {}, "not reproduced"));
    button.addEventListener("click", () => onOpen(row.id));
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

function filling(cell, onPick) {
  const state = [`${cell.verified} of ${count(cell.wanted, "seed")} checked`];
  if (cell.waiting) state.push(`${cell.waiting} on the board and waiting for a check`);
  const parts = [h("h3", {}, `${pairOf(cell)}, ${settingOf(cell)} `, h("small", {}, state.join(", ")))];
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

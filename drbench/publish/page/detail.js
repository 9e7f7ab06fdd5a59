// One row, opened.

class Detail {
  constructor(board, onClose) {
    this.board = board;
    this.dialog = document.getElementById("detail");
    this.dialog.addEventListener("close", onClose);
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
  }

  hide() {
    this.shown = null;
    if (this.dialog.open) this.dialog.close();
  }

  async show(row, metric) {
    const wanted = `${row} ${metric}`;
    if (this.shown === wanted) return;
    this.shown = wanted;
    const details = await this.board.details(row);
    if (this.shown !== wanted) return; // another row was opened meanwhile
    const close = h("button", { type: "button", class: "close", "aria-label": "Close" }, "✕");
    close.addEventListener("click", () => this.dialog.close());
    const parts = [close, ...this.head(row)];
    if (details) parts.push(...this.scores(row, details, metric), ...facts(details));
    else parts.push(h("p", { class: "note" }, "This page has no room for the details of every row: those of this one are in its ", recordLink(this.board.columns.key[row], "record"), "."));
    this.dialog.replaceChildren(h("div", { class: "sheet" }, parts));
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
  }

  head(row) {
    const { board } = this;
    const text = (column) => board.text(column, row);
    const published = text("state") === "published";
    const way = text("kind") === "source" ? text("source") : `${text("source")} → ${text("target")}`;
    const warning = text("track") === "official" ? "Official images: the makers’ own files, source and target."
      : "Rendered images: drawn from the classes somewhere on the way. Not comparable with official rows.";
    return [h("h2", { id: "detail-title" }, short(text("model"), 300), h("small", {}, short(way, 300))),
      h("p", { class: "badges" }, trackBadge(text("track")), stateMark(text("state")), h("span", {}, count(board.columns.seeds[row], published ? "model" : "seed")), h("span", { class: "faint" }, text("note"))),
      h("p", { class: "note" }, warning)];
  }

  scores(row, details, chosen) {
    const names = Object.keys(details.metrics).sort((a, b) => (b === chosen) - (a === chosen));
    return names.map((name) => {
      const cell = details.metrics[name], scores = this.board.scores(name), { domain } = scores;
      const body = [];
      const why = this.board.why(name, row);
      if (why) body.push(h("p", { class: "note" }, why));
      if (cell.before && cell.after.length) body.push(h("figure", { class: "slopes-box" }, slopes(cell.before, cell.after, domain)));
      const quantities = [["score", cell], ...cell.parts, ...cell.factors];
      const wide = domainOf([domain, ...quantities.map(([, q]) => [...q.after, ...(q.before ?? [])].filter((v) => v !== null))]);
      body.push(h("table", { class: "quantities" },
        h("thead", {}, h("tr", {}, h("th", {}, ""), h("th", { class: "scale" }, h("span", {}, String(wide[0])), h("span", {}, String(wide[1]))), h("th", {}, "mean"), h("th", {}, "gain"))),
        h("tbody", {}, quantities.map(([label, q], i) => quantity(label, q, wide, i === 1 + cell.parts.length)))));
      body.push(h("p", { class: "note" }, reading(scores, row, cell)));
      if (cell.matrix) body.push(h("figure", { class: "scroll", tabindex: 0 }, h("figcaption", {}, "Association of latents (down) with factors (across) after training, mean over seeds. Each run's latents are put in the order of the factors first."), matrixTable(cell.matrix, details.factors)));
      return h("details", { open: name === chosen }, h("summary", {}, h("b", {}, name), ` ${this.board.metrics[name].title}`, h("span", { class: "value" }, number(scores.after[row]))), body);
    });
  }
}

function quantity(label, q, domain, starts) {
  const [before, after] = [q.before ? mean(q.before) : NaN, mean(q.after)];
  return h("tr", { class: starts ? "starts" : null }, h("th", { scope: "row" }, spaced(label)), h("td", {}, dots(q, domain)),
    h("td", {}, number(after)), h("td", { class: "faint" }, Number.isFinite(before) ? signed(after - before) : ""));
}

function reading(scores, row, cell) {
  const said = [];
  if (Number.isFinite(scores.reference[row])) said.push(`a perfect code scores ${number(scores.reference[row])} here`);
  if (Number.isFinite(scores.chance[row])) said.push(`chance ${number(scores.chance[row])}`);
  return [...said, ...cell.notes].join("; ");
}

function facts(details) {
  const lines = details.facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]);
  const heads = details.runs.heads.map((name) => h("th", { scope: "col" }, name));
  const checked = details.runs.heads.indexOf("checked");
  const uncounted = (place) => place >= details.runs.counted;
  const runs = details.runs.rows.map((cells, place) => h("tr", { class: uncounted(place) ? "uncounted" : null },
    cells.map((cell, i) => h("td", {}, runCell(cell, i, checked, cells[0]), i === 0 && uncounted(place) ? h("small", {}, " not counted") : null))));
  return [
    details.warnings.length ? h("section", {}, h("h3", {}, "To know before comparing"), h("ul", {}, details.warnings.map((text) => h("li", {}, text)))) : null,
    h("section", {}, h("h3", {}, "What was run"), h("dl", {}, lines)),
    runs.length ? h("section", {}, h("h3", {}, "Records"), h("div", { class: "scroll", tabindex: 0 }, h("table", { class: "runs" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, runs)))) : null,
  ];
}

function runCell(text, place, checked, key) {
  if (place === 0) return recordLink(key, key.slice(0, 10));
  return place === checked && text !== "self-reported" ? recordLink(key, text, "verifications") : text;
}

// Only a hash becomes a link: of a record, or of what others have checked of it.
function recordLink(key, text, folder = "records") {
  return /^[0-9a-f]{64}$/.test(key) ? h("a", { href: `${folder}/${key}.json` }, text) : text;
}

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

  show(row, metric) {
    const shown = `${row.id} ${metric}`;
    if (this.shown === shown) return;
    this.shown = shown;
    const close = h("button", { type: "button", class: "close", "aria-label": "Close" }, "✕");
    close.addEventListener("click", () => this.dialog.close());
    this.dialog.replaceChildren(h("div", { class: "sheet" }, close, this.head(row), this.scores(row, metric), facts(row.details)));
    if (!this.dialog.open) this.dialog.showModal();
    this.dialog.scrollTop = 0;
  }

  head({ model, kind, source, target, track, state, seeds, note }) {
    const way = kind === "source" ? source : `${source} → ${target}`;
    return [h("h2", { id: "detail-title" }, short(model, 300), h("small", {}, short(way, 300))),
      h("p", { class: "badges" }, trackBadge(this.board, track), stateMark(this.board, state),
        h("span", {}, count(seeds, state === "published" ? "model" : "seed")), h("span", { class: "faint" }, note)),
      h("p", { class: "note" }, this.board.tracks[track][1])];
  }

  scores(row, chosen) {
    const { board } = this, { metrics, factors } = row.details;
    const names = Object.keys(metrics).sort((a, b) => (b === chosen) - (a === chosen));
    return names.map((name) => {
      const cell = metrics[name], score = board.score(row, name), domain = board.domain(name);
      const direction = board.direction(name);
      const quantities = [["score", cell, direction], ...cell.parts.map(([label, part]) => [label, part, 0]),
        ...cell.factors.map(([label, factor]) => [label, factor, direction])];
      const wide = domainOf([...domain, ...quantities.flatMap(([, q]) => [...q.after, ...(q.before ?? [])])]);
      const lines = quantities.map((each, i) => quantity(...each, wide, i === 1 + cell.parts.length));
      return h("details", { open: name === chosen },
        h("summary", {}, h("b", {}, name), ` ${board.metrics[name].title}`, h("span", { class: "value" }, number(score.after))),
        score.why ? h("p", { class: "note" }, score.why) : null,
        cell.before && cell.after.length ? h("figure", { class: "slopes-box" }, slopes(cell.before, cell.after, domain)) : null,
        h("table", { class: "quantities" },
          h("thead", {}, h("tr", {}, h("th", {}, ""), h("th", { class: "scale" }, h("span", {}, String(wide[0])), h("span", {}, String(wide[1]))), h("th", {}, "mean"), h("th", {}, "gain"))),
          h("tbody", {}, lines)),
        h("p", { class: "note" }, reading(score, cell)),
        cell.matrix ? h("figure", { class: "scroll", tabindex: 0 }, h("figcaption", {}, "Association of latents (down) with factors (across) after training, mean over seeds. Each run's latents are put in the order of the factors first."), matrixTable(cell.matrix, factors)) : null);
    });
  }
}

function quantity(label, q, direction, domain, starts) {
  const before = mean(q.before ?? []), after = mean(q.after);
  return h("tr", { class: starts ? "starts" : null }, h("th", { scope: "row" }, spaced(label)), h("td", {}, dots(q, domain)),
    h("td", {}, number(after)), h("td", {}, before === null || after === null ? "" : gainText(after - before, direction)));
}

function reading({ reference, chance }, { notes }) {
  return [
    ...(Number.isFinite(reference) ? [`a perfect code scores ${number(reference)} here`] : []),
    ...(Number.isFinite(chance) ? [`chance ${number(chance)}`] : []),
    ...notes].join("; ");
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

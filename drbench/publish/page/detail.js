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

function facts({ facts, warnings, runs, counted }) {
  const line = (run, place) => h("tr", { class: place >= counted ? "uncounted" : null },
    Object.entries(run).map(([head, text]) => h("td", {}, runCell(head, text, run), head === "record" && place >= counted ? h("small", {}, " not counted") : null)));
  const heads = Object.keys(runs[0] ?? {}).map((head) => h("th", { scope: "col" }, head));
  return [
    warnings.length ? h("section", {}, h("h3", {}, "To know before comparing"), h("ul", {}, warnings.map((text) => h("li", {}, text)))) : null,
    h("section", {}, h("h3", {}, "What was run"), h("dl", {}, facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]))),
    runs.length ? h("section", {}, h("h3", {}, "Records"), h("div", { class: "scroll", tabindex: 0 },
      h("table", { class: "runs" }, h("thead", {}, h("tr", {}, heads)), h("tbody", {}, runs.map(line))))) : null,
  ];
}

// Only SUBMITTER/KEY becomes a link, to the record.
function runCell(head, text, { record }) {
  const isName = /^[a-z0-9][a-z0-9_.-]*\/[0-9a-f]{64}$/.test(record);
  return head === "record" && isName ? h("a", { href: `records/${record}.json` }, record.slice(0, -54)) : text;
}

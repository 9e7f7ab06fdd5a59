// A table of rows: those with a rank, or those that are listed apart.

const TITLES = {
  rank: "Rank", model: "Model", source: "Source", target: "Target", track: "Images", after: "Score",
  before: "Before → after", gain: "Gain", seeds: "Seeds", state: "Checked", why: "Why it has no rank",
};
const SORTS = Object.keys(TITLES).filter((name) => name !== "why");
const RANKED = SORTS, APART = Object.keys(TITLES).filter((name) => name !== "rank");
const UPWARDS = ["rank", "model", "source", "target", "track", "state"]; // how a first click sorts

class Table {
  constructor(element, columns, { board, onSort, onOpen }) {
    Object.assign(this, { element, columns, board, onOpen, body: element.tBodies[0], lines: new Map() });
    this.heads = columns.map((name) => {
      const button = h("button", { type: "button", disabled: !SORTS.includes(name) }, TITLES[name], h("i", { "aria-hidden": true }));
      button.addEventListener("click", () => onSort(name));
      return h("th", { scope: "col", class: `c-${name}`, role: "columnheader" }, button);
    });
    element.tHead.rows[0].append(...this.heads);
    this.body.addEventListener("click", (event) => this.open(event.target.closest("tr[data-id]")));
    this.body.addEventListener("keydown", (event) => this.key(event));
  }

  // Lines are made once for each metric: sorting and filtering only moves them.
  show(rows, { metric, sort }) {
    if (this.metric !== metric) this.lines.clear();
    this.metric = metric;
    this.domain = this.board.domain(metric);
    this.columns.forEach((name, i) => {
      if (name === sort.replace("-", "")) this.heads[i].setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
      else this.heads[i].removeAttribute("aria-sort");
    });
    const group = (row) => this.board.score(row, metric).group;
    this.body.replaceChildren(...rows.map((row, i) => {
      if (!this.lines.has(row)) this.lines.set(row, this.line(row));
      const line = this.lines.get(row);
      line.classList.toggle("starts", i > 0 && group(rows[i - 1]) !== group(row));
      line.tabIndex = i ? -1 : 0; // the Tab key finds the first, arrows the others
      return line;
    }));
    if (!rows.length) this.body.append(h("tr", { class: "none" }, h("td", {}, "No row fits these filters.")));
  }

  line(row) {
    const score = this.board.score(row, this.metric);
    return h("tr", { class: `${row.track} ${row.state}`, role: "row", "data-id": row.id },
      this.columns.map((name) => h("td", { class: `c-${name}`, role: "gridcell" }, this[name](row, score))));
  }

  // What the columns show.

  rank(row, { rank, rank_low: low, rank_high: high, of, group, why }) {
    if (!Number.isFinite(rank)) return h("span", { class: "faint", title: why || "not ranked" }, "–");
    if (of === 1) return h("small", { title: `Alone, nothing to compare with. Ranked among: ${group}` }, "alone");
    const range = low === high ? `${low}` : `${low}–${high}`;
    const title = `Rank ${rank} of ${of} by the mean; over seeds ${range} in 95 % of resamples. Ranked among: ${group}`;
    return h("span", { title }, h("b", {}, String(rank)), h("small", {}, low === high ? `of ${of}` : range), rankBar(low, high, of));
  }

  model({ model, note }) {
    return [h("b", { class: "clamp", title: model }, model), h("small", { class: "clamp", title: note }, note)];
  }

  source({ source }) {
    return breakable(source);
  }

  target({ source, target }) {
    return breakable(target, `${source} → `);
  }

  track({ track }) {
    return trackBadge(this.board, track);
  }

  after(row, score) {
    const { after, low, high, why } = score;
    if (!Number.isFinite(after)) return h("span", { class: "faint clamp", title: why }, why || "no value");
    const title = Number.isFinite(low) ? `95 % interval over seeds: ${number(low)} to ${number(high)}` : "no interval";
    return h("span", { class: "score", title }, h("b", {}, number(after)), scoreBar(score, this.domain));
  }

  before(row, { before, after }) {
    if (!Number.isFinite(before) || !Number.isFinite(after)) return h("span", { class: "faint" }, "–");
    return h("span", { class: "score" }, h("span", {}, number(before)), slope(before, after, this.domain));
  }

  gain(row, { gain, gain_low: low, gain_high: high }) {
    const range = Number.isFinite(low) ? `${signed(low)} to ${signed(high)}` : "";
    return h("span", { title: "After minus before, seed by seed: mean and 95 % interval" },
      h("b", {}, gainText(gain, this.board.direction(this.metric))), h("small", {}, range));
  }

  seeds({ seeds, state }) {
    const few = seeds < this.board.few && state !== "published";
    return h("span", {}, String(seeds), few ? h("span", { class: "badge few", title: `Fewer than ${this.board.few} seeds: intervals are rough` }, "few") : null);
  }

  state({ state }) {
    return stateMark(this.board, state);
  }

  why(row, { why }) {
    return h("small", { class: "clamp", title: why }, why);
  }

  key(event) {
    const line = event.target.closest("tr[data-id]");
    const next = { ArrowDown: line?.nextElementSibling, ArrowUp: line?.previousElementSibling,
      Home: this.body.firstElementChild, End: this.body.lastElementChild }[event.key];
    if (next) this.focus(next);
    else if (event.key === "Enter" || event.key === " ") this.open(line);
    else return;
    event.preventDefault();
  }

  open(line) {
    if (line) this.onOpen(line.dataset.id);
  }

  focus(line = this.body.querySelector("[tabindex='0']")) {
    for (const other of this.body.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    if (!line) return;
    line.tabIndex = 0;
    line.focus();
  }
}

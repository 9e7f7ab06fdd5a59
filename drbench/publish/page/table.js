// The table: only the rows in sight are in the document.

const HEADS = [
  ["rank", "Rank"], ["model", "Model"], ["source", "Source"], ["target", "Target"], ["track", "Images"],
  ["after", "Score"], ["before", "Before → after"], ["gain", "Gain"], ["seeds", "Seeds"], ["state", "Checked"],
];
const UPWARDS = ["rank", "model", "source", "target", "track", "state"]; // how a first click sorts
const SPARE = 6;

class Grid {
  constructor(board, { onSort, onOpen }) {
    this.board = board;
    this.onOpen = onOpen;
    this.box = document.getElementById("box");
    this.table = document.getElementById("grid");
    this.body = this.table.tBodies[0];
    this.rows = [];
    this.active = 0;
    this.heads = HEADS.map(([name, title]) => {
      const button = h("button", { type: "button", "data-sort": name }, title, h("i", { "aria-hidden": true }));
      button.addEventListener("click", () => onSort(name));
      return h("th", { scope: "col", class: `c-${name}`, role: "columnheader" }, button);
    });
    this.table.tHead.rows[0].append(...this.heads);
    this.box.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()), { passive: true });
    new ResizeObserver(() => this.draw()).observe(this.box);
    this.body.addEventListener("click", (event) => {
      const line = event.target.closest("tr[data-place]");
      if (!line) return;
      this.active = Number(line.dataset.place);
      onOpen(this.rows[this.active]);
    });
    this.body.addEventListener("keydown", (event) => this.key(event));
  }

  // Where the keyboard goes on from, if that row is in view.
  activate(row) {
    this.active = Math.max(0, this.rows.indexOf(row));
  }

  show(rows, view) {
    const moved = this.view && (this.view.metric !== view.metric || this.view.sort !== view.sort || rows.length !== this.rows.length);
    this.rows = rows;
    this.view = view;
    this.scores = this.board.scores(view.metric);
    if (moved) this.box.scrollTop = this.active = 0;
    const name = view.sort.replace("-", "");
    HEADS.forEach(([column], i) => {
      const sorted = column === name;
      if (sorted) this.heads[i].setAttribute("aria-sort", view.sort.startsWith("-") ? "descending" : "ascending");
      else this.heads[i].removeAttribute("aria-sort");
    });
    this.table.setAttribute("aria-rowcount", rows.length + 1);
    this.drawn = "";
    this.draw();
  }

  get rowHeight() {
    return parseFloat(getComputedStyle(this.table).getPropertyValue("--row"));
  }

  draw() {
    if (!this.view) return;
    const high = this.rowHeight;
    const first = Math.max(0, Math.floor(this.box.scrollTop / high) - SPARE);
    const last = Math.min(this.rows.length, Math.ceil((this.box.scrollTop + this.box.clientHeight) / high) + SPARE);
    const wanted = `${first} ${last} ${high}`;
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    const focused = this.body.contains(document.activeElement);
    const lines = [];
    for (let place = first; place < last; place++) lines.push(this.line(place));
    if (!this.rows.length) lines.push(h("tr", { class: "none" }, h("td", { colspan: HEADS.length }, "No row fits these filters.")));
    this.body.replaceChildren(space(first * high), ...lines, space((this.rows.length - last) * high));
    if (focused) this.focus();
  }

  line(place) {
    const row = this.rows[place];
    const { board, scores } = this;
    const published = board.text("state", row) === "published";
    const starts = place > 0 && scores.group[row] !== scores.group[this.rows[place - 1]];
    const classes = [board.text("track", row), published ? "published" : "", starts ? "starts" : ""].join(" ").trim();
    const cell = (name, ...children) => h("td", { class: `c-${name}`, role: "gridcell" }, ...children);
    return h("tr", { class: classes, role: "row", "data-place": place, "aria-rowindex": place + 2, tabindex: place === this.active ? 0 : -1 },
      cell("rank", this.rank(row)),
      cell("model", h("b", { title: board.text("model", row) }, board.text("model", row)), h("small", {}, board.text("note", row))),
      cell("source", breakable(board.text("source", row))),
      cell("target", breakable(board.text("target", row), `${board.text("source", row)} → `)),
      cell("track", trackBadge(board.text("track", row))),
      cell("after", this.score(row)),
      cell("before", this.before(row)),
      cell("gain", this.gain(row)),
      cell("seeds", this.seeds(row, published)),
      cell("state", stateMark(board.text("state", row))));
  }

  rank(row) {
    const { rank, rank_low: low, rank_high: high, of } = this.scores;
    if (rank[row] === null) {
      return h("span", { class: "faint", title: this.board.why(this.view.metric, row) || "not ranked" }, "–");
    }
    const among = `Ranked among: ${this.board.group(this.view.metric, row)}`;
    if (of[row] === 1) return h("small", { title: `Alone, nothing to compare with. ${among}` }, "alone");
    const range = low[row] === high[row] ? `${low[row]}` : `${low[row]}–${high[row]}`;
    const title = `Rank ${rank[row]} of ${of[row]} by the mean; over seeds ${range} in 95 % of resamples. ${among}`;
    return h("span", { title },
      h("b", {}, String(rank[row])), h("small", {}, low[row] === high[row] ? `of ${of[row]}` : range), rankBar(low[row], high[row], of[row]));
  }

  score(row) {
    const { after, low, high } = this.scores;
    if (!Number.isFinite(after[row])) return h("span", { class: "faint clamp why" }, this.board.why(this.view.metric, row) || "no value");
    const title = Number.isFinite(low[row]) ? `95 % interval over seeds: ${number(low[row])} to ${number(high[row])}` : "no interval";
    return h("span", { class: "score", title }, h("b", {}, number(after[row])), scoreBar(this.scores, row));
  }

  before(row) {
    const { before, after, domain } = this.scores;
    if (!Number.isFinite(before[row]) || !Number.isFinite(after[row])) return h("span", { class: "faint" }, "–");
    return h("span", { class: "change" }, h("span", {}, number(before[row])), slope(before[row], after[row], domain));
  }

  gain(row) {
    const { gain, gain_low: low, gain_high: high } = this.scores;
    if (!Number.isFinite(gain[row])) return h("span", { class: "faint" }, "–");
    const range = Number.isFinite(low[row]) ? `${signed(low[row])} to ${signed(high[row])}` : "";
    return h("span", { title: "Paired gain, mean over seeds, with its 95 % interval" }, h("b", {}, signed(gain[row])), h("small", {}, range));
  }

  seeds(row, published) {
    const seeds = this.board.columns.seeds[row];
    const few = seeds < this.board.few && !published;
    return h("span", {}, String(seeds), few ? h("span", { class: "badge few", title: `Fewer than ${this.board.few} seeds: intervals are rough` }, "few") : null);
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight) - 2);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.rows.length, End: this.rows.length };
    if (event.key in steps) {
      event.preventDefault();
      this.active = Math.min(Math.max(this.active + steps[event.key], 0), this.rows.length - 1);
      this.reveal();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.onOpen(this.rows[this.active]);
    }
  }

  reveal() {
    const high = this.rowHeight, head = this.table.tHead.offsetHeight, top = this.active * high;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    if (top + high + head > this.box.scrollTop + this.box.clientHeight) this.box.scrollTop = top + high + head - this.box.clientHeight;
    this.drawn = "";
    this.draw();
    this.focus();
  }

  focus() {
    this.body.querySelector(`tr[data-place="${this.active}"]`)?.focus({ preventScroll: true });
  }
}

function space(high) {
  const cell = h("td", { colspan: HEADS.length });
  cell.style.height = `${high}px`;
  return h("tr", { class: "space", "aria-hidden": true }, cell);
}

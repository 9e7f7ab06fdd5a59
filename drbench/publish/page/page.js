// What is shown lives in the address: every view is a link, and Back works.

const DIRECTIONS = { 1: "Higher is better", [-1]: "Lower is better: a gain is a minus", 0: "Nothing says which is better" };
const element = (id) => document.getElementById(id);

class Page {
  constructor(board) {
    this.board = board;
    this.defaults = { metric: Object.keys(board.metrics)[0], q: "", sort: "rank", row: "" };
    for (const name of FILTERS) this.defaults[name] = "";
    if (board.rows.some((row) => row.kind !== "transfer")) this.defaults.kind = "transfer";
    this.search = element("q");
    const acts = { board, onSort: (name) => this.sort(name), onOpen: (row) => this.go({ row }) };
    this.ranked = new Table(element("grid"), RANKED, acts);
    this.apart = new Table(element("apart-grid"), APART, acts);
    this.detail = new Detail(board, () => this.closed());
    this.fillSelects();
    this.listen();
    this.read();
  }

  fillSelects() {
    for (const name of ["metric", ...FILTERS]) {
      const options = name === "metric" ? Object.keys(this.board.metrics) : ["", ...new Set(this.board.rows.map((row) => row[name]))].sort();
      element(name).append(...options.map((value) => h("option", { value }, short(value) || "all")));
      element(name).addEventListener("change", () => this.go({ [name]: element(name).value }));
    }
  }

  listen() {
    this.search.addEventListener("input", () => this.go({ q: this.search.value }, true));
    addEventListener("popstate", () => this.read());
    addEventListener("hashchange", () => this.read());
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); this.search.focus(); }
      if (event.key === "ArrowDown" && document.activeElement === this.search) { event.preventDefault(); this.ranked.focus(); }
      if (event.key === "Escape" && document.activeElement === this.search) { this.search.value = ""; this.go({ q: "" }); }
    });
    element("reset").addEventListener("click", () => this.go({ ...this.defaults }));
    for (const kind of ["csv", "json", "bib"]) element(kind).addEventListener("click", () => download(this, kind));
  }

  // The address to the view; what the board does not know is left out.
  read() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const view = { ...this.defaults };
    for (const name of Object.keys(view)) if (asked.has(name)) view[name] = asked.get(name);
    if (!Object.hasOwn(this.board.metrics, view.metric)) view.metric = this.defaults.metric;
    if (!SORTS.includes(view.sort.replace("-", ""))) view.sort = "rank";
    this.show(view);
  }

  go(changes, quietly = false) {
    const view = { ...this.view, ...changes };
    const changed = Object.entries(view).filter(([name, value]) => value !== this.defaults[name]);
    const address = `#${new URLSearchParams(changed)}`;
    if (address !== (location.hash || "#")) history[quietly ? "replaceState" : "pushState"](null, "", address);
    this.show(view);
  }

  // The rows of a cell of one of the matrices, brought into sight.
  pick(changes) {
    this.go({ ...this.defaults, metric: this.view.metric, ...changes });
    element("shown").scrollIntoView({ block: "center" });
    this.ranked.focus();
  }

  // The browser gives the focus back to what opened a row; a row that a link opened gets it here.
  closed() {
    const id = this.view.row;
    if (id) this.go({ row: "" });
    if (document.activeElement.closest("main")) return;
    for (const table of [this.ranked, this.apart]) {
      const line = [...table.body.rows].find((other) => other.dataset.id === id);
      if (line) table.focus(line);
    }
  }

  sort(name) {
    const upwards = UPWARDS.includes(name) || (name !== "seeds" && this.board.direction(this.view.metric) < 0);
    const [first, other] = upwards ? [name, `-${name}`] : [`-${name}`, name];
    this.go({ sort: this.view.sort === first ? other : first });
  }

  show(view) {
    const before = this.view;
    this.view = view;
    if (!before || Object.keys(view).some((name) => name !== "row" && view[name] !== before[name])) this.refresh();
    const row = this.board.rows.find(({ id }) => id === view.row);
    if (row) this.detail.show(row, view.metric);
    else this.detail.hide();
  }

  refresh() {
    const { board, view } = this;
    for (const name of ["metric", ...FILTERS]) element(name).value = view[name];
    if (document.activeElement !== this.search) this.search.value = view.q;
    this.rows = board.select(view);
    const ranked = this.rows.filter((row) => board.isRanked(row)), apart = this.rows.filter((row) => !board.isRanked(row));
    this.ranked.show(ranked, view);
    this.apart.show(apart, view);
    element("apart").hidden = !apart.length;
    element("shown").textContent = `${this.rows.length.toLocaleString("en")} of ${count(board.rows.length, "row")}`;
    const [low, high] = board.domain(view.metric);
    element("reading").textContent = `${view.metric}: ${board.metrics[view.metric].title}. ${DIRECTIONS[board.direction(view.metric)]}; bars run from ${low} to ${high}.`;
    element("headline").replaceChildren(...headline(board, board.rankedGroups(view.metric, view)[0], view.metric));
    element("leaders").replaceChildren(...leaders(board, view, (changes) => this.go(changes)));
    element("gains").replaceChildren(...gainMatrices(board, ranked, view.metric, (changes) => this.pick(changes)));
  }
}

function download({ board, rows, view }, kind) {
  const lines = () => rows.map((row) => exported(board, row, view.metric));
  const [type, text] = {
    csv: () => ["text/csv", csv(lines())],
    json: () => ["application/json", JSON.stringify(lines(), null, 1)],
    bib: () => ["application/x-bibtex", board.bibtex],
  }[kind]();
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type })), download: `drbench.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function exported(board, row, metric) {
  const score = board.score(row, metric);
  return {
    id: row.id,
    ...Object.fromEntries([...FILTERS, "note", "seeds"].map((name) => [name, row[name]])),
    metric,
    rank: score.rank ?? null, rank_low: score.rank_low ?? null, rank_high: score.rank_high ?? null, rank_of: score.of ?? null,
    ...Object.fromEntries(NUMBERS.map((name) => [name, score[name] ?? null])),
    record: row.key ? `records/${row.key}.json` : "",
  };
}

function csv(lines) {
  if (!lines.length) return "";
  // A text that a spreadsheet would run as a formula is marked as text.
  const cell = (value) => (typeof value === "string" ? `"${value.replace(/^[\s\u200b-\u200f]*[=+\-@＝＋－＠]|^[\t\r\n]/, "'$&").replaceAll('"', '""')}"` : value ?? "");
  return [Object.keys(lines[0]), ...lines.map((line) => Object.values(line).map(cell))].map((line) => line.join(",")).join("\r\n") + "\r\n";
}

function start() {
  const board = new Board(JSON.parse(element("board").textContent));
  const page = board.rows.length ? new Page(board) : null;
  if (!page) document.body.classList.add("empty");
  element("cells").replaceChildren(...officialTable(board, { onOpen: (row) => page.go({ row }), onPick: (changes) => page.pick(changes) }));
  document.body.classList.add("ready");
}

start();

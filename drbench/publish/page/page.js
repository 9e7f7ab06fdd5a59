// What is shown lives in the address: every view is a link, and Back works.

const FILTERS = ["metric", "track", "kind", "source", "target", "model", "state"];

const DIRECTIONS = new Map([[true, "Higher is better"], [false, "Lower is better"], [null, "Nothing says which is better"]]);

class Page {
  constructor(board) {
    this.board = board;
    this.defaults = { metric: Object.keys(board.metrics)[0], q: "", sort: "rank", row: "" };
    for (const column of COLUMNS) this.defaults[column] = "";
    if (board.names.kind.length > 1) this.defaults.kind = "transfer";
    this.said = document.getElementById("said");
    this.search = document.getElementById("q");
    this.grid = new Grid(board, { onSort: (name) => this.sort(name), onOpen: (row) => this.go({ row: board.columns.id[row] }) });
    this.detail = new Detail(board, () => this.closed());
    this.fillSelects();
    this.listen();
    this.read();
  }

  fillSelects() {
    for (const name of FILTERS) {
      const select = document.getElementById(name);
      const options = name === "metric" ? Object.keys(this.board.metrics) : [...this.board.names[name]].sort();
      if (name !== "metric") select.append(h("option", { value: "" }, "all"));
      select.append(...options.map((value) => h("option", { value }, short(value))));
      select.addEventListener("change", () => this.go({ [name]: select.value }));
    }
  }

  listen() {
    let typed;
    this.search.addEventListener("input", () => { clearTimeout(typed); typed = setTimeout(() => this.go({ q: this.search.value }, true), 60); });
    addEventListener("popstate", () => this.read());
    addEventListener("hashchange", () => this.read());
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) { event.preventDefault(); this.search.focus(); }
      if (event.key === "ArrowDown" && document.activeElement === this.search) { event.preventDefault(); this.grid.focus(); }
      if (event.key === "Escape" && document.activeElement === this.search) { this.search.value = ""; this.go({ q: "" }); }
    });
    document.getElementById("reset").addEventListener("click", () => this.go({ ...this.defaults }));
    for (const kind of ["csv", "json", "bib"]) document.getElementById(kind).addEventListener("click", () => download(this, kind));
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
    document.getElementById("said").scrollIntoView({ block: "center" });
    this.grid.focus();
  }

  // The browser gives the focus back to what opened the row; a table drawn anew has forgotten it.
  closed() {
    if (this.view.row) this.go({ row: "" });
    if (!document.activeElement.closest("main")) this.grid.focus();
  }

  sort(name) {
    const first = UPWARDS.includes(name) || (name !== "seeds" && !this.board.higher(this.view.metric)) ? name : `-${name}`;
    const other = first.startsWith("-") ? name : `-${name}`;
    this.go({ sort: this.view.sort === first ? other : first });
  }

  show(view) {
    const before = this.view;
    this.view = view;
    if (!before || Object.keys(view).some((name) => name !== "row" && view[name] !== before[name])) this.refresh();
    const row = view.row ? this.board.columns.id.indexOf(view.row) : -1;
    if (row < 0) return this.detail.hide();
    this.grid.activate(row);
    return this.detail.show(row, view.metric);
  }

  refresh() {
    const { board, view } = this;
    for (const name of FILTERS) document.getElementById(name).value = view[name];
    if (document.activeElement !== this.search) this.search.value = view.q;
    this.rows = board.select(view);
    this.grid.show(this.rows, view);
    this.said.textContent = `${this.rows.length.toLocaleString("en")} of ${count(board.length, "row")}`;
    const { domain } = board.scores(view.metric);
    document.getElementById("reading").textContent = `${view.metric}: ${board.metrics[view.metric].title}. ${DIRECTIONS.get(board.metrics[view.metric].higher)}; bars run from ${domain[0]} to ${domain[1]}.`;
    const groups = board.groups(view.metric, view);
    document.getElementById("headline").replaceChildren(...headline(board, groups[0], view.metric));
    document.getElementById("leaders").replaceChildren(...leaders(board, view, (changes) => this.go(changes)));
    clearTimeout(this.later); // below the fold, and not what was asked for first
    this.later = setTimeout(() => document.getElementById("gains").replaceChildren(
      ...gainMatrices(board, this.rows, view.metric, (changes) => this.pick(changes))), 0);
  }
}

function download(page, kind) {
  const { board, rows, view } = page;
  const types = { csv: "text/csv", json: "application/json", bib: "application/x-bibtex" };
  const texts = { csv: () => csv(board, rows, view.metric), json: () => JSON.stringify(table(board, rows, view.metric), null, 1), bib: () => board.bibtex };
  const link = h("a", { href: URL.createObjectURL(new Blob([texts[kind]()], { type: types[kind] })), download: `drbench.${kind}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function table(board, rows, metric) {
  const scores = board.scores(metric);
  const finite = (value) => (Number.isFinite(value) ? value : null);
  return rows.map((row) => ({
    id: board.columns.id[row],
    ...Object.fromEntries([...COLUMNS, "note"].map((column) => [column, board.text(column, row)])),
    seeds: board.columns.seeds[row], metric,
    rank: scores.rank[row], rank_low: scores.rank_low[row], rank_high: scores.rank_high[row], rank_of: scores.of[row],
    ...Object.fromEntries(SCORES.map((name) => [name, finite(scores[name][row])])),
    record: board.columns.key[row] ? `records/${board.columns.key[row]}.json` : "",
  }));
}

function csv(board, rows, metric) {
  const lines = table(board, rows, metric);
  if (!lines.length) return "";
  // A text that a spreadsheet would run as a formula is marked as text.
  const cell = (value) => (typeof value === "string" ? `"${value.replace(/^[\s\u200b-\u200f]*[=+\-@＝＋－＠]|^[\t\r\n]/, "'$&").replaceAll('"', '""')}"` : value ?? "");
  return [Object.keys(lines[0]), ...lines.map((line) => Object.values(line).map(cell))].map((line) => line.join(",")).join("\r\n") + "\r\n";
}

async function start() {
  const [packed, chunkOf] = await Promise.all(["board", "chunk-of"].map((id) => unpack(document.getElementById(id))));
  const board = new Board(packed, chunkOf);
  const page = board.length ? new Page(board) : null;
  if (!page) document.body.classList.add("empty");
  document.getElementById("cells").replaceChildren(...officialTable(board, {
    onOpen: (row) => page.go({ row: board.columns.id[row] }),
    onPick: (changes) => page.pick(changes),
  }));
  performance.mark("shown");
  document.body.classList.add("ready");
}

start().catch((error) => {
  document.getElementById("headline").textContent = "This browser cannot unpack the page; leaderboard.json beside it holds the same numbers.";
  throw error;
});

// What the page knows. Scores travel as whole ten-thousandths in columns; null is a missing value.

const COLUMNS = ["track", "kind", "source", "target", "model", "state"];
const SCORES = ["after", "low", "high", "before", "gain", "gain_low", "gain_high", "reference", "chance"];
const SORTS = ["rank", "model", "source", "target", "track", "after", "before", "gain", "seeds", "state"];

async function unpack(node) {
  const text = atob(node.textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

function unscaled(values) {
  const numbers = new Float64Array(values.length);
  for (let i = 0; i < numbers.length; i++) numbers[i] = values[i] === null ? NaN : values[i] / 1e4;
  return numbers;
}

class Board {
  // `chunkOf` says which chunk holds the details of each row; -1 for none.
  constructor(packed, chunkOf) {
    const { metrics, names, columns, scores, few, bibtex, official } = packed;
    Object.assign(this, { metrics, names, columns, packed: scores, few, bibtex, official, chunkOf });
    this.length = columns.id.length;
    this.decoded = new Map();
    this.chunks = new Map();
  }

  text(column, row) {
    return this.names[column][this.columns[column][row]];
  }

  // Scores of one metric, as numbers; NaN where there is none.
  scores(metric) {
    if (!this.decoded.has(metric)) {
      const packed = this.packed[metric];
      const scores = { rank: packed.rank, rank_low: packed.rank_low, rank_high: packed.rank_high, of: packed.of, group: packed.group };
      for (const name of SCORES) scores[name] = unscaled(packed[name]);
      scores.domain = domainOf([scores.after, scores.low, scores.high, scores.before, scores.chance]);
      this.decoded.set(metric, scores);
    }
    return this.decoded.get(metric);
  }

  // What the row is ranked among, in words.
  group(metric, row) {
    return this.names.group[this.packed[metric].group[row]];
  }

  // The part of that which neither track, kind nor target says.
  settings(metric, row) {
    return this.names.settings[this.packed[metric].settings[row]];
  }

  why(metric, row) {
    return this.names.why[this.packed[metric].why[row]];
  }

  // Unless a metric says otherwise, high scores are looked for first.
  higher(metric) {
    return this.metrics[metric].higher !== false;
  }

  // Details of a row, or null where the page had no room for them.
  async details(row) {
    const chunk = this.chunkOf[row];
    if (chunk < 0) return null;
    if (!this.chunks.has(chunk)) {
      this.chunks.set(chunk, await unpack(document.getElementById(`chunk-${chunk}`)));
    }
    return this.chunks.get(chunk)[row];
  }

  // Rows that a view shows, in its order.
  select(view) {
    return this.sorted(this.filtered(view), view.metric, view.sort);
  }

  filtered(view) {
    const tests = COLUMNS.filter((column) => view[column]).map((column) => {
      const code = this.names[column].indexOf(view[column]);
      return [this.columns[column], (other) => other === code];
    });
    const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
    // Names are few and rows are many: each word is looked for among the names, once.
    const found = words.map((word) => ["track", "source", "target", "model", "state", "note"].map((column) => [
      this.columns[column],
      Uint8Array.from(this.names[column], (name) => name.toLowerCase().includes(word)),
    ]));
    const rows = [];
    for (let row = 0; row < this.length; row++) {
      if (!tests.every(([codes, fits]) => fits(codes[row]))) continue;
      const id = this.columns.id[row];
      if (found.every((columns, i) => id.startsWith(words[i]) || columns.some(([codes, hit]) => hit[codes[row]]))) rows.push(row);
    }
    return rows;
  }

  sorted(rows, metric, sort) {
    const down = sort.startsWith("-");
    const name = down ? sort.slice(1) : sort;
    if (name === "rank") return rows.sort(this.inBoardOrder(metric, down ? -1 : 1));
    const key = this.sortKey(metric, name);
    const sign = down ? -1 : 1;
    return rows.sort((a, b) => {
      const x = key[a], y = key[b];
      if (x !== x || y !== y) return (x !== x) - (y !== y) || a - b; // what is missing comes last, either way
      return sign * (x - y) || a - b;
    });
  }

  sortKey(metric, name) {
    if (SCORES.includes(name)) return this.scores(metric)[name];
    if (name === "seeds") return this.columns.seeds;
    const order = this.alphabetical(name);
    return this.columns[name].map((code) => order[code]);
  }

  alphabetical(name) {
    const names = this.names[name];
    const order = new Int32Array(names.length);
    const codes = names.map((_, code) => code).sort((a, b) => (names[a] < names[b] ? -1 : 1));
    codes.forEach((code, place) => { order[code] = place; });
    return order;
  }

  // Transfers before sources, official before rendered, what the official table asks for before
  // whole targets and these before cut ones, target by target, best first.
  inBoardOrder(metric, sign) {
    const { rank, group } = this.scores(metric);
    const { track, kind } = this.columns;
    const tracks = this.alphabetical("track"), targets = this.alphabetical("target");
    const target = this.columns.target.map((code) => targets[code]);
    const transfer = this.names.kind.indexOf("transfer");
    const tiers = this.tiers(metric);
    return (a, b) => (kind[a] !== transfer) - (kind[b] !== transfer)
      || tracks[track[a]] - tracks[track[b]] || tiers[a] - tiers[b] || target[a] - target[b] || group[a] - group[b]
      || (rank[a] === null) - (rank[b] === null) || sign * (rank[a] - rank[b]) || a - b;
  }

  // The best tier of each row's group: rows of other sources do not leave it.
  tiers(metric) {
    const { group } = this.scores(metric);
    const best = new Map();
    this.columns.tier.forEach((tier, row) => best.set(group[row], Math.min(tier, best.get(group[row]) ?? tier)));
    return this.columns.tier.map((tier, row) => (this.group(metric, row) ? best.get(group[row]) : tier));
  }

  // Ranked rows by what they are ranked among, whole groups of which any row is in view.
  // Official ones first, of these the official table's, then whole targets, then the largest:
  // a crowd on a target that is cut down shall not stand before what the protocol asks for.
  groups(metric, view) {
    const { rank, group } = this.scores(metric);
    const groups = new Map();
    for (let row = 0; row < this.length; row++) {
      if (rank[row] === null) continue;
      if (!groups.has(group[row])) groups.set(group[row], []);
      groups.get(group[row]).push(row);
    }
    const fits = (row) => ["track", "kind", "target"].every((c) => !view[c] || view[c] === this.text(c, row));
    const ranked = [...groups.values()].filter((rows) => rows.some(fits));
    for (const rows of ranked) rows.sort((a, b) => rank[a] - rank[b] || a - b);
    const official = (rows) => this.text("track", rows[0]) === "official";
    const transfer = (rows) => this.text("kind", rows[0]) === "transfer";
    const tiers = this.tiers(metric);
    return ranked.sort((a, b) => official(b) - official(a) || tiers[a[0]] - tiers[b[0]] || transfer(b) - transfer(a) || b.length - a.length || a[0] - b[0]);
  }
}

// A round scale that holds all numbers, and zero.
function domainOf(columns) {
  let low = 0, high = 0;
  for (const column of columns) {
    for (const value of column) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const step = 10 ** Math.floor(Math.log10(Math.max(high - low, 1e-3)));
  const fine = (high - low) / step < 4 ? step / 5 : step;
  const rounded = (value) => Number(value.toPrecision(6));
  return [rounded(Math.floor(low / fine + 1e-9) * fine), rounded(Math.ceil(high / fine - 1e-9) * fine || 1)];
}

function mean(values) {
  return values.some((value) => value === null) || !values.length ? NaN : values.reduce((a, b) => a + b, 0) / values.length;
}

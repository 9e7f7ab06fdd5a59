// The board as the page carries it: rows with a score for each metric; null is a missing value.

const FILTERS = ["track", "kind", "source", "target", "model", "state"];
const NUMBERS = ["after", "low", "high", "before", "gain", "gain_low", "gain_high", "reference", "chance"];
const NO_SCORE = { group: "", settings: "", why: "not scored" };

class Board {
  constructor(content) {
    Object.assign(this, content); // rows, metrics, official, tracks, states, few, bibtex
    this.grouped = new Map();
  }

  score(row, metric) {
    return Object.hasOwn(row.scores, metric) ? row.scores[metric] : NO_SCORE;
  }

  isRanked(row) {
    return Object.values(row.scores).some(({ rank }) => rank !== null);
  }

  // 1 where higher is better, -1 where lower is, 0 where nothing says.
  direction(metric) {
    return { true: 1, false: -1, null: 0 }[this.metrics[metric].higher];
  }

  // A round scale for all scores of a metric.
  domain(metric) {
    return domainOf(this.rows.flatMap((row) => {
      const { after, low, high, before, chance } = this.score(row, metric);
      return [after, low, high, before, chance];
    }));
  }

  // All rows by what they are ranked among, the best of each group first: official groups before
  // rendered ones, transfers before sources, what the official table asks for before whole targets
  // and these before cut ones, so that a crowd on a small target stands before nothing.
  groups(metric) {
    if (!this.grouped.has(metric)) {
      const tracks = Object.keys(this.tracks);
      const group = (row) => this.score(row, metric).group;
      const groups = [...Map.groupBy(this.rows, group).values()];
      for (const rows of groups) rows.sort(by((row) => this.score(row, metric).rank));
      this.grouped.set(metric, groups.sort(inTurn(
        by(([row]) => group(row) === ""),
        by(([row]) => tracks.indexOf(row.track)),
        by(([row]) => row.kind !== "transfer"),
        by((rows) => Math.min(...rows.map((row) => row.tier))),
        by(([row]) => row.target),
        by(([row]) => group(row)))));
    }
    return this.grouped.get(metric);
  }

  // Ranked rows of each group, whole groups of which any row is in view.
  rankedGroups(metric, view) {
    const fits = (row) => ["track", "kind", "target"].every((name) => !view[name] || view[name] === row[name]);
    const ranked = (row) => Number.isFinite(this.score(row, metric).rank);
    return this.groups(metric).map((rows) => rows.filter(ranked)).filter((rows) => rows.some(fits));
  }

  // Rows that a view shows, in its order.
  select(view) {
    const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (row) => [row.track, row.source, row.target, row.model, row.state, row.note].join("\n").toLowerCase();
    return this.sorted(view).filter((row) => FILTERS.every((name) => !view[name] || view[name] === row[name])
      && words.every((word) => row.id.startsWith(word) || text(row).includes(word)));
  }

  sorted({ metric, sort }) {
    const [name, sign] = sort.startsWith("-") ? [sort.slice(1), -1] : [sort, 1];
    const value = (row) => (name in row ? row[name] : this.score(row, metric)[name]);
    if (name === "rank") return this.groups(metric).flatMap((rows) => [...rows].sort(by(value, sign)));
    return this.groups(metric).flat().sort(by(value, sign));
  }
}

// Orders by one value, upwards or downwards; what is missing comes last either way.
function by(value, sign = 1) {
  return (a, b) => {
    const x = value(a) ?? null, y = value(b) ?? null;
    if (x === y) return 0;
    if (x === null || y === null) return x === null ? 1 : -1;
    return x < y ? -sign : sign;
  };
}

function inTurn(...comparisons) {
  return (a, b) => comparisons.reduce((order, compare) => order || compare(a, b), 0);
}

// A round scale that holds all numbers, and zero.
function domainOf(values) {
  let low = 0, high = 0;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const step = 10 ** Math.floor(Math.log10(Math.max(high - low, 1e-3)));
  const fine = (high - low) / step < 4 ? step / 5 : step;
  const rounded = (value) => Number(value.toPrecision(6));
  return [rounded(Math.floor(low / fine + 1e-9) * fine), rounded(Math.ceil(high / fine - 1e-9) * fine || 1)];
}

function mean(values) {
  return values.length && values.every(Number.isFinite) ? values.reduce((a, b) => a + b, 0) / values.length : null;
}

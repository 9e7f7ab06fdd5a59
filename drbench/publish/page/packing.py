"""What the page carries: compressed columns of names and numbers, and details while they fit."""

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, final

NAMED = ("track", "kind", "source", "target", "model", "state", "note")
"""Columns of a row that hold few different texts."""
SCALED = (
    "after",
    "low",
    "high",
    "before",
    "gain",
    "gain_low",
    "gain_high",
    "reference",
    "chance",
)
"""Numbers of a score, shown with four decimals at most."""
RANKS = ("rank", "rank_low", "rank_high", "of")
CHUNK = 50
"""Rows whose details are unpacked together."""


@final
@dataclass(frozen=True, kw_only=True)
class PageScore:
    """What the table shows of one metric of a row; None where there is nothing."""

    after: float | None = None
    low: float | None = None
    high: float | None = None
    before: float | None = None
    gain: float | None = None
    gain_low: float | None = None
    gain_high: float | None = None
    reference: float | None = None
    chance: float | None = None
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    of: int | None = None
    """Ranked rows of the group."""
    group: str = ""
    """What it is ranked among, in words."""
    settings: str = ""
    """The part of it that neither track, kind nor target says."""
    why: str = ""
    """Why there is no value or no rank."""


@final
@dataclass(frozen=True, kw_only=True)
class PageRow:
    """What the page knows of a row."""

    id: str
    """Short, unique on the board: permalinks name it."""
    key: str
    """Key of its first record; empty where there is none."""
    track: str
    kind: str
    source: str
    target: str
    """With what it is cut down to."""
    tier: int
    """0 for what the official table asks for, 1 for a whole target, 2 for one that is cut."""
    model: str
    state: str
    note: str
    """What tells it from other rows of the same model: budget and settings."""
    seeds: int
    scores: dict[str, PageScore]
    details: dict[str, Any] = field(default_factory=dict)
    """All that is shown when it is opened."""


def packed_columns(rows: Sequence[PageRow], metrics: Sequence[str]) -> dict[str, Any]:
    """Names as codes into lists of names, scores as whole ten-thousandths."""
    names: dict[str, list[str]] = {}
    columns: dict[str, list[Any]] = {
        "id": [row.id for row in rows],
        "key": [row.key for row in rows],
        "seeds": [row.seeds for row in rows],
        "tier": [row.tier for row in rows],
    }
    for name in NAMED:
        names[name], columns[name] = _coded(getattr(row, name) for row in rows)
    blank = PageScore(why="not scored")
    scores: dict[str, dict[str, list[Any]]] = {}
    texts: dict[str, list[str]] = {"why": [], "group": [], "settings": []}
    for metric in metrics:
        cells = [row.scores.get(metric, blank) for row in rows]
        scores[metric] = {name: [_whole(getattr(c, name)) for c in cells] for name in SCALED}
        scores[metric] |= {name: [getattr(c, name) for c in cells] for name in RANKS}
        for name, column in texts.items():
            column += [getattr(cell, name) for cell in cells]
    for name, column in texts.items():
        names[name], codes = _coded(column)
        for place, metric in enumerate(metrics):
            scores[metric][name] = codes[place * len(rows) : (place + 1) * len(rows)]
    return {"names": names, "columns": columns, "scores": scores}


def packed_details(rows: Sequence[PageRow], room: int) -> tuple[list[str], list[int]]:
    """Details in chunks, of as many rows as fit.

    Returns
    -------
    chunks : list of str
        Each what `compressed` makes of {row: details}.
    chunk_of : list of int
        Chunk of each row; -1 for a row without.
    """
    chunks: list[str] = []
    chunk_of = [-1] * len(rows)
    for places in _batches(sorted(range(len(rows)), key=lambda place: _best_rank(rows[place]))):
        chunk = compressed({str(place): rows[place].details for place in places})
        room -= len(chunk)
        if room < 0:
            break
        for place in places:
            chunk_of[place] = len(chunks)
        chunks.append(chunk)
    return chunks, chunk_of


def compressed(value: Any) -> str:
    """JSON, gzip, base64: letters that mean nothing in HTML."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # A higher level takes twice as long for 2 % less.
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=6, mtime=0)).decode()


def _best_rank(row: PageRow) -> tuple[int, int]:
    """Published rows first, which have no record; then by rank, and what is unranked last."""
    if row.state == "published":
        return 0, 0
    ranks = [score.rank for score in row.scores.values() if score.rank is not None]
    return min(ranks, default=2**31), sum(ranks)


def _batches(places: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(places), CHUNK):
        yield places[start : start + CHUNK]


def _coded(texts: Iterable[str]) -> tuple[list[str], list[int]]:
    codes: dict[str, int] = {}
    column = [codes.setdefault(text, len(codes)) for text in texts]
    return list(codes), column


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value * 10_000)


def rounded(values: Iterable[float | None]) -> list[float | None]:
    """Values with the decimals that a page shows."""
    return [None if value is None else round(value, 4) for value in values]

"""What the page shows, piece by piece; the page carries it as JSON."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final


@final
@dataclass(frozen=True, kw_only=True)
class PageScore:
    """What the table shows of one metric of a row; None where there is nothing."""

    after: float | None = None
    low: float | None = None
    high: float | None = None
    before: float | None = None
    gain: float | None = None
    """After minus before, also where lower is better."""
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
    """What the row is ranked among, in words."""
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
    """SUBMITTER/KEY of its first record; empty where there is none."""
    track: str
    """A name of `TRACKS`."""
    kind: str
    source: str
    target: str
    """With what it is cut down to."""
    tier: int
    """0 for what the official table asks for, 1 for a whole target, 2 for one that is cut."""
    model: str
    state: str
    """A name of `STATES`."""
    note: str
    """What tells it from other rows of the same model: budget and settings."""
    seeds: int
    scores: Mapping[str, PageScore]
    """By metric. A row without a rank in any of them is listed apart."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """All that is shown when it is opened."""


@final
@dataclass(frozen=True)
class PageMetric:
    """What readers must know of a metric to read a score."""

    title: str
    higher: bool | None
    """Whether higher is better; None if nothing says."""


@final
@dataclass(frozen=True)
class PageCell:
    """A cell of the official table: how far it is, and what fills it."""

    source: str
    target: str
    model: str
    setting: str
    """What tells it from other cells of the same model."""
    wanted: int
    """Seeds that fill it."""
    verified: int
    """Seeds that the keeper of the board has trained."""
    waiting: int
    """Seeds on the board that nobody has."""
    commands: tuple[str, ...]
    """What fills it, to be run in this order; empty if it is full."""


@final
@dataclass(frozen=True, kw_only=True)
class PageContent:
    """All that a page is made of."""

    rows: Sequence[PageRow]
    """In the order of the board."""
    metrics: Mapping[str, PageMetric]
    """By name; the first is shown first."""
    ranking: str
    """The rule of ranks, in words."""
    few: int
    """Seeds below which a row bears a badge."""
    schema_version: str
    """Of leaderboard.json."""
    records: int
    """How many the board has."""
    official: Sequence[PageCell] = ()
    """The official table, row by row."""
    bibtex: str = ""


def rounded(values: Iterable[float | None]) -> list[float | None]:
    """Values with the decimals that a page shows."""
    return [None if value is None else round(value, 4) for value in values]

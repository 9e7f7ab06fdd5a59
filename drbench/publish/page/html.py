"""The page's one file: template, style, script and data put together."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import final

from drbench._version import __version__
from drbench.publish.page.packing import (
    PageRow,
    compressed,
    packed_columns,
    packed_details,
)

LARGEST = 5_000_000
"""Bytes of a page; what does not fit of the details is left to the records."""
_SCRIPTS = ("data.js", "draw.js", "table.js", "detail.js", "overview.js", "page.js")
_FRAME = 2_000  # room for the tags around the chunks


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
    """Seeds that others have checked."""
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
    metrics: dict[str, PageMetric]
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


def page_html(content: PageContent, largest: int = LARGEST) -> str:
    """The page as text: one file, no request, at most `largest` bytes while names are few.

    Details of the best ranked rows are inside it as long as there is room; the other rows point at
    their records.
    """
    base = packed_columns(content.rows, list(content.metrics)) | {
        "metrics": {m: {"title": v.title, "higher": v.higher} for m, v in content.metrics.items()},
        "few": content.few,
        "bibtex": content.bibtex,
        "official": [asdict(cell) for cell in content.official],
    }
    board = compressed(base)
    room = largest - _FRAME - len(_filled(content, board, "", []).encode())
    room -= 3 * len(content.rows)  # the chunk of each row
    chunks, chunk_of = packed_details(content.rows, room)
    return _filled(content, board, compressed(chunk_of), chunks)


def _filled(content: PageContent, board: str, chunk_of: str, chunks: list[str]) -> str:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script, style = "\n".join(map(_beside, _SCRIPTS)), _beside("page.css")
    return environment.from_string(_beside("page.html.j2")).render(
        # Our own files are markup; whatever comes from a board is escaped by the template.
        script=Markup(script),  # noqa: S704
        script_hash=_digest(script),
        style=Markup(style),  # noqa: S704
        style_hash=_digest(style),
        board=board,
        chunk_of=chunk_of,
        chunks=chunks,
        official=_track(content.rows, "official"),
        rendered=_track(content.rows, "rendered"),
        cells=len(content.official),
        empty=sum(not cell.verified for cell in content.official),
        full=sum(cell.verified >= cell.wanted for cell in content.official),
        ranking=content.ranking,
        few=content.few,
        records=f"{content.records:,}",
        schema_version=content.schema_version,
        version=__version__,
    )


def _track(rows: Sequence[PageRow], track: str) -> str:
    """What there is on a track, in a sentence."""
    own = [row for row in rows if row.track == track and row.state != "published"]
    ranked = sum(any(score.rank for score in row.scores.values()) for row in own)
    published = sum(row.track == track and row.state == "published" for row in rows)
    many = "" if len(own) == 1 else "s"
    said = f"{len(own):,} row{many}, {ranked:,} ranked" if own else "no results yet"
    return f"{said}, {published:,} published but not reproduced." if published else f"{said}."


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")

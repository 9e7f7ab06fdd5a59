"""The page's one file: template, style, script and data put together."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from drbench._version import __version__
from drbench.publish.page.legend import STATES, TRACKS
from drbench.publish.page.parts import PageContent, PageRow

_SCRIPTS = ("data.js", "draw.js", "table.js", "detail.js", "overview.js", "page.js")


def page_html(content: PageContent) -> str:
    """The page as text: one file that asks for no other."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script, style = "\n".join(map(_beside, _SCRIPTS)), _beside("page.css")
    board = {
        "rows": content.rows,
        "metrics": content.metrics,
        "official": content.official,
        "few": content.few,
        "bibtex": content.bibtex,
        "tracks": TRACKS,
        "states": STATES,
    }
    return environment.from_string(_beside("page.html.j2")).render(
        # Our own files are markup; whatever comes from a board is escaped: by the template, and as
        # JSON in which nothing can end the element around it.
        script=Markup(script),  # noqa: S704
        script_hash=_digest(script),
        style=Markup(style),  # noqa: S704
        style_hash=_digest(style),
        board=Markup(_json(board)),  # noqa: S704
        tracks=[(name, *words, _count(content, name)) for name, words in TRACKS.items()],
        states=STATES,
        cells=len(content.official),
        empty=sum(not cell.verified for cell in content.official),
        full=sum(cell.verified >= cell.wanted for cell in content.official),
        ranking=content.ranking,
        few=content.few,
        records=f"{content.records:,}",
        schema_version=content.schema_version,
        version=__version__,
    )


def _json(value: Any) -> str:
    text = json.dumps(value, default=vars, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _count(content: PageContent, track: str) -> str:
    """How much there is on a track, in words; empty if there is nothing."""
    rows = [row for row in content.rows if row.track == track]
    reproduced = [row for row in rows if row.state != "published"]
    words = []
    if reproduced:
        many = "" if len(reproduced) == 1 else "s"
        words.append(f"{len(reproduced):,} row{many}, {sum(map(_is_ranked, rows)):,} ranked")
    if published := len(rows) - len(reproduced):
        words.append(f"{published:,} published but not reproduced")
    return ", ".join(words)


def _is_ranked(row: PageRow) -> bool:
    return any(score.rank for score in row.scores.values())


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _beside(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")

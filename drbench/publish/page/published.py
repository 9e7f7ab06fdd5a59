"""What the page shows of a row of a paper."""

from collections import defaultdict
from typing import Any

from drbench.board.board import Published, PublishedLine
from drbench.board.rows import OFFICIAL_TABLE
from drbench.publish.page.parts import PageRow, PageScore, rounded


def published_row(row: Published) -> PageRow:
    """A row with what was published of it, and no record."""
    lines: defaultdict[str, list[PublishedLine]] = defaultdict(list)
    for line in row.lines:
        lines[line.metric].append(line)
    scores = {
        line.metric: PageScore(
            before=line.before,
            gain=line.gain,
            after=round(line.before + line.gain, 4),
            why=row.label,
        )
        for line in row.lines
        if line.part is None
    }
    return PageRow(
        id=f"published-{row.source}-{row.target}",
        key="",
        track="official",
        kind="transfer",
        source=row.source,
        target=row.target,
        tier=OFFICIAL_TABLE,
        model=row.model,
        state="published",
        note=row.label,
        seeds=row.n_models,
        scores={metric: PageScore(why="only parts of it were published") for metric in lines}
        | scores,
        details={
            "factors": [],
            "metrics": {metric: _cell(of_it) for metric, of_it in lines.items()},
            "warnings": [f"Published, not reproduced here, and never ranked: {row.citation}"],
            "facts": [("models averaged", str(row.n_models))],
            "runs": [],
        },
    )


def _cell(lines: list[PublishedLine]) -> dict[str, Any]:
    whole = [line for line in lines if line.part is None]
    empty: dict[str, Any] = {"before": None, "after": []}
    return (_means(whole[0].before, whole[0].gain) if whole else empty) | {
        "parts": [(line.name, _means(line.before, line.gain)) for line in lines if line.part],
        "factors": [
            (name, _means(*pair)) for line in whole for name, pair in line.per_factor.items()
        ],
        "notes": [line.name for line in whole],
        "matrix": None,
    }


def _means(before: float, gain: float) -> dict[str, list[float | None]]:
    return {"before": rounded([before]), "after": rounded([before + gain])}

"""Made-up content of a page, numbers of no run, and what tests read off a page."""

import dataclasses
import functools
import random
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from drbench.files import sha256_text
from drbench.publish.page.parts import PageCell, PageContent, PageMetric, PageRow, PageScore

METRICS = {
    name: PageMetric(title=f"Title of {name}", higher=name != "cost")
    for name in ("omes", "dci", "mig", "gbt", "gbt_pruned", "cost")
}
MODELS = ("ada_gvae", "gvae", "beta_vae", "ae")
PAIRS = (("color_dsprites", "shapes3d"), ("shapes3d", "isaac3d"), ("dsprites", "coil100"))
FACTORS = ["shape", "scale", "pos_x", "pos_y", "color", "wall"]
SEEDS = 5
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1360, "height": 900}


def make_content(n: int, **changes: Any) -> PageContent:
    """`n` rows, ranked within their target; isaac3d's are official."""
    rng = random.Random(0)
    rows = [_row(place, rng) for place in range(n)]
    fields: dict[str, Any] = {
        "rows": rows,
        "metrics": METRICS,
        "ranking": "By the mean.",
        "few": 5,
        "schema_version": "1.0",
        "records": n * SEEDS,
        "bibtex": "@misc{made_up,\n  title = {Nothing}\n}\n",
    }
    return PageContent(**(fields | changes))


def _row(place: int, rng: random.Random) -> PageRow:
    source, target = PAIRS[place // len(MODELS) % len(PAIRS)]
    step = len(MODELS) * len(PAIRS)
    rank = place // step * len(MODELS) + place % len(MODELS) + 1
    scores = {}
    for metric in METRICS:
        old = rng.uniform(0.0, 0.2)
        # A better rank has a better mean in every metric where higher is better.
        mean = 0.9 / (1 + rank / 20) + rng.uniform(0, 1e-3)
        scores[metric] = PageScore(
            after=mean, low=mean - 0.02, high=mean + 0.02, before=old, gain=mean - old,
            gain_low=mean - old - 0.03, gain_high=mean - old + 0.03, reference=0.95, chance=0.02,
            rank=rank, rank_low=max(1, rank - 1), rank_high=rank + 1, of=rank + 1,
            group=f"{target} and the like",
        )  # fmt: skip
    return PageRow(
        id=sha256_text(str(place))[:12],
        key=_keys(place)[0],
        track="official" if target == "isaac3d" else "rendered",
        kind="transfer",
        source=source,
        target=target,
        tier=0 if target == "isaac3d" else 1,
        model=MODELS[place % len(MODELS)],
        state="re-encoded",
        note=f"{100 * (place % 7)} steps",
        seeds=SEEDS,
        scores=scores,
        details=_details(place % 100),
    )


def _keys(place: int) -> list[str]:
    return [sha256_text(f"{place} {seed}") for seed in range(SEEDS)]


@functools.cache
def _details(place: int) -> dict[str, Any]:
    rng = random.Random(place)
    metrics = {}
    for metric in METRICS:
        quantity = {
            "before": [round(rng.uniform(0.0, 0.2), 4) for _ in range(SEEDS)],
            "after": [round(rng.uniform(0.3, 0.5), 4) for _ in range(SEEDS)],
        }
        metrics[metric] = quantity | {
            "interval": [0.38, 0.42],
            "parts": [],
            "factors": [[name, quantity] for name in FACTORS],
            "notes": ["2,000 rows"],
            "matrix": [[round(rng.random(), 3) for _ in FACTORS] for _ in range(10)],
        }
    return {
        "factors": FACTORS,
        "metrics": metrics,
        "warnings": ["A small sample."],
        "facts": [["plugin", "drbench 0"]],
        "runs": [
            {"record": f"somebody/{key}", "seeds": str(seed), "checked": "re-encoded"}
            for seed, key in enumerate(_keys(place))
        ],
        "counted": SEEDS,
    }


def make_cell(**changes: Any) -> PageCell:
    """A cell of the official table with one of five seeds."""
    fields: dict[str, Any] = {
        "source": "shapes3d", "target": "isaac3d", "model": "ada_gvae", "setting": "beta 1",
        "wanted": 5, "verified": 1, "waiting": 0, "commands": ("first", "second"),
    }  # fmt: skip
    return PageCell(**(fields | changes))


def with_scores(row: PageRow, **changes: Any) -> PageRow:
    """The row with all its scores changed."""
    changed = {m: dataclasses.replace(s, **changes) for m, s in row.scores.items()}
    return dataclasses.replace(row, scores=changed)


def column(page: Page, name: str) -> list[str]:
    """Texts of a column of the ranked rows in view."""
    return page.locator(f"#grid td.c-{name}").all_inner_texts()


def models(page: Page) -> list[str]:
    """Models of these rows."""
    return page.locator("#grid td.c-model b").all_inner_texts()


def scores(page: Page) -> list[float]:
    """Scores of these rows."""
    return [float(text) for text in page.locator("#grid td.c-after b").all_inner_texts()]


def open_row(page: Page, place: int = 0) -> None:
    """Open a row with the mouse, the ranked ones first."""
    page.locator("tr[data-id]").nth(place).click()
    page.wait_for_selector("dialog[open] .sheet")


def download(page: Page, button: str) -> str:
    """What a button lets one take along."""
    with page.expect_download() as caught:
        page.click(button)
    return Path(caught.value.path()).read_text(encoding="utf-8")

"""How the time of every metric grows with rows, latents and classes."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from drbench import registry
from drbench.bench.metrics import fresh_seconds, warm_up
from drbench.bench.samples import COIL100_AUGMENTED, SHAPES3D, sample
from drbench.errors import RequestError
from drbench.files import write_text
from drbench.metrics.duration import CLASSES, LATENTS, ROWS
from drbench.metrics.metric import load_metric
from drbench.progress import track
from drbench.runs.provenance import library_versions, machine

LIMIT = 20.0
"""Seconds of a point after which the larger ones of its axis are left out."""
FACTORS = {
    10: (3, 3, 2, 2),
    25: (10, 8, 4, 3),
    57: (25, 20, 8, 4),
    100: (50, 36, 9, 5),
    199: COIL100_AUGMENTED,
}
"""Classes of four factors, by their sum."""
Size = tuple[int, int, tuple[int, ...]]
AXES: dict[str, list[Size]] = {
    "rows": [(n, LATENTS, SHAPES3D) for n in (5_000, ROWS, 50_000, 150_000, 500_000)],
    "latents": [(ROWS, d, SHAPES3D) for d in (LATENTS, 30, 100, 300, 768)],
    "classes": [(ROWS, LATENTS, sizes) for sizes in FACTORS.values()],
}
"""Sizes along each axis, the other two held."""


@final
@dataclass(frozen=True)
class Point:
    """Seconds of one metric at one size."""

    metric: str
    axis: str
    rows: int
    latents: int
    classes: int
    seconds: float | None
    """Median over a few calls with nothing remembered; None if it was left out."""
    skipped: str = ""
    """Why it was left out."""


@final
@dataclass(frozen=True)
class Growth:
    """The power law through the points of a metric, and how well its estimates fit them."""

    metric: str
    seconds: float
    """At 15,000 x 10 latents and 57 classes, by the law."""
    rows: float
    """Exponent of the number of rows."""
    latents: float
    """Exponent of the number of latents."""
    classes: float
    """Exponent of the number of classes."""
    left_out: int
    """Points that would have taken too long."""
    estimates_off: float | None
    """Largest ratio of a declared estimate to a point of a second or more, either way up."""


def study(file: Path) -> Iterator[Growth]:
    """Measure the points that the file lacks, and fit a law to those of each metric."""
    points = _measured(file)
    for name in registry.names("metric"):
        yield growth(name, [point for point in points if point.metric == name])


def growth(name: str, points: list[Point]) -> Growth:
    """Fit a power law in which a point counts by the root of its seconds."""
    known = [(point, point.seconds) for point in points if point.seconds is not None]
    seconds = np.array([took for _, took in known])
    sizes = np.array([(point.rows, point.latents, point.classes) for point, _ in known])
    weights = np.sqrt(seconds)[:, None]
    terms = np.hstack([np.ones_like(weights), np.log(sizes / (ROWS, LATENTS, CLASSES))])
    law = np.linalg.lstsq(weights * terms, weights[:, 0] * np.log(seconds))[0]
    duration = load_metric(name).duration
    off = [
        max(estimate / took, took / estimate)
        for point, took in known
        if duration and took >= 1
        for estimate in [duration.at(point.rows, point.latents, point.classes)]
    ]
    return Growth(
        metric=name,
        seconds=float(np.exp(law[0])),
        rows=float(law[1]),
        latents=float(law[2]),
        classes=float(law[3]),
        left_out=len(points) - len(known),
        estimates_off=max(off, default=None),
    )


def read_points(file: Path) -> list[Point]:
    """Points of a study."""
    return [Point(**point) for point in json.loads(file.read_text())["points"]]


def _measured(file: Path) -> list[Point]:
    """All points; the file is written after each, and what it holds is not measured again."""
    about: dict[str, Any] = {"machine": machine("cpu"), "versions": library_versions()}
    points = _held(file, about) if file.exists() else []
    names = registry.names("metric")
    series: dict[tuple[str, str], list[Point]] = {
        (axis, name): [] for axis in AXES for name in names
    }
    for point in points:
        series[point.axis, point.metric].append(point)
    wanted = [(key, size) for key, known in series.items() for size in AXES[key[0]][len(known) :]]
    if wanted:
        warm_up()
    for (axis, name), size in track(wanted, "metrics and sizes", len(wanted)):
        before = series[axis, name]
        before.append(_point(name, axis, size, before[-1] if before else None))
        points.append(before[-1])
        document = {**about, "points": [asdict(point) for point in points]}
        write_text(file, json.dumps(document, indent=1) + "\n")
    return points


def _held(file: Path, about: dict[str, Any]) -> list[Point]:
    held = json.loads(file.read_text())
    if {name: held[name] for name in about} != about:
        raise RequestError(
            f"{file} was measured on another machine or with other versions: choose another file "
            "for --cost."
        )
    return read_points(file)


def _point(name: str, axis: str, size: Size, before: Point | None) -> Point:
    """Measure a point, unless the one before it took too long."""
    n, d, sizes = size
    took = before.seconds if before else 0.0
    if before and (took is None or took > LIMIT):
        why = before.skipped or f"{took:.0f} s at {getattr(before, axis):,} {axis}"
        return Point(name, axis, n, d, sum(sizes), None, why)
    return Point(name, axis, n, d, sum(sizes), fresh_seconds(*sample(sizes, n, d), [name]))

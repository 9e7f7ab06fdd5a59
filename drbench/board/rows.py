"""What makes runs one row, rows comparable, and one row another than the next: written once."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from drbench import registry
from drbench.board.board import Cell, Row, Track
from drbench.board.entry import Direction, Entry
from drbench.board.official import CELLS, SIDE
from drbench.data.opening import find_dataset, is_open
from drbench.data.spec import DatasetSpec, Factor
from drbench.errors import PluginError
from drbench.files import canonical_json, sha256_text
from drbench.metrics.metric import load_metric
from drbench.runs.defaults import SAMPLE
from drbench.runs.identity import stored_training_key
from drbench.runs.record import Record, Software
from drbench.runs.spec import DataRef, RunSpec

OFFICIAL_TABLE, WHOLE, CUT = range(3)
"""What a row's scores are of: first what should be looked at first."""
_TRANSFERS = frozenset((cell.source, cell.target) for cell in CELLS)


def row_id(entry: Entry) -> str:
    """Hash of what the runs of a row share: all but their seeds and metrics."""
    record, scoring = entry.record, entry.spec.scoring
    definitions = {
        name: (software.distribution, software.definition)
        for name, software in record.provenance.plugins.items()
        if not name.startswith("metric:")
    }
    shared = {
        "submitter": entry.submitter,
        "level": entry.level,
        "training": stored_training_key(entry.spec),
        "factors": [factor.model_dump(mode="json") for factor in record.factors],
        "image_shape": record.image_shape,
        "sample": scoring.sample,
        "pairs": scoring.pairs,
        "definitions": definitions,
    }
    return sha256_text(canonical_json(shared))


class Declared(NamedTuple):
    """What a metric says of its scores."""

    direction: Direction
    """Which are better."""
    tolerance: float
    """How far apart they may be, of the same weights on two kinds of machines."""


def declared(metric: str) -> Declared:
    """What a metric says of its scores.

    Raises
    ------
    UnknownNameError
        If it is not registered here.
    """
    known = load_metric(metric)
    return Declared(known.direction, known.tolerance)


def track(spec: RunSpec) -> Track:
    """Where the images of a run come from, source and target."""
    data = [each.data for each in spec.chain]
    if any(is_open(each.name) for each in data):
        return "own"
    return "official" if all(each.origin == "official" for each in data) else "rendered"


def seeds_of(record: Record) -> tuple[int, ...]:
    """Seed of each training on the way to a record, the source's first."""
    return tuple(spec.seed for spec in record.spec.chain)


def is_prescribed(seeds: Sequence[int], n: int) -> bool:
    """Whether one seed from 0 to n - 1 was used throughout, so that nobody can pick the best."""
    return len(set(seeds)) == 1 and seeds[0] < n


def comparable(row: Row, metric: str) -> str:
    """What a row shares with those that it is ranked among by a metric, but for the metric's name.

    Two texts are equal if the scores can be compared, and only then. Whether the network was
    trained on another data set, or on the target itself, or not at all, is no part of it.
    """
    # What a target is cut down to are its factors, and its pixels those of the source.
    document = {
        "track": row.track,
        "target": [row.target.name, row.target.origin, row.target.content],
        "data": _definitions(row.plugins.get(f"dataset:{row.target.name}", ())),
        "metric": _definitions(row.plugins.get(f"metric:{metric}", ())),
        "image_shape": row.image_shape,
        "factors": [factor.model_dump(mode="json") for factor in row.factors],
        "sample": row.sample,
        "pairs": row.pairs,
        "parameters": row.metrics[metric].parameters,
        "direction": row.metrics[metric].direction,
    }
    digest = sha256_text(canonical_json(document))[:12]
    factors = ", ".join(map(_sized, row.factors))
    target = f"{row.track}: {row.target.name}, {row.target.origin} images"
    return f"{target}; {settings(row, row.metrics[metric])}; factors {factors} ({digest})"


def settings(row: Row, cell: Cell) -> str:
    """What else comparable rows share by one metric, for people."""
    shape = " x ".join(map(str, row.image_shape))
    sample = f"{row.sample:,} rows, {row.pairs:,} pairs a factor"
    parameters = [f"{name}={value!r}" for name, value in sorted(cell.parameters.items())]
    return "; ".join([f"{shape} images", sample, *parameters])


def place(row: Row) -> str:
    """Target of a row, with what it is cut down to.

    That is read off the factors and images that were scored, whatever the spec calls them, so it
    is the same for all comparable rows. Of a data set that is not registered here nobody knows
    what the whole is: all its factors are named.
    """
    cuts = _factor_cuts(row)
    height, width, _ = row.image_shape
    cuts += [f"{height} x {width} px"] if (height, width) != (SIDE, SIDE) else []
    # An official target of a rendered source is on the rendered track.
    cuts += [] if row.target.origin == row.track else [f"{row.target.origin} images"]
    return f"{row.target.name} ({', '.join(cuts)})" if cuts else row.target.name


def labels(rows: Sequence[Row]) -> dict[str, str]:
    """What to call each of some rows, by id: its model, and what tells rows of that model apart."""
    texts: dict[str, str] = {}
    for model in dict.fromkeys(row.model for row in rows):
        alike = differences([row for row in rows if row.model == model])
        texts |= {name: ", ".join(filter(None, [model, text])) for name, text in alike.items()}
    return texts


def differences(rows: Sequence[Row]) -> dict[str, str]:
    """What tells each of some rows from the others, by id; never the same text for two of them."""
    every = {row.id: _settings(row) for row in rows}
    texts = {
        name: ", ".join(
            f"{setting} {_short(value)}"
            for setting, value in own.items()
            if value is not None and any(o.get(setting) != value for o in every.values())
        )
        for name, own in every.items()
    }
    return {
        name: text if list(texts.values()).count(text) == 1 else f"{text} {name[:8]}".strip()
        for name, text in texts.items()
    }


def tier(row: Row) -> int:
    """OFFICIAL_TABLE for a transfer that the official table asks for, else WHOLE or CUT.

    A target of its own size is whole, and so is one of the official table's.
    """
    spec = _spec(row.target.name)
    side = row.image_shape[:2]
    sizes = {(SIDE, SIDE), spec.image_shape[:2] if spec else (SIDE, SIDE)}
    if _factor_cuts(row) or side not in sizes:
        return CUT
    asked = (
        row.track == "official"
        and (row.source.name, row.target.name) in _TRANSFERS
        and not row.source.levels
        and side == (SIDE, SIDE)
        and row.sample >= SAMPLE
    )
    return OFFICIAL_TABLE if asked and row.kind == "transfer" else WHOLE


def _settings(row: Row) -> dict[str, Any]:
    """All that two rows may differ in, by name; of trainings that differ, one after the other."""
    trainings = [
        budget.hyperparameters | budget.training.model_dump(exclude_defaults=True)
        for budget in row.budgets
    ]
    trainings[-1] |= row.hyperparameters
    names = dict.fromkeys(["steps", "lr", *(name for each in trainings for name in each)])
    own = {name: [each[name] for each in trainings if name in each] for name in names}
    own["lr"] = [budget.training.lr for budget in row.budgets]
    return {
        "submitter": row.submitter,
        "from": None if row.kind == "source" else _cut(row.source),
        "on": _cut(row.target),
        **{name: " + ".join(dict.fromkeys(map(_short, values))) for name, values in own.items()},
        "level": row.level,
        "rows": row.sample,
        "pairs": row.pairs,
        "pixels": row.image_shape[0],
    }


def _cut(data: DataRef) -> str:
    """A data set, and what it was cut down to."""
    others = data.model_dump(exclude_defaults=True, exclude={"name"})
    parts = [f"{key} {value}" for key, value in others.items()]
    return f"{data.name} ({', '.join(parts)})" if parts else data.name


def _short(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _definitions(software: Sequence[Software]) -> list[tuple[str, str]]:
    return sorted({(each.distribution, each.definition) for each in software})


def _factor_cuts(row: Row) -> list[str]:
    """Factors with other classes than the data set's own, and those that are left out."""
    spec = _spec(row.target.name)
    whole = {factor.name: factor.size for factor in spec.factors} if spec else {}
    own = {factor.name for factor in row.factors}
    # No factor has 0 classes, so one that is not declared always differs.
    changed = [_sized(f) for f in row.factors if whole.get(f.name, 0) != f.size]
    return changed + [f"without {name}" for name in whole if name not in own]


def _sized(factor: Factor) -> str:
    return factor.name if factor.size is None else f"{factor.name} {factor.size}"


def _spec(name: str) -> DatasetSpec | None:
    """Declaration of a data set; None for one that is not registered or cannot be loaded."""
    if name not in registry.names("dataset"):
        return None
    try:
        return find_dataset(name).spec
    except PluginError:
        return None

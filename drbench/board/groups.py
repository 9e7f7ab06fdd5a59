"""What rows are ranked among, in words: the same text for the same group, and for no other."""

from drbench import registry
from drbench.board.board import Cell, Row
from drbench.board.official import CELLS, SAMPLE, SIDE
from drbench.data.opening import find_dataset
from drbench.data.spec import DatasetSpec, Factor
from drbench.errors import PluginError
from drbench.files import canonical_json, sha256_text

OFFICIAL_TABLE, WHOLE, CUT = range(3)
"""What a row's scores are of: first what should be looked at first."""
_TRANSFERS = frozenset((cell.source, cell.target) for cell in CELLS)


def place(row: Row) -> str:
    """Target of a row, with what it is cut down to.

    That is read off the factors and images that were scored, whatever the spec calls them, so it
    is the same for all rows of a group. Of a data set that is not registered here nobody knows
    what the whole is: all its factors are named.
    """
    said = _factor_cuts(row)
    height, width, _ = row.image_shape
    said += [f"{height} x {width} px"] if (height, width) != (SIDE, SIDE) else []
    # An official target of a rendered source is on the rendered track.
    said += [] if row.target.origin == row.track else [f"{row.target.origin} images"]
    return f"{row.target.name} ({', '.join(said)})" if said else row.target.name


def settings(row: Row, cell: Cell) -> str:
    """What else rows of a group share by one metric."""
    shape = " x ".join(map(str, row.image_shape))
    sample = f"{row.scoring.sample:,} rows, {row.scoring.pairs:,} pairs a factor"
    parameters = [f"{name}={value!r}" for name, value in sorted(cell.parameters.items())]
    return "; ".join([f"{shape} images", sample, *parameters])


def group(row: Row, cell: Cell) -> str:
    """All that the rows of a group share, but for the metric: as the board's rule has it."""
    factors = ", ".join(map(_sized, row.factors))
    # Kinds and values of classes are too long to be read, and still tell groups apart.
    document = [factor.model_dump(mode="json") for factor in row.factors]
    digest = sha256_text(canonical_json(document))[:8]
    target = f"{row.track}, {row.kind}: {row.target.name}, {row.target.origin} images"
    return f"{target}; {settings(row, cell)}; factors {factors} ({digest})"


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
        and row.scoring.sample >= SAMPLE
    )
    return OFFICIAL_TABLE if asked and row.kind == "transfer" else WHOLE


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

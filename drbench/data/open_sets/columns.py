"""Which columns of a table are factors, and what their classes are."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Shaped

from drbench.data.labels import Labels, read_labels
from drbench.data.spec import Factor
from drbench.errors import DataError, RequestError

NONE = "none"
"""What is picked to have no factors at all."""


def read_columns(
    columns: Mapping[str, Shaped[np.ndarray, "n"]],
    rows: int,
    picked: Sequence[str] | None,
    declared: Mapping[str, Factor] | None = None,
    *,
    where: str,
) -> Labels:
    """Make factors of the columns that are picked, or that look like factors.

    Without a pick every column counts but those in which (nearly) every row has its own text or
    whole number (names, captions, row numbers), and those with gaps. How labels are read:
    `drbench.data.labels.read_labels`.

    Parameters
    ----------
    columns : mapping of name to (n,)
        Labels: integers, reals or text.
    rows : int
        Number of images, n.
    picked : sequence of str, optional
        Names of columns; the one name "none" for no factors.
    declared : mapping of name to Factor, optional
        Columns that say themselves what their classes are.
    where : str
        What to call the table in an error.

    Raises
    ------
    RequestError
        For a pick that is no column.
    DataError
        For labels that are missing or cannot be read.
    """
    declared = declared or {}
    notes: list[str] = []
    if picked is None:
        chosen = [
            name
            for name, column in columns.items()
            if not _has_gaps(column) and (name in declared or not _identifies(column))
        ]
        left = [name for name in columns if name not in chosen]
        if left:
            notes.append(
                f"no factors, since each row has its own or some rows have none: {', '.join(left)}"
            )
    else:
        chosen = [] if tuple(picked) == (NONE,) else list(picked)
    for name in chosen:
        if name not in columns:
            names = ", ".join(columns) or "none"
            raise RequestError(f"{where} has no column {name!r} to be a factor; it has: {names}.")
    if not chosen:
        notes.append("no factors: only unsupervised metrics can score it")
        return Labels((), np.empty((rows, 0), dtype=np.int64), None, tuple(notes))
    table = np.empty((rows, len(chosen)), dtype=object)
    for j, name in enumerate(chosen):
        table[:, j] = columns[name]
    try:
        labels = read_labels(table, [declared.get(name, name) for name in chosen])
    except RequestError as error:
        raise DataError(
            f"{where}: {error} Mend the labels, or pick other columns with --factors."
        ) from error
    return labels._replace(notes=(*notes, *labels.notes))


def _has_gaps(column: Shaped[np.ndarray, "n"]) -> bool:
    return any(entry is None or entry == "" for entry in column.tolist())


def _identifies(column: Shaped[np.ndarray, "n"]) -> bool:
    """Whether (nearly) every row has its own text or whole number."""
    entries = column.tolist()
    try:
        numbers = column.astype(np.float64)
        measured = not np.array_equal(numbers, np.rint(numbers))
    except (TypeError, ValueError):
        measured = False
    return not measured and len(set(entries)) > max(1, 0.9 * len(entries))

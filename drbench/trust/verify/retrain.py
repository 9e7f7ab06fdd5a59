"""The level `retrained`: the run repeated from its spec, from fresh weights on."""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch

from drbench.board.build import seeds_of
from drbench.errors import DrbenchError
from drbench.files import cache_at, data_dir
from drbench.metrics.result import MetricResult
from drbench.runs.execute import execute
from drbench.runs.record import Record, Stage
from drbench.trust.verify.findings import (
    TOLERANCE,
    DiffersError,
    UnverifiableError,
    difference,
    other_parameter,
)
from drbench.trust.verify.registered import require_registered

SPREADS = 3.0
"""How many unbiased standard deviations of its row's verified seeds a repeated score may be away.

Where training is not repeated to the last bit (another machine, other versions), small differences
grow until the run is one more draw from its row: two draws are more than 3 standard deviations
apart one time in 30."""


class Retrained(NamedTuple):
    """What repeating a run found."""

    apart: float
    """Largest absolute difference of any metric's score."""
    exact: bool
    """Whether the encoder came back bit for bit, before and after training."""


def retrain(record: Record, row: Sequence[Record]) -> Retrained:
    """Do a run again, its sources included, in a folder and a cache of its own.

    Nothing that the submitter wrote may widen what the submitter's scores are allowed:

    - Images, interventions, factors and numbers of rows are those of the record, always.
    - If the encoder came back bit for bit, all numbers of each score agree within `TOLERANCE`, and
      its parameters are equal.
    - Otherwise each score lies within `SPREADS` standard deviations of those of the row's runs with
      other seeds, if there are 2 or more that others verified.
    - With fewer, all numbers agree within `TOLERANCE`. Where they do not, nothing is known of the
      record: training on another machine is one more draw, of unknown width.

    Parameters
    ----------
    record : Record
    row : sequence of Record
        The runs of its row that others verified; none if the record's own scores were not found
        in its evidence. The run itself is left out, and so are those of its seed: its own score
        shall not widen what it is allowed.

    Returns
    -------
    Retrained

    Raises
    ------
    UnverifiableError
        If data set, model or metrics are not here, or fail; if neither encoder nor scores came
        back, and too few runs of the row are verified to say how far they may be away.
    DiffersError
        If a score is further away, or something else was scored.
    """
    require_registered(record)
    try:
        with TemporaryDirectory(prefix="drbench-") as folder, _alone(Path(folder), record):
            again = execute(record.spec)
    except DrbenchError as error:
        raise UnverifiableError(f"it cannot be trained here: {error}") from error
    _require_same_task(record, again)
    exact = again.provenance.encoder_hash == record.provenance.encoder_hash
    largest = 0.0
    for stage, results in record.scores.items():
        for name, given in results.items():
            found = again.scores[stage][name]
            spread = None if exact else _spread(record, row, stage, name)
            if spread is None:
                _require_equal(f"{name} {stage} training", given, found, exact=exact)
            else:
                allowed = max(TOLERANCE, SPREADS * spread)
                _require_near(f"{name} {stage} training", given, found, allowed)
            largest = max(largest, _apart(given.value, found.value))
    return Retrained(largest, exact)


def _require_same_task(record: Record, again: Record) -> None:
    """What was scored is what the spec gives, whatever the network made of it."""
    pairs = {
        "images": (record.provenance.data_hash, again.provenance.data_hash),
        "images of the interventions": (record.provenance.pairs_hash, again.provenance.pairs_hash),
        "factors": (record.factors, again.factors),
        "sizes of the images": (record.image_shape, again.image_shape),
        "numbers of scored rows": (record.scored_rows, again.scored_rows),
        "shares of rows drawn again": (record.redrawn, again.redrawn),
    }
    for name, (given, found) in pairs.items():
        if given != found:
            raise DiffersError(
                f"the {name} of the record are not those that its spec gives when it is run again."
            )


def _require_equal(where: str, given: MetricResult, found: MetricResult, *, exact: bool) -> None:
    """All numbers within `TOLERANCE`, all parameters equal."""
    most = difference(given, found)
    problem = other_parameter(given, found)
    if problem is None and most.apart <= TOLERANCE:
        return
    problem = problem or (
        f"{most.where} is {most.given} in the record, but {most.found} when trained again: "
        f"{most.apart:.2g} apart, {TOLERANCE:g} allowed"
    )
    if exact:
        raise DiffersError(f"{where}: {problem}, for the encoder came back bit for bit.")
    raise UnverifiableError(
        f"{where}: {problem}. The encoder came out otherwise, and fewer than 2 other seeds of its "
        "row are verified, or its own latents are not: encode them again first, with `drbench "
        "leaderboard verify --level re-encoded --write`."
    )


def _require_near(where: str, given: MetricResult, found: MetricResult, allowed: float) -> None:
    apart = _apart(given.value, found.value)
    if apart > allowed:
        raise DiffersError(
            f"{where} is {given.value} in the record, but {found.value} when trained again: "
            f"{apart:.2g} apart, {allowed:.2g} allowed."
        )


def _apart(given: float | None, found: float | None) -> float:
    if given is None or found is None:
        return 0.0 if given is found else math.inf
    return abs(given - found)


def _spread(record: Record, row: Sequence[Record], stage: Stage, metric: str) -> float | None:
    """Unbiased standard deviation of a score over a row's other seeds; None for fewer than 2.

    Fine-tunings of one source are not independent: the first of each source's seed counts.
    """
    own = seeds_of(record)[0]
    values = {
        seeds_of(other)[0]: other.scores[stage][metric].value
        for other in sorted(row, key=seeds_of, reverse=True)
        if seeds_of(other)[0] != own
    }
    known = [value for value in values.values() if value is not None]
    return float(np.std(known, ddof=1)) if len(known) > 1 else None


@contextmanager
def _alone(folder: Path, record: Record) -> Iterator[None]:
    """A cache that holds nothing, the official files where they are, and the run's threads."""
    files, before = data_dir(), os.environ.get("DRBENCH_DATA")
    threads = torch.get_num_threads()
    os.environ["DRBENCH_DATA"] = str(files)
    torch.set_num_threads(min(max(record.provenance.threads, 1), os.cpu_count() or 1))
    try:
        with cache_at(folder):
            yield
    finally:
        torch.set_num_threads(threads)
        if before is None:
            del os.environ["DRBENCH_DATA"]
        else:
            os.environ["DRBENCH_DATA"] = before

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

from drbench.errors import DrbenchError
from drbench.files import cache_at, data_dir
from drbench.leaderboard.build import seeds_of
from drbench.leaderboard.verify.findings import TOLERANCE, DiffersError, UnverifiableError
from drbench.leaderboard.verify.registered import require_registered
from drbench.runs.execute import execute
from drbench.runs.record import Record, Stage

SPREADS = 3.0
"""How many unbiased standard deviations of its row's other seeds a repeated score may be away.

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

    Parameters
    ----------
    record : Record
    row : sequence of Record
        All runs of its row. Each score must come back within `SPREADS` standard deviations of
        those with other seeds, if there are 2 or more, and within `TOLERANCE` otherwise. The run
        itself is left out: its own score shall not widen what it is allowed.

    Returns
    -------
    Retrained

    Raises
    ------
    UnverifiableError
        If data set, model or metrics are not here, or fail.
    DiffersError
        If a score is further away.
    """
    require_registered(record)
    try:
        with TemporaryDirectory(prefix="drbench-") as folder, _alone(Path(folder), record):
            again = execute(record.spec)
    except DrbenchError as error:
        raise UnverifiableError(f"it cannot be trained here: {error}") from error
    largest = 0.0
    for stage, results in record.scores.items():
        for name, given in results.items():
            found = again.scores[stage][name].value
            allowed = max(TOLERANCE, SPREADS * _spread(record, row, stage, name))
            apart = _apart(given.value, found)
            if apart > allowed:
                raise DiffersError(
                    f"{name} {stage} training is {given.value} in the record, but {found} when "
                    f"trained again: {apart:.2g} apart, {allowed:.2g} allowed."
                )
            largest = max(largest, apart)
    return Retrained(largest, again.provenance.encoder_hash == record.provenance.encoder_hash)


def _apart(given: float | None, found: float | None) -> float:
    if given is None or found is None:
        return 0.0 if given is found else math.inf
    return abs(given - found)


def _spread(record: Record, row: Sequence[Record], stage: Stage, metric: str) -> float:
    """Unbiased standard deviation of one score over the other seeds of a row; 0 for fewer than 2.

    Fine-tunings of one source are not independent: the first of each source's seed counts.
    """
    own = seeds_of(record)[0]
    values = {
        seeds_of(other)[0]: other.scores[stage][metric].value
        for other in sorted(row, key=seeds_of, reverse=True)
        if seeds_of(other)[0] != own
    }
    known = [value for value in values.values() if value is not None]
    return float(np.std(known, ddof=1)) if len(known) > 1 else 0.0


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

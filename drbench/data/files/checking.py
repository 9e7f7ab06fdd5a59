"""Check a user's files of a data set against all that its spec says."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, final

import numpy as np

from drbench.data.codes import absent
from drbench.data.dataset import Dataset
from drbench.data.files.download import checksum, fault_of
from drbench.data.files.fetch import pinned
from drbench.data.ground_truth import GroundTruth
from drbench.data.sampling import partnerless_share
from drbench.data.source import Source
from drbench.data.spec import RemoteFile
from drbench.errors import DataError, DrbenchError, MissingFilesError
from drbench.files import cache_at, cache_dir, data_dir

Verdict = Literal["ok", "note", "problem"]


@final
@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    verdict: Verdict
    text: str


def check_files(dataset: Dataset, root: Path | None = None) -> list[Finding]:
    """Check the maker's files of a data set: hashes, then every image and every code.

    Nothing that was prepared earlier is trusted, and nothing is kept: all is read anew.

    Parameters
    ----------
    dataset : Dataset
        Whose files.
    root : path, optional
        Data root; default: DRBENCH_DATA, then the user's cache.

    Returns
    -------
    findings : list of Finding
        In the order in which they were made; the files are in order if none is a problem.

    Raises
    ------
    MissingFilesError
        If there is nothing to check.
    """
    faults: list[DataError] = []
    root = data_dir() if root is None else root  # before the cache, where it may lie, is another
    # The images are read whole and kept as one pixel each: room for the cache is not at stake.
    source = Source(dataset.spec, dataset.spec.default_origin, root, size=(1, 1), faults=faults)
    findings = [finding for file in dataset.spec.files for finding in _file(source, file)]
    with _empty_cache():
        try:
            truth = dataset.open(source)
        except MissingFilesError:
            raise
        except DataError as error:
            named = faults or [error]
            return findings + [Finding("problem", str(fault)) for fault in named]
        return findings + list(_contents(truth))


def _file(source: Source, file: RemoteFile) -> Iterator[Finding]:
    places = [place / file.name for place in source.folders]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        yield Finding("note", f"{file.name} is not there; what was unpacked from it may be")
        return
    if fault := fault_of(file, path):
        yield Finding("problem", f"{path} {fault}")
    elif file.hash is not None:
        yield Finding("ok", f"{path} has the published checksum {file.hash}")
    elif pin := pinned(path.parent, source.spec).files.get(file.name):
        same = checksum(path) == f"sha256:{pin.sha256}"
        yield Finding(
            "ok" if same else "problem",
            f"{path} {'has' if same else 'no longer has'} the checksum that was pinned on "
            f"{pin.date}, sha256:{pin.sha256}",
        )
    else:
        yield Finding("note", f"{path}: its maker publishes no checksum, and none is pinned")


def _contents(truth: GroundTruth) -> Iterator[Finding]:
    spec = truth.spec
    yield Finding("ok", f"{len(truth):,} images were read, each of them")
    yield from (Finding("note", note) for note in truth.notes if "converted" not in note)
    lacking = absent(truth.codes, spec.factors) if spec.independent else _absent_classes(truth)
    what = "combination" if spec.independent else "class of every factor"
    # Images of one's own have the classes that they have.
    lack: Verdict = "note" if truth.origin == "own" else "problem"
    yield Finding(lack if lacking else "ok", lacking or f"every {what} is there")
    doubles = len(truth) - len(np.unique(truth.index.keys(truth.codes)))
    if doubles and spec.factors:
        yield Finding("note", f"{doubles:,} images share their classes with another")
    share = partnerless_share(truth)
    for factor, alone in zip(spec.factors, share, strict=True):
        if alone > 0:
            yield Finding(
                "note",
                f"factor {factor.name}: {alone:.1%} of the images have no partner that differs in "
                "it alone",
            )


def _absent_classes(truth: GroundTruth) -> str:
    """Classes that no image has, in words."""
    lacking = []
    for factor, column in zip(truth.spec.factors, truth.codes.T, strict=True):
        gone = np.setdiff1d(np.arange(factor.size or 0), column)
        if len(gone):
            some = ", ".join(map(str, gone[:10])) + (", ..." if len(gone) > 10 else "")
            lacking.append(f"no image has {factor.name} {some}")
    return "; ".join(lacking)


@contextmanager
def _empty_cache() -> Iterator[None]:
    """A cache that is empty, on the disk of the true one, and gone afterwards."""
    try:
        cache_dir().mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=cache_dir(), prefix=".check-")
    except OSError as error:
        raise DrbenchError(
            f"Cannot write in {cache_dir()}: {error.strerror}. Set DRBENCH_CACHE to a folder that "
            "can be written."
        ) from error
    with folder as empty, cache_at(Path(empty)):
        yield

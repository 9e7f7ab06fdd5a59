"""Conformance of data sets."""

import functools
import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from drbench.checks.trying import attempt
from drbench.data.dataset import Dataset
from drbench.data.ground_truth import GroundTruth
from drbench.data.opening import open_dataset
from drbench.data.source import Source
from drbench.data.spec import DatasetSpec, Origin
from drbench.errors import MissingFilesError

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ROWS = 6


def check_dataset(dataset: Any, truth: GroundTruth | None = None) -> list[str]:
    """Problems of a data set plugin.

    Parameters
    ----------
    dataset : Dataset or its class
        Every origin whose files are there is opened, twice; `unopened_origins` names the others.
    truth : GroundTruth, optional
        The data set already opened; then nothing else is opened.

    Returns
    -------
    problems : list of str
        Empty if the data set conforms.
    """
    plugin = dataset() if _is_concrete(dataset) else dataset
    if not isinstance(plugin, Dataset):
        return [f"it is {dataset!r}, not a concrete subclass of drbench.Dataset"]
    spec = getattr(plugin, "spec", None)
    if not isinstance(spec, DatasetSpec):
        return [f"its spec is {spec!r}, not a drbench.DatasetSpec"]
    problems = attempt("spec", lambda: _spec_problems(spec))
    if truth is not None:
        return problems + _truth_problems(truth, truth.origin)
    for origin in spec.origins:
        check = functools.partial(_origin_problems, plugin, origin)
        problems += attempt(f"origin {origin}", check)
    return problems


def unopened_origins(dataset: Any) -> list[str]:
    """Origins of a data set that cannot be checked here because their files are missing."""
    plugin = dataset() if isinstance(dataset, type) else dataset
    missing = []
    for origin in plugin.spec.origins:
        try:
            open_dataset(plugin, Source(plugin.spec, origin))
        except MissingFilesError as error:
            missing.append(f"origin {origin} is not checked: {error}")
        except Exception:  # noqa: BLE001, S112 - it was tried and fails: check_dataset says how
            continue
    return missing


def _is_concrete(dataset: Any) -> bool:
    is_plugin = isinstance(dataset, type) and issubclass(dataset, Dataset)
    return is_plugin and not inspect.isabstract(dataset)


def _spec_problems(spec: DatasetSpec) -> Iterator[str]:
    for name in (spec.name, *spec.factor_names):
        if not _NAME.fullmatch(name):
            yield f"the name {name!r} should be lower case letters, digits and underscores"
    for field in ("summary", "licence", "citation"):
        text = getattr(spec, field)
        if not text.strip() or "\n" in text:
            yield f"spec.{field} should be one line, it is {text!r}"
    if not spec.factors:
        yield "it declares no factor of variation"
    if spec.image_shape[2] not in (1, 3):
        yield f"images have {spec.image_shape[2]} channels: expected 1 or 3"


def _origin_problems(plugin: Dataset, origin: Origin) -> Iterator[str]:
    try:
        truth = open_dataset(plugin, Source(plugin.spec, origin))
    except MissingFilesError:
        return  # not a fault of the plugin; unopened_origins says it
    problems = _truth_problems(truth, origin)
    yield from problems
    if problems:
        return
    again = open_dataset(plugin, Source(plugin.spec, origin))
    rows = _some_rows(truth)
    if not np.array_equal(truth.codes, again.codes):
        yield f"origin {origin}: opening it twice gives other codes"
    elif not np.array_equal(truth.images(rows), again.images(rows)):
        yield f"origin {origin}: opening it twice gives other images"
    if truth.spec != plugin.spec:
        yield f"origin {origin}: the opened data set carries another spec than the plugin"


def _truth_problems(truth: Any, origin: Origin) -> list[str]:
    if not isinstance(truth, GroundTruth):
        return [f"origin {origin}: open returned {type(truth).__name__}, not a drbench.GroundTruth"]
    return [
        *attempt(f"origin {origin}, codes", lambda: _code_problems(truth, origin)),
        *attempt(f"origin {origin}, images", lambda: _image_problems(truth)),
    ]


def _code_problems(truth: GroundTruth, origin: Origin) -> Iterator[str]:
    spec = truth.spec
    if truth.origin != origin:
        yield f"asked for origin {origin}, it opened {truth.origin}"
    if truth.values is not None and truth.values.shape != truth.codes.shape:
        yield f"values have shape {truth.values.shape}, codes {truth.codes.shape}"
    if truth.groups is not None and truth.groups.shape != (len(truth),):
        yield f"groups have shape {truth.groups.shape}, expected ({len(truth)},)"
    if (truth.groups is None) != (spec.split_group is None):
        yield "split_group is declared and groups are not given, or the other way round"
    complete = truth.notes or truth.index.is_grid or 0 in spec.sizes
    if spec.independent and not complete:
        combinations = len(np.unique(truth.index.keys(truth.codes)))
        if combinations < spec.grid_size:
            yield (
                f"{combinations} of {spec.grid_size} combinations exist: declare "
                "independent=False, or say in notes what is missing"
            )


def _image_problems(truth: GroundTruth) -> Iterator[str]:
    rows, shape = _some_rows(truth), truth.spec.image_shape
    images = truth.images(rows)
    if images.dtype != np.uint8 or images.shape != (len(rows), *shape):
        yield (
            f"images of {len(rows)} rows are {images.dtype} {images.shape}, expected uint8 "
            f"{(len(rows), *shape)}"
        )
        return
    order = np.concatenate([np.arange(len(rows))[::-1], [0, 0]])
    if not np.array_equal(truth.images(rows[order]), images[order]):
        yield "the image of a row depends on the order or the repetition of rows"
    alone = np.concatenate([truth.images(rows[i : i + 1]) for i in range(len(rows))])
    if not np.array_equal(alone, images):
        yield "the image of a row depends on the other rows asked for"
    none = truth.images(rows[:0])
    if none.shape != (0, *shape):
        yield f"images of no rows have shape {none.shape}, expected {(0, *shape)}"


def _some_rows(truth: GroundTruth) -> np.ndarray:
    """A few rows from the first to the last, in no order."""
    rows = np.unique(np.linspace(0, len(truth) - 1, _ROWS).astype(np.int64))
    return np.random.default_rng(0).permutation(rows)

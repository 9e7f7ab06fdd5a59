"""Scores remembered by content: the same latents under the same code are scored once."""

import functools
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, final

from pydantic import ValidationError

from drbench import registry
from drbench.errors import DrbenchError
from drbench.files import cache_dir, canonical_json, sha256_text, write_text
from drbench.frozen import Frozen
from drbench.metrics.metric import load_metric
from drbench.metrics.result import MetricResult
from drbench.metrics.scores import Scores
from drbench.metrics.scoring import score
from drbench.progress import say
from drbench.representation.representation import Representation
from drbench.runs.provenance import library_versions

OnResult = Callable[[str, MetricResult], None]


@final
class Remembered(Frozen):
    """A remembered result, as it is on disk."""

    result: MetricResult
    """What was scored."""
    sha256: str
    """Of the result and of what it is the result of: an entry that was changed is not believed."""

    @classmethod
    def of(cls, result: MetricResult, file: Path) -> "Remembered":
        """The entry of a result, in a file that is named after what was scored."""
        return cls(result=result, sha256=sha256_text(file.name + result.model_dump_json()))


def remembered_scores(
    representation: Representation,
    metrics: Mapping[str, Mapping[str, Any]],
    *,
    seed: int,
    force: bool = False,
    on_result: OnResult | None = None,
) -> Scores:
    """Score a representation, reusing what the cache holds of it.

    Parameters
    ----------
    representation : Representation
        What to score.
    metrics : mapping of name to parameters
        Registered metrics.
    seed : int
        Seed of everything random in them.
    force : bool
        Score again whatever the cache holds.
    on_result : callable, optional
        Called with each name and result as soon as it is there.

    Returns
    -------
    Scores
        In the order of `metrics`.
    """
    files = {
        name: _file(representation, name, parameters, seed) for name, parameters in metrics.items()
    }
    read = {} if force else {name: _read(file) for name, file in files.items()}
    results = {name: result for name, result in read.items() if result is not None}
    for name, result in results.items():
        if on_result:
            on_result(name, result)

    def keep(name: str, result: MetricResult) -> None:
        _remember(files[name], result)
        if on_result:
            on_result(name, result)

    missing = [name for name in metrics if name not in results]
    if missing:
        parameters = {name: dict(metrics[name]) for name in missing}
        results |= score(
            representation, metrics=missing, seed=seed, parameters=parameters, on_result=keep
        )
    return Scores({name: results[name] for name in metrics})


def _file(
    representation: Representation, name: str, parameters: Mapping[str, Any], seed: int
) -> Path:
    metric = load_metric(name)
    content = [
        representation.fingerprint,
        metric.validated(parameters),
        seed,
        _code_hash(registry.find("metric", name).source),
        library_versions(),
    ]
    return cache_dir() / "scores" / f"{name}-{sha256_text(canonical_json(content))[:24]}.json"


def _remember(file: Path, result: MetricResult) -> None:
    try:
        write_text(file, Remembered.of(result, file).model_dump_json())
    except DrbenchError as error:  # a memo less is no reason to lose the score
        say(f"warning: the score is not remembered. {error}")


def _read(file: Path) -> MetricResult | None:
    if not file.exists():
        return None
    try:
        entry = Remembered.model_validate_json(file.read_bytes())
    except ValidationError:
        return None  # damaged, or written by another version: scored again
    return entry.result if entry == Remembered.of(entry.result, file) else None


@functools.cache
def _code_hash(plugin: Path | None) -> str:
    """Hash of the metric's own file and of all that metrics share: other code, other score."""
    shared = sorted(Path(__file__).parents[1].joinpath("metrics").rglob("*.py"))
    digest = hashlib.sha256()
    for file in [*shared, *([plugin] if plugin else [])]:
        digest.update(file.read_bytes())
    return digest.hexdigest()

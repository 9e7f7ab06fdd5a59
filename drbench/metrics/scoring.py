"""Score a representation with several metrics."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from drbench import registry
from drbench.data.spec import Factor
from drbench.errors import DrbenchError, PluginError, RequestError
from drbench.metrics.metric import Metric, as_representation, load_metric
from drbench.metrics.result import MetricResult
from drbench.metrics.scores import Scores
from drbench.progress import part_of, progress
from drbench.representation.representation import Representation
from drbench.seeds import require_seed

DEFAULT_METRICS = ("omes", "omes_sobol", "dci", "mig", "gbt", "gbt_pruned")
"""What is scored, in this order, where no metric is named; those that are registered."""
DEFAULT_WITHOUT_FACTORS = ("gaussian_tc", "latent_mi")
"""The same for images without factors, which only metrics of the latents alone can score."""


def default_metrics(*, factors: bool = True) -> list[str]:
    """What is scored where no metric is named, of images with factors or without."""
    registered = registry.names("metric")
    chosen = DEFAULT_METRICS if factors else DEFAULT_WITHOUT_FACTORS
    return [name for name in chosen if name in registered]


def score(
    latents: Any,
    codes: Any = None,
    metrics: Iterable[str | Metric] | str | Metric | None = None,
    *,
    factors: Sequence[Factor | str] | None = None,
    seed: int = 0,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    on_result: Callable[[str, MetricResult], None] | None = None,
) -> Scores:
    """Score a representation.

    Parameters
    ----------
    latents : Representation or array-like (n, latent)
        What is scored: a representation, or an array, list, frame or tensor of latents.
    codes : array-like (n, factor), optional
        Classes of the factors, with an array of latents; see `Representation.from_arrays`. Metrics
        of the latents alone need none.
    metrics : iterable of str or Metric, optional
        Registered names, or metrics themselves. Default: those registered of `DEFAULT_METRICS`, or
        without factors of `DEFAULT_WITHOUT_FACTORS`.
    factors : sequence of Factor or of names, optional
        Of the columns of `codes`. Default: the names of a frame's columns, else factor_0, ...
    seed : int
        Seed of every metric, from 0 to 2^32 - 1.
    parameters : mapping of metric to mapping of parameter to value, optional
        What differs from the metrics' defaults.
    on_result : callable, optional
        Called with the name and the result of each metric as soon as it is done.

    Returns
    -------
    Scores
        Results by name, in the order of `metrics`; prints as a table.

    Raises
    ------
    UnknownNameError
        For a metric that is not registered.
    RequestError
        For a wrong seed, for codes that are missing, or for parameters that a metric does not have,
        or of metrics that are not scored.
    RepresentationError
        For arrays that are no representation.

    Examples
    --------
    >>> codes = [[i, j] for i in range(8) for j in range(8)]
    >>> score(codes, codes, ["mig"], factors=["row", "column"])["mig"].per_factor
    {'row': 1.0, 'column': 1.0}
    """
    seed = require_seed(seed)
    if metrics is None:
        has_factors = (
            bool(latents.factors) if isinstance(latents, Representation) else codes is not None
        )
        metrics = default_metrics(factors=has_factors)
    chosen = {each.name: each for each in _metrics(metrics)}
    settings = parameters or {}
    for name in settings:
        if name not in chosen:
            raise RequestError(
                f"Parameters are given for {name!r}, which is not among the metrics that are "
                f"scored: {', '.join(chosen)}."
            )
    complete = {  # before the first of them takes minutes
        name: metric.validated(settings.get(name, {})) for name, metric in chosen.items()
    }
    representation = as_representation(latents, codes, factors=factors, metrics=chosen.values())
    results = Scores()
    for number, (name, metric) in enumerate(chosen.items(), 1):
        place = f" ({number} of {len(chosen)})" if len(chosen) > 1 else ""
        try:
            with progress(name + place, 0), part_of(name + place):
                result = metric(representation, seed=seed, **complete[name])
        except DrbenchError:
            raise
        except Exception as error:  # a plugin may fail in any way; the cause is passed on
            raise PluginError(
                f"The metric {name} failed: {type(error).__name__}: {error}. Leave it out, or see "
                "where with --debug."
            ) from error
        results[name] = result
        if on_result is not None:
            on_result(name, result)
    return results


def _metrics(asked: Any) -> list[Metric]:
    """Metrics by name or as they are.

    Raises
    ------
    RequestError
        For anything else.
    """
    several = [asked] if isinstance(asked, str | Metric) or callable(asked) else asked
    if not isinstance(several, Iterable):
        raise RequestError(f"metrics is {asked!r}, expected a list of names.")
    metrics = [load_metric(each) if isinstance(each, str) else each for each in several]
    for each in metrics:
        if not isinstance(each, Metric):
            raise RequestError(
                f"{each!r} is no metric: expected a registered name, or a function that "
                "drbench.metric(...) decorates."
            )
    return metrics

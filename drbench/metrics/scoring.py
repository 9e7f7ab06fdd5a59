"""Score a representation with several metrics."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drbench import registry
from drbench.errors import DrbenchError, PluginError, RequestError
from drbench.metrics.metric import as_representation, load_metric
from drbench.metrics.result import MetricResult
from drbench.progress import part_of

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
    metrics: Iterable[str] | None = None,
    *,
    seed: int = 0,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    on_result: Callable[[str, MetricResult], None] | None = None,
) -> dict[str, MetricResult]:
    """Score a representation.

    Parameters
    ----------
    latents : Representation or array-like (n, latent)
        What is scored.
    codes : array-like (n, factor), optional
        Classes of the factors, with an array of latents; see `Representation.from_arrays`.
    metrics : iterable of str, optional
        Registered names. Default: those registered of `DEFAULT_METRICS`.
    seed : int
        Seed of every metric.
    parameters : mapping of metric to mapping of parameter to value, optional
        What differs from the metrics' defaults.
    on_result : callable, optional
        Called with the name and the result of each metric as soon as it is done.

    Returns
    -------
    dict of str to MetricResult
        In the order of `metrics`.

    Raises
    ------
    UnknownNameError
        For a metric that is not registered.
    RequestError
        For parameters that a metric does not have, or of metrics that are not scored.
    RepresentationError
        For arrays that are no representation.

    Examples
    --------
    >>> codes = [[i, j] for i in range(8) for j in range(8)]
    >>> score(codes, codes, ["mig"])["mig"].value
    1.0
    """
    given_names = [metrics] if isinstance(metrics, str) else metrics
    names = default_metrics() if given_names is None else list(dict.fromkeys(given_names))
    chosen = {name: load_metric(name) for name in names}
    given = parameters or {}
    for name in given:
        if name not in chosen:
            raise RequestError(
                f"Parameters are given for {name!r}, which is not among the metrics that are "
                f"scored: {', '.join(names)}."
            )
    complete = {  # before the first of them takes minutes
        name: chosen_metric.validated(given.get(name, {})) for name, chosen_metric in chosen.items()
    }
    representation = as_representation(latents, codes)
    results = {}
    for number, (name, chosen_metric) in enumerate(chosen.items(), 1):
        place = f" ({number} of {len(chosen)})" if len(chosen) > 1 else ""
        try:
            with part_of(name + place):
                result = chosen_metric(representation, seed=seed, **complete[name])
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

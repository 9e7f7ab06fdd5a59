"""The contract of a metric plugin: a pure function of a representation."""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, final

from pydantic import BaseModel, ConfigDict, ValidationError, create_model

from drbench import registry
from drbench.data.spec import Factor
from drbench.errors import PluginError, RequestError
from drbench.frozen import first_problem
from drbench.metrics.cautions import cautions
from drbench.metrics.result import MetricResult
from drbench.representation.representation import Representation
from drbench.seeds import require_seed

Invariance = Literal[
    "permute_latents",
    "flip_signs",
    "scale",
    "rename_classes",
    "reorder_rows",
    "append_constant",
    "label_type",
    "jobs",
]

Cost = Literal["quick", "seconds", "minutes"]
"""How long a metric takes of 15,000 rows of 10 latents and some 60 classes on two processors: well
under a second, up to half a minute, longer."""
Direction = Literal["higher", "lower"]
"""Which scores are better."""
TOLERANCE = 1e-5
"""How far sums of the same numbers vary between kinds of machines that add in another order."""

NO_FACTORS = "the images have no factors; metrics of the latents alone score them"
"""Why a metric of factors has no value where there are none."""


@final
@dataclass(frozen=True)
class Metric:
    """A metric plugin: a pure function, and what must be known to read its score.

    Made by the decorator `metric`; call it on arrays or on a representation.
    """

    name: str
    """Registered name, the function's own."""
    compute: Callable[..., MetricResult]
    """Pure function of a representation, a seed and keyword parameters."""
    title: str
    """Name in full, for people."""
    measures: str
    """What it measures, in the field's terms: modularity, compactness, explicitness, ..."""
    range: tuple[float, float]
    """Smallest and largest possible score."""
    source: str
    """Publication that defines it."""
    cost: Cost
    """How long it takes, roughly."""
    version: str = "1"
    """Version of its definition: scores of different versions are not compared."""
    direction: Direction = "higher"
    """Which scores are better."""
    tolerance: float = TOLERANCE
    """How far the score of the same weights and images may vary between kinds of machines."""
    per_factor: str = ""
    """What the score of a single factor is, where it is no share of the value."""
    unsupervised: bool = False
    """Whether it looks at latents alone, and so scores images without factors too."""
    invariances: Mapping[Invariance, float] = field(default_factory=dict)
    """Changes that leave the score alone, with the absolute tolerance."""
    faults: tuple[str, ...] = ()
    """Known faults, that readers of the score should know."""

    def __call__(
        self, latents: Any, codes: Any = None, *, seed: int = 0, **parameters: Any
    ) -> MetricResult:
        """Score a representation, or latents (n, latent) and codes (n, factor).

        A metric of the latents alone needs no codes.

        Raises
        ------
        RequestError
            For a wrong parameter, or arrays that are no representation.
        PluginError
            If the metric returns NaN, an infinity, or no result at all.
        """
        complete, seed = self.validated(parameters), require_seed(seed)
        representation = as_representation(latents, codes, metrics=[self])
        if not representation.factors and not self.unsupervised:
            return MetricResult(value=None, parameters=complete | {"seed": seed}, reason=NO_FACTORS)
        try:
            result = self.compute(representation, seed=seed, **complete)
        except ValidationError as error:
            raise PluginError(
                f"The metric {self.name!r} makes no valid result: {first_problem(error)[1]}."
            ) from error
        if not isinstance(result, MetricResult):
            raise PluginError(
                f"The metric {self.name!r} returns {type(result).__name__}, not a MetricResult."
            )
        said = dict.fromkeys([*result.warnings, *cautions(representation, result)])
        return result.model_copy(update={"warnings": tuple(said)})

    @functools.cached_property
    def defaults(self) -> dict[str, Any]:
        """Keyword parameters and their default values."""
        return self._schema().model_dump()

    @property
    def definition(self) -> str:
        """The docstring of the function."""
        return inspect.getdoc(self.compute) or ""

    def validated(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters complete with defaults, text converted to the declared types.

        Raises
        ------
        RequestError
            For an unknown parameter or a value of the wrong type.
        """
        try:
            return self._schema(**parameters).model_dump()
        except ValidationError as error:
            where, what = first_problem(error)
            known = ", ".join(f"{k}={v}" for k, v in self.defaults.items()) or "none"
            raise RequestError(
                f"{self.name}.{where}: {what}. Parameters of {self.name}: {known}."
            ) from error

    @functools.cached_property
    def _schema(self) -> type[BaseModel]:
        fields: dict[str, Any] = {
            name: (parameter.annotation, parameter.default)
            for name, parameter in list(_signature(self.compute).items())[1:]
            if name != "seed"
        }
        return create_model(
            f"{self.name}_parameters", __config__=ConfigDict(extra="forbid"), **fields
        )


def metric(
    *,
    title: str,
    measures: str,
    range: tuple[float, float],
    source: str,
    cost: Cost,
    version: str = "1",
    direction: Direction = "higher",
    tolerance: float = TOLERANCE,
    per_factor: str = "",
    unsupervised: bool = False,
    invariances: Mapping[Invariance, float] | None = None,
    faults: tuple[str, ...] = (),
) -> Callable[[Callable[..., MetricResult]], Metric]:
    """Turn a function `(representation, *, seed, ...)` into a metric of the same name.

    Raises
    ------
    PluginError
        If the function has another signature, or a parameter without a type or a default.
    """

    def decorate(compute: Callable[..., MetricResult]) -> Metric:
        _check_signature(compute)
        return Metric(
            name=compute.__name__,
            compute=compute,
            title=title,
            measures=measures,
            range=range,
            source=source,
            cost=cost,
            version=version,
            direction=direction,
            tolerance=tolerance,
            per_factor=per_factor,
            unsupervised=unsupervised,
            invariances=invariances or {},
            faults=faults,
        )

    return decorate


def as_representation(
    latents: Any,
    codes: Any = None,
    *,
    factors: Sequence[Factor | str] | None = None,
    metrics: Iterable[Metric] = (),
) -> Representation:
    """A representation as it is, or one of latents (n, latent) and codes (n, factor).

    Raises
    ------
    RequestError
        If a representation comes with codes, or one of the metrics needs codes and there are none.
    """
    if isinstance(latents, Representation):
        if codes is not None or factors is not None:
            raise RequestError(
                "A representation has its own codes and factors: leave out the second argument."
            )
        return latents
    needing = [metric.name for metric in metrics if not metric.unsupervised]
    if codes is None and (needing or factors is not None):
        what = f"The metric {needing[0]}" if needing else "A list of factors"
        raise RequestError(f"{what} needs codes (n, factor) beside the latents: there are none.")
    return Representation.from_arrays(latents, codes, factors=factors)


def load_metric(name: str) -> Metric:
    """A metric by its registered name.

    Raises
    ------
    UnknownNameError
        For a name that nothing is registered under.
    PluginError
        For a plugin that cannot be loaded, is no metric, or bears another name.
    """
    plugin = registry.find("metric", name)
    loaded = plugin.load()
    if not isinstance(loaded, Metric):
        raise PluginError(
            f"The metric plugin {name!r} of {plugin.origin} is no metric: decorate its function "
            "with drbench.metric(...)."
        )
    if loaded.name != name:
        raise PluginError(
            f"The metric plugin {name!r} of {plugin.origin} is a function called {loaded.name!r}: "
            "the two names must be equal."
        )
    return loaded


def _signature(compute: Callable[..., MetricResult]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(compute, eval_str=True).parameters


def _check_signature(compute: Callable[..., MetricResult]) -> None:
    parameters = list(_signature(compute).values())
    keywords = {p.name: p for p in parameters[1:] if p.kind is inspect.Parameter.KEYWORD_ONLY}
    if not parameters or len(keywords) != len(parameters) - 1 or "seed" not in keywords:
        raise PluginError(
            f"The metric {compute.__name__!r} must be a function (representation, *, seed, ...): "
            "one argument, then keywords, seed among them."
        )
    for name, parameter in keywords.items():
        missing = inspect.Parameter.empty
        if name != "seed" and missing in (parameter.annotation, parameter.default):
            raise PluginError(
                f"The parameter {name!r} of the metric {compute.__name__!r} needs a type and a "
                "default value."
            )

"""From what a user asks for to a canonical RunSpec."""

from collections.abc import Mapping
from typing import Any

from drbench.errors import RequestError, UnknownNameError
from drbench.metrics.metric import load_metric
from drbench.metrics.scoring import default_metrics
from drbench.models.budget import Training
from drbench.runs.data import declared
from drbench.runs.defaults import PAIRS, SOURCE_STEPS, TARGET_STEPS
from drbench.runs.identity import canonical
from drbench.runs.spec import DataRef, RunSpec, Scoring

Settings = Mapping[str, Any]


def train_spec(
    data: DataRef,
    model: str,
    *,
    settings: Settings,
    steps: int | None,
    seed: int,
    scoring: Scoring,
) -> RunSpec:
    """The spec of training from scratch.

    Parameters
    ----------
    settings : mapping of name to value
        Hyperparameters of the model and fields of `Training`, mixed, as `--set` gives them.
    steps : int or None
        None for the published budget; of a model that does not train, for none.

    Raises
    ------
    UnknownNameError, RequestError
        For names that neither the model nor training knows, or values of the wrong type.
    """
    declared(data)  # refused before anything is prepared
    hyperparameters, training = _divided(model, settings)
    spec = RunSpec(
        data=data,
        model=model,
        hyperparameters=hyperparameters,
        training=Training(**training, steps=_budget(model, steps, SOURCE_STEPS)),
        scoring=scoring,
        seed=seed,
    )
    return canonical(spec)


def transfer_spec(
    source: RunSpec,
    data: DataRef,
    *,
    settings: Settings,
    steps: int | None,
    seed: int | None,
    scoring: Scoring,
) -> RunSpec:
    """The spec of fine-tuning a run on a target; what `settings` does not name is inherited.

    Raises
    ------
    UnknownNameError, RequestError
        As in `train_spec`.
    """
    declared(data)  # refused before anything is prepared
    hyperparameters, training = _divided(source.model, settings)
    spec = RunSpec(
        data=data,
        model=source.model,
        hyperparameters=source.hyperparameters | hyperparameters,
        training=Training(
            **{
                **source.training.model_dump(),
                **training,
                "steps": _budget(source.model, steps, TARGET_STEPS),
            }
        ),
        scoring=scoring,
        seed=source.seed if seed is None else seed,
        init=source,
    )
    return canonical(spec)


def scoring_request(
    metrics: list[str], settings: Settings, *, sample: int, pairs: int = PAIRS, factors: bool = True
) -> Scoring:
    """Which metrics are scored, from names (none: the default ones) and `ID.k=v` settings.

    `factors` says whether there are any: it decides which are the default ones.
    """
    names = metrics or default_metrics(factors=factors)
    for name in settings:
        if name not in names:
            raise RequestError(f"--set {name}.…: the metric {name!r} is not among those scored.")
    chosen: dict[str, dict[str, Any]] = {}
    for name in names:
        metric = load_metric(name)
        given = settings.get(name, {})
        complete = metric.validated(given)
        chosen[name] = {key: complete[key] for key in given}
    return Scoring(sample=sample, pairs=pairs, metrics=chosen)


def _budget(model: str, steps: int | None, published: int) -> int:
    from drbench.models.model import Trainable, load_model

    if isinstance(load_model(model), Trainable):
        return published if steps is None else steps
    if steps:
        raise RequestError(f"{model} does not train: leave the steps out, or ask for 0.")
    return 0


def _divided(model: str, settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of the model, and those of its training."""
    from drbench.models.model import load_model

    hyperparameters = load_model(model).model_dump()
    training = Training.model_fields.keys() - {"steps"}
    for name in settings:
        if name == "steps":
            raise RequestError("--set steps: use --steps.")
        if name not in hyperparameters and name not in training:
            known = [*hyperparameters, *training]
            raise UnknownNameError(
                "setting", name, known, hint=f"See `drbench models show {model}`."
            )
    return (
        {name: value for name, value in settings.items() if name in hyperparameters},
        {name: value for name, value in settings.items() if name not in hyperparameters},
    )

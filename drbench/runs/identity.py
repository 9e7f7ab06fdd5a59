"""Which runs are the same: the only place that hashes a spec.

A spec is hashed in its canonical form: completed with the defaults of model, metrics and data set,
then without all that is at its default. So a run has one key however it was asked for, and an
option that is added later, with a default, changes no key that was published.
"""

from typing import TYPE_CHECKING, Any

from drbench.files import canonical_json, sha256_text
from drbench.frozen import departures
from drbench.metrics.metric import load_metric
from drbench.models.budget import Training
from drbench.runs.data import declared, image_shape, require_size
from drbench.runs.spec import DataRef, RunSpec

if TYPE_CHECKING:
    from drbench.models.model import Encoder

_USUAL = Training(steps=0)


def canonical(spec: RunSpec) -> RunSpec:
    """The spec that stands for all that ask for the same run.

    Its hyperparameters and metric parameters are those that depart from the defaults, its data is
    cut down by nothing that cuts nothing off.

    Raises
    ------
    UnknownNameError
        If its model, a metric or a data set is not registered here.
    RequestError
        For a hyperparameter, a parameter or a level that does not exist, or a size of a target that
        is not its source's.
    MissingExtraError
        If torch, which models need, is not installed.
    """
    metrics = {
        name: _metric_departures(name, parameters)
        for name, parameters in spec.scoring.metrics.items()
    }
    if spec.init:
        require_size(spec.data, image_shape(spec.chain[0].data))
    model = _model(spec)
    return spec.model_copy(
        update={
            "data": _canonical_data(spec.data, is_target=spec.init is not None),
            "hyperparameters": departures(model),
            "training": _canonical_training(spec, model),
            "scoring": spec.scoring.model_copy(update={"metrics": metrics}),
            "init": canonical(spec.init) if spec.init else None,
        }
    )


def key(spec: RunSpec) -> str:
    """What names a run: 64 hexadecimal digits, equal for equal runs. Raises as `canonical`."""
    return stored_key(canonical(spec))


def network_key(spec: RunSpec) -> str:
    """What names a run's weights: as `key`, without what is scored. Raises as `canonical`."""
    return stored_network_key(canonical(spec))


def stored_key(spec: RunSpec) -> str:
    """`key` of a spec that is canonical already, as records hold it; needs no plugin."""
    return sha256_text(canonical_json(_content(spec)))


def stored_network_key(spec: RunSpec) -> str:
    """`network` of a spec that is canonical already, as records hold it; needs no plugin."""
    return sha256_text(canonical_json(_unscored(_content(spec))))


def stored_training_key(spec: RunSpec) -> str:
    """What the trainings of several seeds share: as `stored_network_key`, without seeds."""
    return sha256_text(canonical_json(_unseeded(_unscored(_content(spec)))))


def _content(spec: RunSpec) -> dict[str, Any]:
    content = departures(spec)
    # The metrics that are scored where none is named may become others: they are always named.
    content["scoring"] = departures(spec.scoring) | {"metrics": spec.scoring.metrics}
    if spec.init:  # how its source was scored changes nothing of a run
        content["init"] = _unscored(_content(spec.init))
    return content


def _unscored(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "scoring"}


def _unseeded(content: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in content.items() if name != "seed"}
    return kept | ({"init": _unseeded(kept["init"])} if "init" in kept else {})


def _model(spec: RunSpec) -> "Encoder":
    from drbench.models.model import load_model

    return load_model(spec.model, **spec.hyperparameters)


def _canonical_training(spec: RunSpec, model: "Encoder") -> Training:
    """Without what this model's training does not look at."""
    from drbench.models.model import Trainable

    if not isinstance(model, Trainable):
        return Training(steps=0)
    if spec.init is None and model.supervision != "images":
        return spec.training
    # No pairs are drawn.
    return spec.training.model_copy(update={"k": _USUAL.k, "distinct": _USUAL.distinct})


def _metric_departures(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    metric = load_metric(name)
    complete = metric.validated(parameters)
    return {k: value for k, value in complete.items() if value != metric.defaults[k]}


def _canonical_data(data: DataRef, *, is_target: bool) -> DataRef:
    """Without levels that keep all classes, factors that are all there are, or a given size.

    The images of a target have the size of the source's, whatever is asked for.
    """
    cut = declared(data)  # refuses levels and factors that do not exist
    uncut = data.model_copy(update={"levels": {}, "factors": None})
    whole = cut if data == uncut else declared(uncut)  # of an open set that reads its table
    sizes = {factor.name: factor.size for factor in whole.factors}
    height, width, _ = whole.image_shape
    has_this_size = data.resize == height == width
    return data.model_copy(
        update={
            "levels": {f: size for f, size in data.levels.items() if size != sizes.get(f)},
            "factors": None if data.factors == whole.factor_names else data.factors,
            "resize": None if is_target or has_this_size else data.resize,
        }
    )

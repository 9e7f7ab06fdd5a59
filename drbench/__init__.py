"""Measure how disentangled a representation is, and whether that survives real images.

Public names are imported on first use, so that importing drbench costs nothing and needs neither
torch nor scikit-learn.
"""

import importlib
from typing import TYPE_CHECKING, Any

from drbench._version import __version__

if TYPE_CHECKING:  # for type checkers: each name once more, where it is
    from drbench.data.codes import grid_codes
    from drbench.data.dataset import Dataset, load_dataset
    from drbench.data.files.stored import Contents
    from drbench.data.ground_truth import GroundTruth
    from drbench.data.source import Source
    from drbench.data.spec import DatasetSpec, Factor, RemoteFile
    from drbench.errors import DataError, DrbenchError, RequestError
    from drbench.metrics.metric import Metric, metric
    from drbench.metrics.result import MetricResult
    from drbench.metrics.scoring import score
    from drbench.models.budget import Runtime, Training
    from drbench.models.model import Batch, Encoder, Generative, Trainable, load_model
    from drbench.models.pretrained import HubWeights, WeightsFile
    from drbench.representation.representation import Interventions, Representation
    from drbench.runs.execute import execute
    from drbench.runs.record import Record
    from drbench.runs.run import Run
    from drbench.runs.spec import DataRef, RunSpec, Scoring
    from drbench.runs.train import train, transfer

_HOMES = {
    "data.codes": "grid_codes",
    "data.dataset": "Dataset load_dataset",
    "data.files.stored": "Contents",
    "data.ground_truth": "GroundTruth",
    "data.source": "Source",
    "data.spec": "DatasetSpec Factor RemoteFile",
    "errors": "DataError DrbenchError RequestError",
    "metrics.metric": "Metric metric",
    "metrics.result": "MetricResult",
    "metrics.scoring": "score",
    "models.budget": "Runtime Training",
    "models.model": "Batch Encoder Generative Trainable load_model",
    "models.pretrained": "HubWeights WeightsFile",
    "representation.representation": "Interventions Representation",
    "runs.execute": "execute",
    "runs.record": "Record",
    "runs.run": "Run",
    "runs.spec": "DataRef RunSpec Scoring",
    "runs.train": "train transfer",
}
"""Public names by the module that they are in."""
_MODULES = {name: f"drbench.{home}" for home, names in _HOMES.items() for name in names.split()}

__all__ = sorted([*_MODULES, "__version__", "list_datasets", "list_metrics", "list_models"])


def list_datasets() -> list[str]:
    """Names of the registered data sets."""
    return _names("dataset")


def list_models() -> list[str]:
    """Names of the registered models."""
    return _names("model")


def list_metrics() -> list[str]:
    """Names of the registered metrics."""
    return _names("metric")


def _names(kind: Any) -> list[str]:
    from drbench import registry

    return registry.names(kind)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'drbench' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(_MODULES[name]), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        from drbench.errors import MissingExtraError

        raise MissingExtraError("torch", extra="train") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
